// The SMTP client around the login: greeting, EHLO, TLS, and the submission of a message.
#include <gmock/gmock.h>

#include "sasl/data_stream.h"
#include "tests/sasl/harness.h"

namespace pocketgss {
namespace {

using testing::a_binding;
using testing::b64;
using testing::ClientSession;
using testing::FakeScript;
using ::testing::HasSubstr;
using ::testing::Not;
using Kind = SmtpFailure::Kind;
using Tls = SmtpClientConfig::Tls;

constexpr char kTlsEhlo[] = "250-mail\r\n250-STARTTLS\r\n250 AUTH GSSAPI\r\n";

struct TlsSession : ClientSession {
  TlsSession() { config.tls = Tls::kStartTls; }
  std::string start_tls(TlsChannel channel = {{a_binding()}}) {
    EXPECT_TRUE(client->tls_started(std::move(channel)).has_value());
    return sent();
  }
};

#define EXPECT_FAILED(session, expected_kind)                                            \
  do {                                                                                   \
    ASSERT_NE((session).failure(), nullptr);                                             \
    EXPECT_EQ((session).failure()->kind, expected_kind) << (session).failure()->message; \
  } while (false)

// Every call goes through what the machine owns, so there is none that it was moved out of.
static_assert(!std::is_move_constructible_v<SmtpClient> && !std::is_move_assignable_v<SmtpClient>);
static_assert(!std::is_move_constructible_v<SmtpServer> && !std::is_move_assignable_v<SmtpServer>);

// --- TLS ---

TEST(SmtpClientTls, P7_StartsTlsBeforeAnythingElse) {
  TlsSession session;
  session.contexts.scripts = {FakeScript().sends("init")};
  session.server("220 mail\r\n");
  EXPECT_EQ(session.server(kTlsEhlo), "STARTTLS\r\n");
  EXPECT_EQ(session.server("220 go\r\n"), "");
  ASSERT_NE(session.find<SmtpClient::StartTls>(), nullptr);
  EXPECT_EQ(session.start_tls(), "EHLO client.example.test\r\n");
  EXPECT_EQ(session.server("250-mail\r\n250 AUTH GSSAPI\r\n"),
            "AUTH GSSAPI " + b64("init") + "\r\n");
  EXPECT_EQ(session.contexts.asked.at(0).bindings, 1u);
  EXPECT_TRUE(session.client->over_tls());
}

TEST(SmtpClientTls, SMT_4_SSEAN_X1_QuirkA15_CountsOnlyTheListAfterTls) {
  TlsSession session;
  session.server("220 mail\r\n");
  session.server("250-mail\r\n250-STARTTLS\r\n250-SIZE 5\r\n250 AUTH GSSAPI NTLM\r\n");
  session.server("220 go\r\n");
  session.start_tls();
  EXPECT_FALSE(session.client->capabilities().size.has_value());
  EXPECT_EQ(session.server("250-mail\r\n250 AUTH LOGIN\r\n"), "");
  EXPECT_FAILED(session, Kind::kNoMechanism);
}

TEST(SmtpClientTls, P7_ATlsThatFailedEndsTheSessionAndSendsNothing) {
  for (const Tls tls : {Tls::kStartTls, Tls::kImplicit}) {
    TlsSession session;
    session.config.tls = tls;
    session.sent();
    if (tls == Tls::kStartTls) {
      EXPECT_FALSE(session.client->tls_failed().has_value());
      session.server("220 mail\r\n");
      session.server(kTlsEhlo);
      session.server("220 go\r\n");
    }
    ASSERT_NE(session.find<SmtpClient::StartTls>(), nullptr);
    ASSERT_TRUE(session.client->tls_failed("the certificate\x1b has expired").has_value());
    EXPECT_EQ(session.sent(), "");
    EXPECT_FAILED(session, Kind::kTlsFailed);
    EXPECT_THAT(session.failure()->message, HasSubstr("(the certificate? has expired)"));
    EXPECT_EQ(session.failure()->party, SmtpFailure::Party::kServer);
    EXPECT_EQ(session.client->tls_failed().error().code, Errc::kApiMisuse);
    EXPECT_EQ(session.client->tls_started({}).error().code, Errc::kApiMisuse);
    EXPECT_EQ(session.server("220 mail\r\n"), "");
    EXPECT_FALSE(session.client->over_tls());
  }
}

TEST(SmtpClientTls, TlsFailedWaitsForItsEvent) {
  TlsSession session;
  session.server("220 mail\r\n");
  session.server(kTlsEhlo);
  session.client->receive(as_bytes("220 go\r\n"));
  EXPECT_EQ(session.client->tls_failed().error().code, Errc::kApiMisuse);
  session.sent();
  EXPECT_EQ(session.start_tls(), "EHLO client.example.test\r\n");
  EXPECT_EQ(session.client->tls_failed().error().code, Errc::kApiMisuse);
}

TEST(SmtpClientTls, SMT_2_RefusesClearTextAfterThe220) {
  for (const bool by_octet : {false, true}) {
    TlsSession session;
    session.by_octet = by_octet;
    session.server("220 mail\r\n");
    session.server(kTlsEhlo);
    EXPECT_EQ(session.server("220 go\r\n250-AUTH PLAIN\r\n"), "");
    EXPECT_FAILED(session, Kind::kTlsInjection);
    EXPECT_EQ(session.find<SmtpClient::StartTls>(), nullptr);
    EXPECT_EQ(session.events.size(), 1u);
    EXPECT_FALSE(session.client->tls_started({}).has_value());
  }
}

TEST(SmtpClientTls, SMT_3_SSEAN_X1_P7_SendsNoAuthWhereTlsCannotBeHad) {
  for (const char* rest :
       {"250 AUTH GSSAPI\r\n", "502 what\r\n", "250-mail\r\n250 AUTH GSSAPI NTLM\r\n"}) {
    TlsSession session;
    session.contexts.scripts = {FakeScript().sends("init")};
    session.server("220 mail\r\n");
    EXPECT_EQ(session.server(rest), "") << rest;
    EXPECT_NE(session.failure(), nullptr);
    EXPECT_TRUE(session.contexts.asked.empty());
  }
}

TEST(SmtpClientTls, SMT_3_SendsNoAuthAfterA454) {
  TlsSession session;
  session.server("220 mail\r\n");
  session.server(kTlsEhlo);
  EXPECT_EQ(session.server("454 4.7.0 TLS not available\r\n"), "");
  EXPECT_FAILED(session, Kind::kTlsUnavailable);
}

// RFC 3207 4: the server may be able to later; port 465 has nothing to do with it.
TEST(SmtpClientTls, AdvisesToTryLaterAfterA454) {
  TlsSession session;
  session.server("220 mail\r\n");
  session.server(kTlsEhlo);
  session.server("454 4.7.0 TLS not available\r\n");
  EXPECT_THAT(session.failure()->message, HasSubstr("Try again later."));
  EXPECT_THAT(session.failure()->message, Not(HasSubstr("465")));
}

TEST(SmtpClientTls, SMT_3_SendsNothingAfterAPreauthLikeGreeting) {
  for (const char* greeting :
       {"250 you are in\r\n", "235 2.7.0 welcome\r\n", "* PREAUTH\r\n", "334 \r\n", "220\n"}) {
    TlsSession session;
    EXPECT_EQ(session.server(greeting), "") << greeting;
    EXPECT_NE(session.failure(), nullptr);
  }
}

TEST(SmtpClientTls, P7_ImplicitTlsComesBeforeTheGreeting) {
  ClientSession session;
  session.config.tls = Tls::kImplicit;
  EXPECT_EQ(session.sent(), "");
  ASSERT_NE(session.find<SmtpClient::StartTls>(), nullptr);
  ASSERT_TRUE(session.client->tls_started({{a_binding()}}).has_value());
  EXPECT_EQ(session.sent(), "");
  EXPECT_EQ(session.server("220 mail\r\n"), "EHLO client.example.test\r\n");
  session.contexts.scripts = {FakeScript().sends("init")};
  EXPECT_EQ(session.server("250-mail\r\n250-STARTTLS\r\n250 AUTH GSSAPI\r\n"),
            "AUTH GSSAPI " + b64("init") + "\r\n");
}

TEST(SmtpClientTls, P6_GoesInTheClearOnlyWhereTold) {
  ClientSession session;
  session.contexts.scripts = {FakeScript().sends("init")};
  session.server("220 mail\r\n");
  EXPECT_EQ(session.server(kTlsEhlo), "AUTH GSSAPI " + b64("init") + "\r\n");
  EXPECT_EQ(SmtpClientConfig().tls, Tls::kStartTls);
  TlsSession untold;
  untold.contexts.scripts = {FakeScript().sends("init")};
  untold.server("220 mail\r\n");
  EXPECT_EQ(untold.server("250-mail\r\n250 AUTH GSSAPI\r\n"), "") << "without STARTTLS";
  EXPECT_NE(untold.failure(), nullptr);
}

// --- greeting and EHLO ---

TEST(SmtpClient, TellsAServerThatDoesNotWantToTalk) {
  for (const char* greeting : {"554 5.7.1 go away\r\n", "421 4.3.2 later\r\n"}) {
    ClientSession session;
    EXPECT_EQ(session.server(greeting), "");
    EXPECT_FAILED(session, Kind::kGreeting);
    EXPECT_THAT(session.failure()->message, HasSubstr(std::string(greeting).substr(0, 3)));
  }
}

// RFC 5321 4.2.1: a 4yz is no word on what the server can do.
TEST(SmtpClient, TellsATemporaryRefusalOfEhloAsSuch) {
  ClientSession session;
  session.server("220 mail\r\n");
  EXPECT_EQ(session.server("421 4.3.2 too many connections\r\n"), "");
  EXPECT_FAILED(session, Kind::kEhlo);
  EXPECT_THAT(session.failure()->message, HasSubstr("Try again later."));
  EXPECT_THAT(session.failure()->message, Not(HasSubstr("587")));
  ClientSession for_good;
  for_good.server("220 mail\r\n");
  for_good.server("502 5.5.1 what\r\n");
  EXPECT_FAILED(for_good, Kind::kEhlo);
  EXPECT_THAT(for_good.failure()->message, HasSubstr("587"));
}

TEST(SmtpClient, SMT_7_RefusesWhatIsNoReply) {
  for (const char* text : {"33\r\n", "HTTP/1.1 200 OK\r\n", "3345\r\n", "220 a\n"}) {
    ClientSession session;
    EXPECT_EQ(session.server(text), "");
    EXPECT_FAILED(session, Kind::kProtocol);
  }
}

TEST(SmtpClient, SMT_7_RefusesALineOf64KiB) {
  ClientSession session;
  EXPECT_EQ(session.server("220 " + std::string(65'536, 'x')), "");
  EXPECT_FAILED(session, Kind::kTooMuch);
}

TEST(SmtpClient, ReadsTheCapabilities) {
  ClientSession session;
  session.config.login = false;
  session.server("220 mail\r\n");
  session.server(
      "250-mail greets you\r\n250-pipelining\r\n250-SIZE "
      "36700160\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-X-EXPS GSSAPI\r\n"
      "250-AUTH GSSAPI NTLM\r\n250-AUTH=NTLM LOGIN\r\n250-ENHANCEDSTATUSCODES\r\n250 STARTTLS\r\n");
  ASSERT_NE(session.find<SmtpClient::Ready>(), nullptr);
  EXPECT_FALSE(session.find<SmtpClient::Ready>()->login.has_value());
  const SmtpCapabilities& capabilities = session.client->capabilities();
  EXPECT_EQ(capabilities.auth, (std::vector<std::string>{"GSSAPI", "NTLM", "LOGIN"}));
  EXPECT_EQ(capabilities.size, 36'700'160u);
  EXPECT_TRUE(capabilities.pipelining && capabilities.eight_bit_mime && capabilities.smtp_utf8);
  EXPECT_TRUE(capabilities.enhanced_status_codes && capabilities.starttls);
}

TEST(SmtpClient, TellsThatTheConnectionWasClosed) {
  ClientSession session;
  session.server("220 mail\r\n");
  session.client->closed();
  session.sent();
  EXPECT_FAILED(session, Kind::kClosed);
  EXPECT_EQ(session.failure()->party, SmtpFailure::Party::kNetwork);
}

TEST(SmtpClient, SaysNothingMoreAfterAFailure) {
  ClientSession session;
  session.server("554 no\r\n");
  session.client->receive(as_bytes("220 yes\r\n250 AUTH GSSAPI\r\n"));
  session.client->closed();
  EXPECT_EQ(session.sent(), "");
  EXPECT_EQ(session.events.size(), 1u);
  EXPECT_FALSE(session.client->mail("a@b", {}).has_value());
}

// --- mail ---

struct MailSession : ClientSession {
  explicit MailSession(
      const char* capabilities = "250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 1000\r\n") {
    config.login = false;
    server("220 mail\r\n");
    server(std::string("250-mail\r\n") + capabilities);
    events.clear();
  }
  // replies are the events so far: "MAIL 250, RCPT 550".
  std::string replies() const {
    std::string out;
    for (const auto& event : events) {
      if (const auto* reply = std::get_if<SmtpClient::Reply>(&event)) {
        out += (out.empty() ? "" : ", ") + reply->verb + " " + std::to_string(reply->reply.code);
      }
    }
    return out;
  }
};

#define OK(expression) ASSERT_TRUE((expression).has_value())

TEST(SmtpClientMail, SendsAGroupWhereTheServerPipelines) {
  MailSession session;
  OK(session.client->mail("a@example.test", {.size = 77, .eight_bit = true}));
  OK(session.client->rcpt("b@example.test"));
  OK(session.client->rcpt("c@example.test"));
  OK(session.client->data());
  EXPECT_EQ(session.sent(),
            "MAIL FROM:<a@example.test> SIZE=77 BODY=8BITMIME\r\nRCPT TO:<b@example.test>\r\nRCPT "
            "TO:<c@example.test>\r\nDATA\r\n");
  session.server("250 2.1.0 ok\r\n250 2.1.5 ok\r\n550 5.1.1 who\r\n354 go\r\n");
  EXPECT_EQ(session.replies(), "MAIL 250, RCPT 250, RCPT 550, DATA 354");
}

TEST(SmtpClientMail, SendsOneAfterTheOtherWhereItDoesNot) {
  MailSession session("250 HELP\r\n");
  OK(session.client->mail("a@example.test", {.size = 77, .eight_bit = true}));
  OK(session.client->rcpt("b@example.test"));
  OK(session.client->data());
  EXPECT_EQ(session.sent(), "MAIL FROM:<a@example.test>\r\n");
  EXPECT_EQ(session.server("250 ok\r\n"), "RCPT TO:<b@example.test>\r\n");
  EXPECT_EQ(session.server("250 ok\r\n"), "DATA\r\n");
}

TEST(SmtpClientMail, StreamsAMessage) {
  MailSession session;
  OK(session.client->mail("", {}));
  OK(session.client->rcpt("b@example.test"));
  OK(session.client->data());
  EXPECT_FALSE(session.client->write_data(as_bytes("too early")).has_value());
  EXPECT_EQ(session.sent(), "MAIL FROM:<>\r\nRCPT TO:<b@example.test>\r\nDATA\r\n");
  session.server("250 ok\r\n250 ok\r\n354 go\r\n");
  OK(session.client->write_data(as_bytes("Subject: x\r\n\r\n.dot\r\n..two\nbare")));
  OK(session.client->write_data(as_bytes("\n.")));
  OK(session.client->finish_data());
  EXPECT_EQ(session.sent(), "Subject: x\r\n\r\n..dot\r\n...two\r\nbare\r\n..\r\n.\r\n");
  session.server("250 2.0.0 queued\r\n");
  OK(session.client->quit());
  EXPECT_EQ(session.sent(), "QUIT\r\n");
  session.server("221 bye\r\n");
  session.client->closed();
  EXPECT_EQ(session.sent(), "");
  EXPECT_EQ(session.replies(), "MAIL 250, RCPT 250, DATA 354, . 250, QUIT 221");
  EXPECT_EQ(session.failure(), nullptr);
}

TEST(SmtpClientMail, WritesNothingWhereDataWasRefused) {
  MailSession session;
  OK(session.client->data());
  session.sent();
  session.server("503 5.5.1 no\r\n");
  EXPECT_FALSE(session.client->write_data(as_bytes("x")).has_value());
  OK(session.client->command("RSET"));
  EXPECT_EQ(session.sent(), "RSET\r\n");
}

// A server may refuse a message as soon as it knows (its size, its disk), and then wait for the end
// of it, or take the rest for commands.
TEST(SmtpClientMail, TakesARefusalBeforeTheEndOfTheMessageForTheReplyToIt) {
  for (const char* reply : {"552 5.3.4 too big\r\n", "451 4.3.0 no space\r\n"}) {
    MailSession session;
    OK(session.client->data());
    session.server("354 go\r\n");
    OK(session.client->write_data(as_bytes("Subject: x\r\n")));
    session.sent();
    OK(session.client->write_data(as_bytes("MAIL FROM:<c@example.test>\r\n")));
    EXPECT_EQ(session.server(reply), "");
    EXPECT_EQ(session.replies(), "DATA 354, . " + std::string(reply).substr(0, 3));
    EXPECT_FALSE(session.client->write_data(as_bytes("more")).has_value());
    EXPECT_FALSE(session.client->finish_data().has_value());
    EXPECT_FALSE(session.client->quit().has_value());
    // Replies to the content, where the server took it for commands, and the end of the connection.
    EXPECT_EQ(session.server("500 what\r\n500 what\r\n"), "");
    session.client->closed();
    EXPECT_EQ(session.sent(), "");
    EXPECT_EQ(session.failure(), nullptr);
  }
}

TEST(SmtpClientMail, WritesNothingWhereTheRefusalCameWithThe354) {
  MailSession session;
  OK(session.client->data());
  session.server("354 go\r\n552 5.3.4 too big\r\n");
  EXPECT_EQ(session.replies(), "DATA 354, . 552");
  EXPECT_FALSE(session.client->write_data(as_bytes("x")).has_value());
  EXPECT_EQ(session.sent(), "");
}

TEST(SmtpClientMail, SendsNothingBehindARefusalThatCameBeforeTheEndWasTaken) {
  MailSession session;
  OK(session.client->data());
  session.server("354 go\r\n");
  OK(session.client->write_data(as_bytes("RSET\r\n")));
  OK(session.client->finish_data());
  session.client->receive(as_bytes("552 5.3.4 too big\r\n"));
  EXPECT_EQ(session.sent(), "");
  EXPECT_EQ(session.replies(), "DATA 354, . 552");
  EXPECT_FALSE(session.client->mail("", {}).has_value());
}

TEST(SmtpClientMail, RefusesAnyOtherReplyBeforeTheEndOfTheMessage) {
  for (const auto& [reply, kind] :
       {std::pair("250 ok\r\n", Kind::kProtocol), std::pair("354 go\r\n", Kind::kProtocol),
        std::pair("421 4.3.2 shutting down\r\n", Kind::kTemporary)}) {
    MailSession session;
    OK(session.client->data());
    session.server("354 go\r\n");
    OK(session.client->write_data(as_bytes("x")));
    session.server(reply);
    EXPECT_FAILED(session, kind);
  }
}

TEST(SmtpClientMail, SMT_13_RefusesLineEndsAndBracketsInArguments) {
  MailSession session;
  for (const std::string& bad :
       {std::string("a\r\nDATA"), std::string("a\nb"), std::string("a\0b", 3),
        std::string("a>\x01"), std::string("a> SIZE=0"), std::string("a b"), std::string("<a")}) {
    EXPECT_EQ(session.client->mail(bad, {}).error().code, Errc::kApiMisuse);
    EXPECT_EQ(session.client->rcpt(bad).error().code, Errc::kApiMisuse);
  }
  EXPECT_EQ(session.client->command("NOOP\r\nDATA").error().code, Errc::kApiMisuse);
  EXPECT_EQ(session.sent(), "");
}

TEST(SmtpClientMail, RefusesCommandsThatHaveTheirOwnCall) {
  MailSession session;
  for (const char* line : {"AUTH PLAIN x", "starttls", "DATA", "BDAT 5", "EHLO x", "", " NOOP"}) {
    EXPECT_FALSE(session.client->command(line).has_value()) << line;
  }
}

TEST(SmtpClientMail, RefusesAnAddressThatIsNotAsciiWithoutSmtpUtf8) {
  MailSession session;
  EXPECT_EQ(session.client->rcpt("j\xc3\xbcrgen@example.test").error().code,
            Errc::kPeerIncompatible);
  MailSession utf8("250 SMTPUTF8\r\n");
  OK(utf8.client->mail("j\xc3\xbcrgen@example.test", {.smtp_utf8 = true}));
  EXPECT_EQ(utf8.sent(), "MAIL FROM:<j\xc3\xbcrgen@example.test> SMTPUTF8\r\n");
}

// RFC 6531 3.4.
TEST(SmtpClientMail, RefusesAnAddressThatIsNotAsciiWhereMailDidNotAskForSmtpUtf8) {
  const char* address = "j\xc3\xbcrgen@example.test";
  MailSession session("250-PIPELINING\r\n250 SMTPUTF8\r\n");
  EXPECT_EQ(session.client->mail(address, {}).error().code, Errc::kApiMisuse);
  OK(session.client->mail("a@example.test", {}));
  EXPECT_EQ(session.client->rcpt(address).error().code, Errc::kApiMisuse);
  EXPECT_EQ(session.sent(), "MAIL FROM:<a@example.test>\r\n");
  OK(session.client->command("RSET"));
  OK(session.client->mail("a@example.test", {.smtp_utf8 = true}));
  OK(session.client->rcpt(address));
  EXPECT_EQ(session.sent(),
            "RSET\r\nMAIL FROM:<a@example.test> SMTPUTF8\r\nRCPT "
            "TO:<j\xc3\xbcrgen@example.test>\r\n");
  OK(session.client->mail("a@example.test", {}));
  EXPECT_FALSE(session.client->rcpt(address).has_value()) << "asked for in the one before";
  // A transaction of the caller's own lines ends it too.
  OK(session.client->mail("a@example.test", {.smtp_utf8 = true}));
  OK(session.client->command("RSET"));
  OK(session.client->command("MAIL FROM:<a@example.test>"));
  EXPECT_FALSE(session.client->rcpt(address).has_value());
}

TEST(SmtpClientMail, TellsThatTheConnectionWasClosedInsteadOfA221) {
  MailSession session;
  OK(session.client->quit());
  EXPECT_EQ(session.sent(), "QUIT\r\n");
  session.client->closed();
  session.sent();
  EXPECT_FAILED(session, Kind::kClosed);
}

TEST(SmtpClientMail, TakesNoCommandAfterQuit) {
  MailSession session;
  OK(session.client->quit());
  EXPECT_FALSE(session.client->mail("a@b", {}).has_value());
  EXPECT_FALSE(session.client->quit().has_value());
}

TEST(SmtpClientMail, RefusesAReplyToNothing) {
  MailSession session;
  session.server("250 surprise\r\n");
  EXPECT_FAILED(session, Kind::kProtocol);
  MailSession stopping;
  stopping.server("421 4.3.2 shutting down\r\n");
  EXPECT_FAILED(stopping, Kind::kTemporary);
}

TEST(SmtpClientMail, RefusesAnIntermediateReplyToAnythingButData) {
  MailSession session;
  OK(session.client->mail("a@b", {}));
  session.server("354 go\r\n");
  EXPECT_FAILED(session, Kind::kProtocol);
  MailSession data;
  OK(data.client->data());
  data.server("250 ok\r\n");
  EXPECT_FAILED(data, Kind::kProtocol);
}

// --- the transparency of DATA ---

std::string stuffed(std::string_view content, size_t piece) {
  sasl::DotStuffer stuffer;
  Bytes out;
  for (size_t i = 0; i < content.size(); i += piece)
    stuffer.write(as_bytes(content.substr(i, piece)), out);
  stuffer.finish(out);
  return std::string(as_text(out));
}

TEST(DotStuffer, WritesTheSameHoweverTheContentIsCut) {
  struct {
    const char *content, *wire;
  } const cases[] = {{"", ".\r\n"},
                     {"a", "a\r\n.\r\n"},
                     {"a\r\n", "a\r\n.\r\n"},
                     {".", "..\r\n.\r\n"},
                     {"\r\n.\r\n", "\r\n..\r\n.\r\n"},
                     {"a\r.\r\n", "a\r\n..\r\n.\r\n"},
                     {"a\n.\n", "a\r\n..\r\n.\r\n"},
                     {"\r\r\n\n", "\r\n\r\n\r\n.\r\n"},
                     {"a\r", "a\r\n.\r\n"},
                     {"a.b\r\n..", "a.b\r\n...\r\n.\r\n"}};
  for (const auto& c : cases) {
    for (size_t piece = 1; piece < 8; ++piece)
      EXPECT_EQ(stuffed(c.content, piece), c.wire) << c.content << " by " << piece;
  }
}

// SMT-13, CVE-2023-51764: no server, however it reads line ends, sees an end of data before the
// last one.
TEST(DotStuffer, SMT_13_NeverWritesAnEndOfDataOfTheMessagesOwn) {
  for (const char* end :
       {"\r\n.\r\n", "\n.\n", "\r.\r", "\n.\r\n", "\r\n.\n", "\r.\r\n", "\r\n.\r", "\n.\r"}) {
    const std::string wire = stuffed(std::string("text") + end + "MAIL FROM:<x>", 3);
    const std::string body = wire.substr(0, wire.size() - 5);
    EXPECT_EQ(body.find("\n.\r"), std::string::npos) << body;
    EXPECT_EQ(body.find("\n.\n"), std::string::npos) << body;
    for (size_t i = 0; i < wire.size(); ++i) {
      EXPECT_EQ(wire[i] == '\r', i + 1 < wire.size() && wire[i + 1] == '\n') << i;
    }
  }
}

TEST(DotUnstuffer, GivesBackWhatTheStufferTook) {
  const std::string content = "Subject: x\r\n\r\n.\r\n..\r\n...a\r\nend\r\n";
  for (size_t piece = 1; piece < 9; ++piece) {
    sasl::DotUnstuffer unstuffer;
    Bytes out;
    const std::string wire = stuffed(content, 5) + "NEXT";
    ByteView rest = as_bytes(wire);
    auto outcome = sasl::DotUnstuffer::Outcome::kMore;
    while (outcome == sasl::DotUnstuffer::Outcome::kMore) {
      ByteView part = rest.prefix(std::min(piece, rest.size()));
      const size_t given = part.size();
      outcome = unstuffer.read(part, out);
      rest = rest.from(given - part.size());
    }
    EXPECT_EQ(outcome, sasl::DotUnstuffer::Outcome::kEnd);
    EXPECT_EQ(as_text(out), content);
    EXPECT_EQ(as_text(rest), "NEXT");
  }
}

}  // namespace
}  // namespace pocketgss
