// Writer: DER out, nested by callback so that nothing can be left open.
#ifndef PGSS_ASN1_WRITER_H_
#define PGSS_ASN1_WRITER_H_

#include <pocketgss/bytes.h>
#include <pocketgss/result.h>

#include <string_view>
#include <utility>

#include "asn1/oid.h"
#include "asn1/tag.h"

namespace pocketgss::asn1 {

// Writer appends elements in order. The first error (a content over 2^31-1 bytes, an allocation
// that failed) sticks until take().
//
//   Writer token(expected_size);
//   token.nest(context(1), [&](Writer& resp) {
//     resp.nest(kSequence, [&](Writer& seq) { seq.octet_string(mic); });
//   });
//   PGSS_TRY(Bytes out, std::move(token).take());
//
// With `expected_size` at least the size of the result there is one allocation.
class Writer {
 public:
  explicit Writer(size_t expected_size = 0);
  // Writes into the storage of `reused`, whose contents are dropped: no allocation if it suffices.
  explicit Writer(Bytes&& reused);
  // Writes into the caller's memory and nowhere else: for secrets. Octets behind the result are
  // written to as well, up to the end of `fixed`.
  explicit Writer(MutableBytes fixed);
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // nest writes a constructed element whose contents are what `body`, called at once with this
  // writer, writes.
  template <typename Body>
  void nest(Tag tag, Body&& body) {
    const Mark mark = open(tag);
    std::forward<Body>(body)(*this);
    close(mark);
  }

  void element(Tag, ByteView contents);
  void raw(ByteView whole_elements);  // already DER
  void boolean(bool);
  void int32(int32_t, Tag = kInteger);
  void uint32(uint32_t, Tag = kInteger);
  void int64(int64_t, Tag = kInteger);
  void enumerated(uint32_t);
  void octet_string(ByteView);
  void oid(Oid);
  // The `unused_bits` low bits of the last octet are written as zero (X.690 11.2.1).
  void bit_string(ByteView octets, uint8_t unused_bits = 0);
  void general_string(std::string_view, Tag = kGeneralString);

  // Errors: kApiMisuse (too long, or unused bits above 7 or of no octet), kNoMemory.
  Result<Bytes> take() &&;
  // written ends what was begun with memory of the caller's: how much of it is the result. Errors:
  // those of take(), and kApiMisuse where the memory does not suffice.
  Result<size_t> written() &&;

 private:
  // Mark is an element that is being written: where its contents start, and how many length octets
  // were set aside for it.
  struct Mark {
    size_t contents;
    size_t length_octets;
  };
  Mark open(Tag);
  void close(Mark);
  void close_moving(Mark, size_t length);
  void integer(int64_t, Tag);
  uint8_t* header_and_room(Tag, size_t length);
  uint8_t* grow(size_t count);
  uint8_t* grow_slowly(size_t count);
  size_t size() const { return static_cast<size_t>(at_ - begin_); }
  size_t room() const { return static_cast<size_t>(end_ - at_); }
  void point_at(size_t size);
  void fail(Errc);

  Bytes out_;           // its size is what may be written to; none after a failure
  bool fixed_ = false;  // the caller's memory instead of out_
  uint8_t* begin_ = nullptr;
  uint8_t* at_ = nullptr;   // the end of what has been written
  uint8_t* end_ = nullptr;  // of what may be written to
  bool failed_ = false;
  Errc failure_ = Errc::kInternal;
};

// Nesting is inline where nothing has to be moved and no buffer grown.

namespace internal {

// X.690 10.1: the fewest octets, the short form up to 127.
constexpr size_t length_octets(size_t length) {
  if (length < 0x80) return 1;
  size_t octets = 2;
  while (length >>= 8) ++octets;
  return octets;
}

// The length octets of an element of 130 bytes or more in all.
constexpr size_t length_octets_to_fill(size_t element) {
  size_t octets = 2;
  while (octets <= sizeof(size_t) && (element - 1 - octets) >> (8 * (octets - 1)) != 0) ++octets;
  return octets;
}

}  // namespace internal

// grow adds `count` bytes to what has been written and returns where they are; null after a
// failure.
inline uint8_t* Writer::grow(size_t count) {
  if (count > room()) [[unlikely]]
    return grow_slowly(count);
  at_ += count;
  return at_ - count;
}

// The length is not known yet. Set aside as many octets as it would take if the element filled all
// that is left of the expected size: right for the outer elements of a token, which are the long
// ones, cheap to correct for a short inner one, and never more than there is room for.
inline Writer::Mark Writer::open(Tag tag) {
  size_t octets = 1;
  if (room() > 2 + 0x7f) octets = internal::length_octets_to_fill(room());
  if (uint8_t* out = grow(1 + octets)) [[likely]]
    *out = tag.octet;
  return Mark{size(), octets};
}

inline void Writer::close(Mark mark) {
  if (failed_) [[unlikely]]
    return;
  const size_t length = size() - mark.contents;
  if (length >= 0x80 || mark.length_octets != 1) return close_moving(mark, length);
  begin_[mark.contents - 1] = static_cast<uint8_t>(length);
}

}  // namespace pocketgss::asn1

#endif  // PGSS_ASN1_WRITER_H_
