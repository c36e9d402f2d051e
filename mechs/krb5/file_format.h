// What key tables and credential caches have in common: counted data in either order of octets,
// principals, and a writer that leaves no copy of a key behind.
#ifndef PGSS_MECHS_KRB5_FILE_FORMAT_H_
#define PGSS_MECHS_KRB5_FILE_FORMAT_H_

#include <pocketgss/result.h>
#include <pocketgss/secret.h>

#include <cstring>

#include "base/cursor.h"
#include "base/guard.h"
#include "mechs/krb5/counted_list.h"
#include "mechs/krb5/principal.h"

namespace pocketgss::mechs::krb5 {

// The first octet of every version of both files.
inline constexpr uint8_t kFileFormat = 5;

// FileReader is a ByteReader for one layout.
class FileReader {
 public:
  FileReader(ByteView in, uint32_t base, Layout layout) : in_(in, base), layout_(layout) {}

  Result<ByteView> bytes(size_t count, const char* field) { return in_.bytes(count, field); }
  Result<uint8_t> u8(const char* field) { return in_.u8(field); }
  Result<uint16_t> u16(const char* field) { return big() ? in_.u16be(field) : in_.u16le(field); }
  Result<uint32_t> u32(const char* field) { return big() ? in_.u32be(field) : in_.u32le(field); }
  // number reads as many octets as a length has.
  Result<uint32_t> number(const char* field) {
    if (layout_.length_size == 4) return u32(field);
    PGSS_TRY(const uint16_t value, u16(field));
    return uint32_t{value};
  }
  // data is a length and as many octets.
  Result<ByteView> data(const char* field) {
    PGSS_TRY(const uint32_t length, number(field));
    return in_.bytes(length, field);
  }

  // list checks `count` elements, each with its length (and before that its type).
  template <typename T>
  Result<CountedList<T>> list(uint32_t count, const char* field) {
    const uint8_t* const start = in_.rest().data();
    for (uint32_t i = 0; i < count; ++i) {
      if constexpr (std::is_same_v<T, TypedOctets>) PGSS_CHECK(u16(field));
      PGSS_CHECK(data(field));
    }
    return CountedList<T>::checked(start, count, layout_);
  }

  // names reads the realm and `count` components.
  Result<PrincipalView> names(uint32_t count, const char* realm, const char* component) {
    PrincipalView out;
    PGSS_TRY(const ByteView realm_octets, data(realm));
    out.realm = as_text(realm_octets);
    PGSS_TRY(out.components, list<std::string_view>(count, component));
    return out;
  }

  ByteView rest() const { return in_.rest(); }
  size_t remaining() const { return in_.remaining(); }
  bool at_end() const { return in_.at_end(); }
  uint32_t offset() const { return in_.offset(); }

 private:
  bool big() const { return layout_.order == std::endian::big; }

  ByteReader in_;
  Layout layout_;
};

// FileWriter writes big-endian into memory that is known to be large enough; over no memory it only
// counts. So keys are written once, where they stay.
class FileWriter {
 public:
  FileWriter(MutableBytes out, size_t length_size) : out_(out), length_size_(length_size) {}

  void number(uint32_t value, size_t octets) {
    for (size_t i = octets; i-- > 0;) {
      const auto octet = static_cast<uint8_t>(value >> (8 * i));
      bytes(ByteView(&octet, 1));
    }
  }
  void u8(uint8_t value) { number(value, 1); }
  void u16(uint16_t value) { number(value, 2); }
  void i16(int32_t value) { number(static_cast<uint16_t>(value), 2); }
  void u32(uint32_t value) { number(value, 4); }
  void bytes(ByteView octets) {
    if (!out_.empty() && !octets.empty())
      std::memcpy(out_.data() + size_, octets.data(), octets.size());
    size_ += octets.size();
  }
  void data(ByteView octets) {
    number(static_cast<uint32_t>(octets.size()), length_size_);
    bytes(octets);
  }
  void names(const PrincipalView& principal) {
    data(as_bytes(principal.realm));
    for (const std::string_view component : principal.components) data(as_bytes(component));
  }
  size_t size() const { return size_; }

 private:
  MutableBytes out_;
  size_t length_size_;
  size_t size_ = 0;
};

// written calls `write(FileWriter&)` twice: to count, and to write into memory of that size.
template <typename Write>
Result<SecretBytes> written(size_t length_size, const char* where, const Write& write) {
  return guarded(where, [&]() -> Result<SecretBytes> {
    FileWriter counter({}, length_size);
    write(counter);
    SecretBytes out = SecretBytes::of_size(counter.size());
    FileWriter writer(out.mutable_view(), length_size);
    write(writer);
    return out;
  });
}

inline bool fits_int16(int32_t value) {
  return value >= INT16_MIN && value <= INT16_MAX;
}

}  // namespace pocketgss::mechs::krb5

#endif  // PGSS_MECHS_KRB5_FILE_FORMAT_H_
