// Writer: DER out, nested by callback so that nothing can be left open.
#ifndef PGSS_ASN1_WRITER_H_
#define PGSS_ASN1_WRITER_H_

#include <string_view>
#include <utility>

#include <pocketgss/bytes.h>
#include <pocketgss/result.h>

#include "asn1/oid.h"
#include "asn1/tag.h"

namespace pocketgss::asn1 {

// Writer appends elements in order. The first error (a content over 2^31-1 bytes, an allocation that failed) sticks until take().
//
//   Writer token(expected_size);
//   token.nest(context(1), [&](Writer& resp) { resp.nest(kSequence, [&](Writer& seq) { seq.octet_string(mic); }); });
//   PGSS_TRY(Bytes out, std::move(token).take());
//
// With `expected_size` at least the size of the result there is one allocation.
class Writer {
 public:
  explicit Writer(size_t expected_size = 0);

  // nest writes a constructed element whose contents are what `body`, called at once with this writer, writes.
  template <typename Body>
  void nest(Tag tag, Body&& body) {
    const size_t mark = open(tag);
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
  void bit_string(ByteView octets, uint8_t unused_bits = 0);
  void general_string(std::string_view, Tag = kGeneralString);

  // Errors: kApiMisuse (too long), kNoMemory.
  Result<Bytes> take() &&;

 private:
  size_t open(Tag);
  void close(size_t mark);

  Bytes out_;
  bool failed_ = false;
};

}  // namespace pocketgss::asn1

#endif  // PGSS_ASN1_WRITER_H_
