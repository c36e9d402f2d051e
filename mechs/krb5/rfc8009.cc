// aes128-cts-hmac-sha256-128 and aes256-cts-hmac-sha384-192 (RFC 8009): the ciphertext is what the
// integrity check covers, so a wrong one is never decrypted.
#include "base/cursor.h"
#include "mechs/krb5/cts.h"
#include "mechs/krb5/profile.h"

namespace pocketgss::mechs::krb5 {
namespace {

constexpr FixedBytes<crypto::kAesBlockSize> kZeroIv{};

FixedBytes<4> big_endian(uint32_t value) {
  FixedBytes<4> out;
  store_u32be(out.data(), value);
  return out;
}

// Context is the second input of the key derivation, in two pieces.
struct Context {
  ByteView first, second;
};

// kdf_hmac_sha2 (RFC 8009 3): k-truncate(K1), with k the bits of `out`:
//   K1 = HMAC-SHA-2(key, 0x00000001 | label | 0x00 | context | k)
void kdf_hmac_sha2(crypto::Workspace& crypto, const Profile& profile, ByteView key, ByteView label,
                   Context context, MutableBytes out) {
  static constexpr FixedBytes<4> kCounter = {0, 0, 0, 1};
  static constexpr FixedBytes<1> kSeparator = {0};
  const FixedBytes<4> bits = big_endian(static_cast<uint32_t>(8 * out.size()));
  crypto.hmac(profile.hash, key,
              {ByteView(kCounter), label, ByteView(kSeparator), context.first, context.second,
               ByteView(bits)},
              out);
}

// RFC 8009 5: a derived key's label is the key usage and an octet.
void derive(crypto::Workspace& crypto, const Profile& profile, ByteView key, uint32_t usage,
            uint8_t octet, MutableBytes out) {
  FixedBytes<5> label;
  store_u32be(label.data(), usage);
  label[4] = octet;
  kdf_hmac_sha2(crypto, profile, key, label, {}, out);
}

// RFC 8009 5: Ke is as long as the key, Ki and Kc as half of the hash: 16 and 24 bytes, as the
// integrity check.
void derive_cipher(crypto::Workspace& crypto, const Profile& profile, ByteView key, uint32_t usage,
                   KeyBuffer ke, KeyBuffer ki) {
  derive(crypto, profile, key, usage, 0xaa, MutableBytes(ke).first(profile.key_size));
  derive(crypto, profile, key, usage, 0x55, MutableBytes(ki).first(profile.checksum_size));
}

void derive_checksum(crypto::Workspace& crypto, const Profile& profile, ByteView key,
                     uint32_t usage, KeyBuffer kc) {
  derive(crypto, profile, key, usage, 0x99, MutableBytes(kc).first(profile.checksum_size));
}

// RFC 8009 5: H = HMAC(Ki, IV | C), cut to the size of the integrity check; the ciphertext is C | H.
void integrity_check(crypto::Workspace& crypto, const Profile& profile, ByteView ki, ByteView body,
                     MutableBytes out) {
  crypto.hmac(profile.hash, ki.prefix(profile.checksum_size), {ByteView(kZeroIv), body}, out);
}

void encrypt(crypto::Workspace& crypto, const Profile& profile, ByteView ke, ByteView ki,
             MutableBytes out) {
  const MutableBytes body = out.first(out.size() - profile.checksum_size);
  cts_encrypt(crypto, ke.prefix(profile.key_size), body);
  integrity_check(crypto, profile, ki, body, out.last(profile.checksum_size));
}

bool decrypt(crypto::Workspace& crypto, const Profile& profile, ByteView ke, ByteView ki,
             ByteView ciphertext, MutableBytes out) {
  const size_t body_size = ciphertext.size() - profile.checksum_size;
  FixedBytes<kMaxChecksumSize> computed;
  const MutableBytes check = MutableBytes(computed).first(profile.checksum_size);
  integrity_check(crypto, profile, ki, ciphertext.prefix(body_size), check);
  if (!ct_equal(check, ciphertext.from(body_size))) return false;
  SecretArray<crypto::kAesBlockSize> confounder;
  cts_decrypt(crypto, ke.prefix(profile.key_size), ciphertext.prefix(body_size),
              confounder.mutable_view(), out);
  return true;
}

void checksum(crypto::Workspace& crypto, const Profile& profile, ByteView kc, uint32_t,
              Parts message, MutableBytes out) {
  crypto.hmac(profile.hash, kc.prefix(profile.checksum_size), message, out);
}

// RFC 8009 4: the base key is KDF-HMAC-SHA2(PBKDF2(passphrase, saltp, iter_count, keylength),
// "kerberos", keylength), with saltp = enctype-name | 0x00 | salt.
Result<void> string_to_key(crypto::Workspace& crypto, const Profile& profile, ByteView password,
                           ByteView salt, uint32_t iterations, MutableBytes key) {
  Bytes saltp = as_bytes(etype_name(static_cast<int32_t>(profile.etype))).to_bytes();
  saltp.push_back(0);
  append(saltp, salt);
  SecretArray<kMaxKeySize> tkey;
  const MutableBytes used = MutableBytes(tkey.mutable_view()).first(profile.key_size);
  PGSS_CHECK(crypto.pbkdf2(profile.hash, password, saltp, iterations, used));
  kdf_hmac_sha2(crypto, profile, used, as_bytes("kerberos"), {}, key);
  return {};
}

// RFC 8009 5: PRF = KDF-HMAC-SHA2(base-key, "prf", octet-string, the bits of the hash).
void prf(crypto::Workspace& crypto, const Profile& profile, ByteView key, ByteView first,
         ByteView second, MutableBytes out) {
  kdf_hmac_sha2(crypto, profile, key, as_bytes("prf"), {first, second}, out);
}

void forget(crypto::Workspace& crypto, ByteView key) {
  crypto.aes_forget(key);
}

constexpr Profile profile_of(Etype etype, ChecksumType type, uint8_t key_size,
                             uint8_t checksum_size, uint8_t prf_size, crypto::HmacHash hash) {
  return {
      .etype = etype,
      .checksum_type = type,
      .key_size = key_size,
      .confounder_size = crypto::kAesBlockSize,
      .checksum_size = checksum_size,
      .prf_size = prf_size,
      .default_iterations = 32768,
      .hash = hash,
      .derive_cipher = derive_cipher,
      .derive_checksum = derive_checksum,
      .confounder_at = 0,
      .encrypt = encrypt,
      .decrypt = decrypt,
      .checksum = checksum,
      .string_to_key = string_to_key,
      .prf = prf,
      .forget = forget,
  };
}

}  // namespace

constinit const Profile kAes128Sha256Profile =
    profile_of(Etype::kAes128CtsHmacSha256, ChecksumType::kHmacSha256Aes128, 16, 16, 32,
               crypto::HmacHash::kSha256);
constinit const Profile kAes256Sha384Profile =
    profile_of(Etype::kAes256CtsHmacSha384, ChecksumType::kHmacSha384Aes256, 32, 24, 48,
               crypto::HmacHash::kSha384);

}  // namespace pocketgss::mechs::krb5
