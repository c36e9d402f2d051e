// The initiator: what it sends, and which CHALLENGEs it does not answer.
#include "mechs/ntlm/initiator.h"

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <string>

#include "base/cursor.h"
#include "tests/mechs/ntlm/exchange.h"
#include "tests/support/hex.h"

namespace pocketgss::mechs::ntlm {
namespace {

using pocketgss::testing::hex;
using pocketgss::testing::unhex;
using testing::Exchange;
using testing::pairs_of;
using testing::utf16;

bool says(const Error& error, std::string_view text) {
  return std::string_view(error.where).find(text) != std::string_view::npos;
}

// FakeServer writes a CHALLENGE as a test wants it.
struct FakeServer {
  NegotiateFlags flags = 0x62888235;
  std::vector<std::pair<AvId, Bytes>> pairs = {{AvId::kNbDomainName, utf16("EXAMPLE")},
                                               {AvId::kNbComputerName, utf16("MAIL")},
                                               {AvId::kTimestamp, unhex("0102030405060708")}};
  bool target_info = true;

  Bytes challenge() const {
    ChallengeMessage message;
    message.flags = target_info ? flags | flag::kTargetInfo : flags & ~flag::kTargetInfo;
    message.server_challenge = {1, 2, 3, 4, 5, 6, 7, 8};
    Bytes list;
    for (const auto& [id, value] : pairs) append_av_pair(list, id, value);
    append_av_eol(list);
    if (target_info) message.target_info = list;
    return encode(message).value();
  }
  void without(AvId id) {
    std::erase_if(pairs, [id](const auto& pair) { return pair.first == id; });
  }
};

struct ServedExchange : Exchange {
  FakeServer fake;

  Result<void> run() {
    start();
    PGSS_CHECK(make_negotiate());
    challenge = fake.challenge();
    return make_authenticate();
  }
  AuthenticateMessage sent() const { return parse_authenticate(authenticate).value(); }
};

// --- What it sends ---

TEST(NtlmInitiator, NegotiateAsksForWhatIsWanted) {
  struct Case {
    ContextFlags flags, required;
    bool integrity_needed;
    NegotiateFlags expected;
  };
  for (const Case& c : {Case{kNoContextFlags, kNoContextFlags, false, 0x22088205},
                        Case{kIntegFlag, kNoContextFlags, false, 0x62088215},
                        Case{kSequenceFlag, kNoContextFlags, false, 0x62088215},
                        Case{kNoContextFlags, kNoContextFlags, true, 0x62088215},
                        Case{kNoContextFlags, kIntegFlag, false, 0x62088215},
                        Case{kConfFlag, kNoContextFlags, false, 0x62088235},
                        Case{kMutualFlag, kNoContextFlags, false, 0x22088205}}) {
    ServedExchange e;
    e.initiator.flags = c.flags;
    e.initiator.required_flags = c.required;
    e.integrity_needed = c.integrity_needed;
    e.start();
    ASSERT_TRUE(e.make_negotiate().has_value());
    EXPECT_EQ(parse_negotiate(e.negotiate).value().flags, c.expected) << std::hex << c.expected;
  }
}

TEST(NtlmInitiator, QuirkC4_NegotiateAlwaysHasAVersion) {
  ServedExchange e;
  e.initiator.flags = kNoContextFlags;
  e.start();
  ASSERT_TRUE(e.make_negotiate().has_value());
  EXPECT_EQ(e.negotiate.size(), 40u);
  EXPECT_EQ(parse_negotiate(e.negotiate).value().version, kOurVersion);
}

TEST(NtlmInitiator, QuirkC19_NeverOffersLmKeyOemDatagramOr56Bits) {
  ServedExchange e;
  e.start();
  ASSERT_TRUE(e.make_negotiate().has_value());
  EXPECT_EQ(parse_negotiate(e.negotiate).value().flags &
                (flag::kLmKey | flag::kOem | flag::kDatagram | flag::k56),
            0u);
}

TEST(NtlmInitiator, QuirkC33_WritesThePayloadInThePlainestWay) {
  ServedExchange e;
  e.initiator.workstation = "LAPTOP";
  ASSERT_TRUE(e.run().has_value());
  const AuthenticateMessage m = e.sent();
  EXPECT_EQ(hex(m.lm_response), std::string(48, '0'));
  EXPECT_EQ(m.session_key_fields.offset + m.session_key_fields.len, e.authenticate.size())
      << "the key comes last";
  EXPECT_EQ(m.domain_name_fields.offset, 88u);
  EXPECT_EQ(hex(m.workstation), hex(utf16("LAPTOP")));
  const NtlmV2Response response = parse_ntlm_v2_response(m.nt_response, 0).value();
  EXPECT_EQ(response.timestamp, 0x0807060504030201u) << "the time of the CHALLENGE";
  EXPECT_EQ(hex(response.av_pairs.after_eol()), "00000000");
}

TEST(NtlmInitiator, P2_NTL_3_QuirkC8_SendsZerosForAnLmResponse) {
  for (const bool timestamp : {true, false}) {
    ServedExchange e;
    if (!timestamp) e.fake.without(AvId::kTimestamp);
    ASSERT_TRUE(e.run().has_value());
    EXPECT_EQ(hex(e.sent().lm_response), std::string(48, '0'));
  }
}

TEST(NtlmInitiator, P4_QuirkC2_SendsAMicWheneverTheChallengeHasATime) {
  ServedExchange e;
  ASSERT_TRUE(e.run().has_value());
  EXPECT_EQ(pairs_of(e.authenticate).flags(), kAvMicPresent);
  ASSERT_FALSE(e.sent().mic.empty());
  ExportedSessionKey key{e.client_done.protection->session_key().first<16>()};
  EXPECT_EQ(hex(e.sent().mic),
            hex(ByteView(mic(e.runtime.crypto(), key, e.negotiate, e.challenge, e.authenticate))));
  EXPECT_TRUE(e.client->wants_mech_list_mic());
}

TEST(NtlmInitiator, P4_ClaimsNoMicWithoutATime) {
  ServedExchange e;
  e.fake.without(AvId::kTimestamp);
  ASSERT_TRUE(e.run().has_value());
  EXPECT_EQ(pairs_of(e.authenticate).flags(), 0u);
  EXPECT_FALSE(pairs_of(e.authenticate).has(AvId::kFlags));
  EXPECT_TRUE(e.sent().mic.empty());
  EXPECT_FALSE(e.client->wants_mech_list_mic());
}

TEST(NtlmInitiator, QuirkC3_TheMicIsOverTheChallengeAsReceived) {
  ServedExchange e;
  e.start();
  ASSERT_TRUE(e.make_negotiate().has_value());
  e.challenge = e.fake.challenge();
  append(e.challenge, as_bytes("octets that no field names"));
  ASSERT_TRUE(e.make_authenticate().has_value());
  ExportedSessionKey key{e.client_done.protection->session_key().first<16>()};
  EXPECT_EQ(hex(e.sent().mic),
            hex(ByteView(mic(e.runtime.crypto(), key, e.negotiate, e.challenge, e.authenticate))));
}

TEST(NtlmInitiator, QuirkC24_UsesItsOwnClockOnlyWithoutATimeInTheChallenge) {
  ServedExchange e;
  e.fake.without(AvId::kTimestamp);
  ASSERT_TRUE(e.run().has_value());
  EXPECT_EQ(parse_ntlm_v2_response(e.sent().nt_response, 0).value().timestamp,
            134'394'736'000'000'000u);

  ServedExchange boot;  // a device without a clock
  boot.clock.set(0);
  ASSERT_TRUE(boot.run().has_value());
  EXPECT_EQ(parse_ntlm_v2_response(boot.sent().nt_response, 0).value().timestamp,
            0x0807060504030201u);
}

TEST(NtlmInitiator, CopiesTheServersPairsInTheirOrderAndAddsItsOwn) {
  ServedExchange e;
  e.fake.pairs.insert(e.fake.pairs.begin(), {static_cast<AvId>(99), unhex("aabbcc")});
  ASSERT_TRUE(e.run().has_value());
  std::vector<int> ids;
  const AvPairs sent = pairs_of(e.authenticate);
  for (AvPair pair; sent.next(pair);) ids.push_back(static_cast<int>(pair.id));
  EXPECT_EQ(ids, (std::vector<int>{99, 2, 1, 7, 6, 9}));
}

TEST(NtlmInitiator, NTL_8_P18_QuirkC7_SendsTheTargetNameAsItIs) {
  ServedExchange e;
  e.initiator.target_name = "SMTPSVC/Mail.Example.Test";
  ASSERT_TRUE(e.run().has_value());
  const AvPairs pairs = pairs_of(e.authenticate);
  EXPECT_EQ(hex(pairs.find(AvId::kTargetName)), hex(utf16("SMTPSVC/Mail.Example.Test")));
  EXPECT_EQ(pairs.flags() & kAvUntrustedSpn, 0u);
  EXPECT_EQ(e.client_done.protection->info.target_name, "SMTPSVC/Mail.Example.Test");
}

// CVE-2025-33073: a host name with a marshalled target behind it is not taken apart.
TEST(NtlmInitiator, NTL_6_AMarshalledHostNameStaysWhatItIs) {
  ServedExchange e;
  e.initiator.target_name = "smtp/mail1UWhRCAAAAAAAAAAAAAAAAAAAAAAAAAAAAwbEAYBAAAA";
  ASSERT_TRUE(e.run().has_value());
  EXPECT_EQ(hex(pairs_of(e.authenticate).find(AvId::kTargetName)),
            hex(utf16(e.initiator.target_name)));
}

TEST(NtlmInitiator, NTL_7_P5_SendsTheChannelBindingThatItIsGiven) {
  const std::string_view binding = "tls-server-end-point:0123456789abcdef0123456789abcdef";
  ServedExchange e;
  e.initiator.channel_binding = as_bytes(binding);
  e.initiator.require_channel_binding = true;
  ASSERT_TRUE(e.run().has_value());
  EXPECT_EQ(hex(pairs_of(e.authenticate).find(AvId::kChannelBindings)),
            hex(ByteView(channel_binding_hash(e.runtime.crypto(), as_bytes(binding)))));
}

TEST(NtlmInitiator, QuirkC5_WithoutABindingThePairIsLeftOut) {
  ServedExchange e;
  ASSERT_TRUE(e.run().has_value());
  EXPECT_FALSE(pairs_of(e.authenticate).has(AvId::kChannelBindings));
}

TEST(NtlmInitiator, NTL_7_OverwritesABindingOfTheServers) {
  const std::string_view binding = "tls-unique:0123456789ab";
  ServedExchange e;
  e.initiator.channel_binding = as_bytes(binding);
  e.fake.pairs.push_back({AvId::kChannelBindings, Bytes(16, 0xee)});
  ASSERT_TRUE(e.run().has_value());
  const AvPairs pairs = pairs_of(e.authenticate);
  EXPECT_FALSE(pairs.repeats());
  ASSERT_TRUE(pairs.has(AvId::kChannelBindings));
  EXPECT_NE(hex(pairs.find(AvId::kChannelBindings)), hex(Bytes(16, 0xee)));
}

TEST(NtlmInitiator, P5_FailsBeforeItSendsAnythingWhereARequiredBindingIsMissing) {
  ServedExchange e;
  e.initiator.require_channel_binding = true;
  e.start();
  const Error error = e.make_negotiate().error();
  EXPECT_EQ(error.code, Errc::kPolicy);
  EXPECT_TRUE(says(error, "P5"));
}

TEST(NtlmInitiator, NTL_2_MergesTheServersFlagsIntoOnePair) {
  ServedExchange e;
  e.fake.pairs.push_back({AvId::kFlags, unhex("01000000")});
  e.fake.pairs.push_back({AvId::kFlags, unhex("04000000")});
  ASSERT_TRUE(e.run().has_value());
  const AvPairs pairs = pairs_of(e.authenticate);
  EXPECT_EQ(pairs.flags(), kAvAccountConstrained | kAvMicPresent)
      << "and never UNTRUSTED_SPN_SOURCE (quirk C7)";
  EXPECT_FALSE(pairs.repeats());
}

TEST(NtlmInitiator, SendsItsMachineIdWhereItHasOne) {
  ServedExchange e;
  e.initiator.machine_id.fill(0xab);
  ASSERT_TRUE(e.run().has_value());
  const ByteView host = pairs_of(e.authenticate).find(AvId::kSingleHost);
  EXPECT_EQ(hex(host), "30000000" + std::string(24, '0') + hex(Bytes(32, 0xab)));
}

TEST(NtlmInitiator, QuirkC10_KeysTheDomainAsItIsSent) {
  Exchange e;
  e.initiator.domain = "Example";
  ASSERT_TRUE(e.run().has_value());
  EXPECT_EQ(e.question.domain, "Example");
  // Our acceptor would find a key of another spelling too.
  const AuthenticateMessage message = parse_authenticate(e.authenticate).value();
  const NtlmV2Response response = parse_ntlm_v2_response(message.nt_response, 0).value();
  const ResponseKey key = ntowf_v2(e.runtime.crypto(), e.nt_hash.view(), testing::utf16("ALICE"),
                                   testing::utf16("Example"));
  const ChallengeMessage challenge = parse_challenge(e.challenge).value();
  EXPECT_EQ(hex(nt_proof_str(e.runtime.crypto(), key, challenge.server_challenge, response.temp)),
            hex(response.nt_proof_str));
}

TEST(NtlmInitiator, QuirkC11_APrincipalNameGoesWholeWithAnEmptyDomain) {
  Exchange e;
  e.initiator.user = "alice@example.test";
  e.initiator.domain = "";
  ASSERT_TRUE(e.run().has_value());
  EXPECT_EQ(e.question.user, "alice@example.test");
  EXPECT_EQ(e.question.domain, "");
}

TEST(NtlmInitiator, QuirkC12_NamesOutsideAsciiWork) {
  Exchange e;
  e.initiator.user = "stra\u00dfe\u00ff\u0131\u03c2";
  e.initiator.domain = "F\u00fcr";
  ASSERT_TRUE(e.run().has_value());
  EXPECT_EQ(e.question.user, e.initiator.user);
}

TEST(NtlmInitiator, QuirkC30_SendsNoKeyWhereKeyExchangeWasNotGranted) {
  ServedExchange e;
  e.fake.flags &= ~flag::kKeyExchange;
  ASSERT_TRUE(e.run().has_value());
  EXPECT_TRUE(e.sent().encrypted_random_session_key.empty());
  EXPECT_TRUE(e.client_done.protection->can_mic());
}

TEST(NtlmInitiator, QuirkC18_SendsNoKeyWithoutSigning) {
  ServedExchange e;
  e.fake.flags &= ~(flag::kSign | flag::kSeal);
  ASSERT_TRUE(e.run().has_value());
  EXPECT_TRUE(e.sent().encrypted_random_session_key.empty());
  EXPECT_FALSE(e.client_done.protection->can_mic());
  EXPECT_EQ(e.client_done.protection->info.flags, kNoContextFlags);
}

TEST(NtlmInitiator, ProofIsSentWithTheAuthenticate) {
  ServedExchange e;
  e.start();
  EXPECT_FALSE(e.client->proof_sent());
  ASSERT_TRUE(e.make_negotiate().has_value());
  EXPECT_FALSE(e.client->proof_sent());
  e.challenge = e.fake.challenge();
  ASSERT_TRUE(e.make_authenticate().has_value());
  EXPECT_TRUE(e.client->proof_sent());
}

// --- Challenges of servers that there are ---

TEST(NtlmInitiator, P3_AnswersAChallengeWithoutTargetInfoAtDefaultAlone) {
  // Cyrus SASL's: no signing, no extended session security, no TargetInfo.
  ServedExchange e;
  e.fake.flags = 0x00028205;
  e.fake.target_info = false;
  ASSERT_TRUE(e.run().has_value());
  EXPECT_EQ(response_kind(e.sent()), ResponseKind::kNtlmV2);

  ServedExchange f;
  f.initiator.level = PolicyLevel::kStrict;
  f.initiator.flags = kNoContextFlags;
  f.fake.flags = 0x62888205;
  f.fake.target_info = false;
  const Error error = f.run().error();
  EXPECT_EQ(error.code, Errc::kPeerIncompatible);
  EXPECT_TRUE(says(error, "TargetInfo"));
}

TEST(NtlmInitiator, NTL_13_P3_StrictRequiresTargetInfoWithATime) {
  ServedExchange e;
  e.initiator.level = PolicyLevel::kStrict;
  e.fake.without(AvId::kTimestamp);
  const Error error = e.run().error();
  EXPECT_EQ(error.code, Errc::kPeerIncompatible);
  EXPECT_TRUE(says(error, "MsvAvTimestamp"));
}

class NtlmNeededName : public ::testing::TestWithParam<AvId> {};

TEST_P(NtlmNeededName, NTL_13_QuirkC16_BothNamesMustBeThereWhereMessagesAreProtected) {
  ServedExchange e;
  e.fake.without(GetParam());
  EXPECT_EQ(e.run().error().code, Errc::kPeerIncompatible);

  ServedExchange f;
  f.fake.without(GetParam());
  f.fake.flags &= ~(flag::kSign | flag::kSeal);
  EXPECT_TRUE(f.run().has_value());

  ServedExchange g;
  g.fake.without(GetParam());
  g.fake.pairs.push_back({GetParam(), {}});
  EXPECT_TRUE(g.run().has_value()) << "an empty name is there";
}

INSTANTIATE_TEST_SUITE_P(All, NtlmNeededName,
                         ::testing::Values(AvId::kNbComputerName, AvId::kNbDomainName),
                         [](const auto& one) { return std::string(name(one.param)); });

TEST(NtlmInitiator, QuirkC31_TakesUnicodeWhereBothCharacterSetsAreSet) {
  ServedExchange e;
  e.fake.flags |= flag::kOem;
  ASSERT_TRUE(e.run().has_value());
  EXPECT_EQ(hex(e.sent().user_name), hex(utf16("alice")));
  EXPECT_FALSE(has_flag(e.sent().flags, flag::kOem));
}

TEST(NtlmInitiator, P3_AnswersInOemWhereTheServerKnowsNoUnicode) {
  ServedExchange e;
  e.fake.flags = (e.fake.flags & ~flag::kUnicode) | flag::kOem;
  ASSERT_TRUE(e.run().has_value());
  EXPECT_EQ(as_text(e.sent().user_name), "alice");
  EXPECT_TRUE(has_flag(e.sent().flags, flag::kOem));
}

TEST(NtlmInitiator, P3_ANameBeyondAsciiHasNoOemForm) {
  ServedExchange e;
  e.initiator.user = "Jos\u00e9";
  e.fake.flags = (e.fake.flags & ~flag::kUnicode) | flag::kOem;
  const Error error = e.run().error();
  EXPECT_EQ(error.code, Errc::kPeerIncompatible);
  EXPECT_FALSE(e.client->proof_sent());
}

TEST(NtlmInitiator, P3_RefusesAChallengeWithoutCharacterSet) {
  ServedExchange e;
  e.fake.flags &= ~flag::kUnicode;
  EXPECT_EQ(e.run().error().code, Errc::kPeerIncompatible);
}

TEST(NtlmInitiator, QuirkC15_AServerWithoutSigningIsTakenUnlessSigningIsRequired) {
  ServedExchange e;
  e.fake.flags &= ~(flag::kSign | flag::kSeal);
  EXPECT_TRUE(e.run().has_value());

  ServedExchange f;
  f.fake.flags &= ~(flag::kSign | flag::kSeal);
  f.initiator.required_flags = kIntegFlag;
  const Error error = f.run().error();
  EXPECT_EQ(error.code, Errc::kPeerIncompatible);
  EXPECT_TRUE(says(error, "SIGN"));
}

TEST(NtlmInitiator, QuirkC14_P3_WithoutSigningTheExtendedSessionSecurityFlagDoesNotMatter) {
  ServedExchange e;
  e.fake.flags &= ~(flag::kSign | flag::kSeal | flag::kExtendedSessionSecurity | flag::k128);
  EXPECT_TRUE(e.run().has_value());
}

// P8: the NTLM MIC makes the mechListMIC obligatory, and this server could not make one.
TEST(NtlmInitiator, QuirkB19_UnderSpnegoAServerThatCannotSignIsRefusedBeforeTheProof) {
  ServedExchange e;
  e.integrity_needed = true;
  e.initiator.flags = kNoContextFlags;
  e.fake.flags &= ~(flag::kSign | flag::kSeal);
  EXPECT_EQ(e.run().error().code, Errc::kPeerIncompatible);
  EXPECT_FALSE(e.client->proof_sent());

  ServedExchange f;  // without a time there is no MIC, and nothing is obligatory
  f.integrity_needed = true;
  f.initiator.flags = kNoContextFlags;
  f.fake.flags &= ~(flag::kSign | flag::kSeal);
  f.fake.without(AvId::kTimestamp);
  EXPECT_TRUE(f.run().has_value());
}

// --- Downgrades ---

// NTL_4: the flags that a man in the middle may take out of a CHALLENGE, one at a time and in
// pairs, against an initiator that requires what they stand for.
TEST(NtlmInitiator, NTL_4_P3_StrictRefusesEveryFlagAndEveryPairOfFlagsTakenOut) {
  constexpr std::array kFlags = {flag::kExtendedSessionSecurity,
                                 flag::kSign,
                                 flag::kSeal,
                                 flag::k128,
                                 flag::kKeyExchange,
                                 flag::kUnicode};
  for (const NegotiateFlags a : kFlags) {
    for (const NegotiateFlags b : kFlags) {
      ServedExchange e;
      e.initiator.level = PolicyLevel::kStrict;
      e.initiator.required_flags = kIntegFlag | kConfFlag;
      e.fake.flags &= ~(a | b);
      if (a == flag::kUnicode || b == flag::kUnicode) e.fake.flags |= flag::kOem;
      const bool sign_alone = (a | b) == flag::kSign;  // SEAL alone signs and seals as well
      EXPECT_EQ(e.run().has_value(), sign_alone) << std::hex << (a | b);
      EXPECT_EQ(e.client->proof_sent(), sign_alone);
    }
  }
}

TEST(NtlmInitiator, NTL_4_P3_DefaultRefusesToSignWithoutExtendedSessionSecurityOr128Bits) {
  for (const NegotiateFlags missing : {flag::kExtendedSessionSecurity, flag::k128}) {
    ServedExchange e;
    e.fake.flags &= ~missing;
    const Error error = e.run().error();
    EXPECT_EQ(error.code, Errc::kPeerIncompatible) << std::hex << missing;
    EXPECT_TRUE(says(error, "P3"));
  }
}

TEST(NtlmInitiator, NTL_4_RefusesAChallengeThatDoesNotSealWhereThatIsRequired) {
  ServedExchange e;
  e.initiator.required_flags = kConfFlag;
  e.fake.flags &= ~flag::kSeal;
  const Error error = e.run().error();
  EXPECT_EQ(error.code, Errc::kPeerIncompatible);
  EXPECT_TRUE(says(error, "SEAL"));
}

TEST(NtlmInitiator, FlagsThatWereNotAskedForAreNotInForce) {
  ServedExchange e;
  e.initiator.flags = kNoContextFlags;
  e.fake.flags = 0xe2888235;
  ASSERT_TRUE(e.run().has_value());
  EXPECT_FALSE(e.client_done.protection->can_mic());
  EXPECT_EQ(e.sent().flags & (flag::kSign | flag::kSeal | flag::kKeyExchange | flag::k56), 0u);
}

// --- Order and size ---

TEST(NtlmInitiator, NTP_11_RefusesEveryMessageOutOfTurn) {
  Exchange whole;
  ASSERT_TRUE(whole.run().has_value());
  for (const Bytes& wrong : {whole.negotiate, whole.authenticate, Bytes()}) {
    ServedExchange e;
    e.start();
    ASSERT_TRUE(e.make_negotiate().has_value());
    const Error error = step(*e.client, wrong).error();
    EXPECT_EQ(error.code, Errc::kMalformed);
    EXPECT_EQ(step(*e.client, e.fake.challenge()).error(), error)
        << "a failed initiator stays failed";
    EXPECT_STREQ(e.client->state_name(), "Failed");
    EXPECT_FALSE(e.client->proof_sent());
  }
}

TEST(NtlmInitiator, RefusesATokenBeforeItsFirst) {
  ServedExchange e;
  e.start();
  EXPECT_EQ(step(*e.client, e.fake.challenge()).error().code, Errc::kPeerMisbehaved);
}

TEST(NtlmInitiator, NTP_11_RefusesASecondChallenge) {
  ServedExchange e;
  ASSERT_TRUE(e.run().has_value());
  EXPECT_STREQ(e.client->state_name(), "Established");
  EXPECT_EQ(step(*e.client, e.challenge).error().code, Errc::kApiMisuse);
}

TEST(NtlmInitiator, ResumeIsMisuse) {
  ServedExchange e;
  e.start();
  EXPECT_EQ(resume(*e.client, AccountAnswer{}).error().code, Errc::kApiMisuse);
  EXPECT_TRUE(e.make_negotiate().has_value());
}

TEST(NtlmInitiator, NTP_12_BoundsTheChallenge) {
  for (const auto& [level, limit] :
       {std::pair{PolicyLevel::kDefault, 8192}, {PolicyLevel::kStrict, 2888}}) {
    for (const int extra : {0, 1}) {
      ServedExchange e;
      e.initiator.level = level;
      e.start();
      ASSERT_TRUE(e.make_negotiate().has_value());
      e.challenge = e.fake.challenge();
      e.challenge.resize(static_cast<size_t>(limit + extra));
      EXPECT_EQ(e.make_authenticate().has_value(), extra == 0) << limit;
    }
  }
}

TEST(NtlmInitiator, NTP_2_AnAnswerThatWouldBeTooLongIsNotSent) {
  size_t answered = 0, refused = 0;
  for (size_t size = 1000; size < 8000; size += 100) {
    ServedExchange e;
    e.fake.pairs.push_back({static_cast<AvId>(99), Bytes(size)});
    if (e.run().has_value()) {
      EXPECT_LE(e.authenticate.size(), kMaxStrictMessageSize);
      ++answered;
    } else {
      EXPECT_FALSE(e.client->proof_sent());
      ++refused;
    }
  }
  EXPECT_GT(answered, 10u);
  EXPECT_GT(refused, 10u);
}

TEST(NtlmInitiator, NTP_2_AnswersUpToTheBoundExactly) {
  ServedExchange probe;
  probe.fake.pairs.push_back({static_cast<AvId>(99), {}});
  ASSERT_TRUE(probe.run().has_value());
  const size_t room = kMaxStrictMessageSize - probe.authenticate.size();
  for (const size_t size : {room, room + 1}) {
    ServedExchange e;
    e.fake.pairs.push_back({static_cast<AvId>(99), Bytes(size)});
    EXPECT_EQ(e.run().has_value(), size == room);
  }
}

TEST(NtlmInitiator, NTP_4_NamesOfTheServerThatAreNoTextAreCopiedUnread) {
  for (const char* odd : {"00d8", "0000", "ffff", "00dc00d8"}) {
    ServedExchange e;
    e.fake.without(AvId::kNbDomainName);
    e.fake.pairs.push_back({AvId::kNbDomainName, unhex(odd)});
    ASSERT_TRUE(e.run().has_value()) << odd;
    EXPECT_EQ(hex(pairs_of(e.authenticate).find(AvId::kNbDomainName)), odd);
  }
}

// NTP_7 and KRA-15's method: what is sent does not depend on what was in memory before.
TEST(NtlmInitiator, NTP_7_EveryOctetSentIsOurs) {
  std::set<std::string> sent;
  for (const int fill : {0x00, 0x55, 0xff}) {
    std::vector<std::unique_ptr<Bytes>> blocks;
    for (size_t size = 16; size < 4096; size += 8)
      blocks.push_back(std::make_unique<Bytes>(size, static_cast<uint8_t>(fill)));
    blocks.clear();
    Exchange e;
    ASSERT_TRUE(e.run().has_value());
    sent.insert(hex(e.negotiate) + hex(e.challenge) + hex(e.authenticate));
  }
  EXPECT_EQ(sent.size(), 1u);
}

// --- Reflection and configuration ---

TEST(NtlmInitiator, NTL_6_P19_RefusesAChallengeWithItsOwnMachineId) {
  ServedExchange e;
  e.initiator.machine_id.fill(0xab);
  Bytes host(48);
  std::fill_n(host.begin() + 16, 32, uint8_t{0xab});
  e.fake.pairs.push_back({AvId::kSingleHost, host});
  const Error error = e.run().error();
  EXPECT_EQ(error.code, Errc::kPeerMisbehaved);
  EXPECT_TRUE(says(error, "P19"));
}

TEST(NtlmInitiator, AConfigurationThatCannotWorkIsMisuse) {
  ServedExchange e;
  e.initiator.user = "";
  EXPECT_EQ(make_initiator(e.runtime, e.initiator, false).error().code, Errc::kApiMisuse)
      << "P20: never anonymous";
  e.initiator.user = "alice";
  e.initiator.required_flags = kMutualFlag;
  EXPECT_EQ(make_initiator(e.runtime, e.initiator, false).error().code, Errc::kApiMisuse);
  e.initiator.required_flags = kNoContextFlags;
  e.initiator.nt_hash = nullptr;
  EXPECT_EQ(make_initiator(e.runtime, e.initiator, false).error().code, Errc::kNeedsCredential);
}

TEST(NtlmInitiator, NTP_4_BoundsItsOwnNames) {
  for (const size_t units : {size_t{256}, size_t{257}}) {
    const std::string name(units, 'x');
    ServedExchange user, domain, workstation;
    user.initiator.user = domain.initiator.domain = workstation.initiator.workstation = name;
    EXPECT_EQ(user.run().has_value(), units == 256);
    EXPECT_EQ(domain.run().has_value(), units == 256);
    EXPECT_EQ(workstation.run().has_value(), units == 256);
  }
  ServedExchange e;
  e.initiator.user = "\xff";
  EXPECT_EQ(e.run().error().code, Errc::kApiMisuse);
}

TEST(NtlmInitiator, WithoutRandomnessThereIsNoProof) {
  ServedExchange e;
  pocketgss::testing::FixedRandom eight(
      Bytes(8));  // enough for the client challenge, not for the session key
  e.runtime = Runtime::create(e.clock, eight).value();
  EXPECT_EQ(e.run().error().code, Errc::kInternal);
  EXPECT_FALSE(e.client->proof_sent());
}

// NTP_5, NTP_6, quirk C22: a password is a password, however long; a hash goes in by its own type.
TEST(NtlmInitiator, NTP_5_NTP_6_QuirkC22_EveryLengthOfPasswordWorks) {
  for (const size_t length :
       {1u, 14u, 15u, 127u, 128u, 255u, 256u, 511u, 512u, 513u, 1024u, 4096u}) {
    Exchange e;
    e.nt_hash = testing::hash_of(e.runtime, std::string(length, 'p'));
    e.server_hash = testing::hash_of(e.runtime, std::string(length, 'p'));
    EXPECT_TRUE(e.run().has_value()) << length;
    e.server_hash = testing::hash_of(e.runtime, std::string(length - 1, 'p'));
    EXPECT_FALSE(e.run().has_value()) << length;
  }
  static_assert(!std::is_constructible_v<NtHash, Bytes> &&
                !std::is_constructible_v<NtHash, std::string>);
}

}  // namespace
}  // namespace pocketgss::mechs::ntlm
