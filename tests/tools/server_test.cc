// The server's loop and its connections, in one process: what the command line cannot bring about.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/tools/support/raw_client.h"
#include "tests/tools/support/running_server.h"

namespace pocketgss::tools {
namespace {

using testing::RawClient;
using testing::RunningServer;
using ::testing::StartsWith;

void without_login(ServerConfig& config) {
  config.smtp.require_auth = false;
}

void with_tls_without_login(ServerConfig& config) {
  without_login(config);
  config.certificate_file = PGSS_TEST_DATA "/server.pem";
  config.key_file = PGSS_TEST_DATA "/server.key";
}

void starts_tls(RawClient& client) {
  client.reply();
  client.command("EHLO c");
  client.command("STARTTLS");
  ASSERT_TRUE(client.start_tls(TrustStore::from_file(PGSS_TEST_DATA "/ca.pem").value()));
}

// begins_message: all of a message but its end.
void begins_message(RawClient& client) {
  client.command("EHLO c");
  client.command("MAIL FROM:<a@example.test>");
  client.command("RCPT TO:<b@example.test>");
  ASSERT_THAT(client.command("DATA"), StartsWith("354 "));
  client.send("Subject: hello\r\n\r\n");
}

size_t files_in(const RunningServer& server, const char* folder) {
  const std::filesystem::directory_iterator files(server.folder.path() / "mail" / folder);
  return static_cast<size_t>(std::distance(files, {}));
}

// The 250 could not be sent, so the client will send the message once more.
TEST(Server, StoresNothingWhereTlsEndsTogetherWithTheMessage) {
  RunningServer server(with_tls_without_login);
  RawClient client(server.port());
  starts_tls(client);
  begins_message(client);
  static_cast<void>(client.tls()->send(as_bytes(".\r\n")));
  client.tls()->close();
  client.send_raw(client.tls()->take_output());
  EXPECT_EQ(client.reply(), "");
  client.close();
  for (int i = 0; i < 100 && server.connections() > 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(server.connections(), 0u);
  EXPECT_EQ(files_in(server, "new"), 0u);
  EXPECT_EQ(files_in(server, "tmp"), 0u);
}

// --first-start would not count the next time (policy row P17).
TEST(Server, MakesNoMaildirWhereItCannotListen) {
  RunningServer other;
  testing::TempFolder folder;
  ServerConfig config;
  config.listen = {Endpoint{"127.0.0.1", 0}, Endpoint{"127.0.0.1", other.port()}};
  config.users_file = folder.write("users", "");
  config.maildir = folder / "mail";
  const auto refused = Server::open(config);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.failure().exit_code, ExitCode::kUnavailable) << refused.failure().message;
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "mail"));

  config.listen.pop_back();
  ASSERT_TRUE(Server::open(config).has_value());
  EXPECT_TRUE(std::filesystem::exists(folder.path() / "mail" / "new"));
}

// RFC 5321 3.8.
TEST(Server, CutsAMessageOffAtTheEndOfItsTimeWithA421) {
  for (const bool tls : {false, true}) {
    RunningServer server(tls ? with_tls_without_login : without_login);
    RawClient client(server.port());
    tls ? starts_tls(client) : static_cast<void>(client.reply());
    begins_message(client);
    server.stop();
    EXPECT_THAT(client.reply(), StartsWith("421 4.3.2 "));
    EXPECT_TRUE(client.at_end_but_for_an_alert());
    client.close();
    for (int i = 0; i < 100 && server.connections() > 0; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_EQ(server.connections(), 0u);
    EXPECT_EQ(files_in(server, "new"), 0u);
    EXPECT_EQ(files_in(server, "tmp"), 0u);
  }
}

TEST(Server, StoresAMessageBeforeTheQuitThatCameWithItsEnd) {
  RunningServer server(without_login);
  RawClient client(server.port());
  client.reply();
  begins_message(client);
  EXPECT_THAT(client.command(".\r\nQUIT"), StartsWith("250 "));
  EXPECT_THAT(client.reply(), StartsWith("221 "));
  EXPECT_EQ(files_in(server, "new"), 1u);
}

}  // namespace
}  // namespace pocketgss::tools
