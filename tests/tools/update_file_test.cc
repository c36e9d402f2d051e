// Replacing files that hold secrets: what is left where that is broken off, and what is not replaced.
#include "tools/update_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <vector>

#include "tests/tools/support/prepared.h"
#include "tests/tools/support/temp_folder.h"

namespace pocketgss::tools {
namespace {

using testing::content_of;
using ::testing::ElementsAre;
using testing::end_of_child;
using ::testing::HasSubstr;
using testing::TempFolder;

Fallible<Nothing> update(const std::string& path) {
  return update_file(path, "file", [](const std::string&, bool) -> Fallible<SecretBytes> {
    return SecretBytes(std::string_view("new"));
  });
}

Fallible<Nothing> write(const std::string& path) {
  return write_private_file(path, "file", as_bytes("new"));
}

std::vector<std::string> names_in(const TempFolder& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
    names.push_back(entry.path().filename());
  return names;
}

// die_at_a_write: a SIGTERM comes in the middle of the first file that is written.
void die_at_a_write() {
  const rlimit limit{1, 1};
  ::setrlimit(RLIMIT_FSIZE, &limit);
  std::signal(SIGXFSZ, [](int) { ::raise(SIGTERM); });
}

TEST(UpdateFile, LeavesNoTemporaryFileWhereASignalEndsTheProgram) {
  for (const auto& change : {update, write}) {
    const TempFolder folder;
    const std::string path = folder.write("file", "old");
    const int status = end_of_child([&] {
      die_at_a_write();
      static_cast<void>(change(path).has_value());
    });
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM) << status;
    EXPECT_THAT(names_in(folder), ElementsAre("file"));
    EXPECT_EQ(content_of(path), "old");
  }
}

TEST(UpdateFile, LetsSignalsThroughOnceItIsDone) {
  const TempFolder folder;
  const int status = end_of_child([&] {
    sigset_t before;
    static_cast<void>(write(folder / "file").has_value());
    ::sigprocmask(SIG_SETMASK, nullptr, &before);
    for (const int number : {SIGHUP, SIGINT, SIGQUIT, SIGTERM})
      if (sigismember(&before, number) != 0) ::_exit(1);
  });
  EXPECT_EQ(status, 0);
}

TEST(UpdateFile, DoesNotReplaceADeviceOrAPipe) {
  const TempFolder folder;
  const std::string pipe = folder / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const auto refused = write(pipe);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.failure().exit_code, ExitCode::kCantCreate);
  EXPECT_THAT(refused.failure().message, HasSubstr("pipe': it is no regular file"));
  EXPECT_TRUE(std::filesystem::is_fifo(pipe));
  EXPECT_THAT(names_in(folder), ElementsAre("pipe"));
}

TEST(UpdateFile, DoesNotReplaceALinkToAPipe) {
  const TempFolder folder;
  const std::string pipe = folder / "pipe", link = folder / "link";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  std::filesystem::create_symlink(pipe, link);
  const auto refused = write(link);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.failure().exit_code, ExitCode::kCantCreate);
  EXPECT_TRUE(std::filesystem::is_symlink(link));
}

TEST(UpdateFile, SaysThatAPathIsNone) {
  for (const auto& change : {update, write}) {
    const auto refused = change("");
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.failure().exit_code, ExitCode::kCantCreate);
    EXPECT_THAT(refused.failure().message, HasSubstr("cannot write the file '': "));
  }
}

TEST(UpdateFile, SaysThatTheFolderOfARelativePathIsGone) {
  for (const auto& change : {update, write}) {
    const TempFolder folder;
    const std::string gone = folder / "gone";
    std::filesystem::create_directory(gone);
    const int status = end_of_child([&] {
      std::filesystem::current_path(gone);
      std::filesystem::remove(gone);
      const auto refused = change("file");
      if (refused.has_value() || refused.failure().exit_code != ExitCode::kCantCreate) ::_exit(1);
    });
    EXPECT_EQ(status, 0);
  }
}

}  // namespace
}  // namespace pocketgss::tools
