// crypto.h over Botan, 2.19 or 3.x: the only file of the library that includes its headers.
#include "base/crypto.h"

#include <botan/hash.h>
#include <botan/system_rng.h>
#include <botan/version.h>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <new>

namespace pocketgss::crypto {
namespace {

constexpr size_t kMd5BlockSize = 64;  // RFC 2104: B

// guarded runs what may throw, and makes an Error of it.
template <typename F>
auto guarded(const char* where, F&& body) -> decltype(body()) {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    return Error{Errc::kNoMemory, where, 0, 0};
  } catch (const std::exception&) {
    return Error{Errc::kInternal, where, 0, 0};
  }
}

void update(Botan::Buffered_Computation& computation, Parts parts) {
  for (const ByteView part : parts) computation.update(part.data(), part.size());
}

const char* hash_name(HashAlgorithm algorithm) {
  switch (algorithm) {
    case HashAlgorithm::kSha224:
      return "SHA-224";
    case HashAlgorithm::kSha256:
      return "SHA-256";
    case HashAlgorithm::kSha384:
      return "SHA-384";
    case HashAlgorithm::kSha512:
      return "SHA-512";
  }
  return "";
}

}  // namespace

struct Workspace::State {
  std::unique_ptr<Botan::HashFunction> md4;
  std::unique_ptr<Botan::HashFunction> md5;
};

Workspace::Workspace(std::unique_ptr<State> state) : state_(std::move(state)) {}
Workspace::~Workspace() = default;

Result<std::unique_ptr<Workspace>> Workspace::create() {
  return guarded("crypto::Workspace", []() -> Result<std::unique_ptr<Workspace>> {
    auto state = std::make_unique<State>(State{Botan::HashFunction::create_or_throw("MD4"),
                                               Botan::HashFunction::create_or_throw("MD5")});
    return std::unique_ptr<Workspace>(new Workspace(std::move(state)));
  });
}

void Workspace::md4(Parts parts, std::span<uint8_t, kMd5Size> out) noexcept {
  update(*state_->md4, parts);
  state_->md4->final(out.data());
}

void Workspace::md5(Parts parts, std::span<uint8_t, kMd5Size> out) noexcept {
  update(*state_->md5, parts);
  state_->md5->final(out.data());
}

// RFC 2104 over the MD5 object: one compression less than a MAC object takes under a key of its
// own, and none of the key stays behind.
void Workspace::hmac_md5(ByteView key, Parts parts, std::span<uint8_t, kMd5Size> out) noexcept {
  Botan::HashFunction& md5 = *state_->md5;
  SecretArray<kMd5BlockSize> pad;
  const std::span<uint8_t, kMd5BlockSize> block = pad.mutable_view();
  if (key.size() <= block.size()) {
    std::copy(key.begin(), key.end(), block.begin());
  } else {
    this->md5({key}, block.first<kMd5Size>());
  }
  for (uint8_t& byte : block) byte ^= 0x36;
  md5.update(block.data(), block.size());
  update(md5, parts);
  md5.final(out.data());
  for (uint8_t& byte : block) byte ^= 0x36 ^ 0x5c;
  md5.update(block.data(), block.size());
  md5.update(out.data(), out.size());
  md5.final(out.data());
}

void Workspace::rc4(ByteView key, ByteView in, MutableBytes out) noexcept {
  Rc4(key).apply(in, out);
}

Result<size_t> hash(HashAlgorithm algorithm, ByteView in, std::span<uint8_t, kMaxHashSize> out) {
  return guarded("hash", [&]() -> Result<size_t> {
    const auto function = Botan::HashFunction::create_or_throw(hash_name(algorithm));
    function->update(in.data(), in.size());
    function->final(out.data());
    return function->output_length();
  });
}

Result<void> system_random_fill(MutableBytes out) {
  return guarded("random source", [&]() -> Result<void> {
    Botan::system_rng().randomize(out.data(), out.size());
    return {};
  });
}

const char* library_version() {
  return Botan::short_version_cstr();
}

}  // namespace pocketgss::crypto
