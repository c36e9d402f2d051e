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
  void enumerated(uint32_t);
  void octet_string(ByteView);
  void oid(Oid);
  // The `unused_bits` low bits of the last octet are written as zero (X.690 11.2.1).
  void bit_string(ByteView octets, uint8_t unused_bits = 0);
  void general_string(std::string_view, Tag = kGeneralString);

  // Errors: kApiMisuse (too long, or unused bits above 7 or of no octet), kNoMemory.
  Result<Bytes> take() &&;

 private:
  // Mark is an element that is being written: where its contents start, and how many length octets
  // were set aside for it.
  struct Mark {
    size_t contents;
    size_t length_octets;
  };
  Mark open(Tag);
  void close(Mark);
  void header(Tag, size_t length);
  void integer(int64_t, Tag);
  void append(ByteView);
  uint8_t* grow(size_t count);
  bool reserve(size_t count);
  void fail(Errc);

  Bytes out_;        // its size is what may be written to without an allocation
  size_t size_ = 0;  // what has been written
  bool failed_ = false;
  Errc failure_ = Errc::kInternal;
};

}  // namespace pocketgss::asn1

#endif  // PGSS_ASN1_WRITER_H_
