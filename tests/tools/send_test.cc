// The verb `send`, as a process against `serve` on loopback.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/tools/support/serve_process.h"

namespace pocketgss::tools {
namespace {

using testing::Arguments;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Outcome;
using testing::ServeProcess;

constexpr const char* kMail = "Subject: hello\n\ntext\n";

Arguments joined(Arguments first, const Arguments& rest) {
  first.insert(first.end(), rest.begin(), rest.end());
  return first;
}

Outcome send(const std::string& server, const Arguments& more) {
  return testing::run(
      joined({"send", "--server", server, "--from", "a@example.test", "--to", "b@example.test"},
             more),
      kMail);
}

// Send has what every login needs: the account bob, and his password in a file.
struct Send : ::testing::Test {
  Arguments bob(const Arguments& more) {
    return joined({"--user", "bob", "--password-file", folder.write("password", "password\n")},
                  more);
  }
  testing::TempFolder folder;
};

std::string on_loopback(const ServeProcess& serve) {
  return "127.0.0.1:" + std::to_string(serve.port());
}

// A server whose certificate has no tls-server-end-point (RFC 5929 4.1), though its channel has
// bindings of other types, which it takes.
struct SendWithoutEndPoint : Send {
  bool start() {
    return serve.start({"--tls-cert", PGSS_TEST_DATA "/signed-by-ed25519.pem", "--tls-key",
                        PGSS_TEST_DATA "/signed-by-ed25519.key"});
  }
  Outcome send_bound(const std::string& requirement) {
    return send(on_loopback(serve), bob({"--ca", PGSS_TEST_DATA "/ed25519-ca.pem", "--mech", "NTLM",
                                         "--channel-binding", requirement, "-v"}));
  }
  ServeProcess serve;
};

TEST_F(SendWithoutEndPoint, P5_CHB_1_SendsNoAuthWhereABindingIsRequired) {
  ASSERT_TRUE(start()) << serve.log();
  const auto refused = send_bound("require");
  EXPECT_EQ(refused.exit_code, 78);
  EXPECT_THAT(refused.error, HasSubstr("P5: channel binding required"));
  EXPECT_THAT(refused.error, HasSubstr("certificate of 127.0.0.1 checked"));
  EXPECT_THAT(refused.error, Not(HasSubstr("C: AUTH")));
  EXPECT_TRUE(serve.messages().empty());
}

TEST_F(SendWithoutEndPoint, P5_CHB_1_LogsInWithoutABindingWhereItIsNotRequired) {
  ASSERT_TRUE(start()) << serve.log();
  const auto sent = send_bound("when-supported");
  EXPECT_EQ(sent.exit_code, 0) << sent.error;
  EXPECT_TRUE(serve.logged("channel-bound=no")) << serve.log();
  EXPECT_THAT(sent.error, HasSubstr("C: AUTH"));
  EXPECT_THAT(sent.error, Not(HasSubstr("bound to the TLS channel")));
  EXPECT_EQ(serve.messages().size(), 1u);
}

}  // namespace
}  // namespace pocketgss::tools
