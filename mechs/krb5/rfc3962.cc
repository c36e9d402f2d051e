// aes128-cts-hmac-sha1-96 and aes256-cts-hmac-sha1-96 (RFC 3962): the simplified profile of RFC 3961
// 5.3 with AES.
#include "mechs/krb5/cts.h"
#include "mechs/krb5/nfold.h"
#include "mechs/krb5/profile.h"

namespace pocketgss::mechs::krb5 {
namespace {

constexpr size_t kBlock = crypto::kAesBlockSize;

// dk (RFC 3961 5.1): DR and random-to-key, which changes nothing (RFC 3962 6). The constant is
// folded:
//   K1 = E(Key, n-fold(Constant)), K2 = E(Key, K1); DR = K1 | K2, as much as a key has
void dk(crypto::Workspace& crypto, ByteView key, FixedView<kBlock> constant, MutableBytes out) {
  ByteView previous = constant;
  for (size_t at = 0; at < out.size(); at += kBlock) {
    FixedBytes<kBlock> zeros{};
    const MutableBytes block = out.subspan(at, kBlock);
    std::copy(previous.begin(), previous.end(), block.begin());
    crypto.aes_cbc_encrypt(key, zeros, block);
    previous = block;
  }
}

// RFC 3961 5.3: Ke = DK(key, usage | 0xAA), Ki = DK(key, usage | 0x55).
void derive_cipher(crypto::Workspace& crypto, const Profile& profile, ByteView key, uint32_t usage,
                   KeyBuffer ke, KeyBuffer ki) {
  dk(crypto, key, n_fold_usage(usage, 0xaa), MutableBytes(ke).first(profile.key_size));
  dk(crypto, key, n_fold_usage(usage, 0x55), MutableBytes(ki).first(profile.key_size));
}

// RFC 3961 5.4: Kc = DK(key, usage | 0x99).
void derive_checksum(crypto::Workspace& crypto, const Profile& profile, ByteView key,
                     uint32_t usage, KeyBuffer kc) {
  dk(crypto, key, n_fold_usage(usage, 0x99), MutableBytes(kc).first(profile.key_size));
}

// RFC 3961 5.3: the integrity check covers confounder and plaintext, before encryption.
void encrypt(crypto::Workspace& crypto, const Profile& profile, ByteView ke, ByteView ki,
             MutableBytes out) {
  const MutableBytes body = out.first(out.size() - profile.checksum_size);
  crypto.hmac(profile.hash, ki.prefix(profile.key_size), {body}, out.last(profile.checksum_size));
  cts_encrypt(crypto, ke.prefix(profile.key_size), body);
}

bool decrypt(crypto::Workspace& crypto, const Profile& profile, ByteView ke, ByteView ki,
             ByteView ciphertext, MutableBytes out) {
  const size_t body_size = ciphertext.size() - profile.checksum_size;
  SecretArray<kBlock> confounder;
  cts_decrypt(crypto, ke.prefix(profile.key_size), ciphertext.prefix(body_size),
              confounder.mutable_view(), out);
  FixedBytes<kMaxChecksumSize> computed;
  const MutableBytes check = MutableBytes(computed).first(profile.checksum_size);
  crypto.hmac(profile.hash, ki.prefix(profile.key_size), {confounder.view(), out}, check);
  return ct_equal(check, ciphertext.from(body_size));
}

void checksum(crypto::Workspace& crypto, const Profile& profile, ByteView kc, uint32_t,
              Parts message, MutableBytes out) {
  crypto.hmac(profile.hash, kc.prefix(profile.key_size), message, out);
}

constexpr auto kKerberosConstant = [] {
  FixedBytes<kBlock> folded{};
  n_fold(FixedBytes<8>{'k', 'e', 'r', 'b', 'e', 'r', 'o', 's'}, folded);
  return folded;
}();
constexpr auto kPrfConstant = [] {
  FixedBytes<kBlock> folded{};
  n_fold(FixedBytes<3>{'p', 'r', 'f'}, folded);
  return folded;
}();

// RFC 3962 4: DK(random2key(PBKDF2(passphrase, salt, iter_count, keylength)), "kerberos").
Result<void> string_to_key(crypto::Workspace& crypto, const Profile& profile, ByteView password,
                           ByteView salt, uint32_t iterations, MutableBytes key) {
  SecretArray<kMaxKeySize> tkey;
  const MutableBytes used = MutableBytes(tkey.mutable_view()).first(profile.key_size);
  PGSS_CHECK(crypto.pbkdf2(profile.hash, password, salt, iterations, used));
  dk(crypto, used, kKerberosConstant, key);
  crypto.aes_forget(used);
  return {};
}

// RFC 3961 5.3: PRF = E(DK(protocol-key, "prf"), tmp), with tmp = H(octet-string) cut to a multiple
// of the block, which here is one block.
void prf(crypto::Workspace& crypto, const Profile& profile, ByteView key, ByteView first,
         ByteView second, MutableBytes out) {
  SecretArray<kMaxKeySize> derived;
  const MutableBytes used = MutableBytes(derived.mutable_view()).first(profile.key_size);
  dk(crypto, key, kPrfConstant, used);
  FixedBytes<crypto::kSha1Size> digest;
  crypto.sha1({first, second}, digest);
  std::copy_n(digest.begin(), kBlock, out.begin());
  FixedBytes<kBlock> zeros{};
  crypto.aes_cbc_encrypt(used, zeros, out.first(kBlock));
  crypto.aes_forget(used);
}

void forget(crypto::Workspace& crypto, ByteView key) {
  crypto.aes_forget(key);
}

constexpr Profile profile_of(Etype etype, ChecksumType type, uint8_t key_size) {
  return {
      .etype = etype,
      .checksum_type = type,
      .key_size = key_size,
      .confounder_size = kBlock,
      .checksum_size = 12,
      .prf_size = kBlock,
      .default_iterations = 4096,
      .hash = crypto::HmacHash::kSha1,
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

constinit const Profile kAes128Sha1Profile =
    profile_of(Etype::kAes128CtsHmacSha1, ChecksumType::kHmacSha1Aes128, 16);
constinit const Profile kAes256Sha1Profile =
    profile_of(Etype::kAes256CtsHmacSha1, ChecksumType::kHmacSha1Aes256, 32);

}  // namespace pocketgss::mechs::krb5
