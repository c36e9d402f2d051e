// What goes wrong from outside: allocations that fail at each place, and calls in every state.
// kerberos_failure_test.cc has the kinds of login that need Kerberos.
#include <gtest/gtest.h>
#include <pocketgss/context.h>

#include "tests/lib/support/login.h"
#include "tests/lib/support/ntlm_login.h"
#include "tests/lib/support/pair.h"
#include "tests/support/allocations.h"
#include "tests/support/hex.h"

namespace pocketgss {

using testing::FailingAllocations;
using testing::FailureTest;
using testing::Login;
using testing::LoginKind;

namespace testing {
INSTANTIATE_TEST_SUITE_P(Ntlm, FailureTest, ::testing::ValuesIn(kNtlmLogins), name_of);
}  // namespace testing

namespace {

// expect_no_memory: a login in which the n-th allocation fails; false where there are not so many.
bool expect_no_memory(const LoginKind& kind, size_t n, FailingAllocations::Which which) {
  const auto setting = kind.make();
  Login login(*setting);
  bool reached = false;
  {
    const FailingAllocations failing(n, which);
    login.run();
    reached = failing.reached();
  }
  if (!reached) {
    EXPECT_TRUE(login.established());
    return false;
  }
  EXPECT_FALSE(login.established()) << "allocation " << n;
  EXPECT_TRUE(login.error.has_value()) << "allocation " << n;
  if (!login.error) return false;
  EXPECT_EQ(login.error->code, Errc::kNoMemory) << n << ": " << describe(*login.error);
  if (login.failed == nullptr) return true;
  EXPECT_FALSE(login.failed->established());
  EXPECT_STREQ(login.failed->state_name(), "Failed");
  EXPECT_EQ(login.failed->step({}).error(), *login.error) << "the same error for ever";
  return true;
}

TEST_P(FailureTest, MEM_3_EveryAllocationThatFailsIsNoMemoryAndNoLogin) {
  size_t n = 1;
  while (expect_no_memory(GetParam(), n, FailingAllocations::Which::kAllFromThere)) {
    if (HasFailure()) return;
    ASSERT_LT(++n, 1000U) << "no end of allocations";
  }
  EXPECT_GT(n, 10U) << "so few allocations that nothing was tested";
}

// Where there is memory again at once: nothing weaker is tried in the place of what had none (P8).
TEST_P(FailureTest, MEM_3_P8_OneAllocationThatFailsEndsTheLogin) {
  size_t n = 1;
  while (expect_no_memory(GetParam(), n, FailingAllocations::Which::kThatOne)) {
    if (HasFailure()) return;
    ASSERT_LT(++n, 1000U) << "no end of allocations";
  }
}

TEST(Failure, MEM_3_ACredentialThatCannotBeMadeIsNoMemory) {
  Runtime& runtime = testing::runtime();
  for (size_t n = 1; n < 100; ++n) {
    AccountName name = AccountName::parse("a-long-user-name@example.test").value();
    SecretBytes password(std::string_view("a password"));
    std::optional<Error> error;
    bool reached = false;
    {
      const FailingAllocations failing(n);
      const auto made = Credential::from_password(runtime, std::move(name), std::move(password));
      reached = failing.reached();
      if (!made.has_value()) error = made.error();
    }
    if (!reached) {
      EXPECT_FALSE(error.has_value());
      EXPECT_GT(n, 2u);
      return;
    }
    ASSERT_TRUE(error.has_value()) << n;
    EXPECT_EQ(error->code, Errc::kNoMemory) << n;
  }
  FAIL() << "no end of allocations";
}

// call_everything makes every call that has no say in the exchange.
void call_everything(Context& context, const char* mechanism) {
  Bytes out(256);
  const Bytes token(32);
  const bool usable = *mechanism != '\0';
  EXPECT_EQ(context.established(), usable);
  EXPECT_NE(context.state_name(), nullptr);
  context.proof_sent();
  EXPECT_STREQ(context.info().mechanism, mechanism);
  EXPECT_EQ(context.mic_size() != 0, usable);
  EXPECT_EQ(context.wrap_size(8) != 0, usable);
  EXPECT_EQ(context.session_key().has_value(), usable);
  EXPECT_EQ(context.mic(as_bytes("m"), out).has_value(), usable);
  EXPECT_EQ(context.wrap(as_bytes("m"), true, out).has_value(), usable);
  EXPECT_FALSE(context.unwrap(token, out).has_value());
  EXPECT_FALSE(context.verify_mic(as_bytes("m"), token).has_value());
  for (const PrfKey key : {PrfKey::kFull, PrfKey::kPartial}) {
    EXPECT_EQ(context.pseudo_random(key, as_bytes("i"), out).has_value(),
              std::string_view(mechanism) == "Kerberos");
  }
}

TEST_P(FailureTest, SPN_10_EveryCallInEveryStateIsAnsweredAndDoesNoHarm) {
  const auto setting = GetParam().make();
  Login login(*setting);
  login.on_turn = [&](Context&, const ContextStep*) {
    for (Context* const side : {login.initiator.get(), login.acceptor.get()}) {
      call_everything(*side, side->established() ? GetParam().mechanism : "");
      EXPECT_TRUE(side->take_error_token().empty());
    }
    // It is of initiators.
    if (!login.acceptor->established()) {
      EXPECT_EQ(login.acceptor->peer_done().error().code, Errc::kApiMisuse);
    }
  };
  login.run();
  ASSERT_TRUE(login.established()) << describe(*login.error);
  for (Context* const side : {login.initiator.get(), login.acceptor.get()}) {
    call_everything(*side, GetParam().mechanism);
    EXPECT_EQ(side->step({}).error().code, Errc::kApiMisuse);
    EXPECT_EQ(side->resume(AccountAnswer{}).error().code, Errc::kApiMisuse);
    EXPECT_EQ(side->resume(ExchangeAnswer{}).error().code, Errc::kApiMisuse);
    EXPECT_TRUE(side->peer_done().has_value());
    call_everything(*side, GetParam().mechanism);
  }
}

// Garbage at each step: the context fails, and every call after that is answered.
TEST_P(FailureTest, SPN_10_SPN_11_AFailedContextAnswersEveryCall) {
  size_t tokens = 0;
  {
    const auto setting = GetParam().make();
    Login login(*setting);
    login.on_token = [&](size_t, Bytes&) { ++tokens; };
    login.run();
  }
  ASSERT_GT(tokens, 0U);
  for (size_t at = 0; at < tokens; ++at) {
    const auto setting = GetParam().make();
    Login login(*setting);
    login.on_token = [at](size_t index, Bytes& token) {
      if (index == at) token = testing::unhex("a100ff");
    };
    login.run();
    ASSERT_NE(login.failed, nullptr) << at;
    EXPECT_FALSE(login.established());
    Context& failed = *login.failed;
    EXPECT_STREQ(failed.state_name(), "Failed");
    call_everything(failed, "");
    const Error first = failed.step({}).error();
    EXPECT_EQ(first, *login.error);
    EXPECT_EQ(failed.resume(AccountAnswer{}).error(), first);
    EXPECT_EQ(failed.resume(ExchangeAnswer{}).error(), first);
    EXPECT_EQ(failed.peer_done().error(), first);
    failed.take_error_token();
    EXPECT_TRUE(failed.take_error_token().empty());
    Bytes out(64);
    EXPECT_EQ(failed.mic(as_bytes("m"), out).error(), first);
    EXPECT_EQ(failed.session_key().error(), first);
    EXPECT_EQ(failed.pseudo_random(PrfKey::kFull, {}, out).error(), first);
  }
}

TEST_P(FailureTest, SPN_11_AContextCanBeDestroyedInEveryState) {
  for (size_t turn = 0;; ++turn) {
    const auto setting = GetParam().make();
    Login login(*setting);
    size_t turns = 0;
    struct Stop {};
    login.on_turn = [&](Context&, const ContextStep*) {
      if (turns++ == turn) throw Stop();
    };
    try {
      login.run();
    } catch (const Stop&) {
      continue;  // both go, in the midst of it
    }
    EXPECT_TRUE(login.established());
    EXPECT_GT(turn, 1U);
    return;
  }
}

TEST_P(FailureTest, SPN_10_CallsOutOfTurnAreMisuseAndChangeNothing) {
  const auto setting = GetParam().make();
  Login login(*setting);
  login.on_turn = [](Context& side, const ContextStep* asked) {
    const auto misused = [](const Result<ContextStep>& result) {
      return !result.has_value() && result.error().code == Errc::kApiMisuse;
    };
    const std::string_view state = side.state_name();
    if (asked != nullptr) {
      EXPECT_TRUE(misused(side.step({}))) << state;
    }
    // An account that was asked for is answered by anything, which then is none.
    if (asked == nullptr || std::holds_alternative<NeedExchange>(*asked)) {
      EXPECT_TRUE(misused(side.resume(AccountAnswer{}))) << state;
    }
    if (asked == nullptr) {
      EXPECT_TRUE(misused(side.resume(ExchangeAnswer{}))) << state;
    }
    EXPECT_EQ(side.state_name(), state);
  };
  login.run();
  EXPECT_TRUE(login.established()) << describe(*login.error);
}

}  // namespace
}  // namespace pocketgss
