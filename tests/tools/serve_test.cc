// The verb `serve`, as a process on loopback: logins, deliveries, refusals, signals, settings.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <thread>

#include <pocketgss/base64.h>

#include "tests/support/sanitized.h"
#include "tests/tools/support/serve_process.h"

namespace pocketgss::tools {
namespace {

using ::testing::HasSubstr;
using testing::MailSession;
using ::testing::Not;
using testing::RawClient;
using testing::ServeProcess;
using testing::SessionOptions;
using ::testing::StartsWith;

constexpr const char* kNegotiate = "TlRMTVNTUAABAAAAB4IIogAAAAAAAAAAAAAAAAAAAAAGAbEdAAAADw==";
constexpr const char* kMessage = "Subject: hello\r\n\r\n.dots\r\n..\r\nlast\r\n";

SessionOptions with(SessionOptions options, SaslMechanism mechanism) {
  options.smtp.mechanism = mechanism;
  return options;
}

// Logins of the real client over the real socket.

TEST(Serve, LogsInByEveryMechanism) {
  ServeProcess serve;
  ASSERT_TRUE(serve.start()) << serve.log();
  for (const SaslMechanism mechanism :
       {SaslMechanism::kGssapi, SaslMechanism::kGssSpnego, SaslMechanism::kNtlm}) {
    MailSession session(with(serve.options(), mechanism));
    EXPECT_TRUE(session.login()) << sasl_name(mechanism) << ": " << session.failure().message;
    EXPECT_TRUE(serve.logged("login: user='bob' as='bob' mechanism=" +
                             std::string(sasl_name(mechanism)) + "/NTLM from=[127.0.0.1]:"));
  }
}

TEST(Serve, RefusesAWrongPasswordAndAnUnknownUserAlike) {
  ServeProcess serve;
  ASSERT_TRUE(serve.start()) << serve.log();
  for (const SaslMechanism mechanism :
       {SaslMechanism::kGssapi, SaslMechanism::kGssSpnego, SaslMechanism::kNtlm}) {
    MailSession wrong(with(serve.options("wrong"), mechanism));
    ASSERT_FALSE(wrong.login());
    SessionOptions unknown_options = with(serve.options(), mechanism);
    unknown_options.user = "EXAMPLE\\eve";
    MailSession unknown(unknown_options);
    ASSERT_FALSE(unknown.login());
    EXPECT_EQ(wrong.failure().reply.code, 535);
    EXPECT_EQ(wrong.failure().reply, unknown.failure().reply);
  }
  EXPECT_TRUE(serve.logged("login refused: claimed='bob' mechanism=GSSAPI from=[127.0.0.1]:"))
      << serve.log();
  EXPECT_TRUE(serve.logged("reason: authentication failed: wrong user, password or MIC"))
      << serve.log();
}

// A client that guesses passwords knows by the last 334 that it has one, and may leave it at that.
TEST(Serve, P23_LogsAClientThatLeavesOnceItsPasswordWasTaken) {
  ServeProcess serve;
  ASSERT_TRUE(serve.start()) << serve.log();
  Runtime runtime = Runtime::create().value();
  InitiatorConfig config;
  config.credential =
      Credential::from_password(runtime, AccountName::parse("bob").value(), SecretBytes("password"))
          .value();
  config.policy.inner = {InnerMechanism::kNtlm};
  InitiatorContexts contexts(runtime, std::move(config));
  SmtpClientConfig smtp;
  smtp.tls = SmtpClientConfig::Tls::kNone;
  SmtpClient client(contexts, smtp);
  RawClient wire(serve.port());
  for (const char* expected : {"220 ", "250-", "334 ", "334 "}) {
    wire.send(as_text(client.take_output()));
    const std::string reply = wire.reply();
    ASSERT_THAT(reply, StartsWith(expected));
    client.receive(as_bytes(reply));
  }
  ASSERT_EQ(as_text(client.take_output()), "\r\n");
  wire.close();
  EXPECT_TRUE(serve.logged("login refused: claimed='bob' mechanism=GSSAPI from=[127.0.0.1]:"))
      << serve.log();
  EXPECT_TRUE(serve.logged(" credential=taken reason: ")) << serve.log();
}

TEST(Serve, FindsAnAccountByEveryFormOfItsName) {
  ServeProcess serve;
  ASSERT_TRUE(serve.start()) << serve.log();
  for (const char* user : {"BOB", "EXAMPLE\\Bob", "bob@example.test"}) {
    SessionOptions options = serve.options();
    options.user = user;
    MailSession session(options);
    EXPECT_TRUE(session.login()) << user << ": " << session.failure().message;
  }
}

TEST(Serve, BindsTheLoginToTheTlsChannel) {
  ServeProcess serve;
  ASSERT_TRUE(serve.start_with_tls({"--channel-binding", "require"})) << serve.log();
  MailSession session(serve.tls_options());
  EXPECT_TRUE(session.login()) << session.failure().message << session.transport_failure();
  EXPECT_TRUE(serve.logged("channel-bound=yes")) << serve.log();
  EXPECT_THAT(serve.log(), HasSubstr("tls=TLSv1."));
}

TEST(Serve, P5_RefusesALoginWithoutTheBindingThatItRequires) {
  ServeProcess serve;
  ASSERT_TRUE(serve.start_with_tls({"--channel-binding", "require"})) << serve.log();
  SessionOptions unbound = serve.tls_options();
  unbound.binding = BindingRequirement::kOff;
  MailSession session(unbound);
  EXPECT_FALSE(session.login());
  EXPECT_EQ(session.failure().reply.code, 535);
  EXPECT_TRUE(serve.logged("login refused")) << serve.log();
  EXPECT_TRUE(serve.logged("P5")) << serve.log();
}

TEST(Serve, AnOptionThatMayBeRepeatedTakesOneValueEachTime) {
  for (const testing::Arguments& two :
       {testing::Arguments{"--listen", "127.0.0.1:0", "127.0.0.1:0"},
        {"--listen", "127.0.0.1:0", "--layers", "none", "integrity"}}) {
    testing::Arguments all = {"serve", "--maildir", "/nonexistent/m", "--users", "/nonexistent/u"};
    all.insert(all.end(), two.begin(), two.end());
    EXPECT_EQ(testing::run(all).exit_code, 64);
  }
}

TEST(Serve, SSEAN_W1_P25_RunsTheSecurityLayersThatItIsTold) {
  ServeProcess serve;
  ASSERT_TRUE(serve.start({"--layers", "none,integrity,confidentiality"})) << serve.log();
  for (const SecurityLayer layer : {kNoLayer, kIntegrityLayer, kConfidentialityLayer}) {
    SessionOptions options = with(serve.options(), SaslMechanism::kGssapi);
    options.smtp.layer.layers = layer;
    MailSession session(options);
    ASSERT_TRUE(session.login()) << session.failure().message;
    EXPECT_EQ(session.submit(kMessage), 250);
  }
  EXPECT_TRUE(serve.logged(" layer=integrity")) << serve.log();
  EXPECT_TRUE(serve.logged(" layer=confidentiality")) << serve.log();
  EXPECT_EQ(serve.messages().size(), 3u);
}

TEST(Serve, SSEAN_W1_RunsTheLayerStepWhereItIsTold) {
  ServeProcess never, always;
  ASSERT_TRUE(never.start({"--layer-step", "never"}));
  ASSERT_TRUE(always.start({"--layer-step", "always"}));
  MailSession without(with(never.options(), SaslMechanism::kGssapi));
  MailSession with_step(with(always.options(), SaslMechanism::kGssapi));
  ASSERT_TRUE(without.login() && with_step.login());
  EXPECT_FALSE(without.report()->layer_step);
  EXPECT_TRUE(with_step.report()->layer_step);
}

TEST(Serve, ChecksTheTargetName) {
  ServeProcess serve;
  ASSERT_TRUE(serve.start()) << serve.log();
  SessionOptions other = serve.options();
  other.target = "smtp/other.example.test";
  EXPECT_FALSE(MailSession(other).login());
  SessionOptions own = serve.options();
  own.target = "SMTPSVC/mail.example.test";
  EXPECT_TRUE(MailSession(own).login());
}

TEST(Serve, TakesImplicitTls) {
  ServeProcess serve;
  ASSERT_TRUE(serve.start_with_tls({"--implicit-tls"})) << serve.log();
  SessionOptions options = serve.tls_options();
  options.smtp.tls = SmtpClientConfig::Tls::kImplicit;
  MailSession session(options);
  EXPECT_TRUE(session.login()) << session.failure().message << session.transport_failure();
}

TEST(Serve, ListensOnIpv6) {
  ServeProcess serve;
  ASSERT_TRUE(serve.start({}, "[::1]:0")) << serve.log();
  EXPECT_THAT(serve.log(), HasSubstr("listening on [::1]:"));
  SessionOptions options = serve.options();
  options.host = "::1";
  EXPECT_TRUE(MailSession(options).login());
}

TEST(Serve, ListsMechanismsAsTold) {
  ServeProcess serve;
  ASSERT_TRUE(serve.start({"--mechs", "NTLM,GSSAPI"})) << serve.log();
  RawClient client(serve.port());
  EXPECT_THAT(client.reply(), StartsWith("220 mail.example.test"));
  EXPECT_THAT(client.command("EHLO c.example.test"), HasSubstr("AUTH NTLM GSSAPI\r\n"));
}

// The log names reasons and holds no secret (policy row P23, SMT-17).

TEST(Serve, P2_NamesNtlmV1InItsLog) {
  ServeProcess serve;
  ASSERT_TRUE(serve.start()) << serve.log();
  RawClient client(serve.port());
  client.reply();
  client.command("EHLO c");
  ASSERT_THAT(client.command(std::string("AUTH NTLM ") + kNegotiate), StartsWith("334 "));
  // AUTHENTICATE of user "bob" with two responses of 24 octets.
  Bytes message = as_bytes(std::string_view("NTLMSSP\0\3\0\0\0", 12)).to_bytes();
  const auto field = [&](uint8_t size, uint8_t offset) {
    append(message, Bytes{size, 0, size, 0, offset, 0, 0, 0});
  };
  field(24, 64 + 6);
  field(24, 64 + 6 + 24);
  field(0, 64);
  field(6, 64);
  field(0, 64);
  field(0, 64);
  append(message, Bytes{0x01, 0x02, 0x00, 0x00});
  append(message, Bytes{'b', 0, 'o', 0, 'b', 0});
  message.insert(message.end(), 48, 0x5a);
  EXPECT_THAT(client.command(base64_encode(message)), StartsWith("535 5.7.8 "));
  EXPECT_TRUE(serve.logged("P2: NTLMv1 response")) << serve.log();
}

TEST(Serve, SMT_17_EscapesNamesInItsLog) {
  ServeProcess serve;
  ASSERT_TRUE(serve.start()) << serve.log();
  SessionOptions options = serve.options("pass-word-of-eve");
  options.user = "eve' \xe2\x80\xae mechanism=x";
  EXPECT_FALSE(MailSession(options).login());
  ASSERT_TRUE(serve.logged("login refused")) << serve.log();
  ASSERT_TRUE(serve.logged("reason:")) << serve.log();
  EXPECT_THAT(serve.log(), Not(HasSubstr("\xe2\x80\xae")));
  EXPECT_THAT(serve.log(), Not(HasSubstr("pass-word-of-eve")));
  EXPECT_THAT(serve.log(), HasSubstr("eve\\x27"));
}

// Deliveries.

TEST(Serve, StoresAMessageBeforeIts250) {
  ServeProcess serve;
  ASSERT_TRUE(serve.start_with_tls()) << serve.log();
  MailSession session(serve.tls_options());
  ASSERT_TRUE(session.login()) << session.failure().message << session.transport_failure();
  ASSERT_EQ(session.submit(kMessage, "bob@example.test", "carol@example.test"), 250);
  const auto messages = serve.messages();
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_THAT(
      messages[0],
      StartsWith(
          "Return-Path: <bob@example.test>\nEnvelope-To: <carol@example.test>\nReceived: from "));
  EXPECT_THAT(messages[0], HasSubstr("([127.0.0.1])"));
  EXPECT_THAT(messages[0], HasSubstr("(authenticated as bob)"));
  EXPECT_THAT(messages[0], HasSubstr("by mail.example.test (PocketGSS) with ESMTPSA"));
  EXPECT_THAT(messages[0], HasSubstr("(using TLSv1."));
  EXPECT_THAT(messages[0], ::testing::EndsWith("Subject: hello\n\n.dots\n..\nlast\n"));
  EXPECT_EQ(serve.temporary_files(), 0u);
}

TEST(Serve, StoresEightBitContentAndSeveralMessages) {
  ServeProcess serve;
  ASSERT_TRUE(serve.start()) << serve.log();
  MailSession session(serve.options());
  ASSERT_TRUE(session.login());
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(session.submit("n: " + std::to_string(i) + "\r\n\r\n\xc3\xa4\xff\r\n"), 250);
  session.quit();
  const auto messages = serve.messages();
  ASSERT_EQ(messages.size(), 3u);
  for (const auto& message : messages)
    EXPECT_THAT(message, ::testing::EndsWith("\n\n\xc3\xa4\xff\n"));
}

TEST(Serve, StoresALargeMessageWhole) {
  ServeProcess serve;
  ASSERT_TRUE(serve.start()) << serve.log();
  std::string content = "Subject: large\r\n\r\n";
  std::string stored = "Subject: large\n\n";
  for (int i = 0; i < 200'000; ++i) {
    const std::string line =
        "line " + std::to_string(i) + std::string(static_cast<size_t>(i % 60), 'x');
    content += line + "\r\n";
    stored += line + "\n";
  }
  MailSession session(serve.options());
  ASSERT_TRUE(session.login());
  EXPECT_EQ(session.submit(content), 250);
  ASSERT_EQ(serve.messages().size(), 1u);
  EXPECT_TRUE(serve.messages()[0].ends_with(stored));
}

TEST(Serve, RefusesAMessageThatIsTooLarge) {
  ServeProcess serve;
  ASSERT_TRUE(serve.start()) << serve.log();
  MailSession session(serve.options());
  ASSERT_TRUE(session.login());
  EXPECT_EQ(session.submit("Subject: x\r\n\r\n" + std::string(26 * 1024 * 1024, 'x') + "\r\n"),
            552);
  EXPECT_TRUE(serve.messages().empty());
  EXPECT_EQ(serve.temporary_files(), 0u);
  EXPECT_EQ(session.submit(kMessage), 250);
}

TEST(Serve, Answers451WhereAMessageCannotBeStored) {
  ServeProcess serve;
  ASSERT_TRUE(serve.start()) << serve.log();
  MailSession session(serve.options());
  ASSERT_TRUE(session.login());
  std::filesystem::remove(serve.folder.path() / "mail" / "tmp");
  EXPECT_EQ(session.submit(kMessage), 451);
  EXPECT_TRUE(serve.logged("not delivered: ")) << serve.log();
  std::filesystem::create_directory(serve.folder.path() / "mail" / "tmp");
  EXPECT_TRUE(serve.messages().empty());
}

TEST(Serve, Answers451WhereNewIsGoneAtTheEnd) {
  ServeProcess serve;
  ASSERT_TRUE(serve.start()) << serve.log();
  MailSession session(serve.options());
  ASSERT_TRUE(session.login());
  ASSERT_EQ(session.begin(kMessage), 354);
  std::filesystem::remove(serve.folder.path() / "mail" / "new");
  EXPECT_EQ(session.finish(), 451);
  EXPECT_EQ(serve.temporary_files(), 0u);
}

TEST(Serve, ThrowsAwayAMessageWhoseClientIsGone) {
  ServeProcess serve;
  ASSERT_TRUE(serve.start()) << serve.log();
  {
    MailSession session(serve.options());
    ASSERT_TRUE(session.login());
    ASSERT_EQ(session.begin(kMessage), 354);
  }
  MailSession next(serve.options());
  ASSERT_TRUE(next.login());
  EXPECT_EQ(next.submit("Subject: second\r\n\r\n"), 250);
  EXPECT_EQ(serve.messages().size(), 1u);
  EXPECT_EQ(serve.temporary_files(), 0u);
}

TEST(Serve, Asks530ForALoginBeforeMail) {
  ServeProcess serve;
  ASSERT_TRUE(serve.start()) << serve.log();
  RawClient client(serve.port());
  client.reply();
  client.command("EHLO c");
  EXPECT_THAT(client.command("MAIL FROM:<a@b.test>"), StartsWith("530 5.7.0 "));
}

// TLS.

TEST(Serve, SMT_1_TakesNoClearTextPastStarttls) {
  ServeProcess serve;
  ASSERT_TRUE(serve.start_with_tls()) << serve.log();
  RawClient client(serve.port());
  client.reply();
  client.command("EHLO c");
  client.send("STARTTLS\r\nNOOP\r\n");
  const std::string reply = client.reply();
  EXPECT_TRUE(reply.empty() || reply.starts_with("220 ") || reply.starts_with("5")) << reply;
  EXPECT_TRUE(client.at_end());
}

TEST(Serve, SMT_1_TakesNoClearTextThatComesAfterThe220) {
  ServeProcess serve;
  ASSERT_TRUE(serve.start_with_tls()) << serve.log();
  RawClient client(serve.port());
  client.reply();
  client.command("EHLO c");
  ASSERT_THAT(client.command("STARTTLS"), StartsWith("220 "));
  client.send("EHLO c\r\nAUTH NTLM\r\n");
  EXPECT_THAT(client.reply(), Not(HasSubstr("250")));
  EXPECT_TRUE(serve.logged("TLS failed: from=[127.0.0.1]:")) << serve.log();
}

TEST(Serve, SMT_4_ForgetsWhatWasSaidBeforeTls) {
  ServeProcess serve;
  ASSERT_TRUE(serve.start_with_tls()) << serve.log();
  RawClient client(serve.port());
  client.reply();
  EXPECT_THAT(client.command("EHLO c"), HasSubstr("STARTTLS"));
  client.command("STARTTLS");
  ASSERT_TRUE(client.start_tls(TrustStore::from_file(PGSS_TEST_DATA "/ca.pem").value()));
  EXPECT_THAT(client.command("AUTH NTLM"), StartsWith("503 "));
  const std::string ehlo = client.command("EHLO c");
  EXPECT_THAT(ehlo, Not(HasSubstr("STARTTLS")));
  EXPECT_THAT(ehlo, HasSubstr("AUTH GSSAPI"));
}

void starts_tls_and_auth(ServeProcess& serve, RawClient& client) {
  client.reply();
  client.command("EHLO c");
  client.command("STARTTLS");
  ASSERT_TRUE(client.start_tls(TrustStore::from_file(PGSS_TEST_DATA "/ca.pem").value()));
  client.command("EHLO c");
  ASSERT_THAT(client.command(std::string("AUTH NTLM ") + kNegotiate), StartsWith("334 "))
      << serve.log();
}

bool still_works(const ServeProcess& serve) {
  return MailSession(serve.tls_options()).login();
}

TEST(Serve, SMT_16_SurvivesTheEndOfTlsWithinAuth) {
  ServeProcess serve;
  ASSERT_TRUE(serve.start_with_tls()) << serve.log();
  RawClient client(serve.port());
  starts_tls_and_auth(serve, client);
  client.tls()->close();
  client.send_raw(client.tls()->take_output());
  EXPECT_EQ(client.reply(), "");
  EXPECT_TRUE(still_works(serve)) << serve.log();
}

TEST(Serve, SMT_16_SurvivesTheEndOfTheConnectionWithinAuth) {
  ServeProcess serve;
  ASSERT_TRUE(serve.start_with_tls()) << serve.log();
  for (const bool half : {true, false}) {
    RawClient client(serve.port());
    starts_tls_and_auth(serve, client);
    half ? client.shut_down_sending() : client.close();
  }
  EXPECT_TRUE(still_works(serve)) << serve.log();
}

TEST(Serve, SMT_16_EndsTheConnectionAtADamagedRecordWithinAuth) {
  ServeProcess serve;
  ASSERT_TRUE(serve.start_with_tls()) << serve.log();
  RawClient client(serve.port());
  starts_tls_and_auth(serve, client);
  static_cast<void>(client.tls()->send(as_bytes("*\r\n")));
  Bytes record = client.tls()->take_output();
  record.back() ^= 1;
  client.send_raw(record);
  EXPECT_EQ(client.reply(), "");
  EXPECT_TRUE(client.at_end()) << "it waits for more";
  EXPECT_TRUE(serve.logged("TLS failed")) << serve.log();
  EXPECT_TRUE(still_works(serve)) << serve.log();
}

TEST(Serve, SMT_16_SurvivesTheEndOfTlsWithinAMessage) {
  ServeProcess serve;
  ASSERT_TRUE(serve.start_with_tls()) << serve.log();
  {
    MailSession session(serve.tls_options());
    ASSERT_TRUE(session.login());
    ASSERT_EQ(session.begin(kMessage), 354);
  }
  EXPECT_TRUE(still_works(serve)) << serve.log();
  EXPECT_TRUE(serve.messages().empty());
}

// Policy row P6.

TEST(Serve, P6_RefusesToStartInClearOffLoopback) {
  ServeProcess serve;
  for (const char* address : {"0.0.0.0:0", "[::]:0", "192.0.2.1:587"}) {
    EXPECT_FALSE(serve.start({}, address)) << address;
    EXPECT_EQ(serve.process().wait(), 78) << address;
    EXPECT_THAT(serve.log(), HasSubstr("--tls-cert"));
    EXPECT_THAT(serve.log(), HasSubstr("--allow-cleartext"));
  }
}

TEST(Serve, P6_StartsInClearWhereTheOperatorSaysSo) {
  ServeProcess serve;
  EXPECT_TRUE(serve.start({"--allow-cleartext"}, "0.0.0.0:0")) << serve.log();
}

TEST(Serve, P6_OffersAuthInClearOnLoopbackAlone) {
  ServeProcess serve;
  ASSERT_TRUE(serve.start_with_tls({}, "0.0.0.0:0")) << serve.log();
  RawClient loopback(serve.port());
  loopback.reply();
  EXPECT_THAT(loopback.command("EHLO c"), HasSubstr("AUTH GSSAPI"));
}

// other_address is an IPv4 address of this machine that is not loopback; empty where there is none.
std::string other_address() {
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return "";
  std::string found;
  for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr || one->ifa_addr->sa_family != AF_INET ||
        (one->ifa_flags & IFF_LOOPBACK) != 0)
      continue;
    char text[INET_ADDRSTRLEN] = "";
    ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(one->ifa_addr)->sin_addr, text,
                sizeof text);
    found = text;
  }
  ::freeifaddrs(all);
  return found;
}

TEST(Serve, P6_OffersNoAuthInClearToAnotherAddress) {
  const std::string address = other_address();
  if (address.empty()) GTEST_SKIP() << "this machine has no address but loopback";
  ServeProcess serve;
  ASSERT_TRUE(serve.start_with_tls({}, "0.0.0.0:0")) << serve.log();
  RawClient client(serve.port(), address);
  client.reply();
  const std::string ehlo = client.command("EHLO c");
  EXPECT_THAT(ehlo, HasSubstr("STARTTLS"));
  EXPECT_THAT(ehlo, Not(HasSubstr("AUTH")));
  EXPECT_THAT(client.command("AUTH NTLM"), StartsWith("5"));
}

// Settings that are wrong, and their exit codes.

struct BadSetting {
  testing::Arguments arguments;
  int exit_code;
  const char* message;
};

TEST(Serve, RefusesSettingsThatAreWrong) {
  const std::string key = PGSS_TEST_DATA "/server.key";
  const std::string certificate = PGSS_TEST_DATA "/server.pem";
  for (const BadSetting& bad : std::initializer_list<BadSetting>{
           {{"--mechs", "GSSAPI,PLAIN"}, 64, "'PLAIN' is none of"},
           {{"--policy", "lax"}, 64, "--policy"},
           {{"--channel-binding", "maybe"}, 64, "--channel-binding"},
           {{"--layers", "integrity,weak"}, 64, "--layers"},
           {{"--layer-step", "sometimes"}, 64, "--layer-step"},
           {{"--tls-cert", certificate}, 64, "--tls-key"},
           {{"--implicit-tls"}, 64, "--tls-cert"},
           {{"--hostname", "a b"}, 64, "--hostname"},
           {{"--listen", "localhost:0"}, 64, "needs an address"},
           {{"--listen", "127.0.0.1:99999"}, 64, "--listen"},
           {{"--tls-cert", certificate, "--tls-key", "/nonexistent"}, 66, "cannot open"},
           {{"--tls-cert", key, "--tls-key", key}, 65, "no certificate"},
           {{"--tls-cert", certificate, "--tls-key", PGSS_TEST_DATA "/rsa.key"},
            78,
            "is not that of"}}) {
    ServeProcess serve;
    EXPECT_FALSE(serve.start(bad.arguments));
    EXPECT_EQ(serve.process().wait(), bad.exit_code) << bad.message << serve.log();
    EXPECT_THAT(serve.log(), HasSubstr(bad.message));
  }
}

TEST(Serve, NamesTheLineOfABrokenUserFile) {
  ServeProcess serve;
  serve.folder.write("users", std::string("# accounts\n") + testing::kBob + testing::kBob);
  EXPECT_FALSE(serve.start());
  EXPECT_EQ(serve.process().wait(), 78);
  EXPECT_THAT(serve.log(), HasSubstr("users:3: the name 'bob' stands on line 2 already"));
}

TEST(Serve, RefusesAUserFileThatOthersCanRead) {
  ServeProcess serve;
  serve.folder.write("users", testing::kBob, 0644);
  EXPECT_FALSE(serve.start());
  EXPECT_EQ(serve.process().wait(), 78);
}

TEST(Serve, Says69WhereThePortIsTaken) {
  ServeProcess first, second;
  ASSERT_TRUE(first.start());
  EXPECT_FALSE(second.start({}, "127.0.0.1:" + std::to_string(first.port())));
  EXPECT_EQ(second.process().wait(), 69);
  EXPECT_THAT(second.log(), HasSubstr("choose another port"));
}

TEST(Serve, Says73WhereTheMaildirCannotBe) {
  ServeProcess serve;
  serve.folder.write("mail", "a file");
  EXPECT_FALSE(serve.start());
  EXPECT_EQ(serve.process().wait(), 73);
}

// Both run out of files at the same time, and neither may give up for good.
TEST(Serve, SMT_14_AcceptsAtEveryAddressAfterItRanOutOfFiles) {
  // UBSan's own check of an object takes a pipe: where there is none it sees a fault in any of them.
  if (pocketgss::testing::kSanitized) GTEST_SKIP() << "no sanitizer works without files";
  ServeProcess serve;
  ASSERT_TRUE(serve.start({"--listen", "[::1]:0"})) << serve.log();
  const std::pair<std::string, uint16_t> addresses[] = {{"127.0.0.1", serve.port()},
                                                        {"::1", serve.port_of("[::1]")}};
  const rlimit few{48, 48};
  ASSERT_EQ(::prlimit(serve.process().pid(), RLIMIT_NOFILE, &few, nullptr), 0);
  {
    std::vector<std::unique_ptr<RawClient>> clients;
    for (int i = 0; i < 60; ++i) {
      for (const auto& [address, port] : addresses)
        clients.push_back(std::make_unique<RawClient>(port, address));
    }
    ASSERT_TRUE(serve.logged("could not be accepted: Too many open files")) << serve.log();
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
  }
  for (const auto& [address, port] : addresses)
    EXPECT_THAT(RawClient(port, address).reply(), StartsWith("220 ")) << address;
}

// Signals.

TEST(Serve, ReadsUsersAgainOnSighup) {
  ServeProcess serve;
  ASSERT_TRUE(serve.start()) << serve.log();
  serve.folder.write("users", "carol:8846f7eaee8fb117ad06bdd830b7586c\n");
  serve.process().signal(SIGHUP);
  ASSERT_TRUE(serve.logged("users read again: 1 accounts")) << serve.log();
  EXPECT_FALSE(MailSession(serve.options()).login());
  SessionOptions carol = serve.options();
  carol.user = "carol";
  EXPECT_TRUE(MailSession(carol).login());
}

TEST(Serve, KeepsTheOldUsersWhereTheNewFileIsBad) {
  ServeProcess serve;
  ASSERT_TRUE(serve.start()) << serve.log();
  serve.folder.write("users", std::string(testing::kBob) + "carol:nonsense\n");
  serve.process().signal(SIGHUP);
  ASSERT_TRUE(serve.logged("users NOT read again, the old ones stay: ")) << serve.log();
  ASSERT_TRUE(serve.logged("users:2: ")) << serve.log();
  EXPECT_TRUE(MailSession(serve.options()).login());
}

TEST(Serve, StopsAtOnceWhereNothingIsUnderWay) {
  for (const int number : {SIGTERM, SIGINT}) {
    ServeProcess serve;
    ASSERT_TRUE(serve.start()) << serve.log();
    RawClient idle(serve.port());
    idle.reply();
    serve.process().signal(number);
    EXPECT_THAT(idle.reply(), StartsWith("421 "));
    idle.close();
    EXPECT_EQ(serve.process().wait(), 0) << serve.log();
  }
}

TEST(Serve, FinishesAMessageUnderWayBeforeItStops) {
  ServeProcess serve;
  ASSERT_TRUE(serve.start()) << serve.log();
  MailSession session(serve.options());
  ASSERT_TRUE(session.login());
  ASSERT_EQ(session.begin(kMessage), 354);
  serve.process().signal(SIGTERM);
  ASSERT_TRUE(serve.logged("stopping: 1 connections")) << serve.log();
  EXPECT_EQ(session.finish(), 250);
  EXPECT_EQ(serve.messages().size(), 1u);
  EXPECT_EQ(serve.process().wait(), 0) << serve.log();
}

TEST(Serve, StopsAtOnceAtTheSecondSignal) {
  ServeProcess serve;
  ASSERT_TRUE(serve.start()) << serve.log();
  MailSession session(serve.options());
  ASSERT_TRUE(session.login());
  ASSERT_EQ(session.begin(kMessage), 354);
  serve.process().signal(SIGTERM);
  ASSERT_TRUE(serve.logged("stopping"));
  serve.process().signal(SIGTERM);
  EXPECT_EQ(serve.process().wait(), 0) << serve.log();
  EXPECT_TRUE(serve.messages().empty());
}

TEST(Serve, TellsClientAndLogOfAMessageThatItCutsOff) {
  ServeProcess serve;
  ASSERT_TRUE(serve.start()) << serve.log();
  MailSession session(serve.options());
  ASSERT_TRUE(session.login());
  ASSERT_EQ(session.begin(kMessage), 354);
  serve.process().signal(SIGTERM);
  ASSERT_TRUE(serve.logged("stopping"));
  serve.process().signal(SIGTERM);
  EXPECT_EQ(serve.process().wait(), 0) << serve.log();
  EXPECT_THAT(serve.log(), HasSubstr("connection cut: the server stops; from=[127.0.0.1]:"));
  EXPECT_THAT(serve.log(), HasSubstr(" with a message under way\n"));
  EXPECT_EQ(session.finish(), 421);
}

TEST(Serve, TakesNoNewConnectionsOnceItStops) {
  ServeProcess serve;
  ASSERT_TRUE(serve.start()) << serve.log();
  MailSession session(serve.options());
  ASSERT_TRUE(session.login());
  ASSERT_EQ(session.begin(kMessage), 354);
  serve.process().signal(SIGTERM);
  ASSERT_TRUE(serve.logged("stopping"));
  EXPECT_EQ(RawClient(serve.port()).reply(), "");
}

}  // namespace
}  // namespace pocketgss::tools
