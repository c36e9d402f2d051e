// Byte sequences: what owns (Bytes), what borrows (ByteView), and fixed sizes that the compiler
// checks.
#ifndef POCKETGSS_BYTES_H_
#define POCKETGSS_BYTES_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <pocketgss/export.h>

PGSS_EXPORT_BEGIN
namespace pocketgss {

// Bytes owns public bytes. Secrets go into SecretBytes (secret.h).
using Bytes = std::vector<uint8_t>;

// FixedView borrows exactly N bytes, FixedBytes owns them: a wrong length does not compile.
template <size_t N>
using FixedView = std::span<const uint8_t, N>;
template <size_t N>
using FixedBytes = std::array<uint8_t, N>;

// MutableBytes is a caller's buffer that a function writes to.
using MutableBytes = std::span<uint8_t>;

// ByteView borrows bytes, and compares by content, which std::span does not. It is as long-lived as
// what it points at and no longer; see docs/conventions.md, "Borrowing". Its == is not
// constant-time: for secrets use ct_equal().
class ByteView : public std::span<const uint8_t> {
 public:
  using span::span;
  constexpr ByteView() = default;
  constexpr ByteView(std::span<const uint8_t> s) : span(s) {}  // NOLINT: a span is a view
  template <size_t N>
  constexpr ByteView(std::span<const uint8_t, N> s) : span(s.data(), s.size()) {}  // NOLINT
  ByteView(const Bytes& b)
      : span(b.data(), b.size()) {}  // NOLINT: read access to what the caller owns

  constexpr ByteView sub(size_t offset, size_t count) const { return span::subspan(offset, count); }
  constexpr ByteView from(size_t offset) const { return span::subspan(offset); }
  constexpr ByteView prefix(size_t count) const { return span::first(count); }

  Bytes to_bytes() const { return Bytes(begin(), end()); }

  friend constexpr bool operator==(ByteView a, ByteView b) {
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin());
  }
};

// as_bytes and as_text look at the same memory in the other's terms.
inline ByteView as_bytes(std::string_view text) {
  return ByteView(reinterpret_cast<const uint8_t*>(text.data()), text.size());
}
inline std::string_view as_text(ByteView bytes) {
  return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

// append adds to the end; `more` must not be part of `out`. It may throw std::bad_alloc.
void append(Bytes& out, ByteView more);

}  // namespace pocketgss
PGSS_EXPORT_END

#endif  // POCKETGSS_BYTES_H_
