// The CHALLENGE: what the acceptor offers to whom, and the flags that are in force (policy row P3).
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "tests/mechs/ntlm/fake_client.h"
#include "tests/support/hex.h"

namespace pocketgss::mechs::ntlm {
namespace {

using pocketgss::testing::hex;
using testing::FakeExchange;
using testing::utf16;

const Error kWrong{Errc::kAuthFailed, "wrong user, password or MIC", 0, 0};

ChallengeMessage challenge_for(NegotiateFlags asked, FakeExchange& e) {
  e.asked = asked;
  EXPECT_TRUE(e.until_challenge().has_value());
  return parse_challenge(e.challenge).value();
}

TEST(NtlmAcceptor, ChallengeCarriesNamesAndTime) {
  FakeExchange e;
  const ChallengeMessage c = challenge_for(0x62888235, e);
  EXPECT_EQ(hex(c.target_name), hex(utf16("MAIL")));
  EXPECT_EQ(hex(c.av_pairs.find(AvId::kNbComputerName)), hex(utf16("MAIL")));
  EXPECT_EQ(hex(c.av_pairs.find(AvId::kNbDomainName)), hex(utf16("EXAMPLE")));
  EXPECT_EQ(hex(c.av_pairs.find(AvId::kDnsComputerName)), hex(utf16("mail.example.test")));
  EXPECT_EQ(hex(c.av_pairs.find(AvId::kDnsDomainName)), hex(utf16("example.test")));
  // 1,795,000,000 s after 1970 in units of 100 ns since 1601.
  EXPECT_EQ(c.av_pairs.timestamp(), 134'394'736'000'000'000u);
  EXPECT_EQ(c.version, kOurVersion);
}

// With signing or sealing a client needs both pairs, though they may be empty.
TEST(NtlmAcceptor, QuirkC16_BothNetbiosNamesAreInAChallengeThoughNoneAreConfigured) {
  AcceptorConfig empty;
  empty.netbios_computer = empty.netbios_domain = "";
  for (const AcceptorConfig& config : {AcceptorConfig(), empty}) {
    for (const NegotiateFlags asked : {0x62888235u, 0x00088206u, 0x00000002u}) {
      FakeExchange e;
      e.acceptor = config;
      const ChallengeMessage c = challenge_for(asked, e);
      const Bytes name = utf16(config.netbios_computer);
      ASSERT_TRUE(c.av_pairs.has(AvId::kNbComputerName));
      ASSERT_TRUE(c.av_pairs.has(AvId::kNbDomainName));
      EXPECT_EQ(hex(c.av_pairs.find(AvId::kNbComputerName)), hex(name));
      EXPECT_EQ(hex(c.av_pairs.find(AvId::kNbDomainName)), hex(name));
    }
  }
}

TEST(NtlmAcceptor, EveryChallengeIsAnother) {
  std::set<std::string> seen;
  for (int i = 0; i < 8; ++i) {
    FakeExchange e;
    e.runtime = Runtime::create().value();
    seen.insert(hex(ByteView(challenge_for(0x62888235, e).server_challenge)));
  }
  EXPECT_EQ(seen.size(), 8u);
}

TEST(NtlmAcceptor, WithoutRandomnessThereIsNoChallenge) {
  FakeExchange e;
  pocketgss::testing::FixedRandom empty;
  e.runtime = Runtime::create(e.clock, empty).value();
  EXPECT_EQ(e.until_challenge().error().code, Errc::kInternal);
}

// NTP_10 and quirk C20: clients mishandle these three in a CHALLENGE, so they are never there.
TEST(NtlmAcceptor, NTP_10_QuirkC3_QuirkC20_ChallengeNeverHasFlagsTargetNameOrBindings) {
  FakeExchange e;
  const std::string binding = "tls-exporter:0123456789abcdef0123456789abcdef";
  e.bind({as_bytes(binding)});
  const ChallengeMessage c = challenge_for(0x62888235, e);
  EXPECT_FALSE(c.av_pairs.has(AvId::kFlags));
  EXPECT_FALSE(c.av_pairs.has(AvId::kTargetName));
  EXPECT_FALSE(c.av_pairs.has(AvId::kChannelBindings));
}

// The flags that clients were seen to send, and what they need to find in the answer.
struct SeenClient {
  const char* name;
  NegotiateFlags asked;
  NegotiateFlags needed;
  NegotiateFlags refused;  // must not be there
};
void PrintTo(const SeenClient& client, std::ostream* out) {
  *out << client.name;
}

class NtlmSeenClients : public ::testing::TestWithParam<SeenClient> {};

TEST_P(NtlmSeenClients, QuirkC1_FindWhatTheyNeedInTheChallenge) {
  FakeExchange e;
  const NegotiateFlags flags = challenge_for(GetParam().asked, e).flags;
  EXPECT_TRUE(has_flag(flags, GetParam().needed)) << std::hex << flags;
  EXPECT_EQ(flags & GetParam().refused, 0u) << std::hex << flags;
  EXPECT_TRUE(has_flag(flags, flag::kNtlm | flag::kTargetInfo));
  EXPECT_EQ(flags & (flag::kLmKey | flag::kDatagram | flag::kIdentify | flag::k56), 0u);
}

INSTANTIATE_TEST_SUITE_P(
    All, NtlmSeenClients,
    ::testing::Values(
        SeenClient{"dotnet", 0x62888215, 0x62888215, flag::kSeal},
        SeenClient{"ntlm_auth", 0x62088235, 0x62088235, flag::kOem},
        SeenClient{"ntlm_auth_plain", 0x62088205, 0x62088205, flag::kSign | flag::kSeal},
        SeenClient{"gss_ntlmssp", 0xe2088237, 0x62088235, flag::kOem},
        SeenClient{"winpr", 0xe20882b7, 0x62088235, flag::kOem},
        SeenClient{"mailkit", 0xa2088207, 0x22088205, flag::kKeyExchange | flag::kSign},
        SeenClient{"curl", 0x00088206, 0x00088206, flag::kUnicode},
        SeenClient{"javamail", 0x0008b203, flag::kExtendedSessionSecurity | flag::kUnicode,
                   flag::kOem},
        SeenClient{"go", 0xa0881001, flag::kUnicode | flag::k128, flag::kKeyExchange},
        SeenClient{"heimdal", 0x40081231, flag::kUnicode, flag::kSign | flag::kSeal}),
    [](const auto& one) { return std::string(one.param.name); });

TEST(NtlmAcceptor, QuirkC31_GivesBackOneCharacterSet) {
  FakeExchange e;
  const NegotiateFlags flags = challenge_for(0xe20882b7, e).flags;
  EXPECT_TRUE(has_flag(flags, flag::kUnicode));
  EXPECT_FALSE(has_flag(flags, flag::kOem));
}

TEST(NtlmAcceptor, QuirkC4_TellsItsVersionWhereSigningIsAskedFor) {
  FakeExchange e;
  const ChallengeMessage c = challenge_for(0x60888215, e);
  EXPECT_TRUE(has_flag(c.flags, flag::kVersion));
  EXPECT_TRUE(c.version.has_value());
}

TEST(NtlmAcceptor, QuirkC19_NeverGrantsLmKey) {
  FakeExchange e;
  EXPECT_FALSE(has_flag(challenge_for(0xe20882b7, e).flags, flag::kLmKey));
}

TEST(NtlmAcceptor, QuirkC18_QuirkC30_NoKeyExchangeUnlessAskedFor) {
  FakeExchange e;
  EXPECT_FALSE(has_flag(challenge_for(0x22888215, e).flags, flag::kKeyExchange));
}

TEST(NtlmAcceptor, P3_GrantsNoSigningWithoutExtendedSessionSecurity) {
  FakeExchange e;
  EXPECT_FALSE(protects(challenge_for(0x62888235 & ~flag::kExtendedSessionSecurity, e).flags));
}

TEST(NtlmAcceptor, P3_GrantsNoSigningWithout128Bits) {
  FakeExchange e;
  EXPECT_FALSE(protects(challenge_for(0x62888235 & ~flag::k128, e).flags));
}

TEST(NtlmAcceptor, P3_RefusesANegotiateWithoutCharacterSet) {
  FakeExchange e;
  e.asked = 0x62888235 & ~flag::kUnicode;
  EXPECT_EQ(e.until_challenge().error().code, Errc::kPeerIncompatible);
}

TEST(NtlmAcceptor, P3_EchoesOemAndConvertsOemNamesForTheKey) {
  FakeExchange e;
  e.asked = 0x00088206;  // curl
  e.fake.oem = true;
  e.fake.claim_mic = e.fake.has_mic_field = false;
  ASSERT_TRUE(e.run().has_value());
  EXPECT_EQ(as_text(parse_challenge(e.challenge).value().target_name), "MAIL");
  EXPECT_EQ(e.question.user, "alice");
  EXPECT_EQ(e.question.domain, "EXAMPLE");
}

TEST(NtlmAcceptor, P3_ReadsOemOctetsAsLatin1) {
  FakeExchange e;
  e.asked = 0x00088206;
  e.fake.claim_mic = e.fake.has_mic_field = false;
  ASSERT_TRUE(e.until_challenge().has_value());
  AuthenticateMessage message;
  const Bytes response(60, 1), name = {0xe9, 'a'};
  message.nt_response = response;
  message.user_name = name;
  Bytes answer = encode(message).value();
  // Octets 28 to 59 of an NTLMv2 response of ones are no list of pairs; make it an empty one.
  std::fill_n(answer.end() - 16, 16, uint8_t{0});
  e.authenticate = answer;
  ASSERT_EQ(e.verdict().error(), kWrong);
  EXPECT_EQ(e.question.user, "\u00e9a");
}

class NtlmAcceptorStrictFlags : public ::testing::TestWithParam<NegotiateFlags> {};

TEST_P(NtlmAcceptorStrictFlags, P3_StrictRefusesANegotiateWithoutIt) {
  FakeExchange e;
  e.strict();
  e.asked = 0x62888237 & ~GetParam();
  EXPECT_EQ(e.until_challenge().error().code, Errc::kPeerIncompatible);
}

TEST_P(NtlmAcceptorStrictFlags, P3_StrictRefusesAnAuthenticateWithoutIt) {
  FakeExchange e;
  e.strict();
  ASSERT_TRUE(e.until_challenge().has_value());
  e.fake.flags = parse_challenge(e.challenge).value().flags & ~GetParam();
  e.authenticate = e.fake.answer(e.runtime, e.negotiate, e.challenge);
  EXPECT_EQ(e.verdict().error().code, Errc::kPolicy);
}

INSTANTIATE_TEST_SUITE_P(All, NtlmAcceptorStrictFlags,
                         ::testing::Values(flag::kUnicode, flag::kExtendedSessionSecurity,
                                           flag::k128));

class NtlmAcceptorFlags : public ::testing::TestWithParam<NegotiateFlags> {};

TEST_P(NtlmAcceptorFlags, P3_NTL_4_RefusesAnAuthenticateThatSignsWithoutIt) {
  FakeExchange e;
  ASSERT_TRUE(e.until_challenge().has_value());
  e.fake.flags = parse_challenge(e.challenge).value().flags & ~GetParam();
  e.authenticate = e.fake.answer(e.runtime, e.negotiate, e.challenge);
  EXPECT_EQ(e.verdict().error().code, Errc::kPeerIncompatible);
}

INSTANTIATE_TEST_SUITE_P(All, NtlmAcceptorFlags,
                         ::testing::Values(flag::kExtendedSessionSecurity, flag::k128));

TEST(NtlmAcceptor, FlagsThatTheChallengeDidNotGrantAreNotInForce) {
  FakeExchange e;
  e.asked = 0x62888205;
  e.fake.flags = 0x62888235;
  e.fake.claim_mic = false;
  ASSERT_TRUE(e.run().has_value());
  EXPECT_FALSE(e.server_done.protection->can_mic());
  EXPECT_EQ(e.server_done.protection->info.flags, kNoContextFlags);
}

}  // namespace
}  // namespace pocketgss::mechs::ntlm
