// What goes wrong from outside: allocations that fail at each place, and calls in every state.
#include <gtest/gtest.h>
#include <pocketgss/context.h>

#include <algorithm>

#include "base/utf16.h"
#include "tests/lib/support/pair.h"
#include "tests/support/allocations.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fixed_random.h"
#include "tests/support/hex.h"

namespace pocketgss {
namespace {

using testing::acceptor_config;
using testing::FailingAllocations;
using testing::initiator_config;
using testing::Outcome;

class FailureTest : public ::testing::TestWithParam<MechanismKind> {
 protected:
  std::unique_ptr<Context> initiator() {
    return make_initiator(testing::runtime(), GetParam(), initiator_config_).value();
  }
  std::unique_ptr<Context> acceptor() {
    return make_acceptor(testing::runtime(), GetParam(), acceptor_config_).value();
  }
  const InitiatorConfig initiator_config_ = [] {
    InitiatorConfig config = initiator_config("EXAMPLE\\user");
    config.channel_binding = ChannelBinding::tls_unique(as_bytes("channel"));
    return config;
  }();
  const AcceptorConfig acceptor_config_ = [] {
    AcceptorConfig config = acceptor_config();
    config.channel_bindings = {ChannelBinding::tls_unique(as_bytes("channel"))};
    return config;
  }();
};

INSTANTIATE_TEST_SUITE_P(Kinds, FailureTest,
                         ::testing::Values(MechanismKind::kNtlm, MechanismKind::kSpnego),
                         [](const auto& instance) {
                           return instance.param == MechanismKind::kNtlm ? "Ntlm" : "SpnegoNtlm";
                         });

// Verdict is how a login ended.
struct Verdict {
  bool established = false;
  std::optional<Error> error;
  FixedBytes<16> session_key = {};
};

// login runs a whole exchange by hand: nothing but the library allocates in it.
Verdict login(Runtime& runtime, MechanismKind kind, const InitiatorConfig& i,
              const AcceptorConfig& a, Account account) {
  auto initiator = make_initiator(runtime, kind, i);
  if (!initiator.has_value()) return {false, initiator.error(), {}};
  auto acceptor = make_acceptor(runtime, kind, a);
  if (!acceptor.has_value()) return {false, acceptor.error(), {}};
  bool to_acceptor = false;
  Result<ContextStep> step = initiator.value()->step({});
  while (step.has_value()) {
    std::optional<Bytes> token;
    if (std::holds_alternative<NeedAccount>(step.value())) {
      step = acceptor.value()->resume(AccountAnswer{std::move(account)});
      continue;
    }
    if (auto* next = std::get_if<Continue>(&step.value())) token = std::move(next->token);
    if (auto* last = std::get_if<Established>(&step.value())) token = std::move(last->token);
    if (!token) break;
    to_acceptor = !to_acceptor;
    step = (to_acceptor ? acceptor : initiator).value()->step(*token);
  }
  if (step.has_value()) {
    const ByteView key = initiator.value()->session_key().value();
    Verdict verdict{initiator.value()->established() && acceptor.value()->established(), {}, {}};
    std::copy_n(key.begin(), verdict.session_key.size(), verdict.session_key.begin());
    return verdict;
  }
  Context& failed = *(to_acceptor ? acceptor : initiator).value();
  EXPECT_FALSE(failed.established());
  EXPECT_STREQ(failed.state_name(), "Failed");
  EXPECT_EQ(failed.step({}).error(), step.error()) << "the same error for ever";
  return {false, step.error(), {}};
}

TEST_P(FailureTest, MEM_3_EveryAllocationThatFailsIsNoMemoryAndNoLogin) {
  constexpr size_t kFarBeyondTheLast = 500;
  const SecretBytes hash =
      nt_hash_of_password(testing::runtime(), as_bytes(testing::kPassword)).value();
  for (size_t n = 1; n < kFarBeyondTheLast; ++n) {
    Account account{"user", hash.clone()};
    Verdict verdict;
    bool reached = false;
    {
      const FailingAllocations failing(n);
      verdict = login(testing::runtime(), GetParam(), initiator_config_, acceptor_config_,
                      std::move(account));
      reached = failing.reached();
    }
    if (!reached) {
      EXPECT_TRUE(verdict.established);
      EXPECT_GT(n, 10u) << "so few allocations that nothing was tested";
      return;
    }
    ASSERT_FALSE(verdict.established) << "allocation " << n;
    ASSERT_TRUE(verdict.error.has_value()) << "allocation " << n;
    EXPECT_EQ(verdict.error->code, Errc::kNoMemory) << n << ": " << describe(*verdict.error);
  }
  FAIL() << "no end of allocations";
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

// The runtime of a login that can be repeated, so that its session key is known beforehand.
struct Repeatable {
  testing::FakeClock clock;
  testing::CountingRandom random;
  Runtime runtime = Runtime::create(clock, random).value();
};

Bytes utf16(std::string_view utf8) {
  return password_to_utf16le(as_bytes(utf8), "password").value().view().to_bytes();
}

TEST_P(FailureTest, MEM_1_MEM_2_P22_NoFreedBlockHoldsASecret) {
  const Bytes hash = nt_hash_of_password(testing::runtime(), as_bytes(testing::kPassword))
                         .value()
                         .view()
                         .to_bytes();
  FixedBytes<16> session_key;
  {
    Repeatable first;
    session_key = login(first.runtime, GetParam(), initiator_config_, acceptor_config_,
                        Account{"user", SecretBytes(hash)})
                      .session_key;
  }
  const std::vector<Bytes> secrets = {as_bytes(testing::kPassword).to_bytes(),
                                      utf16(testing::kPassword), hash,
                                      ByteView(session_key).to_bytes()};
  for (const bool right : {true, false}) {
    Repeatable again;
    InitiatorConfig config = initiator_config_;
    SecretBytes account_key = right ? SecretBytes(hash) : SecretBytes::of_size(16);
    const testing::FreedSecrets freed(secrets);
    config.credential =
        Credential::from_password(again.runtime, initiator_config_.credential->name(),
                                  SecretBytes(testing::kPassword))
            .value();
    const Verdict verdict = login(again.runtime, GetParam(), config, acceptor_config_,
                                  Account{"user", std::move(account_key)});
    config.credential.reset();
    EXPECT_EQ(verdict.established, right);
    EXPECT_EQ(verdict.session_key == session_key, right) << "the second login had another key";
    EXPECT_EQ(freed.found(), 0u) << (right ? "login" : "refused login");
    EXPECT_GT(freed.looked(), 10u);
  }
}

TEST(Failure, MEM_1_TheWatchFindsWhatWasNotWiped) {
  const std::vector<Bytes> secrets = {as_bytes("not wiped").to_bytes()};
  const testing::FreedSecrets freed(secrets);
  delete new std::string("a text that is not wiped, and on the heap");
  EXPECT_EQ(freed.found(), 1u);
}

TEST(Failure, MEM_2_ARefusedPasswordIsWipedToo) {
  const std::string text = "a password that is no UTF-8 \xff";
  const std::vector<Bytes> secrets = {as_bytes("a password").to_bytes(), utf16("a password")};
  const testing::FreedSecrets freed(secrets);
  EXPECT_FALSE(Credential::from_password(testing::runtime(), AccountName::parse("user").value(),
                                         SecretBytes(text))
                   .has_value());
  EXPECT_EQ(freed.found(), 0u);
}

// call_everything makes every call that has no say in the exchange.
void call_everything(Context& context, bool usable) {
  Bytes out(256);
  const Bytes token(32);
  EXPECT_EQ(context.established(), usable);
  EXPECT_NE(context.state_name(), nullptr);
  context.proof_sent();
  EXPECT_EQ(std::string_view(context.info().mechanism), usable ? "NTLM" : "");
  EXPECT_EQ(context.mic_size() != 0, usable);
  EXPECT_EQ(context.wrap_size(8) != 0, usable);
  EXPECT_EQ(context.session_key().has_value(), usable);
  EXPECT_EQ(context.mic(as_bytes("m"), out).has_value(), usable);
  EXPECT_EQ(context.wrap(as_bytes("m"), true, out).has_value(), usable);
  EXPECT_FALSE(context.unwrap(token, out).has_value());
  EXPECT_FALSE(context.verify_mic(as_bytes("m"), token).has_value());
}

TEST_P(FailureTest, SPN_10_EveryCallInEveryStateIsAnsweredAndDoesNoHarm) {
  auto client = initiator();
  auto server = acceptor();
  call_everything(*client, false);
  call_everything(*server, false);
  bool to_acceptor = false;
  std::optional<Bytes> token = Bytes();
  while (token) {
    Context& side = to_acceptor ? *server : *client;
    Result<ContextStep> step = side.step(*token);
    token.reset();
    ASSERT_TRUE(step.has_value()) << describe(step.error());
    if (auto* need = std::get_if<NeedAccount>(&step.value())) {
      call_everything(side, false);
      step = side.resume(testing::known_users(*need));
      ASSERT_TRUE(step.has_value()) << describe(step.error());
    }
    if (auto* next = std::get_if<Continue>(&step.value())) token = std::move(next->token);
    if (auto* last = std::get_if<Established>(&step.value())) token = std::move(last->token);
    if (!side.established()) call_everything(side, false);
    to_acceptor = !to_acceptor;
  }
  call_everything(*client, true);
  call_everything(*server, true);
}

// Garbage at each step: the context fails, and every call after that is answered.
TEST_P(FailureTest, SPN_10_SPN_11_AFailedContextAnswersEveryCall) {
  for (size_t at = 0; at < 4; ++at) {
    const Outcome outcome = testing::run(GetParam(), initiator_config_, acceptor_config_,
                                         testing::known_users, [at](size_t index, Bytes& token) {
                                           if (index == at) token = testing::unhex("a100ff");
                                         });
    if (outcome.tokens.size() <= at) break;
    EXPECT_FALSE(outcome.established());
    Context& failed = at % 2 == 0 ? *outcome.acceptor : *outcome.initiator;
    EXPECT_STREQ(failed.state_name(), "Failed");
    call_everything(failed, false);
    const Error first = failed.step({}).error();
    EXPECT_EQ(failed.resume(AccountAnswer{}).error(), first);
    EXPECT_EQ(failed.peer_done().error(), first);
    Bytes out(64);
    EXPECT_EQ(failed.mic(as_bytes("m"), out).error(), first);
    EXPECT_EQ(failed.session_key().error(), first);
  }
}

TEST_P(FailureTest, SPN_11_AnUnstartedContextCanBeDestroyed) {
  initiator();
  acceptor();
}

TEST_P(FailureTest, SPN_10_CallsOutOfTurnAreMisuseAndChangeNothing) {
  auto client = initiator();
  EXPECT_EQ(client->resume(AccountAnswer{}).error().code, Errc::kApiMisuse);
  EXPECT_EQ(client->resume(ExchangeAnswer{}).error().code, Errc::kApiMisuse);
  EXPECT_TRUE(client->step({}).has_value());
  auto server = acceptor();
  EXPECT_FALSE(server->peer_done().has_value());
  EXPECT_FALSE(server->established());
}

}  // namespace
}  // namespace pocketgss
