// Framing of messages in a stream.
#include "lib/kdc_framing.h"

#include "base/cursor.h"

namespace pocketgss {

Bytes frame(ByteView message) {
  Bytes out;
  out.reserve(4 + message.size());
  ByteWriter writer(out);
  writer.u32be(static_cast<uint32_t>(message.size()));
  writer.bytes(message);
  return out;
}

Result<std::optional<Bytes>> KdcFrameReader::feed(ByteView octets) {
  const Error wrong{Errc::kPeerMisbehaved, "the length in front of the KDC's reply", 0, 0};
  if (failed_) return wrong;
  append(taken_, octets);
  if (taken_.size() < kHeader) return std::optional<Bytes>();
  ByteReader reader(taken_);
  const uint32_t size = reader.u32be("length").value();
  // RFC 4120 7.2.2: the highest bit is reserved, and a peer that does not know what it means closes
  // the stream. It is beyond our bound anyway.
  if (size == 0 || size > kMaxKdcFrame) {
    failed_ = true;
    return wrong;
  }
  if (taken_.size() - kHeader < size) return std::optional<Bytes>();
  return std::optional<Bytes>(ByteView(taken_).sub(kHeader, size).to_bytes());
}

}  // namespace pocketgss
