// rc4-hmac (RFC 4757), for peers that have nothing better. Left out altogether where PGSS_RC4_HMAC
// is off; policy row P10 says when it is used.
#include "base/cursor.h"
#include "base/rc4.h"
#include "base/utf16.h"
#include "mechs/krb5/profile.h"

namespace pocketgss::mechs::krb5 {
namespace {

constexpr size_t kSize = crypto::kMd5Size;  // of keys and of checksums
constexpr size_t kConfounderSize = 8;

std::span<uint8_t, kSize> front(KeyBuffer buffer) {
  return buffer.first<kSize>();
}

// RFC 4757 3: T, the usage in Microsoft's numbers, little-endian. Two differ from RFC 4120 7.5.1.
// RFC 4757 has 8 for usage 9 too, but Windows uses 9 (quirk D11).
FixedBytes<4> message_type(uint32_t usage) {
  switch (static_cast<KeyUsage>(usage)) {
    case KeyUsage::kAsRepEncPart:
      usage = 8;
      break;
    case KeyUsage::kAcceptorSign:
      usage = 13;
      break;
    default:
      break;
  }
  FixedBytes<4> out;
  store_u32le(out.data(), usage);
  return out;
}

// RFC 4757 5: K1 = HMAC(K, T); K2 = K1. K3, which encrypts, depends on the message.
void derive_cipher(crypto::Workspace& crypto, const Profile&, ByteView key, uint32_t usage,
                   KeyBuffer, KeyBuffer ki) {
  crypto.hmac_md5(key, {ByteView(message_type(usage))}, front(ki));
}

// RFC 4757 4: Ksign = HMAC(K, "signaturekey"), with the zero octet at its end.
void derive_checksum(crypto::Workspace& crypto, const Profile&, ByteView key, uint32_t,
                     KeyBuffer kc) {
  crypto.hmac_md5(key, {as_bytes(std::string_view("signaturekey", 13))}, front(kc));
}

// RFC 4757 5: K3 = HMAC(K1, Checksum); the data are RC4(K3, confounder | plaintext).
struct K3 : SecretArray<kSize> {
  K3(crypto::Workspace& crypto, ByteView k1, ByteView checksum) {
    crypto.hmac_md5(k1, {checksum}, mutable_view());
  }
};

void encrypt(crypto::Workspace& crypto, const Profile&, ByteView, ByteView ki, MutableBytes out) {
  const ByteView k1 = ki.prefix(kSize);
  const std::span<uint8_t, kSize> check = out.first<kSize>();
  const MutableBytes body = out.subspan(kSize);
  crypto.hmac_md5(k1, {body}, check);
  const K3 k3(crypto, k1, ByteView(check));
  crypto::Rc4(k3.view()).apply(body, body);
}

bool decrypt(crypto::Workspace& crypto, const Profile&, ByteView, ByteView ki, ByteView ciphertext,
             MutableBytes out) {
  const ByteView k1 = ki.prefix(kSize);
  FixedBytes<kSize> check, computed;
  std::copy_n(ciphertext.begin(), kSize, check.begin());
  const K3 k3(crypto, k1, check);
  crypto::Rc4 rc4(k3.view());
  SecretArray<kConfounderSize> confounder;
  rc4.apply(ciphertext.sub(kSize, kConfounderSize), confounder.mutable_view());
  // `out` may begin where the ciphertext does.
  const ByteView body = ciphertext.from(kSize + kConfounderSize);
  std::copy(body.begin(), body.end(), out.begin());
  rc4.apply(out, out);
  crypto.hmac_md5(k1, {confounder.view(), out}, computed);
  return ct_equal(check, computed);
}

// RFC 4757 4: HMAC(Ksign, MD5(T | message)).
void checksum(crypto::Workspace& crypto, const Profile&, ByteView kc, uint32_t usage, Parts message,
              MutableBytes out) {
  FixedBytes<kSize> digest;
  crypto.md5(message_type(usage), message, digest);
  crypto.hmac_md5(kc.prefix(kSize), {ByteView(digest)}, out.first<kSize>());
}

// RFC 4757 2: MD4 of the password in UTF-16LE, which is NTOWFv1 ([MS-NLMP] 3.3.1).
Result<void> string_to_key(crypto::Workspace& crypto, const Profile&, ByteView password, ByteView,
                           uint32_t, MutableBytes key) {
  PGSS_CHECK(crypto.check_md4());
  PGSS_TRY(const SecretBytes utf16, password_to_utf16le(password, "password"));
  crypto.md4({utf16.view()}, key.first<kSize>());
  return {};
}

// HMAC-SHA1(K, octet-string): no document says so, but all implementations do (RFC 6113 appendix A
// has values that were made with it).
void prf(crypto::Workspace& crypto, const Profile&, ByteView key, ByteView first, ByteView second,
         MutableBytes out) {
  crypto.hmac(crypto::HmacHash::kSha1, key, {first, second}, out);
}

// Nothing of a key stays with RC4 and MD5.
void forget(crypto::Workspace&, ByteView) {}

}  // namespace

constinit const Profile kRc4HmacProfile = {
    .etype = Etype::kRc4Hmac,
    .checksum_type = ChecksumType::kHmacMd5,
    .key_size = kSize,
    .confounder_size = kConfounderSize,
    .checksum_size = kSize,
    .prf_size = crypto::kSha1Size,
    .default_iterations = 0,
    .hash = crypto::HmacHash::kSha1,
    .derive_cipher = derive_cipher,
    .derive_checksum = derive_checksum,
    .confounder_at = kSize,
    .encrypt = encrypt,
    .decrypt = decrypt,
    .checksum = checksum,
    .string_to_key = string_to_key,
    .prf = prf,
    .forget = forget,
};

}  // namespace pocketgss::mechs::krb5
