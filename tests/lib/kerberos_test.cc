// Kerberos contexts, bare and in SPNEGO, beside NTLM.
#include <gtest/gtest.h>

#include "base/cursor.h"
#include "lib/replay_cache.h"
#include "lib/ticket_source.h"
#include "mechs/spnego/token.h"
#include "tests/lib/support/pair.h"
#include "tests/mechs/krb5/exchange.h"

namespace pocketgss {
namespace {

using mechs::krb5::Etype;
using mechs::krb5::testing::Exchange;
using testing::Outcome;
using testing::run;
using Verdict = ReplayCache::Verdict;

// Ticket holds one, or none, and counts who asks.
class Ticket final : public TicketSource {
 public:
  explicit Ticket(Etype etype) : maker(etype) {}
  Result<std::unique_ptr<mechs::krb5::CredentialSource>> start(
      Runtime&, std::string_view target) const override {
    EXPECT_EQ(target, testing::kTarget);
    if (missing) return Error{Errc::kUnreachable, "no KDC", 0, 0};
    return std::unique_ptr<mechs::krb5::CredentialSource>(
        std::make_unique<mechs::krb5::ReadyCredential>(*maker.credential));
  }

  mutable Exchange maker;
  bool missing = false;
};

// Two sides with a ticket, the key of its service, and NTLM as far as a test wants it.
struct KerberosPair {
  explicit KerberosPair(Etype etype = Etype::kAes256CtsHmacSha1)
      : ticket(std::make_shared<Ticket>(etype)) {
    initiator.policy.allow_rc4 = acceptor.policy.allow_rc4 = etype == Etype::kRc4Hmac;
    ticket->maker.clock.set(system_clock().now());
    ticket->maker.issue();
    mechs::krb5::KeytabEntry entry;
    const Exchange& maker = ticket->maker;
    entry.principal = maker.ticket.service.view();
    entry.etype = static_cast<int32_t>(maker.service_key.etype());
    entry.key = maker.service_key.view();
    entry.set_kvno(maker.ticket.kvno);
    acceptor.keys = read_service_keys(mechs::krb5::write_keytab({&entry, 1}).value()).value();
    acceptor.replay_cache = make_replay_cache(system_clock()).value();
    initiator.target = testing::kTarget;
    initiator.tickets = ticket;
    initiator.policy.inner = {InnerMechanism::kKerberos, InnerMechanism::kNtlm};
  }
  Outcome go(MechanismKind kind = MechanismKind::kSpnego) { return run(kind, initiator, acceptor); }

  std::shared_ptr<Ticket> ticket;
  InitiatorConfig initiator = testing::initiator_config();
  AcceptorConfig acceptor = testing::acceptor_config();
};

void expect_mechanism(const Outcome& outcome, std::string_view mechanism) {
  ASSERT_TRUE(outcome.established()) << outcome.why();
  EXPECT_EQ(outcome.initiator->info().mechanism, mechanism);
  EXPECT_EQ(outcome.acceptor->info().mechanism, mechanism);
}

TEST(KerberosContext, P1_IsFirstInSpnegoAndNeedsOneRoundTrip) {
  KerberosPair pair;
  const Outcome outcome = pair.go();
  expect_mechanism(outcome, "Kerberos");
  EXPECT_EQ(outcome.tokens.size(), 2U);
  EXPECT_EQ(outcome.acceptor->info().account_name, "alice@EXAMPLE.TEST");
  EXPECT_TRUE(has(outcome.initiator->info().flags, kMutualFlag));
  EXPECT_EQ(outcome.initiator->session_key().value(), outcome.acceptor->session_key().value());
}

TEST(KerberosContext, GivesPseudoRandomOctetsBareAndInSpnego) {
  KerberosPair pair;
  for (const MechanismKind kind : {MechanismKind::kSpnego, MechanismKind::kKerberos}) {
    const Outcome outcome = pair.go(kind);
    ASSERT_TRUE(outcome.established()) << outcome.why();
    for (const PrfKey key : {PrfKey::kFull, PrfKey::kPartial}) {
      Bytes one(100), two(100);
      ASSERT_TRUE(outcome.initiator->pseudo_random(key, as_bytes("use"), one).has_value());
      ASSERT_TRUE(outcome.acceptor->pseudo_random(key, as_bytes("use"), two).has_value());
      EXPECT_EQ(one, two);
      EXPECT_NE(one, Bytes(100));
    }
    EXPECT_TRUE(outcome.initiator->pseudo_random(PrfKey::kFull, {}, {}).has_value());
  }
}

TEST(KerberosContext, QuirkB16_QuirkD22_TheInitiatorIsToldWhyItIsRefused) {
  for (const MechanismKind kind : {MechanismKind::kSpnego, MechanismKind::kKerberos}) {
    KerberosPair pair;
    pair.acceptor.client_realms = {"FRIEND.TEST"};
    Outcome outcome = pair.go(kind);
    ASSERT_TRUE(outcome.acceptor_error.has_value());
    EXPECT_EQ(outcome.acceptor_error->code, Errc::kPolicy);
    const Bytes token = outcome.acceptor->take_error_token();
    ASSERT_FALSE(token.empty());
    EXPECT_EQ(token[0], kind == MechanismKind::kSpnego ? 0xa1 : 0x60);
    const auto told = outcome.initiator->step(token);
    ASSERT_FALSE(told.has_value());
    EXPECT_EQ(told.error().peer_status, 60);
    EXPECT_STREQ(told.error().where,
                 "the KDC or the service reports an error that it does not explain");
    EXPECT_TRUE(outcome.acceptor->take_error_token().empty());
    EXPECT_EQ(outcome.acceptor->step({}).error(), *outcome.acceptor_error);
  }
}

TEST(KerberosContext, QuirkB17_ABareTokenThatIsRefusedGetsABareError) {
  KerberosPair pair;
  pair.acceptor.client_realms = {"FRIEND.TEST"};
  const auto initiator =
      make_initiator(testing::runtime(), MechanismKind::kKerberos, pair.initiator).value();
  const auto acceptor =
      make_acceptor(testing::runtime(), MechanismKind::kSpnego, pair.acceptor).value();
  const auto first = initiator->step({}).value();
  ASSERT_FALSE(acceptor->step(std::get<Continue>(first).token).has_value());
  EXPECT_EQ(initiator->step(acceptor->take_error_token()).error().peer_status, 60);
}

TEST(KerberosContext, NtlmTellsNothing) {
  KerberosPair pair;
  pair.initiator = testing::initiator_config("user", "another password");
  const Outcome outcome = pair.go();
  ASSERT_TRUE(outcome.acceptor_error.has_value());
  EXPECT_TRUE(outcome.acceptor->take_error_token().empty());
}

TEST(KerberosContext, GoesBare) {
  KerberosPair pair;
  expect_mechanism(pair.go(MechanismKind::kKerberos), "Kerberos");
}

TEST(KerberosContext, GoesWithoutMutualAuthentication) {
  KerberosPair pair;
  pair.initiator.flags = kIntegFlag;
  pair.acceptor.replay_cache = std::make_shared<ReplayCache>(system_clock(), 8, 3'600'000'000);
  expect_mechanism(pair.go(), "Kerberos");
  EXPECT_FALSE(pair.go(MechanismKind::kKerberos).initiator_error.has_value());
}

// An acceptor that has sent something else has taken the ticket. SPNEGO's acceptor always has.
TEST(KerberosContext, QuirkD22_OnlyTheFirstAnswerTellsWhyTheInitiatorIsRefused) {
  KerberosPair refusing;
  refusing.acceptor.client_realms = {"FRIEND.TEST"};
  const Bytes error = refusing.go(MechanismKind::kKerberos).acceptor->take_error_token();
  struct Case {
    MechanismKind kind;
    ContextFlags flags;
    int32_t told;
  };
  for (const Case& one : {Case{MechanismKind::kKerberos, kIntegFlag, 60},
                          Case{MechanismKind::kKerberos, kMutualFlag | kIntegFlag, 0},
                          Case{MechanismKind::kSpnego, kIntegFlag, 0},
                          Case{MechanismKind::kSpnego, kMutualFlag | kIntegFlag, 0}}) {
    KerberosPair pair;
    pair.initiator.flags = one.flags;
    pair.acceptor.replay_cache = std::make_shared<ReplayCache>(system_clock(), 8, 3'600'000'000);
    const Outcome outcome = pair.go(one.kind);
    ASSERT_TRUE(outcome.initiator->established() && outcome.acceptor->established());
    Bytes out(error.size());
    EXPECT_EQ(outcome.initiator->unwrap(error, out).error().peer_status, one.told);
    Bytes offer(outcome.acceptor->wrap_size(4));
    offer.resize(outcome.acceptor->wrap(as_bytes("text"), false, offer).value());
    ASSERT_TRUE(outcome.initiator->unwrap(offer, out).has_value());
    EXPECT_EQ(outcome.initiator->unwrap(error, out).error().peer_status, 0);
    EXPECT_EQ(outcome.acceptor->unwrap(error, out).error().peer_status, 0);
  }
}

TEST(KerberosContext, KRA_11_WithoutMutualAuthenticationAFreshCacheMakesTheClientWait) {
  KerberosPair pair;
  pair.initiator.flags = kIntegFlag;
  const Outcome outcome = pair.go(MechanismKind::kKerberos);
  ASSERT_TRUE(outcome.acceptor_error.has_value());
  EXPECT_EQ(outcome.acceptor_error->code, Errc::kExpired);
}

TEST(KerberosContext, SSEAN_S3_QuirkA23_ABareTokenIsTakenByASpnegoAcceptor) {
  KerberosPair pair;
  Outcome outcome;
  outcome.initiator =
      make_initiator(testing::runtime(), MechanismKind::kKerberos, pair.initiator).value();
  outcome.acceptor =
      make_acceptor(testing::runtime(), MechanismKind::kSpnego, pair.acceptor).value();
  auto first = outcome.initiator->step({}).value();
  testing::go_on(outcome, std::get<Continue>(first).token, testing::known_users);
  expect_mechanism(outcome, "Kerberos");
}

TEST(KerberosContext, P8_AnAcceptorWithoutKerberosReselectsNtlmAndTheListIsProven) {
  KerberosPair pair;
  pair.acceptor.keys.reset();
  const Outcome outcome = pair.go();
  expect_mechanism(outcome, "NTLM");
  EXPECT_TRUE(outcome.initiator->info().mech_list_mic_verified);
  EXPECT_TRUE(outcome.acceptor->info().mech_list_mic_verified);
}

TEST(KerberosContext, P8_WithoutATicketNtlmIsOfferedAlone) {
  KerberosPair pair;
  pair.ticket->missing = true;
  expect_mechanism(pair.go(), "NTLM");
  pair.initiator.policy.inner = {InnerMechanism::kKerberos};
  const Outcome outcome = pair.go();
  ASSERT_TRUE(outcome.initiator_error.has_value());
  EXPECT_EQ(outcome.initiator_error->code, Errc::kUnreachable);
}

TEST(KerberosContext, P8_P10_WhereThePolicyRefusesTheTicketNtlmIsNotOffered) {
  if (!mechs::krb5::known_etype(23)) GTEST_SKIP() << "etype 23 is not built";
  KerberosPair pair(Etype::kRc4Hmac);
  pair.initiator.policy.allow_rc4 = false;
  const Outcome outcome = pair.go();
  ASSERT_TRUE(outcome.initiator_error.has_value());
  EXPECT_EQ(outcome.initiator_error->code, Errc::kPolicy);
  EXPECT_TRUE(outcome.tokens.empty());
}

TEST(KerberosContext, TellsTheMechanismBeforeItIsEstablishedAndAfterItFailed) {
  KerberosPair pair;
  for (const bool kerberos : {true, false}) {
    if (!kerberos) pair.initiator.policy.inner = {InnerMechanism::kNtlm};
    const char* const name = kerberos ? "Kerberos" : "NTLM";
    const auto context =
        make_initiator(testing::runtime(), MechanismKind::kSpnego, pair.initiator).value();
    EXPECT_STREQ(context->mechanism_name(), "");
    ASSERT_TRUE(context->step({}).has_value());
    EXPECT_STREQ(context->mechanism_name(), name);
    ASSERT_FALSE(context->step(as_bytes("garbage")).has_value());
    EXPECT_STREQ(context->mechanism_name(), name);
    EXPECT_STREQ(context->info().mechanism, "");
    EXPECT_STREQ(pair.go().initiator->mechanism_name(), name);
  }
}

TEST(KerberosContext, P1_NtlmThatIsNotNamedIsNotOffered) {
  KerberosPair pair;
  pair.initiator.policy.inner = {InnerMechanism::kKerberos};
  pair.acceptor.keys.reset();
  EXPECT_FALSE(pair.go().established());
}

TEST(KerberosContext, P1_KerberosThatIsNotNamedIsNotOffered) {
  KerberosPair pair;
  pair.initiator.policy.inner = {InnerMechanism::kNtlm};
  expect_mechanism(pair.go(), "NTLM");
}

TEST(KerberosContext, P8_WhereNtlmIsPreferredTheAcceptorMayStillChooseKerberos) {
  KerberosPair pair;
  pair.initiator.policy.inner = {InnerMechanism::kNtlm, InnerMechanism::kKerberos};
  pair.acceptor.ntlm = false;
  const Outcome outcome = pair.go();
  expect_mechanism(outcome, "Kerberos");
  EXPECT_TRUE(outcome.initiator->info().mech_list_mic_verified);
}

// MIT's acceptor makes no mechListMIC for a client that does not ask for integrity.
TEST(KerberosContext, QuirkA22_AsksForIntegrityWhereTheMechListMicNeedsIt) {
  KerberosPair pair;
  pair.initiator.flags = kMutualFlag;
  pair.acceptor.ntlm = false;
  const Outcome first = pair.go();
  expect_mechanism(first, "Kerberos");
  EXPECT_FALSE(has(first.acceptor->info().flags, kIntegFlag)) << "it may be a wish for a layer";
  pair.initiator.policy.inner = {InnerMechanism::kNtlm, InnerMechanism::kKerberos};
  const Outcome reselected = pair.go();
  expect_mechanism(reselected, "Kerberos");
  EXPECT_TRUE(has(reselected.acceptor->info().flags, kIntegFlag));
  EXPECT_FALSE(has(reselected.acceptor->info().flags, kConfFlag));
}

// Heimdal takes a peer with a key of old for one that owes no mechListMIC.
TEST(KerberosContext, QuirkB11_AMechListMicIsOwedWhateverTheKey) {
  if (!mechs::krb5::known_etype(23)) GTEST_SKIP() << "etype 23 is not built";
  KerberosPair pair(Etype::kRc4Hmac);
  Outcome outcome = pair.go();
  expect_mechanism(outcome, "Kerberos");
  EXPECT_FALSE(outcome.initiator->info().mech_list_mic_verified) << "the first choice owes none";
  pair.initiator.policy.inner = {InnerMechanism::kNtlm, InnerMechanism::kKerberos};
  pair.acceptor.ntlm = false;
  outcome = pair.go();
  expect_mechanism(outcome, "Kerberos");
  EXPECT_TRUE(outcome.initiator->info().mech_list_mic_verified);
  EXPECT_TRUE(outcome.acceptor->info().mech_list_mic_verified);

  const auto without_mic = [](size_t index, Bytes& token) {
    if (index != 3) return;
    mechs::spnego::NegTokenResp resp = mechs::spnego::parse_neg_token_resp(token).value();
    ASSERT_TRUE(resp.mech_list_mic.has_value());
    resp.mech_list_mic.reset();
    resp.neg_state = mechs::spnego::NegState::kAcceptCompleted;
    token = mechs::spnego::encode(resp).value();
  };
  const Outcome cut =
      run(MechanismKind::kSpnego, pair.initiator, pair.acceptor, testing::known_users, without_mic);
  ASSERT_TRUE(cut.initiator_error.has_value());
  EXPECT_STREQ(cut.initiator_error->where, "NegTokenResp.mechListMIC");
}

TEST(KerberosContext, QuirkB21_SuccessWithoutTheApRepThatWasAskedForIsRefused) {
  KerberosPair pair;
  const auto without_ap_rep = [](size_t index, Bytes& token) {
    if (index != 1) return;
    mechs::spnego::NegTokenResp resp = mechs::spnego::parse_neg_token_resp(token).value();
    EXPECT_EQ(resp.neg_state, mechs::spnego::NegState::kAcceptCompleted);
    resp.response_token.reset();
    token = mechs::spnego::encode(resp).value();
  };
  const Outcome outcome = run(MechanismKind::kSpnego, pair.initiator, pair.acceptor,
                              testing::known_users, without_ap_rep);
  ASSERT_TRUE(outcome.initiator_error.has_value());
  EXPECT_EQ(outcome.initiator_error->code, Errc::kPeerMisbehaved);
}

TEST(KerberosContext, CHB_2_ABindingIsProvenOrRefused) {
  KerberosPair pair;
  const ChannelBinding ours = ChannelBinding::tls_unique(as_bytes("finished"));
  pair.initiator.channel_binding = ours;
  pair.acceptor.channel_bindings = {ours};
  pair.initiator.policy.channel_binding = pair.acceptor.policy.channel_binding =
      BindingRequirement::kRequire;
  const Outcome bound = pair.go();
  expect_mechanism(bound, "Kerberos");
  EXPECT_TRUE(bound.acceptor->info().channel_bound);
  pair.acceptor.channel_bindings = {ChannelBinding::tls_unique(as_bytes("another"))};
  EXPECT_FALSE(pair.go().established());
}

TEST(KerberosContext, KRA_11_TheSameTokenIsTakenOnce) {
  KerberosPair pair;
  const Outcome outcome = pair.go(MechanismKind::kKerberos);
  ASSERT_TRUE(outcome.established()) << outcome.why();
  auto again = make_acceptor(testing::runtime(), MechanismKind::kKerberos, pair.acceptor).value();
  EXPECT_EQ(again->step(outcome.tokens[0]).error().code, Errc::kExpired);
}

TEST(KerberosContext, NeedsAReplayCacheBesideItsKeys) {
  KerberosPair pair;
  pair.acceptor.replay_cache.reset();
  EXPECT_EQ(make_acceptor(testing::runtime(), MechanismKind::kSpnego, pair.acceptor).error(),
            (Error{Errc::kApiMisuse, "AcceptorConfig.replay_cache", 0, 0}));
}

TEST(ServiceKeys, RefuseWhatIsNoKeyTable) {
  EXPECT_EQ(read_service_keys(SecretBytes(as_bytes("nonsense"))).error().code, Errc::kMalformed);
}

// --- the cache ---

constexpr UnixMicros kSkew = 300'000'000;

mechs::krb5::AuthenticatorTag tag(uint32_t number, uint32_t low = 0) {
  mechs::krb5::AuthenticatorTag out{};
  store_u32le(out.data(), low);  // where the index looks
  store_u32le(out.data() + 4, number);
  return out;
}

// A cache that has been there for long, and its clock.
struct OldCache {
  explicit OldCache(size_t capacity) : cache(clock, capacity, 10 * kSkew) {}
  Verdict add(uint32_t number, uint32_t low = 0) {
    return cache.add(tag(number, low), clock.now(), kSkew);
  }

  testing::FakeClock clock;
  ReplayCache cache;
};

constexpr UnixMicros kKept = 2 * kSkew + 1'000'000;

TEST(ReplayCache, P17_KRA_11_KeepsEachForTwiceTheSkew) {
  OldCache old(4);
  EXPECT_EQ(old.add(1), Verdict::kNew);
  old.clock.advance(kKept);
  EXPECT_EQ(old.add(1), Verdict::kReplay);
  old.clock.advance(1);
  EXPECT_EQ(old.add(1), Verdict::kNew);
}

TEST(ReplayCache, P17_KRA_11_CannotTellWhatMayHaveComeBeforeItsTime) {
  testing::FakeClock clock;
  const UnixMicros began = clock.now();
  ReplayCache cache(clock, 4);
  EXPECT_EQ(cache.add(tag(1), began + kSkew, kSkew), Verdict::kUnknown);
  EXPECT_EQ(cache.add(tag(1), began + kSkew, kSkew), Verdict::kReplay);
  EXPECT_EQ(cache.add(tag(2), began + kSkew + 1, kSkew), Verdict::kNew);
}

// A device that starts in 1970 and is told the time later: what was sent before the start came by the
// right time.
TEST(ReplayCache, P17_KRA_11_KnowsWhenItBeganThoughTheClockWasSetSince) {
  testing::FakeClock clock(0);
  ReplayCache cache(clock, 4);
  clock.advance(1'000'000);
  clock.step(1'795'000'000'000'000);
  const UnixMicros began = clock.now() - 1'000'000;
  EXPECT_EQ(cache.add(tag(1), began + kSkew, kSkew), Verdict::kUnknown);
  EXPECT_EQ(cache.add(tag(2), began + kSkew + 1, kSkew), Verdict::kNew);
}

// An authenticator that was taken and forgotten must not be new where the clock goes back to its time,
// or goes back further and comes to it again.
TEST(ReplayCache, P17_KRA_11_CannotTellOfTimesThatTheClockShowsAgain) {
  for (const UnixMicros back : {UnixMicros{0}, 2 * kSkew, 5 * kSkew}) {
    OldCache old(4);
    const UnixMicros taken = old.clock.now();
    EXPECT_EQ(old.add(1), Verdict::kNew);
    old.clock.advance(3 * kSkew);
    EXPECT_EQ(old.add(2), Verdict::kNew);
    const UnixMicros end = old.clock.now();
    old.clock.step(taken - back - old.clock.now());
    EXPECT_EQ(old.add(3), Verdict::kUnknown) << back;
    old.clock.advance(back);
    EXPECT_EQ(old.cache.add(tag(1), taken, kSkew), Verdict::kUnknown) << back;
    // Once it is as late again, all is as before.
    old.clock.set(old.clock.now() + (end - old.clock.now()) + kSkew);
    EXPECT_EQ(old.add(4), Verdict::kUnknown);
    old.clock.advance(1);
    EXPECT_EQ(old.add(5), Verdict::kNew);
  }
}

// What was set forward by mistake, and back, does not make anybody wait until that time.
TEST(ReplayCache, P17_KRA_11_ATimeThatWasShownByMistakeIsNoTimeBetween) {
  OldCache old(4);
  EXPECT_EQ(old.add(1), Verdict::kNew);
  old.clock.step(1000 * kSkew);
  EXPECT_EQ(old.add(2), Verdict::kNew);
  old.clock.step(-1000 * kSkew);
  EXPECT_EQ(old.add(3), Verdict::kUnknown);
  old.clock.advance(kSkew + 1);
  EXPECT_EQ(old.add(4), Verdict::kNew);
}

TEST(ReplayCache, P17_KRA_11_WhereNothingCameEarlierAClockThatIsSetChangesNothing) {
  testing::FakeClock clock;
  ReplayCache fresh(clock, 4, ReplayCache::kNothingEarlier);
  clock.step(-3 * kSkew);
  EXPECT_EQ(fresh.add(tag(1), clock.now(), kSkew), Verdict::kNew);
}

// The first of them, ten skews long, is not lost.
TEST(ReplayCache, P17_KRA_11_RemembersManyStepsAsOne) {
  OldCache old(64);
  for (uint32_t i = 0; i < 20; ++i) {
    old.clock.advance(3 * kSkew);
    old.add(2 * i);
    old.clock.step(-3 * kSkew);
    EXPECT_EQ(old.add(2 * i + 1), Verdict::kUnknown) << i;
  }
  old.clock.step(-5 * kSkew);
  EXPECT_EQ(old.add(1000), Verdict::kUnknown);
}

TEST(ReplayCache, P17_KRA_11_SmallStepsAreNoneUntilTheyAreALargeOne) {
  OldCache old(4);
  for (uint32_t i = 0; i < 2; ++i) {
    old.clock.step(-500'000);
    EXPECT_EQ(old.add(i), Verdict::kNew);
  }
  old.clock.step(-1);
  EXPECT_EQ(old.add(2), Verdict::kUnknown);
}

// Forward, what was taken is kept for its time all the same, and found where the clock comes back.
TEST(ReplayCache, P17_KRA_11_KeepsWhatItHasWhereTheClockWasSetForward) {
  OldCache old(4);
  EXPECT_EQ(old.add(1), Verdict::kNew);
  old.clock.step(100 * kSkew);
  EXPECT_EQ(old.add(2), Verdict::kNew);
  old.clock.step(-100 * kSkew);
  EXPECT_EQ(old.add(1), Verdict::kReplay);
}

// The clock was fast, and what an earlier cache took bears its time.
TEST(ReplayCache, P17_KRA_11_CannotTellOfItsPredecessorsTimeWhereTheClockIsSetBack) {
  testing::FakeClock clock;
  const UnixMicros began = clock.now();
  ReplayCache cache(clock, 4);
  const auto add = [&](uint32_t number, UnixMicros ctime) {
    return cache.add(tag(number), ctime, kSkew);
  };
  clock.advance(2 * kSkew);
  EXPECT_EQ(add(1, clock.now()), Verdict::kNew);
  clock.step(-4 * kSkew);
  EXPECT_EQ(add(2, began - 2 * kSkew), Verdict::kUnknown);
  clock.advance(3 * kSkew);
  EXPECT_EQ(add(3, began + kSkew), Verdict::kUnknown);
  clock.advance(2 * kSkew + 1);  // beyond what it had shown
  EXPECT_EQ(add(4, clock.now()), Verdict::kNew);
}

// What came while it was full was let in by those who could prove themselves: it must not be new when
// there is room again.
TEST(ReplayCache, P17_KRA_11_CannotTellOfWhatItHadNoRoomFor) {
  OldCache old(1);
  EXPECT_EQ(old.add(1), Verdict::kNew);
  old.clock.advance(2 * kSkew - 1);
  const UnixMicros refused = old.clock.now();
  EXPECT_EQ(old.add(2), Verdict::kUnknown);
  old.clock.advance(2'000'000);  // the first is forgotten
  const auto add = [&](uint32_t number, UnixMicros ctime) {
    return old.cache.add(tag(number), ctime, kSkew);
  };
  EXPECT_EQ(add(2, refused), Verdict::kUnknown);
  EXPECT_EQ(add(2, refused), Verdict::kReplay);
  old.clock.advance(kKept + 1);
  EXPECT_EQ(add(3, old.clock.now()), Verdict::kNew);
}

TEST(ReplayCache, P17_KRA_11_ALaterTimeThanWhatItHadNoRoomForIsNew) {
  OldCache old(1);
  EXPECT_EQ(old.add(1), Verdict::kNew);
  old.clock.advance(2 * kSkew - 1);
  EXPECT_EQ(old.add(2), Verdict::kUnknown);
  old.clock.advance(2'000'000);
  EXPECT_EQ(old.add(3), Verdict::kNew);
}

TEST(ReplayCache, IsBoundedAndSaysSo) {
  OldCache old(3);
  for (uint32_t i = 0; i < 3; ++i) EXPECT_EQ(old.add(i), Verdict::kNew);
  EXPECT_EQ(old.add(3), Verdict::kUnknown);
  EXPECT_EQ(old.add(0), Verdict::kReplay);
  old.clock.advance(kKept + 1);
  EXPECT_EQ(old.add(3), Verdict::kNew);
}

// Against a model, with places that collide.
TEST(ReplayCache, FindsWhatItKeepsWhateverElseIsForgotten) {
  constexpr size_t kCapacity = 37;
  OldCache old(kCapacity);
  std::vector<std::pair<uint32_t, UnixMicros>> model;  // tag, until
  uint32_t random = 12345;
  for (int i = 0; i < 20000; ++i) {
    random = random * 1664525 + 1013904223;
    old.clock.advance((random >> 8) % (kSkew / 8));
    const UnixMicros now = old.clock.now();
    std::erase_if(model, [&](const auto& entry) { return entry.second < now; });
    const uint32_t number = (random >> 16) % 100;
    const bool known = std::any_of(model.begin(), model.end(),
                                   [&](const auto& entry) { return entry.first == number; });
    const Verdict verdict = old.add(number, number % 5 + 126);
    if (known) {
      ASSERT_EQ(verdict, Verdict::kReplay) << i;
    } else if (model.size() == kCapacity) {
      ASSERT_EQ(verdict, Verdict::kUnknown) << i;
    } else {
      ASSERT_EQ(verdict, Verdict::kNew) << i;
      model.emplace_back(number, now + kKept);
    }
  }
}

TEST(ReplayCache, P17_KRA_11_TellsAtOnceWhereNothingCameEarlier) {
  testing::FakeClock clock;
  const UnixMicros now = clock.now();
  auto waiting = make_replay_cache(clock).value();
  auto fresh = make_replay_cache(clock, 8, EarlierLogins::kNone).value();
  EXPECT_EQ(waiting->add(tag(1), now, kSkew), Verdict::kUnknown);
  EXPECT_EQ(fresh->add(tag(1), now - kSkew, kSkew), Verdict::kNew);
  EXPECT_EQ(fresh->add(tag(1), now - kSkew, kSkew), Verdict::kReplay);
}

TEST(ReplayCache, RefusesACapacityOfNothing) {
  EXPECT_EQ(make_replay_cache(system_clock(), 0).error().code, Errc::kApiMisuse);
}

}  // namespace
}  // namespace pocketgss
