// The SMTP client's way to a login: [MS-SSEAN], RFC 4954, and what real servers do.
#include <gmock/gmock.h>

#include "tests/sasl/login_lines.h"

namespace pocketgss {
namespace {

using testing::auth;
using testing::b64_wrapped;
using testing::challenge;
using testing::ClientSession;
using testing::FakeContexts;
using testing::FakeScript;
using ::testing::HasSubstr;
using testing::kSuccess;
using testing::line;
using ::testing::Not;
using testing::text_bytes;
using testing::Transcript;
using testing::two_legs;
using Kind = SmtpFailure::Kind;
using Party = SmtpFailure::Party;

// [MS-SSEAN] 4.1, line by line as it stands there, with tokens put in.
TEST(SmtpClient, SSEAN_E1_RunsTheSampleSessionAsWritten) {
  ClientSession session;
  session.config.ehlo_name = "client.contoso.com";
  session.contexts.scripts.push_back(
      FakeScript().sends("NegTokenInit").ends("NegTokenResp", "client answer"));
  EXPECT_EQ(session.server("220 server.contoso.com Authenticated Receive Connector\r\n"),
            "EHLO client.contoso.com\r\n");
  EXPECT_EQ(session.server(
                "250-server-contoso.com Hello [203.0.113.1]\r\n250-AUTH GSSAPI NTLM\r\n250 OK\r\n"),
            auth("GSSAPI", "NegTokenInit"));
  EXPECT_EQ(session.server(challenge("NegTokenResp")), line("client answer"));
  EXPECT_EQ(session.server(kSuccess), "");
  ASSERT_NE(session.report(), nullptr);
  EXPECT_EQ(session.report()->mechanism, SaslMechanism::kGssapi);
}

TEST(SmtpClient, SSEAN_N1_SendsTheNameInUpperCase) {
  ClientSession session;
  session.contexts.scripts.push_back(two_legs());
  EXPECT_EQ(session.greet("gssapi"), auth("GSSAPI", "init"));
}

TEST(SmtpClient, SSEAN_C2_UsesGssapiOnlyWhereItIsListed) {
  ClientSession session;
  EXPECT_EQ(session.greet("PLAIN LOGIN XGSSAPI"), "");
  EXPECT_FAILED(session, Kind::kNoMechanism);
  EXPECT_THAT(session.failure()->message, HasSubstr("PLAIN LOGIN XGSSAPI"));
  EXPECT_TRUE(session.contexts.asked.empty());
}

TEST(SmtpClient, SSEAN_C2_RefusesAMechanismOfTheCallersThatIsNotListed) {
  ClientSession session;
  session.config.mechanism = SaslMechanism::kGssapi;
  EXPECT_EQ(session.greet("NTLM"), "");
  EXPECT_FAILED(session, Kind::kNoMechanism);
}

TEST(SmtpClient, SSEAN_C2_UsesItUnlistedWhereTold) {
  ClientSession session;
  session.config.mechanism = SaslMechanism::kGssapi;
  session.config.only_if_listed = false;
  session.contexts.scripts.push_back(two_legs());
  EXPECT_EQ(session.greet("NTLM"), auth("GSSAPI", "init"));
}

TEST(SmtpClient, SSEAN_C2_ReadsTheOldSpelling) {
  ClientSession session;
  session.contexts.scripts.push_back(two_legs());
  session.server("220 mail\r\n");
  EXPECT_EQ(session.server("250-mail\r\n250-AUTH=LOGIN gssapi\r\n250 SIZE\r\n"),
            auth("GSSAPI", "init"));
}

TEST(SmtpClient, QuirkA15_DoesNotTakeXExpsForAuth) {
  ClientSession session;
  session.server("220 mail\r\n");
  EXPECT_EQ(session.server("250-mail\r\n250-X-EXPS GSSAPI NTLM\r\n250 X-EXPS=GSSAPI\r\n"), "");
  EXPECT_FAILED(session, Kind::kNoMechanism);
}

TEST(SmtpClient, SSEAN_C3_PrefersGssapi) {
  ClientSession session;
  session.contexts.scripts.push_back(two_legs());
  EXPECT_EQ(session.greet("NTLM GSS-SPNEGO GSSAPI"), auth("GSSAPI", "init"));
  EXPECT_EQ(session.contexts.asked.at(0).kind, MechanismKind::kSpnego);
}

TEST(SmtpClient, SSEAN_C3_TakesGssSpnegoBeforeNtlm) {
  ClientSession session;
  session.contexts.scripts.push_back(two_legs());
  EXPECT_EQ(session.greet("NTLM GSS-SPNEGO"), auth("GSS-SPNEGO", "init"));
}

TEST(SmtpClient, P1_NTL_5_NeverChoosesNtlmWhereItIsNotNamed) {
  ClientSession session;
  session.contexts.policy_value.inner = {InnerMechanism::kKerberos};
  EXPECT_EQ(session.greet("NTLM"), "");
  EXPECT_FAILED(session, Kind::kNoMechanism);
}

TEST(SmtpClient, P1_NTL_5_TellsThatNtlmMustBeNamed) {
  ClientSession session;
  session.contexts.policy_value.inner = {InnerMechanism::kKerberos};
  session.config.mechanism = SaslMechanism::kNtlm;
  EXPECT_EQ(session.greet("NTLM"), "");
  EXPECT_FAILED(session, Kind::kLocal);
  EXPECT_EQ(session.failure()->party, Party::kCaller);
  EXPECT_THAT(session.failure()->message, HasSubstr("P1"));
}

// --- the initial response ---

// greet_with runs a context whose first token has `size` octets.
std::string greet_with(ClientSession& session, size_t size) {
  session.contexts.scripts.push_back(
      FakeScript().sends(std::string(size, 'x')).ends("challenge", "answer"));
  return session.greet("GSSAPI");
}

TEST(SmtpClient, SSEAN_C4_QuirkA16_SendsTheTokenInlineUpTo512Octets) {
  // "AUTH GSSAPI " and CRLF are 14 octets: 372 octets of token are 496 in base64, 510 in all; 373
  // are 500.
  ClientSession session;
  const std::string sent = greet_with(session, 372);
  EXPECT_EQ(sent, auth("GSSAPI", std::string(372, 'x')));
  EXPECT_LE(sent.size(), 512u);
}

TEST(SmtpClient, SSEAN_C4_QuirkA16_QuirkA29_SendsAuthAloneBeyond512Octets) {
  ClientSession session;
  EXPECT_EQ(greet_with(session, 373), "AUTH GSSAPI\r\n");
  EXPECT_EQ(session.server("334 \r\n"), line(std::string(373, 'x')));
  EXPECT_EQ(session.server(challenge("challenge")), line("answer"));
  session.server(kSuccess);
  EXPECT_NE(session.report(), nullptr);
}

TEST(SmtpClient, SSEAN_C4_QuirkA12_IgnoresTheTextOfTheFirst334) {
  for (const char* text :
       {"", " ", " GSSAPI supported", " NTLM supported", " =", " TlRMTVNTUAA=", " !!"}) {
    ClientSession session;
    session.config.initial_response = SmtpClientConfig::InitialResponse::kNever;
    EXPECT_EQ(greet_with(session, 4), "AUTH GSSAPI\r\n");
    EXPECT_EQ(session.server("334" + std::string(text) + "\r\n"), line("xxxx")) << text;
  }
}

TEST(SmtpClient, SSEAN_C4_SendsTheTokenInlineAlwaysWhereTold) {
  ClientSession session;
  session.config.initial_response = SmtpClientConfig::InitialResponse::kAlways;
  EXPECT_EQ(greet_with(session, 2000), auth("GSSAPI", std::string(2000, 'x')));
}

TEST(SmtpClient, QuirkA16_AsksAgainWithoutInitialResponseAfterA500) {
  ClientSession session;
  session.config.initial_response = SmtpClientConfig::InitialResponse::kAlways;
  greet_with(session, 2000);
  EXPECT_EQ(session.server("500 5.5.6 Line too long\r\n"), "AUTH GSSAPI\r\n");
  EXPECT_EQ(session.server("334 \r\n"), line(std::string(2000, 'x')));
  EXPECT_EQ(session.contexts.asked.size(), 1u);
}

TEST(SmtpClient, SMT_10_SendsAnEmptyInitialResponseAsEquals) {
  ClientSession session;
  session.contexts.scripts.push_back(FakeScript().sends("").ends("challenge", "answer"));
  EXPECT_EQ(session.greet("GSSAPI"), "AUTH GSSAPI =\r\n");
}

TEST(SmtpClient, SMT_10_QuirkA10_SendsAnEmptyResponseAsAnEmptyLine) {
  ClientSession session;
  session.contexts.scripts.push_back(FakeScript().sends("init").ends("final"));
  session.greet("GSSAPI");
  EXPECT_EQ(session.server(challenge("final")), "\r\n");
  EXPECT_EQ(session.server(kSuccess), "");
  EXPECT_NE(session.report(), nullptr);
}

TEST(SmtpClient, QuirkA11_TakesNothingSpacesAndEqualsForAnEmptyToken) {
  for (const char* text : {"334\r\n", "334 \r\n", "334   \r\n", "334 =\r\n", "334  = \r\n"}) {
    ClientSession session;
    session.contexts.scripts.push_back(FakeScript().sends("init").ends("", "answer"));
    session.greet("GSSAPI");
    EXPECT_EQ(session.server(text), line("answer")) << text;
  }
}

TEST(SmtpClient, SSEAN_T1_CarriesTokensOf65535Octets) {
  const std::string big(65'535, 'x');
  ClientSession session;
  session.contexts.scripts.push_back(FakeScript().sends("init").ends(big, big));
  session.greet("GSSAPI");
  EXPECT_EQ(session.server(challenge(big)), line(big));
}

TEST(SmtpClient, SSEAN_T1_RefusesALongerLine) {
  ClientSession session;
  session.contexts.scripts.push_back(two_legs());
  session.greet("GSSAPI");
  EXPECT_EQ(session.server(challenge(std::string(65'538, 'x'))), "");
  EXPECT_FAILED(session, Kind::kTooMuch);
}

TEST(SmtpClient, SMT_6_CancelsOnAChallengeThatIsNotBase64) {
  for (const char* text : {"Zg", "Zh==", "Z g=", "NTLM supported", "===="}) {
    ClientSession session;
    session.contexts.scripts.push_back(two_legs());
    session.greet("GSSAPI");
    EXPECT_EQ(session.server("334 " + std::string(text) + "\r\n"), "*\r\n") << text;
    EXPECT_FAILED(session, Kind::kLocal);
    EXPECT_EQ(session.failure()->error.code, Errc::kMalformed);
  }
}

TEST(SmtpClient, CancelsAfterTenRounds) {
  ClientSession session;
  FakeScript script = FakeScript().sends("init");
  for (int i = 0; i < 20; ++i) script.sends("more");
  session.contexts.scripts.push_back(std::move(script));
  session.greet("GSSAPI");
  for (int i = 0; i < 10; ++i) EXPECT_EQ(session.server(challenge("c")), line("more"));
  EXPECT_EQ(session.server(challenge("c")), "*\r\n");
  EXPECT_FAILED(session, Kind::kTooMuch);
}

// --- the end of an exchange ---

TEST(SmtpClient, SSEAN_W1_QuirkA1_AnswersTheLayerOffer) {
  ClientSession session;
  session.contexts.scripts.push_back(two_legs());
  session.greet("GSSAPI");
  session.server(challenge("challenge"));
  const std::string no_layer("\x01\x00\x00\x00", 4);
  EXPECT_EQ(session.server("334 " + b64_wrapped(std::string("\x01\x00\xbb\x80", 4)) + "\r\n"),
            b64_wrapped(no_layer) + "\r\n");
  session.server(kSuccess);
  ASSERT_NE(session.report(), nullptr);
  EXPECT_TRUE(session.report()->layer_step);
}

TEST(SmtpClient, QuirkA22_AnswersTheLayerOfferUnderGssSpnegoToo) {
  ClientSession session;
  session.contexts.scripts.push_back(two_legs());
  session.greet("GSS-SPNEGO");
  session.server(challenge("challenge"));
  const std::string no_layer("\x01\x00\x00\x00", 4);
  EXPECT_EQ(session.server("334 " + b64_wrapped(no_layer) + "\r\n"),
            b64_wrapped(no_layer) + "\r\n");
}

TEST(SmtpClient, SSEAN_W2_ReportsAnEarlySuccess) {
  ClientSession session;
  session.contexts.scripts.push_back(
      FakeScript().sends("init").sends("answer", "challenge").early_success_allowed());
  session.greet("GSSAPI");
  session.server(challenge("challenge"));
  session.server(kSuccess);
  ASSERT_NE(session.report(), nullptr);
  EXPECT_TRUE(session.report()->early_success);
}

TEST(SmtpClient, SSEAN_W2_P8_RefusesAnEarlySuccessThatPolicyDoesNotTake) {
  ClientSession session;
  FakeScript script = FakeScript().sends("init").sends("answer", "challenge");
  script.peer_done = Error{Errc::kPolicy, "P8: strict", 0, 0};
  session.contexts.scripts.push_back(std::move(script));
  session.greet("GSSAPI NTLM");
  session.server(challenge("challenge"));
  EXPECT_EQ(session.server(kSuccess), "");
  EXPECT_FAILED(session, Kind::kServerNotProven);
  EXPECT_EQ(session.report(), nullptr);
}

TEST(SmtpClient, SPN_8_RefusesA235RightAfterTheInitialResponse) {
  ClientSession session;
  session.contexts.scripts.push_back(two_legs());
  session.greet("GSSAPI");
  session.server(kSuccess);
  EXPECT_FAILED(session, Kind::kServerNotProven);
}

TEST(SmtpClient, SPN_8_RefusesA235BeforeAnyTokenWasSent) {
  ClientSession session;
  session.config.initial_response = SmtpClientConfig::InitialResponse::kNever;
  session.contexts.scripts.push_back(two_legs().early_success_allowed());
  session.greet("GSSAPI");
  session.server(kSuccess);
  EXPECT_FAILED(session, Kind::kProtocol);
}

TEST(SmtpClient, QuirkA18_SendsNothingMoreAfterSuccess) {
  ClientSession session;
  session.contexts.scripts.push_back(two_legs());
  session.greet("GSSAPI");
  session.server(challenge("challenge"));
  EXPECT_EQ(session.server(kSuccess), "");
}

TEST(SmtpClient, RefusesAnyOtherReplyToAuth) {
  for (const char* reply : {"250 OK\r\n", "220 hello\r\n", "354 go\r\n"}) {
    ClientSession session;
    session.contexts.scripts.push_back(two_legs());
    session.greet("GSSAPI NTLM");
    EXPECT_EQ(session.server(reply), "");
    EXPECT_FAILED(session, Kind::kProtocol);
  }
}

// --- refusals and what comes after them ---

struct Refusal {
  const char* reply;
  Kind kind;
  Party party;
};
class SmtpClientRefusal : public ::testing::TestWithParam<Refusal> {};

TEST_P(SmtpClientRefusal, QuirkA19_IsReportedAtAuthWithItsReason) {
  ClientSession session;
  session.config.mechanism = SaslMechanism::kGssapi;
  session.config.initial_response = SmtpClientConfig::InitialResponse::kNever;
  session.contexts.scripts.push_back(two_legs());
  session.greet("GSSAPI");
  EXPECT_EQ(session.server(GetParam().reply), "");
  EXPECT_FAILED(session, GetParam().kind);
  EXPECT_EQ(session.failure()->party, GetParam().party);
  EXPECT_THAT(session.failure()->message, HasSubstr("AUTH GSSAPI"));
  EXPECT_THAT(session.failure()->message, HasSubstr(std::string(GetParam().reply).substr(0, 3)));
}

INSTANTIATE_TEST_SUITE_P(
    Rfc4954, SmtpClientRefusal,
    ::testing::Values(Refusal{"535 5.7.8 no\r\n", Kind::kRefused, Party::kUser},
                      Refusal{"534 5.7.9 no\r\n", Kind::kTooWeak, Party::kServer},
                      Refusal{"538 5.7.11 no\r\n", Kind::kNeedsTls, Party::kCaller},
                      Refusal{"530 5.7.0 no\r\n", Kind::kNeedsTls, Party::kCaller},
                      Refusal{"504 5.5.4 no\r\n", Kind::kNoMechanism, Party::kServer},
                      Refusal{"503 5.5.1 no\r\n", Kind::kCommandRefused, Party::kServer},
                      Refusal{"501 5.5.2 no\r\n", Kind::kCommandRefused, Party::kServer},
                      Refusal{"500 5.5.6 no\r\n", Kind::kCommandRefused, Party::kServer},
                      Refusal{"454 4.7.0 no\r\n", Kind::kTemporary, Party::kServer},
                      Refusal{"432 4.7.12 no\r\n", Kind::kPasswordChange, Party::kUser},
                      Refusal{"421 4.3.0 no\r\n", Kind::kTemporary, Party::kServer},
                      Refusal{"550 5.7.1 no\r\n", Kind::kRefused, Party::kUser}));

TEST(SmtpClient, P8_QuirkA20_TriesTheNextMechanismWhileNothingWasProved) {
  for (const char* reply :
       {"535 5.7.8 no\r\n", "504 5.5.4 no\r\n", "501 5.5.2 no\r\n", "534 5.7.9 no\r\n"}) {
    ClientSession session;
    session.contexts.scripts = {FakeScript().sends("one"), FakeScript().sends("two"),
                                FakeScript().sends("three").ends("c", "last")};
    EXPECT_EQ(session.greet(), auth("GSSAPI", "one"));
    EXPECT_EQ(session.server(reply), auth("GSS-SPNEGO", "two"));
    EXPECT_EQ(session.server(reply), auth("NTLM", "three"));
    session.server(challenge("c"));
    session.server(kSuccess);
    ASSERT_NE(session.report(), nullptr);
    EXPECT_EQ(session.report()->mechanism, SaslMechanism::kNtlm);
    EXPECT_EQ(session.contexts.alive, 0);
  }
}

TEST(SmtpClient, P8_SMT_11_SSEAN_X1_TriesNothingElseAfterAProofWasRefused) {
  ClientSession session;
  session.contexts.scripts = {FakeScript().sends("init").ends("challenge", "authenticate").proof(),
                              FakeScript().sends("two")};
  session.greet();
  session.server(challenge("challenge"));
  EXPECT_EQ(session.server("535 5.7.8 no\r\n"), "");
  EXPECT_FAILED(session, Kind::kRefused);
  EXPECT_EQ(session.contexts.asked.size(), 1u);
}

TEST(SmtpClient, P8_SMT_11_TriesNothingElseAfterAProofInTheFirstToken) {
  ClientSession session;
  session.contexts.scripts = {FakeScript().sends("ap-req").proof(), FakeScript().sends("two")};
  session.greet();
  EXPECT_EQ(session.server("535 5.7.8 no\r\n"), "");
  EXPECT_FAILED(session, Kind::kRefused);
}

TEST(SmtpClient, P8_TriesNothingElseWhereTheCallerChose) {
  ClientSession session;
  session.config.mechanism = SaslMechanism::kGssapi;
  session.contexts.scripts = {FakeScript().sends("one"), FakeScript().sends("two")};
  session.greet();
  EXPECT_EQ(session.server("535 5.7.8 no\r\n"), "");
  EXPECT_FAILED(session, Kind::kRefused);
}

TEST(SmtpClient, P8_TriesNothingElseAfterATemporaryFailure) {
  for (const char* reply :
       {"454 4.7.0 later\r\n", "432 4.7.12 password\r\n", "538 5.7.11 TLS\r\n"}) {
    ClientSession session;
    session.contexts.scripts = {FakeScript().sends("one"), FakeScript().sends("two")};
    session.greet();
    EXPECT_EQ(session.server(reply), "");
    EXPECT_NE(session.failure(), nullptr);
  }
}

TEST(SmtpClient, SMT_11_NeverTriesPlainOrLogin) {
  ClientSession session;
  session.contexts.scripts = {FakeScript().sends("one")};
  session.greet("GSSAPI PLAIN LOGIN XOAUTH2 SCRAM-SHA-256");
  EXPECT_EQ(session.server("535 5.7.8 no\r\n"), "");
  EXPECT_FAILED(session, Kind::kRefused);
}

TEST(SmtpClient, QuirkA20_TriesTheNextMechanismWhereThisOneHasNoCredential) {
  ClientSession session;
  session.contexts.scripts = {FakeScript().fails(Errc::kNeedsCredential, "ticket"),
                              FakeScript().sends("two")};
  EXPECT_EQ(session.greet(), auth("GSS-SPNEGO", "two"));
}

TEST(SmtpClient, TellsThatThereIsNoCredential) {
  ClientSession session;
  EXPECT_EQ(session.greet("GSSAPI"), "");
  EXPECT_FAILED(session, Kind::kNeedsCredential);
  EXPECT_EQ(session.failure()->party, Party::kUser);
}

TEST(SmtpClient, P8_CancelsBeforeItTriesTheNextMechanism) {
  ClientSession session;
  session.contexts.scripts = {FakeScript().sends("one").fails(Errc::kMalformed, "NegTokenResp"),
                              FakeScript().sends("two")};
  session.greet();
  EXPECT_EQ(session.server(challenge("garbage")), "*\r\n");
  EXPECT_EQ(session.server("501 5.7.0 cancelled\r\n"), auth("GSS-SPNEGO", "two"));
}

TEST(SmtpClient, TellsATemporaryReplyToACancellationAsSuch) {
  for (const char* reply : {"421 4.3.2 shutting down\r\n", "454 4.7.0 later\r\n"}) {
    ClientSession session;
    session.contexts.scripts = {FakeScript().sends("one").fails(Errc::kMalformed, "NegTokenResp"),
                                FakeScript().sends("two")};
    session.greet();
    EXPECT_EQ(session.server(challenge("garbage")), "*\r\n");
    EXPECT_EQ(session.server(reply), "");
    EXPECT_FAILED(session, Kind::kTemporary);
  }
}

TEST(SmtpClient, AdvisesToChangeAPasswordAfterA432) {
  ClientSession session;
  session.contexts.scripts = {FakeScript().sends("one")};
  session.greet();
  session.server("432 4.7.12 a password transition is needed\r\n");
  EXPECT_THAT(session.failure()->message, HasSubstr("Change it"));
}

TEST(SmtpClient, SSEAN_C1_EndsWhereTheServersTokenIsRefused) {
  ClientSession session;
  session.contexts.scripts = {FakeScript().sends("one").fails(Errc::kAuthFailed, "mechListMIC")};
  session.greet("GSSAPI");
  EXPECT_EQ(session.server(challenge("bad")), "*\r\n");
  EXPECT_FAILED(session, Kind::kLocal);
  EXPECT_THAT(session.failure()->message, HasSubstr("mechListMIC"));
  EXPECT_EQ(session.contexts.alive, 0);
}

TEST(SmtpClient, PassesAKdcExchangeThrough) {
  ClientSession session;
  session.contexts.scripts = {FakeScript().asks_kdc("as-req").sends("init", "as-rep")};
  EXPECT_EQ(session.greet("GSSAPI"), "");
  const auto* exchange = session.find<SmtpClient::Exchange>();
  ASSERT_NE(exchange, nullptr);
  EXPECT_EQ(exchange->need.realm, "EXAMPLE.TEST");
  ASSERT_TRUE(session.client->resume({text_bytes("as-rep")}).has_value());
  EXPECT_EQ(session.sent(), auth("GSSAPI", "init"));
  EXPECT_FALSE(session.client->resume({}).has_value());
}

TEST(SmtpClient, QuirkA20_GoesOnWithoutAKdc) {
  ClientSession session;
  session.contexts.scripts = {FakeScript().asks_kdc("as-req"), FakeScript().sends("two")};
  session.greet("GSSAPI NTLM");
  ASSERT_TRUE(session.client->resume({}).has_value());
  EXPECT_EQ(session.sent(), auth("NTLM", "two"));
}

TEST(SmtpClient, P5_CHB_2_SendsNoAuthWithoutARequiredBinding) {
  for (const char* mechanism : {"GSSAPI", "GSS-SPNEGO", "NTLM"}) {
    ClientSession session;
    session.contexts.policy_value.channel_binding = BindingRequirement::kRequire;
    session.contexts.scripts = {two_legs()};
    EXPECT_EQ(session.greet(mechanism), "") << mechanism;
    EXPECT_FAILED(session, Kind::kBindingRequired);
    EXPECT_TRUE(session.contexts.asked.empty());
  }
}

// --- what is shown ---

TEST(SmtpClient, SMT_17_SanitisesTheServersText) {
  ClientSession session;
  session.contexts.scripts = {two_legs()};
  session.greet("GSSAPI");
  session.server("535 5.7.8 \x1b[31mred\x07" + std::string(1000, 'x') + "\r\n");
  ASSERT_NE(session.failure(), nullptr);
  EXPECT_EQ(session.failure()->reply.text.substr(0, 9), "?[31mred?");
  EXPECT_LE(session.failure()->reply.text.size(), 515u);
  EXPECT_EQ(session.failure()->reply.enhanced, "5.7.8");
  EXPECT_THAT(session.failure()->message, Not(HasSubstr("\x1b")));
}

TEST(SmtpClient, SMT_17_TheTranscriptShowsTokensApart) {
  Transcript transcript;
  ClientSession session;
  session.config.transcript = &transcript;
  session.contexts.scripts = {two_legs()};
  session.greet("GSSAPI");
  session.server(challenge("challenge"));
  session.server(kSuccess);
  EXPECT_EQ(transcript.text,
            "S: 220 mail.example.test ESMTP\n"
            "C: EHLO client.example.test\n"
            "S: 250-mail.example.test\n"
            "S: 250 AUTH GSSAPI\n"
            "C: AUTH GSSAPI [init]\n"
            "S: 334 [challenge]\n"
            "C: [answer]\n"
            "S: 235 2.7.0 Authentication successful\n");
}

TEST(SmtpClient, SMT_13_RefusesAnEhloNameWithLineEnds) {
  for (const char* name : {"a\r\nMAIL FROM:<x>", "a b", "", "\x1b"}) {
    ClientSession session;
    session.config.ehlo_name = name;
    EXPECT_EQ(session.server("220 mail\r\n"), "");
    ASSERT_NE(session.failure(), nullptr);
    EXPECT_EQ(session.failure()->party, Party::kCaller);
  }
}

TEST(SmtpClient, SMT_15_LeavesNoContextBehind) {
  FakeContexts contexts;
  contexts.make_script = [](const ContextRequest&) { return two_legs(); };
  for (int i = 0; i < 1000; ++i) {
    SmtpClientConfig config;
    config.tls = SmtpClientConfig::Tls::kNone;
    SmtpClient client(contexts, config);
    client.receive(as_bytes("220 m\r\n250-m\r\n250 AUTH GSSAPI\r\n"));
    if (i % 2 == 0) client.receive(as_bytes("334 Y2hhbGxlbmdl\r\n"));
    if (i % 4 < 2) continue;
    client.receive(as_bytes("421 4.3.2 shutting down\r\n"));
    EXPECT_EQ(contexts.alive, 0) << "though the client itself is still there";
  }
  EXPECT_EQ(contexts.alive, 0);
}

}  // namespace
}  // namespace pocketgss
