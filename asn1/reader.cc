// Reader: the long length form, and the contents rules of each type.
#include "asn1/reader.h"

namespace pocketgss::asn1 {
namespace {

using internal::malformed;

// X.690 8.9.1, 8.11.1, 8.17, 8.18: these universal types are constructed; 10.2 and the clauses of
// the others: all the rest is primitive. Bit n stands for number n: EXTERNAL, EMBEDDED PDV,
// SEQUENCE, SET, CHARACTER STRING.
constexpr uint32_t kConstructedUniversals = 1U << 8 | 1U << 11 | 1U << 16 | 1U << 17 | 1U << 29;

bool tag_is_der(Tag tag) {
  const uint32_t number = tag.octet & 0x1f;
  if (number == 0x1f) return false;  // X.690 8.1.2.4: numbers above 30 exist in no protocol of ours
  if ((tag.octet & 0xc0) != 0) return true;  // the form of other classes is not ours to know
  if (number == 0) return false;  // X.690 8.1.5: end-of-contents belongs to the indefinite form
  return ((kConstructedUniversals >> number & 1) != 0) == tag.constructed();
}

// X.690 8.3.1 and 8.3.2: at least one octet; the first nine bits are neither all ones nor all zero.
bool is_shortest_integer(ByteView contents) {
  if (contents.empty()) return false;
  if (contents.size() == 1) return true;
  const bool high = (contents[1] & 0x80) != 0;
  return !(contents[0] == 0x00 && !high) && !(contents[0] == 0xff && high);
}

// X.690 8.3.3: two's complement, most significant octet first. Up to 8 octets, sign-extended.
int64_t integer_value(ByteView contents) {
  uint64_t value = (contents[0] & 0x80) != 0 ? ~uint64_t{0} : 0;
  for (const uint8_t octet : contents) value = value << 8 | octet;
  return static_cast<int64_t>(value);
}

// within reads the value of an INTEGER or ENUMERATED whose type spans [low, high].
Result<int64_t> within(const Reader::Element& e, int64_t low, int64_t high, const char* field) {
  if (e.contents.empty()) return malformed(field, e.offset + 1);
  if (!is_shortest_integer(e.contents)) return malformed(field, e.contents_offset);
  if (e.contents.size() > sizeof(int64_t)) return malformed(field, e.contents_offset);
  const int64_t value = integer_value(e.contents);
  if (value < low || value > high) return malformed(field, e.contents_offset);
  return value;
}

// X.690 8.19.2: a subidentifier has as few octets as possible, so its first is never 80, and its
// last has bit 8 zero. Returns the index of the octet that is wrong, or the size if none is.
size_t first_bad_oid_octet(ByteView contents) {
  bool at_start = true;
  for (size_t i = 0; i < contents.size(); ++i) {
    if (at_start && contents[i] == 0x80) return i;
    at_start = (contents[i] & 0x80) == 0;
  }
  return at_start ? contents.size() : contents.size() - 1;
}

}  // namespace

namespace internal {

Error malformed(const char* field, uint32_t offset) {
  return Error{Errc::kMalformed, field, offset, 0};
}

}  // namespace internal

// peek_long is peek where the length is not a short one that fits: a long one, or an error.
Result<Reader::Extent> Reader::peek_long(const char* field) const {
  if (in_.size() < 2) return malformed(field, base_ + static_cast<uint32_t>(in_.size()));
  const uint32_t at_length = base_ + 1;
  if (in_[1] < 0x80) return malformed(field, at_length);   // 8.1.3: contents past the end
  if (in_[1] == 0x80) return malformed(field, at_length);  // 10.1: the definite form only
  // 8.1.3.5: 1 to 126 octets follow. More than four say at least 4 GiB, or are padded (10.1).
  const size_t count = in_[1] & 0x7f;
  if (count > 4) return malformed(field, at_length);
  if (count > in_.size() - 2) return malformed(field, at_length);  // 8.1.3.5: the length is cut
  uint32_t length = 0;
  for (size_t i = 0; i < count; ++i) length = length << 8 | in_[2 + i];
  // 10.1: the fewest octets: no leading zero octet, and the short form up to 127.
  if (in_[2] == 0 || length < 0x80) return malformed(field, at_length);
  const size_t header = 2 + count;
  if (length > in_.size() - header) return malformed(field, at_length);  // 8.1.3: past the end
  return Extent{static_cast<uint32_t>(header), length};
}

Result<Reader::Element> Reader::any(const char* field) {
  // First, because in the high-tag-number form the next octet is no length.
  if (!in_.empty() && !tag_is_der(Tag{in_[0]})) return malformed(field, base_);
  PGSS_TRY(const Extent extent, peek(field));
  return consume(extent);
}

Result<void> Reader::skip(const char* field) {
  PGSS_CHECK(any(field));
  return {};
}

Result<bool> Reader::boolean(const char* field) {
  Reader after = *this;
  PGSS_TRY(const Element e, after.take(kBoolean, field));
  if (e.contents.size() != 1) return malformed(field, e.offset + 1);  // 8.2.1: a single octet
  const uint8_t octet = e.contents[0];
  if (octet != 0x00 && octet != 0xff) return malformed(field, e.contents_offset);  // 11.1
  *this = after;
  return octet == 0xff;
}

Result<int32_t> Reader::int32(const char* field, Tag tag) {
  Reader after = *this;
  PGSS_TRY(const Element e, after.take(tag, field));
  PGSS_TRY(const int64_t value, within(e, INT32_MIN, INT32_MAX, field));
  *this = after;
  return static_cast<int32_t>(value);
}

Result<uint32_t> Reader::uint32(const char* field, Tag tag) {
  Reader after = *this;
  PGSS_TRY(const Element e, after.take(tag, field));
  PGSS_TRY(const int64_t value, within(e, 0, UINT32_MAX, field));
  *this = after;
  return static_cast<uint32_t>(value);
}

// X.690 8.4: an ENUMERATED is encoded as the INTEGER of its value.
Result<uint32_t> Reader::enumerated(const char* field) {
  return uint32(field, kEnumerated);
}

Result<Oid> Reader::oid(const char* field) {
  Reader after = *this;
  PGSS_TRY(const Element e, after.take(kObjectIdentifier, field));
  if (e.contents.empty()) return malformed(field, e.offset + 1);  // 8.19.2: one or more
  const size_t bad = first_bad_oid_octet(e.contents);
  if (bad != e.contents.size()) {
    return malformed(field, e.contents_offset + static_cast<uint32_t>(bad));
  }
  *this = after;
  return Oid{e.contents};
}

Result<Reader::BitString> Reader::bit_string(const char* field) {
  Reader after = *this;
  PGSS_TRY(const Element e, after.take(kBitString, field));
  if (e.contents.empty()) return malformed(field, e.offset + 1);  // 8.6.2.2: an initial octet
  const uint8_t unused = e.contents[0];
  const ByteView octets = e.contents.from(1);
  // 8.6.2.2: 0 to 7; 8.6.2.3: zero where no octet follows.
  if (unused > 7 || (octets.empty() && unused != 0)) return malformed(field, e.contents_offset);
  const uint32_t mask = (1U << unused) - 1;
  if (!octets.empty() && (octets.back() & mask) != 0) {  // 11.2.1: unused bits are zero
    return malformed(field, e.contents_offset + static_cast<uint32_t>(octets.size()));
  }
  *this = after;
  return BitString{octets, unused};
}

Result<std::string_view> Reader::general_string(const char* field, Tag tag) {
  PGSS_TRY(const ByteView text, contents(tag, field));
  return as_text(text);
}

Result<void> Reader::skip_extensions(const char* field) {
  Reader after = *this;
  while (!after.at_end()) PGSS_CHECK(after.skip(field));
  *this = after;
  return {};
}

}  // namespace pocketgss::asn1
