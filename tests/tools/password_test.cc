#include "tools/pocketgss/password.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

namespace pocketgss::tools {
namespace {

class PasswordFile : public ::testing::Test {
 protected:
  std::string holding(std::string_view content) {
    const std::string path = ::testing::TempDir() + "pocketgss-password";
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }
  std::string read(std::string_view content) {
    const auto password = read_password(holding(content), "");
    return password.has_value() ? std::string(as_text(password.value().view()))
                                : password.failure().message;
  }
  ExitCode refusal(std::string_view content) {
    return read_password(holding(content), "").failure().exit_code;
  }
};

TEST_F(PasswordFile, LosesOneLineEnd) {
  EXPECT_EQ(read("secret\n"), "secret");
  EXPECT_EQ(read("secret\r\n"), "secret");
  EXPECT_EQ(read("secret\n\n"), "secret\n");
  EXPECT_EQ(read("secret"), "secret");
}

TEST_F(PasswordFile, KeepsWhiteSpace) {
  EXPECT_EQ(read(" a b \n"), " a b ");
}

TEST_F(PasswordFile, HoldsAtMost1024Octets) {
  EXPECT_EQ(read(std::string(1024, 'x') + "\r\n").size(), 1024u);
  EXPECT_EQ(refusal(std::string(1025, 'x')), ExitCode::kDataError);
  EXPECT_EQ(refusal(std::string(1 << 20, 'x')), ExitCode::kDataError);
}

TEST_F(PasswordFile, MayNotBeEmpty) {
  EXPECT_EQ(refusal(""), ExitCode::kDataError);
  EXPECT_EQ(refusal("\n"), ExitCode::kDataError);
}

TEST_F(PasswordFile, ThatIsMissingIsNamed) {
  const auto password = read_password("/nonexistent/password", "");
  EXPECT_EQ(password.failure().exit_code, ExitCode::kNoInput);
  EXPECT_NE(password.failure().message.find("/nonexistent/password"), std::string::npos);
}

}  // namespace
}  // namespace pocketgss::tools
