// The commands of SMTP as a server reads them: paths and parameters (RFC 5321 4.1.1, 4.1.2).
#ifndef PGSS_SASL_SMTP_COMMAND_H_
#define PGSS_SASL_SMTP_COMMAND_H_

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include <pocketgss/smtp_server.h>

namespace pocketgss::sasl {

// parse_mail and parse_rcpt take what follows "MAIL" or "RCPT", and return the event or the reply
// that refuses it: 501 5.5.4 (syntax), 501 5.1.7 and 5.1.3 (the path), 555 5.5.4 (an unknown
// parameter).
std::variant<SmtpServer::Mail, SmtpReply> parse_mail(std::string_view arguments);
std::variant<SmtpServer::Rcpt, SmtpReply> parse_rcpt(std::string_view arguments);

// decode_xtext: RFC 3461 4: "+" and two upper-case hex digits stand for an octet. None: not xtext,
// or a control character or an octet beyond ASCII in it (SMTPUTF8 is not offered).
std::optional<std::string> decode_xtext(std::string_view text);

}  // namespace pocketgss::sasl

#endif  // PGSS_SASL_SMTP_COMMAND_H_
