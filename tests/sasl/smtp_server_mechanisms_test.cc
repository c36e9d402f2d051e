// Which mechanisms the SMTP server announces, and which it takes.
#include <gtest/gtest.h>
#include <pocketgss/smtp_server.h>

#include <algorithm>

namespace pocketgss {
namespace {

// NoContexts has none: these sessions end before a token comes.
class NoContexts final : public ContextProvider {
 public:
  Result<std::unique_ptr<Context>> make(const ContextRequest&) override {
    return Error{Errc::kNeedsCredential, "", 0, 0};
  }
  bool offers(MechanismKind kind) const override {
    return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
  }
  const Policy& policy() const override { return policy_; }

  std::vector<MechanismKind> kinds = {MechanismKind::kSpnego, MechanismKind::kNtlm,
                                      MechanismKind::kKerberos};

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

  // auth_line is what EHLO says of AUTH, without CRLF; empty: nothing.
  std::string auth_line() {
    const std::string reply = answer("EHLO client");
    const size_t start = reply.find("AUTH");
    return start == reply.npos ? "" : reply.substr(start, reply.find('\r', start) - start);
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

TEST(SmtpServerMechanisms, AnnouncesAndTakesNothingThatTheProviderDoesNotOffer) {
  struct Case {
    std::vector<MechanismKind> kinds;
    const char* line;
    std::vector<const char*> refused;
  };
  for (const Case& c :
       {Case{
            {MechanismKind::kSpnego, MechanismKind::kKerberos}, "AUTH GSSAPI GSS-SPNEGO", {"NTLM"}},
        Case{{MechanismKind::kKerberos}, "AUTH GSSAPI", {"GSS-SPNEGO", "NTLM"}},
        Case{{MechanismKind::kNtlm}, "AUTH NTLM", {"GSSAPI", "GSS-SPNEGO"}},
        Case{{}, "", {"GSSAPI", "GSS-SPNEGO", "NTLM"}}}) {
    Session session(SmtpServerConfig().mechanisms);
    session.contexts.kinds = c.kinds;
    EXPECT_EQ(session.auth_line(), c.line);
    // More of them than failed logins are borne: none counts as one.
    for (int i = 0; i < 3; ++i) {
      for (const char* name : c.refused) {
        EXPECT_EQ(session.answer(std::string("AUTH ") + name).substr(0, 9), "504 5.5.4") << name;
      }
    }
  }
}

TEST(SmtpServerMechanisms, SSEAN_S1_AnnouncesGssapiWhereNothingThatIsNamedIsOffered) {
  Session session({SaslMechanism::kNtlm});
  session.contexts.kinds = {MechanismKind::kSpnego};
  EXPECT_EQ(session.auth_line(), "AUTH GSSAPI");
}

}  // namespace
}  // namespace pocketgss
