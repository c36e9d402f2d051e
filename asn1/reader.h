// Reader: strict DER (X.690 clause 10), one element at a time, allocation-free.
#ifndef PGSS_ASN1_READER_H_
#define PGSS_ASN1_READER_H_

#include <pocketgss/bytes.h>
#include <pocketgss/result.h>

#include <optional>
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
  Result<std::optional<Reader>> enter_optional(Tag, const char* field);

  // element consumes an element and returns it with its header (what a mechListMIC or a ticket is
  // made of).
  Result<ByteView> element(Tag, const char* field);
  // contents consumes an element and returns its contents octets.
  Result<ByteView> contents(Tag, const char* field);
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
  // enumerated is never negative; the caller checks the range of its own type.
  Result<uint32_t> enumerated(const char* field);
  Result<ByteView> octet_string(const char* field) { return contents(kOctetString, field); }
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
  // Extent is the size of the next element: of its header and of its contents.
  struct Extent {
    uint32_t header;
    uint32_t length;
  };
  Result<Extent> peek(const char* field) const;  // the one bounds check
  Result<Extent> peek_long(const char* field) const;
  Result<Element> take(Tag, const char* field);
  Element consume(Extent);

  ByteView in_;
  uint32_t base_;
};

// The path that every valid token takes is inline: a bounds check costs two compares, and what a
// caller does not use of an Element costs nothing.

namespace internal {
// malformed is out of line to keep refusals off the hot path.
[[gnu::cold]] Error malformed(const char* field, uint32_t offset);
}  // namespace internal

inline Result<Reader::Extent> Reader::peek(const char* field) const {
  // X.690 8.1.3.4: the short form, one octet with bit 8 zero.
  if (in_.size() >= 2 && in_[1] < 0x80 && in_[1] <= in_.size() - 2) [[likely]] {
    return Extent{2, in_[1]};
  }
  return peek_long(field);
}

inline Reader::Element Reader::consume(Extent extent) {
  const size_t size = size_t{extent.header} + extent.length;
  const Element out{Tag{in_[0]}, in_.sub(extent.header, extent.length), in_.prefix(size), base_,
                    base_ + extent.header};
  in_ = in_.from(size);
  base_ += static_cast<uint32_t>(size);
  return out;
}

inline Result<Reader::Element> Reader::take(Tag tag, const char* field) {
  if (!next_is(tag)) [[unlikely]]
    return internal::malformed(field, base_);
  PGSS_TRY(const Extent extent, peek(field));
  return consume(extent);
}

inline Result<ByteView> Reader::contents(Tag tag, const char* field) {
  PGSS_TRY(const Element e, take(tag, field));
  return e.contents;
}

inline Result<ByteView> Reader::element(Tag tag, const char* field) {
  PGSS_TRY(const Element e, take(tag, field));
  return e.whole;
}

inline Result<Reader> Reader::enter(Tag tag, const char* field) {
  PGSS_TRY(const Element e, take(tag, field));
  return Reader(e.contents, e.contents_offset);
}

inline Result<std::optional<Reader>> Reader::enter_optional(Tag tag, const char* field) {
  if (!next_is(tag)) return std::optional<Reader>();
  PGSS_TRY(const Element e, take(tag, field));
  return std::optional<Reader>(Reader(e.contents, e.contents_offset));
}

inline Result<void> Reader::finish(const char* field) const {
  if (!at_end()) [[unlikely]]
    return internal::malformed(field, base_);
  return {};
}

}  // namespace pocketgss::asn1

#endif  // PGSS_ASN1_READER_H_
