// Which mechanisms the SMTP server announces, and which it takes.
#include <gtest/gtest.h>
#include <pocketgss/smtp_server.h>

namespace pocketgss {
namespace {

// NoContexts has none: these sessions end before a token comes.
class NoContexts final : public ContextProvider {
 public:
  Result<std::unique_ptr<Context>> make(const ContextRequest&) override {
    return Error{Errc::kNeedsCredential, "", 0, 0};
  }
  const Policy& policy() const override { return policy_; }

 private:
  Policy policy_;
};

struct Session {
  explicit Session(std::vector<SaslMechanism> mechanisms) {
    config.mechanisms = std::move(mechanisms);
    config.auth_in_clear = true;
    server.emplace(contexts, config);
    server->take_output();
  }

  std::string answer(std::string_view command) {
    server->receive(as_bytes(std::string(command) + "\r\n"));
    const Bytes output = server->take_output();
    return std::string(as_text(output));
  }

  NoContexts contexts;
  SmtpServerConfig config;
  std::optional<SmtpServer> server;
};

TEST(SmtpServerMechanisms, SSEAN_S1_AnnouncesGssapiByDefault) {
  Session session(SmtpServerConfig().mechanisms);
  EXPECT_NE(session.answer("EHLO client").find("AUTH GSSAPI GSS-SPNEGO NTLM\r\n"),
            std::string::npos);
}

TEST(SmtpServerMechanisms, SSEAN_S1_AnnouncesGssapiWhereNothingIsNamed) {
  Session session({});
  EXPECT_NE(session.answer("EHLO client").find("AUTH GSSAPI\r\n"), std::string::npos);
}

TEST(SmtpServerMechanisms, AnnouncesOnlyWhatIsNamedEachOnce) {
  Session session({SaslMechanism::kNtlm, SaslMechanism::kNtlm});
  EXPECT_NE(session.answer("EHLO client").find("AUTH NTLM\r\n"), std::string::npos);
}

TEST(SmtpServerMechanisms, SSEAN_S1_TakesGssapiThoughItIsNotAnnounced) {
  Session session({SaslMechanism::kNtlm});
  session.answer("EHLO client");
  EXPECT_EQ(session.answer("AUTH GSSAPI").substr(0, 3), "334");
}

TEST(SmtpServerMechanisms, RefusesWhatIsNotAnnounced) {
  Session session({SaslMechanism::kNtlm});
  session.answer("EHLO client");
  EXPECT_EQ(session.answer("AUTH GSS-SPNEGO").substr(0, 9), "504 5.5.4");
}

}  // namespace
}  // namespace pocketgss
