// The initiator against replies made by hand.
#include "mechs/spnego/initiator.h"

#include <gtest/gtest.h>

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
using testing::kSecondOid;
using testing::kUnknownOid;
using testing::MechanismScript;
using testing::unhex;

Error misbehaved(const char* where) {
  return Error{Errc::kPeerMisbehaved, where, 0, 0};
}

Bytes text(std::string_view words) {
  return as_bytes(words).to_bytes();
}

// Replies writes NegTokenResps field by field.
struct Reply {
  std::optional<NegState> state = NegState::kAcceptIncomplete;
  std::optional<asn1::Oid> mech = std::nullopt;
  std::optional<Bytes> token = std::nullopt;
  std::optional<Bytes> mic = std::nullopt;

  Bytes encoded() const {
    NegTokenResp out;
    out.neg_state = state;
    out.supported_mech = mech;
    if (token) out.response_token = ByteView(*token);
    if (mic) out.mech_list_mic = ByteView(*mic);
    return encode(out).value();
  }
};

class SpnegoInitiator : public ::testing::Test {
 protected:
  SpnegoInitiator() {
    one.name = "FAKE1";
    two.name = "FAKE2";
  }

  // start makes the initiator with both mechanisms and lets it send its NegTokenInit.
  void start(PolicyLevel level = PolicyLevel::kDefault) {
    make(level);
    ASSERT_TRUE(step(*initiator, {}).has_value());
  }
  void make(PolicyLevel level = PolicyLevel::kDefault) {
    entries = {testing::fake_entry(one, FakeRole::kInitiator, {kFirstOid}, &counters),
               testing::fake_entry(two, FakeRole::kInitiator, {kSecondOid}, &counters)};
    initiator = make_initiator(testing::test_runtime(), {entries, level}).value();
  }

  Result<MechanismStep> give(const Reply& reply) { return step(*initiator, reply.encoded()); }
  Error refusal(const Reply& reply) {
    auto result = give(reply);
    if (result.has_value()) return Error{Errc::kInternal, "not refused", 0, 0};
    // After an error the state stays Failed and every later call returns that same error.
    EXPECT_STREQ(initiator->state_name(), "Failed");
    EXPECT_EQ(step(*initiator, {}).error(), result.error());
    EXPECT_EQ(resume(*initiator, ExchangeAnswer{}).error(), result.error());
    EXPECT_EQ(peer_done(*initiator).error(), result.error());
    return result.error();
  }

  Bytes challenge() const { return FakeMechanism::token(one, 1); }
  Reply first_reply() const { return {NegState::kAcceptIncomplete, kFirstOid, challenge()}; }
  // Up to where the mechanism is complete and the acceptor's last NegTokenResp is awaited.
  void finish_mechanism() {
    start();
    ASSERT_TRUE(give(first_reply()).has_value());
    ASSERT_STREQ(initiator->state_name(), "AwaitLastReply");
  }
  // The acceptor's mechListMIC over `list`.
  Bytes acceptor_mic(const MechanismScript& script, ByteView list) {
    Bytes transcript;
    for (size_t i = 0; i < script.tokens; ++i) append(transcript, FakeMechanism::token(script, i));
    testing::FakeProtection protection(script, FakeRole::kAcceptor, transcript, nullptr);
    Bytes mic(16);
    EXPECT_TRUE(protection.mic(list, mic).has_value());
    return mic;
  }

  MechanismScript one, two;
  FakeCounters counters;
  std::vector<MechanismEntry> entries;
  std::unique_ptr<Mechanism> initiator;
};

// --- Making one ---

TEST(SpnegoInitiatorConfig, NeedsAMechanism) {
  EXPECT_EQ(make_initiator(testing::test_runtime(), {}).error().code, Errc::kApiMisuse);
}

TEST(SpnegoInitiatorConfig, TakesNoMoreThanThirtyTwo) {
  const MechanismScript script;
  const std::vector<MechanismEntry> entries(
      33, testing::fake_entry(script, FakeRole::kInitiator, {kFirstOid}));
  const std::span all(entries);
  EXPECT_EQ(make_initiator(testing::test_runtime(), {all}).error().code, Errc::kApiMisuse);
  EXPECT_TRUE(make_initiator(testing::test_runtime(), {all.first(32)}).has_value());
}

TEST(SpnegoInitiatorConfig, NeedsAnOidForEach) {
  const MechanismScript script;
  const std::vector<MechanismEntry> entries = {
      testing::fake_entry(script, FakeRole::kInitiator, {})};
  EXPECT_EQ(make_initiator(testing::test_runtime(), {entries}).error().code, Errc::kApiMisuse);
}

// --- The first reply ---

TEST_F(SpnegoInitiator, SPN_2_SPN_8_RefusesTheVectors) {
  one.name = "FAKE";
  testing::run_vectors("spnego/refused.vec",
                       {{"Malformed NegTokenInit", testing::read_elsewhere},
                        {"Malformed NegTokenResp", testing::read_elsewhere},
                        {"Acceptor", testing::read_elsewhere},
                        {"Initiator", [&](testing::VectorBlock& block) {
                           block.word("Id");
                           const std::vector<MechanismEntry> ntlm_alone = {
                               testing::fake_entry(one, FakeRole::kInitiator, {kNtlmOid})};
                           auto side =
                               make_initiator(testing::test_runtime(), {ntlm_alone}).value();
                           ASSERT_TRUE(step(*side, {}).has_value());
                           block.expect_error(step(*side, block.bytes("Token")));
                         }}});
}

TEST_F(SpnegoInitiator, SPN_2_RefusesAMechanismThatWasNotOffered) {
  start();
  EXPECT_EQ(refusal({NegState::kAcceptIncomplete, kUnknownOid, challenge()}),
            misbehaved("NegTokenResp.supportedMech"));
}

TEST_F(SpnegoInitiator, SPN_2_RefusesAMechanismThatWasLeftOutOfTheOffer) {
  one.make_error = Error{Errc::kNeedsCredential, "no ticket", 0, 0};
  start();
  EXPECT_EQ(refusal({NegState::kRequestMic, kFirstOid}), misbehaved("NegTokenResp.supportedMech"));
}

TEST_F(SpnegoInitiator, SPN_2_RefusesAChangeOfMechanismOnTheSecondLeg) {
  one.tokens = 5;
  start();
  ASSERT_TRUE(give(first_reply()).has_value());
  EXPECT_EQ(refusal({NegState::kRequestMic, kSecondOid}), misbehaved("NegTokenResp.supportedMech"));
}

TEST_F(SpnegoInitiator, SPN_2_RefusesTheSameMechanismNamedTwice) {
  one.tokens = 5;
  start();
  ASSERT_TRUE(give(first_reply()).has_value());
  EXPECT_EQ(refusal({NegState::kAcceptIncomplete, kFirstOid, FakeMechanism::token(one, 3)}),
            misbehaved("NegTokenResp.supportedMech"));
}

// As RFC 2478 let it: the first choice is meant.
TEST_F(SpnegoInitiator, QuirkB5_TakesAFirstReplyWithoutSupportedMechForTheFirstChoice) {
  for (const auto state : {std::optional(NegState::kAcceptIncomplete), std::optional<NegState>()}) {
    start();
    const auto sent = give({state, std::nullopt, challenge()});
    ASSERT_TRUE(sent.has_value());
    const NegTokenResp resp = parse_neg_token_resp(std::get<Continue>(sent.value()).token).value();
    EXPECT_EQ(hex(*resp.response_token), hex(FakeMechanism::token(one, 2)));
    EXPECT_TRUE(give({NegState::kAcceptCompleted}).has_value());
  }
}

TEST_F(SpnegoInitiator, QuirkB5_TakesAFirstReplyWithoutNegStateForTheFirstChoice) {
  start();
  EXPECT_TRUE(give({std::nullopt, kFirstOid, challenge()}).has_value());
}

TEST_F(SpnegoInitiator, QuirkB5_ATokenOfAnotherMechanismIsNotTheFirstChoices) {
  start();
  EXPECT_EQ(refusal({std::nullopt, std::nullopt, FakeMechanism::token(two, 1)}).code,
            Errc::kAuthFailed);
}

TEST_F(SpnegoInitiator, QuirkB5_P8_StrictRefusesAFirstReplyWithoutEither) {
  for (const Reply& reply : {Reply{NegState::kAcceptIncomplete, std::nullopt, challenge()},
                             Reply{std::nullopt, kFirstOid, challenge()},
                             Reply{std::nullopt, std::nullopt, challenge()}}) {
    start(PolicyLevel::kStrict);
    EXPECT_EQ(refusal(reply),
              (Error{Errc::kPolicy, "P8: first reply without negState or supportedMech", 0, 0}));
  }
}

// Nor does RFC 2478 know request-mic.
TEST_F(SpnegoInitiator, QuirkB5_RefusesRequestMicWithoutSupportedMech) {
  for (const size_t tokens : {1U, 3U}) {
    one.tokens = tokens;
    start();
    EXPECT_EQ(refusal({NegState::kRequestMic, std::nullopt, challenge()}),
              misbehaved("NegTokenResp.supportedMech"));
  }
}

TEST_F(SpnegoInitiator, QuirkB5_RefusesReselectionWithoutNegState) {
  start();
  EXPECT_EQ(refusal({std::nullopt, kSecondOid}), misbehaved("NegTokenResp.negState"));
}

TEST_F(SpnegoInitiator, QuirkB23_RefusesANegStateOfSeven) {
  start();
  EXPECT_EQ(step(*initiator, unhex("a10d300ba0030a0107a10406022a01")).error().code,
            Errc::kMalformed);
}

// The JDK takes request-mic with an unread token for success.
TEST_F(SpnegoInitiator, QuirkB23_ReadsTheTokenBesideRequestMic) {
  one.tokens = 2;
  start();
  EXPECT_EQ(refusal({NegState::kRequestMic, kFirstOid, unhex("0102030405")}).code,
            Errc::kAuthFailed);
}

TEST_F(SpnegoInitiator, QuirkB23_RefusesAnotherMechanismsNameAroundAToken) {
  start();
  EXPECT_EQ(refusal({NegState::kAcceptIncomplete, kSecondOid, challenge()}),
            misbehaved("NegTokenResp.responseToken"));
}

TEST_F(SpnegoInitiator, SPN_8_RefusesAcceptCompletedWithoutAToken) {
  start();
  EXPECT_EQ(refusal({NegState::kAcceptCompleted, kFirstOid}),
            misbehaved("NegTokenResp.responseToken"));
}

TEST_F(SpnegoInitiator, SPN_8_RefusesAcceptCompletedWhileTheMechanismGoesOn) {
  one.tokens = 5;
  start();
  EXPECT_EQ(refusal({NegState::kAcceptCompleted, kFirstOid, challenge()}),
            misbehaved("NegTokenResp.negState"));
}

TEST_F(SpnegoInitiator, SPN_8_RefusesAcceptCompletedBeforeTheMechanismsLastToken) {
  start();
  EXPECT_EQ(refusal({NegState::kAcceptCompleted, kFirstOid, challenge()}),
            misbehaved("NegTokenResp.negState"));
}

TEST_F(SpnegoInitiator, RefusesAReplyWithoutTheTokenThatTheMechanismWaitsFor) {
  start();
  EXPECT_EQ(refusal({NegState::kAcceptIncomplete, kFirstOid}),
            misbehaved("NegTokenResp.responseToken"));
}

TEST_F(SpnegoInitiator, RefusesAnEmptyTokenWhereTheMechanismWaitsForOne) {
  start();
  EXPECT_EQ(refusal({NegState::kAcceptIncomplete, kFirstOid, Bytes()}),
            misbehaved("NegTokenResp.responseToken"));
}

TEST_F(SpnegoInitiator, RefusesAMechListMicBeforeTheMechanismIsComplete) {
  one.tokens = 5;
  start();
  EXPECT_EQ(refusal({NegState::kAcceptIncomplete, kFirstOid, challenge(), Bytes(16)}),
            misbehaved("NegTokenResp.mechListMIC"));
}

TEST_F(SpnegoInitiator, QuirkB9_IgnoresAMicEqualToTheResponseToken) {
  one.tokens = 5;
  start();
  EXPECT_TRUE(give({NegState::kAcceptIncomplete, kFirstOid, challenge(), challenge()}).has_value());
}

TEST_F(SpnegoInitiator, QuirkB9_AMicEqualToTheResponseTokenIsNoMechListMic) {
  one.tokens = 2;
  one.wants_mic = true;
  start();
  EXPECT_EQ(refusal({NegState::kAcceptCompleted, kFirstOid, challenge(), challenge()}),
            (Error{Errc::kAuthFailed, "NegTokenResp.mechListMIC", 0, 0}));
}

TEST_F(SpnegoInitiator, QuirkB6_TakesReselectionWithAcceptIncompleteButAsksForTheMic) {
  start();
  ASSERT_TRUE(give({NegState::kAcceptIncomplete, kSecondOid}).has_value());
  ASSERT_TRUE(
      give({NegState::kAcceptIncomplete, std::nullopt, FakeMechanism::token(two, 1)}).has_value());
  EXPECT_EQ(refusal({NegState::kAcceptCompleted}),
            (Error{Errc::kAuthFailed, "NegTokenResp.mechListMIC", 0, 0}));
}

TEST_F(SpnegoInitiator, QuirkB6_P8_StrictRefusesReselectionWithoutRequestMic) {
  start(PolicyLevel::kStrict);
  EXPECT_EQ(refusal({NegState::kAcceptIncomplete, kSecondOid}).code, Errc::kPolicy);
}

TEST_F(SpnegoInitiator, StrictTakesReselectionWithRequestMic) {
  start(PolicyLevel::kStrict);
  EXPECT_TRUE(give({NegState::kRequestMic, kSecondOid}).has_value());
}

// The JDK's acceptor: accept-incomplete for the second mechanism, an AP-REP, no mechListMIC.
TEST_F(SpnegoInitiator, QuirkB24_P8_RefusesReselectionThatEndsWithoutAMic) {
  two.tokens = 2;
  start();
  ASSERT_TRUE(give({NegState::kAcceptIncomplete, kSecondOid}).has_value());
  EXPECT_EQ(refusal({NegState::kAcceptCompleted, std::nullopt, FakeMechanism::token(two, 1)}),
            (Error{Errc::kAuthFailed, "NegTokenResp.mechListMIC", 0, 0}));
}

TEST_F(SpnegoInitiator, RefusesReselectionWithAcceptCompleted) {
  start();
  EXPECT_EQ(refusal({NegState::kAcceptCompleted, kSecondOid}), misbehaved("NegTokenResp.negState"));
}

TEST_F(SpnegoInitiator, RefusesReselectionWithAMechListMic) {
  start();
  EXPECT_EQ(refusal({NegState::kRequestMic, kSecondOid, std::nullopt, Bytes(16)}),
            misbehaved("NegTokenResp.mechListMIC"));
}

TEST_F(SpnegoInitiator, SaysWhyAReselectedMechanismCannotStart) {
  two.start_error = Error{Errc::kNeedsCredential, "no password", 0, 0};
  start();
  EXPECT_EQ(refusal({NegState::kRequestMic, kSecondOid}), *two.start_error);
}

TEST_F(SpnegoInitiator, AsksAServiceForTheReselectedMechanismToo) {
  two.asks_exchange = true;
  start();
  auto asked = give({NegState::kRequestMic, kSecondOid});
  ASSERT_TRUE(asked.has_value());
  EXPECT_EQ(std::get<NeedExchange>(asked.value()).realm, "REALM");
  EXPECT_STREQ(initiator->state_name(), "AwaitAnswer");
  const auto sent = resume(*initiator, ExchangeAnswer{Bytes{1}});
  const NegTokenResp resp = parse_neg_token_resp(std::get<Continue>(sent.value()).token).value();
  EXPECT_EQ(hex(*resp.response_token), hex(FakeMechanism::token(two, 0)));
}

TEST_F(SpnegoInitiator, NeverFallsBackOnceTheAcceptorHasChosen) {
  two.asks_exchange = two.refuses_answer = true;
  start();
  ASSERT_TRUE(give({NegState::kRequestMic, kSecondOid}).has_value());
  EXPECT_EQ(resume(*initiator, ExchangeAnswer{}).error().code, Errc::kUnreachable);
}

// --- Refusal by the acceptor ---

TEST_F(SpnegoInitiator, RejectIsARefusal) {
  start();
  EXPECT_EQ(refusal({NegState::kReject}),
            (Error{Errc::kAuthFailed, "NegTokenResp.negState", 0, 0}));
}

TEST_F(SpnegoInitiator, QuirkB16_RejectWithATokenGivesTheMechanismsReason) {
  start();
  EXPECT_EQ(refusal({NegState::kReject, std::nullopt, unhex("7e00")}),
            (Error{Errc::kAuthFailed, "FakeMechanism token", 0, 0}));
}

TEST_F(SpnegoInitiator, QuirkB16_RejectWithAValidTokenIsStillARefusal) {
  start();
  EXPECT_EQ(refusal({NegState::kReject, kFirstOid, challenge()}),
            (Error{Errc::kAuthFailed, "NegTokenResp.negState", 0, 0}));
}

// Kerberos without mutual authentication is complete before it hears of its KRB-ERROR.
TEST_F(SpnegoInitiator, QuirkB16_QuirkD22_TheReasonIsToldAfterTheMechanismIsCompleteToo) {
  const Bytes error = text(FakeMechanism::kErrorToken);
  for (const size_t tokens : {1U, 3U}) {
    one.tokens = tokens;
    const auto mech = tokens == 1 ? std::optional(kFirstOid) : std::nullopt;
    for (const NegState state :
         {NegState::kReject, NegState::kAcceptIncomplete, NegState::kAcceptCompleted}) {
      start();
      if (tokens == 3) {
        ASSERT_TRUE(give(first_reply()).has_value());
      }
      ASSERT_STREQ(initiator->state_name(), "AwaitLastReply");
      EXPECT_EQ(refusal({state, mech, error}), FakeMechanism::kPeerError);
    }
  }
}

TEST_F(SpnegoInitiator, QuirkB16_RejectWithAnotherTokenAfterTheMechanismIsCompleteIsARefusal) {
  finish_mechanism();
  EXPECT_EQ(refusal({NegState::kReject, std::nullopt, unhex("01")}),
            (Error{Errc::kAuthFailed, "NegTokenResp.negState", 0, 0}));
}

TEST_F(SpnegoInitiator, RejectAfterTheMechanismIsCompleteIsARefusal) {
  finish_mechanism();
  EXPECT_EQ(refusal({NegState::kReject}),
            (Error{Errc::kAuthFailed, "NegTokenResp.negState", 0, 0}));
}

// --- When the optimistic token counts as a proof (policy row P8) ---

TEST_F(SpnegoInitiator, P8_QuirkA20_AnOptimisticProofThatNobodyAnsweredLeavesTheNextToBeTried) {
  one.token_is_proof = true;
  for (const size_t tokens : {1U, 3U}) {
    one.tokens = tokens;
    start();
    EXPECT_FALSE(initiator->proof_sent());
  }
}

TEST_F(SpnegoInitiator, P8_QuirkA20_AnyAnswerToAnOptimisticProofEndsWhatMayBeTried) {
  one.token_is_proof = true;
  const Bytes answers[] = {Reply{NegState::kReject}.encoded(),
                           Reply{NegState::kAcceptIncomplete}.encoded(),
                           Reply{NegState::kAcceptIncomplete, kUnknownOid}.encoded(),
                           Reply{NegState::kAcceptIncomplete, kSecondOid}.encoded(),
                           Reply{NegState::kAcceptCompleted, kFirstOid}.encoded(),
                           unhex("deadbeef")};
  for (const size_t tokens : {1U, 3U}) {
    one.tokens = tokens;
    for (const Bytes& answer : answers) {
      start(PolicyLevel::kStrict);
      (void)step(*initiator, answer);
      EXPECT_TRUE(initiator->proof_sent()) << tokens << " " << hex(answer);
    }
  }
}

TEST_F(SpnegoInitiator, P8_AnAnswerToATokenThatIsNoProofProvesNothing) {
  start();
  EXPECT_EQ(refusal({NegState::kReject}).code, Errc::kAuthFailed);
  EXPECT_FALSE(initiator->proof_sent());
}

// To go on inside SPNEGO is no other login.
TEST_F(SpnegoInitiator, P8_AnOptimisticProofDoesNotKeepTheAcceptorFromAnotherMechanism) {
  one.token_is_proof = true;
  start();
  EXPECT_TRUE(give({NegState::kRequestMic, kSecondOid}).has_value());
  EXPECT_TRUE(initiator->proof_sent());
}

// --- Later replies ---

TEST_F(SpnegoInitiator, QuirkB7_RefusesRequestMicOnTheSecondLeg) {
  finish_mechanism();
  EXPECT_EQ(refusal({NegState::kRequestMic}), misbehaved("NegTokenResp.negState"));
}

TEST_F(SpnegoInitiator, RequestMicForTheFirstChoiceMakesTheMicObligatory) {
  start();
  const auto sent = give({NegState::kRequestMic, kFirstOid, challenge()});
  const NegTokenResp resp = parse_neg_token_resp(std::get<Continue>(sent.value()).token).value();
  EXPECT_TRUE(resp.mech_list_mic.has_value());
  EXPECT_EQ(refusal({NegState::kAcceptCompleted}),
            (Error{Errc::kAuthFailed, "NegTokenResp.mechListMIC", 0, 0}));
}

TEST_F(SpnegoInitiator, RequestMicWithoutIntegrityCannotBeMet) {
  one.integrity = false;
  start();
  EXPECT_EQ(refusal({NegState::kRequestMic, kFirstOid, challenge()}).code, Errc::kPeerIncompatible);
}

TEST_F(SpnegoInitiator, AnAbsentNegStateIsInferredFromTheMechanism) {
  finish_mechanism();
  const auto done = give({std::nullopt, std::nullopt});
  ASSERT_TRUE(done.has_value());
  EXPECT_TRUE(std::holds_alternative<Complete>(done.value()));
}

TEST_F(SpnegoInitiator, QuirkB13_TakesAnEmptyResponseTokenForNone) {
  finish_mechanism();
  const auto done = give({NegState::kAcceptCompleted, std::nullopt, Bytes()});
  ASSERT_TRUE(done.has_value());
  EXPECT_TRUE(std::holds_alternative<Complete>(done.value()));
}

TEST_F(SpnegoInitiator, RefusesATokenForACompleteMechanism) {
  finish_mechanism();
  EXPECT_EQ(refusal({NegState::kAcceptCompleted, std::nullopt, unhex("01")}),
            misbehaved("NegTokenResp.responseToken"));
}

TEST_F(SpnegoInitiator, RefusesAcceptIncompleteWhenNothingIsOutstanding) {
  finish_mechanism();
  EXPECT_EQ(refusal({NegState::kAcceptIncomplete}), misbehaved("NegTokenResp.negState"));
}

TEST_F(SpnegoInitiator, VerifiesAMicThatNobodyAskedFor) {
  finish_mechanism();
  EXPECT_EQ(refusal({NegState::kAcceptCompleted, std::nullopt, std::nullopt, Bytes(16)}),
            (Error{Errc::kAuthFailed, "mechListMIC", 0, 0}));
}

TEST_F(SpnegoInitiator, RefusesAMicFromAMechanismWithoutIntegrity) {
  one.integrity = false;
  finish_mechanism();
  EXPECT_EQ(refusal({NegState::kAcceptCompleted, std::nullopt, std::nullopt, Bytes(16)}).code,
            Errc::kAuthFailed);
}

TEST_F(SpnegoInitiator, RefusesAMicLongerThanAnyOfOurs) {
  finish_mechanism();
  EXPECT_EQ(refusal({NegState::kAcceptCompleted, std::nullopt, std::nullopt, Bytes(65)}).code,
            Errc::kAuthFailed);
}

// Windows Server 2025 sends its mechListMIC with accept-incomplete and waits for ours (B1).
TEST_F(SpnegoInitiator, QuirkB1_AnswersAMicThatComesWithAcceptIncomplete) {
  finish_mechanism();
  const Bytes mic = acceptor_mic(one, unhex("300806022a0106022a02"));
  auto done = give({NegState::kAcceptIncomplete, std::nullopt, std::nullopt, mic});
  ASSERT_TRUE(done.has_value());
  const Complete& complete = std::get<Complete>(done.value());
  EXPECT_TRUE(complete.protection->info.mech_list_mic_verified);
  const NegTokenResp resp = parse_neg_token_resp(*complete.token).value();
  EXPECT_EQ(resp.neg_state, NegState::kAcceptCompleted);
  EXPECT_TRUE(resp.mech_list_mic.has_value());
}

// RFC 4178 5 b I: the acceptor that sent the mechanism's last token waits for our mechListMIC.
TEST_F(SpnegoInitiator, QuirkB1_AnswersAMicThatComesWithoutANegState) {
  one.tokens = 4;
  start();
  ASSERT_TRUE(give(first_reply()).has_value());
  const Bytes mic = acceptor_mic(one, unhex("300806022a0106022a02"));
  auto done = give({std::nullopt, std::nullopt, FakeMechanism::token(one, 3), mic});
  ASSERT_TRUE(done.has_value());
  const Complete& complete = std::get<Complete>(done.value());
  EXPECT_TRUE(complete.protection->info.mech_list_mic_verified);
  ASSERT_TRUE(complete.token.has_value());
  const NegTokenResp resp = parse_neg_token_resp(*complete.token).value();
  EXPECT_EQ(resp.neg_state, NegState::kAcceptCompleted);
  EXPECT_TRUE(resp.mech_list_mic.has_value());
}

TEST_F(SpnegoInitiator, AnAbsentNegStateBesideTheAnswerToOurMicIsCompletion) {
  one.wants_mic = true;
  finish_mechanism();
  const Bytes mic = acceptor_mic(one, unhex("300806022a0106022a02"));
  auto done = give({std::nullopt, std::nullopt, std::nullopt, mic});
  ASSERT_TRUE(done.has_value());
  EXPECT_FALSE(std::get<Complete>(done.value()).token.has_value());
}

// --- Success without the last NegTokenResp (SSEAN-W2) ---

TEST_F(SpnegoInitiator, SSEAN_W2_P8_TakesAnEarlySuccessOfTheFirstChoice) {
  one.wants_mic = true;
  finish_mechanism();
  auto done = peer_done(*initiator);
  ASSERT_TRUE(done.has_value());
  const Complete& complete = std::get<Complete>(done.value());
  EXPECT_FALSE(complete.protection->info.mech_list_mic_verified);
  EXPECT_FALSE(complete.token.has_value());
  EXPECT_NE(complete.protection, nullptr);
  EXPECT_STREQ(initiator->state_name(), "Established");
}

TEST_F(SpnegoInitiator, SSEAN_W2_P8_StrictRefusesAnEarlySuccess) {
  start(PolicyLevel::kStrict);
  ASSERT_TRUE(give(first_reply()).has_value());
  EXPECT_EQ(peer_done(*initiator).error().code, Errc::kPolicy);
  EXPECT_STREQ(initiator->state_name(), "Failed");
}

TEST_F(SpnegoInitiator, SSEAN_W2_P8_RefusesAnEarlySuccessAfterReselection) {
  start();
  ASSERT_TRUE(give({NegState::kRequestMic, kSecondOid}).has_value());
  ASSERT_TRUE(
      give({NegState::kAcceptIncomplete, std::nullopt, FakeMechanism::token(two, 1)}).has_value());
  EXPECT_EQ(peer_done(*initiator).error().code, Errc::kPolicy);
}

TEST_F(SpnegoInitiator, SSEAN_W2_P8_RefusesAnEarlySuccessAfterRequestMic) {
  start();
  ASSERT_TRUE(give({NegState::kRequestMic, kFirstOid, challenge()}).has_value());
  EXPECT_EQ(peer_done(*initiator).error().code, Errc::kPolicy);
}

TEST_F(SpnegoInitiator, SSEAN_W2_RefusesAnEarlySuccessBeforeTheMechanismIsComplete) {
  start();
  EXPECT_EQ(peer_done(*initiator).error().code, Errc::kPeerMisbehaved);
  EXPECT_STREQ(initiator->state_name(), "Failed");
}

TEST_F(SpnegoInitiator, SSEAN_W2_RefusesAnEarlySuccessBeforeAMechanismWasChosen) {
  one.tokens = 1;
  start();
  ASSERT_STREQ(initiator->state_name(), "AwaitLastReply");
  EXPECT_EQ(peer_done(*initiator).error().code, Errc::kPeerMisbehaved);
}

// --- An acceptor that speaks first ---

TEST_F(SpnegoInitiator, QuirkB14_TakesNegHintsAndOffersTheSame) {
  make();
  const Bytes plain = std::get<Continue>(step(*initiator, {}).value()).token;
  make();
  const Bytes hints = unhex(
      "605e06062b0601050502a0543052a024302206092a864882f71201020206092a864886f712010202060a2b"
      "06010401823702020aa32a3028a0261b246e6f745f646566696e65645f696e5f5246433431373840706c65"
      "6173655f69676e6f7265");
  EXPECT_EQ(hex(std::get<Continue>(step(*initiator, hints).value()).token), hex(plain));
}

TEST_F(SpnegoInitiator, RefusesAFirstTokenThatIsNoNegTokenInit2) {
  make();
  EXPECT_EQ(step(*initiator, unhex("a1073005a0030a0100")).error().code, Errc::kMalformed);
}

// --- Calls out of turn ---

TEST_F(SpnegoInitiator, SPN_10_RefusesAStepWhileAServiceIsAsked) {
  one.asks_exchange = true;
  make();
  ASSERT_TRUE(step(*initiator, {}).has_value());
  EXPECT_EQ(step(*initiator, {}).error().code, Errc::kApiMisuse);
}

TEST_F(SpnegoInitiator, SPN_10_RefusesAResumeThatNobodyAskedFor) {
  start();
  EXPECT_EQ(resume(*initiator, ExchangeAnswer{}).error().code, Errc::kApiMisuse);
}

TEST_F(SpnegoInitiator, SPN_10_RefusesAStepAfterItIsEstablished) {
  finish_mechanism();
  ASSERT_TRUE(give({NegState::kAcceptCompleted}).has_value());
  EXPECT_EQ(step(*initiator, unhex("a1073005a0030a0100")).error().code, Errc::kApiMisuse);
}

}  // namespace
}  // namespace pocketgss::mechs::spnego
