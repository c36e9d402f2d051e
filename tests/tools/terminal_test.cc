// Passwords that are typed: the prompt on the terminal, without echo, and what is left after it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "tests/tools/support/serve_process.h"
#include "tests/tools/support/terminal.h"

namespace pocketgss::tools {
namespace {

using testing::content_of;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::ServeProcess;
using testing::TempFolder;
using testing::Terminal;

constexpr const char* kPasswordHash = "8846f7eaee8fb117ad06bdd830b7586c";  // of "password"
constexpr const char* kPrompt = "New password for 'bob': ";
constexpr const char* kAgain = "The same once more: ";
constexpr const char* kControlC = "\x03";
constexpr const char* kControlZ = "\x1a";

struct PasswordPrompt : ::testing::Test {
  testing::Arguments passwd() { return {"passwd", "--users", folder / "users", "--user", "bob"}; }
  TempFolder folder;
};

// answer types a password once the prompt is there; nothing of it may be shown.
void answer(Terminal& terminal, const char* prompt, const std::string& password) {
  ASSERT_TRUE(terminal.shows(prompt)) << terminal.screen();
  EXPECT_FALSE(terminal.echoes()) << "after: " << prompt;
  terminal.type(password + "\n");
}

TEST_F(PasswordPrompt, P22_AsksTwiceWithoutEcho) {
  Terminal terminal(passwd());
  answer(terminal, kPrompt, "password");
  answer(terminal, kAgain, "password");
  EXPECT_EQ(terminal.wait(), 0) << terminal.screen();
  EXPECT_TRUE(terminal.echoes());
  EXPECT_EQ(terminal.screen(), std::string(kPrompt) + "\r\n" + kAgain + "\r\n");
  EXPECT_EQ(content_of(folder / "users"), "bob:" + std::string(kPasswordHash) + "\n");
}

TEST_F(PasswordPrompt, ChangesNothingWhereTheTwoDiffer) {
  Terminal terminal(passwd());
  answer(terminal, kPrompt, "password");
  answer(terminal, kAgain, "passwort");
  EXPECT_EQ(terminal.wait(), 65);
  EXPECT_THAT(terminal.screen(), HasSubstr("the two passwords differ; nothing was changed"));
  EXPECT_FALSE(std::filesystem::exists(folder / "users"));
}

TEST_F(PasswordPrompt, P20_RefusesAnEmptyLine) {
  Terminal terminal(passwd());
  answer(terminal, kPrompt, "");
  EXPECT_EQ(terminal.wait(), 65);
  EXPECT_THAT(terminal.screen(), HasSubstr("the password from the terminal is empty"));
}

TEST_F(PasswordPrompt, TurnsTheEchoOnAgainWhereASignalEndsIt) {
  Terminal terminal(passwd());
  ASSERT_TRUE(terminal.shows(kPrompt));
  EXPECT_FALSE(terminal.echoes());
  terminal.type(kControlC);
  EXPECT_EQ(terminal.wait(), 128 + SIGINT);
  EXPECT_TRUE(terminal.echoes());
  EXPECT_FALSE(std::filesystem::exists(folder / "users"));
}

// A shell turns the echo on while the program is stopped.
TEST_F(PasswordPrompt, P22_IsQuietAgainAfterAStop) {
  Terminal terminal(passwd());
  ASSERT_TRUE(terminal.shows(kPrompt));
  terminal.signal(SIGSTOP);
  terminal.turn_echo_on();
  terminal.signal(SIGCONT);
  for (int i = 0; i < 500 && terminal.echoes(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  answer(terminal, kPrompt, "password");
  answer(terminal, kAgain, "password");
  EXPECT_EQ(terminal.wait(), 0) << terminal.screen();
  EXPECT_THAT(terminal.screen(), Not(HasSubstr("password\r\n")));
  EXPECT_TRUE(terminal.echoes());
}

// Nobody could continue the program here, so the system does not stop it.
TEST_F(PasswordPrompt, P22_AsksAgainAfterControlZ) {
  Terminal terminal(passwd());
  ASSERT_TRUE(terminal.shows(kPrompt));
  terminal.type(kControlZ);
  ASSERT_TRUE(terminal.shows(std::string(kPrompt) + kPrompt)) << terminal.screen();
  answer(terminal, kPrompt, "password");
  answer(terminal, kAgain, "password");
  EXPECT_EQ(terminal.wait(), 0) << terminal.screen();
  EXPECT_THAT(terminal.screen(), Not(HasSubstr("password\r\n")));
}

TEST_F(PasswordPrompt, OfSendLeavesStandardInputToTheMessage) {
  ServeProcess serve;
  ASSERT_TRUE(serve.start()) << serve.log();
  const std::string message = folder.write("message", "Subject: typed\n\ntext\n");
  Terminal terminal({"send", "--server", "127.0.0.1:" + std::to_string(serve.port()), "--tls",
                     "none", "--mech", "NTLM", "--user", "bob", "--from", "a@example.test", "--to",
                     "b@example.test", "-v", message});
  answer(terminal, "Password for bob: ", "password");
  EXPECT_EQ(terminal.wait(), 0) << terminal.screen();
  EXPECT_THAT(terminal.screen(), Not(HasSubstr("password\r\n")));
  EXPECT_EQ(serve.messages().size(), 1u);
}

}  // namespace
}  // namespace pocketgss::tools
