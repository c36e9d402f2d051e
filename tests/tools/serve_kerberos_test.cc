// The verb `serve` with a key table, as a process on loopback.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include <pocketgss/base64.h>

#include "mechs/krb5/ticket_cache.h"
#include "tests/fakes/kerberos_login.h"
#include "tests/tools/support/serve_process.h"

namespace pocketgss::tools {
namespace {

using ::testing::HasSubstr;
using testing::MailSession;
using ::testing::Not;
using testing::RawClient;
using testing::ServeProcess;
using testing::SessionOptions;

constexpr const char* kMessage = "Subject: hello\r\n\r\nhello\r\n";

struct KerberosServe : ServeProcess {
  // write_keytab makes the file, and returns its name.
  std::string write_keytab(std::initializer_list<std::string_view> services = {
                               pocketgss::testing::KerberosLogin::kService}) {
    const SecretBytes octets = login.keytab(services);
    return folder.write("keytab", as_text(octets.view()));
  }
  SessionOptions client(
      SaslMechanism mechanism, std::string_view principal = "alice@EXAMPLE.TEST",
      std::string_view service = pocketgss::testing::KerberosLogin::kService) const {
    SessionOptions out = options();
    out.smtp.mechanism = mechanism;
    out.tickets = login.ticket(principal, service);
    out.target = service.substr(0, service.find('@'));
    return out;
  }
  // logs_in tells whether it does, and why not where that is not what was wanted.
  ::testing::AssertionResult logs_in(const SessionOptions& options) {
    MailSession session(options);
    if (session.login()) return ::testing::AssertionSuccess();
    return ::testing::AssertionFailure()
           << session.failure().message << session.transport_failure() << log();
  }

  pocketgss::testing::KerberosLogin login;
};

constexpr SaslMechanism kKerberosMechanisms[] = {SaslMechanism::kGssapi, SaslMechanism::kGssSpnego,
                                                 SaslMechanism::kGssapiKrb5};

TEST(ServeKerberos, SSEAN_S2_SSEAN_S3_LogsInByEveryMechanismAndDelivers) {
  KerberosServe serve;
  ASSERT_TRUE(serve.start_without_users({"--keytab", serve.write_keytab()})) << serve.log();
  for (const SaslMechanism mechanism : kKerberosMechanisms) {
    MailSession session(serve.client(mechanism));
    ASSERT_TRUE(session.login()) << session.failure().message << serve.log();
    EXPECT_EQ(session.submit(kMessage), 250);
    EXPECT_TRUE(serve.logged("login: user='alice@EXAMPLE.TEST' as='alice@EXAMPLE.TEST' mechanism=" +
                             std::string(sasl_label(mechanism)) + "/Kerberos from=[127.0.0.1]:"))
        << serve.log();
  }
  ASSERT_EQ(serve.messages().size(), 3u);
  EXPECT_THAT(serve.messages()[0], HasSubstr("(authenticated as alice@EXAMPLE.TEST)"));
}

TEST(ServeKerberos, ARefusedTicketOfACacheIsToldWithWhatToDo) {
  KerberosServe serve;
  const std::string keytab = serve.write_keytab();
  // A ticket from before the server's key was changed.
  const auto ticket = serve.login.ticket();
  mechs::krb5::testing::Exchange& maker = ticket->maker;
  maker.service_key = mechs::krb5::Key::random(maker.service_key.etype(), maker.random).value();
  maker.issue();
  const mechs::krb5::ServiceCredential& credential = *maker.credential;
  mechs::krb5::TicketCache cache;
  cache.add(credential.client, credential.server, credential);
  const SecretBytes file = cache.write(credential.client.view()).value();
  const std::string ccache = serve.folder.write("ccache", as_text(file.view()));
  ASSERT_TRUE(serve.start_without_users({"--keytab", keytab})) << serve.log();
  const auto sent =
      testing::run({"send", "--server", "127.0.0.1:" + std::to_string(serve.port()), "--tls",
                    "none", "--spn", "smtp/mail.example.test", "--ccache", ccache, "--from",
                    "a@example.test", "--to", "b@example.test", "-"},
                   kMessage);
  EXPECT_EQ(sent.exit_code, 77) << sent.error;
  EXPECT_THAT(sent.error, HasSubstr("get a new one with pocketgss kinit"));
  EXPECT_THAT(sent.error, HasSubstr("pocketgss kdestroy"));
}

TEST(ServeKerberos, BindsTheLoginToTheTlsChannel) {
  KerberosServe serve;
  ASSERT_TRUE(
      serve.start_with_tls({"--keytab", serve.write_keytab(), "--channel-binding", "require"}))
      << serve.log();
  SessionOptions options = serve.client(SaslMechanism::kGssapiKrb5);
  options.smtp.tls = SmtpClientConfig::Tls::kStartTls;
  options.trust = TrustStore::from_file(PGSS_TEST_DATA "/ca.pem").value();
  EXPECT_TRUE(serve.logs_in(options));
  EXPECT_TRUE(serve.logged("channel-bound=yes")) << serve.log();
  options.binding = BindingRequirement::kOff;
  EXPECT_FALSE(serve.logs_in(options));
  EXPECT_TRUE(serve.logged("P5")) << serve.log();
}

TEST(ServeKerberos, P1_AnnouncesNtlmOnlyWithUsers) {
  KerberosServe with, without;
  ASSERT_TRUE(with.start({"--keytab", with.write_keytab()})) << with.log();
  ASSERT_TRUE(without.start_without_users({"--keytab", without.write_keytab()})) << without.log();
  RawClient one(with.port()), two(without.port());
  one.reply();
  two.reply();
  EXPECT_THAT(one.command("EHLO c"), HasSubstr("AUTH GSSAPI GSS-SPNEGO NTLM\r\n"));
  EXPECT_THAT(two.command("EHLO c"), HasSubstr("AUTH GSSAPI GSS-SPNEGO\r\n"));
  EXPECT_THAT(two.command("AUTH NTLM"), ::testing::StartsWith("504 "));
  MailSession ntlm(without.options());
  EXPECT_FALSE(ntlm.login());
}

TEST(ServeKerberos, SSEAN_S3_ServesNtlmAndBothKindsOfKerberosOnOnePort) {
  KerberosServe serve;
  ASSERT_TRUE(serve.start({"--keytab", serve.write_keytab()})) << serve.log();
  EXPECT_TRUE(serve.logs_in(serve.options()));
  for (const SaslMechanism mechanism : kKerberosMechanisms) {
    EXPECT_TRUE(serve.logs_in(serve.client(mechanism)));
  }
  EXPECT_TRUE(serve.logged("login: user='bob' as='bob' mechanism=GSSAPI/NTLM")) << serve.log();
}

TEST(ServeKerberos, QuirkA21_QuirkA28_P13_TakesEveryMailServiceOfTheKeyTable) {
  KerberosServe serve;
  const auto services = {"smtp/mail.example.test@EXAMPLE.TEST",
                         "SMTPSVC/mail.example.test@EXAMPLE.TEST",
                         "smtp/Alias.example.test@EXAMPLE.TEST"};
  ASSERT_TRUE(serve.start_without_users(
      {"--keytab",
       serve.write_keytab(
           {"smtp/mail.example.test@EXAMPLE.TEST", "SMTPSVC/mail.example.test@EXAMPLE.TEST",
            "smtp/Alias.example.test@EXAMPLE.TEST", "imap/mail.example.test@EXAMPLE.TEST"})}))
      << serve.log();
  for (const char* service : services) {
    EXPECT_TRUE(
        serve.logs_in(serve.client(SaslMechanism::kGssapiKrb5, "alice@EXAMPLE.TEST", service)));
  }
  EXPECT_FALSE(serve.logs_in(serve.client(SaslMechanism::kGssapiKrb5, "alice@EXAMPLE.TEST",
                                          "imap/mail.example.test@EXAMPLE.TEST")));
  EXPECT_TRUE(serve.logged("reason: refused by policy: P13: a ticket for another service"))
      << serve.log();
}

TEST(ServeKerberos, P13_SpnNamesTheServicesOfTheKeyTableThatCount) {
  KerberosServe serve;
  ASSERT_TRUE(
      serve.start_without_users({"--keytab",
                                 serve.write_keytab({"smtp/mail.example.test@EXAMPLE.TEST",
                                                     "HOST/mail.example.test@EXAMPLE.TEST"}),
                                 "--spn", "host/MAIL.example.test"}))
      << serve.log();
  EXPECT_TRUE(serve.logs_in(serve.client(SaslMechanism::kGssapiKrb5, "alice@EXAMPLE.TEST",
                                         "HOST/mail.example.test@EXAMPLE.TEST")));
  EXPECT_FALSE(serve.logs_in(serve.client(SaslMechanism::kGssapiKrb5)));
}

TEST(ServeKerberos, P13_TakesClientsOfTheKeyTablesRealmsUnlessToldOtherwise) {
  KerberosServe own, other;
  ASSERT_TRUE(own.start_without_users({"--keytab", own.write_keytab()}));
  ASSERT_TRUE(other.start_without_users(
      {"--keytab", other.write_keytab(), "--realms", "OTHER.TEST,THIRD.TEST"}));
  for (const char* client : {"alice@OTHER.TEST", "alice@THIRD.TEST"}) {
    EXPECT_FALSE(own.logs_in(own.client(SaslMechanism::kGssapi, client)));
    EXPECT_TRUE(other.logs_in(other.client(SaslMechanism::kGssapi, client)));
  }
  EXPECT_FALSE(other.logs_in(other.client(SaslMechanism::kGssapi)));
  EXPECT_TRUE(own.logged("reason: refused by policy: P13: a client of another realm")) << own.log();
}

TEST(ServeKerberos, P17_WithoutMutualAuthenticationClientsWaitAfterTheStart) {
  KerberosServe serve;
  ASSERT_TRUE(serve.start_without_users({"--keytab", serve.write_keytab()}));
  SessionOptions options = serve.client(SaslMechanism::kGssapiKrb5);
  options.flags = kIntegFlag;
  EXPECT_FALSE(serve.logs_in(options));
  EXPECT_TRUE(serve.logged("P17: the replay cache cannot tell yet")) << serve.log();
}

TEST(ServeKerberos, P17_TheyDoNotWaitAtTheFirstStartOfAll) {
  KerberosServe serve;
  const testing::Arguments arguments = {"--keytab", serve.write_keytab(), "--first-start"};
  ASSERT_TRUE(serve.start_without_users(arguments));
  SessionOptions options = serve.client(SaslMechanism::kGssapiKrb5);
  options.flags = kIntegFlag;
  EXPECT_TRUE(serve.logs_in(options));
  ASSERT_TRUE(serve.start_without_users(arguments));  // the Maildir is there now
  EXPECT_TRUE(serve.logged("--first-start does not count")) << serve.log();
  options.tickets = serve.client(SaslMechanism::kGssapiKrb5).tickets;
  options.port = serve.port();
  EXPECT_FALSE(serve.logs_in(options));
  EXPECT_TRUE(serve.logged("P17: the replay cache cannot tell yet")) << serve.log();
}

TEST(ServeKerberos, P17_TheReplayCacheIsOneForAllConnectionsAndKeyTables) {
  KerberosServe serve;
  ASSERT_TRUE(serve.start_without_users({"--keytab", serve.write_keytab()}));
  Runtime runtime = Runtime::create().value();
  const InitiatorConfig config = serve.login.initiator();
  auto context = make_initiator(runtime, MechanismKind::kKerberos, config).value();
  auto first = context->step({}).value();
  const std::string command = "AUTH GSSAPI " + base64_encode(std::get<Continue>(first).token);
  for (const bool again : {false, true}) {
    if (again) {
      serve.process().signal(SIGHUP);
      ASSERT_TRUE(serve.logged("key table read again: 1 keys")) << serve.log();
    }
    RawClient client(serve.port());
    client.reply();
    client.command("EHLO c");
    EXPECT_THAT(client.command(command), ::testing::StartsWith(again ? "535 5.7.8 " : "334 "));
  }
  EXPECT_TRUE(serve.logged("P17: a replay")) << serve.log();
}

TEST(ServeKerberos, P23_EveryRefusalIsTheSameToTheClientAndTheLogHasNoSecret) {
  KerberosServe serve;
  ASSERT_TRUE(serve.start_without_users({"--keytab", serve.write_keytab()}));
  MailSession realm(serve.client(SaslMechanism::kGssapiKrb5, "alice@OTHER.TEST"));
  SessionOptions other_authzid = serve.client(SaslMechanism::kGssapiKrb5);
  other_authzid.smtp.authzid = "bob";
  MailSession authzid(other_authzid);
  ASSERT_FALSE(realm.login());
  ASSERT_FALSE(authzid.login());
  EXPECT_EQ(realm.failure().reply.code, 535);
  EXPECT_EQ(realm.failure().reply, authzid.failure().reply);
  EXPECT_TRUE(serve.logged("reason: authentication failed: authzid")) << serve.log();
  const auto ticket = serve.login.ticket();
  const auto key = ticket->maker.service_key.view();
  EXPECT_THAT(serve.log(), Not(HasSubstr(std::string(as_text(key)))));
}

// The file.

TEST(ServeKerberos, RefusesSettingsThatAreWrong) {
  KerberosServe serve;
  const std::string good = serve.write_keytab();
  const SecretBytes octets = serve.login.keytab();
  const SecretBytes others = serve.login.keytab({"imap/mail.example.test@EXAMPLE.TEST"});
  const std::string open = serve.folder.write("open", as_text(octets.view()), 0640);
  const std::string imap = serve.folder.write("imap", as_text(others.view()));
  const std::string nonsense = serve.folder.write("nonsense", "nonsense");
  struct Bad {
    testing::Arguments arguments;
    int exit_code;
    const char* message;
  };
  for (const Bad& bad : std::initializer_list<Bad>{
           {{}, 64, "--users or --keytab is needed"},
           {{"--keytab", good, "--mechs", "GSSAPI,NTLM"}, 64, "NTLM needs --users"},
           {{"--users", serve.folder / "users", "--realms", "A.TEST"}, 64, "needs --keytab"},
           {{"--keytab", good, "--realms", ""}, 64, "--realms"},
           {{"--users", serve.folder / "users", "--first-start"}, 64, "needs --keytab"},
           {{"--keytab", "/nonexistent"}, 66, "cannot open the key table"},
           {{"--keytab", serve.folder.path().string()}, 78, "is no regular file"},
           {{"--keytab", open}, 78, "is open to others than its owner"},
           {{"--keytab", nonsense}, 65, "is not a valid key table: "},
           {{"--keytab", imap}, 78, "has no key of this server's services"},
           {{"--keytab", good, "--spn", "smtp/other.test"}, 78, "has no key of this server's"}}) {
    EXPECT_FALSE(serve.start_without_users(bad.arguments)) << bad.message;
    EXPECT_EQ(serve.process().wait(), bad.exit_code) << bad.message << serve.log();
    EXPECT_THAT(serve.log(), HasSubstr(bad.message));
  }
}

TEST(ServeKerberos, ReadsTheKeyTableAgainOnSighup) {
  KerberosServe serve;
  ASSERT_TRUE(serve.start_without_users({"--keytab", serve.write_keytab()}));
  EXPECT_TRUE(serve.logs_in(serve.client(SaslMechanism::kGssapi)));
  serve.write_keytab({"smtp/new.example.test@NEW.TEST", "smtp/newer.example.test@NEW.TEST"});
  serve.process().signal(SIGHUP);
  ASSERT_TRUE(serve.logged("key table read again: 2 keys")) << serve.log();
  EXPECT_FALSE(serve.logs_in(serve.client(SaslMechanism::kGssapi)));
  EXPECT_TRUE(serve.logs_in(
      serve.client(SaslMechanism::kGssapi, "alice@NEW.TEST", "smtp/new.example.test@NEW.TEST")));
}

TEST(ServeKerberos, KeepsTheOldKeyTableWhereTheNewOneIsBad) {
  KerberosServe serve;
  ASSERT_TRUE(serve.start_without_users({"--keytab", serve.write_keytab()}));
  const SecretBytes octets = serve.login.keytab();
  serve.folder.write("keytab", as_text(octets.view().prefix(octets.size() - 1)));
  serve.process().signal(SIGHUP);
  ASSERT_TRUE(serve.logged("key table NOT read again, the old one stays: ")) << serve.log();
  EXPECT_TRUE(serve.logs_in(serve.client(SaslMechanism::kGssapi)));
  serve.folder.write("keytab", as_text(octets.view()), 0644);
  serve.process().signal(SIGHUP);
  ASSERT_TRUE(serve.logged("is open to others than its owner")) << serve.log();
  EXPECT_TRUE(serve.logs_in(serve.client(SaslMechanism::kGssapi)));
}

}  // namespace
}  // namespace pocketgss::tools
