// The verb `passwd`, as a process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/support/sanitized.h"
#include "tests/tools/support/prepared.h"
#include "tests/tools/support/temp_folder.h"

namespace pocketgss::tools {
namespace {

using testing::content_of;
using ::testing::HasSubstr;
using testing::run;
using testing::TempFolder;

constexpr const char* kPasswordHash = "8846f7eaee8fb117ad06bdd830b7586c";  // NTOWFv1 of "password"

void set_limit(decltype(RLIMIT_NOFILE) what, rlim_t to) {
  const rlimit limit{to, to};
  ::setrlimit(what, &limit);
}

struct Passwd : ::testing::Test {
  testing::Outcome set(const std::string& user, const std::string& password) {
    return run({"passwd", "--users", folder / "users", "--user", user, "--password-file",
                folder.write("pw", password)});
  }
  testing::Outcome remove(const std::string& user) {
    return run({"passwd", "--users", folder / "users", "--user", user, "--delete"});
  }
  TempFolder folder;
};

TEST_F(Passwd, MakesAnAccountAndTheFile) {
  const auto done = set("bob", "password\n");
  EXPECT_EQ(done.exit_code, 0) << done.error;
  EXPECT_EQ(content_of(folder / "users"), "bob:" + std::string(kPasswordHash) + "\n");
  EXPECT_EQ(std::filesystem::status(folder / "users").permissions(), std::filesystem::perms(0600));
}

TEST_F(Passwd, ChangesAnAccountOfAnySpelling) {
  folder.write("users", "# accounts\nBob:00112233445566778899aabbccddeeff\n");
  for (const char* user : {"bob", "DOMAIN\\BOB", "bob@example.test"})
    EXPECT_EQ(set(user, "password").exit_code, 0) << user;
  EXPECT_EQ(content_of(folder / "users"), "# accounts\nBob:" + std::string(kPasswordHash) + "\n");
}

TEST_F(Passwd, HashesUtf8) {
  EXPECT_EQ(set("bob", "p\xc3\xa4ss\xf0\x9f\x94\x91").exit_code, 0);
  EXPECT_THAT(content_of(folder / "users"), HasSubstr("bob:01c04b94d4eaa1b54b5c1701a3bad5b8"));
}

TEST_F(Passwd, StripsOneLineEndOnly) {
  EXPECT_EQ(set("a", "password\r\n").exit_code, 0);
  EXPECT_EQ(set("b", "password\n\n").exit_code, 0);
  const std::string text = content_of(folder / "users");
  EXPECT_THAT(text, HasSubstr("a:" + std::string(kPasswordHash)));
  EXPECT_THAT(text, ::testing::Not(HasSubstr("b:" + std::string(kPasswordHash))));
}

TEST_F(Passwd, DeletesAnAccount) {
  folder.write("users", "# of bob\nbob:" + std::string(kPasswordHash) + "\n");
  EXPECT_EQ(remove("BOB").exit_code, 0);
  EXPECT_EQ(content_of(folder / "users"), "# of bob\n");
  const auto again = remove("bob");
  EXPECT_EQ(again.exit_code, 67);
  EXPECT_THAT(again.error, HasSubstr("no account 'bob'"));
}

TEST_F(Passwd, NeedsATerminalOrAPasswordFile) {
  const auto refused = run({"passwd", "--users", folder / "users", "--user", "bob"}, "password\n");
  EXPECT_EQ(refused.exit_code, 64);
  EXPECT_THAT(refused.error, HasSubstr("--password-file"));
  EXPECT_FALSE(std::filesystem::exists(folder / "users"));
}

TEST_F(Passwd, P20_RefusesAnEmptyPassword) {
  EXPECT_EQ(set("bob", "\n").exit_code, 65);
  EXPECT_FALSE(std::filesystem::exists(folder / "users"));
}

TEST_F(Passwd, RefusesAPasswordThatIsNoUtf8OrTooLong) {
  EXPECT_EQ(set("bob", "\xff\xfe").exit_code, 65);
  EXPECT_EQ(set("bob", std::string(1025, 'x')).exit_code, 65);
  EXPECT_EQ(set("bob", std::string(1024, 'x')).exit_code, 0);
}

TEST_F(Passwd, RefusesANameThatCannotBeOne) {
  for (const char* user : {"", "DOMAIN\\", "a:b", " bob", "#bob", "b\nb"}) {
    EXPECT_EQ(set(user, "password").exit_code, 64) << user;
  }
}

TEST_F(Passwd, NamesTheLineOfABrokenFile) {
  folder.write("users", "# x\nbob:secret\n");
  const auto refused = set("carol", "password");
  EXPECT_EQ(refused.exit_code, 78);
  EXPECT_THAT(refused.error, HasSubstr("users:2: "));
  EXPECT_THAT(refused.error, ::testing::Not(HasSubstr("secret")));
}

TEST_F(Passwd, NamesABrokenFileWithoutControlCharacters) {
  const std::string users = folder.write("us\n\x1b[31mers", "bob\n");
  const auto refused = run(
      {"passwd", "--users", users, "--user", "bob", "--password-file", folder.write("pw", "x")});
  EXPECT_THAT(refused.error, HasSubstr("us\\x0a\\x1b[31mers:1: no ':'"));
}

TEST_F(Passwd, Says73WhereAFileSizeLimitIsInTheWay) {
  ASSERT_EQ(set("bob", "password").exit_code, 0);
  folder.write("pw", "password");
  const auto refused = testing::run_prepared(
      {"passwd", "--users", folder / "users", "--user", "carol", "--password-file", folder / "pw"},
      [] { set_limit(RLIMIT_FSIZE, 70); });
  EXPECT_EQ(refused.exit_code, 73);
  EXPECT_THAT(refused.error, HasSubstr("cannot write the user file"));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 2);
}

TEST_F(Passwd, RefusesAFileThatOthersCanRead) {
  folder.write("users", "", 0644);
  EXPECT_EQ(set("bob", "password").exit_code, 78);
}

TEST(Program, ExplainsItself) {
  const auto help = run({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_THAT(help.output, HasSubstr("passwd"));
  EXPECT_THAT(run({"--version"}).output, HasSubstr("pocketgss "));
  for (const char* verb : {"passwd"}) {
    const auto verb_help = run({verb, "--help"});
    EXPECT_EQ(verb_help.exit_code, 0);
    EXPECT_THAT(verb_help.output, HasSubstr("Exit codes"));
  }
}

// Whatever it is that is wanting first.
TEST(Program, BlamesTheSystemWhereItHasTooFewFiles) {
  if (pocketgss::testing::kSanitized) GTEST_SKIP() << "no sanitizer works without files";
  const TempFolder folder;
  folder.write("users", "bob:" + std::string(kPasswordHash) + "\n");
  for (const rlim_t files : {6u, 7u, 8u, 9u}) {
    const auto refused = testing::run_prepared({"serve", "--listen", "127.0.0.1:0", "--users",
                                                folder / "users", "--maildir", folder / "Maildir"},
                                               [files] {
                                                 for (int fd = 3; fd < 100; ++fd) ::close(fd);
                                                 set_limit(RLIMIT_NOFILE, files);
                                               });
    EXPECT_THAT(refused.exit_code, ::testing::AnyOf(66, 71, 73)) << files << refused.error;
    EXPECT_THAT(refused.error, HasSubstr("Too many open files"));
  }
}

TEST(Program, Says64WhereTheCommandLineIsWrong) {
  for (const testing::Arguments& arguments : {testing::Arguments{},
                                              {"frobnicate"},
                                              {"passwd"},
                                              {"passwd", "--users"},
                                              {"passwd", "--frobnicate"},
                                              {"--frobnicate"}}) {
    const auto refused = run(arguments);
    EXPECT_EQ(refused.exit_code, 64);
    EXPECT_THAT(refused.error, HasSubstr("--help"));
  }
}

}  // namespace
}  // namespace pocketgss::tools
