// The beginnings of first tokens, at an SMTP server with the real mechanisms.
#include <gtest/gtest.h>

#include <pocketgss/base64.h>
#include <pocketgss/smtp_server.h>

#include "tests/fakes/kerberos_login.h"

namespace pocketgss {
namespace {

using testing::KerberosLogin;

constexpr SaslMechanism kAll[] = {SaslMechanism::kGssapi, SaslMechanism::kGssSpnego,
                                  SaslMechanism::kNtlm};
constexpr char kRefused[] = "535 5.7.8 Authentication credentials invalid\r\n";

// Live is a server that takes Kerberos and NTLM, and clients for it.
class Live {
 public:
  Live() : contexts_(runtime_, acceptor()) {
    config_.auth_in_clear = true;
    config_.auth_failures = 1'000;
    server_.emplace(contexts_, config_);
    say("EHLO client.example.test");
  }

  // say gives the server's replies; accounts are looked up.
  std::string say(std::string_view line) {
    server_->receive(as_bytes(std::string(line) + "\r\n"));
    while (auto event = server_->next_event()) {
      if (std::holds_alternative<SmtpServer::Account>(*event)) {
        SecretBytes hash = nt_hash_of_password(runtime_, as_bytes("Password1")).value();
        EXPECT_TRUE(server_->resume({Account{"alice", std::move(hash)}}).has_value());
      }
    }
    const Bytes output = server_->take_output();
    return std::string(as_text(output));
  }
  std::string auth(SaslMechanism mechanism, ByteView token) {
    const std::string response = token.empty() ? "=" : base64_encode(token);
    return say("AUTH " + std::string(sasl_name(mechanism)) + " " + response);
  }

  std::unique_ptr<Context> initiator(MechanismKind kind) {
    config_of_client_ = login_.initiator();
    config_of_client_.credential =
        Credential::from_password(runtime_, AccountName::parse("EXAMPLE\\alice").value(),
                                  SecretBytes("Password1"))
            .value();
    config_of_client_.policy.inner = {InnerMechanism::kKerberos, InnerMechanism::kNtlm};
    return make_initiator(runtime_, kind, config_of_client_).value();
  }
  Bytes first_token(MechanismKind kind) {
    return std::get<Continue>(initiator(kind)->step({}).value()).token;
  }
  // log_in is a whole AUTH NTLM, and the server's last reply.
  std::string log_in() {
    const auto client = initiator(MechanismKind::kNtlm);
    const Bytes negotiate = std::get<Continue>(client->step({}).value()).token;
    const std::string reply = auth(SaslMechanism::kNtlm, negotiate);
    EXPECT_EQ(reply.substr(0, 4), "334 ");
    const auto challenge = base64_decode(std::string_view(reply).substr(4, reply.size() - 6));
    auto last = client->step(challenge.value()).value();
    return say(base64_encode(*std::get<Established>(last).token));
  }

 private:
  AcceptorConfig acceptor() const {
    AcceptorConfig out = login_.acceptor();
    out.ntlm = true;
    return out;
  }

  KerberosLogin login_;
  Runtime runtime_ = Runtime::create().value();
  AcceptorContexts contexts_;
  InitiatorConfig config_of_client_;
  SmtpServerConfig config_;
  std::optional<SmtpServer> server_;
};

class FirstToken : public ::testing::TestWithParam<MechanismKind> {};

// expect_refused: an empty first response lets the server speak first, where it can (quirk A17); the
// beginning comes after its hints then.
void expect_refused(Live& live, SaslMechanism mechanism, ByteView beginning) {
  const std::string what =
      std::string(sasl_name(mechanism)) + ", octets: " + std::to_string(beginning.size());
  const bool speaks_first = mechanism != SaslMechanism::kNtlm;
  if (!beginning.empty() || !speaks_first) {
    EXPECT_EQ(live.auth(mechanism, beginning), kRefused) << what;
  }
  if (!speaks_first) return;
  EXPECT_EQ(live.auth(mechanism, {}).substr(0, 4), "334 ") << what;
  EXPECT_EQ(live.say(base64_encode(beginning)), kRefused) << what;
}

TEST_P(FirstToken, SMT_9_QuirkA23_ABeginningIsRefusedAndTheNextAuthGoesOn) {
  for (const SaslMechanism mechanism : kAll) {
    Live live;
    const Bytes token = live.first_token(GetParam());
    for (size_t size = 0; size <= 8; ++size) {
      expect_refused(live, mechanism, ByteView(token).prefix(size));
    }
    EXPECT_EQ(live.log_in(), "235 2.7.0 Authentication successful\r\n");
  }
}

// What is cut above, whole: bare Kerberos is nothing that AUTH NTLM takes. An AP-REP is no token that
// an early success replaces, there neither (quirk A27).
TEST_P(FirstToken, QuirkA23_AWholeOneIsTakenAfterABeginning) {
  for (const SaslMechanism mechanism : kAll) {
    Live live;
    const Bytes token = live.first_token(GetParam());
    expect_refused(live, mechanism, ByteView(token).prefix(8));
    const bool ntlm = mechanism == SaslMechanism::kNtlm;
    const char* const code = ntlm && GetParam() == MechanismKind::kKerberos ? "535 " : "334 ";
    EXPECT_EQ(live.auth(mechanism, token).substr(0, 4), code) << sasl_name(mechanism);
  }
}

INSTANTIATE_TEST_SUITE_P(All, FirstToken,
                         ::testing::Values(MechanismKind::kSpnego, MechanismKind::kKerberos,
                                           MechanismKind::kNtlm),
                         [](const auto& one) {
                           return one.param == MechanismKind::kSpnego     ? "NegTokenInit"
                                  : one.param == MechanismKind::kKerberos ? "ApReq"
                                                                          : "Negotiate";
                         });

}  // namespace
}  // namespace pocketgss
