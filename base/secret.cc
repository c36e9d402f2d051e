// Wiping, constant-time comparison and the growing secret.
#include <pocketgss/secret.h>

#include <ostream>
#include <utility>

#include "base/guard.h"

namespace pocketgss {

void secure_wipe(void* memory, size_t size) noexcept {
  if (size == 0) return;
  std::memset(memory, 0, size);
  // The compiler must assume that this reads the memory, so the stores above stay.
  __asm__ __volatile__("" : : "r"(memory) : "memory");
}

bool ct_equal(ByteView a, ByteView b) noexcept {
  if (a.size() != b.size()) return false;
  uint64_t difference = 0;
  size_t i = 0;
  // The compiler must assume that each round changes the difference, so none can be left out.
  for (; i + sizeof difference <= a.size(); i += sizeof difference) {
    uint64_t left, right;
    std::memcpy(&left, a.data() + i, sizeof left);
    std::memcpy(&right, b.data() + i, sizeof right);
    difference |= left ^ right;
    __asm__ __volatile__("" : "+r"(difference));
  }
  for (; i < a.size(); ++i) {
    difference |= static_cast<uint64_t>(a[i] ^ b[i]);
    __asm__ __volatile__("" : "+r"(difference));
  }
  return difference == 0;
}

SecretBytes::SecretBytes(ByteView content)
    : data_(new uint8_t[content.size()]), size_(content.size()) {
  if (size_ != 0) std::memcpy(data_.get(), content.data(), size_);
}

Result<SecretBytes> SecretBytes::copy_of(ByteView content) noexcept {
  return guarded("secret", [=]() -> Result<SecretBytes> { return SecretBytes(content); });
}

SecretBytes SecretBytes::of_size(size_t size) {
  SecretBytes secret;
  secret.data_.reset(new uint8_t[size]());
  secret.size_ = size;
  return secret;
}

SecretBytes::SecretBytes(SecretBytes&& other) noexcept
    : data_(std::move(other.data_)), size_(std::exchange(other.size_, 0)) {}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  if (this != &other) {
    secure_wipe(data_.get(), size_);
    data_ = std::move(other.data_);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

SecretBytes::~SecretBytes() {
  secure_wipe(data_.get(), size_);
}

std::ostream& operator<<(std::ostream& out, const SecretBytes&) {
  return out << "<secret>";
}

}  // namespace pocketgss
