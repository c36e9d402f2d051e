// Every state against every kind of input (SECURITY M2), each cell with what must come of it.
#include <gtest/gtest.h>

#include <array>
#include <string>

#include "mechs/spnego/token.h"
#include "tests/mechs/spnego/oids.h"
#include "tests/mechs/spnego/pair.h"
#include "tests/support/hex.h"

namespace pocketgss::mechs::spnego {
namespace {

using testing::FakeMechanism;
using testing::FakeRole;
using testing::kFirstOid;
using testing::kSecondOid;
using testing::MechanismScript;
using testing::unhex;

// A cell is one letter: what a call ends in.
//   + goes on   ! established   m kMalformed   p kPeerMisbehaved   a kAuthFailed   u kApiMisuse
//   P kPolicy   = the error that it failed with before
char letter(const Result<MechanismStep>& result, const std::optional<Error>& before) {
  if (result.has_value()) return std::holds_alternative<Complete>(result.value()) ? '!' : '+';
  if (before && result.error() == *before) return '=';
  switch (result.error().code) {
    case Errc::kMalformed:
      return 'm';
    case Errc::kPeerMisbehaved:
      return 'p';
    case Errc::kAuthFailed:
      return 'a';
    case Errc::kApiMisuse:
      return 'u';
    case Errc::kPolicy:
      return 'P';
    default:
      return '?';
  }
}

// Reach is how a state is reached, and what is then in order.
struct Reached {
  std::unique_ptr<Mechanism> side;
  Bytes good;       // the token that is due
  Bytes duplicate;  // the one that was taken before it
  std::optional<Error> error;
};

Bytes resp(std::optional<NegState> state, const Bytes* token = nullptr,
           std::optional<asn1::Oid> mech = std::nullopt) {
  NegTokenResp out;
  out.neg_state = state;
  out.supported_mech = mech;
  if (token != nullptr) out.response_token = ByteView(*token);
  return encode(out).value();
}

class SpnegoMatrix : public ::testing::Test {
 protected:
  enum Input {
    kGood,
    kEmpty,
    kDuplicate,
    kNegTokenInit,
    kNegTokenInit2,
    kAcceptIncomplete,
    kAcceptCompleted,
    kReject,
    kRequestMic,
    kOtherMech,
    kMicAlone,
    kBareToken,
    kGarbage,
    kLong,
    kResume,
    kPeerDone,
    kInputs
  };
  static constexpr const char* kInputNames[kInputs] = {"good",
                                                       "empty",
                                                       "duplicate",
                                                       "NegTokenInit",
                                                       "NegTokenInit2",
                                                       "accept-incomplete",
                                                       "accept-completed",
                                                       "reject",
                                                       "request-mic",
                                                       "supportedMech of another",
                                                       "mechListMIC",
                                                       "bare token",
                                                       "garbage",
                                                       "good and one byte",
                                                       "resume",
                                                       "peer_done"};

  SpnegoMatrix() { script.name = "FAKE"; }

  Bytes token(size_t index) const { return FakeMechanism::token(script, index); }
  Bytes neg_token_init() const {
    const Bytes list = unhex("300406022a01"), mech_token = token(0);
    NegTokenInit init;
    init.mech_types = MechTypeList::parse(list).value();
    init.mech_token = ByteView(mech_token);
    return encode(init).value();
  }

  Result<MechanismStep> give(Reached& reached, Input input) {
    Mechanism& side = *reached.side;
    const Bytes mic(16, 0x11);
    NegTokenResp mic_alone;
    mic_alone.mech_list_mic = ByteView(mic);
    Bytes longer = reached.good;
    longer.push_back(0);
    switch (input) {
      case kGood:
        return step(side, reached.good);
      case kEmpty:
        return step(side, {});
      case kDuplicate:
        return step(side, reached.duplicate);
      case kNegTokenInit:
        return step(side, neg_token_init());
      case kNegTokenInit2:
        return step(side, unhex("601006062b0601050502a0063004a302 3000"));
      case kAcceptIncomplete:
        return step(side, resp(NegState::kAcceptIncomplete));
      case kAcceptCompleted:
        return step(side, resp(NegState::kAcceptCompleted));
      case kReject:
        return step(side, resp(NegState::kReject));
      case kRequestMic:
        return step(side, resp(NegState::kRequestMic));
      case kOtherMech:
        return step(side, resp(NegState::kRequestMic, nullptr, kSecondOid));
      case kMicAlone:
        return step(side, encode(mic_alone).value());
      case kBareToken:
        return step(side, token(0));
      case kGarbage:
        return step(side, unhex("deadbeef"));
      case kLong:
        return step(side, longer);
      case kResume:
        return resume(side, AccountAnswer{Account{"account", SecretBytes()}});
      default:
        return peer_done(side);
    }
  }

  using Reach = std::function<Reached()>;
  void expect_row(const char* state, const Reach& reach, std::string_view expected) {
    ASSERT_EQ(expected.size(), size_t{kInputs});
    for (int i = 0; i < kInputs; ++i) {
      Reached reached = reach();
      ASSERT_STREQ(reached.side->state_name(), state);
      const auto result = give(reached, static_cast<Input>(i));
      EXPECT_EQ(letter(result, reached.error), expected[static_cast<size_t>(i)])
          << state << " x " << kInputNames[i] << ": "
          << (result.has_value() ? "taken" : describe(result.error()));
      if (!result.has_value() && !is_acceptors_peer_done(*reached.side, i)) {
        EXPECT_STREQ(reached.side->state_name(), "Failed");
        EXPECT_EQ(step(*reached.side, reached.good).error(), result.error());
      }
    }
  }
  // That call is the base class's and has no state.
  bool is_acceptors_peer_done(const Mechanism&, int input) const {
    return !initiator_side && input == kPeerDone;
  }

  MechanismScript script;
  std::vector<MechanismEntry> entries;
  bool initiator_side = true;
};

// Columns: good empty dup Init Init2 incomplete completed reject request-mic other MIC bare
// garbage long resume peer_done
TEST_F(SpnegoMatrix, M2_Initiator) {
  MechanismScript second = script;
  second.name = "FAKE2";
  entries = {testing::fake_entry(script, FakeRole::kInitiator, {kFirstOid}),
             testing::fake_entry(second, FakeRole::kInitiator, {kSecondOid})};
  const auto make = [&] {
    return Reached{make_initiator(testing::test_runtime(), {entries}).value(), {}, {}, {}};
  };
  const auto after = [&](Reached reached, ByteView input, Bytes good) {
    EXPECT_TRUE(step(*reached.side, input).has_value());
    reached.duplicate = input.to_bytes();
    reached.good = std::move(good);
    return reached;
  };
  const Bytes first = token(1), second_challenge = FakeMechanism::token(second, 1);
  const Bytes first_reply = resp(NegState::kAcceptIncomplete, &first, kFirstOid);
  const Bytes reselection = resp(NegState::kRequestMic, nullptr, kSecondOid);
  const Bytes completed = resp(NegState::kAcceptCompleted);

  expect_row("Start", [&] { return make(); }, "+++++mmmmmmmmmup");
  const auto await_first = [&] { return after(make(), {}, first_reply); };
  expect_row("AwaitReply", await_first, "+mmmmppap+pmmmup");
  const auto await_later = [&] {
    return after(await_first(), reselection, resp({}, &second_challenge));
  };
  expect_row("AwaitReply", await_later, "+mpmmppapppmmmup");
  const auto await_last = [&] { return after(await_first(), first_reply, completed); };
  expect_row("AwaitLastReply", await_last, "!mpmmp!appammmu!");
  const auto established = [&] { return after(await_last(), completed, completed); };
  expect_row("Established", established, "uuuuuuuuuuuuuuup");
  const auto failed = [&] {
    Reached reached = await_first();
    reached.error = step(*reached.side, unhex("a1")).error();
    return reached;
  };
  expect_row("Failed", failed, "================");

  script.asks_exchange = true;
  expect_row("AwaitAnswer", [&] { return after(make(), {}, first_reply); }, "uuuuuuuuuuuuuu+p");
}

TEST_F(SpnegoMatrix, M2_InitiatorOfAOneTokenMechanism) {
  script.tokens = 1;
  entries = {testing::fake_entry(script, FakeRole::kInitiator, {kFirstOid})};
  const auto await_last = [&] {
    Reached out{make_initiator(testing::test_runtime(), {entries}).value(), {}, {}, {}};
    EXPECT_TRUE(step(*out.side, {}).has_value());
    out.good = resp(NegState::kAcceptCompleted, nullptr, kFirstOid);
    out.duplicate = out.good;
    return out;
  };
  expect_row("AwaitLastReply", await_last, "!m!mmp!appammmup");
}

TEST_F(SpnegoMatrix, M2_Acceptor) {
  initiator_side = false;
  script.tokens = 5;
  entries = {testing::fake_entry(script, FakeRole::kAcceptor, {kFirstOid})};
  const auto make = [&] {
    AcceptorConfig config;
    config.mechanisms = entries;
    Reached out{make_acceptor(testing::test_runtime(), config).value(), {}, {}, {}};
    out.good = neg_token_init();
    return out;
  };
  const auto after = [&](Reached reached, Bytes good) {
    reached.duplicate = reached.good;
    EXPECT_TRUE(step(*reached.side, reached.good).has_value());
    reached.good = std::move(good);
    return reached;
  };
  const Bytes third = token(2), fifth = token(4);

  expect_row("Start", make, "++++mmmmmmm+mmup");
  const auto hinted = [&] {
    Reached out = make();
    EXPECT_TRUE(step(*out.side, {}).has_value());
    return out;
  };
  expect_row("AwaitInit", hinted, "+mm+mmmmmmm+mmup");
  const auto await_token = [&] { return after(make(), resp({}, &third)); };
  expect_row("AwaitToken", await_token, "+mmmmppapppmmmup");
  const auto await_last = [&] { return after(await_token(), resp({}, &fifth)); };
  expect_row("AwaitToken", await_last, "!mammppapppmmmup");
  const auto established = [&] { return after(await_last(), resp({}, &fifth)); };
  expect_row("Established", established, "uuuuuuuuuuuuuuup");
  const auto failed = [&] {
    Reached out = await_token();
    out.error = step(*out.side, unhex("a1")).error();
    return out;
  };
  expect_row("Failed", failed, "===============p");
  const auto bare = [&] {
    Reached out = make();
    out.good = token(0);
    return after(std::move(out), token(2));
  };
  expect_row("Bare", bare, "+aaaaaaaaaaaaaup");

  script.asks_account = true;
  const auto await_answer = [&] { return after(await_last(), resp({}, &fifth)); };
  expect_row("AwaitAnswer", await_answer, "uuuuuuuuuuuuuu!p");
}

TEST_F(SpnegoMatrix, M2_AcceptorThatWaitsForAMechListMic) {
  initiator_side = false;
  script.tokens = 2;
  script.wants_mic = true;
  entries = {testing::fake_entry(script, FakeRole::kAcceptor, {kFirstOid})};
  const auto await_mic = [&] {
    AcceptorConfig config;
    config.mechanisms = entries;
    Reached out{make_acceptor(testing::test_runtime(), config).value(), {}, {}, {}};
    out.duplicate = neg_token_init();
    EXPECT_TRUE(step(*out.side, out.duplicate).has_value());
    Bytes transcript = token(0);
    append(transcript, token(1));
    testing::FakeProtection protection(script, FakeRole::kInitiator, transcript, nullptr);
    Bytes mic(16);
    EXPECT_TRUE(protection.mic(unhex("300406022a01"), mic).has_value());
    NegTokenResp good;
    good.mech_list_mic = ByteView(mic);
    out.good = encode(good).value();
    return out;
  };
  expect_row("AwaitMic", await_mic, "!mmmmaaappammmup");
}

}  // namespace
}  // namespace pocketgss::mechs::spnego
