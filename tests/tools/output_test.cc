// The verbs that print, where what they print cannot be written.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/vector_file.h"
#include "tests/tools/support/process.h"
#include "tests/tools/support/temp_folder.h"

namespace pocketgss::tools {
namespace {

using testing::Arguments;
using ::testing::HasSubstr;
using testing::TempFolder;

constexpr const char* kFull = "/dev/full";

// run_into_full returns the exit code of the program whose standard output is a full disk.
int run_into_full(const Arguments& arguments, const std::string& error_file) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(::open(kFull, O_WRONLY | O_CLOEXEC), STDOUT_FILENO);
    ::dup2(::open(error_file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR),
           STDERR_FILENO);
    testing::exec_program(arguments);
  }
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::string first_file(const char* vectors) {
  for (auto& block : pocketgss::testing::load_vectors(vectors)) {
    const Bytes octets = block.bytes("File");
    block.ignore_unread();
    return std::string(as_text(octets));
  }
  return "";
}

TEST(Output, ThatCannotBeWrittenIsAnError) {
  if (::access(kFull, W_OK) != 0) GTEST_SKIP() << "no " << kFull;
  const TempFolder folder;
  const std::string keytab = folder.write("keytab", first_file("krb5/keytab.vec"));
  const std::string ccache = folder.write("ccache", first_file("krb5/ccache.vec"));
  for (const Arguments& arguments : {Arguments{"keytab", "list", "--keytab", keytab},
                                     {"klist", "--ccache", ccache},
                                     {"--version"},
                                     {"klist", "--help"}}) {
    EXPECT_EQ(run_into_full(arguments, folder / "error"), 74) << arguments.front();
    EXPECT_THAT(testing::content_of(folder / "error"), HasSubstr("the output cannot be written"));
    std::filesystem::remove(folder / "error");
  }
  EXPECT_EQ(testing::run({"klist", "--ccache", ccache}).exit_code, 0);
}

}  // namespace
}  // namespace pocketgss::tools
