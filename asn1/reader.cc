// Reader: the long length form, and the contents rules of each type.
#include "asn1/reader.h"

#include <cstring>

#include "base/for_size.h"

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

// Whether no octet is 80: eight at a time. (x - 01) & ~x has bit 8 of a byte set only if that byte
// of x is zero, or the one below it borrowed, which needs a zero byte itself.
bool has_no_80(const uint8_t* octets, size_t size) {
  constexpr uint64_t kOnes = 0x0101010101010101;
  for (; size >= 8; octets += 8, size -= 8) {
    uint64_t eight = 0;
    std::memcpy(&eight, octets, 8);
    eight ^= kOnes * 0x80;
    if (((eight - kOnes) & ~eight & (kOnes * 0x80)) != 0) return false;
  }
  for (; size > 0; ++octets, --size) {
    if (*octets == 0x80) return false;
  }
  return true;
}

// check_each_octet is check_oid without a short cut for what is right, and out of its way.
[[gnu::cold, gnu::noinline]] Result<void> check_each_octet(ByteView contents, uint32_t offset,
                                                           const char* field) {
  if (contents.empty()) return malformed(field, offset - 1);  // it is the length that is wrong
  bool at_start = true;
  for (const uint8_t octet : contents) {
    if (at_start && octet == 0x80) return malformed(field, offset);
    at_start = (octet & 0x80) == 0;
    ++offset;
  }
  if (!at_start) return malformed(field, offset - 1);
  return {};
}

}  // namespace

namespace internal {

Error malformed(const char* field, uint32_t offset) {
  return Error{Errc::kMalformed, field, offset, 0};
}

// 8.3.3: two's complement, most significant octet first.
Integer read_integer(const uint8_t* contents, size_t size, int64_t low, int64_t high) {
  constexpr Integer kRefused{0, false};
  if (size == 0 || size > sizeof(int64_t)) return kRefused;  // 8.3.1
  if (size > 1) {  // 8.3.2: the first nine bits are neither all ones nor all zero
    const uint8_t sign = (contents[1] & 0x80) != 0 ? 0xff : 0x00;
    if (contents[0] == sign) return kRefused;
  }
  uint64_t bits = (contents[0] & 0x80) != 0 ? ~uint64_t{0} : 0;
  for (size_t i = 0; i < size; ++i) bits = bits << 8 | contents[i];
  const auto value = static_cast<int64_t>(bits);
  return Integer{value, value >= low && value <= high};
}

}  // namespace internal

// X.690 8.19.2: one or more subidentifiers, each of as few octets as possible, so that its first is never
// 80, and its last has bit 8 zero.
Result<void> check_oid(ByteView contents, uint32_t offset, const char* field) {
  if (!kForSize && !contents.empty() && contents.back() < 0x80 &&
      has_no_80(contents.data(), contents.size())) [[likely]]
    return {};
  return check_each_octet(contents, offset, field);
}

Result<void> check_bit_string(ByteView contents, uint32_t offset, const char* field) {
  if (contents.empty()) return malformed(field, offset - 1);  // 8.6.2.2: an initial octet
  const uint8_t unused = contents[0];
  if (unused > 7) return malformed(field, offset);  // 8.6.2.2
  const uint32_t mask = (1U << unused) - 1;
  // 11.2.1: unused bits are zero. 8.6.2.3: so is their number where no octet follows; it is the last
  // octet then, and has a bit of this mask otherwise.
  if ((contents.back() & mask) != 0) {
    return malformed(field, offset + static_cast<uint32_t>(contents.size() - 1));
  }
  return {};
}

// measure_long is measure where the length is not a short one that fits: a long one, or an error.
Reader::Extent Reader::measure_long(const uint8_t* in, size_t size) {
  // What nearly all long lengths are: 256 to 65,535 in two octets. The rest is below.
  if (!kForSize && size >= 4 && in[1] == 0x82 && in[2] != 0) [[likely]] {
    const uint32_t two_octets = static_cast<uint32_t>(in[2]) << 8 | in[3];
    if (two_octets <= size - 4) [[likely]]
      return Extent{4, two_octets};
  }
  const auto refused_at = [](uint32_t index) { return Extent{0, index}; };
  if (size < 2) return refused_at(static_cast<uint32_t>(size));
  if (in[1] < 0x80) return refused_at(1);   // 8.1.3: contents past the end
  if (in[1] == 0x80) return refused_at(1);  // 10.1: the definite form only
  // 8.1.3.5: 1 to 126 octets follow. More than four say at least 4 GiB, or are padded (10.1).
  const uint32_t count = in[1] & 0x7fU;
  if (count > 4) return refused_at(1);
  if (count > size - 2) return refused_at(1);  // 8.1.3.5: the length is cut
  uint32_t length = 0;
  for (uint32_t i = 0; i < count; ++i) length = length << 8 | in[2 + i];
  // 10.1: the fewest octets: no leading zero octet, and the short form up to 127.
  if (in[2] == 0 || length < 0x80) return refused_at(1);
  const uint32_t header = 2 + count;
  if (length > size - header) return refused_at(1);  // 8.1.3: past the end
  return Extent{header, length};
}

// check_tag comes before the length, because in the high-tag-number form the next octet is none.
Result<void> Reader::check_tag(const char* field) const {
  if (at_end() || !tag_is_der(Tag{in_[0]})) return malformed(field, base_);
  return {};
}

Result<Reader::Element> Reader::any(const char* field) {
  PGSS_CHECK(check_tag(field));
  return take(Tag{in_[0]}, field);
}

Result<Reader::Element> Reader::take(Tag tag, const char* field) {
  const uint32_t offset = base_;
  const ByteView before = in_;
  PGSS_TRY(const ByteView octets, contents(tag, field));
  return Element{tag, octets, before.prefix(before.size() - in_.size()), offset,
                 offset_of(octets, *this)};
}

Result<int64_t> Reader::integer_in(int64_t low, int64_t high, const char* field) {
  return integer(field, kInteger, low, high);
}

Result<void> Reader::skip(const char* field) {
  PGSS_CHECK(check_tag(field));
  ByteView skipped;
  return contents(Tag{in_[0]}, field, skipped);
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

Result<Reader::BitString> Reader::bit_string(const char* field) {
  Reader after = *this;
  PGSS_TRY(const ByteView octets, after.contents(kBitString, field));
  PGSS_CHECK(check_bit_string(octets, offset_of(octets, after), field));
  *this = after;
  return BitString{octets.from(1), octets[0]};
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
