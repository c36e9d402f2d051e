// How a message stands in a TCP stream to a KDC (RFC 4120 7.2.2): its length in four octets,
// big-endian, and itself.
#ifndef PGSS_LIB_KDC_FRAMING_H_
#define PGSS_LIB_KDC_FRAMING_H_

#include <pocketgss/bytes.h>
#include <pocketgss/result.h>

#include <optional>

namespace pocketgss {

inline constexpr size_t kMaxKdcFrame = size_t{256} << 10;

// frame puts the length in front. May throw std::bad_alloc.
Bytes frame(ByteView message);

// KdcFrameReader takes a stream as it comes, in pieces of any size.
class KdcFrameReader {
 public:
  // feed returns the message as soon as it is whole; what follows it in the stream is not looked at.
  // The reader allocates no more than has come. Errors: kPeerMisbehaved (a length of 0, with the
  // reserved highest bit, or of more than 256 KiB), from then on always.
  Result<std::optional<Bytes>> feed(ByteView octets);

 private:
  static constexpr size_t kHeader = 4;
  Bytes taken_;
  bool failed_ = false;
};

}  // namespace pocketgss

#endif  // PGSS_LIB_KDC_FRAMING_H_
