// Base64, lines and content: round trips, and the same however the bytes are cut.
#include "fuzz/oracles_sasl.h"

#include <pocketgss/base64.h>

#include <string>
#include <vector>

#include "fuzz/check.h"
#include "sasl/data_stream.h"
#include "sasl/line.h"

namespace pocketgss::fuzz {
namespace {

// in_pieces gives `input` to `take` in pieces of `size` octets; `take` consumes from the front, and
// says whether to go on.
template <typename Take>
void in_pieces(ByteView input, size_t size, Take take) {
  while (!input.empty()) {
    ByteView piece = input.prefix(std::min(size, input.size()));
    const size_t given = piece.size();
    const bool go_on = take(piece);
    PGSS_FUZZ_CHECK(piece.size() <= given);
    PGSS_FUZZ_CHECK(piece.size() < given || !go_on);
    input = input.from(given - piece.size());
    if (!go_on) return;
  }
}

// lines_of tells what a LineBuffer makes of the input.
std::string lines_of(ByteView input, size_t piece, sasl::LineBuffer::OnLong on_long) {
  using Outcome = sasl::LineBuffer::Outcome;
  constexpr size_t kLimit = 64;
  sasl::LineBuffer line(kLimit, on_long);
  std::string out;
  in_pieces(input, piece, [&](ByteView& rest) {
    const Outcome outcome = line.take(rest);
    if (outcome == Outcome::kMore) return true;
    out += std::to_string(static_cast<int>(outcome)) + ":";
    if (outcome == Outcome::kLine) {
      PGSS_FUZZ_CHECK(line.text().size() + 2 <= kLimit);
      PGSS_FUZZ_CHECK(line.text().find_first_of("\r\n") == std::string_view::npos);
      out += line.text();
    }
    out += "\n";
    line.clear();
    // A line that is refused at its limit, and not read to its end, is the end of the session.
    return outcome == Outcome::kLine ||
           (outcome == Outcome::kTooLong && on_long == sasl::LineBuffer::OnLong::kSkip);
  });
  return out;
}

std::string replies_of(ByteView input, size_t piece) {
  sasl::ReplyReader reader(64);
  std::string out;
  in_pieces(input, piece, [&](ByteView& rest) {
    const Result<bool> whole = reader.take(rest);
    if (!whole.has_value()) {
      out += whole.error().where;
      return false;
    }
    if (!whole.value()) return true;
    PGSS_FUZZ_CHECK(reader.code() >= 200 && reader.code() <= 599);
    PGSS_FUZZ_CHECK(reader.earlier_lines().size() < sasl::ReplyReader::kMaxLines);
    out += std::to_string(reader.code());
    for (const std::string& line : reader.earlier_lines()) out.append("-").append(line);
    out.append(" ").append(reader.last_text_view()).append("\n");
    reader.clear();
    return true;
  });
  return out;
}

std::string content_of(ByteView wire, size_t piece, bool& ended, bool& bare) {
  using Outcome = sasl::DotUnstuffer::Outcome;
  sasl::DotUnstuffer unstuffer;
  Bytes out;
  in_pieces(wire, piece, [&](ByteView& rest) {
    const Outcome outcome = unstuffer.read(rest, out);
    ended = outcome == Outcome::kEnd;
    bare = outcome == Outcome::kBareCr || outcome == Outcome::kBareLf;
    return outcome == Outcome::kMore;
  });
  return std::string(as_text(out));
}

Bytes wire_of(ByteView content, size_t piece) {
  sasl::DotStuffer stuffer;
  Bytes out;
  in_pieces(content, piece, [&](ByteView& rest) {
    stuffer.write(rest, out);
    rest = ByteView();
    return true;
  });
  stuffer.finish(out);
  return out;
}

void check_content(ByteView input, size_t piece) {
  bool ended = false, bare = false;
  const Bytes wire = wire_of(input, input.size() + 1);
  PGSS_FUZZ_CHECK(wire_of(input, piece) == wire);
  const std::string content = content_of(wire, piece, ended, bare);
  PGSS_FUZZ_CHECK(ended && !bare);
  // What went through once has proper line ends, and goes through unchanged.
  PGSS_FUZZ_CHECK(wire_of(as_bytes(content), piece) == wire);
}

}  // namespace

void check_base64(ByteView input) {
  const std::string_view text = as_text(input);
  Bytes copy = input.to_bytes();
  const Result<Bytes> decoded = base64_decode(text);
  const Result<ByteView> in_place = base64_decode_in_place(copy);
  PGSS_FUZZ_CHECK(decoded.has_value() == in_place.has_value());
  if (decoded.has_value()) {
    PGSS_FUZZ_CHECK(base64_encode(decoded.value()) == text);
    PGSS_FUZZ_CHECK(ByteView(decoded.value()) == in_place.value());
  } else {
    PGSS_FUZZ_CHECK(decoded.error() == in_place.error());
    PGSS_FUZZ_CHECK(decoded.error().code == Errc::kMalformed &&
                    decoded.error().offset <= input.size());
  }
  const std::string encoded = base64_encode(input);
  PGSS_FUZZ_CHECK(encoded.size() == base64_size(input.size()));
  PGSS_FUZZ_CHECK(ByteView(base64_decode(encoded).value()) == input);
}

void check_lines(ByteView input) {
  const size_t piece = input.empty() ? 1 : 1 + input[0] % 16;
  const size_t whole = input.size() + 1;
  for (const auto on_long : {sasl::LineBuffer::OnLong::kRefuse, sasl::LineBuffer::OnLong::kSkip}) {
    PGSS_FUZZ_CHECK(lines_of(input, piece, on_long) == lines_of(input, whole, on_long));
  }
  PGSS_FUZZ_CHECK(replies_of(input, piece) == replies_of(input, whole));
  bool ended[2] = {}, bare[2] = {};
  PGSS_FUZZ_CHECK(content_of(input, piece, ended[0], bare[0]) ==
                  content_of(input, whole, ended[1], bare[1]));
  PGSS_FUZZ_CHECK(ended[0] == ended[1] && bare[0] == bare[1]);
  check_content(input, piece);
}

}  // namespace pocketgss::fuzz
