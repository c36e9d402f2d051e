// What the acceptor checks of a response that proves the password: MIC, AV pairs, target name,
// channel binding.
#include <gtest/gtest.h>

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

// --- MIC ---

TEST(NtlmAcceptor, NTL_1_P4_RefusesAResponseWhoseMicWasCutOut) {
  const Error error = verdict_on([](AuthenticateMessage& m) {
    m.mic = {};
    m.version.reset();
  });
  EXPECT_EQ(error, (Error{Errc::kAuthFailed, "AUTHENTICATE_MESSAGE.MIC is missing", 0, 0}));
}

TEST(NtlmAcceptor, NTL_1_P4_RefusesAClearedMicFlag) {
  FakeExchange e;
  ASSERT_TRUE(e.until_challenge().has_value());
  e.authenticate = e.fake.answer(e.runtime, e.negotiate, e.challenge);
  const ByteView value = testing::pairs_of(e.authenticate).find(AvId::kFlags);
  e.authenticate[static_cast<size_t>(value.data() - e.authenticate.data())] = 0;
  EXPECT_EQ(e.verdict().error(), kWrong);
}

TEST(NtlmAcceptor, NTL_1_P4_AClientThatNeverClaimsAMicIsInAtDefaultAndOutAtStrict) {
  FakeExchange e;
  e.fake.claim_mic = e.fake.has_mic_field = false;
  ASSERT_TRUE(e.run().has_value());
  EXPECT_FALSE(e.server_done.protection->info.mic_verified);
  EXPECT_FALSE(e.server->wants_mech_list_mic());

  FakeExchange f;
  f.strict();
  f.fake.claim_mic = f.fake.has_mic_field = false;
  const Error error = f.run().error();
  EXPECT_EQ(error.code, Errc::kPolicy);
  EXPECT_TRUE(says(error, "P4"));
}

TEST(NtlmAcceptor, NTL_1_RefusesEveryFlippedBitOfTheMic) {
  for (size_t bit = 0; bit < 128; ++bit) {
    FakeExchange e;
    ASSERT_TRUE(e.until_challenge().has_value());
    e.authenticate = e.fake.answer(e.runtime, e.negotiate, e.challenge);
    e.authenticate[72 + bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
    EXPECT_EQ(e.verdict().error(), kWrong) << bit;
  }
}

TEST(NtlmAcceptor, NTL_1_NTL_4_TheMicCoversTheFlagsOfEveryMessage) {
  FakeExchange e;
  ASSERT_TRUE(e.until_challenge().has_value());
  Bytes negotiate = e.negotiate;
  negotiate[12] ^= 0x20;  // what the client sent and a man in the middle took out
  e.authenticate = e.fake.answer(e.runtime, negotiate, e.challenge);
  EXPECT_EQ(e.verdict().error(), kWrong);

  FakeExchange f;
  ASSERT_TRUE(f.until_challenge().has_value());
  f.authenticate = f.fake.answer(f.runtime, f.negotiate, f.challenge);
  f.authenticate[60] ^= 0x20;  // SEAL
  EXPECT_EQ(f.verdict().error(), kWrong);
}

TEST(NtlmAcceptor, QuirkC3_TheMicIsOverTheBytesAsReceived) {
  // A NEGOTIATE that no writer of ours would write: trailing octets, descriptors that point
  // nowhere.
  FakeExchange e;
  ASSERT_TRUE(e.until_challenge().has_value());
  e.start();
  e.negotiate[20] = 0xff;
  append(e.negotiate, as_bytes("trailing"));
  ASSERT_TRUE(e.make_challenge().has_value());
  e.authenticate = e.fake.answer(e.runtime, e.negotiate, e.challenge);
  EXPECT_TRUE(e.verdict().has_value());
  EXPECT_TRUE(e.server_done.protection->info.mic_verified);
}

TEST(NtlmAcceptor, QuirkC2_QuirkC28_WithoutSigningTheMicIsKeyedByTheSessionBaseKey) {
  FakeExchange e;
  e.asked = 0xa2088207;  // MailKit
  ASSERT_TRUE(e.run().has_value());
  EXPECT_TRUE(e.server_done.protection->info.mic_verified);
}

TEST(NtlmAcceptor, QuirkC32_SixteenZerosAreNoMicUnlessClaimed) {
  FakeExchange e;
  e.fake.claim_mic = false;
  ASSERT_TRUE(e.until_challenge().has_value());
  e.authenticate = e.fake.answer(e.runtime, e.negotiate, e.challenge);
  std::fill_n(e.authenticate.begin() + 72, 16, uint8_t{0});
  EXPECT_TRUE(e.verdict().has_value());
  EXPECT_FALSE(e.server_done.protection->info.mic_verified);
}

TEST(NtlmAcceptor, QuirkB1_AVerifiedMicAsksForAMechListMic) {
  FakeExchange e;
  ASSERT_TRUE(e.run().has_value());
  EXPECT_TRUE(e.server->wants_mech_list_mic());
  EXPECT_FALSE(e.server->proof_sent());
}

// --- AV pairs ---

TEST(NtlmAcceptor, NTL_2_RefusesARepeatedAvId) {
  FakeExchange e;
  e.fake.change_pairs = [](Bytes& pairs) {
    append_av_pair(pairs, AvId::kFlags, ByteView(FixedBytes<4>{kAvMicPresent}));
  };
  EXPECT_EQ(e.run().error().code, Errc::kPeerMisbehaved);
}

TEST(NtlmAcceptor, NTL_9_P4_StrictComparesEveryPairOfTheChallenge) {
  FakeExchange original;
  ASSERT_TRUE(original.until_challenge().has_value());
  const ChallengeMessage challenge = parse_challenge(original.challenge).value();
  for (AvPair sent; challenge.av_pairs.next(sent);) {
    for (const bool dropped : {false, true}) {
      const auto alter = [id = sent.id, dropped](Bytes& pairs) {
        Bytes changed;
        Bytes list = pairs;
        append_av_eol(list);
        const AvPairs old = parse_av_pairs(list, 0).value();
        for (AvPair pair; old.next(pair);) {
          Bytes value = pair.value.to_bytes();
          if (pair.id == id && dropped) continue;
          if (pair.id == id) value.back() ^= 1;
          append_av_pair(changed, pair.id, value);
        }
        pairs = changed;
      };
      FakeExchange e;
      e.strict();
      e.fake.change_pairs = alter;
      EXPECT_EQ(e.run().error().code, Errc::kPolicy) << name(sent.id) << dropped;
      FakeExchange lenient;
      lenient.fake.change_pairs = alter;
      EXPECT_TRUE(lenient.run().has_value()) << name(sent.id) << dropped;
    }
  }
}

TEST(NtlmAcceptor, QuirkC32_TheTimeOfTheResponseMayBeAnother) {
  FakeExchange e;
  e.fake.own_clock = true;
  EXPECT_TRUE(e.run().has_value());
}

TEST(NtlmAcceptor, QuirkC20_QuirkC32_OctetsAfterEolArePartOfTheProof) {
  for (const size_t zeros : {0u, 4u, 12u, 24u, 64u}) {
    FakeExchange e;
    e.fake.zeros_after_eol = zeros;
    EXPECT_TRUE(e.run().has_value()) << zeros;
  }
  FakeExchange e;
  ASSERT_TRUE(e.until_challenge().has_value());
  e.authenticate = e.fake.answer(e.runtime, e.negotiate, e.challenge);
  const AuthenticateMessage message = parse_authenticate(e.authenticate).value();
  e.authenticate[message.nt_response_fields.offset + message.nt_response_fields.len - 1u] ^= 1;
  EXPECT_EQ(e.verdict().error(), kWrong);
}

TEST(NtlmAcceptor, QuirkC20_QuirkC28_TakesAResponseWithoutPairsAtDefaultAlone) {
  FakeExchange e;
  e.fake.claim_mic = e.fake.has_mic_field = false;
  e.fake.zeros_after_eol = 64;
  e.fake.change_pairs = [](Bytes& pairs) { pairs.clear(); };
  EXPECT_TRUE(e.run().has_value());

  FakeExchange f;
  f.strict();
  f.fake.claim_mic = f.fake.has_mic_field = false;
  f.fake.zeros_after_eol = 64;
  f.fake.change_pairs = [](Bytes& pairs) { pairs.clear(); };
  EXPECT_EQ(f.run().error().code, Errc::kPolicy);
}

TEST(NtlmAcceptor, NTL_1_EveryFlippedBitOfTheProvedBytesIsRefused) {
  // M3: NTProofStr and all that it covers.
  FakeExchange original;
  original.fake.claim_mic = original.fake.has_mic_field = false;
  ASSERT_TRUE(original.run().has_value());
  const SecurityBuffer field = parse_authenticate(original.authenticate).value().nt_response_fields;
  for (size_t bit = 0; bit < 8u * field.len; ++bit) {
    FakeExchange e;
    ASSERT_TRUE(e.until_challenge().has_value());
    e.authenticate = original.authenticate;  // the random source gives both the same challenge
    e.authenticate[field.offset + bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
    EXPECT_FALSE(e.verdict().has_value()) << bit;
  }
}

// --- Target name ---

struct TargetExchange : FakeExchange {
  TargetExchange(std::string_view name, TargetNameCheck check, uint32_t av_flags = kAvMicPresent) {
    acceptor.target_name_check = check;
    fake.claim_mic = false;
    fake.change_pairs = [name = std::string(name), av_flags](Bytes& pairs) {
      append_av_pair(pairs, AvId::kFlags, ByteView(FixedBytes<4>{static_cast<uint8_t>(av_flags)}));
      append_av_pair(pairs, AvId::kTargetName, utf16(name));
    };
  }
};

TEST(NtlmAcceptor, NTL_8_P18_TakesItsOwnNamesWithoutRegardToCase) {
  for (const char* name :
       {"smtp/mail.example.test", "SMTPSVC/mail.example.test", "smtp/MAIL.example.TEST"}) {
    TargetExchange e(name, TargetNameCheck::kRequired);
    ASSERT_TRUE(e.run().has_value()) << name;
    EXPECT_EQ(e.server_done.protection->info.target_name, name);
  }
}

TEST(NtlmAcceptor, NTL_8_P18_RefusesAnotherName) {
  for (const TargetNameCheck check : {TargetNameCheck::kIfPresent, TargetNameCheck::kRequired}) {
    const Error error = TargetExchange("smtp/other.example.test", check).run().error();
    EXPECT_EQ(error.code, Errc::kPolicy);
    EXPECT_TRUE(says(error, "P18"));
  }
  EXPECT_TRUE(TargetExchange("smtp/other.example.test", TargetNameCheck::kOff).run().has_value());
}

TEST(NtlmAcceptor, NTL_8_P18_QuirkC27_AnEmptyNameIsNone) {
  EXPECT_TRUE(TargetExchange("", TargetNameCheck::kIfPresent).run().has_value());
  EXPECT_EQ(TargetExchange("", TargetNameCheck::kRequired).run().error().code, Errc::kPolicy);
}

TEST(NtlmAcceptor, NTL_8_P18_AMissingNameIsRefusedWhereRequired) {
  FakeExchange e;
  EXPECT_TRUE(e.run().has_value());
  FakeExchange f;
  f.acceptor.target_name_check = TargetNameCheck::kRequired;
  EXPECT_EQ(f.run().error().code, Errc::kPolicy);
}

TEST(NtlmAcceptor, NTL_8_QuirkC7_ANameFromAnUntrustedSourceIsNone) {
  const uint32_t untrusted = kAvMicPresent | kAvUntrustedSpn;
  EXPECT_EQ(TargetExchange("smtp/mail.example.test", TargetNameCheck::kRequired, untrusted)
                .run()
                .error()
                .code,
            Errc::kPolicy);
  TargetExchange e("smtp/other.example.test", TargetNameCheck::kIfPresent, untrusted);
  ASSERT_TRUE(e.run().has_value());
  EXPECT_EQ(e.server_done.protection->info.target_name, "");
}

TEST(NtlmAcceptor, P18_WithoutNamesOfItsOwnItRefusesEveryName) {
  TargetExchange e("smtp/mail.example.test", TargetNameCheck::kIfPresent);
  e.acceptor.target_names = {};
  EXPECT_EQ(e.run().error().code, Errc::kPolicy);
  e.acceptor.target_name_check = TargetNameCheck::kRequired;
  EXPECT_EQ(make_acceptor(e.runtime, e.acceptor).error().code, Errc::kApiMisuse);
}

TEST(NtlmAcceptor, RefusesATargetNameThatIsNoText) {
  FakeExchange e;
  e.fake.change_pairs = [](Bytes& pairs) {
    append_av_pair(pairs, AvId::kTargetName, unhex("00d8"));
  };
  EXPECT_EQ(e.run().error(), (Error{Errc::kMalformed, "MsvAvTargetName", 0, 0}));
}

// --- Channel bindings ---

constexpr std::string_view kOurs = "tls-server-end-point:0123456789abcdef0123456789abcdef";
constexpr std::string_view kOther = "tls-server-end-point:ffffffffffffffffffffffffffffffff";
constexpr std::string_view kUnique = "tls-unique:0123456789ab";

struct BindingExchange : FakeExchange {
  BindingExchange(std::optional<std::string_view> bound, BindingRequirement requirement) {
    bind({as_bytes(kOurs), as_bytes(kUnique)});
    acceptor.binding_requirement = requirement;
    ChannelBindingHash hash{};
    if (bound && !bound->empty()) hash = channel_binding_hash(runtime.crypto(), as_bytes(*bound));
    if (bound) {
      fake.change_pairs = [hash](Bytes& pairs) {
        append_av_pair(pairs, AvId::kChannelBindings, ByteView(hash));
      };
    }
  }
};

TEST(NtlmAcceptor, NTL_7_P5_TakesAnyBindingOfItsChannel) {
  for (const std::string_view bound : {kOurs, kUnique}) {
    for (const auto requirement :
         {BindingRequirement::kWhenSupported, BindingRequirement::kRequire}) {
      BindingExchange e(bound, requirement);
      ASSERT_TRUE(e.run().has_value());
      EXPECT_TRUE(e.server_done.protection->info.channel_bound);
    }
  }
}

TEST(NtlmAcceptor, NTL_7_P5_QuirkC6_RefusesTheBindingOfAnotherChannel) {
  for (const auto requirement :
       {BindingRequirement::kWhenSupported, BindingRequirement::kRequire}) {
    const Error error = BindingExchange(kOther, requirement).run().error();
    EXPECT_EQ(error.code, Errc::kAuthFailed);
    EXPECT_TRUE(says(error, "MsvAvChannelBindings"));  // a log can tell it from a wrong password
  }
}

TEST(NtlmAcceptor, NTL_7_P5_RefusesABindingWhereItHasNoTls) {
  BindingExchange e(kOurs, BindingRequirement::kWhenSupported);
  e.acceptor.channel_bindings = {};
  EXPECT_EQ(e.run().error().code, Errc::kAuthFailed);
}

TEST(NtlmAcceptor, NTL_7_P5_QuirkC5_ZerosAreNoBinding) {
  BindingExchange e("", BindingRequirement::kWhenSupported);
  ASSERT_TRUE(e.run().has_value());
  EXPECT_FALSE(e.server_done.protection->info.channel_bound);
  EXPECT_EQ(BindingExchange("", BindingRequirement::kRequire).run().error().code, Errc::kPolicy);
}

TEST(NtlmAcceptor, NTL_7_P5_AMissingBindingIsRefusedWhereRequired) {
  EXPECT_TRUE(BindingExchange(std::nullopt, BindingRequirement::kWhenSupported).run().has_value());
  const Error error = BindingExchange(std::nullopt, BindingRequirement::kRequire).run().error();
  EXPECT_EQ(error.code, Errc::kPolicy);
  EXPECT_TRUE(says(error, "P5"));
}

TEST(NtlmAcceptor, P5_OffLooksAtNoBinding) {
  BindingExchange e(kOther, BindingRequirement::kOff);
  ASSERT_TRUE(e.run().has_value());
  EXPECT_FALSE(e.server_done.protection->info.channel_bound);
}

TEST(NtlmAcceptor, P23_AWrongBindingTellsNothingWithoutThePassword) {
  BindingExchange e(kOther, BindingRequirement::kWhenSupported);
  e.fake.password = "Password2";
  EXPECT_EQ(e.run().error(), kWrong);
}

}  // namespace
}  // namespace pocketgss::mechs::ntlm
