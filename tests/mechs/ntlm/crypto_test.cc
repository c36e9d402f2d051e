// Computations that the worked examples (vectors_test.cc) do not show.
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
};

TEST_F(NtlmCrypto, QuirkD29_ChannelBindingHashMatchesThePublishedOne) {
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
