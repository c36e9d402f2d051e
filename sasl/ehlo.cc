// What a server says about itself: replies made fit to show, and the EHLO reply.
#include "sasl/ehlo.h"

#include <algorithm>
#include <charconv>

#include "base/any_of.h"
#include "sasl/text.h"

namespace pocketgss::sasl {
namespace {

constexpr size_t kMaxMechanisms = 64;  // names kept of an AUTH list

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// enhanced_code_of returns the "5.7.8" that `text` starts with, or nothing. RFC 3463 2: class "."
// subject "." detail, the last two of one to three digits; the class is the first digit of the
// reply code.
std::string_view enhanced_code_of(std::string_view text, int code) {
  if (text.size() < 5 || text[0] != static_cast<char>('0' + code / 100) || text[1] != '.')
    return {};
  size_t at = 2;
  for (const char end : {'.', ' '}) {
    const size_t start = at;
    while (at < text.size() && is_digit(text[at])) ++at;
    if (at == start || at - start > 3) return {};
    if (at == text.size()) return end == ' ' ? text : std::string_view();
    if (text[at++] != end) return {};
  }
  return text.substr(0, at - 1);
}

void add_line(SmtpReply& out, std::string_view text) {
  const std::string_view enhanced = enhanced_code_of(text, out.code);
  if (!enhanced.empty()) {
    out.enhanced = enhanced;
    text.remove_prefix(std::min(text.size(), enhanced.size() + 1));
  }
  if (!out.text.empty()) out.text += '\n';
  out.text += sanitise_text(text);
}

void add_mechanisms(SmtpCapabilities& out, std::string_view names) {
  while (!names.empty() && out.auth.size() < kMaxMechanisms) {
    const std::string name = sanitise_text(take_word(names), 64);
    const auto same = [&](const std::string& known) { return equal_ignoring_case(known, name); };
    if (!name.empty() && !any_of(out.auth, same)) out.auth.push_back(name);
  }
}

std::optional<uint64_t> parse_size(std::string_view digits) {
  uint64_t size = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), size);
  if (error != std::errc() || end != digits.data() + digits.size()) return 0;
  return size;
}

void add_keyword(SmtpCapabilities& out, std::string_view line) {
  // The old spelling, "AUTH=NTLM LOGIN", of servers before RFC 2554.
  if (starts_with_ignoring_case(line, "AUTH=")) return add_mechanisms(out, line.substr(5));
  const std::string_view keyword = take_word(line);
  const auto is = [&](std::string_view name) { return equal_ignoring_case(keyword, name); };
  // Only "AUTH": Exchange's X-EXPS is between servers (quirk A15).
  if (is("AUTH")) add_mechanisms(out, line);
  if (is("STARTTLS")) out.starttls = true;
  if (is("PIPELINING")) out.pipelining = true;
  if (is("8BITMIME")) out.eight_bit_mime = true;
  if (is("ENHANCEDSTATUSCODES")) out.enhanced_status_codes = true;
  if (is("SMTPUTF8")) out.smtp_utf8 = true;
  if (is("SIZE")) out.size = parse_size(line);
}

}  // namespace

SmtpReply to_reply(const ReplyReader& reply) {
  constexpr size_t kShownLines = 16;
  SmtpReply out;
  out.code = reply.code();
  const auto& earlier = reply.earlier_lines();
  for (size_t i = 0; i < std::min(earlier.size(), kShownLines); ++i) add_line(out, earlier[i]);
  add_line(out, reply.last_text_view());
  return out;
}

SmtpCapabilities parse_ehlo(const ReplyReader& reply) {
  SmtpCapabilities out;
  const auto& earlier = reply.earlier_lines();
  if (earlier.empty()) return out;  // one line: the greeting alone
  for (size_t i = 1; i < earlier.size(); ++i) add_keyword(out, earlier[i]);
  add_keyword(out, reply.last_text_view());
  return out;
}

}  // namespace pocketgss::sasl
