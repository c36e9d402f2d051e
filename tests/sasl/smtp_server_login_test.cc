// The SMTP server's part in a login: [MS-SSEAN], RFC 4954, [MS-SMTPNTLM], and what real clients do.
#include <gmock/gmock.h>

#include "tests/sasl/harness.h"

namespace pocketgss {
namespace {

using testing::a_binding;
using testing::b64;
using testing::b64_wrapped;
using testing::FakeContexts;
using testing::FakeScript;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::ServerSession;
using testing::Transcript;

constexpr char kSuccess[] = "235 2.7.0 Authentication successful\r\n";
constexpr char kRefused[] = "535 5.7.8 Authentication credentials invalid\r\n";
constexpr char kCancelled[] = "501 5.7.0 Authentication cancelled\r\n";

std::string auth(std::string_view mechanism, std::string_view token) {
  return "AUTH " + std::string(mechanism) + " " + b64(token) + "\r\n";
}
std::string challenge(std::string_view token) {
  return "334 " + b64(token) + "\r\n";
}
std::string line(std::string_view token) {
  return b64(token) + "\r\n";
}

// spnego: NegTokenInit, NegTokenResp, the account, and a last token.
FakeScript spnego() {
  return FakeScript()
      .sends("resp", "init")
      .asks_account("answer", "alice", "EXAMPLE")
      .ends(std::nullopt, "final");
}

const std::string kSpnegoInit("\x60\x0c\x06\x06\x2b\x06\x01\x05\x05\x02\xa0\x02\x30\x00", 14);

TEST(SmtpServer, SSEAN_E1_RunsTheSampleSessionAsWritten) {
  ServerSession session;
  session.config.hostname = "server.contoso.com";
  session.config.greeting = "Authenticated Receive Connector";
  session.config.ehlo_text = "server-contoso.com Hello [203.0.113.1]";
  session.config.ehlo_more = {"OK"};
  session.config.mechanisms = {SaslMechanism::kGssapi, SaslMechanism::kNtlm};
  session.config.starttls = session.config.pipelining = session.config.eight_bit_mime = false;
  session.config.enhanced_status_codes = false;
  session.config.message_size = 0;
  session.config.early_success = true;
  session.contexts.scripts = {spnego()};
  EXPECT_EQ(session.sent(), "220 server.contoso.com Authenticated Receive Connector\r\n");
  EXPECT_EQ(session.client("EHLO client.contoso.com\r\n"),
            "250-server-contoso.com Hello [203.0.113.1]\r\n250-AUTH GSSAPI NTLM\r\n250 OK\r\n");
  EXPECT_EQ(session.client(auth("GSSAPI", "init")), challenge("resp"));
  EXPECT_EQ(session.client(line("answer")), "");
  EXPECT_EQ(session.account("alice", "alice"), kSuccess);
  ASSERT_NE(session.find<SmtpServer::LoggedIn>(), nullptr);
  EXPECT_TRUE(session.find<SmtpServer::LoggedIn>()->report.early_success);
}

TEST(SmtpServer, SSEAN_N1_QuirkA14_TakesTheNameInAnyCase) {
  for (const char* name : {"GSSAPI", "gssapi", "GssApi"}) {
    ServerSession session;
    session.greet();
    session.contexts.scripts = {spnego()};
    EXPECT_EQ(session.client("auth " + std::string(name) + " " + b64("init") + "\r\n"),
              challenge("resp"));
  }
}

TEST(SmtpServer, SSEAN_S2_BindsSpnegoOnAuthGssapi) {
  ServerSession session;
  session.greet();
  session.contexts.scripts = {spnego()};
  session.client(auth("GSSAPI", "init"));
  EXPECT_EQ(session.contexts.asked.at(0).kind, MechanismKind::kSpnego);
}

TEST(SmtpServer, SSEAN_C4_RFC4954_SendsAnEmpty334WithoutInitialResponse) {
  for (const char* mechanism : {"GSSAPI", "GSS-SPNEGO"}) {
    ServerSession session;
    session.greet();
    session.contexts.scripts = {spnego()};
    EXPECT_EQ(session.client("AUTH " + std::string(mechanism) + "\r\n"), "334 \r\n");
    EXPECT_EQ(session.client(line("init")), challenge("resp"));
  }
}

TEST(SmtpServer, QuirkA12_Answers334NtlmSupported) {
  ServerSession session;
  session.greet();
  session.contexts.scripts = {
      FakeScript().sends("challenge", "negotiate").asks_account("authenticate", "alice").ends()};
  EXPECT_EQ(session.client("AUTH NTLM\r\n"), "334 NTLM supported\r\n");
  EXPECT_EQ(session.client(line("negotiate")), challenge("challenge"));
  EXPECT_EQ(session.client(line("authenticate")), "");
  EXPECT_EQ(session.account("alice", "alice"), kSuccess);
}

TEST(SmtpServer, QuirkA30_AnInitialResponseUnderNtlmGetsTheChallengeAtOnce) {
  ServerSession session;
  session.greet();
  session.contexts.scripts = {FakeScript().sends("challenge", "negotiate")};
  EXPECT_EQ(session.client(auth("NTLM", "negotiate")), challenge("challenge"));
}

TEST(SmtpServer, SSEAN_W2_SendsTheLastTokenInA334AndTakesAnEmptyLine) {
  ServerSession session;
  session.greet();
  session.contexts.scripts = {spnego()};
  session.client(auth("GSSAPI", "init"));
  session.client(line("answer"));
  EXPECT_EQ(session.account("alice", "alice"), challenge("final"));
  EXPECT_EQ(session.find<SmtpServer::LoggedIn>(), nullptr);
  EXPECT_EQ(session.client("\r\n"), kSuccess);
  ASSERT_NE(session.find<SmtpServer::LoggedIn>(), nullptr);
  EXPECT_EQ(session.find<SmtpServer::LoggedIn>()->report.context.account_name, "alice");
}

TEST(SmtpServer, SSEAN_W1_RunsTheLayerStepWhereSet) {
  ServerSession session;
  session.config.layer_step = LayerStep::kAlways;
  session.greet();
  session.contexts.scripts = {spnego()};
  session.client(auth("GSSAPI", "init"));
  session.client(line("answer"));
  session.account("alice", "alice");
  const std::string no_layer = b64_wrapped(std::string("\x01\x00\x00\x00", 4)) + "\r\n";
  EXPECT_EQ(session.client("\r\n"), "334 " + no_layer);
  EXPECT_EQ(session.client(no_layer), kSuccess);
}

TEST(SmtpServer, SSEAN_W1_RefusesAnotherAuthzidWith535) {
  ServerSession session;
  session.config.layer_step = LayerStep::kAlways;
  session.greet();
  session.contexts.scripts = {FakeScript().ends()};
  session.client(auth("GSSAPI", "init"));
  EXPECT_EQ(session.client(b64_wrapped(std::string("\x01\x00\x00\x00", 4) + "mallory") + "\r\n"),
            kRefused);
  EXPECT_STREQ(session.find<SmtpServer::LoginRefused>()->error.where, "authzid");
}

TEST(SmtpServer, QuirkA26_AnEmptyLineAfterTheLastTokenIsEnough) {
  ServerSession session;
  session.greet();
  session.contexts.scripts = {FakeScript().sends("resp").ends("authenticate", "final")};
  session.client("AUTH gssapi " + b64("init") + "\r\n");
  session.client(line("authenticate"));
  EXPECT_EQ(session.client("\r\n"), kSuccess);
}

TEST(SmtpServer, QuirkA27_SpnegoUnderNtlmGets235AtOnce) {
  ServerSession session;
  session.greet();
  session.contexts.scripts = {FakeScript().sends("resp").ends("authenticate", "final")};
  EXPECT_EQ(session.client("AUTH ntlm " + b64(kSpnegoInit) + "\r\n"), challenge("resp"));
  EXPECT_EQ(session.client(line("authenticate")), kSuccess);
}

TEST(SmtpServer, QuirkA27_SpnegoUnderNtlmIsRefusedAtStrictAndTheLogSaysSo) {
  ServerSession session;
  session.contexts.policy_value.level = PolicyLevel::kStrict;
  session.greet();
  EXPECT_EQ(session.client("AUTH ntlm " + b64(kSpnegoInit) + "\r\n"), kRefused);
  EXPECT_STREQ(session.find<SmtpServer::LoginRefused>()->error.where,
               "P1: SPNEGO token under AUTH NTLM (strict)");
}

TEST(SmtpServer, QuirkA23_GivesARawNtlmTokenUnderGssapiToSpnego) {
  ServerSession session;
  session.greet();
  session.contexts.scripts = {FakeScript().sends("challenge", std::string("NTLMSSP\0\1", 9))};
  session.client(auth("GSSAPI", std::string("NTLMSSP\0\1", 9)));
  EXPECT_EQ(session.contexts.asked.at(0).kind, MechanismKind::kSpnego);
}

TEST(SmtpServer, QuirkA13_DoesNotKnowMsn) {
  ServerSession session;
  EXPECT_THAT(session.greet(), Not(HasSubstr("MSN")));
  EXPECT_EQ(session.client("AUTH MSN\r\n"), "504 5.5.4 Unrecognized authentication mechanism\r\n");
}

// --- what a response may look like ---

TEST(SmtpServer, SMT_10_QuirkA11_EqualsIsAnEmptyInitialResponse) {
  ServerSession session;
  session.greet();
  session.contexts.scripts = {FakeScript().sends("hints", "")};
  EXPECT_EQ(session.client("AUTH GSSAPI =\r\n"), challenge("hints"));
}

TEST(SmtpServer, SMT_10_QuirkA11_EqualsIsNoOtherResponse) {
  ServerSession session;
  session.greet();
  session.contexts.scripts = {FakeScript().sends("hints", "")};
  session.client("AUTH GSSAPI\r\n");
  EXPECT_EQ(session.client("=\r\n"), "501 5.5.2 Cannot decode base64\r\n");
}

TEST(SmtpServer, SMT_10_QuirkA17_AnEmptyLineIsAnEmptyToken) {
  ServerSession session;
  session.greet();
  session.contexts.scripts = {FakeScript().sends("hints", "")};
  session.client("AUTH GSSAPI\r\n");
  EXPECT_EQ(session.client("\r\n"), challenge("hints"));
}

TEST(SmtpServer, SSEAN_T1_SMT_6_RefusesWhatIsNotCanonicalBase64) {
  for (const char* response : {"Zg", "Zh==", "Z===", "Zg==Zg==", "Z\tg=", "Zm9v!", "Zm-_", "*x"}) {
    ServerSession session;
    session.greet();
    session.contexts.scripts = {FakeScript().sends("resp")};
    session.client("AUTH GSSAPI\r\n");
    EXPECT_EQ(session.client(std::string(response) + "\r\n"), "501 5.5.2 Cannot decode base64\r\n")
        << response;
    EXPECT_EQ(session.contexts.alive, 0);
  }
}

TEST(SmtpServer, SMT_6_OneSessionsBadInputLeavesTheOtherAlone) {
  FakeContexts contexts;
  contexts.make_script = [](const ContextRequest&) {
    return FakeScript().sends("resp").ends("answer");
  };
  SmtpServerConfig config;
  config.auth_in_clear = true;
  SmtpServer good(contexts, config), bad(contexts, config);
  for (SmtpServer* server : {&good, &bad})
    server->receive(as_bytes("EHLO x\r\nAUTH GSSAPI " + b64("init") + "\r\n"));
  bad.receive(as_bytes("!!!\r\n"));
  good.receive(as_bytes(line("answer")));
  EXPECT_NE(good.login(), nullptr);
  EXPECT_EQ(bad.login(), nullptr);
}

TEST(SmtpServer, SSEAN_T1_QuirkA29_TakesAuthCommandsOf12288Octets) {
  const std::string token((12'288 - 14) / 4 * 3, 'x');
  ServerSession session;
  session.config.limits.auth_line = 100;  // counts as 12,288
  session.greet();
  session.contexts.scripts = {FakeScript().sends("resp", token)};
  const std::string command = auth("GSSAPI", token);
  EXPECT_GT(command.size(), 12'284u);
  EXPECT_EQ(session.client(command), challenge("resp"));
}

TEST(SmtpServer, SSEAN_T1_TakesResponsesOf12288Octets) {
  const std::string token((12'288 - 2) / 4 * 3, 'x');
  ServerSession session;
  session.config.limits.auth_line = 1;
  session.greet();
  session.contexts.scripts = {FakeScript().sends("resp", token)};
  session.client("AUTH GSSAPI\r\n");
  EXPECT_EQ(session.client(line(token)), challenge("resp"));
}

TEST(SmtpServer, SSEAN_T1_TakesTokensOf65535OctetsByDefault) {
  const std::string token(65'535, 'x');
  ServerSession session;
  session.greet();
  session.contexts.scripts = {FakeScript().sends("resp", token)};
  session.client("AUTH GSSAPI\r\n");
  ASSERT_EQ(line(token).size(), 87'382u);
  EXPECT_EQ(session.client(line(token)), challenge("resp"));
}

TEST(SmtpServer, SMT_14_RefusesALongerResponseWith500) {
  ServerSession session;
  session.greet();
  session.contexts.scripts = {FakeScript().sends("resp")};
  session.client("AUTH GSSAPI\r\n");
  EXPECT_EQ(session.client(std::string(87'381, 'A') + "\r\n"), "500 5.5.6 Line too long\r\n");
  EXPECT_EQ(session.client("NOOP\r\n"), "250 2.0.0 OK\r\n");
}

TEST(SmtpServer, SMT_14_RefusesALongerAuthCommandWith500) {
  ServerSession session;
  session.greet();
  EXPECT_EQ(session.client("AUTH GSSAPI " + std::string(87'372, 'A') + "\r\n"),
            "500 5.5.6 Line too long\r\n");
}

TEST(SmtpServer, RefusesATokenOverItsLimitWith500) {
  ServerSession session;
  session.config.limits.token = 100;
  session.greet();
  EXPECT_EQ(session.client(auth("GSSAPI", std::string(101, 'x'))),
            "500 5.5.6 Authentication token too long\r\n");
}

// --- reply codes of RFC 4954 ---

TEST(SmtpServer, RFC4954_501ForTheCancellation) {
  ServerSession session;
  session.greet();
  session.contexts.scripts = {spnego()};
  session.client(auth("GSSAPI", "init"));
  EXPECT_EQ(session.client("*\r\n"), kCancelled);
  EXPECT_EQ(session.contexts.alive, 0);
  EXPECT_EQ(session.client("NOOP\r\n"), "250 2.0.0 OK\r\n");
}

TEST(SmtpServer, RFC4954_503ForASecondAuth) {
  ServerSession session;
  session.greet();
  session.log_in();
  EXPECT_EQ(session.client(auth("GSSAPI", "init")), "503 5.5.1 Already authenticated\r\n");
}

TEST(SmtpServer, QuirkC25_ALoginOutlivesRsetAndBelongsToItsConnection) {
  ServerSession session;
  session.greet();
  session.log_in();
  EXPECT_EQ(session.client("RSET\r\n"), "250 2.0.0 OK\r\n");
  EXPECT_NE(session.server->login(), nullptr);
  ServerSession other;
  other.greet();
  EXPECT_EQ(other.server->login(), nullptr);
  EXPECT_EQ(other.client("MAIL FROM:<a@example.test>\r\n").substr(0, 9), "530 5.7.0");
}

TEST(SmtpServer, RFC4954_503ForAuthInsideATransaction) {
  ServerSession session;
  session.config.require_auth = false;
  session.greet();
  session.client("MAIL FROM:<a@example.test>\r\n");
  session.accept();
  EXPECT_EQ(session.client(auth("GSSAPI", "init")),
            "503 5.5.1 No AUTH during a mail transaction\r\n");
}

TEST(SmtpServer, RFC4954_503ForAuthBeforeEhlo) {
  for (const char* hello : {"", "HELO x\r\n"}) {
    ServerSession session;
    session.client(hello);
    EXPECT_EQ(session.client("AUTH GSSAPI\r\n"), "503 5.5.1 EHLO first\r\n");
  }
}

TEST(SmtpServer, RFC4954_504ForAnUnknownMechanism) {
  for (const char* name : {"PLAIN AGEAYg==", "LOGIN", "GSSAPIX", "CRAM-MD5"}) {
    ServerSession session;
    session.greet();
    EXPECT_EQ(session.client("AUTH " + std::string(name) + "\r\n"),
              "504 5.5.4 Unrecognized authentication mechanism\r\n");
  }
}

TEST(SmtpServer, RFC4954_504ForAMechanismThatIsNotListed) {
  ServerSession session;
  session.config.mechanisms = {SaslMechanism::kGssapi};
  session.greet();
  EXPECT_EQ(session.client("AUTH NTLM\r\n"), "504 5.5.4 Unrecognized authentication mechanism\r\n");
}

TEST(SmtpServer, RFC4954_501ForASyntaxError) {
  for (const char* command : {"AUTH\r\n", "AUTH \r\n", "AUTH GSSAPI AAAA BBBB\r\n"}) {
    ServerSession session;
    session.greet();
    EXPECT_EQ(session.client(command), "501 5.5.4 AUTH mechanism [initial-response] expected\r\n")
        << command;
  }
}

TEST(SmtpServer, RFC4954_530BeforeTheLogin) {
  for (const char* command : {"MAIL FROM:<a@b>\r\n", "RCPT TO:<a@b>\r\n", "DATA\r\n"}) {
    ServerSession session;
    session.greet();
    EXPECT_EQ(session.client(command), "530 5.7.0 Authentication required\r\n");
  }
}

TEST(SmtpServer, P6_OffersAuthOnlyUnderTls) {
  ServerSession session;
  session.config.auth_in_clear = false;
  const std::string ehlo = session.greet();
  EXPECT_THAT(ehlo, Not(HasSubstr("AUTH")));
  EXPECT_THAT(ehlo, HasSubstr("STARTTLS"));
  EXPECT_EQ(session.client("AUTH GSSAPI\r\n"),
            "538 5.7.11 Encryption required for authentication\r\n");
  EXPECT_EQ(session.client("MAIL FROM:<a@b>\r\n"),
            "530 5.7.0 Must issue a STARTTLS command first\r\n");
  session.client("STARTTLS\r\n");
  ASSERT_TRUE(session.server->tls_started({}).has_value());
  EXPECT_THAT(session.client("EHLO x\r\n"), HasSubstr("AUTH GSSAPI GSS-SPNEGO NTLM"));
  EXPECT_FALSE(SmtpServerConfig().auth_in_clear);
}

TEST(SmtpServer, P5_CHB_2_OffersNoAuthWhereABindingIsRequiredAndThereIsNone) {
  ServerSession session;
  session.contexts.policy_value.channel_binding = BindingRequirement::kRequire;
  EXPECT_THAT(session.greet(), Not(HasSubstr("AUTH")));
  for (const char* name : {"GSSAPI", "GSS-SPNEGO", "NTLM"}) {
    EXPECT_EQ(session.client("AUTH " + std::string(name) + "\r\n").substr(0, 3), "538");
  }
  EXPECT_TRUE(session.contexts.asked.empty());
}

TEST(SmtpServer, P5_GivesTheChannelsBindingsToTheContext) {
  ServerSession session;
  session.greet();
  session.client("STARTTLS\r\n");
  ASSERT_TRUE(session.server->tls_started({{a_binding(), a_binding()}}).has_value());
  session.client("EHLO x\r\n");
  session.contexts.scripts = {spnego()};
  session.client(auth("GSSAPI", "init"));
  EXPECT_EQ(session.contexts.asked.at(0).bindings, 2u);
}

// --- refusals ---

TEST(SmtpServer, P23_TellsTheClientOneAndTheSameWhateverWasWrong) {
  for (const Errc code :
       {Errc::kMalformed, Errc::kPeerMisbehaved, Errc::kPeerIncompatible, Errc::kNeedsCredential,
        Errc::kPolicy, Errc::kAuthFailed, Errc::kExpired}) {
    ServerSession session;
    session.greet();
    session.contexts.scripts = {FakeScript().fails(code, "the cause")};
    EXPECT_EQ(session.client(auth("GSSAPI", "init")), kRefused) << name(code);
    ASSERT_NE(session.find<SmtpServer::LoginRefused>(), nullptr);
    EXPECT_EQ(session.find<SmtpServer::LoginRefused>()->error, (Error{code, "the cause", 7, 0}));
  }
}

TEST(SmtpServer, P23_P20_AnUnknownUserAndAWrongPasswordAreTheSameToTheClient) {
  std::string replies[2];
  for (const bool known : {false, true}) {
    ServerSession session;
    session.greet();
    session.contexts.scripts = {spnego()};
    session.client(auth("GSSAPI", "init"));
    session.client(line("answer"));
    replies[known] = known ? session.account("alice", "wrong") : session.account(std::nullopt, "");
  }
  EXPECT_EQ(replies[0], kRefused);
  EXPECT_EQ(replies[1], kRefused);
}

TEST(SmtpServer, RFC4954_454WhereOnlyTheServerIsToBlame) {
  for (const Errc code : {Errc::kInternal, Errc::kNoMemory, Errc::kUnreachable}) {
    ServerSession session;
    session.greet();
    session.contexts.scripts = {FakeScript().fails(code, "the cause")};
    EXPECT_EQ(session.client(auth("GSSAPI", "init")),
              "454 4.7.0 Temporary authentication failure\r\n");
  }
}

// Nobody has guessed a password: it counts as a bad command, of which there may be fifty.
TEST(SmtpServer, A454IsNoFailedLogin) {
  constexpr char kLater[] = "454 4.7.0 Temporary authentication failure\r\n";
  for (const bool required : {true, false}) {
    ServerSession session;
    session.config.require_auth = required;
    session.greet();
    for (int i = 1; i < 50; ++i) {
      session.contexts.scripts = {FakeScript().fails(Errc::kUnreachable, "the cause")};
      ASSERT_EQ(session.client(auth("GSSAPI", "init")), kLater) << i;
    }
    session.contexts.scripts = {FakeScript().fails(Errc::kUnreachable, "the cause")};
    EXPECT_EQ(session.client(auth("GSSAPI", "init")),
              std::string(kLater) + "421 4.7.0 Too many errors\r\n");
    EXPECT_TRUE(session.closed());
  }
}

TEST(SmtpServer, A454BetweenFailedLoginsForgivesNone) {
  ServerSession session;
  session.greet();
  std::string last;
  for (const Errc code : {Errc::kAuthFailed, Errc::kUnreachable, Errc::kAuthFailed,
                          Errc::kUnreachable, Errc::kAuthFailed}) {
    EXPECT_FALSE(session.closed());
    session.contexts.scripts = {FakeScript().fails(code, "the cause")};
    last = session.client(auth("GSSAPI", "init"));
  }
  EXPECT_EQ(last, std::string(kRefused) + "421 4.7.0 Too many failed logins\r\n");
}

TEST(SmtpServer, TellsTheLogWhoWasClaimedWithoutControlCharacters) {
  ServerSession session;
  session.greet();
  session.contexts.scripts = {
      FakeScript().sends("resp").asks_account(std::nullopt, "al\r\nice\x1b", "EX")};
  session.client(auth("GSSAPI", "init"));
  session.client(line("answer"));
  session.account(std::nullopt, "");
  const auto* refused = session.find<SmtpServer::LoginRefused>();
  ASSERT_NE(refused, nullptr);
  EXPECT_EQ(refused->claimed, "EX\\al??ice?");
  EXPECT_EQ(refused->mechanism, SaslMechanism::kGssapi);
}

// --- a client that leaves in the middle ---

// AUTH GSSAPI up to the 334 after which the client has nothing left to send.
std::string up_to_the_last_token(ServerSession& session) {
  session.greet();
  session.contexts.scripts = {
      FakeScript().sends("resp", "init").asks_account("answer", "alice").ends(std::nullopt, "mic")};
  session.client(auth("GSSAPI", "init"));
  session.client(line("answer"));
  return session.account("alice", "alice");
}

void expect_refused(const ServerSession& session, const char* where, bool context_complete) {
  ASSERT_EQ(session.count<SmtpServer::LoginRefused>(), 1u);
  const auto& refused = *session.find<SmtpServer::LoginRefused>();
  EXPECT_STREQ(refused.error.where, where);
  EXPECT_EQ(refused.mechanism, SaslMechanism::kGssapi);
  EXPECT_EQ(refused.claimed, "alice");
  EXPECT_EQ(refused.context_complete, context_complete);
}

TEST(SmtpServer, P23_TellsTheLogOfAClientThatLeavesOnceItsPasswordWasTaken) {
  ServerSession session;
  EXPECT_EQ(up_to_the_last_token(session), challenge("mic"));
  session.server->closed();
  session.sent();
  expect_refused(session, "connection closed", true);
  EXPECT_TRUE(std::holds_alternative<SmtpServer::Closed>(session.events.back()));
}

TEST(SmtpServer, P23_TellsTheLogOfAClientThatIsSilentInTheMiddleOfALogin) {
  ServerSession session;
  session.start();
  session.server->tick(0);
  up_to_the_last_token(session);
  session.server->tick(session.server->deadline());
  EXPECT_EQ(session.sent(), "421 4.4.2 Timeout\r\n");
  expect_refused(session, "timeout", true);
}

TEST(SmtpServer, P23_TellsTheLogThatACancelledLoginHadTheRightPassword) {
  ServerSession session;
  up_to_the_last_token(session);
  EXPECT_EQ(session.client("*\r\n"), kCancelled);
  expect_refused(session, "cancelled by the client", true);
}

TEST(SmtpServer, P23_TellsTheLogOfAClientThatLeavesBeforeTheVerdict) {
  ServerSession session;
  session.greet();
  session.contexts.scripts = {FakeScript().sends("resp", "init").asks_account("answer", "alice")};
  session.client(auth("GSSAPI", "init"));
  session.client(line("answer"));
  session.server->closed();
  session.sent();
  expect_refused(session, "connection closed", false);
}

TEST(SmtpServer, AClientThatLeavesOutsideALoginIsNoRefusedOne) {
  ServerSession session;
  session.greet();
  session.log_in();
  session.server->closed();
  session.sent();
  EXPECT_EQ(session.count<SmtpServer::LoginRefused>(), 0u);
}

TEST(SmtpServer, QuirkA19_AClientThatGoesOnUnauthenticatedGets530) {
  ServerSession session;
  session.greet();
  session.contexts.scripts = {FakeScript().fails(Errc::kAuthFailed, "x")};
  EXPECT_EQ(session.client(auth("GSSAPI", "init")), kRefused);
  EXPECT_EQ(session.client("MAIL FROM:<a@b>\r\n").substr(0, 9), "530 5.7.0");
}

TEST(SmtpServer, ClosesAfterThreeFailedLogins) {
  ServerSession session;
  session.greet();
  session.contexts.make_script = [](const ContextRequest&) {
    return FakeScript().fails(Errc::kAuthFailed, "x");
  };
  EXPECT_EQ(session.client(auth("GSSAPI", "init")), kRefused);
  EXPECT_EQ(session.client(auth("GSSAPI", "init")), kRefused);
  EXPECT_FALSE(session.closed());
  EXPECT_EQ(session.client(auth("GSSAPI", "init")),
            std::string(kRefused) + "421 4.7.0 Too many failed logins\r\n");
  EXPECT_TRUE(session.closed());
}

TEST(SmtpServer, RefusesTheEleventhRound) {
  ServerSession session;
  session.greet();
  FakeScript script;
  for (int i = 0; i < 20; ++i) script.sends("more");
  session.contexts.scripts = {std::move(script)};
  EXPECT_EQ(session.client(auth("GSSAPI", "1")), challenge("more"));
  for (int i = 2; i <= 10; ++i) EXPECT_EQ(session.client(line("x")), challenge("more")) << i;
  EXPECT_EQ(session.client(line("x")), kRefused);
  EXPECT_STREQ(session.find<SmtpServer::LoginRefused>()->error.where, "SASL rounds");
}

// SMT-5, CVE-2011-1720: nothing of one exchange lives on in the next, whichever mechanisms they are
// of.
enum class End { kByServer, kByClient, kBadBase64 };

void run_pair(ServerSession& session, const std::string& first, const std::string& second,
              End end) {
  const auto begin = [&](const std::string& mechanism, FakeScript script) {
    session.contexts.scripts.push_back(std::move(script));
    session.client("AUTH " + mechanism + "\r\n");
    return session.client(line("init"));
  };
  ASSERT_EQ(begin(first, FakeScript().sends("first", "init").fails(Errc::kAuthFailed, "x")),
            challenge("first"));
  const char* response = end == End::kByServer   ? "AAAA\r\n"
                         : end == End::kByClient ? "*\r\n"
                                                 : "!\r\n";
  const std::string reply = session.client(response);
  ASSERT_EQ(reply.substr(0, 3), end == End::kByServer ? "535" : "501");
  ASSERT_EQ(session.contexts.alive, 0);
  ASSERT_EQ(begin(second, FakeScript().sends("second", "init").fails(Errc::kAuthFailed, "x")),
            challenge("second"));
  ASSERT_EQ(session.client("*\r\n"), kCancelled);
  ASSERT_EQ(session.contexts.alive, 0);
}

TEST(SmtpServer, SMT_5_EveryMechanismStartsAfreshAfterEveryOther) {
  for (const std::string first : {"GSSAPI", "GSS-SPNEGO", "NTLM"}) {
    for (const std::string second : {"GSSAPI", "GSS-SPNEGO", "NTLM"}) {
      for (const End end : {End::kByServer, End::kByClient, End::kBadBase64}) {
        ServerSession session;
        session.config.auth_failures = 100;
        session.greet();
        for (int round = 0; round < 3; ++round)
          ASSERT_NO_FATAL_FAILURE(run_pair(session, first, second, end));
        EXPECT_NE(session.log_in(), "") << first << second;
        EXPECT_NE(session.server->login(), nullptr);
      }
    }
  }
}

TEST(SmtpServer, SMT_5_ACommandInsideAnExchangeIsNoCommand) {
  for (const char* command : {"RSET", "EHLO x", "STARTTLS", "QUIT", "AUTH NTLM"}) {
    ServerSession session;
    session.greet();
    session.contexts.scripts = {spnego()};
    session.client(auth("GSSAPI", "init"));
    const std::string reply = session.client(std::string(command) + "\r\n");
    EXPECT_TRUE(reply == "501 5.5.2 Cannot decode base64\r\n" || reply == kRefused)
        << command << reply;
    EXPECT_EQ(session.contexts.alive, 0);
    EXPECT_FALSE(session.server->over_tls());
  }
}

TEST(SmtpServer, SMT_5_SMT_16_AConnectionThatBreaksInsideAnExchangeLeavesNothing) {
  for (const bool waiting : {false, true}) {
    ServerSession session;
    session.greet();
    session.contexts.scripts = {spnego()};
    session.client(auth("GSSAPI", "init"));
    if (waiting) session.client(line("answer"));
    session.server->closed();
    session.sent();
    EXPECT_EQ(session.contexts.alive, 0);
    EXPECT_TRUE(session.closed());
    EXPECT_FALSE(session.server->resume({}).has_value());
    EXPECT_EQ(session.client(line("answer")), "");
  }
}

TEST(SmtpServer, SMT_15_AbortedExchangesLeaveNoContext) {
  FakeContexts contexts;
  contexts.make_script = [](const ContextRequest&) { return spnego(); };
  SmtpServerConfig config;
  config.auth_in_clear = true;
  const std::string steps[] = {"EHLO x\r\n", "AUTH GSSAPI\r\n", line("init"), line("answer")};
  for (int i = 0; i < 4000; ++i) {
    SmtpServer server(contexts, config);
    for (int step = 0; step <= i % 4; ++step) server.receive(as_bytes(steps[step]));
    if (i % 8 < 4) continue;
    server.closed();
    EXPECT_EQ(contexts.alive, 0) << "though the server itself is still there";
  }
  EXPECT_EQ(contexts.alive, 0);
}

TEST(SmtpServer, SMT_17_TheTranscriptShowsTokensApartAndNoForeignSecret) {
  Transcript transcript;
  ServerSession session;
  session.transcript = &transcript;
  session.config.mechanisms = {SaslMechanism::kGssapi};
  session.config.message_size = 0;
  session.config.pipelining = session.config.eight_bit_mime = session.config.enhanced_status_codes =
      session.config.starttls = false;
  session.greet();
  session.client("AUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n");
  session.contexts.scripts = {FakeScript().sends("resp", "init").ends("answer", "final")};
  session.client(auth("GSSAPI", "init") + line("answer") + "\r\n");
  EXPECT_EQ(transcript.text,
            "S: 220 mail.example.test ESMTP\n"
            "C: EHLO client.example.test\n"
            "S: 250-mail.example.test\n"
            "S: 250 AUTH GSSAPI\n"
            "C: AUTH PLAIN\n"
            "S: 504 5.5.4 Unrecognized authentication mechanism\n"
            "C: AUTH GSSAPI [init]\n"
            "S: 334 [resp]\n"
            "C: [answer]\n"
            "S: 334 [final]\n"
            "C: []\n"
            "S: 235 2.7.0 Authentication successful\n");
}

// A client that sends all of AUTH LOGIN whatever it is answered, or breaks its base64 into lines.
TEST(SmtpServer, SMT_17_TheTranscriptShowsNoTextThatIsNoCommand) {
  Transcript transcript;
  ServerSession session;
  session.transcript = &transcript;
  session.greet();
  transcript.text.clear();
  for (const char* line :
       {"AUTH LOGIN", "YWxpY2U=", "c2VjcmV0", " AUTH PLAIN c2VjcmV0", "AUTH\tPLAIN\tc2VjcmV0",
        "AUTH GSSAPI c2VjcmV0IQ", "AUTH GSSAPI", "secret!"}) {
    session.client(std::string(line) + "\r\n");
  }
  session.client(std::string(3'000, 'x') + "\r\n");
  EXPECT_EQ(transcript.text,
            "C: AUTH LOGIN\n"
            "S: 504 5.5.4 Unrecognized authentication mechanism\n"
            "C: (8 octets that are no command)\n"
            "S: 500 5.5.1 Command not recognized\n"
            "C: (8 octets that are no command)\n"
            "S: 500 5.5.1 Command not recognized\n"
            "C: (20 octets that are no command)\n"
            "S: 500 5.5.1 Command not recognized\n"
            "C: (19 octets that are no command)\n"
            "S: 500 5.5.2 Control character in a command\n"
            "C: AUTH GSSAPI (10 octets that are no base64)\n"
            "S: 501 5.5.2 Cannot decode base64\n"
            "C: AUTH GSSAPI\n"
            "S: 334 \n"
            "C: (7 octets that are no base64)\n"
            "S: 501 5.5.2 Cannot decode base64\n"
            "C: (3000 octets that are no command)\n"
            "S: 500 5.5.2 Line too long\n");
}

TEST(SmtpServer, KeepsItsStateAfterALoginWithoutALayer) {
  ServerSession session;
  session.greet();
  EXPECT_EQ(session.log_in(), kSuccess);
  session.client("MAIL FROM:<a@b>\r\n");  // no EHLO needed again (RFC 4954 4)
  EXPECT_NE(session.find<SmtpServer::Mail>(), nullptr);
}

TEST(SmtpServer, QuirkA18_TakesAnEhloAfterTheLoginAndStaysLoggedIn) {
  ServerSession session;
  session.greet();
  session.log_in();
  EXPECT_THAT(session.client("EHLO again\r\n"), HasSubstr("250"));
  EXPECT_NE(session.server->login(), nullptr);
  session.client("RSET\r\n");
  EXPECT_NE(session.server->login(), nullptr);
}

}  // namespace
}  // namespace pocketgss
