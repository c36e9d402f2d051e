// What one encryption type is made of (RFC 3961 3, 4). crypto.cc checks sizes and calls these.
#ifndef PGSS_MECHS_KRB5_PROFILE_H_
#define PGSS_MECHS_KRB5_PROFILE_H_

#include "mechs/krb5/crypto.h"

namespace pocketgss::mechs::krb5 {

using KeyBuffer = std::span<uint8_t, kMaxKeySize>;

// The functions cannot fail: sizes are checked before. Derived keys stand at the front of their
// buffers, whose rest is zeros.
struct Profile {
  Etype etype;
  ChecksumType checksum_type;
  uint8_t key_size;
  uint8_t confounder_size;
  uint8_t checksum_size;  // of the integrity check of a ciphertext too
  uint8_t prf_size;
  uint32_t default_iterations;
  crypto::HmacHash hash;

  void (*derive_cipher)(crypto::Workspace&, const Profile&, ByteView key, uint32_t usage,
                        KeyBuffer ke, KeyBuffer ki);
  void (*derive_checksum)(crypto::Workspace&, const Profile&, ByteView key, uint32_t usage,
                          KeyBuffer kc);

  // encrypt finds the confounder at this place in `out`, and the plaintext behind it.
  size_t confounder_at;
  void (*encrypt)(crypto::Workspace&, const Profile&, ByteView ke, ByteView ki, MutableBytes out);
  // decrypt writes the plaintext to the whole of `out`, and says whether the integrity check is
  // right. `out` may begin where the ciphertext begins.
  bool (*decrypt)(crypto::Workspace&, const Profile&, ByteView ke, ByteView ki, ByteView ciphertext,
                  MutableBytes out);
  void (*checksum)(crypto::Workspace&, const Profile&, ByteView kc, uint32_t usage, Parts message,
                   MutableBytes out);

  Result<void> (*string_to_key)(crypto::Workspace&, const Profile&, ByteView password,
                                ByteView salt, uint32_t iterations, MutableBytes key);
  // prf of first || second.
  void (*prf)(crypto::Workspace&, const Profile&, ByteView key, ByteView first, ByteView second,
              MutableBytes out);
  // forget removes what the workspace keeps of a key.
  void (*forget)(crypto::Workspace&, ByteView key);
};

// overhead of a ciphertext over its plaintext.
constexpr size_t overhead(const Profile& profile) {
  return size_t{profile.confounder_size} + profile.checksum_size;
}

extern const Profile kAes128Sha1Profile, kAes256Sha1Profile;      // rfc3962.cc
extern const Profile kAes128Sha256Profile, kAes256Sha384Profile;  // rfc8009.cc
#ifdef PGSS_RC4_HMAC
extern const Profile kRc4HmacProfile;  // rfc4757.cc
#endif

}  // namespace pocketgss::mechs::krb5

#endif  // PGSS_MECHS_KRB5_PROFILE_H_
