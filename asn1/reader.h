// Reader: strict DER (X.690 clause 10), one element at a time, allocation-free.
#ifndef PGSS_ASN1_READER_H_
#define PGSS_ASN1_READER_H_

#include <optional>
#include <string_view>

#include <pocketgss/bytes.h>
#include <pocketgss/result.h>

#include "asn1/oid.h"
#include "asn1/tag.h"

namespace pocketgss::asn1 {

// Reader is a cursor over borrowed DER. It is copied freely and owns nothing; what it returns borrows from its input.
//
// Every read either consumes one whole element or fails and leaves the reader as it was. A refusal is kMalformed; its
// `where` is the `field` that the caller passed (the specification's name of the element), its offset the byte that is
// wrong, counted from the start of the token. Refused: indefinite length (10.1), length not in the fewest octets (10.1),
// high-tag-number form, a length past the end (8.1.3), BOOLEAN other than 00 and FF (11.1), INTEGER not in the fewest
// octets (8.3.2), unused bits above 7 or not zero (8.6.2, 11.2.1), OID with a cut or padded component (8.19.2).
class Reader {
 public:
  explicit constexpr Reader(ByteView in, uint32_t base = 0) : in_(in), base_(base) {}
  explicit Reader(Bytes&&, uint32_t = 0) = delete;  // no cursor over a temporary

  // enter consumes a constructed element and returns a reader of its contents.
  Result<Reader> enter(Tag, const char* field);
  // enter_optional does so if the next element has that tag; else it consumes nothing.
  Result<std::optional<Reader>> enter_optional(Tag, const char* field);

  // element consumes an element and returns it with its header (what a mechListMIC or a ticket is made of).
  Result<ByteView> element(Tag, const char* field);
  // contents consumes an element and returns its contents octets.
  Result<ByteView> contents(Tag, const char* field);
  // skip consumes one element of any tag; its contents are not looked at.
  Result<void> skip(const char* field);
  // any consumes one element of any tag.
  struct Element {
    Tag tag;
    ByteView contents;
    ByteView whole;         // with its header
    uint32_t offset;        // of the header
    uint32_t contents_offset;
  };
  Result<Element> any(const char* field);

  Result<bool> boolean(const char* field);
  Result<int32_t> int32(const char* field, Tag = kInteger);
  Result<uint32_t> uint32(const char* field, Tag = kInteger);
  Result<uint32_t> enumerated(const char* field);  // not negative; the caller checks the range of its own type
  Result<ByteView> octet_string(const char* field);
  Result<Oid> oid(const char* field);
  struct BitString {
    ByteView octets;
    uint8_t unused_bits;  // 0 to 7, and zero bits
  };
  Result<BitString> bit_string(const char* field);
  Result<std::string_view> general_string(const char* field, Tag = kGeneralString);

  bool next_is(Tag tag) const { return !in_.empty() && in_[0] == tag.octet; }
  bool at_end() const { return in_.empty(); }
  // finish refuses leftover bytes, naming `field` as what they trail.
  Result<void> finish(const char* field) const;
  // skip_extensions consumes all that is left, element by element; only where the ASN.1 has the marker "...".
  Result<void> skip_extensions(const char* field);

  uint32_t offset() const { return base_; }   // of the next byte, from the start of the token
  ByteView rest() const { return in_; }

 private:
  Result<Element> peek(const char* field) const;  // the one bounds check
  Result<Element> take(Tag, const char* field);

  ByteView in_;
  uint32_t base_;
};

}  // namespace pocketgss::asn1

#endif  // PGSS_ASN1_READER_H_
