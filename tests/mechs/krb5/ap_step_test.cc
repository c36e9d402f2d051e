// What the two sides of an AP exchange say in a Step, and when they give their protection away.
#include <gtest/gtest.h>

#include "tests/mechs/krb5/exchange.h"

namespace pocketgss::mechs::krb5 {
namespace {

using testing::Exchange;
using Kind = Step::Kind;

TEST(KerberosStep, TheAcceptorHasTheLastTokenWithMutualAuthentication) {
  Exchange x;
  x.initiator.flags = kMutualFlag | kIntegFlag;
  x.start();
  Step ap_req, ap_rep, last;
  ASSERT_TRUE(x.client->step({}, ap_req).has_value());
  EXPECT_EQ(ap_req.kind, Kind::kContinue);
  EXPECT_FALSE(ap_req.token.empty());
  EXPECT_EQ(x.client->take_protection(), nullptr);
  EXPECT_EQ(x.server->take_protection(), nullptr);

  ASSERT_TRUE(x.server->step(ap_req.token, ap_rep).has_value());
  EXPECT_EQ(ap_rep.kind, Kind::kEstablished);
  EXPECT_TRUE(ap_rep.has_token);
  EXPECT_FALSE(ap_rep.token_replaceable);
  ASSERT_TRUE(x.client->step(ap_rep.token, last).has_value());
  EXPECT_EQ(last.kind, Kind::kEstablished);
  EXPECT_FALSE(last.has_token);
  EXPECT_TRUE(last.token.empty());

  for (Mechanism* const side : {x.client.get(), x.server.get()}) {
    EXPECT_NE(side->take_protection(), nullptr);
    EXPECT_EQ(side->take_protection(), nullptr);
  }
}

TEST(KerberosStep, TheInitiatorHasItWithout) {
  Exchange x;
  x.initiator.flags = kIntegFlag;
  x.start();
  Step ap_req, last;
  ASSERT_TRUE(x.client->step({}, ap_req).has_value());
  EXPECT_EQ(ap_req.kind, Kind::kEstablished);
  EXPECT_TRUE(ap_req.has_token);
  ASSERT_TRUE(x.server->step(ap_req.token, last).has_value());
  EXPECT_EQ(last.kind, Kind::kEstablished);
  EXPECT_FALSE(last.has_token);
  EXPECT_TRUE(last.token.empty());

  // Quirk D22: who lets the initiator go keeps the way to read its acceptor's KRB-ERROR.
  EXPECT_NE(x.client->take_protection()->peer_error, nullptr);
  EXPECT_EQ(x.client->take_protection(), nullptr);
  EXPECT_EQ(x.server->take_protection()->peer_error, nullptr);
  EXPECT_EQ(x.server->take_protection(), nullptr);
}

TEST(KerberosStep, AKrbErrorThatAsksForAnotherTryIsNoLastToken) {
  Exchange x;
  x.start();
  ASSERT_TRUE(x.make_ap_req().has_value());
  x.clock.advance(3600 * testing::kSecond);
  Step krb_error;
  ASSERT_TRUE(x.server->step(x.ap_req, krb_error).has_value());
  EXPECT_EQ(krb_error.kind, Kind::kContinue);
  EXPECT_FALSE(krb_error.token.empty());
  EXPECT_EQ(x.server->take_protection(), nullptr);
}

}  // namespace
}  // namespace pocketgss::mechs::krb5
