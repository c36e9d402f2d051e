// The states of a context, over a mechanism that does as it is told.
#include "lib/mechanism_context.h"

#include <gtest/gtest.h>

#include <new>
#include <stdexcept>

#include "lib/reflection_guard.h"
#include "tests/support/allocations.h"

namespace pocketgss {
namespace {

using mechs::Mechanism;
using mechs::MessageProtection;
using mechs::Step;

// What a call to the mechanism does: it fills the step, and the protection where it is complete.
using Call = std::function<Result<void>(Step&, std::unique_ptr<MessageProtection>&)>;

// What the next call does, and what it was asked.
struct Script {
  Call next;
  Bytes last_token;
  int resumed = 0;
  bool proof_sent = false;
  bool destroyed = false;
};

class FakeProtection final : public MessageProtection {
 public:
  explicit FakeProtection(bool integrity) : integrity_(integrity) {}
  bool can_mic() const override { return integrity_; }
  size_t mic_size() const override { return 2; }
  size_t wrap_size(size_t message_size) const override { return message_size + 2; }
  Result<size_t> mic(ByteView, MutableBytes) override { return size_t{2}; }
  Result<void> verify_mic(ByteView, ByteView) override {
    return Error{Errc::kAuthFailed, "MIC", 0, 0};
  }
  Result<size_t> wrap(ByteView message, bool, MutableBytes) override { return message.size() + 2; }
  Result<Unwrapped> unwrap(ByteView token, MutableBytes) override {
    return Unwrapped{token.size() - 2, true};
  }
  Result<void> pseudo_random(PrfKey key, ByteView, MutableBytes out) override {
    std::fill(out.begin(), out.end(), key == PrfKey::kFull ? uint8_t{1} : uint8_t{2});
    return {};
  }
  ByteView session_key() const override { return as_bytes("key"); }

 private:
  bool integrity_;
};

class FakeMechanism final : public Mechanism {
 public:
  explicit FakeMechanism(Script& script) : script_(script) {}
  ~FakeMechanism() override { script_.destroyed = true; }
  Result<void> step(ByteView token, Step& next) override {
    script_.last_token = token.to_bytes();
    return script_.next(next, protection_);
  }
  Result<void> resume(Answer&&, Step& next) override {
    ++script_.resumed;
    return script_.next(next, protection_);
  }
  const char* state_name() const override { return "FakeState"; }
  bool proof_sent() const override { return script_.proof_sent; }

 private:
  Script& script_;
};

class FakeContext final : public MechanismContext {
 public:
  explicit FakeContext(Script& script) { start(std::make_unique<FakeMechanism>(script)); }
  ~FakeContext() override { end(); }
};

const Error kRefused{Errc::kAuthFailed, "refused", 7, 0};

Call sends(Bytes token) {
  return [=](Step& next, auto&) -> Result<void> {
    next.token = token;
    return {};
  };
}

Call asks_account() {
  return [](Step& next, auto&) -> Result<void> {
    next.kind = Step::Kind::kAccount;
    next.account = {"user", "D"};
    return {};
  };
}

Call asks_exchange() {
  return [](Step& next, auto&) -> Result<void> {
    next.kind = Step::Kind::kExchange;
    next.exchange = {"REALM", {}};
    return {};
  };
}

Call completes(bool integrity = true) {
  return [=](Step& next, auto& protection) -> Result<void> {
    next.kind = Step::Kind::kEstablished;
    next.has_token = true;
    next.token = {1, 2};
    protection = std::make_unique<FakeProtection>(integrity);
    protection->info.mechanism = "FAKE";
    return {};
  };
}

Call refuses() {
  return [](Step&, auto&) -> Result<void> { return kRefused; };
}

class MechanismContextTest : public ::testing::Test {
 protected:
  void establish(bool integrity = true) {
    script_.next = completes(integrity);
    ASSERT_TRUE(context_.step({}).has_value());
  }
  Script script_;
  FakeContext context_{script_};
};

TEST_F(MechanismContextTest, PassesTokensOn) {
  script_.next = sends({9});
  const auto step = context_.step(as_bytes("in"));
  ASSERT_TRUE(step.has_value());
  EXPECT_EQ(std::get<Continue>(step.value()).token, Bytes{9});
  EXPECT_EQ(as_text(script_.last_token), "in");
  EXPECT_STREQ(context_.state_name(), "FakeState");
  EXPECT_FALSE(context_.established());
}

// spoils fails, and leaves a step that says everything at once.
Call spoils(const Error& error) {
  return [=](Step& next, auto& protection) -> Result<void> {
    next = {Step::Kind::kEstablished, true, true, {1, 2}, {"REALM", {3}, true}, {"user", "D"}};
    protection = std::make_unique<FakeProtection>(true);
    protection->info.mechanism = "FAKE";
    return error;
  };
}

TEST_F(MechanismContextTest, SPN_11_TakesNothingOfWhatAFailedCallLeft) {
  script_.next = spoils(kRefused);
  EXPECT_EQ(context_.step({}).error(), kRefused);
  EXPECT_FALSE(context_.established());
  EXPECT_STREQ(context_.state_name(), "Failed");
  EXPECT_STREQ(context_.info().mechanism, "");
  EXPECT_TRUE(context_.take_error_token().empty());
  EXPECT_EQ(context_.session_key().error(), kRefused);
  EXPECT_EQ(context_.resume(AccountAnswer{}).error(), kRefused);
  EXPECT_TRUE(script_.destroyed);
}

// is_empty: as a mechanism may count on finding it.
bool is_empty(const Step& step) {
  return step.kind == Step::Kind::kContinue && !step.has_token && !step.token_replaceable &&
         step.token.empty() && step.exchange.realm.empty() && step.exchange.request.empty() &&
         !step.exchange.stream_only && step.account.user.empty() && step.account.domain.empty();
}

TEST_F(MechanismContextTest, GivesEachCallAnEmptyStep) {
  int calls = 0;
  const auto looks_first = [&calls](Call then) -> Call {
    return [&calls, then](Step& next, auto& protection) -> Result<void> {
      EXPECT_TRUE(is_empty(next)) << calls;
      ++calls;
      return then(next, protection);
    };
  };
  script_.next = looks_first(sends({9}));
  ASSERT_TRUE(context_.step({}).has_value());
  script_.next = looks_first(asks_exchange());
  ASSERT_TRUE(context_.step({}).has_value());
  script_.next = looks_first(asks_account());
  ASSERT_TRUE(context_.resume(ExchangeAnswer{}).has_value());
  script_.next = looks_first(completes());
  ASSERT_TRUE(context_.resume(AccountAnswer{}).has_value());
  EXPECT_TRUE(context_.established());
  EXPECT_EQ(calls, 4);
}

TEST_F(MechanismContextTest, PassesQuestionsAndAnswersOn) {
  script_.next = asks_account();
  EXPECT_EQ(std::get<NeedAccount>(context_.step({}).value()).user, "user");
  script_.next = asks_exchange();
  EXPECT_EQ(std::get<NeedExchange>(context_.resume(AccountAnswer{}).value()).realm, "REALM");
  EXPECT_EQ(script_.resumed, 1);
}

TEST_F(MechanismContextTest, GoesOnAfterACallOutOfTurn) {
  EXPECT_EQ(context_.resume(AccountAnswer{}).error().code, Errc::kApiMisuse);
  script_.next = asks_account();
  ASSERT_TRUE(context_.step({}).has_value());
  script_.next = sends({9});
  EXPECT_EQ(context_.step({}).error().code, Errc::kApiMisuse);
  EXPECT_EQ(script_.resumed, 0);
  EXPECT_TRUE(context_.resume(AccountAnswer{}).has_value());
  EXPECT_EQ(context_.resume(AccountAnswer{}).error().code, Errc::kApiMisuse);
  script_.next = asks_exchange();
  ASSERT_TRUE(context_.step({}).has_value());
  script_.next = completes();
  EXPECT_EQ(context_.resume(AccountAnswer{}).error().code, Errc::kApiMisuse);
  EXPECT_FALSE(context_.established());
  EXPECT_TRUE(context_.resume(ExchangeAnswer{}).has_value());
  EXPECT_EQ(script_.resumed, 2);
  EXPECT_TRUE(context_.established());
}

TEST_F(MechanismContextTest, SPN_10_GoesOnAfterPeerDoneOutOfTurn) {
  script_.next = asks_exchange();
  ASSERT_TRUE(context_.step({}).has_value());
  EXPECT_EQ(context_.peer_done().error().code, Errc::kApiMisuse);
  script_.next = completes();
  EXPECT_TRUE(context_.resume(ExchangeAnswer{}).has_value());
  EXPECT_TRUE(context_.established());
}

TEST_F(MechanismContextTest, IsEstablishedByComplete) {
  script_.next = completes();
  const auto step = context_.step({});
  EXPECT_EQ(std::get<Established>(step.value()).token, (Bytes{1, 2}));
  EXPECT_TRUE(context_.established());
  EXPECT_STREQ(context_.info().mechanism, "FAKE");
  EXPECT_STREQ(context_.state_name(), "Established");
  EXPECT_EQ(as_text(context_.session_key().value()), "key");
}

// completes_with: has_token alone says whether a last token goes, even an empty one.
Call completes_with(bool has_token, Bytes token, bool token_replaceable = false) {
  return [=](Step& next, auto& protection) -> Result<void> {
    next.kind = Step::Kind::kEstablished;
    next.has_token = has_token;
    next.token = token;
    next.token_replaceable = token_replaceable;
    protection = std::make_unique<FakeProtection>(true);
    return {};
  };
}

TEST_F(MechanismContextTest, SendsNoLastTokenWhereThereIsNone) {
  script_.next = completes_with(false, {});
  const auto step = context_.step({});
  EXPECT_FALSE(std::get<Established>(step.value()).token.has_value());
  EXPECT_FALSE(std::get<Established>(step.value()).token_replaceable);
}

TEST_F(MechanismContextTest, SendsALastTokenThatIsEmpty) {
  script_.next = completes_with(true, {});
  EXPECT_EQ(std::get<Established>(context_.step({}).value()).token, Bytes());
}

TEST_F(MechanismContextTest, SaysThatALastTokenCanBeReplaced) {
  script_.next = completes_with(true, {1}, true);
  EXPECT_TRUE(std::get<Established>(context_.step({}).value()).token_replaceable);
}

TEST_F(MechanismContextTest, DropsTheMechanismOnceEstablished) {
  script_.proof_sent = true;
  establish();
  EXPECT_TRUE(script_.destroyed);
  EXPECT_TRUE(context_.proof_sent());
}

TEST_F(MechanismContextTest, DropsTheMechanismOnceFailed) {
  script_.proof_sent = true;
  script_.next = refuses();
  EXPECT_EQ(context_.step({}).error(), kRefused);
  EXPECT_TRUE(script_.destroyed);
  EXPECT_TRUE(context_.proof_sent());
}

TEST_F(MechanismContextTest, SPN_11_GivesTheSameErrorForEver) {
  script_.next = refuses();
  EXPECT_EQ(context_.step({}).error(), kRefused);
  Bytes out(64);
  EXPECT_EQ(context_.step(as_bytes("again")).error(), kRefused);
  EXPECT_EQ(context_.resume(AccountAnswer{}).error(), kRefused);
  EXPECT_EQ(context_.peer_done().error(), kRefused);
  EXPECT_EQ(context_.wrap(as_bytes("m"), true, out).error(), kRefused);
  EXPECT_EQ(context_.unwrap(as_bytes("m"), out).error(), kRefused);
  EXPECT_EQ(context_.mic(as_bytes("m"), out).error(), kRefused);
  EXPECT_EQ(context_.verify_mic(as_bytes("m"), {}).error(), kRefused);
  EXPECT_EQ(context_.pseudo_random(PrfKey::kFull, as_bytes("m"), out).error(), kRefused);
  EXPECT_EQ(context_.session_key().error(), kRefused);
  EXPECT_STREQ(context_.state_name(), "Failed");
  EXPECT_STREQ(context_.info().mechanism, "");
  EXPECT_FALSE(context_.established());
}

TEST_F(MechanismContextTest, SPN_10_ProtectsNothingBeforeItIsEstablished) {
  Bytes out(64);
  const Error early{Errc::kApiMisuse, "the context is not established", 0, 0};
  EXPECT_EQ(context_.wrap(as_bytes("m"), true, out).error(), early);
  EXPECT_EQ(context_.unwrap(as_bytes("m"), out).error(), early);
  EXPECT_EQ(context_.mic(as_bytes("m"), out).error(), early);
  EXPECT_EQ(context_.verify_mic(as_bytes("m"), {}).error(), early);
  EXPECT_EQ(context_.pseudo_random(PrfKey::kPartial, as_bytes("m"), out).error(), early);
  EXPECT_EQ(context_.session_key().error(), early);
  EXPECT_EQ(context_.wrap_size(10), 0u);
  EXPECT_EQ(context_.mic_size(), 0u);
  EXPECT_STREQ(context_.info().mechanism, "");
  script_.next = sends({});
  EXPECT_TRUE(context_.step({}).has_value()) << "asking too early does no harm";
}

TEST_F(MechanismContextTest, SPN_10_RefusesStepsOnceEstablishedAndStaysSo) {
  establish();
  EXPECT_EQ(context_.step({}).error().code, Errc::kApiMisuse);
  EXPECT_EQ(context_.resume(AccountAnswer{}).error().code, Errc::kApiMisuse);
  EXPECT_TRUE(context_.established());
  EXPECT_TRUE(context_.session_key().has_value());
}

TEST_F(MechanismContextTest, TakesPeerDoneOnceEstablished) {
  establish();
  EXPECT_FALSE(std::get<Established>(context_.peer_done().value()).token.has_value());
}

TEST_F(MechanismContextTest, RefusesPeerDoneWhereTheMechanismKnowsNone) {
  EXPECT_EQ(context_.peer_done().error().code, Errc::kPeerMisbehaved);
  EXPECT_STREQ(context_.state_name(), "Failed");
}

TEST_F(MechanismContextTest, HasNoSizesWithoutIntegrity) {
  establish(false);
  EXPECT_EQ(context_.mic_size(), 0u);
  EXPECT_EQ(context_.wrap_size(10), 0u);
}

TEST_F(MechanismContextTest, PassesMessagesOn) {
  establish();
  Bytes out(64);
  EXPECT_EQ(context_.mic_size(), 2u);
  EXPECT_EQ(context_.wrap_size(10), 12u);
  EXPECT_EQ(context_.wrap(as_bytes("abc"), true, out).value(), 5u);
  EXPECT_EQ(context_.unwrap(as_bytes("abc"), out).value().size, 1u);
  EXPECT_EQ(context_.mic(as_bytes("abc"), out).value(), 2u);
  EXPECT_EQ(context_.verify_mic(as_bytes("abc"), {}).error().code, Errc::kAuthFailed);
}

TEST_F(MechanismContextTest, PassesPseudoRandomOn) {
  establish(false);
  Bytes out(3);
  ASSERT_TRUE(context_.pseudo_random(PrfKey::kFull, as_bytes("m"), out).has_value());
  EXPECT_EQ(out, (Bytes{1, 1, 1}));
  ASSERT_TRUE(context_.pseudo_random(PrfKey::kPartial, as_bytes("m"), out).has_value());
  EXPECT_EQ(out, (Bytes{2, 2, 2}));
}

TEST_F(MechanismContextTest, BoundsTheOutputOfPseudoRandom) {
  establish();
  Bytes out(kMaxPseudoRandomSize + 1);
  EXPECT_EQ(context_.pseudo_random(PrfKey::kFull, as_bytes("m"), out).error().code,
            Errc::kApiMisuse);
  EXPECT_EQ(out.front(), 0);
  out.pop_back();
  EXPECT_TRUE(context_.pseudo_random(PrfKey::kFull, as_bytes("m"), out).has_value());
  EXPECT_EQ(out.back(), 1);
}

TEST_F(MechanismContextTest, MEM_3_TurnsABadAllocIntoNoMemoryAndFails) {
  script_.next = [](Step&, auto&) -> Result<void> { throw std::bad_alloc(); };
  EXPECT_EQ(context_.step({}).error().code, Errc::kNoMemory);
  EXPECT_EQ(context_.step({}).error().code, Errc::kNoMemory);
  EXPECT_TRUE(script_.destroyed);
}

TEST_F(MechanismContextTest, TurnsACallbackThatThrowsIntoInternal) {
  script_.next = [](Step&, auto&) -> Result<void> { throw std::runtime_error("callback"); };
  EXPECT_EQ(context_.step({}).error().code, Errc::kInternal);
  EXPECT_STREQ(context_.state_name(), "Failed");
}

FixedBytes<8> challenge(size_t n) {
  return {static_cast<uint8_t>(n), static_cast<uint8_t>(n >> 8), 3, 4, 5, 6, 7, 8};
}

TEST(ReflectionGuard, CanBeMadeWithoutAnException) {
  EXPECT_NE(try_make_reflection_guard().value(), nullptr);
  const testing::FailingAllocations failing(1);
  EXPECT_EQ(try_make_reflection_guard().error().code, Errc::kNoMemory);
}

TEST(ReflectionGuard, P19_KnowsWhatIsOpen) {
  const auto guard = make_reflection_guard();
  guard->add(challenge(1));
  guard->add(challenge(2));
  EXPECT_TRUE(guard->contains(challenge(1)));
  guard->remove(challenge(1));
  EXPECT_FALSE(guard->contains(challenge(1)));
  EXPECT_TRUE(guard->contains(challenge(2)));
  guard->remove(challenge(3));
  EXPECT_TRUE(guard->contains(challenge(2)));
}

TEST(ReflectionGuard, P19_KeepsTheLatestWhenItIsFull) {
  const auto guard = make_reflection_guard();
  for (size_t n = 0; n < ReflectionGuard::kCapacity + 10; ++n) guard->add(challenge(n));
  EXPECT_FALSE(guard->contains(challenge(9)));
  EXPECT_TRUE(guard->contains(challenge(10)));
  EXPECT_TRUE(guard->contains(challenge(ReflectionGuard::kCapacity + 9)));
}

TEST(ReflectionGuard, P19_KeepsTheLatestAlsoWhereSomeWereClosed) {
  const auto guard = make_reflection_guard();
  const size_t capacity = ReflectionGuard::kCapacity;
  size_t n = 0;
  while (n < capacity + 10) guard->add(challenge(n++));
  for (size_t closed = 10; closed < 20; ++closed) guard->remove(challenge(closed));
  while (n < capacity + 25) guard->add(challenge(n++));
  EXPECT_FALSE(guard->contains(challenge(24)));
  for (size_t latest = 25; latest < n; ++latest) {
    ASSERT_TRUE(guard->contains(challenge(latest))) << latest;
  }
}

}  // namespace
}  // namespace pocketgss
