// Lines and replies of SMTP, collected from pieces of any size within a bound.
#ifndef PGSS_SASL_LINE_H_
#define PGSS_SASL_LINE_H_

#include <string>
#include <string_view>
#include <vector>

#include <pocketgss/bytes.h>
#include <pocketgss/result.h>

namespace pocketgss::sasl {

// kLeastAuthLine: what a line of an AUTH exchange may have at least, with CRLF (RFC 4954 4).
inline constexpr size_t kLeastAuthLine = 12'288;

// LineBuffer collects one line that ends in CRLF (RFC 5321 2.3.8: a CR or LF alone is no line end).
// What comes out does not depend on how the bytes were cut into pieces.
class LineBuffer {
 public:
  enum class OnLong : uint8_t {
    kRefuse,  // report kTooLong at the first octet too many
    kSkip,    // read on to the line's end and report then, so that the next line can be read; up to
              // kSkipLimit
  };
  enum class Outcome : uint8_t {
    kMore,     // all of the input was taken, and the line is not at its end
    kLine,     // line() is there
    kTooLong,  // over the limit; kSkip: its end was reached
    kBareCr,   // a CR that no LF follows
    kBareLf,   // an LF that no CR precedes
    kFlood,    // kSkip: no end within kSkipLimit octets
  };
  static constexpr size_t kSkipLimit = 1024 * 1024;

  // `limit` counts octets with CRLF.
  LineBuffer(size_t limit, OnLong on_long) : limit_(limit), on_long_(on_long) {}

  // take moves octets from the front of `input` to the line, up to its end. After any outcome but
  // kMore call clear().
  Outcome take(ByteView& input);
  // line is the content without CRLF; the caller may write to it (to decode in place). Valid until
  // clear().
  MutableBytes line() { return MutableBytes(buffer_.data(), buffer_.size()); }
  std::string_view text() const { return as_text(buffer_); }
  bool empty() const { return seen_ == 0; }
  void clear();
  void set_limit(size_t limit) { limit_ = limit; }

 private:
  size_t hard_limit() const { return on_long_ == OnLong::kRefuse ? limit_ : kSkipLimit; }
  void keep(ByteView piece);

  size_t limit_;
  OnLong on_long_;
  Bytes buffer_;
  size_t seen_ = 0;        // octets of this line so far, with CR and LF
  bool after_cr_ = false;  // the last octet was a CR, which is not in buffer_
};

// ReplyReader collects one reply of a server (RFC 5321 4.2): lines "ddd-text", the last one "ddd
// text" or "ddd".
class ReplyReader {
 public:
  static constexpr size_t kMaxLines = 256;

  // `limit` counts octets of one line with CRLF; all lines but the last together keep within
  // kMaxText.
  explicit ReplyReader(size_t limit) : line_(limit, LineBuffer::OnLong::kRefuse) {}

  // take returns true where the reply is whole. Errors: kMalformed ("SMTP reply code", "SMTP reply
  // line end"), kPeerMisbehaved ("SMTP reply length", "SMTP reply lines").
  Result<bool> take(ByteView& input);

  int code() const { return code_; }
  // earlier_lines are all texts but the last; last_text may be decoded in place.
  const std::vector<std::string>& earlier_lines() const { return lines_; }
  MutableBytes last_text();
  std::string_view last_text_view() const;
  void clear();
  void set_limit(size_t limit) { line_.set_limit(limit); }
  bool empty() const { return code_ == 0 && line_.empty(); }

 private:
  static constexpr size_t kMaxText = 64 * 1024;

  Result<bool> end_line();

  LineBuffer line_;
  int code_ = 0;
  std::vector<std::string> lines_;
  size_t kept_ = 0;  // octets in lines_
};

}  // namespace pocketgss::sasl

#endif  // PGSS_SASL_LINE_H_
