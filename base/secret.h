// Secrets: owned by one object, wiped when it goes, never printed, compared in constant time.
#ifndef POCKETGSS_SECRET_H_
#define POCKETGSS_SECRET_H_

#include <cstring>
#include <iosfwd>
#include <memory>
#include <string_view>

#include <pocketgss/bytes.h>
#include <pocketgss/result.h>

PGSS_EXPORT_BEGIN
namespace pocketgss {

// secure_wipe overwrites memory with zeros; the compiler cannot leave it out.
void secure_wipe(void* memory, size_t size) noexcept;
inline void secure_wipe(MutableBytes memory) noexcept {
  secure_wipe(memory.data(), memory.size());
}

// ct_equal compares in a time that depends on the sizes alone, never on the content. Different
// sizes are unequal.
bool ct_equal(ByteView a, ByteView b) noexcept;

// SecretBytes owns a secret of any length. It moves and does not copy; a source that was moved from
// is empty; its block is wiped before it is freed. What makes one may throw std::bad_alloc, but for
// copy_of().
class SecretBytes {
 public:
  SecretBytes() = default;
  explicit SecretBytes(ByteView content);
  explicit SecretBytes(std::string_view content) : SecretBytes(as_bytes(content)) {}
  static SecretBytes of_size(size_t size);  // zeros, to be filled in
  // copy_of is the constructor for those who cannot take an exception. Errors: kNoMemory.
  static Result<SecretBytes> copy_of(ByteView content) noexcept;

  SecretBytes(SecretBytes&& other) noexcept;
  SecretBytes& operator=(SecretBytes&& other) noexcept;
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;
  ~SecretBytes();

  SecretBytes clone() const { return SecretBytes(view()); }
  ByteView view() const { return ByteView(data_.get(), size_); }
  MutableBytes mutable_view() { return MutableBytes(data_.get(), size_); }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

 private:
  std::unique_ptr<uint8_t[]> data_;
  size_t size_ = 0;
};

// SecretArray owns a secret of N bytes in place. Derive one type per kind of key, so that a
// SessionBaseKey cannot stand where an ExportedSessionKey belongs: `struct SessionBaseKey :
// SecretArray<16> { using SecretArray::SecretArray; };`
template <size_t N>
class SecretArray {
 public:
  static constexpr size_t kSize = N;

  SecretArray() = default;
  explicit SecretArray(FixedView<N> content) { std::memcpy(bytes_.data(), content.data(), N); }
  SecretArray(SecretArray&& other) noexcept : bytes_(other.bytes_) {
    secure_wipe(other.bytes_.data(), N);
  }
  SecretArray& operator=(SecretArray&& other) noexcept {
    if (this != &other) {
      bytes_ = other.bytes_;
      secure_wipe(other.bytes_.data(), N);
    }
    return *this;
  }
  SecretArray(const SecretArray&) = delete;
  SecretArray& operator=(const SecretArray&) = delete;
  ~SecretArray() { secure_wipe(bytes_.data(), N); }

  FixedView<N> view() const { return FixedView<N>(bytes_); }
  std::span<uint8_t, N> mutable_view() { return std::span<uint8_t, N>(bytes_); }

 private:
  FixedBytes<N> bytes_{};
};

// Printing a secret prints "<secret>", in logs and in test failures alike.
std::ostream& operator<<(std::ostream& out, const SecretBytes&);
template <size_t N>
std::ostream& operator<<(std::ostream& out, const SecretArray<N>&) {
  return out << SecretBytes();
}

}  // namespace pocketgss
PGSS_EXPORT_END

#endif  // POCKETGSS_SECRET_H_
