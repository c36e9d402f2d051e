// Words for what ended a client's session: whose fault it is, and what to do.
#ifndef PGSS_SASL_SMTP_FAILURE_H_
#define PGSS_SASL_SMTP_FAILURE_H_

#include <string_view>

#include <pocketgss/smtp_client.h>

namespace pocketgss::sasl {

// failure_of_reply: the server refused at a stage that `kind` names.
SmtpFailure failure_of_reply(SmtpFailure::Kind kind, SmtpReply&& reply);
// failure_of_login: the server's refusal of AUTH, by its code (RFC 4954 4, 6).
SmtpFailure failure_of_login(SaslMechanism mechanism, SmtpReply&& reply);
// failure_of_error: our side of the exchange, or the reading of a reply, ended in an error.
SmtpFailure failure_of_error(const Error& error);
// failure_of_exchange: a KDC's answer, or none, ended our side of the exchange.
SmtpFailure failure_of_exchange(const Error& error);
SmtpFailure failure_of_kind(SmtpFailure::Kind kind, std::string_view detail = {});
SmtpFailure failure_of_kind(SmtpFailure::Kind kind, const Error& error);
// add_earlier adds a sentence to `message`: what an earlier mechanism failed of, without advice.
void add_earlier(std::string& message, const SmtpFailure& earlier);

}  // namespace pocketgss::sasl

#endif  // PGSS_SASL_SMTP_FAILURE_H_
