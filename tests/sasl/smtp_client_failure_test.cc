// What the SMTP client tells of a login that failed: which of several failures, and which login it was.
#include <gmock/gmock.h>

#include "tests/sasl/login_lines.h"

namespace pocketgss {
namespace {

using testing::auth;
using testing::challenge;
using testing::ClientSession;
using testing::FakeScript;
using ::testing::HasSubstr;
using testing::kSuccess;
using testing::text_bytes;
using testing::two_legs;
using Kind = SmtpFailure::Kind;
using Party = SmtpFailure::Party;

// no_credential: as NTLM without a password.
FakeScript no_credential() {
  return FakeScript().fails(Errc::kNeedsCredential, "password");
}

TEST(SmtpClient, TellsTheFirstFailureWhereTheNextMechanismHasNoCredential) {
  ClientSession session;
  session.contexts.scripts = {FakeScript().asks_kdc("as-req"), no_credential()};
  session.greet("GSSAPI NTLM");
  ASSERT_TRUE(session.client->resume({}).has_value());
  EXPECT_EQ(session.sent(), "");
  ASSERT_NE(session.failure(), nullptr);
  EXPECT_EQ(session.failure()->error.code, Errc::kUnreachable) << session.failure()->message;
}

TEST(SmtpClient, TellsTheFirstFailureWherePolicyForbidsTheNextMechanism) {
  ClientSession session;
  session.contexts.scripts = {FakeScript().sends("one"),
                              FakeScript().fails(Errc::kPolicy, "P25: a layer")};
  session.greet("GSSAPI NTLM");
  EXPECT_EQ(session.server("535 5.7.8 no\r\n"), "");
  EXPECT_FAILED(session, Kind::kRefused);
}

TEST(SmtpClient, TellsTheFirstFailureWhereTheServerClosesUnderTheNextMechanism) {
  ClientSession session;
  session.contexts.scripts = {FakeScript().sends("one"), FakeScript().sends("two")};
  session.greet("GSSAPI NTLM");
  EXPECT_EQ(session.server("535 5.7.8 no\r\n"), auth("NTLM", "two"));
  session.client->closed();
  session.sent();
  EXPECT_FAILED(session, Kind::kRefused);
  EXPECT_EQ(session.failure()->reply.code, 535);
}

TEST(SmtpClient, TellsTheFirstFailureWhereTheServerClosesOnItsCancellation) {
  ClientSession session;
  session.contexts.scripts = {FakeScript().sends("one").fails(Errc::kMalformed, "NegTokenResp"),
                              FakeScript().sends("two")};
  session.greet("GSSAPI NTLM");
  EXPECT_EQ(session.server(challenge("garbage")), "*\r\n");
  session.client->closed();
  session.sent();
  EXPECT_FAILED(session, Kind::kLocal);
  EXPECT_THAT(session.failure()->message, HasSubstr("NegTokenResp"));
}

TEST(SmtpClient, TellsTheLastFailureWhereItSaysMore) {
  ClientSession refused;
  refused.contexts.scripts = {no_credential(), FakeScript().sends("two")};
  refused.greet("GSSAPI NTLM");
  refused.server("550 5.7.1 no\r\n");
  EXPECT_FAILED(refused, Kind::kRefused);
  // A mechanism for which there was nothing did not fail of the server.
  ClientSession closed;
  closed.contexts.scripts = {no_credential(), FakeScript().sends("two")};
  closed.greet("GSSAPI NTLM");
  closed.client->closed();
  closed.sent();
  EXPECT_FAILED(closed, Kind::kClosed);
  ClientSession both;
  both.contexts.scripts = {FakeScript().sends("one"), FakeScript().sends("two")};
  both.greet("GSSAPI NTLM");
  both.server("535 5.7.8 no\r\n");
  both.server("454 4.7.0 later\r\n");
  EXPECT_FAILED(both, Kind::kTemporary);
}

TEST(SmtpClient, P8_TriesNothingElseWhereThePolicyRefusesOrTheTicketIsWrong) {
  for (const Errc code :
       {Errc::kPolicy, Errc::kAuthFailed, Errc::kMalformed, Errc::kExpired, Errc::kApiMisuse}) {
    for (const bool asks : {false, true}) {
      ClientSession session;
      FakeScript first;
      if (asks) first.asks_kdc("as-req");
      session.contexts.scripts = {first.fails(code, "why"), FakeScript().sends("two")};
      EXPECT_EQ(session.greet(), "");
      if (asks) {
        ASSERT_TRUE(session.client->resume({text_bytes("as-rep")}).has_value());
      }
      EXPECT_EQ(session.sent(), "") << name(code);
      ASSERT_NE(session.failure(), nullptr) << name(code);
      EXPECT_EQ(session.failure()->error.code, code);
      EXPECT_EQ(session.contexts.asked.size(), 1u);
    }
  }
}

// kdc_failure is that of a login whose ticket ends in `code`.
SmtpFailure kdc_failure(Errc code, const char* where = "why") {
  ClientSession session;
  session.contexts.scripts = {FakeScript().asks_kdc("as-req").fails(code, where)};
  session.greet("GSSAPI");
  EXPECT_TRUE(session.client->resume({text_bytes("as-rep")}).has_value());
  EXPECT_EQ(session.sent(), "");
  return session.failure() == nullptr ? SmtpFailure{} : *session.failure();
}

TEST(SmtpClient, TellsWhatTheKdcSaidAsItsOwn) {
  struct Case {
    Errc code;
    Kind kind;
    Party party;
  };
  for (const Case& c : {Case{Errc::kAuthFailed, Kind::kKdc, Party::kUser},
                        Case{Errc::kUnreachable, Kind::kKdc, Party::kNetwork},
                        Case{Errc::kPolicy, Kind::kKdc, Party::kCaller},
                        Case{Errc::kPeerIncompatible, Kind::kKdc, Party::kServer},
                        Case{Errc::kExpired, Kind::kKdc, Party::kServer},
                        Case{Errc::kMalformed, Kind::kKdc, Party::kServer},
                        Case{Errc::kPeerMisbehaved, Kind::kKdc, Party::kServer},
                        Case{Errc::kNeedsCredential, Kind::kNeedsCredential, Party::kUser},
                        Case{Errc::kApiMisuse, Kind::kLocal, Party::kCaller},
                        Case{Errc::kInternal, Kind::kLocal, Party::kCaller}}) {
    const SmtpFailure failure = kdc_failure(c.code);
    EXPECT_EQ(failure.kind, c.kind) << name(c.code);
    EXPECT_EQ(failure.party, c.party) << name(c.code);
    EXPECT_EQ(failure.error.code, c.code);
    EXPECT_THAT(failure.message, HasSubstr("why"));
    EXPECT_EQ(failure.reply.code, 0);
  }
  EXPECT_EQ(kdc_failure(Errc::kPolicy, "P5: required").kind, Kind::kBindingRequired);
}

TEST(SmtpClient, TellsThatNoKdcAnswered) {
  ClientSession session;
  session.contexts.scripts = {FakeScript().asks_kdc("as-req")};
  session.greet("GSSAPI");
  ASSERT_TRUE(session.client->resume({}).has_value());
  EXPECT_EQ(session.sent(), "");
  EXPECT_FAILED(session, Kind::kKdc);
  EXPECT_EQ(session.failure()->party, Party::kNetwork);
}

// --- which login it was ---

TEST(SmtpClient, TellsWhichLoginWasRefusedAndWhetherAProofHadLeft) {
  for (const bool proof : {false, true}) {
    ClientSession session;
    FakeScript script = FakeScript().sends("ap-req").of("Kerberos");
    session.contexts.scripts = {proof ? script.proof() : script};
    session.greet("GSS-SPNEGO");
    session.server("535 5.7.8 no\r\n");
    EXPECT_FAILED(session, Kind::kRefused);
    EXPECT_EQ(session.failure()->mechanism, SaslMechanism::kGssSpnego);
    EXPECT_STREQ(session.failure()->inner, "Kerberos");
    EXPECT_EQ(session.failure()->proof_sent, proof);
  }
}

TEST(SmtpClient, TellsTheLoginThatWasTriedLast) {
  ClientSession session;
  session.contexts.scripts = {FakeScript().sends("ap-req").of("Kerberos"),
                              FakeScript().sends("negotiate").of("NTLM")};
  session.greet("GSSAPI NTLM");
  EXPECT_EQ(session.server("535 5.7.8 no\r\n"), auth("NTLM", "negotiate"));
  session.server("535 5.7.8 no\r\n");
  EXPECT_FAILED(session, Kind::kRefused);
  EXPECT_EQ(session.failure()->mechanism, SaslMechanism::kNtlm);
  EXPECT_STREQ(session.failure()->inner, "NTLM");
}

TEST(SmtpClient, TellsWhatTheFirstMechanismFailedOfBesideTheLast) {
  ClientSession session;
  session.contexts.scripts = {FakeScript().sends("ap-req").of("Kerberos"),
                              FakeScript().sends("ap-req").of("Kerberos"),
                              FakeScript().sends("negotiate").of("NTLM")};
  session.greet("GSSAPI GSS-SPNEGO NTLM");
  session.server("535 5.7.8 no ticket of this key\r\n");
  session.server("535 5.7.8 no\r\n");
  session.server("535 5.7.3 no such account\r\n");
  EXPECT_FAILED(session, Kind::kRefused);
  EXPECT_EQ(session.failure()->message,
            "the server refused the login (AUTH NTLM); it said 535 5.7.3 \"no such account\". "
            "Check the user name, the domain and the password. Before that AUTH GSSAPI (Kerberos) "
            "failed: the server refused the login; it said 535 5.7.8 \"no ticket of this key\".");
}

TEST(SmtpClient, TellsWhatTheFirstMechanismFailedOfWhereTheLastIsNotOver) {
  const auto second = [](std::string_view reply) {
    ClientSession session;
    session.contexts.scripts = {FakeScript().sends("ap-req").of("Kerberos"),
                                FakeScript().sends("negotiate").proof().of("NTLM")};
    session.greet("GSSAPI NTLM");
    session.server("535 5.7.8 no\r\n");
    reply.empty() ? session.client->closed() : (void)session.server(reply);
    session.sent();
    return session.failure() == nullptr ? SmtpFailure() : *session.failure();
  };
  for (const auto& [reply, kind] :
       {std::pair("", Kind::kClosed), std::pair("454 4.7.0 later\r\n", Kind::kTemporary),
        std::pair("what\r\n", Kind::kProtocol)}) {
    const SmtpFailure failure = second(reply);
    EXPECT_EQ(failure.kind, kind) << failure.message;
    EXPECT_THAT(failure.message,
                HasSubstr(" Before that AUTH GSSAPI (Kerberos) failed: the server refused the "
                          "login; it said 535 5.7.8 \"no\"."));
  }
}

TEST(SmtpClient, TellsTheLoginThatTheConnectionBrokeIn) {
  ClientSession session;
  session.contexts.scripts = {
      FakeScript().sends("init").ends("challenge", "answer").proof().of("NTLM")};
  session.greet("GSSAPI");
  session.server(challenge("challenge"));
  session.client->closed();
  session.sent();
  EXPECT_FAILED(session, Kind::kClosed);
  EXPECT_EQ(session.failure()->mechanism, SaslMechanism::kGssapi);
  EXPECT_STREQ(session.failure()->inner, "NTLM");
  EXPECT_TRUE(session.failure()->proof_sent);
}

TEST(SmtpClient, TellsOfNoLoginWhereNoneHadBegun) {
  ClientSession session;
  session.greet("PLAIN");
  EXPECT_FAILED(session, Kind::kNoMechanism);
  EXPECT_EQ(session.failure()->mechanism, std::nullopt);
  EXPECT_STREQ(session.failure()->inner, "");
  EXPECT_FALSE(session.failure()->proof_sent);
}

TEST(SmtpClient, TellsOfNoLoginOnceItIsOver) {
  ClientSession session;
  session.contexts.scripts = {two_legs().of("NTLM")};
  session.greet("GSSAPI");
  session.server(challenge("challenge"));
  session.server(kSuccess);
  ASSERT_NE(session.report(), nullptr);
  session.client->closed();
  session.sent();
  EXPECT_FAILED(session, Kind::kClosed);
  EXPECT_EQ(session.failure()->mechanism, std::nullopt);
}

}  // namespace
}  // namespace pocketgss
