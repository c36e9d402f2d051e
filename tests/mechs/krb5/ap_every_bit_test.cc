// Every bit of an AP-REQ and of an AP-REP counts, but for those that nothing protects.
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "tests/mechs/krb5/exchange.h"

namespace pocketgss::mechs::krb5 {
namespace {

using testing::Exchange;

// expect_flips_refused turns every bit; `free` of them are not protected by anything.
void expect_flips_refused(const Bytes& token, const std::function<bool(const Bytes&)>& taken,
                          size_t free) {
  EXPECT_TRUE(taken(token));
  size_t accepted = 0;
  for (size_t i = 0; i < token.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      Bytes flipped = token;
      flipped[i] ^= static_cast<uint8_t>(1 << bit);
      accepted += taken(flipped) ? 1 : 0;
    }
  }
  EXPECT_EQ(accepted, free);
}

TEST(KerberosAcceptor, KRA_3_EveryBitOfAnApReqCounts) {
  Exchange x;
  x.start();
  ASSERT_TRUE(x.make_ap_req().has_value());
  // Not protected: the OID, which differs from Microsoft's by one bit; the AP options, whose
  // MUTUAL-REQUIRED stands in the checksum too, all but USE-SESSION-KEY, and three counts of unused
  // bits; sname's type, which is a hint; the case of the letters of class and host.
  const size_t letters = std::string("smtpmailexampletest").size();
  const size_t free = 1 + 31 + 3 + 8 + letters;
  expect_flips_refused(
      x.ap_req,
      [&](const Bytes& flipped) {
        testing::FakeReplayCache cache;
        AcceptorConfig config = x.acceptor;
        config.replay_cache = &cache;
        return step(*make_acceptor(x.runtime, config).value(), flipped).has_value();
      },
      free);
}

TEST(KerberosInitiator, KRA_3_EveryBitOfAnApRepCounts) {
  Exchange x;
  x.start();
  const testing::CountingRandom random = x.random;
  ASSERT_TRUE(x.make_ap_req().has_value());
  ASSERT_TRUE(x.verdict().has_value());
  expect_flips_refused(
      x.ap_rep,
      [&](const Bytes& flipped) {
        x.start();
        x.random = random;  // the same time, so that the AP-REP would do
        EXPECT_TRUE(x.make_ap_req().has_value());
        return step(*x.client, flipped).has_value();
      },
      1);  // Microsoft's OID
}

}  // namespace
}  // namespace pocketgss::mechs::krb5
