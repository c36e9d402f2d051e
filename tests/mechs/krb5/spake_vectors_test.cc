// The vectors of SPAKE (RFC 9588 appendix B), as far as they need no arithmetic in a group: the
// pseudo-random function, the transcript hash and the keys at the end.
#include <gtest/gtest.h>

#include "base/crypto.h"
#include "base/cursor.h"
#include "mechs/krb5/crypto.h"
#include "mechs/krb5/messages.h"
#include "tests/mechs/krb5/fx_cf2.h"
#include "tests/support/hex.h"
#include "tests/support/vector_file.h"

namespace pocketgss::mechs::krb5 {
namespace {

using pocketgss::testing::hex;
using pocketgss::testing::VectorBlock;

// RFC 9588 12.2, 4.1: the hash of a group.
Bytes hash_of(uint64_t group, ByteView in) {
  using crypto::HashAlgorithm;
  const HashAlgorithm algorithm = group == 3   ? HashAlgorithm::kSha384
                                  : group == 4 ? HashAlgorithm::kSha512
                                               : HashAlgorithm::kSha256;
  FixedBytes<crypto::kMaxHashSize> out;
  const size_t size = crypto::hash(algorithm, in, out).value();
  return ByteView(out).prefix(size).to_bytes();
}

Bytes number(uint32_t value) {
  return {static_cast<uint8_t>(value >> 24), static_cast<uint8_t>(value >> 16),
          static_cast<uint8_t>(value >> 8), static_cast<uint8_t>(value)};
}

class SpakeVectors : public ::testing::Test {
 protected:
  void spake(VectorBlock& block) {
    SCOPED_TRACE(block.where());
    const auto etype = static_cast<int32_t>(block.number("Etype"));
    const auto group = static_cast<uint32_t>(block.number("Group"));
    const Bytes body = block.bytes("Body"), w = block.bytes("W"), shared = block.bytes("K");
    const Bytes transcript = transcript_hash(block, group);
    const std::vector<Bytes> expected = block.bytes_list("ReplyKey");
    const Bytes initial = block.bytes("InitialKey");

    const KdcReqBody parsed = parse_kdc_req_body(body).value();
    EXPECT_EQ(hex(encode(parsed).value()), hex(body));
    ASSERT_EQ(parsed.etype.size(), 1U);
    EXPECT_EQ(parsed.etype.front(), etype);

    if (!known_etype(etype)) {
      EXPECT_EQ(Key::create(etype, initial).error().code, Errc::kPeerIncompatible);
      for (const Bytes& key : expected) {
        EXPECT_EQ(Key::create(etype, key).error().code, Errc::kPeerIncompatible);
      }
      return;
    }
    const Key key = Key::create(etype, initial).value();
    Bytes secret = as_bytes("SPAKEsecret").to_bytes();
    append(secret, number(group));
    EXPECT_EQ(hex(prf_plus(*crypto_, key, secret, w.size())), hex(w));

    ASSERT_EQ(expected.size(), 4U);
    for (uint32_t n = 0; n < expected.size(); ++n) {
      Bytes in = as_bytes("SPAKEkey").to_bytes();
      for (const Bytes& part : {number(group), number(static_cast<uint32_t>(etype)), w, shared,
                                transcript, body, number(n)}) {
        append(in, part);
      }
      const Key made = Key::create(etype, derive(group, in, key_size(key.etype()))).value();
      const Key combined = krb_fx_cf2(*crypto_, key, as_bytes("SPAKE"), made, as_bytes("keyderiv"));
      EXPECT_EQ(hex(combined.view()), hex(expected[n])) << n;
    }
    ++done_;
  }

 private:
  // RFC 9588 6: the two messages behind as many zeros as a hash has octets, then the response's
  // public value.
  Bytes transcript_hash(VectorBlock& block, uint32_t group) {
    const auto support = block.optional_bytes("Support");
    const Bytes challenge = block.bytes("Challenge"), client = block.bytes("S");
    EXPECT_NE(hex(challenge).find(hex(block.bytes("T"))), std::string::npos);
    Bytes hash(hash_of(group, {}).size());
    append(hash, support.value_or(Bytes()));  // absent where the KDC asked unasked
    append(hash, challenge);
    hash = hash_of(group, hash);
    append(hash, client);
    hash = hash_of(group, hash);
    EXPECT_EQ(hex(hash), hex(block.bytes("TranscriptHash")));
    return hash;
  }

  // RFC 9588 7: hashes with a counter behind the input, as many as the key needs.
  static Bytes derive(uint32_t group, const Bytes& input, size_t size) {
    Bytes out;
    for (uint8_t counter = 1; out.size() < size; ++counter) {
      Bytes in = input;
      in.push_back(counter);
      append(out, hash_of(group, in));
    }
    out.resize(size);
    return out;
  }

  std::unique_ptr<crypto::Workspace> crypto_ = crypto::Workspace::create().value();

 protected:
  int done_ = 0;
};

TEST_F(SpakeVectors, TheirKeysAreMadeOfOurPseudoRandomFunctionAndCombination) {
  pocketgss::testing::run_vectors("krb5/spake.vec",
                                  {{"SPAKE", [&](VectorBlock& block) { spake(block); }}});
  EXPECT_EQ(done_, known_etype(23) ? 8 : 7);
}

}  // namespace
}  // namespace pocketgss::mechs::krb5
