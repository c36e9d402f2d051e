// Keys and the calls for all encryption types: which profile, and whether sizes fit.
#include "mechs/krb5/crypto.h"

#include <algorithm>
#include <ostream>

#include "base/cursor.h"
#include "mechs/krb5/profile.h"

namespace pocketgss::mechs::krb5 {
namespace {

const Profile* find_profile(int32_t number) {
  switch (static_cast<Etype>(number)) {
    case Etype::kAes128CtsHmacSha1:
      return &kAes128Sha1Profile;
    case Etype::kAes256CtsHmacSha1:
      return &kAes256Sha1Profile;
    case Etype::kAes128CtsHmacSha256:
      return &kAes128Sha256Profile;
    case Etype::kAes256CtsHmacSha384:
      return &kAes256Sha384Profile;
    case Etype::kRc4Hmac:
#ifdef PGSS_RC4_HMAC
      return &kRc4HmacProfile;
#else
      return nullptr;
#endif
  }
  return nullptr;
}

// Of an Etype whose number did not come from known_etype(): a bug of the caller's.
const Profile& profile_of(Etype etype) {
  const Profile* const profile = find_profile(static_cast<int32_t>(etype));
  if (profile == nullptr) std::abort();
  return *profile;
}

Error too_small() {
  return Error{Errc::kApiMisuse, "size of the output", 0, 0};
}

}  // namespace

std::optional<Etype> known_etype(int32_t number) {
  const Profile* const profile = find_profile(number);
  if (profile == nullptr) return std::nullopt;
  return profile->etype;
}

size_t key_size(Etype etype) {
  return profile_of(etype).key_size;
}
size_t checksum_size(Etype etype) {
  return profile_of(etype).checksum_size;
}
size_t prf_size(Etype etype) {
  return profile_of(etype).prf_size;
}
ChecksumType checksum_type(Etype etype) {
  return profile_of(etype).checksum_type;
}
uint32_t default_iterations(Etype etype) {
  return profile_of(etype).default_iterations;
}

size_t ciphertext_size(Etype etype, size_t plaintext_size) {
  return plaintext_size + overhead(profile_of(etype));
}
std::optional<size_t> plaintext_size(Etype etype, size_t ciphertext_size) {
  const size_t more = overhead(profile_of(etype));
  if (ciphertext_size < more) return std::nullopt;
  return ciphertext_size - more;
}

// --- Keys ---

Result<Key> Key::create(int32_t etype, ByteView content) {
  const Profile* const profile = find_profile(etype);
  if (profile == nullptr) {
    return Error{Errc::kPeerIncompatible, "EncryptionKey.keytype", 0, 0};
  }
  if (content.size() != profile->key_size) {
    return Error{Errc::kMalformed, "EncryptionKey.keyvalue", 0, 0};
  }
  Key key(*profile);
  std::copy(content.begin(), content.end(), key.bytes_.mutable_view().begin());
  return key;
}

// Any bytes are a key: random-to-key is the identity for all of these (RFC 3962 6, RFC 8009 5).
Result<Key> Key::random(Etype etype, RandomSource& random) {
  Key key(profile_of(etype));
  PGSS_CHECK(random.fill(MutableBytes(key.bytes_.mutable_view()).first(key.profile_->key_size)));
  return key;
}

Key Key::clone() const {
  Key key(*profile_);
  key.bytes_ = SecretArray<kMaxKeySize>(bytes_.view());
  return key;
}

Etype Key::etype() const {
  return profile_->etype;
}
ByteView Key::view() const {
  return ByteView(bytes_.view()).prefix(profile_->key_size);
}

std::ostream& operator<<(std::ostream& out, const Key&) {
  return out << SecretBytes();
}

bool same_key(const Key& a, const Key& b) {
  return a.etype() == b.etype() && ct_equal(a.view(), b.view());
}

// --- Encryption ---

CipherKey::CipherKey(crypto::Workspace& crypto, const Key& key, KeyUsage usage) noexcept
    : crypto_(&crypto), profile_(&key.profile()) {
  profile_->derive_cipher(crypto, *profile_, key.view(), static_cast<uint32_t>(usage),
                          ke_.mutable_view(), ki_.mutable_view());
  // Deriving leaves the schedule of the key that was derived from.
  forget(key.view());
}

CipherKey::CipherKey(CipherKey&& other) noexcept
    : crypto_(std::exchange(other.crypto_, nullptr)),
      profile_(other.profile_),
      ke_(std::move(other.ke_)),
      ki_(std::move(other.ki_)) {}

CipherKey& CipherKey::operator=(CipherKey&& other) noexcept {
  if (this != &other) {
    forget(ke_.view());
    crypto_ = std::exchange(other.crypto_, nullptr);
    profile_ = other.profile_;
    ke_ = std::move(other.ke_);
    ki_ = std::move(other.ki_);
  }
  return *this;
}

CipherKey::~CipherKey() {
  forget(ke_.view());
}

void CipherKey::forget(ByteView key) noexcept {
  if (crypto_ != nullptr) profile_->forget(*crypto_, key.prefix(profile_->key_size));
}

Etype CipherKey::etype() const {
  return profile_->etype;
}

Result<void> CipherKey::encrypt(RandomSource& random, Parts plaintext, MutableBytes out) const {
  size_t size = overhead(*profile_);
  for (const ByteView part : plaintext) size += part.size();
  if (out.size() != size) return too_small();
  PGSS_CHECK(random.fill(out.subspan(profile_->confounder_at, profile_->confounder_size)));
  auto at = out.begin() +
            static_cast<std::ptrdiff_t>(profile_->confounder_at + profile_->confounder_size);
  for (const ByteView part : plaintext) at = std::copy(part.begin(), part.end(), at);
  profile_->encrypt(*crypto_, *profile_, ke_.view(), ki_.view(), out);
  return {};
}

Result<size_t> CipherKey::decrypt(ByteView ciphertext, MutableBytes out) const {
  const Error refused{Errc::kAuthFailed, "EncryptedData.cipher", 0, 0};
  if (ciphertext.size() < overhead(*profile_)) return refused;
  const size_t size = ciphertext.size() - overhead(*profile_);
  if (out.size() < size) return too_small();
  const MutableBytes plaintext = out.first(size);
  if (!profile_->decrypt(*crypto_, *profile_, ke_.view(), ki_.view(), ciphertext, plaintext)) {
    secure_wipe(plaintext);
    return refused;
  }
  return size;
}

// --- Checksums ---

ChecksumKey::ChecksumKey(crypto::Workspace& crypto, const Key& key, KeyUsage usage) noexcept
    : crypto_(&crypto), profile_(&key.profile()), usage_(static_cast<uint32_t>(usage)) {
  profile_->derive_checksum(crypto, *profile_, key.view(), usage_, kc_.mutable_view());
  profile_->forget(crypto, key.view());
}

Etype ChecksumKey::etype() const {
  return profile_->etype;
}

Result<size_t> ChecksumKey::make(Parts message, MutableBytes out) const {
  const size_t size = profile_->checksum_size;
  if (out.size() < size) return too_small();
  profile_->checksum(*crypto_, *profile_, kc_.view(), usage_, message, out.first(size));
  return size;
}

Result<void> ChecksumKey::verify(Parts message, ByteView checksum) const {
  FixedBytes<kMaxChecksumSize> buffer;
  const MutableBytes computed = MutableBytes(buffer).first(profile_->checksum_size);
  profile_->checksum(*crypto_, *profile_, kc_.view(), usage_, message, computed);
  if (!ct_equal(computed, checksum)) {
    return Error{Errc::kAuthFailed, "Checksum.checksum", 0, 0};
  }
  return {};
}

// --- One message ---

Result<void> encrypt(crypto::Workspace& crypto, RandomSource& random, const Key& key,
                     KeyUsage usage, Parts plaintext, MutableBytes out) {
  return CipherKey(crypto, key, usage).encrypt(random, plaintext, out);
}

Result<size_t> decrypt(crypto::Workspace& crypto, const Key& key, KeyUsage usage,
                       ByteView ciphertext, MutableBytes out) {
  return CipherKey(crypto, key, usage).decrypt(ciphertext, out);
}

Result<size_t> checksum(crypto::Workspace& crypto, const Key& key, KeyUsage usage, Parts message,
                        MutableBytes out) {
  return ChecksumKey(crypto, key, usage).make(message, out);
}

Result<void> verify_checksum(crypto::Workspace& crypto, const Key& key, KeyUsage usage,
                             int32_t cksumtype, Parts message, ByteView checksum) {
  if (cksumtype != static_cast<int32_t>(key.profile().checksum_type)) {
    return Error{Errc::kPeerMisbehaved, "Checksum.cksumtype", 0, 0};
  }
  return ChecksumKey(crypto, key, usage).verify(message, checksum);
}

// --- Keys from passwords, and pseudo-random bytes ---

Result<Key> string_to_key(crypto::Workspace& crypto, Etype etype, ByteView password, ByteView salt,
                          uint32_t iterations) {
  const Profile& profile = profile_of(etype);
  SecretArray<kMaxKeySize> content;
  const MutableBytes key = MutableBytes(content.mutable_view()).first(profile.key_size);
  PGSS_CHECK(profile.string_to_key(crypto, profile, password, salt, iterations, key));
  return Key::create(static_cast<int32_t>(etype), key);
}

Result<size_t> prf(crypto::Workspace& crypto, const Key& key, ByteView input, MutableBytes out) {
  const Profile& profile = key.profile();
  if (out.size() < profile.prf_size) return too_small();
  profile.prf(crypto, profile, key.view(), input, {}, out.first(profile.prf_size));
  profile.forget(crypto, key.view());
  return size_t{profile.prf_size};
}

void gss_pseudo_random(crypto::Workspace& crypto, const Key& key, ByteView input,
                       MutableBytes out) noexcept {
  const Profile& profile = key.profile();
  SecretArray<kMaxPrfSize> buffer;
  const MutableBytes block = MutableBytes(buffer.mutable_view()).first(profile.prf_size);
  for (uint32_t n = 0; !out.empty(); ++n) {
    FixedBytes<4> count;
    store_u32be(count.data(), n);
    profile.prf(crypto, profile, key.view(), ByteView(count), input, block);
    const size_t size = std::min(block.size(), out.size());
    std::copy_n(block.begin(), size, out.begin());
    out = out.subspan(size);
  }
  profile.forget(crypto, key.view());
}

}  // namespace pocketgss::mechs::krb5
