// Submitting one message: runs the SMTP client over a connection until the server has taken it.
#ifndef PGSS_TOOLS_MAIL_SUBMISSION_H_
#define PGSS_TOOLS_MAIL_SUBMISSION_H_

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include <pocketgss/smtp_client.h>

#include "tools/fallible.h"
#include "tools/mail/message_source.h"
#include "tools/net/client_transport.h"

namespace pocketgss::tools {

struct Envelope {
  std::string from;             // may be empty: a report that wants no report
  std::vector<std::string> to;  // one or more
};

struct SubmissionConfig {
  std::string host;                            // for the certificate
  std::chrono::milliseconds timeout{300'000};  // of one answer of the server, but of the answer
                                               // to the whole message
  std::chrono::milliseconds message_timeout{600'000};  // of that one (RFC 5321 4.5.3.2.6)
  std::function<Fallible<TrustStore>()> trust;         // asked for when TLS starts
  Clock* clock = &system_clock();              // what the certificate's dates are checked against
  std::function<void(std::string_view)> note;  // what -v says of TLS and of the login; may be empty
  std::string login_advice;  // what else to do where the server refuses the login; may be empty
};

// Submitted is what the server said of a message that it took, and how the login went.
struct Submitted {
  SmtpReply reply;
  std::optional<SaslReport> login;
};

// submit logs in and hands the message over. All recipients must be taken: if the server refuses
// one, the message is sent to none. Failures: those of the transport; kNoPermission (the login was
// refused), kUnavailable, kTempFail, kProtocol, kNoUser (a recipient), kDataError (a message that
// the server cannot take); the text says whose fault it is and what to do,
// and whether the server may have taken the message nevertheless.
Fallible<Submitted> submit(SmtpClient& client, ClientTransport& transport, const Envelope& envelope,
                           MessageSource& message, const SubmissionConfig& config);

}  // namespace pocketgss::tools

#endif  // PGSS_TOOLS_MAIL_SUBMISSION_H_
