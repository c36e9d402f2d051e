// Writer: lengths in the fewest octets (X.690 10.1), put in place when an element is closed.
#include "asn1/writer.h"

#include <algorithm>
#include <cstring>
#include <exception>

namespace pocketgss::asn1 {
namespace {

constexpr size_t kMaxLength = 0x7fffffff;

// X.690 10.1: the fewest octets, the short form up to 127.
size_t length_octets(size_t length) {
  if (length < 0x80) return 1;
  size_t octets = 2;
  while (length >>= 8) ++octets;
  return octets;
}

// Writes `length` in `octets` octets, as length_octets counts them.
void put_length(uint8_t* out, size_t length, size_t octets) {
  if (octets == 1) {
    *out = static_cast<uint8_t>(length);
    return;
  }
  *out = static_cast<uint8_t>(0x80 | (octets - 1));
  for (size_t i = octets - 1; i > 0; --i, length >>= 8) out[i] = static_cast<uint8_t>(length);
}

}  // namespace

Writer::Writer(size_t expected_size) {
  if (expected_size != 0) reserve(expected_size);
}

Writer::Writer(Bytes&& reused) : out_(std::move(reused)) {
  out_.resize(out_.capacity());
}

void Writer::element(Tag tag, ByteView contents) {
  header(tag, contents.size());
  append(contents);
}

void Writer::raw(ByteView whole_elements) {
  append(whole_elements);
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
  header(kBitString, 1 + octets.size());
  append(ByteView(&unused_bits, 1));
  append(octets);
  if (unused_bits != 0 && !failed_) out_[size_ - 1] &= static_cast<uint8_t>(0xff << unused_bits);
}

void Writer::general_string(std::string_view text, Tag tag) {
  element(tag, as_bytes(text));
}

Result<Bytes> Writer::take() && {
  if (failed_) return Error{failure_, "asn1::Writer", 0, 0};
  out_.resize(size_);
  size_ = 0;
  return std::move(out_);
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

// The length is not known yet. Set aside as many octets as it would take if the rest of the
// expected size were the contents: right for the outer elements of a token, which are the long
// ones, and cheap to correct for a short inner one.
Writer::Mark Writer::open(Tag tag) {
  const size_t octets = length_octets(out_.size() - std::min(out_.size(), size_ + 2));
  if (uint8_t* out = grow(1 + octets)) *out = tag.octet;
  return Mark{size_, octets};
}

void Writer::close(Mark mark) {
  if (failed_) return;
  const size_t length = size_ - mark.contents;
  if (length > kMaxLength) return fail(Errc::kApiMisuse);
  const size_t octets = length_octets(length);
  if (octets > mark.length_octets && grow(octets - mark.length_octets) == nullptr) return;
  uint8_t* start = out_.data() + mark.contents - mark.length_octets;
  if (octets != mark.length_octets) {
    std::memmove(start + octets, start + mark.length_octets, length);
    size_ = mark.contents - mark.length_octets + octets + length;
  }
  put_length(start, length, octets);
}

void Writer::header(Tag tag, size_t length) {
  if (length > kMaxLength) return fail(Errc::kApiMisuse);
  const size_t octets = length_octets(length);
  if (uint8_t* out = grow(1 + octets)) {
    *out = tag.octet;
    put_length(out + 1, length, octets);
  }
}

void Writer::append(ByteView bytes) {
  if (bytes.empty()) return;
  if (uint8_t* out = grow(bytes.size())) std::memcpy(out, bytes.data(), bytes.size());
}

// grow adds `count` bytes to what has been written and returns where they are; null after a
// failure.
uint8_t* Writer::grow(size_t count) {
  if (failed_ || (count > out_.size() - size_ && !reserve(count))) return nullptr;
  uint8_t* out = out_.data() + size_;
  size_ += count;
  return out;
}

// reserve makes room for `count` bytes more, at least doubling so that appending stays linear.
bool Writer::reserve(size_t count) {
  if (count > 2 * kMaxLength - size_) {
    fail(Errc::kApiMisuse);
    return false;
  }
  try {
    out_.resize(std::max(size_ + count, 2 * size_));
  } catch (const std::exception&) {  // bad_alloc, length_error
    fail(Errc::kNoMemory);
    return false;
  }
  return true;
}

void Writer::fail(Errc failure) {
  if (!failed_) failure_ = failure;
  failed_ = true;
}

}  // namespace pocketgss::asn1
