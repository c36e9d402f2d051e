// The commands of SMTP as a server reads them.
#include "sasl/smtp_command.h"

#include <charconv>
#include <limits>

#include "lib/text.h"
#include "sasl/text.h"

namespace pocketgss::sasl {
namespace {

constexpr size_t kMaxPath = 254;  // RFC 5321 4.5.3.1.3: 256 with the angle brackets

SmtpReply syntax_error(std::string_view text) {
  return {501, "5.5.4", std::string(text)};
}

// path_end returns where the '>' of the path stands that `text` begins with. Quoted strings may
// hold one (RFC 5321 4.1.2).
std::optional<size_t> path_end(std::string_view text) {
  bool quoted = false;
  for (size_t i = 1; i < text.size(); ++i) {
    if (quoted && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (!quoted && text[i] == '>') {
      return i;
    } else if (!quoted && (text[i] == ' ' || text[i] == '<')) {
      return std::nullopt;
    }
  }
  return std::nullopt;
}

// take_path cuts "<path>" off; a source route in it is dropped (RFC 5321 4.1.1.3, appendix C).
std::optional<std::string> take_path(std::string_view& text) {
  text = trim(text);
  if (text.empty() || text[0] != '<') return std::nullopt;
  const auto end = path_end(text);
  if (!end || (*end + 1 < text.size() && text[*end + 1] != ' ')) return std::nullopt;
  std::string_view path = text.substr(1, *end - 1);
  if (path.size() > kMaxPath || !is_printable_ascii(path)) return std::nullopt;
  if (!path.empty() && path[0] == '@') {
    const size_t colon = path.find(':');
    if (colon == path.npos) return std::nullopt;
    path.remove_prefix(colon + 1);
    if (path.empty()) return std::nullopt;
  }
  text = trim(text.substr(*end + 1));
  return std::string(path);
}

bool take_keyword(std::string_view& text, std::string_view keyword) {
  text = trim(text);
  if (!starts_with_ignoring_case(text, keyword)) return false;
  text.remove_prefix(keyword.size());
  return true;
}

// parse_size: RFC 1870 6: 1*20DIGIT, so that it may be more than fits.
std::optional<uint64_t> parse_size(std::string_view digits) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (end != digits.data() + digits.size() || error == std::errc::invalid_argument)
    return std::nullopt;
  return error == std::errc() ? value : std::numeric_limits<uint64_t>::max();
}

std::optional<SmtpReply> take_body(std::string_view value, SmtpServer::Mail& mail) {
  mail.eight_bit = equal_ignoring_case(value, "8BITMIME");
  if (mail.eight_bit || equal_ignoring_case(value, "7BIT")) return std::nullopt;
  return syntax_error("BODY is 7BIT or 8BITMIME");
}

// take_auth: RFC 4954 5: AUTH=<> or an xtext mailbox. Taken, and left to the application to believe
// or not.
std::optional<SmtpReply> take_auth(std::string_view value, SmtpServer::Mail& mail) {
  auto decoded = decode_xtext(value);
  if (!decoded || decoded->empty()) return syntax_error("AUTH is no xtext");
  mail.auth = std::move(*decoded);
  return std::nullopt;
}

// take_parameter reads one "KEY=value" (RFC 5321 4.1.1.11); the reply that refuses it, or none.
std::optional<SmtpReply> take_parameter(std::string_view parameter, SmtpServer::Mail& mail) {
  const size_t equals = parameter.find('=');
  const std::string_view key = parameter.substr(0, equals);
  const std::string_view value =
      equals == parameter.npos ? std::string_view() : parameter.substr(equals + 1);
  if (equal_ignoring_case(key, "BODY")) return take_body(value, mail);
  if (equal_ignoring_case(key, "AUTH")) return take_auth(value, mail);
  if (equal_ignoring_case(key, "SIZE")) {
    mail.size = parse_size(value);
    if (!mail.size) return syntax_error("SIZE is no number");
    return std::nullopt;
  }
  return SmtpReply{555, "5.5.4", "Unknown MAIL parameter"};
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

}  // namespace

std::variant<SmtpServer::Mail, SmtpReply> parse_mail(std::string_view arguments) {
  if (!take_keyword(arguments, "FROM:")) return syntax_error("MAIL FROM:<address> expected");
  auto path = take_path(arguments);
  if (!path) return SmtpReply{501, "5.1.7", "Bad sender address"};
  SmtpServer::Mail mail;
  mail.reverse_path = std::move(*path);
  while (!arguments.empty()) {
    if (auto refused = take_parameter(take_word(arguments), mail)) return std::move(*refused);
  }
  return mail;
}

std::variant<SmtpServer::Rcpt, SmtpReply> parse_rcpt(std::string_view arguments) {
  if (!take_keyword(arguments, "TO:")) return syntax_error("RCPT TO:<address> expected");
  auto path = take_path(arguments);
  if (!path || path->empty()) return SmtpReply{501, "5.1.3", "Bad recipient address"};
  if (!arguments.empty()) return SmtpReply{555, "5.5.4", "Unknown RCPT parameter"};
  return SmtpServer::Rcpt{std::move(*path)};
}

std::optional<std::string> decode_xtext(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '+') {
      out.push_back(text[i]);
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const int high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out.push_back(static_cast<char>(high << 4 | low));
    i += 2;
  }
  if (!is_printable_ascii(out)) return std::nullopt;
  return out;
}

}  // namespace pocketgss::sasl
