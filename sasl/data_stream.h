// The transparency of DATA (RFC 5321 4.5.2): leading dots doubled on the way out, removed on the
// way in.
#ifndef PGSS_SASL_DATA_STREAM_H_
#define PGSS_SASL_DATA_STREAM_H_

#include <pocketgss/bytes.h>

namespace pocketgss::sasl {

// DotStuffer writes message content as it goes over the wire. Every line end becomes CRLF, a lone
// CR or LF too, so that no server can see an end of data that this client did not mean.
class DotStuffer {
 public:
  void write(ByteView content, Bytes& out);
  // finish ends the last line, if it has no end, and writes the dot.
  void finish(Bytes& out);

 private:
  void end_line(Bytes& out);

  bool at_line_start_ = true;
  bool after_cr_ = false;
};

// DotUnstuffer reads it. A CR or LF that stands alone is refused: what some servers take for a line
// end, others do not, and messages are smuggled through that difference (CVE-2023-51764).
class DotUnstuffer {
 public:
  enum class Outcome : uint8_t { kMore, kEnd, kBareCr, kBareLf };

  // read takes octets from the front of `input`, up to the end of data, and adds the content to
  // `out`.
  Outcome read(ByteView& input, Bytes& out);

 private:
  enum class State : uint8_t { kLineStart, kText, kAfterCr, kAfterDot, kAfterDotCr };

  Outcome next(uint8_t octet, Bytes& out);

  State state_ = State::kLineStart;
};

}  // namespace pocketgss::sasl

#endif  // PGSS_SASL_DATA_STREAM_H_
