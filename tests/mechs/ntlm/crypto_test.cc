// The worked example of [MS-NLMP] 4.2 (user "User", domain "Domain", password "Password").
#include "mechs/ntlm/crypto.h"

#include <gtest/gtest.h>

#include <pocketgss/env.h>

#include "tests/support/hex.h"

namespace pocketgss::mechs::ntlm {
namespace {

using testing::hex;
using testing::unhex;

template <size_t N>
FixedBytes<N> fixed(std::string_view text) {
  const Bytes bytes = unhex(text);
  FixedBytes<N> out{};
  std::copy_n(bytes.begin(), N, out.begin());
  return out;
}

class NtlmCrypto : public ::testing::Test {
 protected:
  Runtime runtime_ = Runtime::create().value();
  crypto::Workspace& crypto_ = runtime_.crypto();
  const Bytes temp_ = unhex(
      "01010000000000000000000000000000aaaaaaaaaaaaaaaa0000000002000c0044006f006d00610069006e000100"
      "0c005300650072007600"
      "650072000000000000000000");
};

TEST_F(NtlmCrypto, NtowfV1MatchesTheExample) {
  EXPECT_EQ(hex(ntowf_v1(crypto_, unhex("500061007300730077006f0072006400")).view()),
            "a4f49c406510bdcab6824ee7c30fd852");
}

TEST_F(NtlmCrypto, NtowfV2MatchesTheExample) {
  const ResponseKey key = ntowf_v2(crypto_, fixed<16>("a4f49c406510bdcab6824ee7c30fd852"),
                                   unhex("5500530045005200"), unhex("44006f006d00610069006e00"));
  EXPECT_EQ(hex(key.view()), "0c868a403bfd7a93a3001ef22ef02e3f");
}

TEST_F(NtlmCrypto, ResponseAndKeysMatchTheExample) {
  const ResponseKey key{FixedView<16>(fixed<16>("0c868a403bfd7a93a3001ef22ef02e3f"))};
  const NtProofStr proof = nt_proof_str(crypto_, key, fixed<8>("0123456789abcdef"), temp_);
  EXPECT_EQ(hex(ByteView(proof)), "68cd0ab851e51c96aabc927bebef6a1c");
  const SessionBaseKey base = session_base_key(crypto_, key, proof);
  EXPECT_EQ(hex(base.view()), "8de40ccadbc14a82f15cb0ad0de95ca3");

  FixedBytes<16> encrypted;
  exchange_key(crypto_, base, fixed<16>("55555555555555555555555555555555"), encrypted);
  EXPECT_EQ(hex(ByteView(encrypted)), "c5dad2544fc9799094ce1ce90bc9d03e");
}

TEST_F(NtlmCrypto, DirectionKeysMatchTheExample) {
  const ExportedSessionKey key{FixedView<16>(fixed<16>("55555555555555555555555555555555"))};
  EXPECT_EQ(hex(seal_key(crypto_, key, Sender::kInitiator).view()),
            "59f600973cc4960a25480a7c196e4c58");
  EXPECT_EQ(hex(sign_key(crypto_, key, Sender::kInitiator).view()),
            "4788dc861b4782f35d43fd98fe1a2d39");
  EXPECT_EQ(hex(seal_key(crypto_, key, Sender::kAcceptor).view()),
            "9355f3a957c1583d25c4c2f11e40390e");
  EXPECT_EQ(hex(sign_key(crypto_, key, Sender::kAcceptor).view()),
            "d04d6f10741041d1d246d64188d7a8ad");
}

TEST_F(NtlmCrypto, ChannelBindingHashMatchesThePublishedOne) {
  const Bytes data = unhex(
      "746c732d7365727665722d656e642d706f696e743aea05fefecc6b0bd571dbbc5baa3ed45386d0446835f7b74c85"
      "621b9983475f95");
  EXPECT_EQ(hex(ByteView(channel_binding_hash(crypto_, data))), "6586e99d81c2fc984e47172fd4dd0310");
}

TEST_F(NtlmCrypto, MicCountsItsOwnFieldAsZeros) {
  const ExportedSessionKey key{FixedView<16>(fixed<16>("55555555555555555555555555555555"))};
  Bytes authenticate(100, 7);
  const Mic first = mic(crypto_, key, unhex("01"), unhex("02"), authenticate);
  std::fill_n(authenticate.begin() + 72, 16, uint8_t{9});
  EXPECT_EQ(first, mic(crypto_, key, unhex("01"), unhex("02"), authenticate));
  authenticate[88] = 0;
  EXPECT_NE(first, mic(crypto_, key, unhex("01"), unhex("02"), authenticate));
}

}  // namespace
}  // namespace pocketgss::mechs::ntlm
