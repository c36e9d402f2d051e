// Both roles of SPNEGO against each other, over scripted mechanisms.
#include <gtest/gtest.h>

#include "mechs/spnego/token.h"
#include "tests/mechs/spnego/oids.h"
#include "tests/mechs/spnego/pair.h"
#include "tests/support/hex.h"

namespace pocketgss::mechs::spnego {
namespace {

using testing::fake_entry;
using testing::FakeCounters;
using testing::FakeRole;
using testing::hex;
using testing::kFirstOid;
using testing::kLegacyOid;
using testing::kSecondOid;
using testing::make_pair_of;
using testing::MechanismScript;
using testing::Pair;
using testing::unhex;

// Fixture has two scripted mechanisms, FAKE1 preferred to FAKE2.
class SpnegoPair : public ::testing::Test {
 protected:
  SpnegoPair() {
    one.name = "FAKE1";
    two.name = "FAKE2";
  }

  std::vector<MechanismEntry> initiator_of(std::vector<const MechanismScript*> scripts) {
    return entries(FakeRole::kInitiator, scripts, initiator_counters);
  }
  std::vector<MechanismEntry> acceptor_of(std::vector<const MechanismScript*> scripts) {
    return entries(FakeRole::kAcceptor, scripts, acceptor_counters);
  }
  std::vector<MechanismEntry> entries(FakeRole role,
                                      const std::vector<const MechanismScript*>& scripts,
                                      FakeCounters& counters) {
    std::vector<MechanismEntry> out;
    for (const MechanismScript* script : scripts) {
      out.push_back(
          fake_entry(*script, role,
                     script == &two ? std::vector{kSecondOid} : std::vector{kFirstOid, kLegacyOid},
                     &counters));
    }
    return out;
  }

  // negotiate runs one and both mechanisms on either side.
  Pair negotiate(std::vector<const MechanismScript*> offered,
                 std::vector<const MechanismScript*> accepted,
                 PolicyLevel level = PolicyLevel::kDefault, const testing::Middle& middle = {}) {
    offered_ = initiator_of(std::move(offered));
    accepted_ = acceptor_of(std::move(accepted));
    Pair pair = make_pair_of(offered_, accepted_, level);
    pair.run(middle);
    return pair;
  }

  NegTokenResp resp(const Pair& pair, size_t index) {
    return parse_neg_token_resp(pair.tokens.at(index)).value();
  }

  MechanismScript one, two;
  FakeCounters initiator_counters, acceptor_counters;

 private:
  std::vector<MechanismEntry> offered_, accepted_;
};

void expect_both(const Pair& pair) {
  EXPECT_TRUE(pair.initiator.established())
      << (pair.initiator.error ? describe(*pair.initiator.error) : "silent");
  EXPECT_TRUE(pair.acceptor.established())
      << (pair.acceptor.error ? describe(*pair.acceptor.error) : "silent");
}

void expect_mic_verified(const Pair& pair, bool expected) {
  ASSERT_TRUE(pair.both());
  EXPECT_EQ(pair.initiator.complete->protection->info.mech_list_mic_verified, expected);
  EXPECT_EQ(pair.acceptor.complete->protection->info.mech_list_mic_verified, expected);
}

// Protected messages pass both ways: the two sides agree on keys, resets and sequence numbers.
void expect_wraps(Pair& pair) {
  MessageProtection& a = *pair.initiator.complete->protection;
  MessageProtection& b = *pair.acceptor.complete->protection;
  const Bytes message = unhex("00112233");
  for (auto [from, to] : {std::pair(&a, &b), std::pair(&b, &a)}) {
    Bytes token(from->wrap_size(message.size()));
    token.resize(from->wrap(message, true, token).value());
    Bytes out(token.size());
    const auto unwrapped = to->unwrap(token, out);
    ASSERT_TRUE(unwrapped.has_value());
    out.resize(unwrapped.value().size);
    EXPECT_EQ(hex(out), hex(message));
  }
}

// --- The first choice is taken ---

TEST_F(SpnegoPair, OddNumberOfTokensEndsWithTheAcceptorsNegTokenResp) {
  Pair pair = negotiate({&one}, {&one});
  expect_both(pair);
  ASSERT_EQ(pair.tokens.size(), 4U);
  const NegTokenInit init = parse_neg_token_init(pair.tokens[0]).value();
  EXPECT_TRUE(init.mech_token.has_value());
  EXPECT_FALSE(init.req_flags.has_value());
  EXPECT_EQ(resp(pair, 1).neg_state, NegState::kAcceptIncomplete);
  EXPECT_EQ(resp(pair, 1).supported_mech, kFirstOid);
  EXPECT_FALSE(resp(pair, 2).mech_list_mic.has_value());
  EXPECT_EQ(hex(pair.tokens[3]), "a1073005a0030a0100");
  EXPECT_EQ(hex(*pair.acceptor.complete->token), hex(pair.tokens[3]));
  EXPECT_FALSE(pair.initiator.complete->token.has_value());
  expect_mic_verified(pair, false);
  expect_wraps(pair);
}

TEST_F(SpnegoPair, EvenNumberOfTokensEndsWithTheMechanismsLast) {
  one.tokens = 2;
  Pair pair = negotiate({&one}, {&one});
  expect_both(pair);
  ASSERT_EQ(pair.tokens.size(), 2U);
  EXPECT_EQ(resp(pair, 1).neg_state, NegState::kAcceptCompleted);
  EXPECT_EQ(resp(pair, 1).supported_mech, kFirstOid);
  expect_wraps(pair);
}

TEST_F(SpnegoPair, EachSideGivesItsProtectionOnce) {
  Pair pair = negotiate({&one}, {&one});
  expect_both(pair);
  EXPECT_EQ(pair.initiator.mechanism->take_protection(), nullptr);
  EXPECT_EQ(pair.acceptor.mechanism->take_protection(), nullptr);
}

// What has the mechanism's own token in it is what its initiator waits for.
TEST_F(SpnegoPair, SSEAN_W2_P11_OnlyALastTokenOfSpnegoAloneIsReplaceable) {
  for (const size_t tokens : {1U, 2U, 3U, 4U, 5U}) {
    one.tokens = tokens;
    Pair pair = negotiate({&one}, {&one});
    expect_both(pair);
    ASSERT_TRUE(pair.acceptor.complete->token.has_value());
    EXPECT_EQ(pair.acceptor.complete->token_replaceable, tokens % 2 == 1) << tokens;
  }
}

TEST_F(SpnegoPair, OneTokenIsEnough) {
  one.tokens = 1;
  Pair pair = negotiate({&one}, {&one});
  expect_both(pair);
  ASSERT_EQ(pair.tokens.size(), 2U);
  EXPECT_EQ(hex(pair.tokens[1]), "a10d300ba0030a0100a10406022a01");
}

TEST_F(SpnegoPair, FourAndFiveTokensWork) {
  for (const size_t tokens : {4u, 5u}) {
    one.tokens = tokens;
    expect_both(negotiate({&one}, {&one}));
  }
}

TEST_F(SpnegoPair, PassesOnTheAccountAndTheServiceThatAMechanismAsksFor) {
  one.asks_account = one.asks_exchange = true;
  for (const size_t tokens : {1u, 2u, 3u, 4u}) {
    one.tokens = tokens;
    Pair pair = negotiate({&one}, {&one});
    expect_both(pair);
    EXPECT_EQ(pair.acceptor.complete->protection->info.initiator_name, "FAKE1");
  }
}

TEST_F(SpnegoPair, RefusesAnUnknownAccount) {
  one.asks_account = true;
  const auto offered = initiator_of({&one});
  const auto accepted = acceptor_of({&one});
  Pair pair = make_pair_of(offered, accepted);
  const auto nobody = [](const MechanismStep&) -> Answer { return AccountAnswer{}; };
  auto token = testing::step_side(pair.initiator, {});
  token = testing::step_side(pair.acceptor, *token);
  token = testing::step_side(pair.initiator, *token);
  EXPECT_FALSE(testing::step_side(pair.acceptor, *token, nobody).has_value());
  EXPECT_EQ(pair.acceptor.error->code, Errc::kAuthFailed);
  EXPECT_STREQ(pair.acceptor.mechanism->state_name(), "Failed");
}

TEST_F(SpnegoPair, QuirkB1_AFirstChoiceThatWantsAMechListMicExchangesIt) {
  one.wants_mic = true;
  for (const bool asks : {false, true}) {
    one.asks_account = asks;
    Pair pair = negotiate({&one}, {&one});
    expect_both(pair);
    ASSERT_EQ(pair.tokens.size(), 4U);
    EXPECT_EQ(resp(pair, 2).mech_list_mic->size(), 16U);
    EXPECT_EQ(resp(pair, 3).mech_list_mic->size(), 16U);
    expect_mic_verified(pair, true);
  }
}

TEST_F(SpnegoPair, QuirkB3_SPN_13_EachDirectionIsSetBackOnceAfterItsMechListMic) {
  one.wants_mic = true;
  for (const size_t tokens : {1u, 2u, 3u, 4u}) {
    one.tokens = tokens;
    initiator_counters = acceptor_counters = {};
    Pair pair = negotiate({&one}, {&one});
    expect_both(pair);
    EXPECT_EQ(initiator_counters.mics_sent, 1);
    EXPECT_EQ(initiator_counters.mics_received, 1);
    EXPECT_EQ(acceptor_counters.mics_sent, 1);
    EXPECT_EQ(acceptor_counters.mics_received, 1);
    expect_wraps(pair);
  }
}

TEST_F(SpnegoPair, QuirkB22_AMicIsAlwaysAnsweredByAMic) {
  MechanismScript wants = one;
  wants.wants_mic = true;
  Pair pair = negotiate({&wants}, {&one});  // only the initiator's mechanism asks for it
  expect_both(pair);
  EXPECT_TRUE(resp(pair, 3).mech_list_mic.has_value());
  expect_mic_verified(pair, true);
}

TEST_F(SpnegoPair, AnAcceptorsMicIsAnsweredByAMic) {
  one.tokens = 2;
  MechanismScript wants = one;
  wants.wants_mic = true;
  Pair pair = negotiate({&one}, {&wants});
  expect_both(pair);
  ASSERT_EQ(pair.tokens.size(), 3U);
  EXPECT_EQ(resp(pair, 1).neg_state, NegState::kAcceptIncomplete);
  EXPECT_EQ(resp(pair, 2).neg_state, NegState::kAcceptCompleted);
  EXPECT_FALSE(resp(pair, 2).response_token.has_value());
  EXPECT_FALSE(pair.acceptor.complete->token.has_value());
  EXPECT_EQ(hex(*pair.initiator.complete->token), hex(pair.tokens[2]));
  expect_mic_verified(pair, true);
}

TEST_F(SpnegoPair, QuirkB19_WithoutIntegrityAFirstChoiceNeedsNoMechListMic) {
  one.wants_mic = true;
  one.integrity = false;
  Pair pair = negotiate({&one}, {&one});
  expect_both(pair);
  expect_mic_verified(pair, false);
}

TEST_F(SpnegoPair, AOneTokenMechanismIsAskedForItsMechListMicByRequestMic) {
  one.tokens = 1;
  MechanismScript wants = one;
  wants.wants_mic = true;
  Pair pair = negotiate({&one}, {&wants});
  expect_both(pair);
  ASSERT_EQ(pair.tokens.size(), 4U);
  EXPECT_EQ(resp(pair, 1).neg_state, NegState::kRequestMic);
  EXPECT_TRUE(resp(pair, 2).mech_list_mic.has_value());
  EXPECT_EQ(resp(pair, 3).neg_state, NegState::kAcceptCompleted);
  expect_mic_verified(pair, true);
}

TEST_F(SpnegoPair, AOneTokenMechanismMayGiveItsMechListMicAtOnce) {
  one.tokens = 1;
  one.wants_mic = true;
  Pair pair = negotiate({&one}, {&one});
  expect_both(pair);
  ASSERT_EQ(pair.tokens.size(), 2U);
  EXPECT_TRUE(parse_neg_token_init(pair.tokens[0]).value().mech_list_mic.has_value());
  EXPECT_TRUE(resp(pair, 1).mech_list_mic.has_value());
  expect_mic_verified(pair, true);
}

TEST_F(SpnegoPair, TheInitiatorAsksItsMechanismsForIntegrity) {
  negotiate({&one}, {&one});
  EXPECT_EQ(initiator_counters.mic_need, MicNeed::kPossible);
  EXPECT_EQ(acceptor_counters.mic_need, MicNeed::kPossible);
}

// --- Another mechanism is chosen ---

TEST_F(SpnegoPair, ReselectsWithRequestMicAndMechListMics) {
  Pair pair = negotiate({&one, &two}, {&two});
  expect_both(pair);
  ASSERT_EQ(pair.tokens.size(), 6U);
  EXPECT_EQ(hex(pair.tokens[1]), "a10d300ba0030a0103a10406022a02");
  EXPECT_FALSE(resp(pair, 2).neg_state.has_value());
  EXPECT_FALSE(resp(pair, 3).supported_mech.has_value());
  EXPECT_TRUE(resp(pair, 4).mech_list_mic.has_value());
  EXPECT_EQ(resp(pair, 5).neg_state, NegState::kAcceptCompleted);
  EXPECT_EQ(pair.acceptor.complete->protection->info.initiator_name, "FAKE2");
  EXPECT_EQ(acceptor_counters.mic_need, MicNeed::kCertain);
  expect_mic_verified(pair, true);
  expect_wraps(pair);
}

TEST_F(SpnegoPair, AReselectedMechanismIsToldThatTheMechListMicIsCertain) {
  expect_both(negotiate({&one, &two}, {&two}));
  EXPECT_EQ(initiator_counters.mic_need, MicNeed::kCertain);
}

TEST_F(SpnegoPair, ReselectsAMechanismOfAnyNumberOfTokens) {
  for (const size_t tokens : {1u, 2u, 4u}) {
    two.tokens = tokens;
    Pair pair = negotiate({&one, &two}, {&two});
    expect_both(pair);
    expect_mic_verified(pair, true);
    expect_wraps(pair);
  }
}

TEST_F(SpnegoPair, ReselectsAfterAnOptimisticTokenThatWasTheOnlyOne) {
  one.tokens = 1;
  Pair pair = negotiate({&one, &two}, {&two});
  expect_both(pair);
  expect_mic_verified(pair, true);
}

TEST_F(SpnegoPair, P8_AReselectedMechanismWithoutIntegrityIsRefused) {
  two.integrity = false;
  for (const size_t tokens : {2u, 3u}) {
    two.tokens = tokens;
    Pair pair = negotiate({&one, &two}, {&two});
    EXPECT_FALSE(pair.initiator.established());
    EXPECT_FALSE(pair.acceptor.established());
    const testing::Side& first = tokens == 3 ? pair.initiator : pair.acceptor;
    EXPECT_EQ(first.error->code, Errc::kPeerIncompatible);
  }
}

TEST_F(SpnegoPair, TheInitiatorsPreferenceDecides) {
  Pair pair = negotiate({&two, &one}, {&one, &two});
  expect_both(pair);
  EXPECT_EQ(pair.acceptor.complete->protection->info.initiator_name, "FAKE2");
  EXPECT_EQ(pair.tokens.size(), 4U);
}

TEST_F(SpnegoPair, AnAcceptorSkipsAMechanismThatCannotBeMade) {
  MechanismScript no_key = one;
  no_key.make_error = Error{Errc::kNeedsCredential, "no key", 0, 0};
  Pair pair = negotiate({&one, &two}, {&no_key, &two});
  expect_both(pair);
  EXPECT_EQ(pair.acceptor.complete->protection->info.initiator_name, "FAKE2");
  expect_mic_verified(pair, true);
}

TEST_F(SpnegoPair, AnAcceptorSaysWhyItsOnlyMechanismCannotBeMade) {
  MechanismScript no_key = one;
  no_key.make_error = Error{Errc::kNeedsCredential, "no key", 0, 0};
  Pair pair = negotiate({&one}, {&no_key});
  EXPECT_EQ(*pair.acceptor.error, *no_key.make_error);
}

TEST_F(SpnegoPair, SPN_3_NoCommonMechanismIsRefused) {
  Pair pair = negotiate({&one}, {&two});
  EXPECT_EQ(*pair.acceptor.error, (Error{Errc::kPeerIncompatible, "NegTokenInit.mechTypes", 0, 0}));
}

// --- Fallback before anything was proven (policy row P8) ---

TEST_F(SpnegoPair, P8_LeavesOutAMechanismThatCannotBeMade) {
  one.make_error = Error{Errc::kNeedsCredential, "no ticket", 0, 0};
  Pair pair = negotiate({&one, &two}, {&two});
  expect_both(pair);
  EXPECT_EQ(pair.tokens.size(), 4U);  // it is now the first choice
  EXPECT_EQ(parse_neg_token_init(pair.tokens[0]).value().mech_types.size(), 1U);
}

TEST_F(SpnegoPair, P8_LeavesOutAMechanismThatCannotStart) {
  one.start_error = Error{Errc::kUnreachable, "no KDC", 0, 0};
  expect_both(negotiate({&one, &two}, {&two}));
}

TEST_F(SpnegoPair, P8_LeavesOutAMechanismWhoseServiceIsSilent) {
  one.asks_exchange = one.refuses_answer = true;
  expect_both(negotiate({&one, &two}, {&two}));
}

// Mechanism: after a call that failed, the Step means nothing.
TEST_F(SpnegoPair, P8_TakesNothingOfWhatAMechanismLeftThatCannotBeUsed) {
  for (const bool asks_first : {false, true}) {
    one = {};
    one.name = "FAKE1";
    if (asks_first) {
      one.asks_exchange = one.refuses_answer = true;
    } else {
      one.start_error = Error{Errc::kUnreachable, "no KDC", 0, 0};
    }
    Pair pair = negotiate({&one, &two}, {&two});
    ASSERT_TRUE(pair.both());
    const NegTokenInit init = parse_neg_token_init(pair.tokens[0]).value();
    EXPECT_EQ(hex(init.mech_types.der()), "300406022a02");
    EXPECT_EQ(hex(*init.mech_token), hex(testing::FakeMechanism::token(two, 0)));
    EXPECT_FALSE(pair.initiator.complete->token_replaceable);
  }
}

// The three errors after which a caller may fall back, too, and no others.
TEST_F(SpnegoPair, P8_GoesOnOnlyWhereAMechanismCannotBeUsed) {
  constexpr Errc kAll[] = {Errc::kMalformed,       Errc::kPeerMisbehaved, Errc::kPeerIncompatible,
                           Errc::kNeedsCredential, Errc::kPolicy,         Errc::kAuthFailed,
                           Errc::kExpired,         Errc::kApiMisuse,      Errc::kUnreachable,
                           Errc::kNoMemory,        Errc::kInternal};
  for (const Errc code : kAll) {
    const bool expected = code == Errc::kPeerIncompatible || code == Errc::kNeedsCredential ||
                          code == Errc::kUnreachable;
    one = two = {};
    one.name = "FAKE1";
    two.name = "FAKE2";
    for (std::optional<Error>* const where : {&one.make_error, &one.start_error}) {
      one.make_error = one.start_error = std::nullopt;
      *where = Error{code, "the preferred one", 0, 0};
      Pair pair = negotiate({&one, &two}, {&two});
      EXPECT_EQ(pair.initiator.established(), expected) << name(code);
      if (!expected) {
        ASSERT_TRUE(pair.initiator.error.has_value()) << name(code);
        EXPECT_EQ(*pair.initiator.error, **where);
      }
    }
  }
}

TEST_F(SpnegoPair, P8_NeverFallsBackAfterAServiceRefused) {
  one.asks_exchange = one.refuses_answer = true;
  one.answer_error = Error{Errc::kAuthFailed, "the account is locked", 0, 18};
  Pair pair = negotiate({&one, &two}, {&two});
  ASSERT_TRUE(pair.initiator.error.has_value());
  EXPECT_EQ(*pair.initiator.error, one.answer_error);
  EXPECT_TRUE(pair.tokens.empty());
}

TEST_F(SpnegoPair, P8_NeverFallsBackAfterAProofWasSentToAService) {
  one.asks_exchange = one.refuses_answer = one.proves_at_once = true;
  Pair pair = negotiate({&one, &two}, {&two});
  EXPECT_EQ(*pair.initiator.error, (Error{Errc::kUnreachable, "FakeMechanism answer", 0, 0}));
  EXPECT_TRUE(pair.tokens.empty());
  EXPECT_TRUE(pair.initiator.mechanism->proof_sent());
}

TEST_F(SpnegoPair, P8_NeverFallsBackAfterAStartThatSentAProof) {
  one.start_error = Error{Errc::kAuthFailed, "refused", 0, 0};
  one.proves_at_once = true;
  Pair pair = negotiate({&one, &two}, {&two});
  EXPECT_EQ(*pair.initiator.error, *one.start_error);
}

TEST_F(SpnegoPair, P8_AProgramErrorIsNoReasonToFallBack) {
  one.start_error = Error{Errc::kApiMisuse, "a bug", 0, 0};
  Pair pair = negotiate({&one, &two}, {&two});
  EXPECT_EQ(*pair.initiator.error, *one.start_error);
}

TEST_F(SpnegoPair, TheErrorIsThePreferredMechanismsWhereNoneCanStart) {
  one.start_error = Error{Errc::kNeedsCredential, "no ticket", 0, 0};
  two.make_error = Error{Errc::kPolicy, "P1", 0, 0};
  Pair pair = negotiate({&one, &two}, {&two});
  EXPECT_EQ(*pair.initiator.error, *one.start_error);
}

TEST_F(SpnegoPair, ProofSentIsRememberedAfterReselection) {
  one.proves_at_once = true;
  const auto offered = initiator_of({&one, &two});
  auto initiator = make_initiator(testing::test_runtime(), {offered}).value();
  EXPECT_FALSE(initiator->proof_sent());
  ASSERT_TRUE(step(*initiator, {}).has_value());
  EXPECT_TRUE(initiator->proof_sent());
  ASSERT_TRUE(step(*initiator, unhex("a10d300ba0030a0103a10406022a02")).has_value());
  EXPECT_TRUE(initiator->proof_sent());
}

// --- Aliases (quirk B8) ---

TEST_F(SpnegoPair, QuirkB8_AnAliasInFirstPlaceIsTheFirstChoice) {
  auto offered = initiator_of({&one});
  offered[0].oid = kLegacyOid;
  offered[0].alias = kFirstOid;
  const auto accepted = acceptor_of({&one});
  Pair pair = make_pair_of(offered, accepted);
  pair.run();
  expect_both(pair);
  ASSERT_EQ(pair.tokens.size(), 4U);  // no request-mic
  EXPECT_EQ(resp(pair, 1).supported_mech, kLegacyOid);
}

TEST_F(SpnegoPair, QuirkB8_TheInitiatorTakesEitherOidOfWhatItOffered) {
  const auto offered = initiator_of({&one});
  auto initiator = make_initiator(testing::test_runtime(), {offered}).value();
  ASSERT_TRUE(step(*initiator, {}).has_value());
  const Bytes challenge = testing::FakeMechanism::token(one, 1);
  NegTokenResp reply{NegState::kAcceptIncomplete, kLegacyOid, ByteView(challenge), std::nullopt};
  EXPECT_TRUE(step(*initiator, encode(reply).value()).has_value());
}

TEST_F(SpnegoPair, OffersThePreferredOidOfEachMechanism) {
  const auto offered = initiator_of({&one, &two});
  auto initiator = make_initiator(testing::test_runtime(), {offered}).value();
  const MechanismStep taken = step(*initiator, {}).value();
  const NegTokenInit init = parse_neg_token_init(std::get<Continue>(taken).token).value();
  EXPECT_EQ(hex(init.mech_types.der()), "300806022a0106022a02");
}

// --- A man in the middle (SPN-7) ---

Bytes tampered_init(const Bytes& token, std::string_view mech_types,
                    std::optional<Bytes> mech_token) {
  NegTokenInit init = parse_neg_token_init(token).value();
  const Bytes list = unhex(mech_types);
  init.mech_types = MechTypeList::parse(list).value();
  if (mech_token) {
    init.mech_token = ByteView(*mech_token);
  } else {
    init.mech_token.reset();
  }
  return encode(init).value();
}

// Where the acceptor sends the mechanism's last token it cannot know of the change: RFC 4178 5 b
// leaves it to the initiator to fail. Otherwise both do.
TEST_F(SpnegoPair, SPN_7_SSEAN_X1_FailsWhenTheFirstMechanismIsTakenOutOfTheList) {
  for (const size_t tokens : {2u, 3u}) {
    two.tokens = tokens;
    Pair pair = negotiate({&one, &two}, {&one, &two}, PolicyLevel::kDefault,
                          [](size_t index, Bytes token) -> std::optional<Bytes> {
                            return index == 0 ? tampered_init(token, "300406022a02", {}) : token;
                          });
    EXPECT_FALSE(pair.initiator.established()) << tokens;
    EXPECT_EQ(pair.acceptor.established(), tokens == 2) << tokens;
  }
}

// The man in the middle also forges what the initiator expects to hear: request-mic.
TEST_F(SpnegoPair, SPN_7_FailsWhenTheListIsCutAndRequestMicForged) {
  for (const size_t tokens : {2u, 3u}) {
    two.tokens = tokens;
    Pair pair = negotiate({&one, &two}, {&one, &two}, PolicyLevel::kDefault,
                          [](size_t index, Bytes token) -> std::optional<Bytes> {
                            if (index == 0) return tampered_init(token, "300406022a02", {});
                            if (index != 1) return token;
                            NegTokenResp reply = parse_neg_token_resp(token).value();
                            reply.neg_state = NegState::kRequestMic;
                            return encode(reply).value();
                          });
    EXPECT_FALSE(pair.initiator.established()) << tokens;
    EXPECT_EQ(pair.acceptor.established(), tokens == 2) << tokens;
  }
}

TEST_F(SpnegoPair, SPN_7_SSEAN_X1_FailsWhenAMechListMicIsDropped) {
  for (const size_t dropped : {4u, 5u}) {
    Pair pair = negotiate({&one, &two}, {&two}, PolicyLevel::kDefault,
                          [&](size_t index, Bytes token) -> std::optional<Bytes> {
                            if (index != dropped) return token;
                            NegTokenResp cut = parse_neg_token_resp(token).value();
                            cut.mech_list_mic.reset();
                            return encode(cut).value();
                          });
    EXPECT_FALSE(pair.both()) << dropped;
    const testing::Side& side = dropped == 4 ? pair.acceptor : pair.initiator;
    ASSERT_TRUE(side.error.has_value()) << dropped;
    EXPECT_EQ(side.error->code, Errc::kAuthFailed);
  }
}

// The acceptor's went first, beside the mechanism's last token: the initiator's is all that is awaited.
TEST_F(SpnegoPair, SPN_7_FailsWhenTheMechListMicThatIsAwaitedIsDropped) {
  one.tokens = 2;
  one.wants_mic = true;
  Pair pair = negotiate({&one}, {&one}, PolicyLevel::kDefault,
                        [](size_t index, Bytes token) -> std::optional<Bytes> {
                          if (index != 2) return token;
                          NegTokenResp cut = parse_neg_token_resp(token).value();
                          EXPECT_TRUE(cut.mech_list_mic.has_value());
                          cut.mech_list_mic.reset();
                          return encode(cut).value();
                        });
  EXPECT_FALSE(pair.acceptor.established());
  ASSERT_TRUE(pair.acceptor.error.has_value());
  EXPECT_EQ(*pair.acceptor.error, (Error{Errc::kAuthFailed, "mechListMIC", 0, 0}));
}

TEST_F(SpnegoPair, QuirkB10_FailsWhenAFirstChoicesWantedMechListMicIsMissing) {
  one.wants_mic = true;
  Pair pair = negotiate({&one}, {&one}, PolicyLevel::kDefault,
                        [](size_t index, Bytes token) -> std::optional<Bytes> {
                          return index == 3 ? unhex("a1073005a0030a0100") : token;
                        });
  EXPECT_EQ(pair.initiator.error->code, Errc::kAuthFailed);
  EXPECT_STREQ(pair.initiator.error->where, "NegTokenResp.mechListMIC");
}

TEST_F(SpnegoPair, SPN_7_SPN_8_FailsWhenAcceptCompletedComesEarly) {
  for (const size_t early : {1u, 3u}) {
    Pair pair = negotiate({&one, &two}, {&two}, PolicyLevel::kDefault,
                          [&](size_t index, Bytes token) -> std::optional<Bytes> {
                            if (index != early) return token;
                            NegTokenResp reply = parse_neg_token_resp(token).value();
                            reply.neg_state = NegState::kAcceptCompleted;
                            return encode(reply).value();
                          });
    EXPECT_FALSE(pair.initiator.established());
    EXPECT_EQ(pair.initiator.error->code, Errc::kPeerMisbehaved) << early;
  }
}

TEST_F(SpnegoPair, SPN_7_FailsForEveryBitThatIsFlippedInMechTypes) {
  const auto plain = negotiate({&one, &two}, {&two});
  const NegTokenInit init = parse_neg_token_init(plain.tokens[0]).value();
  const auto begin = static_cast<size_t>(init.mech_types.der().data() - plain.tokens[0].data());
  for (size_t bit = 8 * begin; bit < 8 * (begin + init.mech_types.der().size()); ++bit) {
    Pair pair = negotiate({&one, &two}, {&two}, PolicyLevel::kDefault,
                          [&](size_t index, Bytes token) -> std::optional<Bytes> {
                            if (index == 0) token[bit / 8] ^= static_cast<uint8_t>(1U << bit % 8);
                            return token;
                          });
    EXPECT_FALSE(pair.initiator.established()) << bit;
    EXPECT_FALSE(pair.acceptor.established()) << bit;
  }
}

TEST_F(SpnegoPair, SPN_7_FailsForEveryBitThatIsFlippedInAMechListMic) {
  one.wants_mic = true;
  for (const size_t flipped : {2u, 3u}) {
    for (size_t bit = 0; bit < 128; ++bit) {
      Pair pair = negotiate({&one}, {&one}, PolicyLevel::kDefault,
                            [&](size_t index, Bytes token) -> std::optional<Bytes> {
                              if (index != flipped) return token;
                              token[token.size() - 1 - bit / 8] ^=
                                  static_cast<uint8_t>(1U << bit % 8);
                              return token;
                            });
      ASSERT_FALSE(pair.both()) << flipped << " " << bit;
      const testing::Side& side = flipped == 2 ? pair.acceptor : pair.initiator;
      ASSERT_EQ(*side.error, (Error{Errc::kAuthFailed, "mechListMIC", 0, 0}));
    }
  }
}

TEST_F(SpnegoPair, QuirkB2_SPN_7_AMechListMicCoversTheListWithoutItsExplicitTag) {
  one.wants_mic = true;
  const auto offered = initiator_of({&one});
  const auto accepted = acceptor_of({&one});
  for (const bool with_tag : {false, true}) {
    Pair pair = make_pair_of(offered, accepted);
    pair.run([&](size_t index, Bytes token) -> std::optional<Bytes> {
      if (index != 2) return token;
      // The MIC that the initiator would make over other bytes.
      Bytes transcript;
      for (size_t i = 0; i < 3; ++i) append(transcript, testing::FakeMechanism::token(one, i));
      testing::FakeProtection protection(one, FakeRole::kInitiator, transcript, nullptr);
      Bytes mic(16);
      EXPECT_TRUE(
          protection.mic(unhex(with_tag ? "a006300406022a01" : "300406022a01"), mic).has_value());
      NegTokenResp forged = parse_neg_token_resp(token).value();
      forged.mech_list_mic = ByteView(mic);
      return encode(forged).value();
    });
    EXPECT_EQ(pair.both(), !with_tag);
  }
}

TEST_F(SpnegoPair, SPN_7_AMechListMicReflectedToItsMakerIsRefused) {
  one.wants_mic = true;
  Pair pair = negotiate({&one}, {&one}, PolicyLevel::kDefault, nullptr);
  const Bytes own_mic = resp(pair, 2).mech_list_mic->to_bytes();
  Pair attacked = negotiate({&one}, {&one}, PolicyLevel::kDefault,
                            [&](size_t index, Bytes token) -> std::optional<Bytes> {
                              if (index != 3) return token;
                              NegTokenResp reply;
                              reply.neg_state = NegState::kAcceptCompleted;
                              reply.mech_list_mic = ByteView(own_mic);
                              return encode(reply).value();
                            });
  EXPECT_EQ(attacked.initiator.error->code, Errc::kAuthFailed);
}

}  // namespace
}  // namespace pocketgss::mechs::spnego
