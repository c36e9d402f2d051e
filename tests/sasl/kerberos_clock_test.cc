// A client whose clock is wrong learns the time in a challenge, and logs in with a second AP-REQ in
// the same exchange (quirk D5).
#include <gtest/gtest.h>

#include "mechs/krb5/gss_token.h"
#include "mechs/krb5/messages.h"
#include "mechs/oids.h"
#include "mechs/spnego/token.h"
#include "tests/fakes/kerberos_login.h"
#include "tests/sasl/pair.h"
#include "tests/support/fake_clock.h"

namespace pocketgss {
namespace {

namespace krb5 = mechs::krb5;
namespace spnego = mechs::spnego;
using testing::KerberosLogin;

constexpr UnixMicros kHour = 3'600'000'000;

// Exchange is a server whose clock is right, and clients of two clocks.
struct Exchange {
  Exchange() : acceptors(runtime, login.acceptor()) {
    config = login.initiator();
    server = make_sasl_server(SaslMechanism::kGssapi, acceptors, {}, {}).value();
    wrong_clock.set(system_clock().now() + kHour);
  }
  std::unique_ptr<Context> client(Runtime& of, MechanismKind kind) {
    return make_initiator(of, kind, config).value();
  }
  static Bytes first_token(Context& context) {
    return std::get<Continue>(context.step({}).value()).token;
  }
  // challenge is what the server says to `response`; nothing where that ends the exchange.
  std::optional<Bytes> challenge(ByteView response) {
    auto result = server->step(response);
    if (!result.has_value()) {
      error = result.error();
      return std::nullopt;
    }
    if (auto* success = std::get_if<SaslServer::Success>(&result.value())) {
      report = success->report;
      return std::nullopt;
    }
    return std::get<SaslServer::Challenge>(result.value()).token;
  }
  static void expect_time(ByteView token) {
    const auto parsed = krb5::parse_context_token(token);
    ASSERT_TRUE(parsed.has_value());
    ASSERT_EQ(parsed.value().id, krb5::TokenId::kKrbError);
    const auto told = krb5::parse_krb_error(parsed.value().message);
    ASSERT_TRUE(told.has_value());
    EXPECT_EQ(told.value().error_code, krb5::error_code::kSkew);
    EXPECT_LT(std::abs(told.value().stime.seconds - system_clock().now() / 1'000'000), 60);
  }

  KerberosLogin login;
  testing::FakeClock wrong_clock;
  Runtime runtime = Runtime::create().value();
  Runtime wrong = Runtime::create(wrong_clock, system_random()).value();
  InitiatorConfig config;
  AcceptorContexts acceptors;
  std::unique_ptr<SaslServer> server;
  std::optional<SaslReport> report;
  Error error;
};

TEST(SaslKerberosClock, QuirkD5_ABareClientLogsInWithASecondApReq) {
  Exchange x;
  const auto told =
      x.challenge(Exchange::first_token(*x.client(x.wrong, MechanismKind::kKerberos)));
  ASSERT_TRUE(told.has_value()) << x.error.where;
  Exchange::expect_time(*told);

  const auto right = x.client(x.runtime, MechanismKind::kKerberos);
  const auto ap_rep = x.challenge(Exchange::first_token(*right));
  ASSERT_TRUE(ap_rep.has_value()) << x.error.where;
  ASSERT_TRUE(std::holds_alternative<Established>(right->step(*ap_rep).value()));
  const auto offer = x.challenge({});
  ASSERT_TRUE(offer.has_value()) << x.error.where;
  Bytes message(offer->size());
  const size_t size = right->unwrap(*offer, message).value().size;
  Bytes choice(right->wrap_size(size));
  choice.resize(right->wrap(ByteView(message).prefix(size), false, choice).value());
  EXPECT_FALSE(x.challenge(choice).has_value());
  ASSERT_TRUE(x.report.has_value()) << x.error.where;
  EXPECT_EQ(x.report->context.account_name, "alice@EXAMPLE.TEST");
}

TEST(SaslKerberosClock, QuirkD5_InsideSpnegoTheExchangeGoesOnToo) {
  Exchange x;
  const auto told = x.challenge(Exchange::first_token(*x.client(x.wrong, MechanismKind::kSpnego)));
  ASSERT_TRUE(told.has_value()) << x.error.where;
  const auto resp = spnego::parse_neg_token_resp(*told);
  ASSERT_TRUE(resp.has_value());
  EXPECT_EQ(resp.value().neg_state, spnego::NegState::kAcceptIncomplete);
  ASSERT_TRUE(resp.value().response_token.has_value());
  Exchange::expect_time(*resp.value().response_token);

  const auto right = x.client(x.runtime, MechanismKind::kKerberos);
  const Bytes ap_req = Exchange::first_token(*right);
  spnego::NegTokenResp again;
  again.response_token = ap_req;
  const auto last = x.challenge(spnego::encode(again).value());
  // The AP-REP comes in a last challenge, which an empty response answers.
  ASSERT_TRUE(last.has_value()) << x.error.where;
  const auto done = spnego::parse_neg_token_resp(*last);
  ASSERT_TRUE(done.has_value());
  EXPECT_EQ(done.value().neg_state, spnego::NegState::kAcceptCompleted);
  ASSERT_TRUE(done.value().response_token.has_value());
  EXPECT_TRUE(right->step(*done.value().response_token).has_value());
  EXPECT_FALSE(x.challenge({}).has_value());
  ASSERT_TRUE(x.report.has_value()) << x.error.where;
  EXPECT_EQ(x.report->context.account_name, "alice@EXAMPLE.TEST");
}

TEST(SaslKerberosClock, QuirkD5_ASecondAuthenticatorOfTheWrongTimeEndsTheExchange) {
  for (const MechanismKind kind : {MechanismKind::kKerberos, MechanismKind::kSpnego}) {
    Exchange x;
    ASSERT_TRUE(x.challenge(Exchange::first_token(*x.client(x.wrong, kind))).has_value());
    const Bytes ap_req = Exchange::first_token(*x.client(x.wrong, MechanismKind::kKerberos));
    spnego::NegTokenResp again;
    again.response_token = ap_req;
    const Bytes token = kind == MechanismKind::kSpnego ? spnego::encode(again).value() : ap_req;
    EXPECT_FALSE(x.challenge(token).has_value());
    EXPECT_FALSE(x.report.has_value());
    EXPECT_EQ(x.error.code, Errc::kExpired);
  }
}

}  // namespace
}  // namespace pocketgss
