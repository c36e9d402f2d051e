// The acceptor against tokens made by hand.
#include "mechs/spnego/acceptor.h"

#include <gtest/gtest.h>

#include "asn1/writer.h"
#include "mechs/gss_token.h"
#include "mechs/oids.h"
#include "mechs/spnego/token.h"
#include "tests/mechs/spnego/oids.h"
#include "tests/mechs/spnego/pair.h"
#include "tests/support/hex.h"
#include "tests/support/vector_file.h"

namespace pocketgss::mechs::spnego {
namespace {

using testing::FakeCounters;
using testing::FakeMechanism;
using testing::FakeRole;
using testing::hex;
using testing::kFirstOid;
using testing::kLegacyOid;
using testing::kSecondOid;
using testing::kUnknownOid;
using testing::MechanismScript;
using testing::unhex;

Error misbehaved(const char* where) {
  return Error{Errc::kPeerMisbehaved, where, 0, 0};
}

// Init writes NegTokenInits field by field.
struct Init {
  std::vector<asn1::Oid> mechs = {};
  std::optional<Bytes> token = std::nullopt;
  std::optional<Bytes> mic = std::nullopt;

  Bytes encoded() const {
    asn1::Writer list(256);
    list.nest(asn1::kSequence, [&](asn1::Writer& out) {
      for (const asn1::Oid mech : mechs) out.oid(mech);
    });
    const Bytes der = std::move(list).take().value();
    NegTokenInit init;
    init.mech_types = MechTypeList::parse(der).value();
    if (token) init.mech_token = ByteView(*token);
    if (mic) init.mech_list_mic = ByteView(*mic);
    return encode(init).value();
  }
};

class SpnegoAcceptor : public ::testing::Test {
 protected:
  SpnegoAcceptor() {
    one.name = "FAKE1";
    two.name = "FAKE2";
  }

  void make(bool bare_tokens = true) {
    entries = {testing::fake_entry(one, FakeRole::kAcceptor, {kFirstOid, kLegacyOid}, &counters),
               testing::fake_entry(two, FakeRole::kAcceptor, {kSecondOid}, &counters)};
    AcceptorConfig config;
    config.mechanisms = entries;
    config.bare_tokens = bare_tokens;
    acceptor = make_acceptor(testing::test_runtime(), config).value();
  }

  // first gives the first token, on a new acceptor.
  Result<MechanismStep> first(const Init& init) {
    make();
    return step(*acceptor, init.encoded());
  }
  Error refusal(const Result<MechanismStep>& result) {
    if (result.has_value()) return Error{Errc::kInternal, "not refused", 0, 0};
    EXPECT_STREQ(acceptor->state_name(), "Failed");
    EXPECT_EQ(step(*acceptor, {}).error(), result.error());
    EXPECT_EQ(resume(*acceptor, AccountAnswer{}).error(), result.error());
    return result.error();
  }

  Bytes token(size_t index) const { return FakeMechanism::token(one, index); }
  Init good_init() const { return {{kFirstOid}, token(0)}; }
  void start() { ASSERT_TRUE(first(good_init()).has_value()); }

  NegTokenResp sent(const Result<MechanismStep>& result) {
    const auto* next = std::get_if<Continue>(&result.value());
    sent_ = next != nullptr ? next->token : *std::get<Complete>(result.value()).token;
    return parse_neg_token_resp(sent_).value();
  }
  static Bytes resp(std::optional<NegState> state, std::optional<Bytes> token,
                    std::optional<Bytes> mic = std::nullopt,
                    std::optional<asn1::Oid> mech = std::nullopt) {
    NegTokenResp out;
    out.neg_state = state;
    out.supported_mech = mech;
    if (token) out.response_token = ByteView(*token);
    if (mic) out.mech_list_mic = ByteView(*mic);
    return encode(out).value();
  }

  MechanismScript one, two;
  FakeCounters counters;
  std::vector<MechanismEntry> entries;
  std::unique_ptr<Mechanism> acceptor;

 private:
  Bytes sent_;
};

TEST(SpnegoAcceptorConfig, NeedsAMechanism) {
  EXPECT_EQ(make_acceptor(testing::test_runtime(), {}).error().code, Errc::kApiMisuse);
}

// --- The first token ---

TEST_F(SpnegoAcceptor, SPN_3_SPN_9_P9_DealsWithTheVectors) {
  testing::run_vectors("spnego/refused.vec",
                       {{"Malformed NegTokenInit", testing::read_elsewhere},
                        {"Malformed NegTokenResp", testing::read_elsewhere},
                        {"Initiator", testing::read_elsewhere},
                        {"Acceptor", [&](testing::VectorBlock& block) {
                           block.word("Id");
                           const std::vector<MechanismEntry> ntlm_alone = {testing::fake_entry(
                               one, FakeRole::kAcceptor, {kNtlmOid}, &counters)};
                           AcceptorConfig config;
                           config.mechanisms = ntlm_alone;
                           auto side = make_acceptor(testing::test_runtime(), config).value();
                           const auto result = step(*side, block.bytes("Token"));
                           if (block.must_fail()) {
                             block.expect_error(result);
                             return;
                           }
                           ASSERT_TRUE(result.has_value()) << block.where();
                           EXPECT_EQ(sent(result).supported_mech, kNtlmOid);
                         }}});
  EXPECT_EQ(counters.steps, 0);  // no opaque token was looked into
}

TEST_F(SpnegoAcceptor, SPN_9_P9_SkipsNegoExAndTakesTheSecondMechanism) {
  const auto result = first({{kUnknownOid, kSecondOid}, unhex("4e45474f45585453")});
  EXPECT_EQ(sent(result).neg_state, NegState::kRequestMic);
  EXPECT_EQ(sent(result).supported_mech, kSecondOid);
  EXPECT_EQ(counters.steps, 0);
}

TEST_F(SpnegoAcceptor, QuirkB20_SkipsUserToUserAndTakesTheSecondMechanism) {
  // 1.2.840.113554.1.2.2.3
  const Bytes user_to_user = unhex("2a864886f71201020203");
  const auto result = first({{asn1::Oid{ByteView(user_to_user)}, kSecondOid}, token(0)});
  EXPECT_EQ(sent(result).supported_mech, kSecondOid);
  EXPECT_EQ(counters.steps, 0);
}

TEST_F(SpnegoAcceptor, SPN_3_RefusesOnlyUnknownMechanisms) {
  EXPECT_EQ(refusal(first({{kUnknownOid}, token(0)})),
            (Error{Errc::kPeerIncompatible, "NegTokenInit.mechTypes", 0, 0}));
  EXPECT_EQ(refusal(first({{kUnknownOid}})).code, Errc::kPeerIncompatible);
}

TEST_F(SpnegoAcceptor, ANegTokenInitWithoutATokenIsAnsweredByTheChoice) {
  const auto result = first({{kFirstOid}});
  EXPECT_EQ(sent(result).neg_state, NegState::kAcceptIncomplete);
  EXPECT_EQ(sent(result).supported_mech, kFirstOid);
  EXPECT_FALSE(sent(result).response_token.has_value());
  ASSERT_TRUE(step(*acceptor, resp(std::nullopt, token(0))).has_value());
}

TEST_F(SpnegoAcceptor, AnEmptyMechTokenStandsForNone) {
  ASSERT_TRUE(first({{kFirstOid}, Bytes()}).has_value());
  EXPECT_EQ(counters.steps, 0);
}

TEST_F(SpnegoAcceptor, QuirkB8_TheLegacyOidAsPreferredNeedsNoRequestMic) {
  const auto result = first({{kLegacyOid, kFirstOid}, token(0)});
  EXPECT_EQ(sent(result).neg_state, NegState::kAcceptIncomplete);
  EXPECT_EQ(sent(result).supported_mech, kLegacyOid);
}

TEST_F(SpnegoAcceptor, QuirkB8_TheLegacyOidAloneIsTaken) {
  EXPECT_EQ(sent(first({{kLegacyOid}, token(0)})).supported_mech, kLegacyOid);
}

TEST_F(SpnegoAcceptor, QuirkB23_IgnoresReqFlags) {
  make();
  const Bytes first_token = token(0);
  const Bytes list = unhex("300406022a01"), flags = unhex("0176");
  NegTokenInit init;
  init.mech_types = MechTypeList::parse(list).value();
  init.req_flags = ByteView(flags);
  init.mech_token = ByteView(first_token);
  EXPECT_TRUE(step(*acceptor, encode(init).value()).has_value());
}

TEST_F(SpnegoAcceptor, QuirkB25_RefusesAnEmptyMechTypes) {
  make();
  EXPECT_EQ(refusal(step(*acceptor, unhex("601006062b0601050502a0063004a0023000"))),
            (Error{Errc::kMalformed, "NegTokenInit.mechTypes", 16, 0}));
}

TEST_F(SpnegoAcceptor, QuirkB26_RefusesANegTokenInitWithoutItsFrame) {
  make();
  EXPECT_EQ(refusal(step(*acceptor, unhex("a00a3008a006300406022a01"))).code, Errc::kMalformed);
}

TEST_F(SpnegoAcceptor, RefusesTheMechanismsReasonWhenTheOptimisticTokenIsBad) {
  EXPECT_EQ(refusal(first({{kFirstOid, kSecondOid}, unhex("6000")})),
            (Error{Errc::kAuthFailed, "FakeMechanism token", 0, 0}));
}

TEST_F(SpnegoAcceptor, RefusesAMechListMicBesideAnUnfinishedMechanism) {
  EXPECT_EQ(refusal(first({{kFirstOid}, token(0), Bytes(16)})), misbehaved("mechListMIC"));
}

TEST_F(SpnegoAcceptor, RefusesAMechListMicWithoutAToken) {
  EXPECT_EQ(refusal(first({{kFirstOid}, std::nullopt, Bytes(16)})), misbehaved("mechListMIC"));
}

TEST_F(SpnegoAcceptor, RefusesAMechListMicBesideAnotherMechanismsToken) {
  EXPECT_EQ(refusal(first({{kUnknownOid, kFirstOid}, token(0), Bytes(16)})),
            misbehaved("mechListMIC"));
}

TEST_F(SpnegoAcceptor, RefusesAWrongMechListMicInNegTokenInit) {
  one.tokens = 1;
  EXPECT_EQ(refusal(first({{kFirstOid}, token(0), Bytes(16)})),
            (Error{Errc::kAuthFailed, "mechListMIC", 0, 0}));
}

TEST_F(SpnegoAcceptor, RefusesANegTokenRespAsFirstToken) {
  make();
  EXPECT_EQ(refusal(step(*acceptor, resp(NegState::kAcceptIncomplete, token(0)))).code,
            Errc::kMalformed);
}

TEST_F(SpnegoAcceptor, RefusesItsOwnNegTokenInit2) {
  make();
  const Bytes hints = std::get<Continue>(step(*acceptor, {}).value()).token;
  EXPECT_EQ(refusal(step(*acceptor, hints)).code, Errc::kMalformed);
}

// --- Speaking first ---

TEST_F(SpnegoAcceptor, QuirkB14_AnswersAnEmptyTokenWithNegHints) {
  make();
  const Bytes token = std::get<Continue>(step(*acceptor, {}).value()).token;
  const NegTokenInit2 hints = parse_neg_token_init2(token).value();
  EXPECT_EQ(hex(hints.mech_types.der()), "300c06022a0106022a0306022a02");
  EXPECT_EQ(*hints.neg_hints->hint_name, "not_defined_in_RFC4178@please_ignore");
  EXPECT_TRUE(step(*acceptor, good_init().encoded()).has_value());
}

TEST_F(SpnegoAcceptor, SPN_1_RefusesASecondEmptyToken) {
  make();
  ASSERT_TRUE(step(*acceptor, {}).has_value());
  EXPECT_EQ(refusal(step(*acceptor, {})).code, Errc::kMalformed);
}

// --- Bare tokens (quirk B17) ---

TEST_F(SpnegoAcceptor, QuirkB17_TakesAMechanismsTokenWithoutSpnego) {
  one.name = "FAKE";
  one.asks_account = true;
  make();
  const auto challenge = step(*acceptor, token(0));
  EXPECT_EQ(hex(std::get<Continue>(challenge.value()).token), hex(token(1)));
  EXPECT_STREQ(acceptor->state_name(), "Bare");
  ASSERT_TRUE(std::holds_alternative<NeedAccount>(step(*acceptor, token(2)).value()));
  auto done = resume(*acceptor, AccountAnswer{Account{"a", SecretBytes()}});
  const Complete& complete = std::get<Complete>(done.value());
  EXPECT_FALSE(complete.token.has_value());
  EXPECT_FALSE(complete.protection->info.mech_list_mic_verified);
  EXPECT_STREQ(acceptor->state_name(), "Established");
}

TEST_F(SpnegoAcceptor, QuirkB17_TakesABareTokenAfterItsHints) {
  make();
  ASSERT_TRUE(step(*acceptor, {}).has_value());
  EXPECT_TRUE(step(*acceptor, token(0)).has_value());
}

TEST_F(SpnegoAcceptor, QuirkB17_ABareExchangeThatFailsStaysFailed) {
  make();
  ASSERT_TRUE(step(*acceptor, token(0)).has_value());
  EXPECT_EQ(refusal(step(*acceptor, token(1))).code, Errc::kAuthFailed);
}

TEST_F(SpnegoAcceptor, RefusesBareTokensWhereTheyAreNotTaken) {
  make(false);
  EXPECT_EQ(refusal(step(*acceptor, token(0))).code, Errc::kPeerIncompatible);
}

TEST_F(SpnegoAcceptor, RefusesABareTokenThatNobodyRecognises) {
  make();
  EXPECT_EQ(refusal(step(*acceptor, unhex("4e544c4d53535000"))).code, Errc::kMalformed);
}

// A mechanism that recognises everything does not get what says it is SPNEGO.
TEST_F(SpnegoAcceptor, RefusesABrokenSpnegoTokenThoughAMechanismRecognisesIt) {
  make();
  entries[0].recognises = [](ByteView) { return true; };
  EXPECT_EQ(refusal(step(*acceptor, unhex("600a06062b0601050502a000"))).code, Errc::kMalformed);
  EXPECT_EQ(counters.made, 0);
}

// --- Later tokens ---

TEST_F(SpnegoAcceptor, SPN_1_RefusesShortSecondTokens) {
  for (const char* token : {"", "a1", "a100", "a1023000", "6000", "00"}) {
    start();
    const Error error = refusal(step(*acceptor, unhex(token)));
    EXPECT_TRUE(error.code == Errc::kMalformed || error.code == Errc::kPeerMisbehaved) << token;
  }
}

TEST_F(SpnegoAcceptor, SPN_1_RefusesShortTokensInEveryStateThatWaits) {
  struct Waiting {
    const char* state;
    std::function<void()> reach;
  };
  const std::vector<Waiting> all = {
      {"AwaitInit",
       [&] {
         make();
         ASSERT_TRUE(step(*acceptor, {}).has_value());
       }},
      {"AwaitToken", [&] { start(); }},
      {"AwaitToken", [&] { ASSERT_TRUE(first({{kFirstOid}}).has_value()); }},
      {"AwaitToken", [&] { ASSERT_TRUE(first({{kUnknownOid, kFirstOid}, token(0)}).has_value()); }},
      {"AwaitToken",
       [&] {  // a later leg
         one.tokens = 5;
         start();
         ASSERT_TRUE(step(*acceptor, resp(std::nullopt, token(2))).has_value());
       }},
      {"AwaitMic",
       [&] {
         one.tokens = 2;
         one.wants_mic = true;
         start();
       }},
      {"Bare",
       [&] {
         make();
         ASSERT_TRUE(step(*acceptor, token(0)).has_value());
       }},
  };
  const MechanismScript usual = one;
  for (const Waiting& waiting : all) {
    for (const Bytes& short_token : testing::short_tokens()) {
      one = usual;
      ASSERT_NO_FATAL_FAILURE(waiting.reach());
      ASSERT_STREQ(acceptor->state_name(), waiting.state);
      const Errc code = refusal(step(*acceptor, short_token)).code;
      // What a bare mechanism says of a token is its own affair.
      const bool inner = code == Errc::kAuthFailed && waiting.state == std::string_view("Bare");
      EXPECT_TRUE(code == Errc::kMalformed || code == Errc::kPeerMisbehaved || inner)
          << waiting.state << " " << hex(short_token);
    }
  }
}

TEST_F(SpnegoAcceptor, RefusesASecondNegTokenInit) {
  start();
  EXPECT_EQ(refusal(step(*acceptor, good_init().encoded())).code, Errc::kMalformed);
}

TEST_F(SpnegoAcceptor, RefusesAMissingResponseToken) {
  start();
  EXPECT_EQ(refusal(step(*acceptor, resp(NegState::kAcceptIncomplete, std::nullopt))),
            misbehaved("NegTokenResp.responseToken"));
}

TEST_F(SpnegoAcceptor, QuirkB7_RefusesRequestMicFromAnInitiator) {
  start();
  EXPECT_EQ(refusal(step(*acceptor, resp(NegState::kRequestMic, token(2)))),
            misbehaved("NegTokenResp.negState"));
}

TEST_F(SpnegoAcceptor, RefusesSupportedMechFromAnInitiator) {
  start();
  EXPECT_EQ(refusal(step(*acceptor,
                         resp(NegState::kAcceptIncomplete, token(2), std::nullopt, kFirstOid))),
            misbehaved("NegTokenResp.supportedMech"));
}

TEST_F(SpnegoAcceptor, RejectFromAnInitiatorIsARefusal) {
  start();
  EXPECT_EQ(refusal(step(*acceptor, resp(NegState::kReject, token(2)))),
            (Error{Errc::kAuthFailed, "NegTokenResp.negState", 0, 0}));
}

TEST_F(SpnegoAcceptor, TakesEitherStateFromAnInitiatorOrNone) {
  for (const auto state : {std::optional<NegState>(), std::optional(NegState::kAcceptIncomplete),
                           std::optional(NegState::kAcceptCompleted)}) {
    start();
    EXPECT_TRUE(step(*acceptor, resp(state, token(2))).has_value());
  }
}

TEST_F(SpnegoAcceptor, RefusesAMechListMicBeforeTheMechanismIsComplete) {
  one.tokens = 5;
  start();
  EXPECT_EQ(refusal(step(*acceptor, resp(std::nullopt, token(2), Bytes(16)))),
            misbehaved("mechListMIC"));
}

TEST_F(SpnegoAcceptor, RefusesAMechListMicBeforeItsOwnLastToken) {
  one.tokens = 4;
  start();
  EXPECT_EQ(refusal(step(*acceptor, resp(std::nullopt, token(2), Bytes(16)))),
            misbehaved("mechListMIC"));
}

TEST_F(SpnegoAcceptor, QuirkB9_IgnoresAMicEqualToTheResponseToken) {
  start();
  const auto done = step(*acceptor, resp(std::nullopt, token(2), token(2)));
  EXPECT_FALSE(sent(done).mech_list_mic.has_value());
  EXPECT_FALSE(std::get<Complete>(done.value()).protection->info.mech_list_mic_verified);
}

TEST_F(SpnegoAcceptor, P8_RefusesAMissingMechListMicThatTheMechanismWants) {
  one.wants_mic = true;
  start();
  EXPECT_EQ(refusal(step(*acceptor, resp(std::nullopt, token(2)))),
            (Error{Errc::kAuthFailed, "mechListMIC", 0, 0}));
}

TEST_F(SpnegoAcceptor, RefusesAMechListMicLongerThanAnyOfOurs) {
  one.asks_account = true;
  start();
  EXPECT_EQ(refusal(step(*acceptor, resp(std::nullopt, token(2), Bytes(65)))).code,
            Errc::kAuthFailed);
}

// --- The initiator's mechListMIC after our last token ---

class SpnegoAcceptorMic : public SpnegoAcceptor {
 protected:
  void SetUp() override {
    one.tokens = 2;
    one.wants_mic = true;
    start();
    ASSERT_STREQ(acceptor->state_name(), "AwaitMic");
  }
};

TEST_F(SpnegoAcceptorMic, RefusesAnAnswerWithoutIt) {
  EXPECT_EQ(refusal(step(*acceptor, resp(NegState::kAcceptCompleted, std::nullopt))),
            (Error{Errc::kAuthFailed, "mechListMIC", 0, 0}));
}

TEST_F(SpnegoAcceptorMic, RefusesAWrongOne) {
  EXPECT_EQ(refusal(step(*acceptor, resp(NegState::kAcceptCompleted, std::nullopt, Bytes(16)))),
            (Error{Errc::kAuthFailed, "mechListMIC", 0, 0}));
  EXPECT_EQ(acceptor->take_protection(), nullptr);
}

TEST_F(SpnegoAcceptorMic, RefusesATokenBesideIt) {
  EXPECT_EQ(refusal(step(*acceptor, resp(NegState::kAcceptCompleted, unhex("01"), Bytes(16)))),
            misbehaved("NegTokenResp.responseToken"));
}

TEST_F(SpnegoAcceptorMic, RefusesAnEmptyAnswer) {
  EXPECT_EQ(refusal(step(*acceptor, {})).code, Errc::kMalformed);
}

// --- Calls out of turn ---

TEST_F(SpnegoAcceptor, SPN_10_RefusesAStepWhileAnAccountIsAsked) {
  one.asks_account = true;
  start();
  ASSERT_TRUE(step(*acceptor, resp(std::nullopt, token(2))).has_value());
  EXPECT_STREQ(acceptor->state_name(), "AwaitAnswer");
  EXPECT_EQ(refusal(step(*acceptor, resp(std::nullopt, token(2)))).code, Errc::kApiMisuse);
}

TEST_F(SpnegoAcceptor, SPN_10_RefusesAResumeThatNobodyAskedFor) {
  start();
  EXPECT_EQ(refusal(resume(*acceptor, AccountAnswer{})).code, Errc::kApiMisuse);
}

TEST_F(SpnegoAcceptor, SPN_10_RefusesAStepAfterItIsEstablished) {
  start();
  ASSERT_TRUE(step(*acceptor, resp(std::nullopt, token(2))).has_value());
  EXPECT_EQ(refusal(step(*acceptor, resp(std::nullopt, token(2)))).code, Errc::kApiMisuse);
}

TEST_F(SpnegoAcceptor, SPN_10_AnAcceptorHasNoEarlySuccess) {
  start();
  EXPECT_EQ(peer_done(*acceptor).error().code, Errc::kPeerMisbehaved);
  EXPECT_FALSE(acceptor->proof_sent());
}

// SPN-11: destroyed in any state, with the sanitizers watching.
TEST_F(SpnegoAcceptor, SPN_11_MayBeDestroyedInEveryState) {
  one.asks_account = true;
  make();
  acceptor.reset();
  start();
  acceptor.reset();
  start();
  ASSERT_TRUE(step(*acceptor, resp(std::nullopt, token(2))).has_value());
  acceptor.reset();
}

}  // namespace
}  // namespace pocketgss::mechs::spnego
