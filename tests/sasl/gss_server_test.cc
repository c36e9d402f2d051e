// The server's side of GSSAPI, GSS-SPNEGO and NTLM, against a scripted context.
#include <gtest/gtest.h>

#include <pocketgss/sasl.h>

#include "tests/fakes/fake_context.h"

namespace pocketgss {
namespace {

using testing::FakeContexts;
using testing::FakeScript;

constexpr SaslMechanism kAll[] = {SaslMechanism::kGssapi, SaslMechanism::kGssSpnego,
                                  SaslMechanism::kNtlm};
constexpr std::string_view kSpnegoToken("\x60\x0c\x06\x06\x2b\x06\x01\x05\x05\x02\xa0\x02\x30\x00",
                                        14);

struct Server {
  explicit Server(FakeScript script, SaslServerOptions options = {},
                  SaslMechanism mechanism = SaslMechanism::kGssapi) {
    contexts.scripts.push_back(std::move(script));
    sasl = make_sasl_server(mechanism, contexts, {}, options).value();
  }
  // step returns "334 token", "account user", "235" or "error: where".
  std::string step(std::string_view response) { return shown(sasl->step(as_bytes(response))); }
  std::string account(std::string_view key) {
    return shown(sasl->resume({Account{"alice", SecretBytes(key)}}));
  }
  std::string shown(const Result<SaslServer::Step>& result) {
    if (!result.has_value()) return std::string("error: ") + result.error().where;
    const auto& step = result.value();
    if (const auto* need = std::get_if<NeedAccount>(&step)) return "account " + need->user;
    if (const auto* success = std::get_if<SaslServer::Success>(&step)) {
      report = success->report;
      return "235";
    }
    return "334 " + std::string(as_text(std::get<SaslServer::Challenge>(step).token));
  }

  FakeContexts contexts;
  std::unique_ptr<SaslServer> sasl;
  SaslReport report;
};

std::string wrap(std::string_view message) {
  std::string out = "WRAP";
  for (const char c : message) out.push_back(static_cast<char>(~c));
  return out;
}
const std::string kNoLayerMessage("\x01\x00\x00\x00", 4);

// A context whose last token is "final", as SPNEGO's with a mechListMIC.
FakeScript with_last_token() {
  return FakeScript().sends("challenge", "init").ends("answer", "final");
}

TEST(GssServer, SSEAN_S2_BindsSpnegoToGssapi) {
  for (const SaslMechanism mechanism : kAll) {
    Server server(FakeScript().sends("challenge"), {}, mechanism);
    server.step("NTLMSSP");
    const bool ntlm = mechanism == SaslMechanism::kNtlm;
    EXPECT_EQ(server.contexts.asked.at(0).kind,
              ntlm ? MechanismKind::kNtlm : MechanismKind::kSpnego);
  }
}

TEST(GssServer, SSEAN_W2_SendsTheLastTokenInOneMoreChallenge) {
  Server server(with_last_token());
  EXPECT_EQ(server.step("init"), "334 challenge");
  EXPECT_EQ(server.step("answer"), "334 final");
  EXPECT_EQ(server.step(""), "235");
  EXPECT_FALSE(server.report.early_success);
}

TEST(GssServer, SSEAN_W2_RefusesAnythingButAnEmptyLineAfterTheLastToken) {
  Server server(with_last_token());
  server.step("init");
  server.step("answer");
  EXPECT_EQ(server.step("x"), "error: SASL response where an empty one was due");
}

TEST(GssServer, SSEAN_W2_EarlySuccessTakesTheLastTokensPlace) {
  Server server(with_last_token(), {.early_success = true});
  server.step("init");
  EXPECT_EQ(server.step("answer"), "235");
  EXPECT_TRUE(server.report.early_success);
}

// An AP-REP is what the client waits for.
TEST(GssServer, SSEAN_W2_P11_EarlySuccessDoesNotTakeTheMechanismsTokensPlace) {
  for (const bool layer : {false, true}) {
    Server server(
        FakeScript().ends_with("AP-REP", "init"),
        {.early_success = true, .layer_step = layer ? LayerStep::kAlways : LayerStep::kNever});
    EXPECT_EQ(server.step("init"), "334 AP-REP");
    EXPECT_EQ(server.step(""), layer ? "334 " + wrap(kNoLayerMessage) : "235");
    EXPECT_FALSE(server.report.early_success);
  }
}

TEST(GssServer, SSEAN_W1_RunsNoLayerStepByDefault) {
  Server server(FakeScript().ends("init"));
  EXPECT_EQ(server.step("init"), "235");
  EXPECT_FALSE(server.report.layer_step);
}

TEST(GssServer, SSEAN_W1_RunsTheLayerStepWhereSet) {
  Server server(with_last_token(), {.layer_step = LayerStep::kAlways});
  server.step("init");
  EXPECT_EQ(server.step("answer"), "334 final");
  EXPECT_EQ(server.step(""), "334 " + wrap(kNoLayerMessage));
  EXPECT_EQ(server.step(wrap(kNoLayerMessage)), "235");
  EXPECT_TRUE(server.report.layer_step);
}

TEST(GssServer, SSEAN_W1_SendsTheOfferAtOnceWhereThereIsNoLastToken) {
  Server server(FakeScript().ends("init"), {.layer_step = LayerStep::kAlways});
  EXPECT_EQ(server.step("init"), "334 " + wrap(kNoLayerMessage));
}

// layer_answer runs the exchange up to the choice and gives it.
std::string layer_answer(const std::string& choice, std::string* authzid = nullptr,
                         const char* user = "alice") {
  FakeScript script = FakeScript().ends("init");
  script.info.initiator_name = std::string("EXAMPLE\\") + user;
  script.info.account_name = user;
  Server server(std::move(script), {.layer_step = LayerStep::kAlways});
  server.step("init");
  const std::string result = server.step(wrap(choice));
  if (authzid != nullptr) *authzid = server.report.authzid;
  return result;
}

TEST(GssServer, TakesAnAuthzidThatIsTheAuthenticatedNameItsUserPartOrNone) {
  for (const char* name : {"", "EXAMPLE\\alice", "alice", "Alice"}) {
    std::string authzid;
    EXPECT_EQ(layer_answer(kNoLayerMessage + name, &authzid), "235") << name;
    EXPECT_EQ(authzid, name);
  }
}

// Where the accounts are told apart by domain, "bob" is somebody else than LAB's bob.
TEST(GssServer, TheUserPartIsNobodysWhereTheAccountHasAnotherName) {
  for (const auto& [name, answer] :
       {std::pair("LAB\\bob", "235"), std::pair("lab-bob", "235"), std::pair("Lab-Bob", "235"),
        std::pair("bob", "error: authzid"), std::pair("LAB", "error: authzid")}) {
    FakeScript script = FakeScript().ends("init");
    script.info.initiator_name = "LAB\\bob";
    script.info.account_name = "lab-bob";
    Server server(std::move(script), {.layer_step = LayerStep::kAlways});
    server.step("init");
    EXPECT_EQ(server.step(wrap(kNoLayerMessage + std::string(name))), answer) << name;
  }
}

// C12: as the user file finds accounts.
TEST(GssServer, QuirkC12_ComparesAnAuthzidByTheUpperCaseOfAllLetters) {
  const char* user = "j\u00f6rg";
  for (const char* name : {"J\u00d6RG", "EXAMPLE\\J\u00f6rg", "example\\j\u00d6rg"})
    EXPECT_EQ(layer_answer(kNoLayerMessage + name, nullptr, user), "235") << name;
  for (const char* name : {"jorg", "jo\u0308rg", "J\xd6RG", "j\u00f6r"})
    EXPECT_EQ(layer_answer(kNoLayerMessage + name, nullptr, user), "error: authzid") << name;
  // One unit for one: ß has no upper case, and is not SS.
  EXPECT_EQ(layer_answer(kNoLayerMessage + std::string("STRASSE"), nullptr, "stra\u00dfe"),
            "error: authzid");
}

TEST(GssServer, RefusesAnyOtherAuthzid) {
  for (const char* name :
       {"bob", "EXAMPLE\\bob", "OTHER\\alice", "alice@EXAMPLE", "EXAMPLE", "ali", "alice ", " "}) {
    EXPECT_EQ(layer_answer(kNoLayerMessage + name), "error: authzid") << name;
  }
}

TEST(GssServer, TakesTheUserPartOfAPrincipalName) {
  FakeScript script = FakeScript().ends("init");
  script.info.initiator_name = "alice@EXAMPLE.TEST";
  Server server(std::move(script), {.layer_step = LayerStep::kAlways});
  server.step("init");
  EXPECT_EQ(server.step(wrap(kNoLayerMessage + "alice")), "235");
}

TEST(GssServer, QuirkA3_TakesANulAfterTheAuthzid) {
  EXPECT_EQ(layer_answer(kNoLayerMessage + std::string("alice\0", 6)), "235");
  EXPECT_EQ(layer_answer(kNoLayerMessage + std::string("\0", 1)), "235");
}

TEST(GssServer, QuirkA4_TakesAnyMaximumSizeInTheChoice) {
  EXPECT_EQ(layer_answer(std::string("\x01\x0f\xff\xff", 4)), "235");
}

TEST(GssServer, SMT_9_RefusesAShortChoice) {
  for (size_t size = 0; size < 4; ++size) {
    EXPECT_EQ(layer_answer(std::string(size, '\x01')), "error: security layer choice") << size;
  }
}

TEST(GssServer, SMT_9_RefusesALayerThatWasNotOffered) {
  for (const char layer : {'\x00', '\x02', '\x03', '\x04', '\x08', '\xff'}) {
    EXPECT_EQ(layer_answer(std::string{layer, 0, 0, 0}),
              "error: security layer choice: it was not offered");
  }
}

TEST(GssServer, SMT_13_RefusesControlCharactersInTheAuthzid) {
  for (const std::string_view name : {std::string_view("ali\0ce", 6), std::string_view("alice\r\n"),
                                      std::string_view("alice\0\0", 7)}) {
    Server server(FakeScript().ends("init"), {.layer_step = LayerStep::kAlways});
    server.step("init");
    const auto refused = server.sasl->step(as_bytes(wrap(kNoLayerMessage + std::string(name))));
    // Not merely another's name, which is kAuthFailed.
    EXPECT_EQ(refused.error(), (Error{Errc::kMalformed, "authzid", 4, 0}));
  }
}

TEST(GssServer, RefusesALayerStepWithoutIntegrity) {
  FakeScript script = FakeScript().ends("init");
  script.integrity = false;
  Server server(std::move(script), {.layer_step = LayerStep::kAlways});
  EXPECT_EQ(server.step("init"), "error: security layer: no integrity was negotiated");
}

TEST(GssServer, NtlmEndsWithSuccessAfterTheAccount) {
  Server server(
      FakeScript().sends("challenge", "NTLMSSP 1").asks_account("NTLMSSP 3", "alice").ends(),
      {.layer_step = LayerStep::kAlways}, SaslMechanism::kNtlm);
  EXPECT_EQ(server.step("NTLMSSP 1"), "334 challenge");
  EXPECT_EQ(server.step("NTLMSSP 3"), "account alice");
  EXPECT_EQ(server.account("alice"), "235");
  EXPECT_EQ(server.report.context.account_name, "alice");
}

TEST(GssServer, P20_NTL_10_AWrongKeyAndNoAccountAreTheSame) {
  for (const bool known : {false, true}) {
    Server server(FakeScript().asks_account("NTLMSSP 3", "alice").ends(), {}, SaslMechanism::kNtlm);
    server.step("NTLMSSP 3");
    const auto result = known ? server.sasl->resume({Account{"alice", SecretBytes("wrong")}})
                              : server.sasl->resume({});
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().code, Errc::kAuthFailed);
  }
}

TEST(GssServer, QuirkA27_TakesSpnegoUnderNtlmAndEndsAtOnce) {
  Server server(FakeScript().sends("challenge").ends("answer", "final"), {}, SaslMechanism::kNtlm);
  EXPECT_EQ(server.step(kSpnegoToken), "334 challenge");
  EXPECT_EQ(server.contexts.asked.at(0).kind, MechanismKind::kSpnego);
  EXPECT_EQ(server.step("answer"), "235");
  EXPECT_TRUE(server.report.early_success);
}

TEST(GssServer, QuirkA27_P11_UnderNtlmTooTheMechanismsTokenIsSent) {
  Server server(FakeScript().ends_with("AP-REP"), {}, SaslMechanism::kNtlm);
  EXPECT_EQ(server.step(kSpnegoToken), "334 AP-REP");
  EXPECT_EQ(server.step(""), "235");
  EXPECT_FALSE(server.report.early_success);
}

TEST(GssServer, QuirkA27_TakesALongNegTokenInitUnderNtlm) {
  const std::string longer =
      std::string("\x60\x82\x01\x00\x06\x06\x2b\x06\x01\x05\x05\x02", 12) + std::string(248, 'x');
  Server server(FakeScript().sends("challenge"), {}, SaslMechanism::kNtlm);
  server.step(longer);
  EXPECT_EQ(server.contexts.asked.at(0).kind, MechanismKind::kSpnego);
}

TEST(GssServer, QuirkA27_RefusesSpnegoUnderNtlmAtStrict) {
  Server server(FakeScript().sends("challenge"), {}, SaslMechanism::kNtlm);
  server.contexts.policy_value.level = PolicyLevel::kStrict;
  EXPECT_EQ(server.step(kSpnegoToken), "error: P1: SPNEGO token under AUTH NTLM (strict)");
  EXPECT_TRUE(server.contexts.asked.empty());
}

TEST(GssServer, QuirkA27_TakesNoOtherTokenForSpnego) {
  const std::string kerberos("\x60\x0d\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x01\x00", 15);
  for (const std::string& token : {kerberos, std::string("\x60"), std::string("\x60\x84"),
                                   std::string("\x60\xff\x06\x06"), std::string()}) {
    Server server(FakeScript().sends("challenge"), {}, SaslMechanism::kNtlm);
    server.step(token);
    EXPECT_EQ(server.contexts.asked.at(0).kind, MechanismKind::kNtlm);
  }
}

TEST(GssServer, QuirkA17_GivesAnEmptyTokenToTheContext) {
  Server server(FakeScript().sends("hints", ""));
  EXPECT_EQ(server.step(""), "334 hints");
}

TEST(GssServer, P5_CHB_2_RefusesEveryMechanismThatIsNotBoundWhereThatIsRequired) {
  for (const SaslMechanism mechanism : kAll) {
    Server server(FakeScript().ends("NTLMSSP"), {}, mechanism);
    server.contexts.policy_value.channel_binding = BindingRequirement::kRequire;
    EXPECT_EQ(server.step("NTLMSSP"), "error: P5: channel binding required");
  }
}

TEST(GssServer, P5_CHB_2_TakesEveryMechanismThatIsBound) {
  for (const SaslMechanism mechanism : kAll) {
    FakeScript script = FakeScript().ends("NTLMSSP");
    script.info.channel_bound = true;
    Server server(std::move(script), {}, mechanism);
    server.contexts.policy_value.channel_binding = BindingRequirement::kRequire;
    EXPECT_EQ(server.step("NTLMSSP"), "235");
  }
}

TEST(GssServer, GoesOnAfterACallOutOfTurnAndStaysSuccessful) {
  for (const SaslMechanism mechanism : kAll) {
    Server server(FakeScript().sends("challenge").asks_account("answer", "alice").ends(), {},
                  mechanism);
    EXPECT_EQ(server.account("alice"), "error: resume() where nothing was asked");
    EXPECT_EQ(server.step("NTLMSSP"), "334 challenge");
    EXPECT_EQ(server.account("alice"), "error: resume() where nothing was asked");
    EXPECT_EQ(server.step("answer"), "account alice");
    EXPECT_EQ(server.step("answer"), "error: step() where it was not due");
    EXPECT_EQ(server.account("alice"), "235");
    EXPECT_EQ(server.sasl->step({}).error().code, Errc::kApiMisuse);
    EXPECT_EQ(server.sasl->resume({}).error().code, Errc::kApiMisuse);
  }
}

TEST(GssServer, ASuccessKeepsItsLayerAfterACallOutOfTurn) {
  Server server(FakeScript().ends("init").protects(), {.layer = {kConfidentialityLayer}});
  EXPECT_EQ(server.step("init"), "334 " + wrap(std::string("\x04\x01\x00\x00", 4)));
  EXPECT_EQ(server.step(wrap(std::string("\x04\x00\x10\x00", 4))), "235");
  EXPECT_EQ(server.sasl->step({}).error().code, Errc::kApiMisuse);
  EXPECT_NE(server.sasl->take_layer(), nullptr);
}

TEST(GssServer, GivesTheSameErrorForEverAfter) {
  Server server(FakeScript().fails(Errc::kAuthFailed, "MIC"));
  const Error error{Errc::kAuthFailed, "MIC", 7, 0};
  EXPECT_EQ(server.sasl->step(as_bytes("x")).error(), error);
  EXPECT_EQ(server.sasl->step(as_bytes("x")).error(), error);
  EXPECT_EQ(server.sasl->resume({}).error(), error);
}

}  // namespace
}  // namespace pocketgss
