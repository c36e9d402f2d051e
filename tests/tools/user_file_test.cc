// The user file: what it may hold, who is found, how it changes.
#include "tools/users/user_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <thread>

#include "tests/support/hex.h"
#include "tests/tools/support/temp_folder.h"
#include "tools/files.h"
#include "tools/text.h"

namespace pocketgss::tools {
namespace {

using testing::content_of;
using ::testing::HasSubstr;
using testing::TempFolder;

constexpr const char* kHash = "8846f7eaee8fb117ad06bdd830b7586c";   // "password"
constexpr const char* kOther = "a4f49c406510bdcab6824ee7c30fd852";  // "Password"

std::string line(const std::string& name, const std::string& hash = kHash) {
  return name + ":" + hash + "\n";
}

Fallible<UserFile> parse(const std::string& text) {
  return UserFile::parse(SecretBytes(text), "users");
}

std::string refusal(const std::string& text) {
  const auto parsed = parse(text);
  return parsed.has_value() ? "accepted" : parsed.failure().message;
}

std::string name_found(const UserFile& file, std::string_view user) {
  const auto account = file.find(user);
  return account ? account->name : "none";
}

FixedBytes<16> hash_bytes(const char* text) {
  FixedBytes<16> out{};
  const Bytes bytes = pocketgss::testing::unhex(text);
  std::copy(bytes.begin(), bytes.end(), out.begin());
  return out;
}

std::string text_of(const SecretBytes& secret) {
  return std::string(as_text(secret.view()));
}

TEST(UserFile, HasAnAccountALineAndComments) {
  const auto file = parse("# accounts\n\n  # indented\n" + line("bob") +
                          line("J\xc3\xb6rg Fuchs", kOther) + "carol:" + kHash);
  ASSERT_TRUE(file.has_value()) << file.failure().message;
  EXPECT_EQ(file.value().size(), 3u);
  EXPECT_EQ(pocketgss::testing::hex(file.value().find("bob")->key.view()), kHash);
  EXPECT_EQ(pocketgss::testing::hex(file.value().find("J\xc3\xb6rg Fuchs")->key.view()), kOther);
  EXPECT_EQ(name_found(file.value(), "carol"), "carol");
}

TEST(UserFile, TakesCrlfAndUpperCaseHex) {
  const auto file = parse("bob:8846F7EAEE8FB117AD06BDD830B7586C\r\n# x\r\n");
  ASSERT_TRUE(file.has_value()) << file.failure().message;
  EXPECT_EQ(pocketgss::testing::hex(file.value().find("bob")->key.view()), kHash);
}

TEST(UserFile, FindsADownLevelNameAPrincipalAndAPlainNameAlike) {
  const auto file = parse(line("bob"));
  for (const char* user : {"bob", "DOMAIN\\bob", "\\bob", "bob@example.test"}) {
    EXPECT_EQ(name_found(file.value(), user), "bob") << user;
  }
}

TEST(UserFile, QuirkC12_ComparesNamesBySimpleUpperCasing) {
  const auto file = parse(line("J\xc3\xb6rg") +
                          line("stra\xc3\x9f"
                               "e") +
                          line("igor"));
  EXPECT_EQ(name_found(file.value(), "J\xc3\x96RG"), "J\xc3\xb6rg");
  EXPECT_EQ(name_found(file.value(),
                       "STRA\xc3\x9f"
                       "E"),
            "stra\xc3\x9f"
            "e");  // sharp s stays
  EXPECT_EQ(name_found(file.value(), "STRASSE"), "none");
  EXPECT_EQ(name_found(file.value(), "IGOR"), "igor");
  EXPECT_EQ(name_found(file.value(), "\xc4\xb0gor"), "none");  // dotted capital I is another letter
}

TEST(UserFile, NTL_10_FindsNobodyForNamesThatAreNone) {
  const auto file = parse(line("bob"));
  for (const char* user :
       {"", "eve", "@example.test", "DOMAIN\\", "bo", "bob ", "bob\r\n", "\xff"}) {
    EXPECT_EQ(name_found(file.value(), user), "none") << user;
  }
  EXPECT_EQ(name_found(file.value(), std::string(300, 'b')), "none");
  EXPECT_EQ(name_found(file.value(), std::string_view("bob\0", 4)), "none");
}

// --- refusals, with the line ---

TEST(UserFile, RefusesALineWithoutAColon) {
  EXPECT_THAT(refusal("# c\nbob\n"), HasSubstr("users:2: no ':'"));
}
TEST(UserFile, RefusesAnUnknownField) {
  EXPECT_THAT(refusal(line("a") + "bob:" + kHash + ":admin\n"),
              HasSubstr("users:2: an unknown field"));
}
TEST(UserFile, RefusesAClearPassword) {
  EXPECT_THAT(refusal("bob:password\n"), HasSubstr("users:1: the hash of 'bob'"));
}
TEST(UserFile, RefusesAHashOfAnotherLength) {
  EXPECT_THAT(refusal("bob:" + std::string(kHash) + "0\n"), HasSubstr("32 hexadecimal digits"));
  EXPECT_THAT(refusal("bob:" + std::string(kHash).substr(1) + "\n"),
              HasSubstr("32 hexadecimal digits"));
  EXPECT_THAT(refusal("bob:\n"), HasSubstr("32 hexadecimal digits"));
}
TEST(UserFile, RefusesAHashThatIsNoHex) {
  EXPECT_THAT(refusal("bob:8846f7eaee8fb117ad06bdd830b7586g\n"),
              HasSubstr("32 hexadecimal digits"));
  EXPECT_THAT(refusal("bob: 8846f7eaee8fb117ad06bdd830b7586\n"),
              HasSubstr("32 hexadecimal digits"));
}
TEST(UserFile, RefusesADuplicate) {
  EXPECT_THAT(refusal(line("bob") + "#\n" + line("BOB")),
              HasSubstr("users:3: the name 'BOB' stands on line 1 already"));
}
TEST(UserFile, RefusesADuplicateBySimpleUpperCasing) {
  EXPECT_THAT(refusal(line("\xc3\xb6") + line("\xc3\x96")), HasSubstr("users:2: "));
}
TEST(UserFile, RefusesAMissingName) {
  EXPECT_THAT(refusal(line("")), HasSubstr("users:1: the name is missing"));
}
TEST(UserFile, RefusesANameWithADomain) {
  EXPECT_THAT(refusal(line("D\\bob")), HasSubstr("users:1: a name has no domain"));
  EXPECT_THAT(refusal(line("bob@d")), HasSubstr("users:1: a name has no domain"));
}
TEST(UserFile, RefusesSpaceAroundAName) {
  EXPECT_THAT(refusal(line(" bob")), HasSubstr("users:1: white space"));
  EXPECT_THAT(refusal(line("bob ")), HasSubstr("users:1: white space"));
}
TEST(UserFile, RefusesANameThatIsNoUtf8) {
  EXPECT_THAT(refusal(line("b\xf6"
                           "b")),
              HasSubstr("users:1: the name has"));
}
TEST(UserFile, RefusesAControlCharacterInAName) {
  EXPECT_THAT(refusal(line("b\x1b"
                           "b")),
              HasSubstr("users:1: the name has"));
}
TEST(UserFile, RefusesANameOf257Units) {
  EXPECT_EQ(refusal(line(std::string(256, 'x'))), "accepted");
  EXPECT_THAT(refusal(line(std::string(257, 'x'))), HasSubstr("users:1: the name has"));
}
TEST(UserFile, RefusesAByteOrderMark) {
  EXPECT_THAT(refusal("\xef\xbb\xbf" + line("bob")), HasSubstr("byte order mark"));
}
TEST(UserFile, P20_RefusesTheHashOfAnEmptyPassword) {
  EXPECT_THAT(refusal(line("bob", "31d6cfe0d16ae931b73c59d7e0c089c0")),
              HasSubstr("users:1: the password of 'bob' is empty"));
}
TEST(UserFile, ShowsNoHashInARefusal) {
  EXPECT_THAT(refusal("bob:" + std::string(kHash) + ":x\n"), ::testing::Not(HasSubstr("8846")));
  EXPECT_THAT(refusal("bob:" + std::string(kHash) + "ab\n"), ::testing::Not(HasSubstr("8846")));
}

// --- changes ---

TEST(UserFile, ChangesOneLineAndKeepsTheRest) {
  const std::string before =
      "# first\r\n\n" + line("alice") + "# of bob\n" + line("Bob") + "# last, without line end";
  const auto file = parse(before);
  const auto changed = text_of(file.value().with("BOB", FixedView<16>(hash_bytes(kOther))));
  EXPECT_EQ(changed, "# first\r\n\n" + line("alice") + "# of bob\n" + line("Bob", kOther) +
                         "# last, without line end");
}

TEST(UserFile, AppendsANewAccount) {
  const auto hash = hash_bytes(kHash);
  EXPECT_EQ(text_of(parse("").value().with("bob", FixedView<16>(hash))), line("bob"));
  EXPECT_EQ(text_of(parse("# no line end").value().with("bob", FixedView<16>(hash))),
            "# no line end\n" + line("bob"));
}

TEST(UserFile, LosesTheLineOfADeletedAccount) {
  const auto file = parse("# a\n" + line("alice") + line("bob"));
  EXPECT_EQ(text_of(*file.value().without("ALICE")), "# a\n" + line("bob"));
  EXPECT_FALSE(file.value().without("eve").has_value());
}

TEST(UserFile, WhatItWritesItReads) {
  const auto file = parse(line("alice") + "bob:" + kOther);
  const auto next = parse(text_of(file.value().with("carol", FixedView<16>(hash_bytes(kHash)))));
  ASSERT_TRUE(next.has_value()) << next.failure().message;
  EXPECT_EQ(next.value().size(), 3u);
}

// --- on disk ---

TEST(UserFileOnDisk, MustBeClosedToOthers) {
  const TempFolder folder;
  for (const mode_t mode : {0644u, 0640u, 0604u, 0660u, 0601u}) {
    const auto loaded = UserFile::load(folder.write("users", line("bob"), mode));
    ASSERT_FALSE(loaded.has_value()) << std::oct << mode;
    EXPECT_THAT(loaded.failure().message, HasSubstr("chmod 600"));
    EXPECT_EQ(loaded.failure().exit_code, ExitCode::kConfig);
  }
  EXPECT_TRUE(UserFile::load(folder.write("users", line("bob"), 0600)).has_value());
  EXPECT_TRUE(UserFile::load(folder.write("users", line("bob"), 0400)).has_value());
}

TEST(UserFileOnDisk, MustBeARegularFile) {
  const TempFolder folder;
  ASSERT_EQ(::mkfifo((folder / "users").c_str(), 0600), 0);
  EXPECT_THAT(UserFile::load(folder / "users").failure().message, HasSubstr("no regular file"));
  EXPECT_THAT(UserFile::load(folder.path().string()).failure().message,
              HasSubstr("no regular file"));
  EXPECT_EQ(UserFile::load(folder / "nosuch").failure().exit_code, ExitCode::kNoInput);
}

Fallible<Nothing> add(const std::string& path, const std::string& name) {
  return update_user_file(path, [&](const UserFile& file) -> Fallible<SecretBytes> {
    return file.with(name, FixedView<16>(hash_bytes(kHash)));
  });
}

mode_t mode_of(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 07777 : 0;
}

TEST(UserFileOnDisk, IsMadeWithMode0600WhateverTheUmask) {
  const TempFolder folder;
  const mode_t before = ::umask(0);
  EXPECT_TRUE(add(folder / "users", "bob").has_value());
  ::umask(before);
  EXPECT_EQ(mode_of(folder / "users"), 0600u);
  EXPECT_EQ(content_of(folder / "users"), line("bob"));
}

TEST(UserFileOnDisk, IsReplacedAndNotWrittenInto) {
  const TempFolder folder;
  const std::string path = folder.write("users", line("alice"));
  ASSERT_EQ(::link(path.c_str(), (folder / "old").c_str()), 0);
  EXPECT_TRUE(add(path, "bob").has_value());
  EXPECT_EQ(content_of(folder / "old"), line("alice"));
  EXPECT_EQ(content_of(path), line("alice") + line("bob"));
}

TEST(UserFileOnDisk, StaysAsItWasWhereTheChangeFails) {
  const TempFolder folder;
  const std::string path = folder.write("users", line("alice"));
  const auto refused = update_user_file(path, [](const UserFile&) -> Fallible<SecretBytes> {
    return Failure{ExitCode::kNoUser, "no"};
  });
  EXPECT_EQ(refused.failure().exit_code, ExitCode::kNoUser);
  folder.write("users", "broken\n");
  EXPECT_EQ(add(path, "bob").failure().exit_code, ExitCode::kConfig);
  EXPECT_EQ(content_of(path), "broken\n");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}),
            1);  // no temporary file is left
}

TEST(UserFileOnDisk, ChangesThroughASymbolicLink) {
  const TempFolder folder;
  const std::string path = folder.write("users", line("alice"));
  ASSERT_EQ(::symlink("users", (folder / "link").c_str()), 0);
  EXPECT_TRUE(add(folder / "link", "bob").has_value());
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
  EXPECT_EQ(content_of(path), line("alice") + line("bob"));
}

TEST(UserFileOnDisk, IsMadeWhereASymbolicLinkPointsTo) {
  const TempFolder folder;
  std::filesystem::create_directory(folder.path() / "real");
  ASSERT_EQ(::symlink("real/hop", (folder / "link").c_str()), 0);
  ASSERT_EQ(::symlink("users", (folder / "real/hop").c_str()), 0);
  EXPECT_TRUE(add(folder / "link", "bob").has_value());
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "real/hop"));
  EXPECT_EQ(content_of(folder / "real/users"), line("bob"));
}

TEST(UserFileOnDisk, SaysWhereASymbolicLinkLeadsNowhere) {
  const TempFolder folder;
  ASSERT_EQ(::symlink("/nonexistent/users", (folder / "link").c_str()), 0);
  const auto nowhere = add(folder / "link", "bob");
  ASSERT_FALSE(nowhere.has_value());
  EXPECT_EQ(nowhere.failure().exit_code, ExitCode::kCantCreate);
  EXPECT_THAT(nowhere.failure().message, HasSubstr("'/nonexistent/users'"));

  ASSERT_EQ(::symlink("loop", (folder / "loop").c_str()), 0);
  const auto loop = add(folder / "loop", "bob");
  ASSERT_FALSE(loop.has_value());
  EXPECT_EQ(loop.failure().exit_code, ExitCode::kCantCreate);
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "loop"));
}

// Locked is a lock that another program holds.
class Locked {
 public:
  explicit Locked(const std::string& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (::flock(fd_.get(), LOCK_EX | LOCK_NB) != 0) std::abort();
  }

 private:
  Descriptor fd_;
};

// Anybody who can read the folder can lock it; only who can read the file can lock that.
TEST(UserFileOnDisk, ChangesThoughSomebodyHoldsALockOfTheFolder) {
  const TempFolder folder;
  const std::string path = folder.write("users", line("alice"));
  const Locked folder_lock(folder.path());
  EXPECT_TRUE(add(path, "bob").has_value());
  EXPECT_EQ(content_of(path), line("alice") + line("bob"));
}

TEST(UserFileOnDisk, WaitsSomeSecondsForAnotherProgram) {
  const TempFolder folder;
  const std::string path = folder.write("users", line("alice"));
  auto held = std::make_unique<Locked>(path);
  const auto busy = add(path, "bob");
  ASSERT_FALSE(busy.has_value());
  EXPECT_EQ(busy.failure().exit_code, ExitCode::kTempFail);
  EXPECT_EQ(busy.failure().message, "the user file " + tools::quoted(path) +
                                        " is being changed by another program; try again later");
  std::thread other([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    held.reset();
  });
  EXPECT_TRUE(add(path, "bob").has_value());
  other.join();
}

TEST(UserFileOnDisk, LosesNoChangeOfTwoAtOnce) {
  const TempFolder folder;
  const std::string path = folder / "users";
  const auto add_some = [&](char prefix) {
    for (int i = 0; i < 20; ++i) EXPECT_TRUE(add(path, prefix + std::to_string(i)).has_value());
  };
  std::thread other([&] { add_some('a'); });
  add_some('b');
  other.join();
  EXPECT_EQ(UserFile::load(path).value().size(), 40u);
}

TEST(UserFileOnDisk, SaysWhereItCannotBeMade) {
  EXPECT_EQ(add("/nonexistent/users", "bob").failure().exit_code, ExitCode::kCantCreate);
}

}  // namespace
}  // namespace pocketgss::tools
