// Writer: lengths in the fewest octets (X.690 10.1), put in place when an element is closed.
#include "asn1/writer.h"

#include <algorithm>
#include <cstring>
#include <exception>

namespace pocketgss::asn1 {
namespace {

constexpr size_t kMaxLength = 0x7fffffff;

// Writes `length` in `octets` octets, as length_octets counts them.
void put_length(uint8_t* out, size_t length, size_t octets) {
  if (octets == 1) {
    *out = static_cast<uint8_t>(length);
    return;
  }
  if (octets == 3) {  // nearly all long lengths
    out[0] = 0x82;
    out[1] = static_cast<uint8_t>(length >> 8);
    out[2] = static_cast<uint8_t>(length);
    return;
  }
  *out = static_cast<uint8_t>(0x80 | (octets - 1));
  for (size_t i = octets - 1; i > 0; --i, length >>= 8) out[i] = static_cast<uint8_t>(length);
}

}  // namespace

Writer::Writer(size_t expected_size) {
  if (expected_size != 0 && grow_slowly(expected_size) != nullptr) point_at(0);
}

Writer::Writer(Bytes&& reused) : out_(std::move(reused)) {
  out_.resize(out_.capacity());
  point_at(0);
}

Writer::Writer(MutableBytes fixed)
    : fixed_(true), begin_(fixed.data()), at_(begin_), end_(begin_ + fixed.size()) {}

void Writer::element(Tag tag, ByteView contents) {
  uint8_t* const out = header_and_room(tag, contents.size());
  if (out != nullptr && !contents.empty()) std::memcpy(out, contents.data(), contents.size());
}

void Writer::raw(ByteView whole_elements) {
  if (whole_elements.empty()) return;
  uint8_t* const out = grow(whole_elements.size());
  if (out != nullptr) std::memcpy(out, whole_elements.data(), whole_elements.size());
}

void Writer::boolean(bool value) {
  const uint8_t octet = value ? 0xff : 0x00;  // X.690 11.1
  element(kBoolean, ByteView(&octet, 1));
}

void Writer::int32(int32_t value, Tag tag) {
  integer(value, tag);
}

void Writer::uint32(uint32_t value, Tag tag) {
  integer(value, tag);
}

void Writer::int64(int64_t value, Tag tag) {
  integer(value, tag);
}

void Writer::enumerated(uint32_t value) {
  integer(value, kEnumerated);
}

void Writer::octet_string(ByteView contents) {
  element(kOctetString, contents);
}

void Writer::oid(Oid oid) {
  element(kObjectIdentifier, oid.der);
}

void Writer::bit_string(ByteView octets, uint8_t unused_bits) {
  // X.690 8.6.2.2, 8.6.2.3
  if (unused_bits > 7 || (octets.empty() && unused_bits != 0)) return fail(Errc::kApiMisuse);
  uint8_t* const out = header_and_room(kBitString, 1 + octets.size());
  if (out == nullptr) return;
  *out = unused_bits;
  if (octets.empty()) return;
  std::memcpy(out + 1, octets.data(), octets.size());
  out[octets.size()] &= static_cast<uint8_t>(0xff << unused_bits);
}

void Writer::general_string(std::string_view text, Tag tag) {
  element(tag, as_bytes(text));
}

Result<Bytes> Writer::take() && {
  if (failed_) return Error{failure_, "asn1::Writer", 0, 0};
  if (fixed_) return Error{Errc::kApiMisuse, "asn1::Writer", 0, 0};
  out_.resize(size());
  begin_ = at_ = end_ = nullptr;
  return std::move(out_);
}

Result<size_t> Writer::written() && {
  if (failed_) return Error{failure_, "asn1::Writer", 0, 0};
  return size();
}

// X.690 8.3.2: drop the leading octets that only repeat the sign bit.
void Writer::integer(int64_t value, Tag tag) {
  uint8_t octets[8];
  for (size_t i = 0; i < 8; ++i) octets[i] = static_cast<uint8_t>(value >> (56 - 8 * i));
  const uint8_t sign = value < 0 ? 0xff : 0x00;
  size_t first = 0;
  while (first < 7 && octets[first] == sign && ((octets[first + 1] ^ sign) & 0x80) == 0) ++first;
  element(tag, ByteView(octets + first, 8 - first));
}

// close_moving is close where the length is long, or takes other octets than were set aside.
void Writer::close_moving(Mark mark, size_t length) {
  if (length > kMaxLength) return fail(Errc::kApiMisuse);
  const size_t octets = internal::length_octets(length);
  if (octets > mark.length_octets && grow(octets - mark.length_octets) == nullptr) return;
  uint8_t* const start = begin_ + mark.contents - mark.length_octets;
  if (octets != mark.length_octets) {
    std::memmove(start + octets, start + mark.length_octets, length);
    at_ = start + octets + length;
  }
  put_length(start, length, octets);
}

// header_and_room writes a header and returns where its contents go; null after a failure.
uint8_t* Writer::header_and_room(Tag tag, size_t length) {
  if (length > kMaxLength) {
    fail(Errc::kApiMisuse);
    return nullptr;
  }
  const size_t octets = internal::length_octets(length);
  uint8_t* const out = grow(1 + octets + length);
  if (out == nullptr) return nullptr;
  *out = tag.octet;
  put_length(out + 1, length, octets);
  return out + 1 + octets;
}

// grow_slowly gets a larger buffer, at least twice what was written so that appending stays linear.
uint8_t* Writer::grow_slowly(size_t count) {
  if (failed_) return nullptr;
  const size_t written = size();
  if (fixed_ || count > 2 * kMaxLength - written) {
    fail(Errc::kApiMisuse);
    return nullptr;
  }
  try {
    out_.resize(std::max(written + count, 2 * written));
  } catch (const std::exception&) {  // bad_alloc, length_error
    fail(Errc::kNoMemory);
    return nullptr;
  }
  point_at(written);
  return grow(count);
}

void Writer::point_at(size_t size) {
  begin_ = out_.data();
  at_ = begin_ + size;
  end_ = begin_ + out_.size();
}

void Writer::fail(Errc failure) {
  if (failed_) return;
  failed_ = true;
  failure_ = failure;
  out_ = Bytes();  // no room, so that all that follows comes to grow_slowly
  begin_ = at_ = end_ = nullptr;
}

}  // namespace pocketgss::asn1
