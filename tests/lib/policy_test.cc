// The rows of the policy that a caller of the library meets, each by its id.
#include <gtest/gtest.h>
#include <pocketgss/context.h>

#include <set>

#include "tests/lib/support/pair.h"
#include "tests/support/fake_clock.h"
#include "tests/support/hex.h"

namespace pocketgss {
namespace {

using testing::acceptor_config;
using testing::initiator_config;
using testing::known_users;
using testing::Outcome;
using testing::run;

constexpr auto kBothKinds = {MechanismKind::kNtlm, MechanismKind::kSpnego};

Error initiator_error(MechanismKind kind, const InitiatorConfig& config) {
  const auto made = make_initiator(testing::runtime(), kind, config);
  EXPECT_FALSE(made.has_value());
  return made.has_value() ? Error{} : made.error();
}

Error acceptor_error(MechanismKind kind, const AcceptorConfig& config) {
  const auto made = make_acceptor(testing::runtime(), kind, config);
  EXPECT_FALSE(made.has_value());
  return made.has_value() ? Error{} : made.error();
}

// --- P1 ---

const Error kNoTickets{Errc::kNeedsCredential, "InitiatorConfig.tickets", 0, 0};

TEST(Policy, P1_TheDefaultNamesKerberosAlone) {
  EXPECT_EQ(Policy().inner, std::vector{InnerMechanism::kKerberos});
}

TEST(Policy, NamesWhatIsInItsList) {
  Policy policy;
  EXPECT_TRUE(policy.names(InnerMechanism::kKerberos));
  EXPECT_FALSE(policy.names(InnerMechanism::kNtlm));
  policy.inner = {InnerMechanism::kKerberos, InnerMechanism::kNtlm};
  EXPECT_TRUE(policy.names(InnerMechanism::kNtlm));
  policy.inner.clear();
  EXPECT_FALSE(policy.names(InnerMechanism::kKerberos));
}

TEST(Policy, P1_WithoutNtlmNamedNothingIsLeft) {
  InitiatorConfig config = initiator_config();
  config.policy.inner = {InnerMechanism::kKerberos};
  EXPECT_EQ(initiator_error(MechanismKind::kSpnego, config), kNoTickets);
}

TEST(Policy, NTL_5_P1_SendsNoNtlmThatTheUserDidNotName) {
  InitiatorConfig config = initiator_config();
  config.policy.inner = {InnerMechanism::kKerberos};
  const Error error = initiator_error(MechanismKind::kNtlm, config);
  EXPECT_EQ(error.code, Errc::kPolicy);
  EXPECT_TRUE(std::string_view(error.where).starts_with("P1"));
}

TEST(Policy, P1_OffersNtlmWhereItIsNamed) {
  InitiatorConfig config = initiator_config();
  config.policy.inner = {InnerMechanism::kKerberos, InnerMechanism::kNtlm};
  EXPECT_TRUE(run(MechanismKind::kSpnego, config, acceptor_config()).established());
}

TEST(Policy, P1_AnAcceptorTakesNtlmOnlyWhereItIsEnabled) {
  AcceptorConfig config = acceptor_config();
  config.ntlm = false;
  const Error none{Errc::kNeedsCredential, "AcceptorConfig.ntlm", 0, 0};
  EXPECT_EQ(acceptor_error(MechanismKind::kNtlm, config), none);
  EXPECT_EQ(acceptor_error(MechanismKind::kSpnego, config), none);
}

TEST(Policy, P1_KerberosNeedsTicketsAndKeys) {
  InitiatorConfig config = initiator_config();
  config.policy.inner = {InnerMechanism::kKerberos};
  EXPECT_EQ(initiator_error(MechanismKind::kKerberos, config), kNoTickets);
  config.policy.inner = {InnerMechanism::kNtlm};
  EXPECT_EQ(initiator_error(MechanismKind::kKerberos, config).code, Errc::kPolicy);
  EXPECT_EQ(acceptor_error(MechanismKind::kKerberos, acceptor_config()),
            (Error{Errc::kNeedsCredential, "AcceptorConfig.keys", 0, 0}));
}

TEST(Policy, RefusesAnEmptyListOfMechanisms) {
  InitiatorConfig config = initiator_config();
  config.policy.inner = {};
  EXPECT_EQ(initiator_error(MechanismKind::kSpnego, config),
            (Error{Errc::kApiMisuse, "Policy::inner", 0, 0}));
}

TEST(Policy, AsksForACredential) {
  InitiatorConfig config = initiator_config();
  config.credential.reset();
  for (const MechanismKind kind : kBothKinds) {
    EXPECT_EQ(initiator_error(kind, config),
              (Error{Errc::kNeedsCredential, "InitiatorConfig.credential", 0, 0}));
  }
}

TEST(Policy, AsksForTheHostOfAnAcceptor) {
  for (const char* host : {"", ".example.test", "m\xff"}) {
    AcceptorConfig config = acceptor_config();
    config.host = host;
    EXPECT_EQ(acceptor_error(MechanismKind::kNtlm, config),
              (Error{Errc::kApiMisuse, "AcceptorConfig.host", 0, 0}));
  }
}

// --- P5, and the relay between two channels ---

const ChannelBinding kOurs{as_bytes("tls-server-end-point:ours").to_bytes()};
const ChannelBinding kTheirs{as_bytes("tls-server-end-point:theirs").to_bytes()};
const ChannelBinding kUnique{as_bytes("tls-unique:ours").to_bytes()};

Outcome run_bound(MechanismKind kind, std::optional<ChannelBinding> initiator_binding,
                  std::vector<ChannelBinding> acceptor_bindings,
                  BindingRequirement initiator_rule = BindingRequirement::kWhenSupported,
                  BindingRequirement acceptor_rule = BindingRequirement::kWhenSupported) {
  InitiatorConfig initiator = initiator_config();
  initiator.channel_binding = std::move(initiator_binding);
  initiator.policy.channel_binding = initiator_rule;
  AcceptorConfig acceptor = acceptor_config();
  acceptor.channel_bindings = std::move(acceptor_bindings);
  acceptor.policy.channel_binding = acceptor_rule;
  return run(kind, initiator, acceptor);
}

TEST(Policy, P5_BindsTheChannelByAnyTypeThatTlsGives) {
  for (const MechanismKind kind : kBothKinds) {
    for (const ChannelBinding& binding : {kOurs, kUnique}) {
      const Outcome outcome = run_bound(kind, binding, {kOurs, kUnique});
      ASSERT_TRUE(outcome.established()) << outcome.why();
      EXPECT_TRUE(outcome.acceptor->info().channel_bound);
    }
  }
}

TEST(Policy, NTL_7_P5_RefusesALoginRelayedFromAnotherChannel) {
  for (const MechanismKind kind : kBothKinds) {
    const Outcome outcome = run_bound(kind, kTheirs, {kOurs, kUnique});
    EXPECT_FALSE(outcome.established());
    ASSERT_TRUE(outcome.acceptor_error.has_value());
    EXPECT_EQ(outcome.acceptor_error->code, Errc::kAuthFailed);
    EXPECT_STREQ(outcome.acceptor->info().mechanism, "");
  }
}

TEST(Policy, NTL_7_P5_RefusesALoginRelayedFromClearText) {
  for (const MechanismKind kind : kBothKinds) {
    const Outcome outcome =
        run_bound(kind, std::nullopt, {kOurs}, BindingRequirement::kWhenSupported,
                  BindingRequirement::kRequire);
    EXPECT_FALSE(outcome.established());
    EXPECT_TRUE(outcome.acceptor_error.has_value());
  }
}

TEST(Policy, P5_TakesALoginWithoutABindingWhereOneIsNotRequired) {
  for (const MechanismKind kind : kBothKinds) {
    const Outcome outcome = run_bound(kind, std::nullopt, {kOurs});
    ASSERT_TRUE(outcome.established()) << outcome.why();
    EXPECT_FALSE(outcome.acceptor->info().channel_bound);
  }
}

TEST(Policy, P5_RefusesABindingWhereThereIsNoChannelToBindTo) {
  for (const MechanismKind kind : kBothKinds) {
    EXPECT_FALSE(run_bound(kind, kOurs, {}).established());
  }
}

TEST(Policy, P5_WithRequireAnInitiatorSendsNothingWithoutABinding) {
  InitiatorConfig config = initiator_config();
  config.policy.channel_binding = BindingRequirement::kRequire;
  for (const MechanismKind kind : kBothKinds) {
    EXPECT_EQ(initiator_error(kind, config),
              (Error{Errc::kPolicy, "P5: channel binding required", 0, 0}));
  }
}

TEST(Policy, P5_WithRequireAnAcceptorAsksForABindingOfItsOwn) {
  AcceptorConfig config = acceptor_config();
  config.policy.channel_binding = BindingRequirement::kRequire;
  for (const MechanismKind kind : kBothKinds) {
    EXPECT_EQ(acceptor_error(kind, config),
              (Error{Errc::kPolicy, "P5: channel binding required", 0, 0}));
  }
}

TEST(Policy, P5_WorksWhereBothSidesRequireIt) {
  for (const MechanismKind kind : kBothKinds) {
    EXPECT_TRUE(
        run_bound(kind, kOurs, {kOurs}, BindingRequirement::kRequire, BindingRequirement::kRequire)
            .established());
  }
}

TEST(Policy, P5_OffSendsAndChecksNothing) {
  for (const MechanismKind kind : kBothKinds) {
    const Outcome unsent = run_bound(kind, kOurs, {kOurs}, BindingRequirement::kOff);
    ASSERT_TRUE(unsent.established()) << unsent.why();
    EXPECT_FALSE(unsent.acceptor->info().channel_bound);
    const Outcome unchecked = run_bound(kind, kTheirs, {kOurs}, BindingRequirement::kWhenSupported,
                                        BindingRequirement::kOff);
    ASSERT_TRUE(unchecked.established()) << unchecked.why();
    EXPECT_FALSE(unchecked.acceptor->info().channel_bound);
  }
}

// --- P18 ---

Outcome run_target(std::string target, std::vector<std::string> targets = {},
                   Policy::TargetNameCheck check = Policy::TargetNameCheck::kIfPresent) {
  InitiatorConfig initiator = initiator_config();
  initiator.target = std::move(target);
  AcceptorConfig acceptor = acceptor_config();
  acceptor.targets = std::move(targets);
  acceptor.policy.target_name_check = check;
  return run(MechanismKind::kSpnego, initiator, acceptor);
}

TEST(Policy, P18_QuirkA21_TakesBothServiceClassesOfItsHost) {
  EXPECT_TRUE(run_target("smtp/mail.example.test").established());
  EXPECT_TRUE(run_target("SMTPSVC/mail.example.test").established());
  EXPECT_TRUE(run_target("SMTP/MAIL.example.test").established());
}

TEST(Policy, P18_RefusesAnotherHostOrService) {
  EXPECT_FALSE(run_target("smtp/other.example.test").established());
  EXPECT_FALSE(run_target("http/mail.example.test").established());
}

TEST(Policy, P18_TakesWhatIsListedAndNothingElse) {
  EXPECT_TRUE(run_target("imap/mail", {"imap/mail"}).established());
  EXPECT_FALSE(run_target("smtp/mail.example.test", {"imap/mail"}).established());
}

TEST(Policy, P18_TakesALoginWithoutATargetByDefault) {
  EXPECT_TRUE(run_target("").established());
}

TEST(Policy, P18_RequiresATargetWhereTold) {
  EXPECT_FALSE(run_target("", {}, Policy::TargetNameCheck::kRequired).established());
  EXPECT_TRUE(
      run_target("smtp/mail.example.test", {}, Policy::TargetNameCheck::kRequired).established());
}

TEST(Policy, P18_ChecksNothingWhereOff) {
  EXPECT_TRUE(run_target("smtp/other", {}, Policy::TargetNameCheck::kOff).established());
}

// --- P19 ---

TEST(Policy, P19_NTL_6_AnInitiatorDoesNotAnswerItsOwnProgramsChallenge) {
  const auto guard = make_reflection_guard();
  InitiatorConfig initiator = initiator_config();
  AcceptorConfig acceptor = acceptor_config();
  initiator.guard = acceptor.guard = guard;
  for (const MechanismKind kind : kBothKinds) {
    const Outcome outcome = run(kind, initiator, acceptor);
    EXPECT_FALSE(outcome.established());
    ASSERT_TRUE(outcome.initiator_error.has_value());
    EXPECT_EQ(outcome.initiator_error->code, Errc::kPeerMisbehaved);
    EXPECT_FALSE(outcome.initiator->proof_sent());
  }
}

TEST(Policy, P19_AChallengeIsForgottenWithItsAcceptor) {
  const auto guard = make_reflection_guard();
  InitiatorConfig initiator = initiator_config();
  initiator.guard = guard;
  AcceptorConfig acceptor = acceptor_config();
  acceptor.guard = guard;
  Outcome outcome = run(MechanismKind::kNtlm, initiator, acceptor);
  ASSERT_EQ(outcome.tokens.size(), 2u);
  outcome.acceptor.reset();
  auto other = make_initiator(testing::runtime(), MechanismKind::kNtlm, initiator).value();
  ASSERT_TRUE(other->step({}).has_value());
  EXPECT_TRUE(other->step(outcome.tokens[1]).has_value());
}

TEST(Policy, P19_AForeignChallengeIsAnswered) {
  InitiatorConfig initiator = initiator_config();
  initiator.guard = make_reflection_guard();
  EXPECT_TRUE(run(MechanismKind::kSpnego, initiator, acceptor_config()).established());
}

// --- P20, P23: whatever is wrong, the answer is one ---

// The one error that every failed login ends in: that of a wrong password.
Error refusal() {
  static const Error error =
      run(MechanismKind::kNtlm, initiator_config("user", "wrong"), acceptor_config())
          .acceptor_error.value();
  return error;
}

void expect_refused(const Outcome& outcome) {
  EXPECT_FALSE(outcome.established());
  ASSERT_TRUE(outcome.acceptor_error.has_value());
  EXPECT_EQ(*outcome.acceptor_error, refusal());
  EXPECT_EQ(outcome.acceptor_error->code, Errc::kAuthFailed);
  EXPECT_EQ(outcome.acceptor->info().account_name, "");
}

TEST(Policy, P23_AWrongPasswordAndAnUnknownUserAreOneError) {
  for (const MechanismKind kind : kBothKinds) {
    expect_refused(run(kind, initiator_config("user", "wrong"), acceptor_config()));
    expect_refused(run(kind, initiator_config("nobody"), acceptor_config()));
  }
}

TEST(Policy, NTL_10_P20_ALookUpThatFindsNothingRefuses) {
  for (const MechanismKind kind : kBothKinds) {
    expect_refused(run(kind, initiator_config(), acceptor_config(),
                       [](const NeedAccount&) { return AccountAnswer{}; }));
  }
}

TEST(Policy, NTL_10_P20_AnEmptyKeyRefuses) {
  for (const size_t size : {0u, 1u, 15u, 17u, 32u}) {
    expect_refused(
        run(MechanismKind::kSpnego, initiator_config(), acceptor_config(), [=](const NeedAccount&) {
          return AccountAnswer{Account{"user", SecretBytes::of_size(size)}};
        }));
  }
}

TEST(Policy, NTL_10_P20_AKeyOfZerosOrOfTheEmptyPasswordRefuses) {
  for (const char* hash :
       {"00000000000000000000000000000000", "31d6cfe0d16ae931b73c59d7e0c089c0"}) {
    expect_refused(
        run(MechanismKind::kSpnego, initiator_config(), acceptor_config(), [=](const NeedAccount&) {
          return AccountAnswer{Account{"user", SecretBytes(testing::unhex(hash))}};
        }));
  }
}

TEST(Policy, NTL_10_ALookUpThatAnswersForAKdcRefuses) {
  const InitiatorConfig config = initiator_config();
  const AcceptorConfig settings = acceptor_config();
  auto initiator = make_initiator(testing::runtime(), MechanismKind::kNtlm, config).value();
  auto acceptor = make_acceptor(testing::runtime(), MechanismKind::kNtlm, settings).value();
  Bytes token = std::get<Continue>(initiator->step({}).value()).token;
  token = std::get<Continue>(acceptor->step(token).value()).token;
  const Bytes last = std::get<Established>(initiator->step(token).value()).token.value();
  ASSERT_TRUE(std::holds_alternative<NeedAccount>(acceptor->step(last).value()));
  EXPECT_EQ(acceptor->resume(ExchangeAnswer{Bytes(16)}).error(), refusal());
  EXPECT_EQ(acceptor->resume(known_users({"user", ""})).error(), refusal());
  EXPECT_FALSE(acceptor->established());
}

TEST(Policy, P23_NoErrorHoldsWhatThePeerOrTheUserWrote) {
  // `where` is static text, so it can be logged: the names and the password must not turn up.
  const Outcome outcome =
      run(MechanismKind::kSpnego, initiator_config("nobody", "wrong-secret"), acceptor_config());
  const std::string text = outcome.why();
  EXPECT_EQ(text.find("nobody"), text.npos);
  EXPECT_EQ(text.find("wrong-secret"), text.npos);
}

// P3, P4 as a caller turns them on.
TEST(Policy, P4_StrictRefusesWhatHasNoTargetInfo) {
  InitiatorConfig config = initiator_config();
  config.policy.level = PolicyLevel::kStrict;
  auto initiator = make_initiator(testing::runtime(), MechanismKind::kNtlm, config).value();
  ASSERT_TRUE(initiator->step({}).has_value());
  // A CHALLENGE without TargetInfo, as Cyrus SASL sends it (flags 0x00028205).
  const Bytes challenge = testing::unhex(
      "4e544c4d53535000020000000000000030000000058202000123456789abcdef000000000000000000000000"
      "30000000");
  const auto step = initiator->step(challenge);
  ASSERT_FALSE(step.has_value());
  EXPECT_EQ(step.error().code, Errc::kPeerIncompatible);
  EXPECT_FALSE(initiator->proof_sent());
}

}  // namespace
}  // namespace pocketgss
