// Allocations that fail in a login of the SMTP machines with the real mechanisms (MEM-3): nobody throws,
// both ends tell how it went, and the client is not told of a login that the server knows nothing of.
#include <gtest/gtest.h>
#include <pocketgss/smtp_client.h>
#include <pocketgss/smtp_server.h>

#include "tests/fakes/kerberos_login.h"
#include "tests/support/allocations.h"

namespace pocketgss {
namespace {

using testing::FailingAllocations;
using testing::KerberosLogin;
using testing::OthersAllocations;

// Way is one that AUTH can go.
struct Way {
  const char* name;
  SaslMechanism mechanism;
  bool kerberos;
};
void PrintTo(const Way& way, std::ostream* out) {
  *out << way.name;
}

// Session is a login in the clear, from the server's greeting on.
class Session {
 public:
  explicit Session(const Way& way) {
    if (way.kerberos) {
      initiator_ = kerberos_.initiator();
      acceptor_ = kerberos_.acceptor();
    } else {
      initiator_.credential =
          Credential::from_password(runtime_, AccountName::parse("EXAMPLE\\alice").value(),
                                    SecretBytes(std::string_view("Password1")))
              .value();
      initiator_.policy.inner = {InnerMechanism::kNtlm};
      acceptor_.ntlm = true;
      acceptor_.host = "mail.example.test";
    }
    initiator_.target = "smtp/mail.example.test";
    client_config_.mechanism = way.mechanism;
    client_config_.tls = SmtpClientConfig::Tls::kNone;
    client_config_.ehlo_name = "client.example.test";
    server_config_.hostname = "mail.example.test";
    server_config_.auth_in_clear = true;
    clients_.emplace(runtime_, initiator_);
    servers_.emplace(runtime_, acceptor_);
    client_.emplace(*clients_, client_config_);
    server_.emplace(*servers_, server_config_);
  }

  // run goes on until neither side has anything to say.
  void run() {
    for (bool busy = true; busy;) {
      busy = look();
      const Bytes from_server = server_->take_output();
      if (!from_server.empty()) client_->receive(from_server);
      busy = look() || busy || !from_server.empty();
      const Bytes from_client = client_->take_output();
      if (!from_client.empty()) server_->receive(from_client);
      busy = busy || !from_client.empty();
    }
  }
  // hang_up ends the connection.
  void hang_up() {
    client_->closed();
    server_->closed();
    run();
  }

  int ready = 0, failed = 0, logged_in = 0, closed = 0;
  std::optional<Error> resume_error;

 private:
  // look takes the events, and says whether there were any.
  bool look() {
    bool any = false;
    while (const auto event = client_->next_event()) {
      any = true;
      ready += std::holds_alternative<SmtpClient::Ready>(*event);
      failed += std::holds_alternative<SmtpClient::Failed>(*event);
    }
    while (const auto event = server_->next_event()) {
      any = true;
      logged_in += std::holds_alternative<SmtpServer::LoggedIn>(*event);
      closed += std::holds_alternative<SmtpServer::Closed>(*event);
      if (std::holds_alternative<SmtpServer::Account>(*event)) {
        const auto resumed = server_->resume(account());
        if (!resumed.has_value()) resume_error = resumed.error();
      }
    }
    return any;
  }
  AccountAnswer account() {
    const OthersAllocations of_the_application;
    return {Account{"alice", nt_hash_of_password(runtime_, as_bytes("Password1")).value()}};
  }

  Runtime runtime_ = Runtime::create().value();
  KerberosLogin kerberos_;
  InitiatorConfig initiator_;
  AcceptorConfig acceptor_;
  SmtpClientConfig client_config_;
  SmtpServerConfig server_config_;
  std::optional<InitiatorContexts> clients_;
  std::optional<AcceptorContexts> servers_;
  std::optional<SmtpClient> client_;
  std::optional<SmtpServer> server_;
};

class LoginMemoryTest : public ::testing::TestWithParam<Way> {
 protected:
  // expect_told: one login in which the n-th allocation fails; false where there are not so many.
  static bool expect_told(size_t n, FailingAllocations::Which which) {
    Session session(GetParam());
    bool reached = false;
    {
      const FailingAllocations failing(n, which);
      session.run();
      reached = failing.reached();
    }
    EXPECT_TRUE(reached || session.ready == 1) << n;
    if (session.resume_error) {
      EXPECT_EQ(session.resume_error->code, Errc::kNoMemory) << n;
    }
    session.hang_up();
    EXPECT_LE(session.ready, session.logged_in) << n;
    EXPECT_LE(session.logged_in, 1) << n;
    EXPECT_EQ(session.failed, 1) << n << ": once, at the latest when the connection ends";
    EXPECT_EQ(session.closed, 1) << n;
    return reached;
  }
};

INSTANTIATE_TEST_SUITE_P(
    By, LoginMemoryTest,
    ::testing::Values(Way{"GssapiNtlm", SaslMechanism::kGssapi, false},
                      Way{"GssapiKerberos", SaslMechanism::kGssapi, true},
                      Way{"GssSpnegoNtlm", SaslMechanism::kGssSpnego, false},
                      Way{"GssSpnegoKerberos", SaslMechanism::kGssSpnego, true},
                      Way{"GssapiBareKerberos", SaslMechanism::kGssapiKrb5, true},
                      Way{"Ntlm", SaslMechanism::kNtlm, false}),
    [](const auto& of) { return of.param.name; });

TEST_P(LoginMemoryTest, MEM_3_BothEndsTellTheEndWhicheverAllocationFails) {
  for (const auto which :
       {FailingAllocations::Which::kAllFromThere, FailingAllocations::Which::kThatOne}) {
    size_t n = 1;
    while (expect_told(n, which)) {
      if (HasFailure()) return;
      ASSERT_LT(++n, 2000U) << "no end of allocations";
    }
    EXPECT_GT(n, 50U) << "so few allocations that nothing was tested";
  }
}

}  // namespace
}  // namespace pocketgss
