// The bounds of `serve` (docs/policy.md), with small values, in one process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <thread>

#include "tests/tools/support/mail_session.h"
#include "tests/tools/support/raw_client.h"
#include "tests/tools/support/running_server.h"

namespace pocketgss::tools {
namespace {

using testing::RawClient;
using testing::RunningServer;
using ::testing::StartsWith;

TEST(ServeLimits, SMT_14_RefusesOneConnectionTooMany) {
  const RunningServer server([](ServerConfig& config) { config.max_connections = 2; });
  RawClient first(server.port());
  EXPECT_THAT(first.reply(), StartsWith("220 "));
  {
    RawClient second(server.port());
    EXPECT_THAT(second.reply(), StartsWith("220 "));
    RawClient third(server.port());
    EXPECT_THAT(third.reply(), StartsWith("421 4.3.2 "));
    EXPECT_TRUE(third.at_end());
  }
  for (int i = 0; i < 100 && server.connections() > 1; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  RawClient fourth(server.port());
  EXPECT_THAT(fourth.reply(), StartsWith("220 "));
}

TEST(ServeLimits, SMT_14_EndsASessionThatDribblesBeforeItsLogin) {
  const RunningServer server([](ServerConfig& config) { config.smtp.handshake_time = 1'000'000; });
  RawClient client(server.port());
  EXPECT_THAT(client.reply(), StartsWith("220 "));
  const auto start = std::chrono::steady_clock::now();
  std::thread dribble([&] {
    for (int i = 0; i < 30; ++i) {
      client.send("E");
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  });
  EXPECT_THAT(client.reply(), StartsWith("421 4.4.2 "));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(3));
  dribble.join();
}

TEST(ServeLimits, EndsASessionThatIsIdle) {
  const RunningServer server([](ServerConfig& config) { config.smtp.idle_time = 500'000; });
  RawClient client(server.port());
  EXPECT_THAT(client.reply(), StartsWith("220 "));
  EXPECT_THAT(client.reply(), StartsWith("421 4.4.2 "));
  EXPECT_TRUE(client.at_end());
}

TEST(ServeLimits, SMT_14_RefusesALineOfAMegabyte) {
  const RunningServer server;
  RawClient client(server.port());
  client.reply();
  std::thread flood([&] { client.send(std::string(1024 * 1024, 'x') + "\r\n"); });
  const std::string reply = client.reply();
  EXPECT_TRUE(reply.starts_with("421 ") || reply.starts_with("500 ")) << reply;
  flood.join();
}

TEST(ServeLimits, EndsAnIdleTlsHandshake) {
  const RunningServer server([](ServerConfig& config) {
    config.smtp.handshake_time = 500'000;
    config.smtp.implicit_tls = true;
    config.certificate_file = PGSS_TEST_DATA "/server.pem";
    config.key_file = PGSS_TEST_DATA "/server.key";
  });
  RawClient client(server.port());
  EXPECT_TRUE(client.at_end_but_for_an_alert());
}

}  // namespace
}  // namespace pocketgss::tools
