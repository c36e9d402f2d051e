// The verb `decode`, apart from its options.
#include "tools/decode/command.h"

#include <istream>
#include <ostream>

#include "tools/decode/decode.h"
#include "tools/decode/render.h"

namespace pocketgss::tools {
namespace {

constexpr int kExitOk = 0;
constexpr int kExitDataError = 65;  // EX_DATAERR of sysexits.h
constexpr int kExitNoInput = 66;    // EX_NOINPUT
constexpr int kExitIoError = 74;    // EX_IOERR

// Outcome is a token, or a refusal with the sentence that explains it.
struct Outcome {
  std::optional<DecodedToken> token;
  Error error;
  std::string message;
};

Outcome refused(Error error, std::string message) {
  return Outcome{std::nullopt, error, std::move(message)};
}

Outcome decode_text(std::string_view text, const DecodeOptions& options, bool line) {
  const Input input = octets_of(text, options.format, line);
  if (!input.octets)
    return refused(Error{Errc::kMalformed, "input", input.offset, 0}, input.refusal);
  auto token = decode_token(*input.octets, options.kind, options.show_keys, options.decryptor);
  if (!token.has_value()) return refused(token.error(), describe(token.error()));
  return Outcome{std::move(token).value(), {}, ""};
}

Outcome decode_line(const Line& line, const DecodeOptions& options) {
  if (line.too_long)
    return refused(Error{Errc::kMalformed, "input", 0, 0}, "the line is longer than 1 MiB");
  return decode_text(line.text, options, true);
}

std::string json_of(const Outcome& outcome) {
  return outcome.token ? render_json(*outcome.token)
                       : render_json_error(outcome.error, outcome.message);
}

// A folder opens like a file and fails when it is read: that is no empty input.
int cannot_read(std::ostream& err) {
  err << "pocketgss decode: the input cannot be read\n";
  return kExitNoInput;
}

int run_batch(const DecodeOptions& options, std::istream& in, std::ostream& out,
              std::ostream& err) {
  while (const auto line = read_line(in)) {
    out << json_of(decode_line(*line, options)) << '\n' << std::flush;
    if (!out) return kExitIoError;
  }
  return in.bad() ? cannot_read(err) : kExitOk;
}

int run_one(const DecodeOptions& options, std::istream& in, std::ostream& out, std::ostream& err) {
  const std::string text = read_all(in);
  if (in.bad()) return cannot_read(err);
  const Outcome outcome = decode_text(text, options, false);
  if (options.json) {
    out << json_of(outcome) << '\n';
  } else if (outcome.token) {
    out << render_text(*outcome.token, TextStyle{});
  } else {
    err << "pocketgss decode: " << outcome.message << '\n';
  }
  return outcome.token ? kExitOk : kExitDataError;
}

}  // namespace

int run_decode(const DecodeOptions& options, std::istream& in, std::ostream& out,
               std::ostream& err) {
  const int code =
      options.batch ? run_batch(options, in, out, err) : run_one(options, in, out, err);
  if (out.flush()) return code;
  err << "pocketgss decode: the output cannot be written\n";
  return kExitIoError;
}

}  // namespace pocketgss::tools
