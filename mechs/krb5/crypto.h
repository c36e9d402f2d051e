// The cryptography of Kerberos (RFC 3961): keys, encryption, checksums, keys from passwords, the
// pseudo-random function. One set of calls for all encryption types.
#ifndef PGSS_MECHS_KRB5_CRYPTO_H_
#define PGSS_MECHS_KRB5_CRYPTO_H_

#include <iosfwd>
#include <optional>

#include <pocketgss/bytes.h>
#include <pocketgss/env.h>
#include <pocketgss/result.h>
#include <pocketgss/secret.h>

#include "base/crypto.h"
#include "mechs/krb5/iana.h"

namespace pocketgss::mechs::krb5 {

struct Profile;  // what an encryption type is made of: profile.h

using crypto::Parts;  // taken in order, as one message

inline constexpr size_t kMaxKeySize = 32;
inline constexpr size_t kMaxChecksumSize = 24;
inline constexpr size_t kMaxPrfSize = 48;

// known_etype returns the encryption type of that number, if it was built.
std::optional<Etype> known_etype(int32_t number);

// What RFC 3961 5.3 calls the parameters of an encryption type, in bytes.
size_t key_size(Etype);
size_t checksum_size(Etype);
size_t prf_size(Etype);
// The mandatory checksum type, the only keyed one of each.
ChecksumType checksum_type(Etype);
// ciphertext_size is exact: confounder, plaintext and integrity check; nothing is padded.
size_t ciphertext_size(Etype, size_t plaintext_size);
// plaintext_size is the reverse; nothing where no ciphertext has that size.
std::optional<size_t> plaintext_size(Etype, size_t ciphertext_size);
// default_iterations is what a KDC means that names no count (RFC 3962 4, RFC 8009 4); 0 for etype
// 23, which has none.
uint32_t default_iterations(Etype);

// Key is a protocol key with its encryption type, in place. It moves and does not copy, is wiped
// when it goes, and prints "<secret>". What was moved from may only be assigned to or go.
class Key {
 public:
  // Errors: kPeerIncompatible (an etype that is unknown), kMalformed (not the size of its keys).
  static Result<Key> create(int32_t etype, ByteView content);
  // Errors: those of the random source.
  static Result<Key> random(Etype, RandomSource&);

  Key(Key&&) noexcept = default;
  Key& operator=(Key&&) noexcept = default;

  Key clone() const;
  Etype etype() const;
  ByteView view() const;
  const Profile& profile() const { return *profile_; }

 private:
  explicit Key(const Profile& profile) : profile_(&profile) {}

  const Profile* profile_;
  SecretArray<kMaxKeySize> bytes_;  // zeros behind the key
};
std::ostream& operator<<(std::ostream&, const Key&);
// same_key compares in constant time; the etype is no secret.
bool same_key(const Key&, const Key&);

// The calls below allocate nothing (string_to_key apart), and a `Workspace` outlives what is made
// with it.

// CipherKey is a key made ready to encrypt and decrypt under one usage: its Ke and Ki (RFC 3961
// 5.3) are derived once, some 100 bytes. The AES key schedule stays in the workspace as long as no
// other key comes in between, and no longer than this object.
class CipherKey {
 public:
  CipherKey(crypto::Workspace&, const Key&, KeyUsage) noexcept;
  CipherKey(CipherKey&&) noexcept;
  CipherKey& operator=(CipherKey&&) noexcept;
  ~CipherKey();

  Etype etype() const;

  // encrypt writes confounder, plaintext and integrity check as the etype has them, to exactly
  // ciphertext_size() bytes, which the plaintext must not overlap. The random source gives the
  // confounder; for many messages a RandomPool (base/random_pool.h) is several times faster.
  // Errors: kApiMisuse (size of `out`), those of the random source; nothing of the plaintext is in
  // `out` then.
  Result<void> encrypt(RandomSource&, Parts plaintext, MutableBytes out) const;

  // decrypt checks the integrity and writes the plaintext to the front of `out`, which has at least
  // plaintext_size() bytes and may begin where the ciphertext begins, but not overlap it
  // otherwise. Returns the size of the plaintext. Errors: kAuthFailed, for whatever is wrong with
  // the ciphertext, its size included; kApiMisuse (`out` too small). Nothing is left in `out` then.
  Result<size_t> decrypt(ByteView ciphertext, MutableBytes out) const;

 private:
  void forget(ByteView key) noexcept;

  crypto::Workspace* crypto_;
  const Profile* profile_;
  SecretArray<kMaxKeySize> ke_;
  SecretArray<kMaxKeySize> ki_;  // of etype 23: K1, which both are made of for each message
};

// ChecksumKey is a key made ready for checksums under one usage: its Kc (RFC 3961 5.4).
class ChecksumKey {
 public:
  ChecksumKey(crypto::Workspace&, const Key&, KeyUsage) noexcept;
  ChecksumKey(ChecksumKey&&) noexcept = default;
  ChecksumKey& operator=(ChecksumKey&&) noexcept = default;

  Etype etype() const;

  // make writes checksum_size() bytes. Errors: kApiMisuse (`out` too small).
  Result<size_t> make(Parts message, MutableBytes out) const;
  // verify compares in constant time. Errors: kAuthFailed (wrong, or of the wrong size).
  Result<void> verify(Parts message, ByteView checksum) const;

 private:
  crypto::Workspace* crypto_;
  const Profile* profile_;
  uint32_t usage_;               // etype 23 hashes it with the message
  SecretArray<kMaxKeySize> kc_;  // of etype 23: Ksign
};

// The same for one message: the derived keys are gone after it.
Result<void> encrypt(crypto::Workspace&, RandomSource&, const Key&, KeyUsage, Parts plaintext,
                     MutableBytes out);
Result<size_t> decrypt(crypto::Workspace&, const Key&, KeyUsage, ByteView ciphertext,
                       MutableBytes out);
Result<size_t> checksum(crypto::Workspace&, const Key&, KeyUsage, Parts message, MutableBytes out);
// verify_checksum also refuses a cksumtype that is not the key's own: kPeerMisbehaved. Unkeyed
// checksums so never pass.
Result<void> verify_checksum(crypto::Workspace&, const Key&, KeyUsage, int32_t cksumtype,
                             Parts message, ByteView checksum);

// string_to_key makes the key of a password (RFC 3962 4, RFC 8009 4, RFC 4757 2). The password is
// UTF-8, as it is; the salt may be any bytes; both are ignored as far as the etype has no use for
// them. Time grows with `iterations`, at least 1, which the caller bounds. Errors: kApiMisuse (0
// iterations), kMalformed (etype 23: the password is not UTF-8), kNoMemory, kInternal.
Result<Key> string_to_key(crypto::Workspace&, Etype, ByteView password, ByteView salt,
                          uint32_t iterations);

// prf is the pseudo-random function of the etype (RFC 3961 3, RFC 3962 6, RFC 8009 5); writes
// prf_size() bytes. It is what gss_pseudo_random() is made of, and what published vectors prove.
// Errors: kApiMisuse (`out` too small).
Result<size_t> prf(crypto::Workspace&, const Key&, ByteView input, MutableBytes out);

// gss_pseudo_random fills `out` as GSS_Pseudo_random of Kerberos does (RFC 7802 2):
//   PRF+(K, L, S) = truncate(L, T0 || T1 || ...), Tn = prf(K, n || S), n in four bytes
void gss_pseudo_random(crypto::Workspace&, const Key&, ByteView input, MutableBytes out) noexcept;

}  // namespace pocketgss::mechs::krb5

#endif  // PGSS_MECHS_KRB5_CRYPTO_H_
