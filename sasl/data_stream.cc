// The transparency of DATA (RFC 5321 4.5.2).
#include "sasl/data_stream.h"

#include <algorithm>

namespace pocketgss::sasl {
namespace {

ByteView text_before_line_end(ByteView bytes) {
  const auto end =
      std::find_if(bytes.begin(), bytes.end(), [](uint8_t c) { return c == '\r' || c == '\n'; });
  return bytes.prefix(static_cast<size_t>(end - bytes.begin()));
}

}  // namespace

void DotStuffer::end_line(Bytes& out) {
  append(out, as_bytes("\r\n"));
  at_line_start_ = true;
  after_cr_ = false;
}

void DotStuffer::write(ByteView content, Bytes& out) {
  while (!content.empty()) {
    if (after_cr_) {
      if (content[0] == '\n') content = content.from(1);
      end_line(out);
      continue;
    }
    const ByteView text = text_before_line_end(content);
    if (!text.empty()) {
      if (at_line_start_ && text[0] == '.') out.push_back('.');
      append(out, text);
      at_line_start_ = false;
      content = content.from(text.size());
      continue;
    }
    after_cr_ = content[0] == '\r';
    content = content.from(1);
    if (!after_cr_) end_line(out);
  }
}

void DotStuffer::finish(Bytes& out) {
  if (after_cr_ || !at_line_start_) end_line(out);
  append(out, as_bytes(".\r\n"));
  *this = DotStuffer();
}

DotUnstuffer::Outcome DotUnstuffer::read(ByteView& input, Bytes& out) {
  while (!input.empty()) {
    if (state_ == State::kText) {
      const ByteView text = text_before_line_end(input);
      append(out, text);
      input = input.from(text.size());
      if (input.empty()) break;
    }
    const uint8_t octet = input[0];
    input = input.from(1);
    const Outcome outcome = next(octet, out);
    if (outcome != Outcome::kMore) return outcome;
  }
  return Outcome::kMore;
}

DotUnstuffer::Outcome DotUnstuffer::next(uint8_t octet, Bytes& out) {
  if (state_ == State::kAfterCr || state_ == State::kAfterDotCr) {
    if (octet != '\n') return Outcome::kBareCr;
    const bool end = state_ == State::kAfterDotCr;
    state_ = State::kLineStart;
    if (end) return Outcome::kEnd;
    append(out, as_bytes("\r\n"));
    return Outcome::kMore;
  }
  if (octet == '\n') return Outcome::kBareLf;
  if (octet == '\r') {
    state_ = state_ == State::kAfterDot ? State::kAfterDotCr : State::kAfterCr;
    return Outcome::kMore;
  }
  if (octet == '.' && state_ == State::kLineStart) {
    state_ = State::kAfterDot;
    return Outcome::kMore;
  }
  out.push_back(octet);
  state_ = State::kText;
  return Outcome::kMore;
}

}  // namespace pocketgss::sasl
