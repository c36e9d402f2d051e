// Lines and replies of SMTP, collected from pieces of any size within a bound.
#include "sasl/line.h"

#include <cstring>

namespace pocketgss::sasl {
namespace {

constexpr size_t kNotFound = static_cast<size_t>(-1);
constexpr size_t kKeptCapacity = 4096;  // what a cleared line may go on holding

size_t find(ByteView bytes, char c) {
  if (bytes.empty()) return kNotFound;
  const void* at = std::memchr(bytes.data(), c, bytes.size());
  return at == nullptr ? kNotFound
                       : static_cast<size_t>(static_cast<const uint8_t*>(at) - bytes.data());
}

}  // namespace

LineBuffer::Outcome LineBuffer::take(ByteView& input) {
  while (!input.empty()) {
    if (seen_ >= hard_limit())
      return on_long_ == OnLong::kRefuse ? Outcome::kTooLong : Outcome::kFlood;
    if (after_cr_ && input[0] != '\n') return Outcome::kBareCr;
    const ByteView piece = input.prefix(std::min(input.size(), hard_limit() - seen_));
    const size_t end = std::min(find(piece, '\n'), find(piece, '\r'));
    if (end == kNotFound) {
      keep(piece);
      input = input.from(piece.size());
      continue;
    }
    keep(piece.prefix(end));
    ++seen_;
    input = input.from(end + 1);
    if (piece[end] == '\r') {
      after_cr_ = true;
      continue;
    }
    if (!after_cr_) return Outcome::kBareLf;
    return seen_ > limit_ ? Outcome::kTooLong : Outcome::kLine;
  }
  return Outcome::kMore;
}

// keep grows the buffer by doubling, yet never beyond the limit; a line that is too long is counted
// and not kept.
void LineBuffer::keep(ByteView piece) {
  seen_ += piece.size();
  if (seen_ > limit_) {
    buffer_ = Bytes();
    return;
  }
  const size_t size = buffer_.size() + piece.size();
  if (size > buffer_.capacity())
    buffer_.reserve(std::min(limit_, std::max(size, 2 * buffer_.capacity())));
  append(buffer_, piece);
}

void LineBuffer::clear() {
  if (buffer_.capacity() > kKeptCapacity) {
    buffer_ = Bytes();
  } else {
    buffer_.clear();
  }
  seen_ = 0;
  after_cr_ = false;
}

Result<bool> ReplyReader::take(ByteView& input) {
  while (!input.empty()) {
    switch (line_.take(input)) {
      case LineBuffer::Outcome::kMore:
        return false;
      case LineBuffer::Outcome::kLine: {
        PGSS_TRY(const bool whole, end_line());
        if (whole) return true;
        break;
      }
      case LineBuffer::Outcome::kTooLong:
      case LineBuffer::Outcome::kFlood:
        return Error{Errc::kPeerMisbehaved, "SMTP reply length", 0, 0};
      case LineBuffer::Outcome::kBareCr:
      case LineBuffer::Outcome::kBareLf:
        return Error{Errc::kMalformed, "SMTP reply line end", 0, 0};
    }
  }
  return false;
}

// end_line: RFC 5321 4.2: Reply-code = %x32-35 %x30-35 %x30-39. The middle digit is not held to its
// range, as RFC 4954 has none of its own and peers invent codes.
Result<bool> ReplyReader::end_line() {
  const std::string_view text = line_.text();
  const Error bad_code{Errc::kMalformed, "SMTP reply code", 0, 0};
  if (text.size() < 3 || text[0] < '2' || text[0] > '5') return bad_code;
  for (const size_t i : {1u, 2u}) {
    if (text[i] < '0' || text[i] > '9') return bad_code;
  }
  const int code = (text[0] - '0') * 100 + (text[1] - '0') * 10 + (text[2] - '0');
  if (code_ != 0 && code != code_) return bad_code;
  if (text.size() > 3 && text[3] != ' ' && text[3] != '-') return bad_code;
  code_ = code;
  if (text.size() == 3 || text[3] == ' ') return true;
  kept_ += text.size();
  if (lines_.size() + 2 > kMaxLines || kept_ > kMaxText)
    return Error{Errc::kPeerMisbehaved, "SMTP reply lines", 0, 0};
  lines_.emplace_back(text.substr(4));
  line_.clear();
  return false;
}

MutableBytes ReplyReader::last_text() {
  const MutableBytes line = line_.line();
  return line.subspan(std::min<size_t>(4, line.size()));
}

std::string_view ReplyReader::last_text_view() const {
  const std::string_view text = line_.text();
  return text.substr(std::min<size_t>(4, text.size()));
}

void ReplyReader::clear() {
  line_.clear();
  code_ = 0;
  lines_.clear();
  kept_ = 0;
}

}  // namespace pocketgss::sasl
