// GSSAPI as RFC 4752 means it: bare Kerberos and its security-layer step, with the real mechanism.
#include <gtest/gtest.h>

#include "tests/fakes/kerberos_login.h"
#include "tests/sasl/pair.h"

namespace pocketgss {
namespace {

using testing::KerberosLogin;
using testing::Pair;

constexpr std::string_view kNoLayerMessage("\x01\x00\x00\x00", 4);

// Exchange is a server of ours, and a client whose tokens the test makes of a real context.
struct Exchange {
  explicit Exchange(ContextFlags flags = kMutualFlag | kIntegFlag, SaslServerOptions options = {},
                    SaslMechanism mechanism = SaslMechanism::kGssapi)
      : acceptors(runtime, login.acceptor()) {
    config = login.initiator();
    config.flags = flags;
    context = make_initiator(runtime, MechanismKind::kKerberos, config).value();
    server = make_sasl_server(mechanism, acceptors, {}, options).value();
  }

  // first_token is the AP-REQ.
  Bytes first_token() {
    auto step = context->step({}).value();
    if (auto* more = std::get_if<Continue>(&step)) return more->token;
    return std::get<Established>(step).token.value();
  }
  // answer is what the server says: "334" with the token in `challenge`, "235", or the error.
  std::string answer(ByteView response) {
    const auto result = server->step(response);
    if (!result.has_value()) {
      error = result.error();
      return result.error().where;
    }
    if (const auto* success = std::get_if<SaslServer::Success>(&result.value())) {
      report = success->report;
      return "235";
    }
    challenge = std::get<SaslServer::Challenge>(result.value()).token;
    return "334";
  }
  // offer runs the exchange up to the server's offer, and gives it as the client unwraps it.
  std::string offer() {
    EXPECT_EQ(answer(first_token()), "334");
    if (!context->established()) {
      EXPECT_TRUE(context->step(challenge).has_value());
      EXPECT_EQ(answer({}), "334");
    }
    Bytes out(challenge.size());
    const auto unwrapped = context->unwrap(challenge, out);
    if (!unwrapped.has_value()) return unwrapped.error().where;
    EXPECT_FALSE(unwrapped.value().confidential);  // RFC 4752 3.1: conf_flag is FALSE
    out.resize(unwrapped.value().size);
    return std::string(as_text(out));
  }
  Bytes wrapped(std::string_view message, bool confidential = false) {
    Bytes out(context->wrap_size(message.size()));
    out.resize(context->wrap(as_bytes(message), confidential, out).value());
    return out;
  }
  std::string choose(std::string_view message, bool confidential = false) {
    return answer(wrapped(message, confidential));
  }

  KerberosLogin login;
  Runtime runtime = Runtime::create().value();
  InitiatorConfig config;
  AcceptorContexts acceptors;
  std::unique_ptr<Context> context;
  std::unique_ptr<SaslServer> server;
  Bytes challenge;
  SaslReport report;
  Error error;
};

TEST(SaslKerberos, SSEAN_S3_ABareTokenUnderGssapiGetsTheExchangeOfRfc4752) {
  Exchange x;
  EXPECT_EQ(x.offer(), kNoLayerMessage);
  EXPECT_EQ(x.choose(kNoLayerMessage), "235");
  EXPECT_EQ(x.report.mechanism, SaslMechanism::kGssapiKrb5);
  EXPECT_TRUE(x.report.layer_step);
  EXPECT_STREQ(x.report.context.mechanism, "Kerberos");
  EXPECT_EQ(x.report.context.account_name, "alice@EXAMPLE.TEST");
}

TEST(SaslKerberos, QuirkA28_WithoutMutualAuthenticationTheOfferIsTheFirstChallenge) {
  Exchange x(kIntegFlag);
  EXPECT_EQ(x.answer(x.first_token()), "334");
  ASSERT_TRUE(x.context->established());
  Bytes out(x.challenge.size());
  ASSERT_TRUE(x.context->unwrap(x.challenge, out).has_value());
  EXPECT_EQ(as_text(ByteView(out).prefix(4)), kNoLayerMessage);
  EXPECT_EQ(x.choose(kNoLayerMessage), "235");
}

// The initiator detects sequences here: an offer that did not start at its own number would not be
// taken.
TEST(SaslKerberos, QuirkA30_TheOffersNumberIsTheInitiatorsAndTheUserNameIsAnAuthzid) {
  Exchange x(kIntegFlag | kSequenceFlag | kReplayFlag);
  EXPECT_EQ(x.offer(), kNoLayerMessage);
  EXPECT_EQ(x.choose(std::string(kNoLayerMessage) + "alice"), "235");
  EXPECT_EQ(x.report.authzid, "alice");
}

TEST(SaslKerberos, QuirkA8_QuirkA9_QuirkD23_TheOffersEcIsTheChecksumsSizeAndItIsNotRotated) {
  Exchange x;
  x.offer();
  ASSERT_EQ(x.challenge.size(), 16u + 4 + 12);
  EXPECT_EQ(x.challenge[5], 12);                       // EC
  EXPECT_EQ(x.challenge[6] << 8 | x.challenge[7], 0);  // RRC
  Bytes answer = x.wrapped(kNoLayerMessage);
  std::rotate(answer.begin() + 16, answer.end() - 12, answer.end());  // as Active Directory does
  answer[7] = 12;
  EXPECT_EQ(x.answer(answer), "235");
}

TEST(SaslKerberos, SSEAN_S3_TakesAnAuthzidThatIsTheClientsOwn) {
  for (const char* name : {"", "alice", "alice@EXAMPLE.TEST"}) {
    Exchange x;
    x.offer();
    EXPECT_EQ(x.choose(std::string(kNoLayerMessage) + name), "235") << name;
  }
}

TEST(SaslKerberos, SSEAN_S3_RefusesTheAuthzidOfAnother) {
  for (const char* name :
       {"bob", "Alice", "alice@example.test", "alice@OTHER.TEST", "alice@", "@EXAMPLE.TEST",
        "EXAMPLE.TEST", "EXAMPLE\\alice", "smtp/mail.example.test"}) {
    Exchange x;
    x.offer();
    EXPECT_EQ(x.choose(std::string(kNoLayerMessage) + name), "authzid") << name;
    EXPECT_EQ(x.error.code, Errc::kAuthFailed);
  }
}

// A user of another realm has no short name here: it would be that of somebody else.
TEST(SaslKerberos, SSEAN_S3_TakesTheWholeNameAloneOfAUserOfAnotherRealm) {
  for (const auto& [name, reply] :
       {std::pair("alice", "authzid"), std::pair("alice@EXAMPLE.TEST", "authzid"),
        std::pair("alice@PARTNER.TEST", "235")}) {
    Exchange x;
    x.config.tickets = x.login.ticket("alice@PARTNER.TEST");
    x.context = make_initiator(x.runtime, MechanismKind::kKerberos, x.config).value();
    x.offer();
    EXPECT_EQ(x.choose(std::string(kNoLayerMessage) + name), reply) << name;
  }
}

TEST(SaslKerberos, SSEAN_S3_AnAtSignOfTheNameEndsNoUserPart) {
  for (const auto& [name, reply] : {std::pair("alice", "authzid"), std::pair("alice\\", "authzid"),
                                    std::pair("alice\\@home", "235")}) {
    Exchange x;
    x.config.tickets = x.login.ticket("alice\\@home@EXAMPLE.TEST");
    x.context = make_initiator(x.runtime, MechanismKind::kKerberos, x.config).value();
    x.offer();
    EXPECT_EQ(x.choose(std::string(kNoLayerMessage) + name), reply) << name;
  }
}

// The text of the realm "A@EXAMPLE.TEST" is "A\\@EXAMPLE.TEST": what stands before that sign is no user.
TEST(SaslKerberos, SSEAN_S3_ARealmWithAnAtSignEndsNoUserPart) {
  Exchange x;
  x.config.tickets = x.login.ticket("alice@A\\@EXAMPLE.TEST");
  x.context = make_initiator(x.runtime, MechanismKind::kKerberos, x.config).value();
  x.offer();
  EXPECT_EQ(x.choose(std::string(kNoLayerMessage) + "alice@A\\"), "authzid");
}

// The text of the name "alice\" is "alice\\": the sign behind it is none of its own.
TEST(SaslKerberos, SSEAN_S3_ABackslashAtTheEndOfANameHidesNoRealm) {
  for (const auto& [name, reply] :
       {std::pair("alice\\\\", "235"), std::pair("alice\\\\@EXAMPLE.TEST", "235"),
        std::pair("alice\\", "authzid"), std::pair("alice", "authzid")}) {
    Exchange x;
    x.config.tickets = x.login.ticket("alice\\\\@EXAMPLE.TEST");
    x.context = make_initiator(x.runtime, MechanismKind::kKerberos, x.config).value();
    x.offer();
    EXPECT_EQ(x.choose(std::string(kNoLayerMessage) + name), reply) << name;
  }
}

// Hostile layer steps.

TEST(SaslKerberos, SSEAN_S3_SMT_9_RefusesALayerThatWasNotOffered) {
  for (const char layer : {'\x00', '\x02', '\x04', '\x05', '\x07'}) {
    Exchange x;
    x.offer();
    EXPECT_EQ(x.choose(std::string{layer, 0, 0, 0}), "security layer choice: it was not offered");
  }
}

TEST(SaslKerberos, SSEAN_S3_SMT_9_RefusesAShortChoice) {
  Exchange x;
  x.offer();
  EXPECT_EQ(x.choose(kNoLayerMessage.substr(0, 3)), "security layer choice");
}

TEST(SaslKerberos, SSEAN_S3_RefusesAMaximumSizeThatHoldsNothing) {
  const SaslServerOptions options{.layer = {kNoLayer | kIntegrityLayer, 65'536}};
  Exchange x(kMutualFlag | kSequenceFlag | kIntegFlag | kConfFlag, options);
  EXPECT_EQ(x.offer(), std::string("\x03\x01\x00\x00", 4));
  EXPECT_EQ(x.choose(std::string("\x02\x00\x00\x1c", 4)),
            "security layer: the peer's maximum size");
}

// Without the detection of sequences (RFC 4752 3.1) buffers could be left out of a layer.
TEST(SaslKerberos, SSEAN_S3_SMT_9_OffersNoLayerToAContextThatDetectsNoSequences) {
  const SaslServerOptions options{.layer = {kNoLayer | kIntegrityLayer, 65'536}};
  for (const ContextFlags more : {kNoContextFlags, kReplayFlag}) {
    Exchange x(kMutualFlag | kIntegFlag | kConfFlag | more, options);
    EXPECT_EQ(x.offer(), kNoLayerMessage);
  }
}

TEST(SaslKerberos, SSEAN_S3_RefusesAChoiceThatIsEncrypted) {
  Exchange x(kMutualFlag | kIntegFlag | kConfFlag);
  x.offer();
  EXPECT_EQ(x.choose(kNoLayerMessage, true), "security layer step: encrypted");
}

TEST(SaslKerberos, SSEAN_S3_KRA_3_RefusesAChoiceOfWhichOneOctetIsDamaged) {
  Exchange one;
  one.offer();
  const size_t size = one.wrapped(kNoLayerMessage).size();
  for (size_t at = 0; at < size; ++at) {
    if (at == 6 || at == 7) continue;  // RRC: a whole turn changes nothing
    Exchange x;
    x.offer();
    Bytes answer = x.wrapped(kNoLayerMessage);
    answer[at] ^= 0x80;
    const std::string said = x.answer(answer);
    EXPECT_TRUE(said != "235" && said != "334") << at;
  }
}

TEST(SaslKerberos, SSEAN_S3_RefusesAChoiceThatIsNotWrappedOrIsAMic) {
  Exchange x, y;
  x.offer();
  EXPECT_NE(x.answer(as_bytes(kNoLayerMessage)), "235");
  y.offer();
  Bytes mic(y.context->mic_size());
  mic.resize(y.context->mic(as_bytes(kNoLayerMessage), mic).value());
  EXPECT_NE(y.answer(mic), "235");
}

TEST(SaslKerberos, SSEAN_S3_RefusesAnythingButAnEmptyLineAfterTheApRep) {
  Exchange x;
  EXPECT_EQ(x.answer(x.first_token()), "334");
  EXPECT_TRUE(x.context->step(x.challenge).has_value());
  EXPECT_EQ(x.choose(kNoLayerMessage), "SASL response where an empty one was due");
}

TEST(SaslKerberos, SSEAN_S3_EarlySuccessDoesNotTakeTheApRepsPlace) {
  Exchange x(kMutualFlag | kIntegFlag, {.early_success = true});
  EXPECT_EQ(x.offer(), kNoLayerMessage);
}

TEST(SaslKerberos, SSEAN_S3_QuirkA17_AClientThatLetsUsSpeakFirstMayStillSpeakKerberos) {
  Exchange x;
  EXPECT_EQ(x.answer({}), "334");
  EXPECT_EQ(x.offer(), kNoLayerMessage);
  EXPECT_EQ(x.choose(kNoLayerMessage), "235");
}

TEST(SaslKerberos, SSEAN_S3_ASecondFirstTokenStartsNothingAnew) {
  Exchange x;
  const Bytes token = x.first_token();
  EXPECT_EQ(x.answer(token), "334");
  EXPECT_EQ(x.answer(token), "SASL response where an empty one was due");
}

TEST(SaslKerberos, SSEAN_S3_WithoutAKeyTableABareTokenIsRefused) {
  KerberosLogin login;
  Runtime runtime = Runtime::create().value();
  AcceptorConfig config;
  config.host = "mail.example.test";
  config.ntlm = true;
  AcceptorContexts contexts(runtime, config);
  const InitiatorConfig initiator = login.initiator();
  auto context = make_initiator(runtime, MechanismKind::kKerberos, initiator).value();
  auto server = make_sasl_server(SaslMechanism::kGssapi, contexts, {}).value();
  auto first = context->step({}).value();
  EXPECT_EQ(server->step(std::get<Continue>(first).token).error(),
            (Error{Errc::kNeedsCredential, "AcceptorConfig.keys", 0, 0}));
}

TEST(SaslKerberos, AServerOfTheBareMechanismAloneTakesNoSpnego) {
  Exchange x({}, {}, SaslMechanism::kGssapiKrb5);
  auto spnego = make_initiator(x.runtime, MechanismKind::kSpnego, x.config).value();
  auto first = spnego->step({}).value();
  EXPECT_EQ(x.answer(std::get<Continue>(first).token), "InitialContextToken.thisMech");
}

TEST(SaslKerberos, QuirkA22_UnderGssSpnegoABareTokenHasNoLayerStep) {
  Exchange x(kIntegFlag, {}, SaslMechanism::kGssSpnego);
  EXPECT_EQ(x.answer(x.first_token()), "235");
  EXPECT_FALSE(x.report.layer_step);
}

// The whole way, by SMTP, both sides ours.

struct KerberosPair : Pair {
  KerberosPair() {
    initiator = login.initiator();
    acceptor = login.acceptor();
    client_config.tls = SmtpClientConfig::Tls::kNone;
    server_config.auth_in_clear = true;
  }
  KerberosLogin login;
};

void expect_login(const KerberosPair& pair, SaslMechanism client, SaslMechanism server) {
  ASSERT_FALSE(pair.failure.has_value())
      << pair.failure->message << (pair.refused.empty() ? "" : pair.refused[0].error.where);
  ASSERT_TRUE(pair.client_login && pair.server_login);
  EXPECT_EQ(pair.client_login->mechanism, client);
  EXPECT_EQ(pair.server_login->mechanism, server);
  EXPECT_STREQ(pair.server_login->context.mechanism, "Kerberos");
  EXPECT_EQ(pair.delivered, pair.message);
}

TEST(SaslKerberosPair, SSEAN_S2_SSEAN_S3_BothKindsOfGssapiLogInOnOneServer) {
  for (const SaslMechanism mechanism : {SaslMechanism::kGssapi, SaslMechanism::kGssapiKrb5}) {
    for (const size_t piece : {size_t{0}, size_t{1}}) {
      KerberosPair pair;
      pair.client_config.mechanism = mechanism;
      pair.run(piece);
      expect_login(pair, mechanism, mechanism);
      EXPECT_EQ(pair.server_login->layer_step, mechanism == SaslMechanism::kGssapiKrb5);
      EXPECT_NE(pair.from_client.find("AUTH GSSAPI"), std::string::npos);
    }
  }
}

TEST(SaslKerberosPair, SSEAN_W2_P11_AnEarlySuccessComesAfterTheApRep) {
  for (const SaslMechanism mechanism :
       {SaslMechanism::kGssapi, SaslMechanism::kGssapiKrb5, SaslMechanism::kGssSpnego}) {
    KerberosPair pair;
    pair.client_config.mechanism = mechanism;
    pair.server_config.early_success = true;
    pair.server_config.layer_step = LayerStep::kNever;
    pair.run();
    expect_login(pair, mechanism, mechanism);
    EXPECT_TRUE(has(pair.client_login->context.flags, kMutualFlag));
    EXPECT_FALSE(pair.server_login->early_success);
  }
}

// Without mutual authentication there is none, and the 235 may come at once.
TEST(SaslKerberosPair, SSEAN_W2_WithoutAnApRepTheSuccessIsEarly) {
  KerberosPair pair;
  pair.client_config.mechanism = SaslMechanism::kGssapi;
  pair.initiator.flags = kIntegFlag;
  pair.server_config.early_success = true;
  pair.run();
  ASSERT_TRUE(pair.server_login.has_value());
  EXPECT_TRUE(pair.server_login->early_success);
}

// A server without Kerberos that lists NTLM too. Its first NegTokenResp answers an AP-REQ.
struct WithoutKerberos : KerberosPair {
  WithoutKerberos() {
    set_user("EXAMPLE\\alice", "Password1");
    initiator.policy.inner = {InnerMechanism::kKerberos, InnerMechanism::kNtlm};
    initiator.policy.level = PolicyLevel::kStrict;
    acceptor.keys.reset();
    acceptor.ntlm = true;
  }
  void alter_first_reply(std::string_view other) {
    alter_server = [other](Bytes& bytes) {
      constexpr std::string_view kRequestMic = "334 oRUwE6ADCgEDoQwGCisGAQQBgjcCAgo=\r\n";
      if (as_text(bytes) == kRequestMic) bytes = as_bytes(other).to_bytes();
    };
  }
};

TEST(SaslKerberosPair, P8_NtlmInsideSpnegoIsNoOtherLogin) {
  WithoutKerberos pair;
  pair.run();
  ASSERT_TRUE(pair.server_login.has_value());
  EXPECT_STREQ(pair.server_login->context.mechanism, "NTLM");
  EXPECT_EQ(pair.server_login->mechanism, SaslMechanism::kGssapi);
  EXPECT_EQ(pair.from_client.find("AUTH NTLM"), std::string::npos);
}

TEST(SaslKerberosPair, P8_QuirkA20_NoOtherLoginFollowsAnAnswerToTheApReq) {
  for (const std::string_view reply :
       {"334 oRUwE6ADCgEBoQwGCisGAQQBgjcCAgo=\r\n",  // NTLM without request-mic
        "334 oQcwBaADCgEC\r\n",                      // reject
        "334 oQcwBaADCgEB\r\n"}) {                   // neither a mechanism nor a token
    WithoutKerberos pair;
    pair.alter_first_reply(reply);
    pair.run();
    EXPECT_TRUE(pair.failure.has_value());
    EXPECT_EQ(pair.from_client.find("AUTH NTLM"), std::string::npos) << reply;
    EXPECT_FALSE(pair.server_login.has_value());
  }
}

// It refused the AUTH command, and need not have looked at what came with it.
TEST(SaslKerberosPair, P8_QuirkA20_AnotherLoginFollowsARefusalWithoutAnAnswer) {
  WithoutKerberos pair;
  pair.alter_first_reply("535 5.7.8 no\r\n");
  pair.run();
  EXPECT_NE(pair.from_client.find("AUTH NTLM"), std::string::npos);
}

TEST(SaslKerberosPair, SSEAN_C1_SSEAN_C3_TheAutomaticChoiceIsSpnego) {
  KerberosPair pair;
  pair.run();
  expect_login(pair, SaslMechanism::kGssapi, SaslMechanism::kGssapi);
}

TEST(SaslKerberosPair, SSEAN_C2_TheBareExchangeNeedsGssapiInTheServersList) {
  KerberosPair pair;
  pair.client_config.mechanism = SaslMechanism::kGssapiKrb5;
  pair.server_config.mechanisms = {SaslMechanism::kGssSpnego};
  pair.run();
  ASSERT_TRUE(pair.failure.has_value());
  EXPECT_EQ(pair.failure->kind, SmtpFailure::Kind::kNoMechanism);
}

TEST(SaslKerberosPair, SSEAN_S2_KerberosGoesInsideGssSpnegoToo) {
  KerberosPair pair;
  pair.client_config.mechanism = SaslMechanism::kGssSpnego;
  pair.run();
  expect_login(pair, SaslMechanism::kGssSpnego, SaslMechanism::kGssSpnego);
}

TEST(SaslKerberosPair, QuirkA22_AReselectionUnderGssSpnegoAsksForIntegrityAndForNoLayer) {
  for (const bool reselected : {false, true}) {
    KerberosPair pair;
    pair.client_config.mechanism = SaslMechanism::kGssSpnego;
    pair.initiator.policy.inner = {InnerMechanism::kKerberos};
    if (reselected) {
      pair.set_user("EXAMPLE\\alice", "Password1");
      pair.initiator.policy.inner = {InnerMechanism::kNtlm, InnerMechanism::kKerberos};
    }
    pair.acceptor.ntlm = false;
    pair.run();
    expect_login(pair, SaslMechanism::kGssSpnego, SaslMechanism::kGssSpnego);
    EXPECT_EQ(has(pair.server_login->context.flags, kIntegFlag), reselected);
    EXPECT_EQ(pair.client_login->layer, kNoLayer);
    EXPECT_EQ(pair.client_login->context.mech_list_mic_verified, reselected);
  }
}

TEST(SaslKerberosPair, P11_P25_TheBareExchangeAgreesOnALayer) {
  for (const SecurityLayer layer : {kIntegrityLayer, kConfidentialityLayer}) {
    KerberosPair pair;
    pair.client_config.mechanism = SaslMechanism::kGssapiKrb5;
    pair.client_config.layer.layers = layer;
    pair.initiator.flags = kNoContextFlags;  // RFC 4752 3.1: mutual authentication goes with it
    pair.server_config.layer.layers = kNoLayer | kIntegrityLayer | kConfidentialityLayer;
    pair.run();
    expect_login(pair, SaslMechanism::kGssapiKrb5, SaslMechanism::kGssapiKrb5);
    EXPECT_EQ(pair.server_login->layer, layer);
    EXPECT_TRUE(has(pair.server_login->context.flags, kMutualFlag));
  }
}

TEST(SaslKerberosPair, SSEAN_W1_TheAuthzidThatWasConfiguredIsSent) {
  KerberosPair pair;
  pair.client_config.mechanism = SaslMechanism::kGssapiKrb5;
  pair.client_config.authzid = "alice";
  pair.run();
  expect_login(pair, SaslMechanism::kGssapiKrb5, SaslMechanism::kGssapiKrb5);
  EXPECT_EQ(pair.server_login->authzid, "alice");
  pair.client_config.authzid = "bob";
  pair.run();
  ASSERT_EQ(pair.refused.size(), 1u);
  EXPECT_STREQ(pair.refused[0].error.where, "authzid");
  EXPECT_EQ(pair.failure->reply.code, 535);
}

TEST(SaslKerberosPair, P1_TheBareExchangeNeedsKerberosInThePolicy) {
  KerberosPair pair;
  pair.client_config.mechanism = SaslMechanism::kGssapiKrb5;
  pair.initiator.policy.inner = {InnerMechanism::kNtlm};
  pair.run();
  ASSERT_TRUE(pair.failure.has_value());
  EXPECT_STREQ(pair.failure->error.where, "P1: Kerberos, which Policy::inner does not name");
}

TEST(SaslKerberosPair, P5_P23_ABindingIsProven) {
  for (const bool same : {true, false}) {
    KerberosPair pair;
    pair.client_config.mechanism = SaslMechanism::kGssapiKrb5;
    pair.client_config.tls = SmtpClientConfig::Tls::kStartTls;
    pair.acceptor.policy.channel_binding = BindingRequirement::kRequire;
    if (!same) pair.client_binding = testing::binding_of("another");
    pair.run();
    EXPECT_EQ(pair.server_login.has_value(), same);
    if (same) {
      EXPECT_TRUE(pair.server_login->context.channel_bound);
    } else {
      EXPECT_EQ(pair.failure->reply.code, 535);
    }
  }
}

TEST(SaslKerberosPair, P17_KRA_11_WhatWasRecordedLogsNobodyIn) {
  KerberosPair pair;
  pair.client_config.mechanism = SaslMechanism::kGssapiKrb5;
  pair.initiator.flags = kIntegFlag;
  pair.run();
  ASSERT_TRUE(pair.server_login.has_value());
  AcceptorContexts contexts(pair.runtime, pair.acceptor);
  SmtpServer server(contexts, pair.server_config);
  server.receive(as_bytes(pair.from_client));
  bool refused = false;
  while (auto event = server.next_event()) {
    EXPECT_FALSE(std::holds_alternative<SmtpServer::LoggedIn>(*event));
    if (const auto* no = std::get_if<SmtpServer::LoginRefused>(&*event)) {
      refused |= std::string_view(no->error.where) == "P17: a replay";
    }
  }
  EXPECT_TRUE(refused);
}

// The client's side of the layer step, against a server whose tokens the test makes.

struct Client {
  explicit Client(ContextFlags flags = kMutualFlag | kIntegFlag, SaslClientOptions options = {}) {
    initiator = login.initiator();
    initiator.flags = flags;
    acceptor = login.acceptor();
    initiators = std::make_unique<InitiatorContexts>(runtime, initiator);
    context = make_acceptor(runtime, MechanismKind::kKerberos, acceptor).value();
    sasl = make_sasl_client(SaslMechanism::kGssapiKrb5, *initiators, {}, options).value();
    auto step = context->step(response({})).value();
    auto token = std::get<Established>(step).token;
    if (token) {
      EXPECT_EQ(response(*token).size(), 0u);
    }
  }
  Bytes response(ByteView challenge) {
    return std::get<SaslClient::Response>(sasl->step(challenge).value()).token;
  }
  // offered is the client's answer to an offer: its message, or the error.
  std::string offered(std::string_view offer, bool confidential = false) {
    Bytes token(context->wrap_size(offer.size()));
    token.resize(context->wrap(as_bytes(offer), confidential, token).value());
    const auto step = sasl->step(token);
    if (!step.has_value()) return step.error().where;
    const Bytes& answer = std::get<SaslClient::Response>(step.value()).token;
    Bytes out(answer.size());
    const auto unwrapped = context->unwrap(answer, out).value();
    EXPECT_FALSE(unwrapped.confidential);
    return std::string(as_text(ByteView(out).prefix(unwrapped.size)));
  }

  KerberosLogin login;
  Runtime runtime = Runtime::create().value();
  InitiatorConfig initiator;
  AcceptorConfig acceptor;
  std::unique_ptr<InitiatorContexts> initiators;
  std::unique_ptr<Context> context;
  std::unique_ptr<SaslClient> sasl;
};

TEST(SaslKerberosClient, QuirkA4_ChoosesNoLayerWithTheSizeZero) {
  Client client(kMutualFlag | kIntegFlag, {.authzid = "alice"});
  EXPECT_EQ(client.offered(std::string("\x07\x00\xbb\x80", 4)),
            std::string(kNoLayerMessage) + "alice");
  EXPECT_TRUE(client.sasl->success().value().layer_step);
}

TEST(SaslKerberosClient, SMT_9_RefusesAnOfferWithoutNoLayer) {
  Client client;
  EXPECT_EQ(client.offered(std::string("\x06\x00\x10\x00", 4)),
            "security layer offer: \"no layer\" is not in it");
}

TEST(SaslKerberosClient, P25_RefusesAnOfferWithoutTheLayerThatIsRequired) {
  Client client(kMutualFlag | kIntegFlag, {.layer = {kConfidentialityLayer, 65'536}});
  EXPECT_EQ(client.offered(std::string("\x03\x00\x10\x00", 4)),
            "security layer offer: none of the layers that are required");
}

TEST(SaslKerberosClient, SSEAN_W1_RefusesAnOfferThatIsEncrypted) {
  Client client;
  EXPECT_EQ(client.offered(kNoLayerMessage, true), "security layer step: encrypted");
}

TEST(SaslKerberosClient, P11_SuccessBeforeTheOfferNeedsAnApRep) {
  Client mutual;
  EXPECT_FALSE(mutual.sasl->success().value().layer_step);
  Client alone(kIntegFlag);
  EXPECT_EQ(alone.sasl->success().error(),
            (Error{Errc::kPeerMisbehaved, "success before the security layer offer", 0, 0}));
}

TEST(SaslKerberosClient, P11_TheOfferProvesTheServerWhereThereIsNoApRep) {
  Client client(kIntegFlag);
  EXPECT_EQ(client.offered(kNoLayerMessage), kNoLayerMessage);
  EXPECT_TRUE(client.sasl->success().has_value());
}

TEST(SaslKerberosClient, QuirkD22_TellsWhyItsTicketIsRefused) {
  for (const ContextFlags flags : {kMutualFlag | kIntegFlag, kIntegFlag}) {
    const KerberosLogin login;
    Runtime runtime = Runtime::create().value();
    InitiatorConfig initiator = login.initiator();
    initiator.flags = flags;
    AcceptorConfig acceptor = login.acceptor();
    acceptor.client_realms = {"FRIEND.TEST"};
    InitiatorContexts initiators(runtime, initiator);
    const auto sasl = make_sasl_client(SaslMechanism::kGssapiKrb5, initiators, {}).value();
    const auto context = make_acceptor(runtime, MechanismKind::kKerberos, acceptor).value();
    const auto first = sasl->step({}).value();
    ASSERT_FALSE(context->step(std::get<SaslClient::Response>(first).token).has_value());
    const auto told = sasl->step(context->take_error_token());
    ASSERT_FALSE(told.has_value());
    EXPECT_EQ(told.error().peer_status, 60) << told.error().where;
    EXPECT_EQ(sasl->success().error(), told.error());
    EXPECT_TRUE(sasl->proof_sent());
  }
}

TEST(SaslNames, TheBareExchangeHasALabelOfItsOwn) {
  EXPECT_EQ(sasl_name(SaslMechanism::kGssapiKrb5), "GSSAPI");
  EXPECT_EQ(sasl_label(SaslMechanism::kGssapiKrb5), "GSSAPI-KRB5");
  EXPECT_EQ(sasl_label(SaslMechanism::kGssapi), "GSSAPI");
  EXPECT_EQ(sasl_mechanism("GSSAPI-KRB5"), std::nullopt);  // on the wire there is no such name
  EXPECT_EQ(sasl_mechanism_of_label("gssapi-krb5"), SaslMechanism::kGssapiKrb5);
  EXPECT_EQ(sasl_mechanism_of_label("GSSAPI"), SaslMechanism::kGssapi);
}

// NeedAccount comes of NTLM alone: this is where a server's own store is asked about a ticket's user.
TEST(SaslKerberosPair, TheServerIsAskedWhetherTheUserOfATicketMayLogIn) {
  for (const SaslMechanism mechanism :
       {SaslMechanism::kGssapi, SaslMechanism::kGssSpnego, SaslMechanism::kGssapiKrb5}) {
    KerberosPair pair;
    pair.client_config.mechanism = mechanism;
    pair.server_config.ask_authorisation = true;
    if (mechanism == SaslMechanism::kGssapiKrb5) pair.client_config.authzid = "alice";
    pair.run();
    expect_login(pair, mechanism, mechanism);
    ASSERT_TRUE(pair.authorisation.has_value());
    EXPECT_EQ(pair.authorisation->mechanism, mechanism);
    EXPECT_STREQ(pair.authorisation->context.mechanism, "Kerberos");
    EXPECT_EQ(pair.authorisation->context.account_name, "alice@EXAMPLE.TEST");
    EXPECT_EQ(pair.authorisation->authzid, pair.client_config.authzid);
  }
}

TEST(SaslKerberosPair, P23_AUserWhoIsNotAuthorisedIsRefusedAsAnyOther) {
  for (const SaslMechanism mechanism :
       {SaslMechanism::kGssapi, SaslMechanism::kGssSpnego, SaslMechanism::kGssapiKrb5}) {
    for (const auto& [verdict, code] : {std::pair(AuthorisationAnswer::kNo, 535),
                                        std::pair(AuthorisationAnswer::kUnavailable, 454)}) {
      KerberosPair pair;
      pair.client_config.mechanism = mechanism;
      pair.server_config.ask_authorisation = true;
      pair.verdict = verdict;
      pair.run();
      ASSERT_TRUE(pair.failure.has_value());
      EXPECT_EQ(pair.failure->reply.code, code);
      EXPECT_FALSE(pair.client_login || pair.server_login);
      EXPECT_EQ(pair.delivered, "");
      ASSERT_EQ(pair.refused.size(), 1u);
      EXPECT_STREQ(pair.refused[0].error.where, "authorisation");
      EXPECT_EQ(pair.refused[0].claimed, "alice@EXAMPLE.TEST");
    }
  }
}

}  // namespace
}  // namespace pocketgss
