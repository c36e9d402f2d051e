// The one seam to the crypto library, in our own words: hashes, HMAC, AES, PBKDF2. Objects are made
// once and reused, because making one costs more than using it. Only crypto_botan.cc knows Botan;
// its exceptions end there.
#ifndef PGSS_BASE_CRYPTO_H_
#define PGSS_BASE_CRYPTO_H_

#include <initializer_list>
#include <memory>

#include <pocketgss/bytes.h>
#include <pocketgss/result.h>
#include <pocketgss/secret.h>

#include "base/rc4.h"

namespace pocketgss::crypto {

inline constexpr size_t kMd5Size = 16;  // RFC 1320, RFC 1321, RFC 2104
inline constexpr size_t kSha1Size = 20;
inline constexpr size_t kMaxHashSize = 64;  // SHA-512
inline constexpr size_t kAesBlockSize = 16;

using Parts = std::initializer_list<ByteView>;  // hashed in order, as one message

// Hash algorithms that a certificate's signature may name (RFC 5929 4.1).
enum class HashAlgorithm : uint8_t { kSha224, kSha256, kSha384, kSha512 };

// Hashes that an HMAC is made of (RFC 3962, RFC 8009).
enum class HmacHash : uint8_t { kSha1, kSha256, kSha384 };

// Workspace holds one object of each kind for the contexts of one thread. The operations cannot
// fail, where they do not say so: the objects exist and sizes are fixed by type. They allocate
// nothing.
class Workspace {
 public:
  // Errors: kInternal (the crypto library lacks an algorithm other than MD4), kNoMemory.
  static Result<std::unique_ptr<Workspace>> create();
  ~Workspace();

  // check_md4: crypto libraries leave MD4 out (quirk C21), and only what makes a key of a password for
  // NTLM or etype 23 needs it: that asks first. Errors: kInternal, `where` = "MD4: ...".
  Result<void> check_md4() const noexcept;
  void md4(Parts, std::span<uint8_t, kMd5Size> out) noexcept;
  void md5(Parts, std::span<uint8_t, kMd5Size> out) noexcept;
  void md5(ByteView first, Parts more, std::span<uint8_t, kMd5Size> out) noexcept;
  void hmac_md5(ByteView key, Parts, std::span<uint8_t, kMd5Size> out) noexcept;

  // rc4 is one whole stream under one key, from its start.
  void rc4(ByteView key, ByteView in, MutableBytes out) noexcept;

  // What follows is Kerberos', and not there in a library without it (PGSS_KERBEROS).
  void sha1(Parts, std::span<uint8_t, kSha1Size> out) noexcept;
  // hmac writes the first bytes of the MAC, as many as `out` has: at most the size of the hash.
  void hmac(HmacHash, ByteView key, Parts, MutableBytes out) noexcept;

  // AES with a key of 16 or 32 bytes, over whole blocks. The schedules of the last keys stay, one
  // for each direction and size of key: setting a key up costs as much as encrypting three blocks.
  // aes_cbc_encrypt works in place; `chain` is the IV before and the last block after.
  void aes_cbc_encrypt(ByteView key, std::span<uint8_t, kAesBlockSize> chain,
                       MutableBytes blocks) noexcept;
  // aes_decrypt_blocks decrypts each block by itself; `out` is as long as `in` and elsewhere.
  void aes_decrypt_blocks(ByteView key, ByteView in, MutableBytes out) noexcept;
  // aes_forget overwrites the schedule of this key, where it is one of those that stayed.
  void aes_forget(ByteView key) noexcept;

  // pbkdf2 fills `out` (RFC 8018 5.2); the object is made for the call, whose cost it hardly adds
  // to. Errors: kApiMisuse (no iterations), kInternal, kNoMemory.
  Result<void> pbkdf2(HmacHash, ByteView password, ByteView salt, uint32_t iterations,
                      MutableBytes out);

 private:
  struct State;
  explicit Workspace(std::unique_ptr<State>);
  std::unique_ptr<State> state_;
};

// hash writes the digest of `in` to `out` and returns its size; the object is made for the call.
// Errors: kInternal (the crypto library lacks it), kNoMemory.
Result<size_t> hash(HashAlgorithm, ByteView in, std::span<uint8_t, kMaxHashSize> out);

// system_random_fill asks the operating system. Errors: kInternal.
Result<void> system_random_fill(MutableBytes out);

// library_version names the crypto library and its version, for `pocketgss --version`.
const char* library_version();

}  // namespace pocketgss::crypto

#endif  // PGSS_BASE_CRYPTO_H_
