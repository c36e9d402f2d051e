// The default providers: which channel binding is in force, that of the TLS channel or the
// configured one.
#include <gtest/gtest.h>

#include "tests/sasl/pair.h"

namespace pocketgss {
namespace {

using testing::binding_of;
using testing::Pair;

const Error kDiffers{Errc::kApiMisuse, "InitiatorConfig.channel_binding: not the channel's", 0, 0};

// Login is a client and a server of SASL without a protocol around them. What each is given in the
// call is `client_given` and `server_given`.
struct Login : Pair {
  // run goes on until the server is done or either side refuses.
  void run() {
    InitiatorContexts initiators(runtime, initiator);
    AcceptorContexts acceptors(runtime, acceptor);
    auto gss_client = make_sasl_client(mechanism, initiators, client_given);
    auto gss_server = make_sasl_server(mechanism, acceptors, server_given);
    ASSERT_TRUE(gss_server.has_value());
    if (!gss_client.has_value()) {
      client_error = gss_client.error();
      return;
    }
    Bytes challenge;
    while (!bound && !client_error && !server_error) {
      const auto response = gss_client.value()->step(challenge);
      if (!response.has_value()) {
        client_error = response.error();
        return;
      }
      auto step = gss_server.value()->step(std::get<SaslClient::Response>(response.value()).token);
      if (step.has_value() && std::holds_alternative<NeedAccount>(step.value())) {
        AccountAnswer answer;
        answer.account =
            Account{"alice", nt_hash_of_password(runtime, as_bytes("Password1")).value()};
        step = gss_server.value()->resume(std::move(answer));
      }
      if (!step.has_value()) {
        server_error = step.error();
      } else if (auto* next = std::get_if<SaslServer::Challenge>(&step.value())) {
        challenge = std::move(next->token);
      } else {
        bound = std::get<SaslServer::Success>(step.value()).report.context.channel_bound;
      }
    }
  }

  SaslMechanism mechanism = SaslMechanism::kGssapi;
  std::vector<ChannelBinding> client_given, server_given;
  std::optional<Error> client_error, server_error;
  std::optional<bool> bound;  // the server's word; none: there was no login
};

constexpr SaslMechanism kAll[] = {SaslMechanism::kGssapi, SaslMechanism::kGssSpnego,
                                  SaslMechanism::kNtlm};

TEST(SaslContexts, P5_CHB_2_AConfiguredBindingIsInForceWhereTheCallGivesNone) {
  for (const SaslMechanism mechanism : kAll) {
    for (const auto requirement :
         {BindingRequirement::kWhenSupported, BindingRequirement::kRequire}) {
      Login login;
      login.mechanism = mechanism;
      login.initiator.channel_binding = binding_of("one");
      login.acceptor.channel_bindings = {binding_of("two"), binding_of("one")};
      login.initiator.policy.channel_binding = login.acceptor.policy.channel_binding = requirement;
      ASSERT_NO_FATAL_FAILURE(login.run());
      EXPECT_FALSE(login.client_error.has_value()) << describe(*login.client_error);
      EXPECT_FALSE(login.server_error.has_value()) << describe(*login.server_error);
      EXPECT_EQ(login.bound, true) << sasl_name(mechanism);
    }
  }
}

TEST(SaslContexts, P5_CHB_2_NTL_7_AConfiguredBindingIsComparedWhereTheCallGivesNone) {
  for (const SaslMechanism mechanism : kAll) {
    Login login;
    login.mechanism = mechanism;
    login.initiator.channel_binding = binding_of("one");
    login.acceptor.channel_bindings = {binding_of("two")};
    ASSERT_NO_FATAL_FAILURE(login.run());
    EXPECT_EQ(login.bound, std::nullopt) << sasl_name(mechanism);
    EXPECT_TRUE(login.server_error.has_value());
  }
}

TEST(SaslContexts, P5_TheSameBindingMayBeGivenTwice) {
  Login login;
  login.initiator.channel_binding = binding_of("one");
  login.client_given = {binding_of("one")};
  login.acceptor.channel_bindings = {binding_of("one"), binding_of("two")};
  login.server_given = {binding_of("two"), binding_of("one")};
  ASSERT_NO_FATAL_FAILURE(login.run());
  EXPECT_EQ(login.bound, true);
}

TEST(SaslContexts, P5_CHB_2_AClientRefusesTwoBindingsThatDiffer) {
  Login login;
  login.initiator.channel_binding = binding_of("one");
  login.client_given = {binding_of("two")};
  ASSERT_NO_FATAL_FAILURE(login.run());
  ASSERT_TRUE(login.client_error.has_value());
  EXPECT_EQ(*login.client_error, kDiffers);
}

TEST(SaslContexts, P5_CHB_2_AServerRefusesBindingsThatDiffer) {
  for (const auto& given :
       {std::vector{binding_of("two")}, std::vector{binding_of("one"), binding_of("two")}}) {
    Login login;
    login.acceptor.channel_bindings = {binding_of("one")};
    login.server_given = given;
    login.client_given = {binding_of("one")};
    ASSERT_NO_FATAL_FAILURE(login.run());
    ASSERT_TRUE(login.server_error.has_value());
    EXPECT_EQ(login.server_error->code, Errc::kApiMisuse);
    EXPECT_STREQ(login.server_error->where, "AcceptorConfig.channel_bindings: not the channel's");
  }
}

// A server whose TLS is another program's configures the bindings, and offers AUTH because of them.
TEST(SaslContexts, P5_AnSmtpServerOffersAuthWithTheConfiguredBindings) {
  Login login;
  login.acceptor.policy.channel_binding = BindingRequirement::kRequire;
  login.server_config.auth_in_clear = true;
  for (const bool configured : {false, true}) {
    if (configured) login.acceptor.channel_bindings = {binding_of("one")};
    AcceptorContexts contexts(login.runtime, login.acceptor);
    SmtpServer smtp(contexts, login.server_config);
    smtp.receive(as_bytes("EHLO client.example.test\r\n"));
    while (smtp.next_event()) {
    }
    const Bytes output = smtp.take_output();
    EXPECT_EQ(as_text(output).find("AUTH") != std::string_view::npos, configured);
  }
}

}  // namespace
}  // namespace pocketgss
