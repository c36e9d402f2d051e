#include "tools/demo/recording.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>

namespace pocketgss::tools {
namespace {

class RecordedLogin : public ::testing::Test {
 protected:
  void SetUp() override {
    std::ifstream file(PGSS_VECTORS_DIR "/recordings/dotnet-smtpclient-gssapi-ntlm.vec");
    const auto parsed = parse_recording(std::string{std::istreambuf_iterator<char>(file), {}});
    ASSERT_TRUE(parsed);
    recording_ = *parsed;
  }
  std::vector<bool> verdicts() {
    auto runtime = Runtime::create().value();
    const auto checks = verify_recording(runtime, recording_);
    std::vector<bool> out;
    if (!checks.has_value()) return out;
    for (const Check& check : checks.value()) out.push_back(check.right);
    return out;
  }

  Recording recording_;
};

TEST_F(RecordedLogin, IsExplainedByItsPassword) {
  EXPECT_EQ(verdicts(), std::vector<bool>(5, true));
}

TEST_F(RecordedLogin, IsNotExplainedByAnotherPassword) {
  recording_.password = "Password2";
  EXPECT_EQ(verdicts(), std::vector<bool>(5, false));
}

TEST_F(RecordedLogin, ShowsAChangedLastToken) {
  recording_.acceptor_tokens[1].back() ^= 1;
  EXPECT_FALSE(verdicts()[3]);
}

TEST_F(RecordedLogin, ShowsAChangedWrap) {
  recording_.acceptor_wrap->back() ^= 1;
  EXPECT_FALSE(verdicts()[4]);
}

TEST(Recording, IsRefusedWhereSomethingIsMissing) {
  EXPECT_FALSE(parse_recording(""));
  EXPECT_FALSE(parse_recording("Password = \"x\"\nInitiatorToken = zz\n"));
}

}  // namespace
}  // namespace pocketgss::tools
