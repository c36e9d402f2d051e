// The client's side of GSSAPI, GSS-SPNEGO and NTLM, against a scripted context.
#include <gtest/gtest.h>

#include <pocketgss/sasl.h>

#include "tests/fakes/fake_context.h"

namespace pocketgss {
namespace {

using testing::FakeContexts;
using testing::FakeScript;
using testing::text_bytes;

constexpr SaslMechanism kAll[] = {SaslMechanism::kGssapi, SaslMechanism::kGssSpnego,
                                  SaslMechanism::kNtlm};

struct Client {
  explicit Client(FakeScript script, SaslMechanism mechanism = SaslMechanism::kGssapi,
                  SaslClientOptions options = {}) {
    contexts.policy_value.inner = {InnerMechanism::kNtlm};
    contexts.scripts.push_back(std::move(script));
    sasl = make_sasl_client(mechanism, contexts, {}, options).value();
  }
  // step returns the response as text; "error: where" for an error, "kdc" where a KDC is asked.
  std::string step(std::string_view challenge) { return shown(sasl->step(as_bytes(challenge))); }
  static std::string shown(const Result<SaslClient::Step>& result) {
    if (!result.has_value()) return std::string("error: ") + result.error().where;
    if (std::holds_alternative<NeedExchange>(result.value())) return "kdc";
    return std::string(as_text(std::get<SaslClient::Response>(result.value()).token));
  }

  FakeContexts contexts;
  std::unique_ptr<SaslClient> sasl;
};

// wrap is FakeContext's wrap.
std::string wrap(std::string_view message) {
  std::string out = "WRAP";
  for (const char c : message) out.push_back(static_cast<char>(~c));
  return out;
}
constexpr std::string_view kNoLayerOffer("\x01\x00\x00\x00", 4);

TEST(SaslNames, SSEAN_N1_QuirkA14_AreFoundWithoutRegardToCase) {
  EXPECT_EQ(sasl_name(SaslMechanism::kGssapi), "GSSAPI");
  for (const char* name : {"GSSAPI", "gssapi", "GssApi"})
    EXPECT_EQ(sasl_mechanism(name), SaslMechanism::kGssapi);
  for (const char* name : {"NTLM", "ntlm"}) EXPECT_EQ(sasl_mechanism(name), SaslMechanism::kNtlm);
  EXPECT_EQ(sasl_mechanism("gss-spnego"), SaslMechanism::kGssSpnego);
  for (const char* name : {"", "GSSAPI ", "PLAIN", "LOGIN", "MSN", "GS2-KRB5", "GSSAP"}) {
    EXPECT_FALSE(sasl_mechanism(name).has_value()) << name;
  }
}

TEST(GssClient, SSEAN_C1_BindsSpnegoToGssapi) {
  for (const SaslMechanism mechanism : kAll) {
    Client client(FakeScript().sends("token"), mechanism);
    const bool ntlm = mechanism == SaslMechanism::kNtlm;
    EXPECT_EQ(client.contexts.asked.at(0).kind,
              ntlm ? MechanismKind::kNtlm : MechanismKind::kSpnego);
  }
}

TEST(GssClient, QuirkA22_AsksForALayerUnderGssapiAlone) {
  for (const SaslMechanism mechanism : kAll) {
    Client client(FakeScript().sends("token"), mechanism);
    EXPECT_EQ(client.contexts.asked.at(0).exact_layers, mechanism != SaslMechanism::kGssapi);
  }
}

// Bare Kerberos without mutual authentication: the context is established by its first token.
TEST(GssClient, P8_QuirkA20_AChallengeAfterTheLastTokenSaysThatItWasTaken) {
  Client client(FakeScript().ends(std::nullopt, "AP-REQ"), SaslMechanism::kGssapiKrb5);
  EXPECT_EQ(client.step(""), "AP-REQ");
  EXPECT_FALSE(client.sasl->proof_sent());
  client.step("no offer");
  EXPECT_TRUE(client.sasl->proof_sent());
}

TEST(GssClient, SSEAN_W1_TakesSuccessRightAwayAfterItsLastToken) {
  Client client(FakeScript().sends("init").ends("challenge", "last"));
  EXPECT_EQ(client.step(""), "init");
  EXPECT_EQ(client.step("challenge"), "last");
  const auto report = client.sasl->success();
  ASSERT_TRUE(report.has_value());
  EXPECT_FALSE(report.value().layer_step);
  EXPECT_FALSE(report.value().early_success);
}

TEST(GssClient, QuirkA10_AnswersALastTokenWithNothingOnce) {
  Client client(FakeScript().sends("init").ends("final"));
  client.step("");
  EXPECT_EQ(client.step("final"), "");
  EXPECT_TRUE(client.sasl->success().has_value());
}

TEST(GssClient, SSEAN_W1_QuirkA1_AnswersTheLayerOfferWithNoLayer) {
  Client client(FakeScript().sends("init").ends("final"));
  client.step("");
  client.step("final");
  EXPECT_EQ(client.step(wrap(kNoLayerOffer)), wrap(kNoLayerOffer));
  const auto report = client.sasl->success();
  ASSERT_TRUE(report.has_value());
  EXPECT_TRUE(report.value().layer_step);
}

TEST(GssClient, QuirkA2_QuirkD27_SendsFourOctetsAndAnEmptyAuthzid) {
  Client client(FakeScript().ends(std::nullopt, "only"));
  client.step("");
  EXPECT_EQ(client.step(wrap(kNoLayerOffer)).size(), 4 + 4u);  // FakeContext adds four
}

TEST(GssClient, SSEAN_W1_SendsTheAuthzidThatTheCallerGave) {
  Client client(FakeScript().ends(std::nullopt, "only"), SaslMechanism::kGssapi, {"bob"});
  client.step("");
  EXPECT_EQ(client.step(wrap(kNoLayerOffer)), wrap(std::string(kNoLayerOffer) + "bob"));
}

TEST(GssClient, QuirkA4_SMT_9_TakesAnyMaximumSizeWithNoLayer) {
  for (const std::string_view offer :
       {std::string_view("\x01\x00\xbb\x80", 4), std::string_view("\x01\xff\xff\xff", 4),
        std::string_view("\x07\x00\x10\x00", 4)}) {
    Client client(FakeScript().ends(std::nullopt, "only"));
    client.step("");
    EXPECT_EQ(client.step(wrap(offer)), wrap(kNoLayerOffer));
  }
}

TEST(GssClient, SMT_9_RefusesAnOfferWithoutNoLayer) {
  for (const char layers : {'\x00', '\x02', '\x06', '\xfe'}) {
    Client client(FakeScript().ends(std::nullopt, "only"));
    client.step("");
    EXPECT_EQ(client.step(wrap(std::string{layers, 0, 0, 0})),
              "error: security layer offer: \"no layer\" is not in it");
  }
}

TEST(GssClient, QuirkA2_SMT_9_RefusesAnOfferOfAnyOtherLength) {
  for (const size_t size : {0u, 1u, 2u, 3u, 5u, 100u}) {
    Client client(FakeScript().ends(std::nullopt, "only"));
    client.step("");
    EXPECT_EQ(client.step(wrap(std::string(size, '\x01'))), "error: security layer offer") << size;
  }
}

TEST(GssClient, SSEAN_W1_SSEAN_X1_RefusesAnOfferThatIsNotWrapped) {
  Client client(FakeScript().ends(std::nullopt, "only"));
  client.step("");
  EXPECT_EQ(client.step(kNoLayerOffer), "error: FakeContext: unwrap");
}

TEST(GssClient, SSEAN_W1_TellsThatALayerStepNeedsIntegrity) {
  FakeScript script = FakeScript().ends(std::nullopt, "only");
  script.integrity = false;
  Client client(std::move(script));
  client.step("");
  EXPECT_EQ(client.sasl->step(as_bytes(wrap(kNoLayerOffer))).error(),
            (Error{Errc::kPeerIncompatible, "security layer: no integrity was negotiated", 0, 0}));
}

TEST(GssClient, SSEAN_W1_RefusesASecondOffer) {
  Client client(FakeScript().ends(std::nullopt, "only"));
  client.step("");
  client.step(wrap(kNoLayerOffer));
  EXPECT_EQ(client.step(wrap(kNoLayerOffer)),
            "error: SASL challenge after the exchange was complete");
}

TEST(GssClient, QuirkA22_TakesTheLayerStepUnderGssSpnegoToo) {
  Client client(FakeScript().ends(std::nullopt, "only"), SaslMechanism::kGssSpnego);
  client.step("");
  EXPECT_EQ(client.step(wrap(kNoLayerOffer)), wrap(kNoLayerOffer));
}

TEST(GssClient, QuirkB12_AnswersOneEmptyChallengeAfterItsLastTokenWithNothing) {
  Client client(FakeScript().sends("init").ends("challenge", "last"));
  client.step("");
  client.step("challenge");
  EXPECT_EQ(client.step(""), "");
  EXPECT_EQ(client.step(""), "error: FakeContext: unwrap");
}

TEST(GssClient, RefusesAChallengeAfterAuthenticateUnderNtlm) {
  Client client(FakeScript().sends("negotiate").ends("challenge", "authenticate"),
                SaslMechanism::kNtlm);
  client.step("");
  EXPECT_EQ(client.step("challenge"), "authenticate");
  EXPECT_EQ(client.step(wrap(kNoLayerOffer)), "error: SASL challenge after AUTHENTICATE_MESSAGE");
}

TEST(GssClient, SSEAN_W2_P8_TakesAnEarlySuccessWhereTheContextDoesAndReportsIt) {
  Client client(FakeScript().sends("init").sends("last", "challenge").early_success_allowed());
  client.step("");
  client.step("challenge");
  const auto report = client.sasl->success();
  ASSERT_TRUE(report.has_value());
  EXPECT_TRUE(report.value().early_success);
}

TEST(GssClient, SSEAN_W2_P8_RefusesAnEarlySuccessWhereTheContextDoes) {
  FakeScript script = FakeScript().sends("init").sends("last", "challenge");
  script.peer_done = Error{Errc::kPolicy, "P8", 0, 0};
  Client client(std::move(script));
  client.step("");
  client.step("challenge");
  EXPECT_EQ(client.sasl->success().error(), (Error{Errc::kPolicy, "P8", 0, 0}));
}

TEST(GssClient, PassesAKdcExchangeThrough) {
  Client client(FakeScript().asks_kdc("as-req").sends("init", "as-rep"));
  EXPECT_EQ(client.step(""), "kdc");
  EXPECT_EQ(Client::shown(client.sasl->resume({text_bytes("as-rep")})), "init");
}

TEST(GssClient, GoesOnAfterACallOutOfTurn) {
  Client client(FakeScript().asks_kdc("as-req").sends("init", "as-rep").ends("challenge"));
  EXPECT_EQ(client.sasl->resume({text_bytes("as-rep")}).error().code, Errc::kApiMisuse);
  EXPECT_EQ(client.step(""), "kdc");
  EXPECT_EQ(client.sasl->step(as_bytes("challenge")).error().code, Errc::kApiMisuse);
  EXPECT_EQ(client.sasl->success().error().code, Errc::kApiMisuse);
  EXPECT_EQ(Client::shown(client.sasl->resume({text_bytes("as-rep")})), "init");
  EXPECT_EQ(client.sasl->resume({text_bytes("as-rep")}).error().code, Errc::kApiMisuse);
  EXPECT_EQ(client.step("challenge"), "");
  EXPECT_EQ(client.sasl->resume({text_bytes("as-rep")}).error().code, Errc::kApiMisuse);
  EXPECT_TRUE(client.sasl->success().has_value());
}

TEST(GssClient, StaysSuccessfulAfterACallOutOfTurn) {
  Client client(FakeScript().sends("init").ends("challenge").protects(), SaslMechanism::kGssapi,
                {.layer = {kConfidentialityLayer}});
  client.step("");
  client.step("challenge");
  client.step(wrap(std::string("\x04\x00\x10\x00", 4)));
  ASSERT_TRUE(client.sasl->success().has_value());
  EXPECT_EQ(client.sasl->step({}).error().code, Errc::kApiMisuse);
  EXPECT_EQ(client.sasl->resume({}).error().code, Errc::kApiMisuse);
  EXPECT_EQ(client.sasl->success().error().code, Errc::kApiMisuse);
  EXPECT_NE(client.sasl->take_layer(), nullptr);
  EXPECT_EQ(client.sasl->step({}).error().code, Errc::kApiMisuse);
}

TEST(GssClient, GivesTheSameErrorForEverAfter) {
  Client client(FakeScript().fails(Errc::kMalformed, "NegTokenResp.negState"));
  const Error error{Errc::kMalformed, "NegTokenResp.negState", 7, 0};
  EXPECT_EQ(client.sasl->step({}).error(), error);
  EXPECT_EQ(client.sasl->step({}).error(), error);
  EXPECT_EQ(client.sasl->resume({}).error(), error);
  EXPECT_EQ(client.sasl->success().error(), error);
}

TEST(GssClient, P5_CHB_2_RunsNoMechanismWithoutARequiredBinding) {
  for (const SaslMechanism mechanism : kAll) {
    FakeContexts contexts;
    contexts.policy_value.inner = {InnerMechanism::kNtlm};
    contexts.policy_value.channel_binding = BindingRequirement::kRequire;
    contexts.scripts.push_back(FakeScript().sends("token"));
    const auto made = make_sasl_client(mechanism, contexts, {});
    ASSERT_FALSE(made.has_value());
    EXPECT_EQ(made.error(), (Error{Errc::kPolicy, "P5: channel binding required", 0, 0}));
    EXPECT_TRUE(contexts.asked.empty());
  }
}

TEST(GssClient, P1_RunsNtlmOnlyWhereItIsNamed) {
  FakeContexts contexts;
  contexts.scripts.push_back(FakeScript().sends("negotiate"));
  EXPECT_EQ(make_sasl_client(SaslMechanism::kNtlm, contexts, {}).error().code, Errc::kPolicy);
  EXPECT_TRUE(contexts.asked.empty());
}

TEST(GssClient, SMT_13_RefusesAnAuthzidWithLineEnds) {
  for (const std::string& authzid :
       {std::string("a\r\nb"), std::string("a\nb"), std::string("a\0b", 3)}) {
    FakeContexts contexts;
    contexts.scripts.push_back(FakeScript().sends("init"));
    EXPECT_EQ(make_sasl_client(SaslMechanism::kGssapi, contexts, {}, {authzid}).error().code,
              Errc::kApiMisuse);
  }
}

}  // namespace
}  // namespace pocketgss
