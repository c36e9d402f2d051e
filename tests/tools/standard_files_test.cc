// The program where standard input, output or error is closed: no other file gets its number.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/tools/support/prepared.h"
#include "tests/tools/support/serve_process.h"

namespace pocketgss::tools {
namespace {

using testing::Arguments;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using testing::Outcome;
using testing::ServeProcess;

struct StandardFiles : ::testing::Test {
  // send submits a message with `closed` closed.
  Outcome send(std::initializer_list<int> closed, const Arguments& more) {
    Arguments all = {"send",          "--server",       "127.0.0.1:" + std::to_string(serve.port()),
                     "--tls",         "none",           "--mech",
                     "NTLM",          "--user",         "bob",
                     "--from",        "a@example.test", "--to",
                     "b@example.test"};
    all.insert(all.end(), {"--password-file", serve.folder.write("password", "password")});
    all.insert(all.end(), more.begin(), more.end());
    const auto close_them = [closed] {
      for (const int fd : closed) ::close(fd);
    };
    return testing::run_prepared(all, close_them, "Subject: typed\n\ntext\n");
  }
  void SetUp() override { ASSERT_TRUE(serve.start()) << serve.log(); }
  ServeProcess serve;
};

TEST_F(StandardFiles, SendShowsNoDialogueToTheServerWhereErrorIsClosed) {
  EXPECT_EQ(send({STDERR_FILENO}, {"-v"}).exit_code, 0);
  EXPECT_THAT(serve.messages(), ElementsAre(EndsWith("Subject: typed\n\ntext\n"))) << serve.log();
}

TEST_F(StandardFiles, SendReadsNoMessageFromItsConnectionWhereInputIsClosed) {
  const auto refused = send({STDIN_FILENO}, {});
  EXPECT_EQ(refused.exit_code, 66);
  EXPECT_THAT(refused.error, HasSubstr("cannot read the message 'standard input': Bad file"));
  EXPECT_TRUE(serve.messages().empty());
}

TEST_F(StandardFiles, SendNeedsNoneOfThem) {
  const std::string message = serve.folder.write("message", "Subject: file\n\ntext\n");
  EXPECT_EQ(send({STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}, {"-v", message}).exit_code, 0);
  EXPECT_THAT(serve.messages(), ElementsAre(EndsWith("Subject: file\n\ntext\n"))) << serve.log();
}

TEST(ClosedOutput, IsAnOutputThatCannotBeWritten) {
  const auto refused = testing::run_prepared({"--version"}, [] { ::close(STDOUT_FILENO); });
  EXPECT_EQ(refused.exit_code, 74);
  EXPECT_THAT(refused.error, HasSubstr("the output cannot be written"));
}

}  // namespace
}  // namespace pocketgss::tools
