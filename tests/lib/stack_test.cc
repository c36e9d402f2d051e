// How much stack a login takes, which on a device is what a thread must be given. docs/embedding.md
// has the figures.
#include <gtest/gtest.h>

#include "mechs/krb5/kdc_client.h"
#include "tests/fakes/fake_kdc.h"
#include "tests/fakes/kerberos_login.h"
#include "tests/lib/support/pair.h"
#include "tests/support/painted_stack.h"
#include "tests/support/sanitized.h"

namespace pocketgss {
namespace {

using testing::KerberosLogin;
using testing::PaintedStack;
namespace krb5 = mechs::krb5;

constexpr size_t kBound = 16 * 1024;

void expect_bounded(const char* what, const PaintedStack& stack) {
  std::printf("[ FIGURES  ] %s: %zu octets of stack\n", what, stack.used());
  EXPECT_GT(stack.used(), 500U);  // it did run there
  if (pocketgss::testing::kSanitized) return;
  EXPECT_LE(stack.used(), kBound);
}

void expect_handshake_bounded(const char* what, const InitiatorConfig& client,
                              const AcceptorConfig& server) {
  PaintedStack ours, theirs;
  std::unique_ptr<Context> initiator, acceptor;
  ours.run([&] {
    initiator = make_initiator(testing::runtime(), MechanismKind::kSpnego, client).value();
  });
  theirs.run([&] {
    acceptor = make_acceptor(testing::runtime(), MechanismKind::kSpnego, server).value();
  });
  Bytes token;
  const auto step = [&](PaintedStack& stack, Context& context) {
    stack.run([&] {
      auto result = context.step(token);
      token.clear();
      if (!result.has_value()) return;
      if (auto* account = std::get_if<NeedAccount>(&result.value())) {
        result = context.resume(testing::known_users(*account));
      }
      if (auto* more = std::get_if<Continue>(&result.value())) token = more->token;
      if (auto* done = std::get_if<Established>(&result.value())) {
        token = done->token.value_or(Bytes());
      }
    });
  };
  for (int i = 0; i < 4 && !(initiator->established() && acceptor->established()); ++i) {
    step(ours, *initiator);
    step(theirs, *acceptor);
  }
  ASSERT_TRUE(initiator->established() && acceptor->established());
  expect_bounded((std::string(what) + ", initiator").c_str(), ours);
  expect_bounded((std::string(what) + ", acceptor").c_str(), theirs);
}

TEST(Stack, AHandshakeTakesSixteenKibAtMost) {
  KerberosLogin login;
  expect_handshake_bounded("Kerberos", login.initiator(), login.acceptor());
  expect_handshake_bounded("NTLM", testing::initiator_config(), testing::acceptor_config());
}

TEST(Stack, GettingTicketsByPasswordTakesSixteenKibAtMost) {
  testing::FakeClock clock{krb5::KdcPolicy{}.clock_floor + UnixMicros{86'400'000'000}};
  testing::CountingRandom random;
  Runtime runtime = Runtime::create(clock, random).value();
  testing::FakeKdc kdc{runtime, "EXAMPLE.TEST"};
  kdc.add_user("alice", "Password1");
  kdc.add_service("smtp/mail.example.test");
  krb5::ClientSecret secret;
  secret.password = SecretBytes(std::string_view("Password1"));
  krb5::KdcClientConfig config;
  config.clients = krb5::client_names("alice", "EXAMPLE.TEST").value();
  config.services = krb5::service_names("smtp", "mail.example.test", "").value();
  config.secret = &secret;
  PaintedStack stack;
  auto source = krb5::make_kdc_client(runtime, config).value();
  std::optional<Result<krb5::CredentialSource::Answer>> answer;
  stack.run([&] { answer.emplace(source->start()); });
  int requests = 0;
  while (answer->has_value() && std::holds_alternative<NeedExchange>(answer->value())) {
    const Bytes reply = kdc.handle(std::get<NeedExchange>(answer->value()).request);
    ++requests;
    stack.run([&] { answer.emplace(source->resume({reply})); });
  }
  ASSERT_TRUE(answer->has_value());
  EXPECT_EQ(requests, 3);
  expect_bounded("tickets by password", stack);
}

}  // namespace
}  // namespace pocketgss
