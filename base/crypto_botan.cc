// crypto.h over Botan, 2.19 or 3.x: the only file of the library that includes its headers.
#include "base/crypto.h"

#ifdef PGSS_KERBEROS
#include <botan/block_cipher.h>
#include <botan/pwdhash.h>
#endif
#include <botan/build.h>
#include <botan/hash.h>
#ifdef BOTAN_HAS_SYSTEM_RNG
#include <botan/system_rng.h>
#endif
#include <botan/version.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>

#include "base/guard.h"

namespace pocketgss::crypto {
namespace {

// RFC 2104: B, the block of MD5, SHA-1 and SHA-256.
constexpr size_t kHashBlockSize = 64;

void update(Botan::Buffered_Computation& computation, Parts parts) {
  for (const ByteView part : parts) computation.update(part.data(), part.size());
}

constexpr const char* kHashNames[] = {"SHA-224", "SHA-256", "SHA-384", "SHA-512"};  // HashAlgorithm

// make_hash returns null where the crypto library has none of that name.
std::unique_ptr<Botan::HashFunction> make_hash(const char* name) {
  return Botan::HashFunction::create(name);
}

#ifdef PGSS_KERBEROS

constexpr size_t kWideHashBlockSize = 128;  // of SHA-384
constexpr size_t kMaxAesKeySize = 32;

// xor_block: out ^= in, over one block.
void xor_block(uint8_t* out, const uint8_t* in) {
  for (size_t i = 0; i < kAesBlockSize; ++i) out[i] ^= in[i];
}

// KeyedAes is a cipher with the key that it has. It always has one, so that setting the next
// allocates nothing.
struct KeyedAes {
  explicit KeyedAes(const char* name)
      : cipher(Botan::BlockCipher::create_or_throw(name)), key_size(cipher->maximum_keylength()) {
    cipher->set_key(key.view().data(), key_size);
  }

  bool has(ByteView wanted) const {
    return ct_equal(wanted, ByteView(key.view()).prefix(key_size));
  }
  const Botan::BlockCipher& with(ByteView wanted) {
    if (!has(wanted)) {
      cipher->set_key(wanted.data(), wanted.size());
      std::copy(wanted.begin(), wanted.end(), key.mutable_view().begin());
    }
    return *cipher;
  }
  void forget(ByteView unwanted) {
    static constexpr FixedBytes<kMaxAesKeySize> kZeros{};
    if (has(unwanted)) with(ByteView(kZeros).prefix(key_size));
  }

  std::unique_ptr<Botan::BlockCipher> cipher;
  size_t key_size;
  SecretArray<kMaxAesKeySize> key;  // zeros behind a short one
};

// AesPair: one object for each size of key.
struct AesPair {
  KeyedAes short_key{"AES-128"}, long_key{"AES-256"};
  KeyedAes& of(ByteView key) { return key.size() == kMaxAesKeySize ? long_key : short_key; }
};

// KerberosObjects are those that Kerberos alone needs.
struct KerberosObjects {
  std::unique_ptr<Botan::HashFunction> sha1 = Botan::HashFunction::create_or_throw("SHA-1");
  std::unique_ptr<Botan::HashFunction> sha256 = Botan::HashFunction::create_or_throw("SHA-256");
  std::unique_ptr<Botan::HashFunction> sha384 = Botan::HashFunction::create_or_throw("SHA-384");
  AesPair encrypting, decrypting;

  Botan::HashFunction& of(HmacHash hash) {
    switch (hash) {
      case HmacHash::kSha1:
        return *sha1;
      case HmacHash::kSha256:
        return *sha256;
      case HmacHash::kSha384:
        return *sha384;
    }
    std::abort();
  }
};

#endif  // PGSS_KERBEROS

}  // namespace

struct Workspace::State {
  std::unique_ptr<Botan::HashFunction> md4 = make_hash("MD4");  // or null
  std::unique_ptr<Botan::HashFunction> md5 = make_hash("MD5");
#ifdef PGSS_KERBEROS
  KerberosObjects kerberos;
#endif
};

Workspace::Workspace(std::unique_ptr<State> state) : state_(std::move(state)) {}
Workspace::~Workspace() = default;

Result<std::unique_ptr<Workspace>> Workspace::create() {
  return guarded("crypto::Workspace", []() -> Result<std::unique_ptr<Workspace>> {
    auto state = std::make_unique<State>();
    if (state->md5 == nullptr) return Error{Errc::kInternal, "crypto::Workspace", 0, 0};
    return std::unique_ptr<Workspace>(new Workspace(std::move(state)));
  });
}

Result<void> Workspace::check_md4() const noexcept {
  if (state_->md4 == nullptr)
    return Error{Errc::kInternal, "MD4: the crypto library was built without it", 0, 0};
  return {};
}

void Workspace::md4(Parts parts, std::span<uint8_t, kMd5Size> out) noexcept {
  update(*state_->md4, parts);
  state_->md4->final(out.data());
}

void Workspace::md5(Parts parts, std::span<uint8_t, kMd5Size> out) noexcept {
  update(*state_->md5, parts);
  state_->md5->final(out.data());
}

void Workspace::md5(ByteView first, Parts more, std::span<uint8_t, kMd5Size> out) noexcept {
  state_->md5->update(first.data(), first.size());
  md5(more, out);
}

namespace {

// hmac_over (RFC 2104) writes the whole MAC to `out`. Over the hash's object: a MAC object takes one
// or two compressions more under a key of its own, and nothing of the key stays behind here.
template <size_t kBlockSize>
void hmac_over(Botan::HashFunction& hash, ByteView key, Parts parts, uint8_t* out) {
  SecretArray<kBlockSize> pad;
  const std::span<uint8_t, kBlockSize> block = pad.mutable_view();
  if (key.size() <= block.size()) {
    std::copy(key.begin(), key.end(), block.begin());
  } else {
    hash.update(key.data(), key.size());
    hash.final(block.data());
  }
  for (uint8_t& byte : block) byte ^= 0x36;
  hash.update(block.data(), block.size());
  update(hash, parts);
  hash.final(out);
  for (uint8_t& byte : block) byte ^= 0x36 ^ 0x5c;
  hash.update(block.data(), block.size());
  hash.update(out, hash.output_length());
  hash.final(out);
}

}  // namespace

void Workspace::hmac_md5(ByteView key, Parts parts, std::span<uint8_t, kMd5Size> out) noexcept {
  hmac_over<kHashBlockSize>(*state_->md5, key, parts, out.data());
}

void Workspace::rc4(ByteView key, ByteView in, MutableBytes out) noexcept {
  Rc4(key).apply(in, out);
}

#ifdef PGSS_KERBEROS

void Workspace::sha1(Parts parts, std::span<uint8_t, kSha1Size> out) noexcept {
  update(*state_->kerberos.sha1, parts);
  state_->kerberos.sha1->final(out.data());
}

void Workspace::hmac(HmacHash hash, ByteView key, Parts parts, MutableBytes out) noexcept {
  SecretArray<kMaxHashSize> mac;
  uint8_t* const whole = mac.mutable_view().data();
  if (hash == HmacHash::kSha384) {
    hmac_over<kWideHashBlockSize>(*state_->kerberos.sha384, key, parts, whole);
  } else {
    hmac_over<kHashBlockSize>(state_->kerberos.of(hash), key, parts, whole);
  }
  std::copy_n(whole, out.size(), out.begin());
}

void Workspace::aes_cbc_encrypt(ByteView key, std::span<uint8_t, kAesBlockSize> chain,
                                MutableBytes blocks) noexcept {
  const Botan::BlockCipher& aes = state_->kerberos.encrypting.of(key).with(key);
  const uint8_t* previous = chain.data();
  for (size_t at = 0; at < blocks.size(); at += kAesBlockSize) {
    uint8_t* const block = blocks.data() + at;
    xor_block(block, previous);
    aes.encrypt_n(block, block, 1);
    previous = block;
  }
  if (!blocks.empty()) std::copy_n(previous, chain.size(), chain.begin());
}

void Workspace::aes_decrypt_blocks(ByteView key, ByteView in, MutableBytes out) noexcept {
  state_->kerberos.decrypting.of(key).with(key).decrypt_n(in.data(), out.data(),
                                                          in.size() / kAesBlockSize);
}

void Workspace::aes_forget(ByteView key) noexcept {
  state_->kerberos.encrypting.of(key).forget(key);
  state_->kerberos.decrypting.of(key).forget(key);
}

Result<void> Workspace::pbkdf2(HmacHash hash, ByteView password, ByteView salt, uint32_t iterations,
                               MutableBytes out) {
  if (iterations == 0) return Error{Errc::kApiMisuse, "iteration count", 0, 0};
  return guarded("PBKDF2", [&]() -> Result<void> {
    const auto family = Botan::PasswordHashFamily::create_or_throw(
        "PBKDF2(HMAC(" + state_->kerberos.of(hash).name() + "))");
    family->from_params(iterations)
        ->derive_key(out.data(), out.size(), as_text(password).data(), password.size(), salt.data(),
                     salt.size());
    return {};
  });
}

#endif  // PGSS_KERBEROS

Result<size_t> hash(HashAlgorithm algorithm, ByteView in, std::span<uint8_t, kMaxHashSize> out) {
  return guarded("hash", [&]() -> Result<size_t> {
    const auto function = make_hash(kHashNames[static_cast<size_t>(algorithm)]);
    if (function == nullptr) return Error{Errc::kInternal, "hash", 0, 0};
    function->update(in.data(), in.size());
    function->final(out.data());
    return function->output_length();
  });
}

Result<void> system_random_fill([[maybe_unused]] MutableBytes out) {
#ifdef BOTAN_HAS_SYSTEM_RNG
  return guarded("random source", [&]() -> Result<void> {
    Botan::system_rng().randomize(out.data(), out.size());
    return {};
  });
#else
  return Error{Errc::kInternal, "random source", 0, 0};
#endif
}

const char* library_version() {
  return Botan::short_version_cstr();
}

}  // namespace pocketgss::crypto
