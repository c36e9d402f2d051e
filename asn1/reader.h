// Reader: strict DER (X.690 clause 10), one element at a time, allocation-free.
#ifndef PGSS_ASN1_READER_H_
#define PGSS_ASN1_READER_H_

#include <pocketgss/bytes.h>
#include <pocketgss/result.h>

#include <string_view>

#include "asn1/oid.h"
#include "asn1/tag.h"

namespace pocketgss::asn1 {

// Reader is a cursor over borrowed DER. It is copied freely and owns nothing; what it returns
// borrows from its input.
//
// Every read either consumes one whole element or fails and leaves the reader as it was. A refusal
// is kMalformed; its `where` is the `field` that the caller passed (the specification's name of the
// element), its offset the byte that is wrong, counted from the start of the token:
//
//   the identifier octet   another tag than the one asked for, high-tag-number form, nothing left
//   the length octet       cut, indefinite, not in the fewest octets, past the end of the input, or
//                          a number of contents octets that the type cannot have
//   in the contents        a value that is not DER or out of the range of the type asked for
//
// Refused: indefinite length (10.1), length not in the fewest octets (10.1), high-tag-number form,
// a length past the end (8.1.3), BOOLEAN other than 00 and FF (11.1), INTEGER not in the fewest
// octets (8.3.2), unused bits above 7 or not zero (8.6.2, 11.2.1), OID with a cut or padded
// component (8.19.2), a constructed string (10.2). The input must be smaller than 4 GiB.
class Reader {
 public:
  explicit constexpr Reader(ByteView in, uint32_t base = 0) : in_(in), base_(base) {}
  explicit Reader(Bytes&&, uint32_t = 0) = delete;  // no cursor over a temporary

  // enter consumes a constructed element and returns a reader of its contents.
  Result<Reader> enter(Tag, const char* field);
  // enter_optional does so if the next element has that tag; else it consumes nothing.
  class Optional;
  Result<Optional> enter_optional(Tag, const char* field);

  // element consumes an element and returns it with its header (what a mechListMIC or a ticket is
  // made of).
  Result<ByteView> element(Tag, const char* field);
  // contents consumes an element and returns its contents octets, or puts them in `out`, which an error
  // leaves as it was.
  Result<ByteView> contents(Tag, const char* field);
  Result<void> contents(Tag, const char* field, ByteView& out);
  // skip consumes one element of any tag; its contents are not looked at.
  Result<void> skip(const char* field);
  // any consumes one element of any tag.
  struct Element {
    Tag tag;
    ByteView contents;
    ByteView whole;   // with its header
    uint32_t offset;  // of the header
    uint32_t contents_offset;
  };
  Result<Element> any(const char* field);

  Result<bool> boolean(const char* field);
  Result<int32_t> int32(const char* field, Tag = kInteger);
  Result<uint32_t> uint32(const char* field, Tag = kInteger);
  // integer_in refuses what is outside of [low, high].
  Result<int64_t> integer_in(int64_t low, int64_t high, const char* field);
  // enumerated is never negative; the caller checks the range of its own type.
  Result<uint32_t> enumerated(const char* field);
  Result<ByteView> octet_string(const char* field);
  Result<Oid> oid(const char* field);
  struct BitString {
    ByteView octets;
    uint8_t unused_bits;  // 0 to 7, and zero bits
  };
  Result<BitString> bit_string(const char* field);
  // general_string may hold any byte, NUL included: compare it by length and content.
  Result<std::string_view> general_string(const char* field, Tag = kGeneralString);

  bool next_is(Tag tag) const { return !in_.empty() && in_[0] == tag.octet; }
  bool at_end() const { return in_.empty(); }
  // finish refuses leftover bytes, naming `field` as what they trail.
  Result<void> finish(const char* field) const;
  // skip_extensions consumes all that is left, element by element; only where the ASN.1 has the
  // marker "...".
  Result<void> skip_extensions(const char* field);

  uint32_t offset() const { return base_; }  // of the next byte, from the start of the token
  ByteView rest() const { return in_; }

 private:
  // Extent is the size of the next element: of its header and of its contents. A refusal has no
  // header, and in place of the length the index of the octet that is wrong.
  struct Extent {
    uint32_t header;
    uint32_t length;
  };
  static Extent measure(const uint8_t* in, size_t size);  // the one bounds check
  static Extent measure_long(const uint8_t* in, size_t size);
  Result<Element> take(Tag, const char* field);
  Result<void> check_tag(const char* field) const;
  Result<int64_t> integer(const char* field, Tag, int64_t low, int64_t high);
  // offset_of says where the contents begin that were read last, `after` being the reader then.
  static uint32_t offset_of(ByteView contents, const Reader& after) {
    return after.base_ - static_cast<uint32_t>(contents.size());
  }

  ByteView in_;
  uint32_t base_;
};

// Optional is the std::optional<Reader> of enter_optional, without the union that would keep the
// reader out of registers.
class Reader::Optional {
 public:
  constexpr Optional() : reader_(ByteView()) {}
  explicit constexpr Optional(const Reader& reader) : reader_(reader), has_value_(true) {}

  constexpr bool has_value() const { return has_value_; }
  explicit constexpr operator bool() const { return has_value_; }
  // Only where has_value().
  constexpr Reader& operator*() { return reader_; }
  constexpr Reader* operator->() { return &reader_; }

 private:
  Reader reader_;
  bool has_value_ = false;
};

// The path that every valid token takes is inline and passes values, never the reader itself, to
// what is not: so a compiler keeps the cursors of nested readers in registers. Left to itself it
// inlines the first few calls of a parser only, and each of the rest costs some ten times as much.
#if defined(__OPTIMIZE_SIZE__) || !defined(__GNUC__)
#define PGSS_DER_INLINE inline
#else
#define PGSS_DER_INLINE [[gnu::always_inline]] inline
#endif

// The rules for the contents octets of a type alone, of an element that has been read: `offset` is that
// of the contents.
Result<void> check_oid(ByteView contents, uint32_t offset, const char* field);
Result<void> check_bit_string(ByteView contents, uint32_t offset, const char* field);

namespace internal {

// malformed is out of line to keep refusals off the hot path.
[[gnu::cold]] Error malformed(const char* field, uint32_t offset);

// X.690 8.3. Not valid: no octet, more than the fewest, or outside of [low, high].
struct Integer {
  int64_t value;
  bool valid;
};
Integer read_integer(const uint8_t* contents, size_t size, int64_t low, int64_t high);

}  // namespace internal

PGSS_DER_INLINE Reader::Extent Reader::measure(const uint8_t* in, size_t size) {
  // X.690 8.1.3.4: the short form, one octet with bit 8 zero.
  if (size >= 2 && in[1] < 0x80 && in[1] <= size - 2) [[likely]]
    return Extent{2, in[1]};
  return measure_long(in, size);
}

PGSS_DER_INLINE Result<void> Reader::contents(Tag tag, const char* field, ByteView& out) {
  const Extent extent = next_is(tag) ? measure(in_.data(), in_.size()) : Extent{0, 0};
  if (extent.header == 0) [[unlikely]]
    return internal::malformed(field, base_ + extent.length);
  out = ByteView(in_.data() + extent.header, extent.length);
  in_ = ByteView(out.data() + out.size(), in_.size() - extent.header - extent.length);
  base_ += extent.header + extent.length;
  return {};
}

PGSS_DER_INLINE Result<ByteView> Reader::contents(Tag tag, const char* field) {
  ByteView out;
  PGSS_CHECK(contents(tag, field, out));
  return out;
}

PGSS_DER_INLINE Result<ByteView> Reader::element(Tag tag, const char* field) {
  const uint8_t* const start = in_.data();
  PGSS_TRY(const ByteView octets, contents(tag, field));
  return ByteView(start, static_cast<size_t>(octets.data() + octets.size() - start));
}

PGSS_DER_INLINE Result<Reader> Reader::enter(Tag tag, const char* field) {
  ByteView octets;
  PGSS_CHECK(contents(tag, field, octets));
  return Reader(octets, offset_of(octets, *this));
}

PGSS_DER_INLINE Result<Reader::Optional> Reader::enter_optional(Tag tag, const char* field) {
  if (!next_is(tag)) return Optional();
  PGSS_TRY(const Reader inner, enter(tag, field));
  return Optional(inner);
}

PGSS_DER_INLINE Result<ByteView> Reader::octet_string(const char* field) {
  return contents(kOctetString, field);
}

PGSS_DER_INLINE Result<Oid> Reader::oid(const char* field) {
  Reader after = *this;
  ByteView octets;
  PGSS_CHECK(after.contents(kObjectIdentifier, field, octets));
  PGSS_CHECK(check_oid(octets, offset_of(octets, after), field));
  *this = after;
  return Oid{octets};
}

PGSS_DER_INLINE Result<int64_t> Reader::integer(const char* field, Tag tag, int64_t low,
                                                int64_t high) {
  Reader after = *this;
  PGSS_TRY(const ByteView octets, after.contents(tag, field));
  const internal::Integer read = internal::read_integer(octets.data(), octets.size(), low, high);
  if (!read.valid) [[unlikely]] {
    // 8.3.1: where there is no octet, it is the length that is wrong.
    return internal::malformed(field, octets.empty() ? base_ + 1 : offset_of(octets, after));
  }
  *this = after;
  return read.value;
}

PGSS_DER_INLINE Result<int32_t> Reader::int32(const char* field, Tag tag) {
  PGSS_TRY(const int64_t value, integer(field, tag, INT32_MIN, INT32_MAX));
  return static_cast<int32_t>(value);
}

PGSS_DER_INLINE Result<uint32_t> Reader::uint32(const char* field, Tag tag) {
  PGSS_TRY(const int64_t value, integer(field, tag, 0, UINT32_MAX));
  return static_cast<uint32_t>(value);
}

// X.690 8.4: an ENUMERATED is encoded as the INTEGER of its value.
PGSS_DER_INLINE Result<uint32_t> Reader::enumerated(const char* field) {
  return uint32(field, kEnumerated);
}

PGSS_DER_INLINE Result<void> Reader::finish(const char* field) const {
  if (!at_end()) [[unlikely]]
    return internal::malformed(field, base_);
  return {};
}

#undef PGSS_DER_INLINE

}  // namespace pocketgss::asn1

#endif  // PGSS_ASN1_READER_H_
