// Reflection, and the messages of real clients.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "tests/mechs/ntlm/fake_client.h"
#include "tests/support/hex.h"

namespace pocketgss::mechs::ntlm {
namespace {

using pocketgss::testing::hex;
using pocketgss::testing::unhex;
using testing::Exchange;
using testing::FakeExchange;

bool says(const Error& error, std::string_view text) {
  return std::string_view(error.where).find(text) != std::string_view::npos;
}

// --- Reflection ---

class ListGuard final : public ChallengeGuard {
 public:
  void add(FixedView<8> challenge) override { open_.insert(hex(challenge)); }
  void remove(FixedView<8> challenge) override { open_.erase(hex(challenge)); }
  bool contains(FixedView<8> challenge) override { return open_.count(hex(challenge)) != 0; }
  size_t size() const { return open_.size(); }

 private:
  std::set<std::string> open_;
};

TEST(NtlmAcceptor, NTL_6_P19_ItsChallengeIsOpenUntilItIsAnswered) {
  ListGuard guard;
  FakeExchange e;
  e.acceptor.guard = &guard;
  ASSERT_TRUE(e.until_challenge().has_value());
  EXPECT_EQ(guard.size(), 1u);
  e.authenticate = e.fake.answer(e.runtime, e.negotiate, e.challenge);
  ASSERT_TRUE(e.verdict().has_value());
  EXPECT_EQ(guard.size(), 0u);
}

TEST(NtlmAcceptor, NTL_6_P19_AnAbandonedChallengeIsOpenNoLonger) {
  ListGuard guard;
  {
    FakeExchange e;
    e.acceptor.guard = &guard;
    ASSERT_TRUE(e.until_challenge().has_value());
    e.server.reset();
  }
  EXPECT_EQ(guard.size(), 0u);
}

TEST(NtlmAcceptor, NTL_6_P19_OurInitiatorRefusesOurAcceptorsChallenge) {
  ListGuard guard;
  Exchange e;
  e.acceptor.guard = e.initiator.guard = &guard;
  ASSERT_TRUE(e.until_challenge().has_value());
  const Error error = e.make_authenticate().error();
  EXPECT_EQ(error.code, Errc::kPeerMisbehaved);
  EXPECT_TRUE(says(error, "P19"));
  EXPECT_FALSE(e.client->proof_sent());
}

TEST(NtlmAcceptor, P19_WithoutAGuardALoginOverLoopbackIsNoReflection) {
  Exchange e;
  e.initiator.machine_id.fill(7);
  EXPECT_TRUE(e.run().has_value());
}

// --- Real clients ---

// The messages of real clients, whose challenge the random source gives again. Without a MIC
// nothing else of the CHALLENGE matters.
struct RealClient {
  const char* name;
  const char* negotiate;
  const char* server_challenge;
  const char* authenticate;
  bool at_strict;
};
void PrintTo(const RealClient& client, std::ostream* out) {
  *out << client.name;
}

class NtlmRealClients : public ::testing::TestWithParam<RealClient> {};

Result<void> replay(const RealClient& client, PolicyLevel level) {
  Exchange e;
  pocketgss::testing::FixedRandom random(unhex(client.server_challenge));
  e.runtime = Runtime::create(e.clock, random).value();
  e.acceptor.level = level;
  e.acceptor.target_name_check = TargetNameCheck::kOff;
  e.start();
  e.negotiate = unhex(client.negotiate);
  PGSS_CHECK(e.make_challenge());
  e.authenticate = unhex(client.authenticate);
  return e.verdict();
}

TEST_P(NtlmRealClients, QuirkC29_QuirkC30_AreInAtDefaultAndOutAtStrict) {
  EXPECT_TRUE(replay(GetParam(), PolicyLevel::kDefault).has_value());
  EXPECT_FALSE(replay(GetParam(), PolicyLevel::kStrict).has_value());
}

INSTANTIATE_TEST_SUITE_P(
    All, NtlmRealClients,
    ::testing::Values(
        RealClient{"JakartaMail",
                   "4e544c4d535350000100000003b2080007000700260000000600060020000000636c69656e74455"
                   "8414d504c45",
                   "7cd3051a838972bf",
                   "4e544c4d53535000030000001800180064000000300030007c0000000e000e00400000000a000a0"
                   "04e0000000c000c005800000000000000ac"
                   "000000000000004500580041004d0050004c00450061006c0069006300650063006c00690065006"
                   "e007400856a04456525a920a07019e8944f"
                   "4b95be11e8f7daa3c52f5c2c46a44970440419e6950a209593390101000000000000e02f91b1a77"
                   "bdd01be11e8f7daa3c52f00000000000000"
                   "00",
                   false},
        RealClient{
            "GoNtlmssp",
            "4e544c4d5353500001000000010088a0000000002800000000000000280000000601b11d0000000f",
            "8d4197c23a53ab8b",
            "4e544c4d53535000030000001800180040000000300030005800000000000000880000000a000a00880000"
            "000000000092000000000000000000"
            "000001820000ece10d1041d00b650b44d7ecd4a80d36dad7a9e15dade92800f0be776f547ec9f0d4aec375"
            "55969e0101000000000000759299"
            "bda87bdd01dad7a9e15dade928000000000000000061006c00690063006500",
            false}),
    [](const auto& one) { return std::string(one.param.name); });

TEST(NtlmAcceptor, RecognisesItsOwnFirstToken) {
  EXPECT_TRUE(recognises(unhex("4e544c4d5353500001")));
  EXPECT_FALSE(recognises(unhex("4e544c4d53535020")));
  EXPECT_FALSE(recognises(unhex("4e544c4d5353")));
  EXPECT_FALSE(recognises({}));
}

}  // namespace
}  // namespace pocketgss::mechs::ntlm
