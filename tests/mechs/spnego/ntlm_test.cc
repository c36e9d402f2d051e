// SPNEGO with NTLM inside, our two sides with each other.
#include <gtest/gtest.h>

#include <new>

#include "mechs/ntlm/messages.h"
#include "mechs/oids.h"
#include "mechs/spnego/token.h"
#include "tests/fakes/fake_source.h"
#include "tests/mechs/ntlm/exchange.h"
#include "tests/mechs/spnego/oids.h"
#include "tests/mechs/spnego/pair.h"
#include "tests/support/allocations.h"
#include "tests/support/hex.h"

namespace pocketgss::mechs::spnego {
namespace {

using testing::AllocationWatch;
using testing::FailingAllocations;
using testing::hex;
using testing::Side;
using testing::unhex;

// Login is a whole login with a user and a password.
struct Login {
  Login() {
    initiator_entry.oid = kNtlmOid;
    initiator_entry.source = &initiators;
    acceptor_entry.oid = kNtlmOid;
    acceptor_entry.source = &acceptors;
    acceptor_entry.recognises = ntlm::recognises;
  }

  void make(PolicyLevel level = PolicyLevel::kDefault) {
    if (level == PolicyLevel::kStrict) ntlm.strict();
    InitiatorConfig i;
    i.mechanisms = std::span(&initiator_entry, 1);
    i.level = level;
    AcceptorConfig a;
    a.mechanisms = std::span(&acceptor_entry, 1);
    a.level = level;
    initiator.mechanism = make_initiator(ntlm.runtime, i).value();
    acceptor.mechanism = make_acceptor(ntlm.runtime, a).value();
  }

  // One call of either side each.
  Result<MechanismStep> ask(const Bytes& token) { return step(*acceptor.mechanism, token); }
  Bytes init() { return std::get<Continue>(step(*initiator.mechanism, {}).value()).token; }
  Bytes challenge(const Bytes& init) { return std::get<Continue>(ask(init).value()).token; }

  // run gives whether both ends are established. The account is made before it.
  bool run() {
    std::optional<Account> account = Account{"alice", SecretBytes(ntlm.server_hash.view())};
    return run(std::move(account));
  }
  bool run(std::optional<Account> account) {
    auto token = testing::step_side(initiator, {});
    if (!token) return false;
    token = testing::step_side(acceptor, *token);
    if (!token) return false;
    token = testing::step_side(initiator, *token);
    if (!token) return false;
    auto asked = ask(*token);
    if (!asked.has_value()) {
      acceptor.error = asked.error();
      return false;
    }
    return finish(std::move(account));
  }
  bool finish(std::optional<Account> account) {
    auto verdict = resume(*acceptor.mechanism, AccountAnswer{std::move(account)});
    if (!verdict.has_value()) {
      acceptor.error = verdict.error();
      return false;
    }
    acceptor.complete = std::move(std::get<Complete>(verdict.value()));
    testing::step_side(initiator, *acceptor.complete->token);
    return initiator.established();
  }

  ntlm::testing::Exchange ntlm;
  testing::FakeSource initiators{[this](MicNeed need) {
    return ntlm::make_initiator(ntlm.runtime, ntlm.initiator, need != MicNeed::kNone);
  }};
  testing::FakeSource acceptors{
      [this](MicNeed) { return ntlm::make_acceptor(ntlm.runtime, ntlm.acceptor); }};
  MechanismEntry initiator_entry, acceptor_entry;
  Side initiator, acceptor;
};

TEST(SpnegoNtlm, EstablishesWithMechListMicsBothWays) {
  for (const PolicyLevel level : {PolicyLevel::kDefault, PolicyLevel::kStrict}) {
    Login login;
    login.make(level);
    ASSERT_TRUE(login.run());
    EXPECT_TRUE(login.initiator.complete->protection->info.mech_list_mic_verified);
    EXPECT_TRUE(login.acceptor.complete->protection->info.mech_list_mic_verified);
    EXPECT_TRUE(login.acceptor.complete->protection->info.mic_verified);
    EXPECT_STREQ(login.acceptor.complete->protection->info.mechanism, "NTLM");
    EXPECT_EQ(login.acceptor.complete->protection->info.account_name, "alice");
    EXPECT_EQ(hex(login.initiator.complete->protection->session_key()),
              hex(login.acceptor.complete->protection->session_key()));
  }
}

// [MS-SPNG] 3.2.5.1, 3.3.5.1: after the mechListMICs the sequence number is 1 and the RC4 handle at
// its start. Recorded peers say the same (exchanges_test.cc).
TEST(SpnegoNtlm, QuirkB3_SPN_13_TheFirstWrapHasSequenceNumberOne) {
  Login login;
  login.make();
  ASSERT_TRUE(login.run());
  MessageProtection& client = *login.initiator.complete->protection;
  MessageProtection& server = *login.acceptor.complete->protection;
  for (auto [from, to] : {std::pair(&client, &server), std::pair(&server, &client)}) {
    Bytes token(from->wrap_size(5)), out(64);
    ASSERT_TRUE(from->wrap(as_bytes("hello"), true, token).has_value());
    EXPECT_EQ(hex(ByteView(token).sub(12, 4)), "01000000");
    EXPECT_EQ(to->unwrap(token, out).value().size, 5U);
  }
}

TEST(SpnegoNtlm, QuirkB1_TheAuthenticateWithAMicComesWithAMechListMic) {
  Login login;
  login.make();
  const Bytes challenge = login.challenge(login.init());
  const auto answer = step(*login.initiator.mechanism, challenge);
  const NegTokenResp resp = parse_neg_token_resp(std::get<Continue>(answer.value()).token).value();
  EXPECT_NE(ntlm::testing::pairs_of(*resp.response_token).flags() & 0x2, 0U);
  EXPECT_EQ(resp.mech_list_mic->size(), 16U);
  EXPECT_EQ(hex(resp.mech_list_mic->sub(12, 4)), "00000000");
}

TEST(SpnegoNtlm, QuirkB1_P8_AnAuthenticateWithAMicAndNoMechListMicIsRefused) {
  Login login;
  login.make();
  const Bytes challenge = login.challenge(login.init());
  const auto answer = step(*login.initiator.mechanism, challenge);
  NegTokenResp resp = parse_neg_token_resp(std::get<Continue>(answer.value()).token).value();
  resp.mech_list_mic.reset();
  ASSERT_TRUE(login.ask(encode(resp).value()).has_value());
  EXPECT_FALSE(login.finish(Account{"alice", SecretBytes(login.ntlm.server_hash.view())}));
  EXPECT_EQ(*login.acceptor.error, (Error{Errc::kAuthFailed, "mechListMIC", 0, 0}));
}

TEST(SpnegoNtlm, AWrongPasswordIsRefused) {
  Login login;
  login.ntlm.nt_hash = ntlm::testing::hash_of(login.ntlm.runtime, "Password2");
  login.make();
  EXPECT_FALSE(login.run());
  EXPECT_EQ(login.acceptor.error->code, Errc::kAuthFailed);
}

TEST(SpnegoNtlm, AnUnknownAccountIsRefusedLikeAWrongPassword) {
  Login wrong, unknown;
  wrong.ntlm.nt_hash = ntlm::testing::hash_of(wrong.ntlm.runtime, "Password2");
  wrong.make();
  unknown.make();
  EXPECT_FALSE(wrong.run());
  EXPECT_FALSE(unknown.run(std::nullopt));
  EXPECT_EQ(*wrong.acceptor.error, *unknown.acceptor.error);
}

TEST(SpnegoNtlm, SSEAN_W2_AnEarlySuccessIsTakenAndReported) {
  Login login;
  login.make();
  const Bytes challenge = login.challenge(login.init());
  ASSERT_TRUE(step(*login.initiator.mechanism, challenge).has_value());
  EXPECT_TRUE(login.initiator.mechanism->proof_sent());
  const auto done = peer_done(*login.initiator.mechanism);
  EXPECT_FALSE(std::get<Complete>(done.value()).protection->info.mech_list_mic_verified);
}

// Kerberos is offered first and has no part in it: Windows, or MIT with a ticket.
TEST(SpnegoNtlm, SPN_7_ReselectionOfNtlmIsProvenByMechListMics) {
  Login login;
  const testing::MechanismScript script;
  const std::vector<MechanismEntry> offered = {
      testing::fake_entry(script, testing::FakeRole::kInitiator, {kKerberosOid}),
      login.initiator_entry};
  InitiatorConfig config;
  config.mechanisms = offered;
  login.make();
  login.initiator.mechanism = make_initiator(login.ntlm.runtime, config).value();
  auto token = testing::step_side(login.initiator, {});
  token = testing::step_side(login.acceptor, *token);
  EXPECT_EQ(hex(*token), "a1153013a0030a0103a10c060a2b06010401823702020a");
  token = testing::step_side(login.initiator, *token);
  token = testing::step_side(login.acceptor, *token);
  token = testing::step_side(login.initiator, *token);
  ASSERT_TRUE(login.ask(*token).has_value());
  EXPECT_TRUE(login.finish(Account{"alice", SecretBytes(login.ntlm.server_hash.view())}));
  EXPECT_TRUE(login.initiator.complete->protection->info.mech_list_mic_verified);
}

// A man in the middle takes Kerberos out of the list on its way to an acceptor that has both: NTLM
// is chosen as if it were wanted, and request-mic is forged for the initiator.
TEST(SpnegoNtlm, SPN_7_BothSidesFailWhenTheFirstMechanismWasTakenOut) {
  Login login;
  const testing::MechanismScript script;
  const std::vector<MechanismEntry> offered = {
      testing::fake_entry(script, testing::FakeRole::kInitiator, {kKerberosOid}),
      login.initiator_entry};
  InitiatorConfig config;
  config.mechanisms = offered;
  login.make();
  login.initiator.mechanism = make_initiator(login.ntlm.runtime, config).value();
  testing::step_side(login.initiator, {});
  const Bytes list = unhex("300c060a2b06010401823702020a");
  NegTokenInit cut;
  cut.mech_types = MechTypeList::parse(list).value();
  EXPECT_EQ(hex(login.challenge(encode(cut).value())),
            "a1153013a0030a0101a10c060a2b06010401823702020a");
  auto token =
      testing::step_side(login.initiator, unhex("a1153013a0030a0103a10c060a2b06010401823702020a"));
  token = testing::step_side(login.acceptor, *token);
  token = testing::step_side(login.initiator, *token);
  ASSERT_TRUE(login.ask(*token).has_value());
  EXPECT_FALSE(login.finish(Account{"alice", SecretBytes(login.ntlm.server_hash.view())}));
  EXPECT_EQ(*login.acceptor.error, (Error{Errc::kAuthFailed, "mechListMIC", 0, 0}));
  EXPECT_FALSE(peer_done(*login.initiator.mechanism).has_value());
}

TEST(SpnegoNtlm, QuirkB17_TakesBareNtlm) {
  Login login;
  login.make();
  auto client = ntlm::make_initiator(login.ntlm.runtime, login.ntlm.initiator, false).value();
  const Bytes negotiate = std::get<Continue>(step(*client, {}).value()).token;
  const Bytes challenge = login.challenge(negotiate);
  const auto done = step(*client, challenge);
  ASSERT_TRUE(login.ask(*std::get<Complete>(done.value()).token).has_value());
  auto verdict =
      resume(*login.acceptor.mechanism,
             AccountAnswer{Account{"alice", SecretBytes(login.ntlm.server_hash.view())}});
  EXPECT_FALSE(std::get<Complete>(verdict.value()).token.has_value());
}

// One login by PERFORMANCE.md: 24 for everything, of which SPNEGO's part is about a third.
TEST(SpnegoNtlm, AHandshakeAllocatesLittle) {
  Login login;
  login.make();
  ASSERT_TRUE(login.run());  // whatever is made once

  const auto allocations = [&](auto&& run) {
    Login fresh;
    std::optional<Account> account = Account{"alice", SecretBytes(fresh.ntlm.server_hash.view())};
    const AllocationWatch watch;
    run(fresh, std::move(account));
    return watch.count();
  };
  const size_t all = allocations([](Login& fresh, std::optional<Account> account) {
    fresh.make();
    ASSERT_TRUE(fresh.run(std::move(account)));
  });
  const size_t ntlm_alone = allocations([](Login& fresh, std::optional<Account> account) {
    ASSERT_TRUE(fresh.ntlm.until_authenticate().has_value());
    ASSERT_TRUE(step(*fresh.ntlm.server, fresh.ntlm.authenticate).has_value());
    ASSERT_TRUE(resume(*fresh.ntlm.server, AccountAnswer{std::move(account)}).has_value());
  });
  RecordProperty("allocations", static_cast<int>(all));
  RecordProperty("ntlm_alone", static_cast<int>(ntlm_alone));
  EXPECT_LE(all, 24U);
}

// MEM-3: whichever allocation fails, nobody is established by it, and the side stays failed.
TEST(SpnegoNtlm, MEM_3_SurvivesTheFailureOfEachAllocation) {
  for (size_t n = 1;; ++n) {
    Login login;
    std::optional<Account> account = Account{"alice", SecretBytes(login.ntlm.server_hash.view())};
    bool both = false;
    {
      const FailingAllocations failing(n);
      try {
        login.make();
        both = login.run(std::move(account));
      } catch (const std::bad_alloc&) {  // which the layer above turns into kNoMemory
      }
      if (!failing.reached()) break;
    }
    EXPECT_FALSE(both) << n;
    const auto is_failed = [](const Side& side) {
      return side.mechanism && std::string_view(side.mechanism->state_name()) == "Failed";
    };
    const bool made = login.initiator.mechanism && login.acceptor.mechanism;
    EXPECT_TRUE(!made || is_failed(login.initiator) || is_failed(login.acceptor)) << n;
    ASSERT_LT(n, 200U);
  }
}

TEST(SpnegoNtlm, SPN_1_RefusesShortTokensAfterNegotiate) {
  for (const bool bare : {false, true}) {
    for (const Bytes& short_token : testing::short_tokens()) {
      Login login;
      login.make();
      const Bytes init = login.init();
      const NegTokenInit parsed = parse_neg_token_init(init).value();
      login.challenge(bare ? parsed.mech_token->to_bytes() : init);
      const Errc code = login.ask(short_token).error().code;
      EXPECT_TRUE(code == Errc::kMalformed || code == Errc::kPeerMisbehaved) << hex(short_token);
      EXPECT_STREQ(login.acceptor.mechanism->state_name(), "Failed");
    }
  }
}

}  // namespace
}  // namespace pocketgss::mechs::spnego
