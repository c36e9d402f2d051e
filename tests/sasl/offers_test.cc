// Which mechanisms the contexts of a server offer, and what its SMTP server makes of it.
#include <gtest/gtest.h>

#include <pocketgss/smtp_server.h>

#include "tests/fakes/kerberos_login.h"
#include "tests/support/fixed_random.h"

namespace pocketgss {
namespace {

class Offers : public ::testing::Test {
 protected:
  testing::CountingRandom random_;
  Runtime runtime_ = Runtime::create(system_clock(), random_).value();
  AcceptorConfig of_kerberos_ = testing::KerberosLogin().acceptor();
};

TEST_F(Offers, AcceptorsOfferWhatTheirConfigurationEnables) {
  for (const bool ntlm : {false, true}) {
    for (const bool kerberos : {false, true}) {
      AcceptorConfig config;
      if (kerberos) config = of_kerberos_;
      config.ntlm = ntlm;
      const AcceptorContexts contexts(runtime_, std::move(config));
      EXPECT_EQ(contexts.offers(MechanismKind::kNtlm), ntlm);
      EXPECT_EQ(contexts.offers(MechanismKind::kKerberos), kerberos);
      EXPECT_EQ(contexts.offers(MechanismKind::kSpnego), ntlm || kerberos);
    }
  }
}

// A server with keys that configures no more than that: each AUTH NTLM would be a failed login.
TEST_F(Offers, P1_AnSmtpServerWithKeysAloneHasNoNtlm) {
  AcceptorContexts contexts(runtime_, of_kerberos_);
  SmtpServerConfig config;
  config.auth_in_clear = true;
  SmtpServer smtp(contexts, config);
  smtp.receive(as_bytes("EHLO client.example.test\r\nAUTH NTLM\r\n"));
  const Bytes output = smtp.take_output();
  EXPECT_NE(as_text(output).find("AUTH GSSAPI GSS-SPNEGO\r\n"), std::string_view::npos);
  EXPECT_NE(as_text(output).find("\r\n504 5.5.4"), std::string_view::npos);
  EXPECT_FALSE(smtp.next_event().has_value());
}

}  // namespace
}  // namespace pocketgss
