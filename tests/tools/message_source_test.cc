#include "tools/mail/message_source.h"

#include <gtest/gtest.h>

#include <fstream>

namespace pocketgss::tools {
namespace {

class Message : public ::testing::Test {
 protected:
  MessageSource holding(std::string_view content) {
    const std::string path = ::testing::TempDir() + "pocketgss-message";
    std::ofstream(path, std::ios::binary) << content;
    auto source = MessageSource::open(path);
    EXPECT_TRUE(source.has_value());
    return std::move(source).value();
  }
  MessageFacts facts(std::string_view content) {
    auto source = holding(content);
    return *source.facts().value();
  }
};

TEST_F(Message, CountsTheOctetsOfTheWire) {
  EXPECT_EQ(facts("a\r\nb\r\n").size, 6u);
  EXPECT_EQ(facts("a\nb\n").size, 6u);
  EXPECT_EQ(facts("a\rb\r").size, 6u);
  EXPECT_EQ(facts("\n\n").size, 4u);
  EXPECT_EQ(facts("").size, 0u);
}

TEST_F(Message, CountsTheLineEndThatTheLastLineGets) {
  EXPECT_EQ(facts("a\nb").size, 6u);
}

TEST_F(Message, CountsALineEndThatTwoPiecesShareOnce) {
  EXPECT_EQ(facts(std::string(64 * 1024 - 1, 'x') + "\r\n").size, 64u * 1024 + 1);
}

TEST_F(Message, TellsWhetherItHasOctetsAbove127) {
  EXPECT_FALSE(facts("abc\n").eight_bit);
  EXPECT_TRUE(facts("ab\xc3\xa4\n").eight_bit);
}

TEST_F(Message, IsReadFromItsStartAfterTheCount) {
  auto source = holding("From: a\n\nbody\n");
  (void)source.facts().has_value();
  EXPECT_EQ(as_text(source.read().value()), "From: a\n\nbody\n");
  EXPECT_TRUE(source.read().value().empty());
}

TEST_F(Message, ThatIsMissingOrAFolderIsNamed) {
  const auto missing = MessageSource::open("/nonexistent/mail");
  EXPECT_EQ(missing.failure().exit_code, ExitCode::kNoInput);
  EXPECT_NE(missing.failure().message.find("/nonexistent/mail"), std::string::npos);
  EXPECT_EQ(MessageSource::open("/").failure().exit_code, ExitCode::kNoInput);
}

TEST_F(Message, ThatCannotBeReadIsNamed) {
  auto source = MessageSource::open("/proc/self/mem");  // opens, and has nothing at its start
  if (!source.has_value()) GTEST_SKIP() << source.failure().message;
  const auto piece = source.value().read();
  ASSERT_FALSE(piece.has_value());
  EXPECT_EQ(piece.failure().exit_code, ExitCode::kNoInput);
  EXPECT_NE(piece.failure().message.find("/proc/self/mem"), std::string::npos);
}

}  // namespace
}  // namespace pocketgss::tools
