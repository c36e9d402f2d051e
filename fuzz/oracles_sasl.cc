// Base64, lines and content: round trips, and the same however the bytes are cut.
#include "fuzz/oracles_sasl.h"

#include <pocketgss/base64.h>

#include <string>
#include <vector>

#include "fuzz/check.h"
#include "sasl/data_stream.h"
#include "sasl/line.h"
#include "tests/fakes/fake_context.h"

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

struct Layer {
  Layer(uint32_t max_send, uint32_t max_receive) {
    contexts.scripts.push_back(testing::FakeScript().ends());
    auto context = contexts.make({}).value();
    PGSS_FUZZ_CHECK(context->step({}).has_value());
    layer.emplace(std::move(context), kConfidentialityLayer, max_send, max_receive);
  }
  testing::FakeContexts contexts;
  std::optional<SaslLayer> layer;
};

// contents_of tells what a layer makes of the input: each content and its size, then the error.
std::string contents_of(ByteView input, size_t piece, uint32_t max_receive, bool& failed) {
  Layer layer(0, max_receive);
  std::string out;
  in_pieces(input, piece, [&](ByteView& rest) {
    const Result<bool> whole = layer.layer->unwrap(rest);
    if (!whole.has_value()) {
      out += whole.error().where;
      failed = true;
      ByteView more = as_bytes("more");
      PGSS_FUZZ_CHECK(layer.layer->unwrap(more).error() == whole.error());
      PGSS_FUZZ_CHECK(layer.layer->content().empty());
      return false;
    }
    PGSS_FUZZ_CHECK(whole.value() || rest.empty());
    if (!whole.value()) return true;
    const std::string_view content = as_text(layer.layer->content());
    PGSS_FUZZ_CHECK(content.size() <= max_receive);
    out += std::to_string(content.size()) + ":" + std::string(content);
    return true;
  });
  return out;
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

void check_layer(ByteView input) {
  if (input.empty() || input.size() > 4'096) return;
  const uint32_t max_size = 5 + input[0];  // the wrapping, and one octet
  const ByteView stream = input.from(1);
  bool failed = false;
  const std::string whole = contents_of(stream, stream.size(), max_size, failed);
  PGSS_FUZZ_CHECK(whole.size() <= 4 * input.size() + 100);
  for (const size_t piece : {1u, 7u}) {
    PGSS_FUZZ_CHECK(contents_of(stream, piece, max_size, failed) == whole);
  }

  Layer sender(max_size, 1);
  Bytes wire;
  PGSS_FUZZ_CHECK(sender.layer->wrap(stream, wire).has_value());
  Layer receiver(0, max_size);
  Bytes back;
  for (ByteView rest = wire; !rest.empty();) {
    const Result<bool> taken = receiver.layer->unwrap(rest);
    PGSS_FUZZ_CHECK(taken.has_value() && taken.value());
    append(back, receiver.layer->content());
  }
  PGSS_FUZZ_CHECK(back == stream.to_bytes());
}

}  // namespace pocketgss::fuzz
