// The SMTP server around the login: TLS, mail, limits, time.
#include <gmock/gmock.h>

#include <limits>

#include "sasl/smtp_command.h"
#include "tests/sasl/harness.h"

namespace pocketgss {
namespace {

using testing::b64;
using ::testing::EndsWith;
using testing::FakeScript;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::ServerSession;

// A session in which mail may be sent at once.
struct MailSession : ServerSession {
  MailSession() {
    config.require_auth = false;
    greet();
  }
  void begin() {
    client("MAIL FROM:<a@example.test>\r\n");
    accept();
    client("RCPT TO:<b@example.test>\r\n");
    accept();
  }
  void begin_data() {
    begin();
    client("DATA\r\n");
    EXPECT_EQ(accept(), "354 End data with <CR><LF>.<CR><LF>\r\n");
  }
};

// --- greeting and TLS ---

TEST(SmtpServer, GreetsAndListsItsExtensions) {
  ServerSession session;
  EXPECT_EQ(session.sent(), "220 mail.example.test ESMTP\r\n");
  EXPECT_EQ(session.client("EHLO client.example.test\r\n"),
            "250-mail.example.test\r\n250-STARTTLS\r\n250-AUTH GSSAPI GSS-SPNEGO NTLM\r\n"
            "250-PIPELINING\r\n250-SIZE 26214400\r\n250-8BITMIME\r\n250 "
            "ENHANCEDSTATUSCODES\r\n");
  EXPECT_EQ(session.server->ehlo_name(), "client.example.test");
}

TEST(SmtpServer, AnswersHelo) {
  ServerSession session;
  session.sent();
  EXPECT_EQ(session.client("HELO x\r\n"), "250 mail.example.test\r\n");
  EXPECT_EQ(session.client("EHLO\r\n"), "501 5.5.4 Name of the client expected\r\n");
}

TEST(SmtpServerTls, SMT_1_P7_ClosesWhereClearTextFollowsStarttls) {
  for (const char* rest :
       {"NOOP\r\n", "AUTH PLAIN AGEAYg==\r\n", "MAIL FROM:<x@y>\r\n", "\r", "x"}) {
    for (const bool by_octet : {false, true}) {
      ServerSession session;
      session.by_octet = by_octet;
      session.greet();
      const std::string reply = session.client("STARTTLS\r\n" + std::string(rest));
      EXPECT_EQ(reply, "220 2.0.0 Ready to start TLS\r\n");
      EXPECT_TRUE(session.closed());
      EXPECT_EQ(session.find<SmtpServer::StartTls>(), nullptr);
      EXPECT_FALSE(session.server->tls_started({}).has_value());
    }
  }
}

TEST(SmtpServerTls, SMT_1_ClosesWhereClearTextComesAfterTheEvent) {
  ServerSession session;
  session.greet();
  session.client("STARTTLS\r\n");
  EXPECT_EQ(session.client("NOOP\r\n"), "");
  EXPECT_TRUE(session.closed());
}

TEST(SmtpServerTls, SMT_4_SSEAN_X1_ForgetsEverythingWithTls) {
  ServerSession session;
  session.config.require_auth = false;
  session.greet();
  session.client("MAIL FROM:<a@b>\r\n");
  session.accept();
  session.client("STARTTLS\r\n");
  ASSERT_TRUE(session.server->tls_started({}).has_value());
  EXPECT_EQ(session.server->ehlo_name(), "");
  EXPECT_EQ(session.client("RCPT TO:<b@c>\r\n"), "503 5.5.1 MAIL first\r\n");
  EXPECT_EQ(session.client("MAIL FROM:<a@b>\r\n"), "503 5.5.1 EHLO first\r\n");
  EXPECT_EQ(session.client("AUTH GSSAPI\r\n"), "503 5.5.1 EHLO first\r\n");
  EXPECT_THAT(session.client("EHLO x\r\n"), Not(HasSubstr("STARTTLS")));
}

TEST(SmtpServerTls, RefusesStarttlsWhereItHasNoPlace) {
  ServerSession session;
  session.sent();
  EXPECT_EQ(session.client("STARTTLS\r\n").substr(0, 3), "503");
  session.greet();
  EXPECT_EQ(session.client("STARTTLS now\r\n"), "501 5.5.4 STARTTLS has no parameters\r\n");
  session.log_in();
  EXPECT_EQ(session.client("STARTTLS\r\n").substr(0, 3), "503");
  ServerSession twice;
  twice.greet();
  twice.client("STARTTLS\r\n");
  ASSERT_TRUE(twice.server->tls_started({}).has_value());
  twice.client("EHLO x\r\n");
  EXPECT_EQ(twice.client("STARTTLS\r\n"), "503 5.5.1 TLS is there already\r\n");
  ServerSession without;
  without.config.starttls = false;
  EXPECT_THAT(without.greet(), Not(HasSubstr("STARTTLS")));
  EXPECT_EQ(without.client("STARTTLS\r\n"), "502 5.5.1 STARTTLS is not offered\r\n");
}

TEST(SmtpServerTls, ImplicitTlsComesBeforeTheGreeting) {
  ServerSession session;
  session.config.implicit_tls = true;
  session.config.auth_in_clear = false;
  EXPECT_EQ(session.sent(), "");
  ASSERT_NE(session.find<SmtpServer::StartTls>(), nullptr);
  ASSERT_TRUE(session.server->tls_started({}).has_value());
  EXPECT_EQ(session.sent(), "220 mail.example.test ESMTP\r\n");
  EXPECT_THAT(session.client("EHLO x\r\n"), HasSubstr("AUTH GSSAPI"));
}

// --- mail ---

TEST(SmtpServerMail, TakesAMessage) {
  MailSession session;
  EXPECT_EQ(session.client("MAIL FROM:<a@example.test> SIZE=100 BODY=8BITMIME AUTH=al+2Bice\r\n"),
            "");
  const auto* mail = session.find<SmtpServer::Mail>();
  ASSERT_NE(mail, nullptr);
  EXPECT_EQ(mail->reverse_path, "a@example.test");
  EXPECT_EQ(mail->size, 100u);
  EXPECT_TRUE(mail->eight_bit);
  EXPECT_EQ(mail->auth, "al+ice");
  EXPECT_EQ(session.accept(), "250 2.1.0 OK\r\n");
  session.client("RCPT TO:<b@example.test>\r\n");
  EXPECT_EQ(session.accept(), "250 2.1.5 OK\r\n");
  session.client("DATA\r\n");
  session.accept();
  EXPECT_EQ(session.client("Subject: x\r\n\r\n..dot\r\n.\r\n"), "");
  EXPECT_EQ(session.content(), "Subject: x\r\n\r\n.dot\r\n");
  EXPECT_EQ(session.count<SmtpServer::End>(), 1u);
  EXPECT_EQ(session.accept(), "250 2.0.0 OK\r\n");
  EXPECT_EQ(session.client("QUIT\r\n"), "221 2.0.0 Bye\r\n");
  EXPECT_STREQ(session.find<SmtpServer::Closed>()->error.where, "QUIT");
}

TEST(SmtpServerMail, TakesAWholePipelinedSession) {
  for (const bool by_octet : {false, true}) {
    ServerSession session;
    session.by_octet = by_octet;
    session.config.require_auth = false;
    session.sent();
    std::string all = session.client(
        "EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nRCPT "
        "TO:<e@f>\r\nDATA\r\nhello\r\n.\r\nNOOP\r\nQUIT\r\n");
    for (int answers = 0; answers < 5; ++answers) {
      all += answers == 2 ? session.answer({550, "5.1.1", "No such user"}) : session.accept();
    }
    EXPECT_THAT(all, EndsWith("250 2.1.0 OK\r\n250 2.1.5 OK\r\n550 5.1.1 No such user\r\n354 End "
                              "data with <CR><LF>.<CR><LF>\r\n"
                              "250 2.0.0 OK\r\n250 2.0.0 OK\r\n221 2.0.0 Bye\r\n"));
    EXPECT_EQ(session.content(), "hello\r\n");
  }
}

TEST(SmtpServerMail, LetsTheApplicationRefuse) {
  MailSession session;
  session.client("MAIL FROM:<a@b>\r\n");
  EXPECT_EQ(session.answer({550, "5.7.1", "Not yours"}), "550 5.7.1 Not yours\r\n");
  EXPECT_EQ(session.client("RCPT TO:<c@d>\r\n"), "503 5.5.1 MAIL first\r\n");
  session.begin();
  session.client("DATA\r\n");
  EXPECT_EQ(session.answer({452, "4.3.1", "Disk full"}), "452 4.3.1 Disk full\r\n");
  session.begin_data();
  session.client("x\r\n.\r\n");
  EXPECT_EQ(session.answer({451, "4.3.0", "Cannot store"}), "451 4.3.0 Cannot store\r\n");
  EXPECT_EQ(session.client("DATA\r\n"), "503 5.5.1 No valid recipients\r\n");
}

// RFC 2920 3.1: the client of a group that was sent at once learns too late that its MAIL is refused.
TEST(SmtpServerMail, GoesOnAfterAGroupWhoseMailIsRefused) {
  MailSession session;
  std::string group = "MAIL FROM:<a@b> SIZE=26214401\r\n";
  for (int i = 0; i < 100; ++i) group += "RCPT TO:<c@d>\r\n";
  EXPECT_THAT(session.client(group + "DATA\r\n"),
              EndsWith("503 5.5.1 MAIL first\r\n503 5.5.1 No valid recipients\r\n"));
  EXPECT_FALSE(session.closed());
  session.begin();
  EXPECT_FALSE(session.closed());
}

TEST(SmtpServerMail, RefusesAnAnswerThatHasNoPlace) {
  MailSession session;
  EXPECT_FALSE(session.server->accept().has_value());
  EXPECT_FALSE(session.server->resume({}).has_value());
  EXPECT_FALSE(session.server->tls_started({}).has_value());
  session.client("MAIL FROM:<a@b>\r\n");
  for (const SmtpReply& reply :
       {SmtpReply{354, "", "go"}, SmtpReply{220, "", "x"}, SmtpReply{600, "", "x"},
        SmtpReply{550, "5.1.1", "a\r\n250 b"}, SmtpReply{550, "5\n", "a"}}) {
    EXPECT_FALSE(session.server->reply(reply).has_value()) << reply.code;
  }
  EXPECT_EQ(session.accept(), "250 2.1.0 OK\r\n");
}

// What is answered is what was asked: never a question that still waits in the queue of events.
TEST(SmtpServerMail, RefusesAnAnswerToAnEventThatWasNotTaken) {
  MailSession session;
  session.server->receive(as_bytes("MAIL FROM:<a@b>\r\n"));
  EXPECT_FALSE(session.server->wants_reply());
  EXPECT_FALSE(session.server->accept().has_value());
  ASSERT_TRUE(session.server->next_event().has_value());
  EXPECT_TRUE(session.server->wants_reply());
  EXPECT_TRUE(session.server->accept().has_value());
  EXPECT_FALSE(session.server->wants_reply());
}

TEST(SmtpServerMail, HoldsTheOrderOfCommands) {
  MailSession session;
  EXPECT_EQ(session.client("RCPT TO:<b@c>\r\n"), "503 5.5.1 MAIL first\r\n");
  EXPECT_EQ(session.client("DATA\r\n"), "503 5.5.1 No valid recipients\r\n");
  session.begin();
  EXPECT_EQ(session.client("MAIL FROM:<a@b>\r\n"), "503 5.5.1 MAIL was given already\r\n");
  EXPECT_EQ(session.client("RSET\r\n"), "250 2.0.0 OK\r\n");
  EXPECT_EQ(session.client("DATA\r\n"), "503 5.5.1 No valid recipients\r\n");
  session.begin();
  session.client("EHLO again\r\n");
  EXPECT_EQ(session.client("DATA\r\n"), "503 5.5.1 No valid recipients\r\n");
}

TEST(SmtpServerMail, AnswersTheOtherCommands) {
  MailSession session;
  EXPECT_EQ(session.client("NOOP whatever\r\n"), "250 2.0.0 OK\r\n");
  EXPECT_EQ(session.client("VRFY alice\r\n").substr(0, 3), "252");
  EXPECT_EQ(session.client("HELP\r\n").substr(0, 3), "214");
  EXPECT_EQ(session.client("EXPN list\r\n"), "500 5.5.1 Command not recognized\r\n");
  EXPECT_EQ(session.client("\r\n"), "500 5.5.1 Command not recognized\r\n");
  EXPECT_EQ(session.client("RSET x\r\n"), "501 5.5.4 RSET has no parameters\r\n");
  EXPECT_EQ(session.client("DATA x\r\n"), "501 5.5.4 DATA has no parameters\r\n");
  EXPECT_EQ(session.client("QUIT x\r\n"), "501 5.5.4 QUIT has no parameters\r\n");
}

TEST(SmtpServerMail, RefusesAMessageThatSaysItIsTooBig) {
  MailSession session;
  EXPECT_EQ(session.client("MAIL FROM:<a@b> SIZE=26214401\r\n"), "552 5.3.4 Message too big\r\n");
  // RFC 1870 6: up to 20 digits.
  EXPECT_EQ(session.client("MAIL FROM:<a@b> SIZE=99999999999999999999\r\n"),
            "552 5.3.4 Message too big\r\n");
  EXPECT_EQ(session.client("MAIL FROM:<a@b> SIZE=26214400\r\n"), "");
}

TEST(SmtpServerMail, AbortsAMessageThatIsTooBigAndGoesOn) {
  for (const bool by_octet : {false, true}) {
    MailSession session;
    session.by_octet = by_octet;
    session.config.message_size = 1000;
    session.begin_data();
    EXPECT_EQ(session.client(std::string(2000, 'x') + "\r\n"), "");
    EXPECT_EQ(session.count<SmtpServer::Aborted>(), 1u);
    EXPECT_EQ(session.client(".\r\n"), "552 5.3.4 Message too big\r\n");
    EXPECT_EQ(session.count<SmtpServer::End>(), 0u);
    EXPECT_LE(session.content().size(), 1000u);
    EXPECT_EQ(session.client("NOOP\r\n"), "250 2.0.0 OK\r\n");
  }
}

TEST(SmtpServerMail, RefusesTheHundredAndFirstRecipient) {
  MailSession session;
  session.begin();
  for (int i = 2; i <= 100; ++i) {
    session.client("RCPT TO:<u@example.test>\r\n");
    ASSERT_EQ(session.accept(), "250 2.1.5 OK\r\n");
  }
  EXPECT_EQ(session.client("RCPT TO:<u@example.test>\r\n"), "452 4.5.3 Too many recipients\r\n");
}

TEST(SmtpServerMail, SMT_13_RefusesABareLfOrCrInTheMessage) {
  for (const char* body : {"a\nb\r\n", "a\rb\r\n", "\n.\n", "\r\n.\n", "\n.\r\n", "\r.\r",
                           "\r\n.\rMAIL FROM:<x>\r\n"}) {
    for (const bool by_octet : {false, true}) {
      MailSession session;
      session.by_octet = by_octet;
      session.begin_data();
      EXPECT_EQ(session.client(std::string("first\r\n") + body + "\r\n.\r\n"),
                "550 5.6.0 Bare CR or LF in the message\r\n")
          << body;
      EXPECT_TRUE(session.closed());
      EXPECT_EQ(session.count<SmtpServer::Aborted>(), 1u);
      EXPECT_EQ(session.count<SmtpServer::End>(), 0u);
    }
  }
}

TEST(SmtpServerMail, SMT_13_RefusesABareLfOrCrInACommand) {
  for (const char* line : {"NOOP\n", "NOOP\nRSET\r\n", "NOOP\rRSET\r\n", "\n"}) {
    MailSession session;
    EXPECT_EQ(session.client(line), "500 5.5.2 Lines end in CRLF\r\n");
    EXPECT_TRUE(session.closed());
  }
}

TEST(SmtpServerMail, SMT_13_RefusesControlCharactersInACommand) {
  MailSession session;
  for (const std::string& line :
       {std::string("NOOP \0x\r\n", 9), std::string("MAIL FROM:<a\x1b@b>\r\n"),
        std::string("EHLO \x7f\r\n")}) {
    EXPECT_EQ(session.client(line), "500 5.5.2 Control character in a command\r\n");
  }
}

TEST(SmtpServerMail, AbortsTheMessageWhereTheConnectionBreaks) {
  for (const bool at_end : {false, true}) {
    MailSession session;
    session.begin_data();
    session.client(at_end ? "x\r\n.\r\n" : "x\r\n");
    session.server->closed();
    session.sent();
    EXPECT_EQ(session.count<SmtpServer::Aborted>(), 1u);
    EXPECT_EQ(session.count<SmtpServer::Closed>(), 1u);
    EXPECT_FALSE(session.server->accept().has_value());
  }
}

// --- the grammar of MAIL and RCPT ---

std::string mail_path(std::string_view arguments) {
  const auto parsed = sasl::parse_mail(arguments);
  if (const auto* refused = std::get_if<SmtpReply>(&parsed))
    return std::to_string(refused->code) + " " + refused->enhanced;
  return std::get<SmtpServer::Mail>(parsed).reverse_path;
}
std::string rcpt_path(std::string_view arguments) {
  const auto parsed = sasl::parse_rcpt(arguments);
  if (const auto* refused = std::get_if<SmtpReply>(&parsed))
    return std::to_string(refused->code) + " " + refused->enhanced;
  return std::get<SmtpServer::Rcpt>(parsed).forward_path;
}

TEST(SmtpCommand, ReadsPaths) {
  EXPECT_EQ(mail_path("FROM:<>"), "");
  EXPECT_EQ(mail_path("from: <a@b>  BODY=7BIT"), "a@b");
  EXPECT_EQ(mail_path("FROM:<\"a>b c\"@d>"), "\"a>b c\"@d");
  EXPECT_EQ(mail_path("FROM:<\"a\\\">\"@d>"), "\"a\\\">\"@d");
  EXPECT_EQ(rcpt_path("TO:<postmaster>"), "postmaster");
  EXPECT_EQ(rcpt_path("TO:<@relay.test,@b.test:u@example.test>"), "u@example.test");
}

TEST(SmtpCommand, RefusesBadPaths) {
  for (const char* arguments :
       {"FROM:", "FROM:a@b", "FROM:<a@b", "FROM:<a b@c>", "FROM:<a@b>x", "FROM:<<a@b>>",
        "FROM:<\"a@b>", "FROM:<@a>", "FROM:<@a:>", "FROM:<\xff@b>"}) {
    EXPECT_EQ(mail_path(arguments), "501 5.1.7") << arguments;
  }
  EXPECT_EQ(mail_path("FROM:<" + std::string(255, 'a') + ">"), "501 5.1.7");
  EXPECT_EQ(mail_path(""), "501 5.5.4");
  EXPECT_EQ(mail_path("TO:<a@b>"), "501 5.5.4");
  EXPECT_EQ(rcpt_path("TO:<>"), "501 5.1.3");
}

TEST(SmtpCommand, RefusesBadParameters) {
  for (const char* parameter :
       {"SIZE=", "SIZE=x", "SIZE=-1", "SIZE=1x", "SIZE=99999999999999999999x", "BODY=BINARYMIME",
        "BODY", "AUTH=", "AUTH=+2", "AUTH=+zz", "AUTH=+2b"}) {
    EXPECT_EQ(mail_path("FROM:<a@b> " + std::string(parameter)), "501 5.5.4") << parameter;
  }
  EXPECT_EQ(mail_path("FROM:<a@b> SMTPUTF8"), "555 5.5.4");
  EXPECT_EQ(mail_path("FROM:<a@b> RET=HDRS"), "555 5.5.4");
  EXPECT_EQ(rcpt_path("TO:<a@b> NOTIFY=NEVER"), "555 5.5.4");
}

TEST(SmtpCommand, RefusesOctetsBeyondAsciiInTheAuthParameter) {
  for (const char* value : {"\xe9@b", "+E9@b", "a@\xc3\xa9"}) {
    EXPECT_EQ(mail_path("FROM:<a@b> AUTH=" + std::string(value)), "501 5.5.4") << value;
  }
}

TEST(SmtpCommand, SMT_13_RefusesLineEndsInTheAuthParameter) {
  for (const char* value : {"a+0D+0ADATA", "a+00", "+0A"}) {
    EXPECT_FALSE(sasl::decode_xtext(value).has_value()) << value;
  }
  EXPECT_EQ(sasl::decode_xtext("<>"), "<>");
  EXPECT_EQ(sasl::decode_xtext("e+3Dmc2@example.com"), "e=mc2@example.com");
}

// --- limits and time ---

TEST(SmtpServer, RefusesACommandLineOverItsLimit) {
  MailSession session;
  EXPECT_EQ(session.client("NOOP " + std::string(2'041, 'x') + "\r\n"), "250 2.0.0 OK\r\n");
  EXPECT_EQ(session.client("NOOP " + std::string(2'042, 'x') + "\r\n"),
            "500 5.5.2 Line too long\r\n");
}

TEST(SmtpServer, SMT_14_ClosesOnALineWithoutEnd) {
  ServerSession session;
  session.greet();
  std::string reply;
  for (int i = 0; i < 20 && !session.closed(); ++i)
    reply += session.client(std::string(65'536, 'x'));
  EXPECT_EQ(reply, "421 4.7.0 Line too long\r\n");
  EXPECT_TRUE(session.closed());
}

TEST(SmtpServer, ClosesAfterFiftyBadCommands) {
  MailSession session;
  for (int i = 1; i < 50; ++i) session.client("XYZZY\r\n");
  EXPECT_FALSE(session.closed());
  EXPECT_THAT(session.client("XYZZY\r\n"), EndsWith("421 4.7.0 Too many errors\r\n"));
  EXPECT_TRUE(session.closed());
}

TEST(SmtpServer, SMT_14_ClosesAfterAHundredCommandsWithoutALogin) {
  ServerSession session;
  session.sent();
  std::string flood;
  for (int i = 0; i < 10'000; ++i) flood += "EHLO x\r\n";
  const std::string replies = session.client(flood);
  EXPECT_LT(replies.size(), 100 * 300u);
  EXPECT_THAT(replies, EndsWith("421 4.7.0 Too many commands before the login\r\n"));
}

TEST(SmtpServer, ClosesAHandshakeThatTakesTooLong) {
  ServerSession session;
  session.start();
  session.server->tick(1'000);
  EXPECT_EQ(session.server->deadline(), 300'001'000);
  for (int second = 10; second < 300; second += 10) {
    session.server->tick(1'000 + second * 1'000'000LL);
    session.client("NOOP\r\n");
  }
  EXPECT_FALSE(session.closed());
  session.server->tick(session.server->deadline());
  EXPECT_EQ(session.sent(), "421 4.4.2 Timeout\r\n");
  EXPECT_TRUE(session.closed());
}

TEST(SmtpServer, AnEndlessTimeEndsNoSession) {
  constexpr Micros kForEver = std::numeric_limits<Micros>::max();
  ServerSession session;
  session.config.idle_time = session.config.handshake_time = kForEver;
  session.start();
  session.server->tick(1'000);
  EXPECT_EQ(session.server->deadline(), kForEver);
  session.server->tick(1'000'000);
  EXPECT_EQ(session.greet().substr(0, 4), "250-");
  EXPECT_FALSE(session.closed());
}

TEST(SmtpServer, AnEndlessIdleTimeLeavesTheHandshakeItsOwn) {
  ServerSession session;
  session.config.idle_time = std::numeric_limits<Micros>::max() - 1;
  session.start();
  session.server->tick(1'000);
  EXPECT_EQ(session.server->deadline(), 300'001'000);
}

TEST(SmtpServer, ClosesAnIdleSession) {
  ServerSession session;
  session.start();
  session.server->tick(0);
  session.greet();
  session.log_in();
  const Micros deadline = session.server->deadline();
  EXPECT_EQ(deadline, 300'000'000);
  session.server->tick(deadline - 1);
  EXPECT_EQ(session.sent(), "");
  session.client("NOOP\r\n");
  session.server->tick(deadline);
  EXPECT_EQ(session.sent(), "");
  session.server->tick(session.server->deadline());
  EXPECT_EQ(session.sent(), "421 4.4.2 Timeout\r\n");
  EXPECT_TRUE(session.closed());
}

TEST(SmtpServer, DoesNotCountTheApplicationsTimeAsIdle) {
  MailSession session;
  session.server->tick(0);
  session.begin_data();
  session.client("x\r\n.\r\n");
  session.server->tick(10'000'000'000);
  session.sent();
  EXPECT_FALSE(session.closed());
  EXPECT_EQ(session.accept(), "250 2.0.0 OK\r\n");
  EXPECT_EQ(session.server->deadline(), 10'300'000'000);
}

TEST(SmtpServer, StopsAtACommandBorder) {
  MailSession idle;
  idle.server->stop();
  EXPECT_EQ(idle.sent(), "421 4.3.2 Server is shutting down\r\n");
  EXPECT_TRUE(idle.closed());
  MailSession busy;
  busy.begin_data();
  busy.server->stop();
  EXPECT_EQ(busy.client("x\r\n.\r\n"), "");
  EXPECT_EQ(busy.accept(), "250 2.0.0 OK\r\n421 4.3.2 Server is shutting down\r\n");
  EXPECT_TRUE(busy.closed());
}

// RFC 5321 3.8.
TEST(SmtpServer, StopsNowInTheMiddleOfAMessage) {
  MailSession busy;
  busy.begin_data();
  busy.client("x\r\n");
  busy.server->stop();
  EXPECT_EQ(busy.sent(), "");
  busy.server->stop_now();
  EXPECT_EQ(busy.sent(), "421 4.3.2 Server is shutting down\r\n");
  EXPECT_NE(busy.find<SmtpServer::Aborted>(), nullptr);
  EXPECT_TRUE(busy.closed());
}

// A 421 in place of the answer would say that the message was not taken; it may be.
TEST(SmtpServer, StopsNowWithoutAReplyWhileTheMessageIsBeingStored) {
  MailSession busy;
  busy.begin_data();
  busy.client("x\r\n.\r\n");
  busy.server->stop_now();
  EXPECT_EQ(busy.sent(), "");
  EXPECT_TRUE(busy.closed());
  EXPECT_FALSE(busy.server->accept().has_value());
  EXPECT_EQ(busy.sent(), "");
}

TEST(SmtpServer, WantsNoInputWhileAnAnswerIsDue) {
  MailSession session;
  EXPECT_TRUE(session.server->wants_input());
  session.client("MAIL FROM:<a@b>\r\n");
  EXPECT_FALSE(session.server->wants_input());
  for (int i = 0; i < 10; ++i) session.client(std::string(16'384, 'x'));
  EXPECT_TRUE(session.closed());
  EXPECT_EQ(session.find<SmtpServer::Closed>()->error.code, Errc::kApiMisuse);
}

TEST(SmtpServer, EndsWhereMoreIsGivenThanMayWait) {
  ServerSession session;
  session.greet();
  session.log_in();
  session.client("MAIL FROM:<a@example.test>\r\n");
  session.client(std::string(64 * 1024, 'x'));
  session.client("x");
  EXPECT_FALSE(session.closed());
  session.client("x");
  ASSERT_TRUE(session.closed());
  EXPECT_EQ(session.find<SmtpServer::Closed>()->error.code, Errc::kApiMisuse);
}

TEST(SmtpServer, SaysNothingMoreAfterItsEnd) {
  MailSession session;
  session.client("QUIT\r\n");
  const size_t events = session.events.size();
  EXPECT_EQ(session.client("NOOP\r\nEHLO x\r\n"), "");
  session.server->closed();
  session.server->stop();
  session.server->stop_now();
  session.server->tick(1'000'000'000'000);
  EXPECT_EQ(session.sent(), "");
  EXPECT_EQ(session.events.size(), events);
  EXPECT_FALSE(session.server->wants_input());
}

}  // namespace
}  // namespace pocketgss
