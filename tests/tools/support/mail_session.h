// MailSession: the library's SMTP client over a connection, logging in and sending mail as a
// program would.
#ifndef PGSS_TESTS_TOOLS_SUPPORT_MAIL_SESSION_H_
#define PGSS_TESTS_TOOLS_SUPPORT_MAIL_SESSION_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <pocketgss/smtp_client.h>

#include "tools/net/client_transport.h"

namespace pocketgss::tools::testing {

struct SessionOptions {
  SessionOptions() { smtp.tls = SmtpClientConfig::Tls::kNone; }

  uint16_t port = 0;
  std::string host = "127.0.0.1";
  std::string user = "bob", password = "password", target;
  std::shared_ptr<TicketSource> tickets;  // for Kerberos, which then stands for the password
  ContextFlags flags = InitiatorConfig().flags;
  SmtpClientConfig smtp;            // without TLS unless it says otherwise
  std::optional<TrustStore> trust;  // for TLS
  PolicyLevel level = PolicyLevel::kDefault;
  BindingRequirement binding = BindingRequirement::kWhenSupported;
};

class MailSession {
 public:
  explicit MailSession(SessionOptions options);

  // login runs the session until it is ready; false: failure() says why.
  bool login();
  const SmtpFailure& failure() const { return failure_; }
  const std::optional<SaslReport>& report() const { return report_; }
  const std::string& transport_failure() const { return transport_failure_; }

  // submit sends one message; it returns the code of the reply that decided (250: taken; 0: the
  // connection broke).
  int submit(const std::string& content, const std::string& from = "a@example.test",
             const std::string& to = "b@example.test");
  // begin sends all of a message but its end; finish the rest.
  int begin(const std::string& content, const std::string& from = "a@example.test",
            const std::string& to = "b@example.test");
  int finish();
  void quit();

 private:
  std::optional<SmtpClient::Event> next();
  bool flush();
  int reply();
  bool start_tls();

  SessionOptions options_;
  Runtime runtime_;
  std::unique_ptr<InitiatorContexts> contexts_;
  std::optional<ClientTransport> transport_;
  std::optional<SmtpClient> client_;
  SmtpFailure failure_;
  std::optional<SaslReport> report_;
  std::string transport_failure_;
};

}  // namespace pocketgss::tools::testing

#endif  // PGSS_TESTS_TOOLS_SUPPORT_MAIL_SESSION_H_
