// What -v shows: the SMTP dialogue line by line, each SASL token decoded below its line.
#include "tools/pocketgss/transcript_printer.h"

#include <ostream>
#include <string>

#include "tools/decode/decode.h"
#include "tools/decode/render.h"

namespace pocketgss::tools {
namespace {

constexpr TextStyle kStyle = {.indent = "        ", .redact = true, .max_octets = 32};

const char* mark(SmtpParty from) {
  return from == SmtpParty::kClient ? "C: " : "S: ";
}

std::string decoded(ByteView token) {
  const auto tree = decode_token(token);
  if (tree.has_value()) return render_text(tree.value(), kStyle);
  return std::string(kStyle.indent) + "not decoded: " + describe(tree.error()) + "\n";
}

}  // namespace

void TranscriptPrinter::line(SmtpParty from, std::string_view text) {
  out_ << mark(from) << text << '\n' << std::flush;
}

void TranscriptPrinter::token(SmtpParty from, std::string_view prefix, SaslMechanism,
                              ByteView token) {
  out_ << mark(from) << prefix;
  if (token.empty()) {
    out_ << "(empty)\n" << std::flush;
    return;
  }
  out_ << "(base64 of " << token.size() << " bytes)\n" << decoded(token) << std::flush;
}

void TranscriptPrinter::note(std::string_view text) {
  out_ << "*  " << text << '\n' << std::flush;
}

}  // namespace pocketgss::tools
