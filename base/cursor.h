// ByteReader and ByteWriter: cursors over fields of fixed width, little- and big-endian.
#ifndef PGSS_BASE_CURSOR_H_
#define PGSS_BASE_CURSOR_H_

#include <pocketgss/bytes.h>
#include <pocketgss/result.h>

namespace pocketgss {

// ByteReader reads from the front of a borrowed view. A failed read is kMalformed with the field's
// name and its offset, and leaves the reader as it was. `base` is where the view starts inside the
// token, for offsets in errors.
class ByteReader {
 public:
  explicit ByteReader(ByteView in, uint32_t base = 0) : in_(in), base_(base) {}
  explicit ByteReader(Bytes&&, uint32_t = 0) = delete;

  Result<ByteView> bytes(size_t count, const char* field) {
    if (count > in_.size() - at_) return Error{Errc::kMalformed, field, offset(), 0};
    const ByteView out = in_.sub(at_, count);
    at_ += count;
    return out;
  }
  Result<uint8_t> u8(const char* field) {
    PGSS_TRY(const ByteView b, bytes(1, field));
    return b[0];
  }
  Result<uint16_t> u16le(const char* field) { return little<uint16_t>(field); }
  Result<uint32_t> u32le(const char* field) { return little<uint32_t>(field); }
  Result<uint64_t> u64le(const char* field) { return little<uint64_t>(field); }
  Result<uint16_t> u16be(const char* field) { return big<uint16_t>(field); }
  Result<uint32_t> u32be(const char* field) { return big<uint32_t>(field); }
  Result<uint64_t> u64be(const char* field) { return big<uint64_t>(field); }

  ByteView rest() const { return in_.from(at_); }
  size_t remaining() const { return in_.size() - at_; }
  bool at_end() const { return remaining() == 0; }
  uint32_t offset() const { return base_ + static_cast<uint32_t>(at_); }

 private:
  template <typename T>
  Result<T> little(const char* field) {
    PGSS_TRY(const ByteView b, bytes(sizeof(T), field));
    T value = 0;
    for (size_t i = sizeof(T); i-- > 0;)
      value = static_cast<T>((static_cast<uint64_t>(value) << 8) | b[i]);
    return value;
  }
  template <typename T>
  Result<T> big(const char* field) {
    PGSS_TRY(const ByteView b, bytes(sizeof(T), field));
    T value = 0;
    for (size_t i = 0; i < sizeof(T); ++i)
      value = static_cast<T>((static_cast<uint64_t>(value) << 8) | b[i]);
    return value;
  }

  ByteView in_;
  size_t at_ = 0;
  uint32_t base_;
};

// ByteWriter appends to Bytes that the caller owns (reserve() them once for a single allocation).
class ByteWriter {
 public:
  explicit ByteWriter(Bytes& out) : out_(out) {}

  void u8(uint8_t v) { out_.push_back(v); }
  void u16le(uint16_t v) { little(v); }
  void u32le(uint32_t v) { little(v); }
  void u64le(uint64_t v) { little(v); }
  void u16be(uint16_t v) { big(v); }
  void u32be(uint32_t v) { big(v); }
  void u64be(uint64_t v) { big(v); }
  void bytes(ByteView v) { append(out_, v); }
  void zeros(size_t count) { out_.resize(out_.size() + count); }
  size_t size() const { return out_.size(); }

 private:
  template <typename T>
  void little(T v) {
    for (size_t i = 0; i < sizeof(T); ++i) out_.push_back(static_cast<uint8_t>(v >> (8 * i)));
  }
  template <typename T>
  void big(T v) {
    for (size_t i = sizeof(T); i-- > 0;) out_.push_back(static_cast<uint8_t>(v >> (8 * i)));
  }

  Bytes& out_;
};

// Fixed-width stores and loads at an address that is known to be large enough.
inline void store_u32le(uint8_t* out, uint32_t v) {
  for (int i = 0; i < 4; ++i) out[i] = static_cast<uint8_t>(v >> (8 * i));
}
inline void store_u32be(uint8_t* out, uint32_t v) {
  for (int i = 0; i < 4; ++i) out[i] = static_cast<uint8_t>(v >> (24 - 8 * i));
}
inline uint32_t load_u32le(const uint8_t* in) {
  return static_cast<uint32_t>(in[0]) | static_cast<uint32_t>(in[1]) << 8 |
         static_cast<uint32_t>(in[2]) << 16 | static_cast<uint32_t>(in[3]) << 24;
}

}  // namespace pocketgss

#endif  // PGSS_BASE_CURSOR_H_
