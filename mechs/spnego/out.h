// Out: the DER of the negotiation's tokens, counted first and then written.
#ifndef PGSS_MECHS_SPNEGO_OUT_H_
#define PGSS_MECHS_SPNEGO_OUT_H_

#include <pocketgss/bytes.h>
#include <pocketgss/result.h>

#include <cstring>
#include <new>
#include <optional>

#include "asn1/tag.h"

// As in asn1/reader.h: a reader whose address is passed to a function does not stay in registers,
// and each read then costs several times as much.
#if defined(__OPTIMIZE_SIZE__) || !defined(__GNUC__)
#define PGSS_SPNEGO_INLINE inline
#define PGSS_SPNEGO_INLINE_LAMBDA
#else
#define PGSS_SPNEGO_INLINE [[gnu::always_inline]] inline
#define PGSS_SPNEGO_INLINE_LAMBDA __attribute__((always_inline))
#endif

namespace pocketgss::mechs::spnego {

// Field is a row of the grammar: [number] around one element of `tag`.
struct Field {
  const char* name;  // in the specification's words
  uint8_t number;
  asn1::Tag tag;
};

// X.690 10.1: the fewest length octets.
constexpr size_t header_size(size_t length) {
  if (length < 0x80) return 2;
  return length < 0x100 ? 3 : length < 0x10000 ? 4 : length < 0x1000000 ? 5 : 6;
}
constexpr size_t element_size(size_t contents) {
  return header_size(contents) + contents;
}

// Out counts octets, and writes them where it has memory, which is then large enough. What writes a
// token runs twice: the size of everything first, then each octet in its place. asn1::Writer, which
// learns a length when an element is closed, takes several times as long for tokens of this size.
class Out {
 public:
  Out() = default;
  explicit Out(uint8_t* memory) : memory_(memory) {}

  size_t size() const { return size_; }

  PGSS_SPNEGO_INLINE void octet(size_t value) {
    if (memory_ != nullptr) memory_[size_] = static_cast<uint8_t>(value);
    ++size_;
  }
  PGSS_SPNEGO_INLINE void header(asn1::Tag tag, size_t length) {
    octet(tag.octet);
    size_t more = header_size(length) - 2;
    if (more != 0) {
      octet(0x80 | more);
      while (--more != 0) octet(length >> 8 * more);
    }
    octet(length);
  }
  PGSS_SPNEGO_INLINE void bytes(ByteView bytes) {
    if (memory_ != nullptr && !bytes.empty()) {
      std::memcpy(memory_ + size_, bytes.data(), bytes.size());
    }
    size_ += bytes.size();
  }
  PGSS_SPNEGO_INLINE void element(asn1::Tag tag, ByteView contents) {
    header(tag, contents.size());
    bytes(contents);
  }
  PGSS_SPNEGO_INLINE void field_header(const Field& field, size_t length) {
    header(asn1::context(field.number), element_size(length));
    header(field.tag, length);
  }
  PGSS_SPNEGO_INLINE void field(const Field& field, ByteView contents) {
    field_header(field, contents.size());
    bytes(contents);
  }
  PGSS_SPNEGO_INLINE void optional(const Field& row, const std::optional<ByteView>& contents) {
    if (contents) field(row, *contents);
  }

 private:
  uint8_t* memory_ = nullptr;
  size_t size_ = 0;
};

// resize gives `storage` the size, with one allocation at most. Errors: kApiMisuse (longer than 2 GiB),
// kNoMemory.
Result<void> resize(Bytes& storage, size_t size);

}  // namespace pocketgss::mechs::spnego

#endif  // PGSS_MECHS_SPNEGO_OUT_H_
