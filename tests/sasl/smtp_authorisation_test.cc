// The event Authorisation of the SMTP server: before the 235, and answered at the application's pace.
#include <gmock/gmock.h>

#include "tests/sasl/harness.h"

namespace pocketgss {
namespace {

using testing::b64;
using testing::b64_wrapped;
using testing::FakeScript;
using testing::ServerSession;
using ::testing::StartsWith;

constexpr char kSuccess[] = "235 2.7.0 Authentication successful\r\n";
constexpr char kRefused[] = "535 5.7.8 Authentication credentials invalid\r\n";
constexpr char kUnavailable[] = "454 4.7.0 Temporary authentication failure\r\n";

struct Session : ServerSession {
  Session() { config.ask_authorisation = true; }

  // ask logs in up to the question.
  void ask() {
    greet();
    begin();
    ASSERT_EQ(count<SmtpServer::Authorisation>(), 1u);
  }
  void begin() {
    FakeScript script = FakeScript().ends();
    script.info.initiator_name = "alice\x1b@EXAMPLE.TEST";
    script.info.account_name = "alice";
    contexts.scripts.push_back(std::move(script));
    EXPECT_EQ(client("AUTH GSSAPI " + b64("token") + "\r\n"), "");
  }
  std::string authorise(AuthorisationAnswer answer) {
    EXPECT_TRUE(server->authorise(answer).has_value());
    return sent();
  }
  std::string yes() { return authorise(AuthorisationAnswer::kYes); }
  std::string no() { return authorise(AuthorisationAnswer::kNo); }
};

TEST(SmtpAuthorisation, IsAskedForBeforeThe235) {
  Session session;
  session.ask();
  EXPECT_EQ(session.find<SmtpServer::Authorisation>()->need.report.context.account_name, "alice");
  EXPECT_EQ(session.find<SmtpServer::LoggedIn>(), nullptr);
  EXPECT_EQ(session.server->login(), nullptr);
  EXPECT_EQ(session.yes(), kSuccess);
  EXPECT_NE(session.find<SmtpServer::LoggedIn>(), nullptr);
  EXPECT_NE(session.server->login(), nullptr);
}

TEST(SmtpAuthorisation, IsNotAskedForUnlessTheConfigurationSaysSo) {
  Session session;
  session.config.ask_authorisation = false;
  session.greet();
  EXPECT_EQ(session.log_in(), kSuccess);
  EXPECT_EQ(session.find<SmtpServer::Authorisation>(), nullptr);
}

TEST(SmtpAuthorisation, P23_ANoIsTheOneRefusalAndLeavesNothing) {
  Session session;
  session.ask();
  EXPECT_EQ(session.no(), kRefused);
  const auto* refused = session.find<SmtpServer::LoginRefused>();
  ASSERT_NE(refused, nullptr);
  EXPECT_EQ(refused->error, (Error{Errc::kAuthFailed, "authorisation", 0, 0}));
  EXPECT_EQ(refused->claimed, "alice?@EXAMPLE.TEST");
  EXPECT_EQ(session.find<SmtpServer::LoggedIn>(), nullptr);
  EXPECT_EQ(session.server->login(), nullptr);
  EXPECT_EQ(session.contexts.alive, 0);
  EXPECT_THAT(session.client("MAIL FROM:<a@example.test>\r\n"), StartsWith("530 5.7.0"));
  session.begin();
  EXPECT_EQ(session.yes(), kSuccess);
}

TEST(SmtpAuthorisation, CannotTellNowIs454) {
  Session session;
  session.ask();
  EXPECT_EQ(session.authorise(AuthorisationAnswer::kUnavailable), kUnavailable);
  EXPECT_EQ(session.find<SmtpServer::LoginRefused>()->error.code, Errc::kUnreachable);
  EXPECT_EQ(session.server->login(), nullptr);
  EXPECT_EQ(session.contexts.alive, 0);
}

TEST(SmtpAuthorisation, ANoCountsAsAFailedLogin) {
  Session session;
  session.greet();
  for (int i = 0; i < 2; ++i) {
    session.begin();
    EXPECT_EQ(session.no(), kRefused);
  }
  session.begin();
  EXPECT_EQ(session.no(), std::string(kRefused) + "421 4.7.0 Too many failed logins\r\n");
  EXPECT_TRUE(session.closed());
}

TEST(SmtpAuthorisation, WhatTheClientSaysMeanwhileWaits) {
  Session session;
  session.ask();
  EXPECT_FALSE(session.server->wants_input());
  EXPECT_EQ(session.client("NOOP\r\nMAIL FROM:<a@example.test>\r\n"), "");
  EXPECT_EQ(session.find<SmtpServer::Mail>(), nullptr);
  EXPECT_EQ(session.yes(), std::string(kSuccess) + "250 2.0.0 OK\r\n");
  EXPECT_NE(session.find<SmtpServer::Mail>(), nullptr);
}

TEST(SmtpAuthorisation, CallsOutOfTurnChangeNothing) {
  Session session;
  session.greet();
  EXPECT_EQ(session.server->authorise(AuthorisationAnswer::kYes).error().code, Errc::kApiMisuse);
  session.contexts.scripts.push_back(FakeScript().ends());
  session.server->receive(as_bytes("AUTH GSSAPI " + b64("token") + "\r\n"));
  EXPECT_EQ(session.server->authorise(AuthorisationAnswer::kYes).error().code, Errc::kApiMisuse)
      << "the question was not taken yet";
  EXPECT_EQ(session.sent(), "");
  EXPECT_EQ(session.server->resume({}).error().code, Errc::kApiMisuse);
  EXPECT_EQ(session.server->accept().error().code, Errc::kApiMisuse);
  EXPECT_EQ(session.server->tls_started({}).error().code, Errc::kApiMisuse);
  EXPECT_FALSE(session.server->wants_reply());
  EXPECT_EQ(session.yes(), kSuccess);
  EXPECT_EQ(session.server->authorise(AuthorisationAnswer::kNo).error().code, Errc::kApiMisuse);
  EXPECT_NE(session.server->login(), nullptr);
}

TEST(SmtpAuthorisation, FollowsAnAccount) {
  Session session;
  session.greet();
  session.contexts.scripts = {
      FakeScript().sends("challenge", "negotiate").asks_account("authenticate", "alice").ends()};
  session.client("AUTH NTLM " + b64("negotiate") + "\r\n");
  session.client(b64("authenticate") + "\r\n");
  EXPECT_EQ(session.server->authorise(AuthorisationAnswer::kYes).error().code, Errc::kApiMisuse);
  EXPECT_EQ(session.account("alice", "alice"), "");
  EXPECT_EQ(session.yes(), kSuccess);
}

TEST(SmtpAuthorisation, TheLayerBeginsBehindThe235) {
  Session session;
  session.config.layer.layers = kConfidentialityLayer;
  session.greet();
  session.contexts.scripts = {FakeScript().ends().protects()};
  session.client("AUTH GSSAPI " + b64("token") + "\r\n");
  EXPECT_EQ(session.client(b64_wrapped(std::string("\x04\x00\x10\x00", 4)) + "\r\n"), "");
  EXPECT_EQ(session.yes(), kSuccess);
  session.server->stop();
  EXPECT_EQ(session.sent().substr(0, 8), std::string("\0\0\0\x27WRAP", 8));
}

TEST(SmtpAuthorisation, NoLayerBeginsAfterANo) {
  Session session;
  session.config.layer.layers = kConfidentialityLayer;
  session.greet();
  session.contexts.scripts = {FakeScript().ends().protects()};
  session.client("AUTH GSSAPI " + b64("token") + "\r\n");
  EXPECT_EQ(session.client(b64_wrapped(std::string("\x04\x00\x10\x00", 4)) + "\r\n"), "");
  EXPECT_EQ(session.no(), kRefused);
  EXPECT_EQ(session.client("NOOP\r\n"), "250 2.0.0 OK\r\n");
}

TEST(SmtpAuthorisation, ASessionThatStopsMeanwhileEndsBehindTheAnswer) {
  Session session;
  session.ask();
  session.server->stop();
  EXPECT_EQ(session.sent(), "");
  EXPECT_EQ(session.yes(), std::string(kSuccess) + "421 4.3.2 Server is shutting down\r\n");
  EXPECT_TRUE(session.closed());
}

TEST(SmtpAuthorisation, AClientThatGoesMeanwhileTakesTheQuestionWithIt) {
  Session session;
  session.ask();
  session.server->closed();
  EXPECT_EQ(session.sent(), "");
  EXPECT_TRUE(session.closed());
  EXPECT_EQ(session.contexts.alive, 0);
  EXPECT_EQ(session.server->authorise(AuthorisationAnswer::kYes).error().code, Errc::kApiMisuse);
  EXPECT_EQ(session.server->login(), nullptr);
}

// As with Account: the application's time is not idle time, and the login has its own limit.
TEST(SmtpAuthorisation, TheApplicationsTimeCountsForTheLoginAlone) {
  Session session;
  session.config.idle_time = 1'000;
  session.start();
  session.server->tick(0);
  session.ask();
  session.server->tick(session.config.handshake_time - 1);
  EXPECT_EQ(session.sent(), "");
  session.server->tick(session.config.handshake_time);
  EXPECT_EQ(session.sent(), "421 4.4.2 Timeout\r\n");
  EXPECT_EQ(session.server->authorise(AuthorisationAnswer::kYes).error().code, Errc::kApiMisuse);
}

}  // namespace
}  // namespace pocketgss
