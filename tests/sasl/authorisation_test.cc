// NeedAuthorisation: the server's application decides who of the authenticated may log in.
#include <gtest/gtest.h>

#include <pocketgss/sasl.h>

#include "tests/fakes/fake_context.h"

namespace pocketgss {
namespace {

using testing::FakeContexts;
using testing::FakeScript;

constexpr SaslMechanism kAll[] = {SaslMechanism::kGssapi, SaslMechanism::kGssSpnego,
                                  SaslMechanism::kNtlm};
constexpr auto kNo = AuthorisationAnswer::kNo;
constexpr auto kYes = AuthorisationAnswer::kYes;
constexpr auto kUnavailable = AuthorisationAnswer::kUnavailable;

struct Server {
  explicit Server(FakeScript script, SaslServerOptions options = {},
                  SaslMechanism mechanism = SaslMechanism::kGssapi) {
    options.ask_authorisation = true;
    script.info.initiator_name = "EXAMPLE\\alice";
    contexts.scripts.push_back(std::move(script));
    sasl = make_sasl_server(mechanism, contexts, {}, options).value();
  }
  // Each returns "334 token", "account user", "authorise name", "235" or "error: where".
  std::string step(std::string_view response) { return shown(sasl->step(as_bytes(response))); }
  std::string account(std::string_view key) {
    return shown(sasl->resume({Account{"alice", SecretBytes(key)}}));
  }
  std::string answer(AuthorisationAnswer answer) { return shown(sasl->authorise(answer)); }
  std::string shown(const Result<SaslServer::Step>& result) {
    if (!result.has_value()) return std::string("error: ") + result.error().where;
    const auto& step = result.value();
    if (const auto* need = std::get_if<NeedAccount>(&step)) return "account " + need->user;
    if (const auto* need = std::get_if<NeedAuthorisation>(&step)) {
      asked = need->report;
      return "authorise " + need->report.context.initiator_name;
    }
    if (const auto* success = std::get_if<SaslServer::Success>(&step)) {
      report = success->report;
      return "235";
    }
    return "334 " + std::string(as_text(std::get<SaslServer::Challenge>(step).token));
  }

  FakeContexts contexts;
  std::unique_ptr<SaslServer> sasl;
  SaslReport asked, report;
};

std::string wrap(std::string_view message) {
  std::string out = "WRAP";
  for (const char c : message) out.push_back(static_cast<char>(~c));
  return out;
}
const std::string kNoLayerMessage("\x01\x00\x00\x00", 4);
const std::string kAsked = "authorise EXAMPLE\\alice";

// A context whose last token is "final", as SPNEGO's with a mechListMIC.
FakeScript with_last_token() {
  return FakeScript().sends("challenge", "init").ends("answer", "final");
}

TEST(Authorisation, P23_IsAskedForBeforeTheLastToken) {
  Server server(with_last_token());
  EXPECT_EQ(server.step("init"), "334 challenge");
  EXPECT_EQ(server.step("answer"), kAsked);
  EXPECT_EQ(server.answer(kYes), "334 final");
  EXPECT_EQ(server.step(""), "235");
  EXPECT_EQ(server.report.context.initiator_name, "EXAMPLE\\alice");
}

TEST(Authorisation, AYesIsEnoughWhereThereIsNoLastToken) {
  for (const SaslMechanism mechanism : kAll) {
    Server server(FakeScript().sends("challenge").asks_account("answer", "alice").ends(), {},
                  mechanism);
    server.step("NTLMSSP");
    EXPECT_EQ(server.step("answer"), "account alice");
    EXPECT_EQ(server.account("alice"), kAsked);
    EXPECT_EQ(server.asked.mechanism, mechanism);
    EXPECT_EQ(server.asked.context.account_name, "alice");
    EXPECT_EQ(server.answer(kYes), "235");
  }
}

TEST(Authorisation, ComesBeforeAnEarlySuccess) {
  Server server(with_last_token(), {.early_success = true});
  server.step("init");
  EXPECT_EQ(server.step("answer"), kAsked);
  EXPECT_EQ(server.answer(kYes), "235");
  EXPECT_TRUE(server.report.early_success);
}

TEST(Authorisation, ComesAfterTheLayerStepWithTheAuthzid) {
  Server server(with_last_token(), {.layer_step = LayerStep::kAlways});
  server.step("init");
  EXPECT_EQ(server.step("answer"), "334 final");
  server.step("");
  EXPECT_EQ(server.step(wrap(kNoLayerMessage + "alice")), kAsked);
  EXPECT_EQ(server.asked.authzid, "alice");
  EXPECT_TRUE(server.asked.layer_step);
  EXPECT_EQ(server.answer(kYes), "235");
  EXPECT_EQ(server.report.authzid, "alice");
}

TEST(Authorisation, AnAuthzidOfAnotherIsRefusedUnasked) {
  Server server(FakeScript().ends("init"), {.layer_step = LayerStep::kAlways});
  server.step("init");
  EXPECT_EQ(server.step(wrap(kNoLayerMessage + "bob")), "error: authzid");
}

TEST(Authorisation, AWrongPasswordIsRefusedUnasked) {
  Server server(FakeScript().asks_account("answer", "alice").ends());
  server.step("answer");
  EXPECT_EQ(server.account("wrong"), "error: FakeContext: account");
  EXPECT_EQ(server.answer(kYes), "error: FakeContext: account");
}

TEST(Authorisation, AMissingBindingIsRefusedUnasked) {
  Server server(FakeScript().ends("init"));
  server.contexts.policy_value.channel_binding = BindingRequirement::kRequire;
  EXPECT_EQ(server.step("init"), "error: P5: channel binding required");
}

// An answer that is none of the three is no yes.
TEST(Authorisation, P23_AnythingButAYesIsARefusalForEver) {
  for (const bool layer_step : {false, true}) {
    for (const auto answer : {kNo, static_cast<AuthorisationAnswer>(7)}) {
      Server server(FakeScript().ends("init"),
                    {.layer_step = layer_step ? LayerStep::kAlways : LayerStep::kNever});
      server.step("init");
      if (layer_step) server.step(wrap(kNoLayerMessage));
      const Error refused{Errc::kAuthFailed, "authorisation", 0, 0};
      EXPECT_EQ(server.sasl->authorise(answer).error(), refused);
      EXPECT_EQ(server.sasl->authorise(kYes).error(), refused);
      EXPECT_EQ(server.sasl->step({}).error(), refused);
      EXPECT_EQ(server.sasl->take_layer(), nullptr);
    }
  }
}

TEST(Authorisation, WhoCannotTellNowIsUnreachable) {
  Server server(FakeScript().ends("init"));
  server.step("init");
  EXPECT_EQ(server.sasl->authorise(kUnavailable).error(),
            (Error{Errc::kUnreachable, "authorisation", 0, 0}));
}

TEST(Authorisation, ALayerIsThereOnlyAfterTheYes) {
  Server server(FakeScript().ends("init").protects(), {.layer = {kConfidentialityLayer}});
  server.step("init");
  EXPECT_EQ(server.step(wrap(std::string("\x04\x00\x10\x00", 4))), kAsked);
  EXPECT_EQ(server.sasl->take_layer(), nullptr);
  EXPECT_EQ(server.answer(kYes), "235");
  EXPECT_NE(server.sasl->take_layer(), nullptr);
}

TEST(Authorisation, CallsOutOfTurnChangeNothing) {
  Server server(FakeScript().sends("challenge").asks_account("answer", "alice").ends());
  const std::string not_asked = "error: authorise() where nothing was asked";
  EXPECT_EQ(server.answer(kYes), not_asked);
  EXPECT_EQ(server.step("init"), "334 challenge");
  EXPECT_EQ(server.answer(kYes), not_asked);
  EXPECT_EQ(server.step("answer"), "account alice");
  EXPECT_EQ(server.answer(kYes), not_asked);
  EXPECT_EQ(server.account("alice"), kAsked);
  EXPECT_EQ(server.step("answer"), "error: step() where it was not due");
  EXPECT_EQ(server.account("alice"), "error: resume() where nothing was asked");
  EXPECT_EQ(server.answer(kYes), "235");
  EXPECT_EQ(server.answer(kNo), not_asked);
}

}  // namespace
}  // namespace pocketgss
