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

// A wrap token starts as a credential cache does (RFC 4121 4.2.6.2), and no cache is sent here. What
// it holds is the layer step.
bool is_krb5_wrap(ByteView token) {
  return token.size() >= 16 && token[0] == 0x05 && token[1] == 0x04 && token[3] == 0xff;
}

std::string decoded(ByteView token) {
  if (is_krb5_wrap(token)) {
    const bool sealed = (token[2] & 0x02) != 0;
    return std::string(kStyle.indent) + "krb5.Wrap, " + std::to_string(token.size()) + " bytes, " +
           (sealed ? "sealed" : "signed") + "\n";
  }
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
