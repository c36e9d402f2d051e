// The worked examples of others, and messages in the shape of published vulnerabilities.
#include <gtest/gtest.h>

#include "base/utf16.h"
#include "mechs/ntlm/messages.h"
#include "mechs/ntlm/sealing.h"
#include "tests/mechs/ntlm/exchange.h"
#include "tests/support/hex.h"
#include "tests/support/vector_file.h"

namespace pocketgss::mechs::ntlm {
namespace {

using pocketgss::testing::hex;
using pocketgss::testing::read_elsewhere;
using pocketgss::testing::run_vectors;
using pocketgss::testing::VectorBlock;
using testing::utf16;

template <size_t N>
FixedView<N> fixed(const Bytes& bytes) {
  EXPECT_EQ(bytes.size(), N);
  return ByteView(bytes).first<N>();
}

class NtlmVectors : public ::testing::Test {
 protected:
  void common(VectorBlock& b) {
    EXPECT_EQ(hex(utf16(b.text("User"))), hex(b.bytes("UserUtf16")));
    EXPECT_EQ(hex(utf16(b.text("Password"))), hex(b.bytes("PasswordUtf16")));
    EXPECT_EQ(hex(utf16(b.text("Domain"))), hex(b.bytes("DomainUtf16")));
    EXPECT_EQ(hex(utf16(b.text("Server"))), hex(b.bytes("ServerUtf16")));
    EXPECT_EQ(hex(utf16(b.text("Workstation"))), hex(b.bytes("WorkstationUtf16")));
    Bytes upper = b.bytes("UserUtf16");
    simple_upcase_utf16le(upper);
    EXPECT_EQ(hex(upper), hex(b.bytes("UserUpperUtf16")));
    ntowf_v1_of(b);
    b.ignore_unread();  // the rest is what the other blocks say again
  }

  void ntowf_v1_of(VectorBlock& b) {
    EXPECT_EQ(hex(ntowf_v1(crypto_, utf16(b.text("Password"))).view()), hex(b.bytes("NTOWFv1")));
  }

  void ntlm_v2(VectorBlock& b) {
    ntowf_v1_of(b);
    Bytes user = utf16(b.text("User"));
    simple_upcase_utf16le(user);
    const ResponseKey key =
        ntowf_v2(crypto_, fixed<16>(b.bytes("NTOWFv1")), user, utf16(b.text("Domain")));
    EXPECT_EQ(hex(key.view()), hex(b.bytes("NTOWFv2")));

    const Bytes response_bytes = b.bytes("NtChallengeResponse");
    const NtlmV2Response response = parse_ntlm_v2_response(response_bytes, 0).value();
    EXPECT_EQ(hex(response.challenge_from_client), hex(b.bytes("ClientChallenge")));
    EXPECT_EQ(hex(response.temp.sub(8, 8)), hex(b.bytes("Time")));
    const Bytes target_info = b.bytes("TargetInfo");
    EXPECT_EQ(hex(response.av_pairs.pairs()),
              hex(ByteView(target_info).prefix(target_info.size() - 4)));
    if (b.has("Temp")) {
      EXPECT_EQ(hex(response.temp), hex(b.bytes("Temp")));
    }
    const NtProofStr proof =
        nt_proof_str(crypto_, key, fixed<8>(b.bytes("ServerChallenge")), response.temp);
    EXPECT_EQ(hex(ByteView(proof)), hex(b.bytes("NTProofStr")));
    EXPECT_EQ(hex(response.nt_proof_str), hex(b.bytes("NTProofStr")));
    session_keys(b, key, proof);
    b.bytes("LmChallengeResponse");  // LMv2 is not built (policy row P2)
  }

  void session_keys(VectorBlock& b, const ResponseKey& key, const NtProofStr& proof) {
    if (!b.has("SessionBaseKey")) return;
    const SessionBaseKey base = session_base_key(crypto_, key, proof);
    EXPECT_EQ(hex(base.view()), hex(b.bytes("SessionBaseKey")));
    EXPECT_EQ(hex(base.view()), hex(b.bytes("KeyExchangeKey")));
    FixedBytes<16> encrypted;
    exchange_key(crypto_, base, fixed<16>(b.bytes("RandomSessionKey")), encrypted);
    EXPECT_EQ(hex(ByteView(encrypted)), hex(b.bytes("EncryptedRandomSessionKey")));
  }

  void challenge(VectorBlock& b) {
    const Bytes token = b.bytes("Message");
    const ChallengeMessage message = parse_challenge(token).value();
    EXPECT_EQ(message.flags, b.number("Flags"));
    EXPECT_EQ(hex(message.target_name), hex(utf16(b.text("TargetName"))));
    EXPECT_EQ(hex(ByteView(message.server_challenge)), hex(b.bytes("ServerChallenge")));
    EXPECT_EQ(hex(message.target_info), hex(b.bytes("TargetInfo")));
    expect_version(message.version, b.bytes("Version"));
  }

  void authenticate(VectorBlock& b, bool refused) {
    const Bytes token = b.bytes("Message");
    const AuthenticateMessage message = parse_authenticate(token).value();
    EXPECT_EQ(message.flags, b.number("Flags"));
    EXPECT_EQ(hex(message.domain_name), hex(utf16(b.text("DomainName"))));
    EXPECT_EQ(hex(message.user_name), hex(utf16(b.text("UserName"))));
    EXPECT_EQ(hex(message.workstation), hex(utf16(b.text("Workstation"))));
    EXPECT_EQ(hex(message.lm_response), hex(b.bytes("LmChallengeResponse")));
    EXPECT_EQ(hex(message.nt_response), hex(b.bytes("NtChallengeResponse")));
    EXPECT_EQ(hex(message.encrypted_random_session_key), hex(b.bytes("EncryptedRandomSessionKey")));
    expect_version(message.version, b.bytes("Version"));
    EXPECT_EQ(response_kind(message) == ResponseKind::kNtlmV2, !refused);
  }

  static void expect_version(const std::optional<Version>& version, const Bytes& octets) {
    ASSERT_TRUE(version.has_value());
    const auto build = static_cast<uint16_t>(octets[2] | octets[3] << 8);
    EXPECT_EQ(*version, (Version{octets[0], octets[1], build, octets[7]}));
  }

  void expect_keys(VectorBlock& b, const ExportedSessionKey& key) {
    EXPECT_EQ(hex(sign_key(crypto_, key, Sender::kInitiator).view()),
              hex(b.bytes("ClientSignKey")));
    EXPECT_EQ(hex(sign_key(crypto_, key, Sender::kAcceptor).view()), hex(b.bytes("ServerSignKey")));
  }

  void seal(VectorBlock& b) {
    const ExportedSessionKey key{fixed<16>(b.bytes("ExportedSessionKey"))};
    expect_keys(b, key);
    EXPECT_EQ(hex(seal_key(crypto_, key, Sender::kInitiator).view()),
              hex(b.bytes("ClientSealKey")));
    EXPECT_EQ(hex(seal_key(crypto_, key, Sender::kAcceptor).view()), hex(b.bytes("ServerSealKey")));
    EXPECT_EQ(b.number("SeqNum"), 0u);
    MessageSecurity initiator(crypto_, static_cast<NegotiateFlags>(b.number("Flags")),
                              ExportedSessionKey{key.view()}, Sender::kInitiator);
    const Bytes plain = b.bytes("Plaintext");
    Bytes token(initiator.wrap_size(plain.size()));
    ASSERT_TRUE(initiator.wrap(plain, true, token).has_value());
    EXPECT_EQ(hex(ByteView(token).prefix(16)), hex(b.bytes("Signature")));
    EXPECT_EQ(hex(ByteView(token).from(16)), hex(b.bytes("Sealed")));
  }

  // Its 56-bit sealing keys are not built (policy row P3); signing does not depend on them.
  void seal_without_key_exchange(VectorBlock& b) {
    const ExportedSessionKey key{fixed<16>(b.bytes("ExportedSessionKey"))};
    expect_keys(b, key);
    MessageSecurity initiator(crypto_, static_cast<NegotiateFlags>(b.number("Flags")),
                              ExportedSessionKey{key.view()}, Sender::kInitiator);
    FixedBytes<16> signature;
    ASSERT_TRUE(initiator.mic(b.bytes("Plaintext"), signature).has_value());
    EXPECT_EQ(hex(ByteView(signature)), hex(b.bytes("Signature")));
    b.ignore_unread();
  }

  Runtime runtime_ = Runtime::create().value();
  crypto::Workspace& crypto_ = runtime_.crypto();
};

TEST_F(NtlmVectors, WorkedExamplesOfTheSpecification) {
  run_vectors("ntlm/ms_nlmp_4_2.vec",
              {{"Common", [&](VectorBlock& b) { common(b); }},
               {"NTLMv2", [&](VectorBlock& b) { ntlm_v2(b); }},
               {"Challenge", [&](VectorBlock& b) { challenge(b); }},
               {"Authenticate", [&](VectorBlock& b) { authenticate(b, false); }},
               {"RefusedAuthenticate", [&](VectorBlock& b) { authenticate(b, true); }},
               {"Seal", [&](VectorBlock& b) { seal(b); }},
               {"SealWithoutKeyExchange", [&](VectorBlock& b) { seal_without_key_exchange(b); }}});
}

TEST_F(NtlmVectors, WorkedValuesOfDavenport) {
  run_vectors("ntlm/davenport.vec",
              {{"NTOWFv1", [&](VectorBlock& b) { ntowf_v1_of(b); }},
               {"NTLMv2", [&](VectorBlock& b) { ntlm_v2(b); }},
               {"RefusedResponse", [](VectorBlock& b) {
                  const Bytes nt = b.bytes("NtChallengeResponse");
                  const Bytes lm = b.bytes("LmChallengeResponse");
                  AuthenticateMessage message;
                  message.nt_response = nt;
                  message.lm_response = lm;
                  const ResponseKind kind = response_kind(message);
                  EXPECT_TRUE(kind == ResponseKind::kNtlmV1 || kind == ResponseKind::kNtlmV1Ess);
                }}});
}

// NTP_1, NTP_3, NTP_4, NTP_13: vectors N1 to N10, and every prefix of each.
TEST_F(NtlmVectors, NTP_13_RefusesTheChallengesOfPublishedBugs) {
  run_vectors("ntlm/refused.vec", {{"Refused",
                                    [](VectorBlock& b) {
                                      b.word("Id");
                                      const Bytes token = b.bytes("Challenge");
                                      b.expect_error(parse_challenge(token));
                                      for (size_t size = 0; size < token.size(); ++size) {
                                        const Bytes prefix(
                                            token.begin(),
                                            token.begin() + static_cast<std::ptrdiff_t>(size));
                                        EXPECT_FALSE(parse_challenge(prefix).has_value()) << size;
                                      }
                                    }},
                                   {"Taken", read_elsewhere}});
}

// What the initiator makes of vectors N7 and N8: its own MsvAvFlags once, and no binding that it
// did not make.
TEST_F(NtlmVectors, NTL_2_TheInitiatorSetsItsOwnPairs) {
  run_vectors("ntlm/refused.vec", {{"Refused", read_elsewhere},
                                   {"Taken", [](VectorBlock& b) {
                                      b.word("Id");
                                      testing::Exchange e;
                                      e.initiator.flags = kNoContextFlags;
                                      e.start();
                                      ASSERT_TRUE(e.make_negotiate().has_value());
                                      e.challenge = b.bytes("Challenge");
                                      ASSERT_TRUE(e.make_authenticate().has_value());
                                      const AvPairs pairs = testing::pairs_of(e.authenticate);
                                      EXPECT_EQ(pairs.flags(), kAvMicPresent);
                                      EXPECT_FALSE(pairs.repeats());
                                      EXPECT_FALSE(pairs.has(AvId::kChannelBindings));
                                    }}});
}

}  // namespace
}  // namespace pocketgss::mechs::ntlm
