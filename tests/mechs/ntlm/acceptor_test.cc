// The acceptor: order and size of messages, names, kinds of responses, accounts, time.
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <string>

#include "tests/mechs/ntlm/fake_client.h"
#include "tests/support/hex.h"

namespace pocketgss::mechs::ntlm {
namespace {

using pocketgss::testing::hex;
using pocketgss::testing::unhex;
using testing::FakeExchange;
using testing::utf16;

const Error kWrong{Errc::kAuthFailed, "wrong user, password or MIC", 0, 0};

bool says(const Error& error, std::string_view text) {
  return std::string_view(error.where).find(text) != std::string_view::npos;
}

Error verdict_on(const std::function<void(AuthenticateMessage&)>& change) {
  FakeExchange e;
  EXPECT_TRUE(e.until_challenge().has_value());
  const Bytes original = e.fake.answer(e.runtime, e.negotiate, e.challenge);
  AuthenticateMessage message = parse_authenticate(original).value();
  change(message);
  e.authenticate = encode(message).value();
  return e.verdict().error();
}

// --- Order and size ---

TEST(NtlmAcceptor, NTP_11_RefusesEveryMessageOutOfTurn) {
  FakeExchange whole;
  ASSERT_TRUE(whole.run().has_value());
  const std::array<Bytes, 3> messages = {whole.negotiate, whole.challenge, whole.authenticate};
  for (size_t first = 1; first < messages.size(); ++first) {
    FakeExchange e;
    e.start();
    const Error error = step(*e.server, messages[first]).error();
    EXPECT_EQ(error, (Error{Errc::kMalformed, "MessageType", 8, 0}));
    EXPECT_EQ(step(*e.server, messages[0]).error(), error) << "a failed acceptor stays failed";
    EXPECT_STREQ(e.server->state_name(), "Failed");
  }
  for (size_t second = 0; second < 2; ++second) {
    FakeExchange e;
    ASSERT_TRUE(e.until_challenge().has_value());
    const Error error = step(*e.server, messages[second]).error();
    EXPECT_EQ(error.code, Errc::kMalformed);
    EXPECT_EQ(step(*e.server, e.fake.answer(e.runtime, e.negotiate, e.challenge)).error(), error);
  }
}

TEST(NtlmAcceptor, NTP_11_CallsOutOfTurnAreMisuse) {
  FakeExchange e;
  e.start();
  EXPECT_EQ(resume(*e.server, AccountAnswer{}).error().code, Errc::kApiMisuse);

  FakeExchange f;
  ASSERT_TRUE(f.until_challenge().has_value());
  ASSERT_TRUE(step(*f.server, f.fake.answer(f.runtime, f.negotiate, f.challenge)).has_value());
  EXPECT_STREQ(f.server->state_name(), "AwaitAccount");
  EXPECT_EQ(step(*f.server, {}).error().code, Errc::kApiMisuse);

  FakeExchange g;
  ASSERT_TRUE(g.run().has_value());
  EXPECT_STREQ(g.server->state_name(), "Established");
  EXPECT_EQ(step(*g.server, {}).error().code, Errc::kApiMisuse);
}

TEST(NtlmAcceptor, AnAnswerToAnotherQuestionIsNoAccount) {
  FakeExchange e;
  ASSERT_TRUE(e.until_challenge().has_value());
  ASSERT_TRUE(step(*e.server, e.fake.answer(e.runtime, e.negotiate, e.challenge)).has_value());
  EXPECT_EQ(resume(*e.server, ExchangeAnswer{}).error(), kWrong);
}

TEST(NtlmAcceptor, RefusesAnEmptyToken) {
  FakeExchange e;
  e.start();
  EXPECT_EQ(step(*e.server, {}).error().code, Errc::kMalformed);
}

struct SizeCase {
  PolicyLevel level;
  size_t limit;
};
void PrintTo(const SizeCase& c, std::ostream* out) {
  *out << c.limit;
}
class NtlmAcceptorSizes : public ::testing::TestWithParam<SizeCase> {};

TEST_P(NtlmAcceptorSizes, NTP_12_TakesTheBoundAndRefusesOneMore) {
  for (const size_t extra : {size_t{0}, size_t{1}}) {
    FakeExchange e;
    e.acceptor.level = GetParam().level;
    ASSERT_TRUE(e.until_challenge().has_value());
    e.authenticate = e.fake.answer(e.runtime, e.negotiate, e.challenge);
    // What fills it up is part of the proof: octets after MsvAvEOL.
    e.fake.zeros_after_eol += GetParam().limit + extra - e.authenticate.size();
    e.authenticate = e.fake.answer(e.runtime, e.negotiate, e.challenge);
    ASSERT_EQ(e.authenticate.size(), GetParam().limit + extra);
    EXPECT_EQ(e.verdict().has_value(), extra == 0);
  }
}

TEST_P(NtlmAcceptorSizes, NTP_12_BoundsTheNegotiate) {
  for (const size_t extra : {size_t{0}, size_t{1}}) {
    FakeExchange e;
    e.acceptor.level = GetParam().level;
    ASSERT_TRUE(e.until_challenge().has_value());
    Bytes negotiate = e.negotiate;
    negotiate.resize(GetParam().limit + extra);
    e.start();
    EXPECT_EQ(step(*e.server, negotiate).has_value(), extra == 0);
  }
}

INSTANTIATE_TEST_SUITE_P(All, NtlmAcceptorSizes,
                         ::testing::Values(SizeCase{PolicyLevel::kDefault, 8192},
                                           SizeCase{PolicyLevel::kStrict, 2888}));

// --- Names ---

TEST(NtlmAcceptor, AsksWithTheNamesAsSent) {
  FakeExchange e;
  e.fake.user = "Jos\u00e9";
  e.fake.domain = e.fake.key_domain = "Example.Test";
  ASSERT_TRUE(e.run().has_value());
  EXPECT_EQ(e.question.user, "Jos\u00e9");
  EXPECT_EQ(e.question.domain, "Example.Test");
  EXPECT_EQ(e.server_done.protection->info.initiator_name, "Example.Test\\Jos\u00e9");
}

TEST(NtlmAcceptor, QuirkC11_TakesAPrincipalNameWithoutADomain) {
  FakeExchange e;
  e.fake.user = "alice@example.test";
  e.fake.domain = e.fake.key_domain = "";
  ASSERT_TRUE(e.run().has_value());
  EXPECT_EQ(e.question.user, "alice@example.test");
  EXPECT_EQ(e.server_done.protection->info.initiator_name, "alice@example.test");
}

class NtlmKeyDomain : public ::testing::TestWithParam<const char*> {};

TEST_P(NtlmKeyDomain, QuirkC10_QuirkC9_QuirkC30_TriesTheDomainAsSentUpperCasedAndEmpty) {
  FakeExchange e;
  e.fake.domain = "Example";
  e.fake.key_domain = GetParam();
  EXPECT_TRUE(e.run().has_value());
}

INSTANTIATE_TEST_SUITE_P(All, NtlmKeyDomain, ::testing::Values("Example", "EXAMPLE", ""));

// As Firefox and Thunderbird answer: no MIC is claimed, and none is there.
TEST(NtlmAcceptor, QuirkC9_AClientWithItsOwnClockAndNoMicIsInAtDefaultAlone) {
  for (const bool strict : {false, true}) {
    FakeExchange e;
    if (strict) e.strict();
    e.fake.domain = "Example";
    e.fake.key_domain = "EXAMPLE";
    e.fake.own_clock = true;
    e.fake.claim_mic = e.fake.has_mic_field = false;
    const Result<void> result = e.run();
    ASSERT_EQ(result.has_value(), !strict);
    ASSERT_EQ(e.server_done.protection != nullptr, !strict);
    if (strict) continue;
    EXPECT_FALSE(e.server_done.protection->info.mic_verified);
    EXPECT_EQ(e.server_done.protection->info.account_name, "alice");
  }
}

TEST(NtlmAcceptor, QuirkC10_TriesNoOtherDomain) {
  FakeExchange e;
  e.fake.domain = "Example";
  e.fake.key_domain = "example";
  EXPECT_EQ(e.run().error(), kWrong);
}

TEST(NtlmAcceptor, QuirkC12_UpperCasesTheUserByTheSimpleMapping) {
  FakeExchange e;
  e.fake.user = "stra\u00dfe\u00ff\u0131";
  EXPECT_TRUE(e.run().has_value());
}

void expect_name_refused(ByteView user, ByteView domain, const char* field) {
  FakeExchange e;
  ASSERT_TRUE(e.until_challenge().has_value());
  const Bytes original = e.fake.answer(e.runtime, e.negotiate, e.challenge);
  AuthenticateMessage message = parse_authenticate(original).value();
  message.user_name = user;
  message.domain_name = domain;
  e.authenticate = encode(message).value();
  EXPECT_EQ(e.verdict().error().code, Errc::kMalformed);
  EXPECT_TRUE(says(step(*e.server, {}).error(), field));
}

TEST(NtlmAcceptor, NTP_4_RefusesALoneSurrogate) {
  expect_name_refused(unhex("00d84100"), utf16("D"), "UserName");
  expect_name_refused(utf16("u"), unhex("00dc"), "DomainName");
}
TEST(NtlmAcceptor, NTP_4_RefusesAnOddSize) {
  expect_name_refused(unhex("410042"), utf16("D"), "UserName");
}
TEST(NtlmAcceptor, NTP_4_RefusesANul) {
  expect_name_refused(unhex("410000004200"), utf16("D"), "UserName");
}
TEST(NtlmAcceptor, NTP_4_RefusesALineEnd) {
  expect_name_refused(utf16("u\r\nDATA"), utf16("D"), "UserName");
}
// An octet of OEM becomes two of UTF-16.
TEST(NtlmAcceptor, NTP_4_AnOemNameHasRoomFor256Octets) {
  Utf16Name name;
  ASSERT_TRUE(name.read(Bytes(256, 'u'), CharacterSet::kOem, "UserName").has_value());
  std::string text;
  ASSERT_TRUE(name.to_utf8("UserName", text).has_value());
  EXPECT_EQ(text, std::string(256, 'u'));
  EXPECT_EQ(name.read(Bytes(257, 'u'), CharacterSet::kOem, "UserName").error(),
            (Error{Errc::kMalformed, "UserName", 0, 0}));
}

TEST(NtlmAcceptor, NTP_4_RefusesANameOf257Units) {
  expect_name_refused(utf16(std::string(257, 'u')), utf16("D"), "UserName");
  expect_name_refused(utf16("u"), utf16(std::string(257, 'd')), "DomainName");
}
TEST(NtlmAcceptor, NTP_4_TakesANameOf256UnitsAndANoncharacter) {
  FakeExchange e;
  e.fake.user = std::string(255, 'u') + "\uffff";
  e.fake.domain = e.fake.key_domain = std::string(256, 'd');
  EXPECT_TRUE(e.run().has_value());
}

// --- Kinds of responses ---

const Bytes k24(24, 0x11);

TEST(NtlmAcceptor, P2_NTL_5_RecognisesNtlmV1AndRefusesIt) {
  const Error error =
      verdict_on([](AuthenticateMessage& m) { m.nt_response = m.lm_response = k24; });
  EXPECT_EQ(error.code, Errc::kPolicy);
  EXPECT_TRUE(says(error, "NTLMv1"));
}

TEST(NtlmAcceptor, P2_NTL_5_QuirkC26_RecognisesNtlmV1WithExtendedSessionSecurity) {
  Bytes lm(24);
  lm[0] = 5;
  const Error error = verdict_on([&lm](AuthenticateMessage& m) {
    m.nt_response = k24;
    m.lm_response = lm;
  });
  EXPECT_EQ(error.code, Errc::kPolicy);
  EXPECT_TRUE(says(error, "NTLMv1 response with extended session security"));
}

TEST(NtlmAcceptor, P2_NTL_3_RefusesLmAlone) {
  const Error error = verdict_on([](AuthenticateMessage& m) {
    m.nt_response = {};
    m.lm_response = k24;
  });
  EXPECT_EQ(error.code, Errc::kPolicy);
  EXPECT_TRUE(says(error, "LM"));
}

TEST(NtlmAcceptor, P2_NTL_3_NTP_8_AnLmResponseIsNeverLookedAt) {
  for (const size_t size : {0u, 1u, 23u, 24u, 25u, 4000u}) {
    FakeExchange e;
    e.fake.lm_response = Bytes(size, 0x99);
    EXPECT_TRUE(e.run().has_value()) << size;
  }
}

TEST(NtlmAcceptor, NTP_8_RefusesEveryShortNtResponse) {
  for (size_t size = 1; size < 48; ++size) {
    const Bytes nt(size, 1);
    const Error error = verdict_on([&nt](AuthenticateMessage& m) { m.nt_response = nt; });
    EXPECT_EQ(error.code, size == 24 ? Errc::kPolicy : Errc::kMalformed) << size;
  }
}

TEST(NtlmAcceptor, NTL_11_P20_QuirkB18_RefusesAnonymous) {
  const Bytes zero(1);
  for (const ByteView lm : {ByteView(), ByteView(zero)}) {
    const Error error = verdict_on([&lm](AuthenticateMessage& m) {
      m.user_name = m.domain_name = m.nt_response = {};
      m.lm_response = lm;
    });
    EXPECT_EQ(error.code, Errc::kPolicy);
    EXPECT_TRUE(says(error, "anonymous"));
  }
}

TEST(NtlmAcceptor, NTL_11_P20_RefusesTheAnonymousFlagAndAnEmptyUser) {
  EXPECT_TRUE(
      says(verdict_on([](AuthenticateMessage& m) { m.flags |= flag::kAnonymous; }), "anonymous"));
  EXPECT_TRUE(says(verdict_on([](AuthenticateMessage& m) { m.user_name = {}; }), "anonymous"));
}

// --- Session key ---

TEST(NtlmAcceptor, NTP_9_RefusesASessionKeyOfAnotherSize) {
  for (const size_t size : {0u, 1u, 15u, 17u, 4000u}) {
    FakeExchange e;
    e.fake.encrypted_session_key = Bytes(size, 1);
    const Error error = e.run().error();
    EXPECT_EQ(error,
              (Error{Errc::kMalformed, "AUTHENTICATE_MESSAGE.EncryptedRandomSessionKey", 52, 0}))
        << size;
  }
}

TEST(NtlmAcceptor, NTP_9_QuirkC18_TheSessionKeyHasNoMeaningWithoutSigning) {
  for (const size_t size : {0u, 1u, 16u, 17u}) {
    FakeExchange e;
    e.asked = 0x62888205;
    e.fake.claim_mic = false;
    e.fake.encrypted_session_key = Bytes(size, 1);
    EXPECT_TRUE(e.run().has_value()) << size;
  }
}

TEST(NtlmAcceptor, WithoutKeyExchangeTheSessionBaseKeyProtects) {
  FakeExchange e;
  e.asked = 0x22888235;
  ASSERT_TRUE(e.run().has_value());
  EXPECT_TRUE(e.server_done.protection->can_mic());
  EXPECT_TRUE(e.server_done.protection->info.mic_verified);
}

// --- Accounts ---

TEST(NtlmAcceptor, P20_AnUnavailableStoreLetsNobodyInAndSaysSo) {
  const Error unavailable{Errc::kUnreachable, "account look-up", 0, 0};
  for (const bool with_account : {false, true}) {
    FakeExchange e;
    ASSERT_TRUE(e.until_challenge().has_value());
    ASSERT_TRUE(step(*e.server, e.fake.answer(e.runtime, e.negotiate, e.challenge)).has_value());
    AccountAnswer answer;
    if (with_account) answer.account = e.account();
    answer.unavailable = true;
    EXPECT_EQ(resume(*e.server, std::move(answer)).error(), unavailable);
    EXPECT_EQ(resume(*e.server, AccountAnswer{e.account()}).error(), unavailable)
        << "and it stays so";
  }
}

TEST(NtlmAcceptor, P23_NTL_10_P20_EveryUselessAccountIsTheSameError) {
  const std::vector<std::function<std::optional<Account>()>> lookups = {
      [] { return std::nullopt; },
      [] { return Account{"alice", SecretBytes()}; },
      [] { return Account{"alice", SecretBytes(ByteView(Bytes(15)))}; },
      [] { return Account{"alice", SecretBytes(ByteView(Bytes(17)))}; },
      [] { return Account{"alice", SecretBytes(ByteView(Bytes(16)))}; },
  };
  for (const auto& lookup : lookups) {
    FakeExchange e;
    e.account = lookup;
    EXPECT_EQ(e.run().error(), kWrong);
    EXPECT_EQ(resume(*e.server, AccountAnswer{}).error(), kWrong) << "and it stays so";
  }
  // The right key, but not as long as a key is.
  for (const size_t size : {15u, 17u}) {
    FakeExchange e;
    Bytes key = ByteView(e.server_hash.view()).to_bytes();
    key.resize(size);
    e.account = [&key] { return Account{"alice", SecretBytes(ByteView(key))}; };
    EXPECT_EQ(e.run().error(), kWrong) << size;
  }
}

TEST(NtlmAcceptor, P20_NTL_10_AnEmptyPasswordLetsNobodyIn) {
  FakeExchange e;
  e.fake.password = "";
  e.server_hash = testing::hash_of(e.runtime, "");
  EXPECT_EQ(hex(e.server_hash.view()), "31d6cfe0d16ae931b73c59d7e0c089c0");
  EXPECT_EQ(e.run().error(), kWrong);
}

TEST(NtlmAcceptor, TIM_2_TheStandInForAnUnknownAccountOpensNothing) {
  // A client that knows the stand-in key proves it, and is refused all the same.
  FakeExchange e;
  ASSERT_TRUE(e.until_challenge().has_value());
  crypto::Workspace& crypto = e.runtime.crypto();
  const ChallengeMessage challenge = parse_challenge(e.challenge).value();
  FixedBytes<16> dummy;
  dummy.fill(0x5a);
  const ResponseKey key = ntowf_v2(crypto, dummy, utf16("ALICE"), utf16("EXAMPLE"));
  e.fake.claim_mic = e.fake.has_mic_field = false;
  const Bytes temp = e.fake.temp_for(challenge);
  const NtProofStr proof = nt_proof_str(crypto, key, challenge.server_challenge, temp);
  Bytes response(proof.begin(), proof.end());
  append(response, temp);
  AuthenticateMessage message;
  const Bytes user = utf16("alice"), domain = utf16("EXAMPLE");
  message.user_name = user;
  message.domain_name = domain;
  message.nt_response = response;
  e.authenticate = encode(message).value();
  e.account = [] { return std::nullopt; };
  EXPECT_EQ(e.verdict().error(), kWrong);
}

// The fastest of many runs of resume(), in nanoseconds.
int64_t fastest_refusal(const std::function<std::optional<Account>()>& account) {
  int64_t best = INT64_MAX;
  for (int i = 0; i < 300; ++i) {
    FakeExchange e;
    e.fake.password = "Password2";
    EXPECT_TRUE(e.until_challenge().has_value());
    EXPECT_TRUE(step(*e.server, e.fake.answer(e.runtime, e.negotiate, e.challenge)).has_value());
    AccountAnswer answer{account()};
    const auto start = std::chrono::steady_clock::now();
    const auto result = resume(*e.server, std::move(answer));
    const auto took = std::chrono::steady_clock::now() - start;
    EXPECT_EQ(result.error(), kWrong);
    best =
        std::min<int64_t>(best, std::chrono::duration_cast<std::chrono::nanoseconds>(took).count());
  }
  return best;
}

TEST(NtlmAcceptor, TIM_2_AnUnknownUserTakesAsLongAsAWrongPassword) {
  const int64_t wrong =
      fastest_refusal([] { return Account{"alice", SecretBytes(ByteView(Bytes(16, 3)))}; });
  const int64_t unknown = fastest_refusal([] { return std::nullopt; });
  const int64_t no_hash = fastest_refusal([] { return Account{"alice", SecretBytes()}; });
  // One HMAC is a tenth of the whole; leaving the trials out would make it a tenth.
  for (const int64_t other : {unknown, no_hash}) {
    EXPECT_LT(other, wrong * 3 / 2);
    EXPECT_LT(wrong, other * 3 / 2);
  }
}

// --- Time ---

TEST(NtlmAcceptor, NTL_12_QuirkC24_RefusesAnAnswerAfterTheChallengesLife) {
  FakeExchange e;
  ASSERT_TRUE(e.until_challenge().has_value());
  e.authenticate = e.fake.answer(e.runtime, e.negotiate, e.challenge);
  e.clock.advance(120'000'001);
  EXPECT_EQ(e.verdict().error().code, Errc::kExpired);
}

TEST(NtlmAcceptor, NTL_12_TakesAnAnswerWithinTheChallengesLife) {
  FakeExchange e;
  ASSERT_TRUE(e.until_challenge().has_value());
  e.authenticate = e.fake.answer(e.runtime, e.negotiate, e.challenge);
  e.clock.advance(120'000'000);
  EXPECT_TRUE(e.verdict().has_value());
}

TEST(NtlmAcceptor, NTL_12_AClockThatIsSetForwardEndsNoChallenge) {
  FakeExchange e;
  ASSERT_TRUE(e.until_challenge().has_value());
  e.authenticate = e.fake.answer(e.runtime, e.negotiate, e.challenge);
  e.clock.step(3'600'000'000);
  EXPECT_TRUE(e.verdict().has_value());
}

TEST(NtlmAcceptor, NTL_12_QuirkC24_AClockThatIsSetBackProlongsNoChallenge) {
  FakeExchange e;
  ASSERT_TRUE(e.until_challenge().has_value());
  e.authenticate = e.fake.answer(e.runtime, e.negotiate, e.challenge);
  e.clock.step(-3'600'000'000);
  e.clock.advance(120'000'001);
  const auto verdict = e.verdict();
  ASSERT_FALSE(verdict.has_value());
  EXPECT_EQ(verdict.error().code, Errc::kExpired);
}

TEST(NtlmAcceptor, NTL_12_QuirkC25_RefusesAnAnswerToAnotherChallenge) {
  FakeExchange first;
  ASSERT_TRUE(first.run().has_value());
  FakeExchange second;
  second.random = first.random;  // so that its challenge is another
  ASSERT_TRUE(second.until_challenge().has_value());
  ASSERT_NE(hex(second.challenge), hex(first.challenge));
  second.authenticate = first.authenticate;
  EXPECT_EQ(second.verdict().error(), kWrong);
}

}  // namespace
}  // namespace pocketgss::mechs::ntlm
