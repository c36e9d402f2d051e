// Whole exchanges through the public interface: what comes out, and what protects messages.
#include <gtest/gtest.h>
#include <pocketgss/context.h>

#include "tests/lib/support/pair.h"
#include "tests/support/hex.h"

namespace pocketgss {
namespace {

using testing::acceptor_config;
using testing::hex;
using testing::initiator_config;
using testing::Outcome;
using testing::run;

class ContextTest : public ::testing::TestWithParam<MechanismKind> {};

INSTANTIATE_TEST_SUITE_P(Kinds, ContextTest,
                         ::testing::Values(MechanismKind::kNtlm, MechanismKind::kSpnego),
                         [](const auto& instance) {
                           return instance.param == MechanismKind::kNtlm ? "Ntlm" : "SpnegoNtlm";
                         });

TEST_P(ContextTest, EstablishesBothSides) {
  const Outcome outcome = run(GetParam(), initiator_config(), acceptor_config());
  ASSERT_TRUE(outcome.established()) << outcome.why();
  EXPECT_STREQ(outcome.initiator->state_name(), "Established");
  EXPECT_STREQ(outcome.acceptor->state_name(), "Established");
}

TEST_P(ContextTest, TellsWhatIsKnownOfIt) {
  InitiatorConfig config = initiator_config("EXAMPLE\\user");
  config.flags = kIntegFlag | kConfFlag | kReplayFlag | kSequenceFlag;
  const Outcome outcome = run(GetParam(), config, acceptor_config());
  ASSERT_TRUE(outcome.established()) << outcome.why();
  const bool spnego = GetParam() == MechanismKind::kSpnego;
  for (const Context* side : {outcome.initiator.get(), outcome.acceptor.get()}) {
    const ContextInfo& info = side->info();
    EXPECT_STREQ(info.mechanism, "NTLM");
    EXPECT_EQ(info.initiator_name, "EXAMPLE\\user");
    EXPECT_EQ(info.target_name, testing::kTarget);
    EXPECT_TRUE(has(info.flags, kIntegFlag | kConfFlag));
    EXPECT_FALSE(has(info.flags, kMutualFlag));
    EXPECT_FALSE(has(info.flags, kAnonFlag));
    EXPECT_FALSE(info.channel_bound);
    EXPECT_EQ(info.mech_list_mic_verified, spnego);
  }
  EXPECT_EQ(outcome.initiator->info().account_name, "");
  EXPECT_EQ(outcome.acceptor->info().account_name, "account of user");
  EXPECT_TRUE(outcome.acceptor->info().mic_verified);
}

TEST_P(ContextTest, AsksForTheAccountByTheNamesAsSent) {
  const Outcome down_level = run(GetParam(), initiator_config("EXAMPLE\\user"), acceptor_config());
  ASSERT_TRUE(down_level.asked.has_value());
  EXPECT_EQ(down_level.asked->user, "user");
  EXPECT_EQ(down_level.asked->domain, "EXAMPLE");
  const Outcome plain = run(GetParam(), initiator_config("user"), acceptor_config());
  EXPECT_EQ(plain.asked->user, "user");
  EXPECT_EQ(plain.asked->domain, "");
}

TEST_P(ContextTest, QuirkC11_SendsAPrincipalNameAsTheUser) {
  const Outcome outcome = run(GetParam(), initiator_config("user@example.test"), acceptor_config());
  ASSERT_TRUE(outcome.established()) << outcome.why();
  EXPECT_EQ(outcome.asked->user, "user@example.test");
  EXPECT_EQ(outcome.asked->domain, "");
  EXPECT_EQ(outcome.acceptor->info().initiator_name, "user@example.test");
}

TEST_P(ContextTest, HasOneSessionKeyOnBothSides) {
  const Outcome outcome = run(GetParam(), initiator_config(), acceptor_config());
  ASSERT_TRUE(outcome.established()) << outcome.why();
  const ByteView key = outcome.initiator->session_key().value();
  EXPECT_EQ(key.size(), 16u);
  EXPECT_EQ(hex(key), hex(outcome.acceptor->session_key().value()));
}

TEST_P(ContextTest, HasNoPseudoRandomFunctionOfNtlm) {
  const Outcome outcome = run(GetParam(), initiator_config(), acceptor_config());
  ASSERT_TRUE(outcome.established()) << outcome.why();
  Bytes out(16, 7);
  EXPECT_EQ(outcome.initiator->pseudo_random(PrfKey::kFull, as_bytes("use"), out).error().code,
            Errc::kPeerIncompatible);
  EXPECT_EQ(outcome.acceptor->pseudo_random(PrfKey::kPartial, as_bytes("use"), out).error().code,
            Errc::kPeerIncompatible);
  EXPECT_EQ(out, Bytes(16, 7));
  // The question does no harm.
  EXPECT_TRUE(outcome.initiator->session_key().has_value());
}

TEST_P(ContextTest, HasAnotherSessionKeyEachTime) {
  const Outcome first = run(GetParam(), initiator_config(), acceptor_config());
  const Outcome second = run(GetParam(), initiator_config(), acceptor_config());
  EXPECT_NE(hex(first.initiator->session_key().value()),
            hex(second.initiator->session_key().value()));
}

TEST_P(ContextTest, TakesAnNtHashInPlaceOfThePassword) {
  InitiatorConfig config = initiator_config();
  const SecretBytes hash =
      nt_hash_of_password(testing::runtime(), as_bytes(testing::kPassword)).value();
  config.credential =
      Credential::from_nt_hash(AccountName::parse("user").value(), hash.view().first<16>()).value();
  EXPECT_TRUE(run(GetParam(), config, acceptor_config()).established());
}

TEST_P(ContextTest, WorksAtStrict) {
  InitiatorConfig initiator = initiator_config();
  AcceptorConfig acceptor = acceptor_config();
  initiator.policy.level = acceptor.policy.level = PolicyLevel::kStrict;
  const Outcome outcome = run(GetParam(), initiator, acceptor);
  EXPECT_TRUE(outcome.established()) << outcome.why();
}

// A sender and a receiver, one way round and the other.
struct Direction {
  Context* sender;
  Context* receiver;
};
std::vector<Direction> directions(const Outcome& outcome) {
  return {{outcome.initiator.get(), outcome.acceptor.get()},
          {outcome.acceptor.get(), outcome.initiator.get()}};
}

Bytes wrapped(Context& sender, ByteView message, bool confidential) {
  Bytes out(sender.wrap_size(message.size()));
  const Result<size_t> size = sender.wrap(message, confidential, out);
  EXPECT_TRUE(size.has_value());
  out.resize(size.has_value() ? size.value() : 0);
  return out;
}

TEST_P(ContextTest, WrapsAndUnwrapsBothWays) {
  const Outcome outcome = run(GetParam(), initiator_config(), acceptor_config());
  ASSERT_TRUE(outcome.established()) << outcome.why();
  for (int round = 0; round < 3; ++round) {
    for (const auto& [sender, receiver] : directions(outcome)) {
      for (const size_t size : {0u, 1u, 64u, 4096u}) {
        const Bytes message(size, static_cast<uint8_t>('a' + round));
        const Bytes token = wrapped(*sender, message, round == 0);
        Bytes out(token.size());
        const auto unwrapped = receiver->unwrap(token, out);
        ASSERT_TRUE(unwrapped.has_value()) << describe(unwrapped.error());
        EXPECT_TRUE(unwrapped.value().confidential);  // quirk A6: NTLM always encrypts
        EXPECT_EQ(hex(ByteView(out).prefix(unwrapped.value().size)), hex(message));
      }
    }
  }
}

TEST_P(ContextTest, MakesAndVerifiesMicsBothWays) {
  const Outcome outcome = run(GetParam(), initiator_config(), acceptor_config());
  ASSERT_TRUE(outcome.established()) << outcome.why();
  for (const auto& [sender, receiver] : directions(outcome)) {
    for (const std::string_view text : {"", "one", "another message"}) {
      Bytes mic(sender->mic_size());
      ASSERT_EQ(sender->mic(as_bytes(text), mic).value(), mic.size());
      EXPECT_TRUE(receiver->verify_mic(as_bytes(text), mic).has_value());
    }
  }
}

TEST_P(ContextTest, MixesMicsAndWraps) {
  const Outcome outcome = run(GetParam(), initiator_config(), acceptor_config());
  ASSERT_TRUE(outcome.established()) << outcome.why();
  for (const auto& [sender, receiver] : directions(outcome)) {
    for (int i = 0; i < 4; ++i) {
      Bytes mic(sender->mic_size());
      ASSERT_TRUE(sender->mic(as_bytes("signed"), mic).has_value());
      const Bytes token = wrapped(*sender, as_bytes("sealed"), true);
      EXPECT_TRUE(receiver->verify_mic(as_bytes("signed"), mic).has_value());
      Bytes out(token.size());
      EXPECT_TRUE(receiver->unwrap(token, out).has_value());
    }
  }
}

TEST_P(ContextTest, RefusesAChangedMessage) {
  const Outcome outcome = run(GetParam(), initiator_config(), acceptor_config());
  ASSERT_TRUE(outcome.established()) << outcome.why();
  Bytes token = wrapped(*outcome.initiator, as_bytes("message"), true);
  token.back() ^= 1;
  Bytes out(token.size(), 0xaa);
  EXPECT_EQ(outcome.acceptor->unwrap(token, out).error().code, Errc::kAuthFailed);
  EXPECT_EQ(as_text(out).find("messag"), std::string_view::npos);
}

TEST_P(ContextTest, RefusesBuffersThatAreTooSmall) {
  const Outcome outcome = run(GetParam(), initiator_config(), acceptor_config());
  ASSERT_TRUE(outcome.established()) << outcome.why();
  Bytes small(outcome.initiator->wrap_size(7) - 1);
  EXPECT_EQ(outcome.initiator->wrap(as_bytes("message"), true, small).error().code,
            Errc::kApiMisuse);
  Bytes tiny(outcome.initiator->mic_size() - 1);
  EXPECT_EQ(outcome.initiator->mic(as_bytes("message"), tiny).error().code, Errc::kApiMisuse);
  // Nothing was lost by that: the next message is in sequence.
  const Bytes token = wrapped(*outcome.initiator, as_bytes("message"), true);
  Bytes out(token.size());
  EXPECT_TRUE(outcome.acceptor->unwrap(token, out).has_value());
}

TEST(Context, ProtectsNothingWithoutIntegrity) {
  InitiatorConfig config = initiator_config();
  config.flags = kNoContextFlags;
  const Outcome outcome = run(MechanismKind::kNtlm, config, acceptor_config());
  ASSERT_TRUE(outcome.established()) << outcome.why();
  Bytes out(64);
  for (Context* side : {outcome.initiator.get(), outcome.acceptor.get()}) {
    EXPECT_FALSE(has(side->info().flags, kIntegFlag));
    EXPECT_EQ(side->mic_size(), 0u);
    EXPECT_EQ(side->wrap_size(10), 0u);
    EXPECT_EQ(side->mic(as_bytes("m"), out).error().code, Errc::kApiMisuse);
    EXPECT_EQ(side->wrap(as_bytes("m"), false, out).error().code, Errc::kApiMisuse);
  }
}

TEST(Context, SpnegoAsksForIntegrityWhateverTheCallerWants) {
  InitiatorConfig config = initiator_config();
  config.flags = kNoContextFlags;
  const Outcome outcome = run(MechanismKind::kSpnego, config, acceptor_config());
  ASSERT_TRUE(outcome.established()) << outcome.why();
  EXPECT_TRUE(outcome.acceptor->info().mech_list_mic_verified);
}

// SSEAN-W2: the 235 comes in the place of the acceptor's last token.
TEST(Context, SSEAN_W2_TakesAnEarlySuccessAtDefault) {
  const InitiatorConfig config = initiator_config();
  const AcceptorConfig acceptor = acceptor_config();
  Outcome outcome;
  outcome.initiator = make_initiator(testing::runtime(), MechanismKind::kSpnego, config).value();
  outcome.acceptor = make_acceptor(testing::runtime(), MechanismKind::kSpnego, acceptor).value();
  Bytes token = std::get<Continue>(outcome.initiator->step({}).value()).token;
  token = std::get<Continue>(outcome.acceptor->step(token).value()).token;
  token = std::get<Continue>(outcome.initiator->step(token).value()).token;
  EXPECT_TRUE(outcome.initiator->proof_sent());
  const auto done = outcome.initiator->peer_done();
  ASSERT_TRUE(done.has_value()) << describe(done.error());
  EXPECT_FALSE(std::get<Established>(done.value()).token.has_value());
  EXPECT_FALSE(outcome.initiator->info().mech_list_mic_verified);
}

TEST(Context, P8_RefusesAnEarlySuccessAtStrict) {
  InitiatorConfig config = initiator_config();
  config.policy.level = PolicyLevel::kStrict;
  const AcceptorConfig acceptor_settings = acceptor_config();
  auto initiator = make_initiator(testing::runtime(), MechanismKind::kSpnego, config).value();
  auto acceptor =
      make_acceptor(testing::runtime(), MechanismKind::kSpnego, acceptor_settings).value();
  Bytes token = std::get<Continue>(initiator->step({}).value()).token;
  token = std::get<Continue>(acceptor->step(token).value()).token;
  token = std::get<Continue>(initiator->step(token).value()).token;
  EXPECT_EQ(initiator->peer_done().error().code, Errc::kPolicy);
  EXPECT_FALSE(initiator->established());
  EXPECT_TRUE(initiator->proof_sent());
}

TEST(Context, QuirkB17_TakesBareNtlmWhereSpnegoWasAwaited) {
  const InitiatorConfig config = initiator_config();
  const AcceptorConfig settings = acceptor_config();
  Outcome outcome;
  outcome.initiator = make_initiator(testing::runtime(), MechanismKind::kNtlm, config).value();
  outcome.acceptor = make_acceptor(testing::runtime(), MechanismKind::kSpnego, settings).value();
  Bytes token = std::get<Continue>(outcome.initiator->step({}).value()).token;
  testing::go_on(outcome, std::move(token), testing::known_users);
  EXPECT_TRUE(outcome.established()) << outcome.why();
}

}  // namespace
}  // namespace pocketgss
