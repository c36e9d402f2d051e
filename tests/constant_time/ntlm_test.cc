// The checks that NTLM's acceptor and SPNEGO make of codes, under valgrind: of what is undefined there
// the verdict alone is decided on.
#include <gtest/gtest.h>
#include <pocketgss/context.h>

#include "tests/constant_time/decisions.h"
#include "tests/mechs/ntlm/exchange.h"

namespace pocketgss {
namespace {

namespace ntlm = mechs::ntlm;
using mechs::ntlm::testing::Exchange;
using testing::Decisions;
using testing::decisions_on;

class NtlmConstantTime : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (!RUNNING_ON_VALGRIND) GTEST_SKIP() << "valgrind is what counts";
  }
  // expect_one: the code is right or wrong as the parameter says, and one branch tells.
  static void expect_one(const Decisions& made) {
    EXPECT_EQ(made.count, 1u);
    EXPECT_EQ(made.accepted, GetParam());
  }
};

INSTANTIATE_TEST_SUITE_P(Code, NtlmConstantTime, ::testing::Bool(),
                         [](const auto& of) { return of.param ? "Right" : "Wrong"; });

TEST_P(NtlmConstantTime, TIM_1_P21_OnlyTheVerdictOnTheMicIsDecidedOn) {
  Exchange e;
  ASSERT_TRUE(e.until_authenticate().has_value());
  if (!GetParam()) e.authenticate[ntlm::AuthenticateMessage::kMicAt + 3] ^= 1;
  const ByteView mic = ByteView(e.authenticate).sub(ntlm::AuthenticateMessage::kMicAt, 16);
  expect_one(decisions_on(mic, [&] { return e.verdict(); }));
}

// The binding is our own: what the client sent is under the proof.
TEST_P(NtlmConstantTime, TIM_1_P21_OnlyTheVerdictOnAChannelBindingIsDecidedOn) {
  Exchange e;
  const Bytes sent(40, 7), ours(40, GetParam() ? 7 : 8);
  e.initiator.channel_binding = sent;
  e.bind({ours});
  ASSERT_TRUE(e.until_authenticate().has_value());
  expect_one(decisions_on(ours, [&] { return e.verdict(); }));
}

// The checksum of an NTLMSSP_MESSAGE_SIGNATURE; what stands around it is no secret.
ByteView checksum_of(ByteView signature) {
  return signature.sub(4, 8);
}

TEST_P(NtlmConstantTime, TIM_1_P21_OnlyTheVerdictOnASignatureIsDecidedOn) {
  const Bytes message(40, 7);
  for (const int kind : {0, 1, 2}) {
    Exchange e;
    ASSERT_TRUE(e.run().has_value());
    Bytes token(16 + message.size()), out(message.size());
    token.resize((kind == 2 ? e.client_done.protection->wrap(message, true, token)
                            : e.client_done.protection->mic(message, token))
                     .value());
    if (!GetParam()) token[7] ^= 1;
    mechs::MessageProtection& ours = *e.server_done.protection;
    expect_one(decisions_on(checksum_of(token), [&]() -> Result<void> {
      if (kind == 0) return ours.verify_mic(message, token);
      if (kind == 1) return ours.verify_mech_list_mic(message, token);
      PGSS_TRY(const auto unwrapped, ours.unwrap(token, out));
      static_cast<void>(unwrapped);
      return {};
    }));
  }
}

// In SPNEGO, on both sides: the mechListMIC stands at the end of the tokens.
TEST_P(NtlmConstantTime, TIM_1_P21_OnlyTheVerdictOnAMechListMicIsDecidedOn) {
  for (const bool of_initiator : {true, false}) {
    Runtime runtime = Runtime::create().value();
    InitiatorConfig ours;
    ours.credential = Credential::from_password(runtime, AccountName::parse("alice").value(),
                                                SecretBytes(std::string_view("Password1")))
                          .value();
    ours.policy.inner = {InnerMechanism::kNtlm};
    AcceptorConfig theirs;
    theirs.ntlm = true;
    theirs.host = "mail.example.test";
    theirs.policy.target_name_check = Policy::TargetNameCheck::kOff;
    const auto client = make_initiator(runtime, MechanismKind::kSpnego, ours).value();
    const auto server = make_acceptor(runtime, MechanismKind::kSpnego, theirs).value();
    const auto token_of = [](Result<ContextStep> step) {
      return std::get<Continue>(std::move(step).value()).token;
    };
    const auto last = [](const Bytes& token) {
      return checksum_of(ByteView(token).from(token.size() - 16));
    };
    const auto answered = [&](const Bytes& token) -> Result<ContextStep> {
      PGSS_CHECK(server->step(token));
      return server->resume(AccountAnswer{
          Account{"alice", nt_hash_of_password(runtime, as_bytes("Password1")).value()}});
    };
    Bytes authenticate = token_of(client->step(token_of(server->step(token_of(client->step({}))))));
    if (of_initiator) {
      if (!GetParam()) authenticate[authenticate.size() - 7] ^= 1;
      expect_one(decisions_on(last(authenticate), [&] { return answered(authenticate); }));
      continue;
    }
    Bytes mic = *std::get<Established>(answered(authenticate).value()).token;
    if (!GetParam()) mic[mic.size() - 7] ^= 1;
    expect_one(decisions_on(last(mic), [&] { return client->step(mic); }));
  }
}

}  // namespace
}  // namespace pocketgss
