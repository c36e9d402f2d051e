// The authenticator's GSS checksum, the channel bindings in it, and what goes without one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/mechs/krb5/exchange.h"
#include "tests/mechs/krb5/expect_error.h"

namespace pocketgss::mechs::krb5 {
namespace {

using testing::Exchange;
using testing::expect_error;

constexpr char kBinding[] = "tls-server-end-point:0123456789abcdef0123456789abcdef";
constexpr char kOtherBinding[] = "tls-server-end-point:fedcba9876543210fedcba9876543210";

TEST(KerberosExchangeBinding, KRA_14_IsProvenWhereBothSidesHaveIt) {
  Exchange x;
  x.initiator.channel_binding = as_bytes(kBinding);
  x.acceptor.channel_bindings = {as_bytes(kOtherBinding), as_bytes(kBinding)};
  ASSERT_TRUE(x.run().has_value());
  EXPECT_TRUE(x.server_done.protection->info.channel_bound);
}

TEST(KerberosExchangeBinding, KRA_14_OfAnotherChannelIsRefused) {
  Exchange x;
  x.initiator.channel_binding = as_bytes(kBinding);
  x.acceptor.channel_bindings = {as_bytes(kOtherBinding)};
  expect_error(x.run(), Errc::kAuthFailed, "channel binding");
}

TEST(KerberosExchangeBinding, P5_IsRefusedWhereTheAcceptorHasNoChannel) {
  Exchange x;
  x.initiator.channel_binding = as_bytes(kBinding);
  expect_error(x.run(), Errc::kAuthFailed, "channel binding");
}

TEST(KerberosExchangeBinding, P5_IsNotLookedAtWhereThePolicySaysSo) {
  Exchange x;
  x.initiator.channel_binding = as_bytes(kBinding);
  x.acceptor.channel_bindings = {as_bytes(kOtherBinding)};
  x.acceptor.binding_requirement = BindingRequirement::kOff;
  ASSERT_TRUE(x.run().has_value());
  EXPECT_FALSE(x.server_done.protection->info.channel_bound);
}

TEST(KerberosExchangeBinding, KRA_14_ThatIsMissingIsRefusedWhereItIsRequired) {
  Exchange x;
  x.acceptor.channel_bindings = {as_bytes(kBinding)};
  EXPECT_TRUE(x.run().has_value());
  Exchange y;
  y.acceptor.channel_bindings = {as_bytes(kBinding)};
  y.acceptor.binding_requirement = BindingRequirement::kRequire;
  expect_error(y.run(), Errc::kPolicy, "P5");
  Exchange z;
  z.initiator.require_channel_binding = true;
  expect_error(z.run(), Errc::kPolicy, "P5");
}

TEST(KerberosExchangeBinding, QuirkD14_CbtOptionGoesOnlyWithABinding) {
  Exchange x;
  x.initiator.channel_binding = as_bytes(kBinding);
  x.start();
  ASSERT_TRUE(x.make_ap_req().has_value());
  EXPECT_EQ(kerb_ap_options(*x.authenticator().authorization_data), kKerbApOptionsCbt);
  // In the first AD-IF-RELEVANT, beside the etypes.
  const auto first = x.authenticator().authorization_data->front();
  EXPECT_EQ(first.ad_type, ad_type::kIfRelevant);
  EXPECT_EQ(parse_authorization_data(first.ad_data).value().size(), 2U);
  Exchange y;
  y.start();
  ASSERT_TRUE(y.make_ap_req().has_value());
  EXPECT_EQ(kerb_ap_options(*y.authenticator().authorization_data), std::nullopt);
}

TEST(KerberosExchangeBinding, QuirkD14_ZerosBesideTheCbtOptionAreRefused) {
  Exchange x;
  x.initiator.channel_binding = as_bytes(kBinding);
  x.acceptor.channel_bindings = {as_bytes(kBinding)};
  x.start();
  ASSERT_TRUE(x.make_ap_req().has_value());
  Authenticator authenticator = x.authenticator();
  GssChecksum none = parse_gss_checksum(authenticator.cksum->checksum).value();
  none.bindings = {};
  const auto octets = encode(none);
  authenticator.cksum->checksum = octets;
  x.send_authenticator(authenticator);
  expect_error(x.verdict(), Errc::kAuthFailed, "channel binding");
}

TEST(KerberosAcceptor, KRA_9_QuirkD13_WithoutAChecksumTheFlagsAreTheApOptions) {
  Exchange x;
  x.start();
  ASSERT_TRUE(x.make_ap_req().has_value());
  Authenticator authenticator = x.authenticator();
  authenticator.cksum.reset();
  x.send_authenticator(authenticator);
  ASSERT_TRUE(x.verdict().has_value());
  EXPECT_EQ(x.server_done.protection->info.flags, kMutualFlag);
  EXPECT_FALSE(x.ap_rep.empty());
}

TEST(KerberosAcceptor, KRA_9_QuirkD13_WithoutAChecksumThereIsNoBinding) {
  Exchange x;
  x.acceptor.channel_bindings = {as_bytes(kBinding)};
  x.acceptor.binding_requirement = BindingRequirement::kRequire;
  x.start();
  ASSERT_TRUE(x.make_ap_req().has_value());
  Authenticator authenticator = x.authenticator();
  authenticator.cksum.reset();
  x.send_authenticator(authenticator);
  expect_error(x.verdict(), Errc::kPolicy, "P5");
}

TEST(KerberosAcceptor, QuirkD13_TakesARealChecksumOverNothing) {
  for (const bool right : {true, false}) {
    Exchange x;
    x.start();
    ASSERT_TRUE(x.make_ap_req().has_value());
    Authenticator authenticator = x.authenticator();
    FixedBytes<kMaxChecksumSize> sum{};
    const size_t size =
        checksum(x.runtime.crypto(), x.session_key, KeyUsage::kApReqAuthenticatorChecksum, {}, sum)
            .value();
    if (!right) sum[0] ^= 1;
    authenticator.cksum = Checksum{static_cast<int32_t>(checksum_type(x.session_key.etype())),
                                   ByteView(sum).prefix(size)};
    x.send_authenticator(authenticator, 0);
    const auto verdict = x.verdict();
    EXPECT_EQ(verdict.has_value(), right);
    if (right) {
      EXPECT_EQ(x.server_done.protection->info.flags, kNoContextFlags);
    }
  }
}

TEST(KerberosAcceptor, KRA_9_RefusesAChecksumThatIsShort) {
  Exchange x;
  x.start();
  ASSERT_TRUE(x.make_ap_req().has_value());
  const Authenticator sent = x.authenticator();
  const Bytes whole = sent.cksum->checksum.to_bytes();
  for (size_t size = 0; size < kGssChecksumSize; ++size) {
    Authenticator authenticator = sent;
    authenticator.cksum->checksum = ByteView(whole).prefix(size);
    x.send_authenticator(authenticator);
    const auto verdict = x.answer_to(x.ap_req);
    ASSERT_FALSE(verdict.has_value()) << size;
    EXPECT_EQ(verdict.error().code, Errc::kMalformed);
  }
}

TEST(GssChecksum, KRA_9_RefusesLengthsThatAreWrong) {
  const auto parse = [](Bytes octets) { return parse_gss_checksum(octets); };
  Bytes octets(kGssChecksumSize);
  EXPECT_FALSE(parse(octets).has_value());  // Lgth 0
  octets[0] = 16;
  EXPECT_TRUE(parse(octets).has_value());
  octets[0] = 17;
  EXPECT_FALSE(parse(octets).has_value());
  octets[0] = 16;
  octets[20] = 1;  // GSS_C_DELEG_FLAG, and nothing there
  EXPECT_FALSE(parse(octets).has_value());
  Bytes delegated = octets;
  append(delegated, Bytes{1, 0, 3, 0, 'a', 'b'});  // Dlgth past the end
  EXPECT_FALSE(parse(delegated).has_value());
}

TEST(GssChecksum, KRA_10_P12_DropsForwardedCredentialsUnparsed) {
  Bytes octets(kGssChecksumSize);
  octets[0] = 16;
  octets[20] = 3;
  append(octets, Bytes{1, 0, 3, 0, 'n', 'o', '!'});
  append(octets, Bytes{9, 9});  // extensions
  const auto checksum = parse_gss_checksum(octets);
  ASSERT_TRUE(checksum.has_value());
  EXPECT_EQ(checksum.value().flags, 3U);
}

}  // namespace
}  // namespace pocketgss::mechs::krb5
