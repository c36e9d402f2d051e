// The verb `kinit`, as a process, with a KDC of the test's own: what it writes, and its exit codes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/tools/support/kdc_server.h"
#include "tests/tools/support/process.h"
#include "tests/tools/support/temp_folder.h"

namespace pocketgss::tools {
namespace {

using testing::Arguments;
using ::testing::HasSubstr;
using testing::KdcServer;
using testing::Outcome;
using testing::run;

struct Kinit : ::testing::Test {
  Kinit() {
    kdc.add_user("alice", "Password1").etypes = {17};
    kdc.add_service("smtp/mail.example.test");
  }
  Outcome kinit(const std::string& password, const Arguments& more = {}) {
    Arguments all = {"kinit", "alice@EXAMPLE.TEST", "--password-file",
                     folder.write("password", password)};
    all.insert(all.end(), more.begin(), more.end());
    return without_password(all);
  }
  Outcome without_password(Arguments all) {
    all.insert(all.end(), {"--kdc", server.address(), "--ccache", cache});
    return run(all);
  }
  bool wrote() const { return std::filesystem::exists(cache); }

  testing::TempFolder folder;
  std::string cache = folder / "cache";
  Runtime runtime = Runtime::create().value();
  pocketgss::testing::FakeKdc kdc{runtime, "EXAMPLE.TEST"};
  KdcServer server{kdc};
};

TEST_F(Kinit, WritesTicketsThatKlistShows) {
  const auto done = kinit("Password1\n", {"--service", "smtp/mail.example.test", "-v"});
  EXPECT_EQ(done.exit_code, 0) << done.error;
  EXPECT_THAT(done.error, HasSubstr("ticket of alice@EXAMPLE.TEST for smtp/mail.example.test"));
  EXPECT_EQ(std::filesystem::status(cache).permissions(), std::filesystem::perms(0600));
  const auto shown = run({"klist", "--ccache", cache});
  EXPECT_THAT(shown.output, HasSubstr("krbtgt/EXAMPLE.TEST@EXAMPLE.TEST"));
  EXPECT_THAT(shown.output, HasSubstr("smtp/mail.example.test@EXAMPLE.TEST"));
}

TEST_F(Kinit, Says64WhereNobodyIsNamedOrNoTerminalIsThere) {
  EXPECT_THAT(without_password({"kinit"}).error, HasSubstr("name the user"));
  for (const Arguments& arguments : {Arguments{"kinit"}, {"kinit", "alice@EXAMPLE.TEST"}})
    EXPECT_EQ(without_password(arguments).exit_code, 64);
  EXPECT_THAT(without_password({"kinit", "alice@EXAMPLE.TEST"}).error,
              HasSubstr("there is no terminal to ask on; use --password-file"));
  for (const Arguments& wrong :
       {Arguments{"--kdc", "[::1"}, {"--kdc-deadline", "0"}, {"--nonsense"}})
    EXPECT_EQ(kinit("Password1", wrong).exit_code, 64) << wrong.front();
  EXPECT_FALSE(wrote());
  EXPECT_EQ(server.answered(), 0);
}

TEST_F(Kinit, Says65WhereAFileIsNotWhatItShouldBe) {
  EXPECT_EQ(kinit("").exit_code, 65);
  const std::string file = folder.write("file", "[realms]\n EXAMPLE.TEST = {\n");
  for (const char* option : {"--keytab", "--nt-hash-file"}) {
    const auto refused = without_password({"kinit", "alice@EXAMPLE.TEST", option, file});
    EXPECT_EQ(refused.exit_code, 65) << option << ": " << refused.error;
    EXPECT_THAT(refused.error, HasSubstr(file));
  }
  const auto refused = kinit("Password1", {"--krb5-conf", file});
  EXPECT_EQ(refused.exit_code, 65) << refused.error;
  EXPECT_THAT(refused.error, HasSubstr(file + "', line "));
  EXPECT_FALSE(wrote());
  EXPECT_EQ(server.answered(), 0);
}

TEST_F(Kinit, Says66WhereAFileCannotBeOpened) {
  for (const char* option : {"--keytab", "--nt-hash-file", "--password-file"}) {
    const auto refused =
        without_password({"kinit", "alice@EXAMPLE.TEST", option, "/nonexistent/file"});
    EXPECT_EQ(refused.exit_code, 66) << option << ": " << refused.error;
    EXPECT_THAT(refused.error, HasSubstr("/nonexistent/file"));
  }
  EXPECT_EQ(kinit("Password1", {"--krb5-conf", "/nonexistent/file"}).exit_code, 66);
  EXPECT_FALSE(wrote());
}

// `--krb5-conf <(...)` of a shell: what is in a pipe can be read once.
TEST_F(Kinit, ReadsAPipeOnce) {
  const std::string conf =
      "[libdefaults]\n default_realm = EXAMPLE.TEST\n[realms]\n EXAMPLE.TEST = "
      "{\n  kdc = " +
      server.address() + "\n }\n";
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  ASSERT_EQ(::write(pipe[1], conf.data(), conf.size()), static_cast<ssize_t>(conf.size()));
  ::close(pipe[1]);
  const auto done = run({"kinit", "alice", "--password-file", folder.write("password", "Password1"),
                         "--ccache", cache, "--krb5-conf",
                         "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(pipe[0])});
  ::close(pipe[0]);
  EXPECT_EQ(done.exit_code, 0) << done.error;
  EXPECT_TRUE(wrote());
}

TEST_F(Kinit, Says73WhereTheCacheCannotBeWritten) {
  cache = folder / "nowhere/cache";
  const auto refused = kinit("Password1");
  EXPECT_EQ(refused.exit_code, 73);
  EXPECT_THAT(refused.error, HasSubstr("cannot write the credential cache"));
}

TEST_F(Kinit, LeavesAPipeInPlaceOfTheCacheAlone) {
  ASSERT_EQ(::mkfifo(cache.c_str(), 0600), 0);
  EXPECT_EQ(kinit("Password1").exit_code, 73);
  EXPECT_TRUE(std::filesystem::is_fifo(cache));
}

TEST_F(Kinit, NamesAServiceThatIsNone) {
  const auto refused = kinit("Password1", {"--service", "smtp"});
  EXPECT_EQ(refused.exit_code, 64);
  EXPECT_THAT(refused.error, HasSubstr("Kerberos: 'smtp': a service is named service/host"));
}

TEST_F(Kinit, Says75WhereNoKdcAnswers) {
  const auto closed = pocketgss::testing::loopback_sockets();
  ::close(closed.tcp);
  ::close(closed.udp);
  const auto refused =
      run({"kinit", "alice@EXAMPLE.TEST", "--password-file", folder.write("password", "Password1"),
           "--kdc", "127.0.0.1:" + std::to_string(closed.port), "--ccache", cache});
  EXPECT_EQ(refused.exit_code, 75);
  EXPECT_THAT(refused.error, HasSubstr("no KDC of the realm answers"));
  EXPECT_FALSE(wrote());
}

TEST_F(Kinit, Says76WhereTheKdcBreaksTheProtocol) {
  kdc.twist.instead = [](const mechs::krb5::KdcReq&) {
    return Bytes{0x30, 0x03, 0x02, 0x01, 0x05};
  };
  const auto refused = kinit("Password1");
  EXPECT_EQ(refused.exit_code, 76) << refused.error;
  EXPECT_FALSE(wrote());
}

TEST_F(Kinit, QuirkD25_Says77WhereThePasswordIsWrong) {
  for (const bool preauth : {true, false}) {
    kdc.users["alice"].preauth = preauth;
    const auto refused = kinit("Password2");
    EXPECT_EQ(refused.exit_code, 77);
    EXPECT_THAT(refused.error, HasSubstr("the password is wrong"));
  }
  EXPECT_FALSE(wrote());
}

TEST_F(Kinit, Says78WhereThePolicyForbidsIt) {
  const auto refused = without_password({"kinit", "alice@EXAMPLE.TEST", "--nt-hash-file",
                                         folder.write("hash", "8846f7eaee8fb117ad06bdd830b7586c")});
  EXPECT_EQ(refused.exit_code, 78) << refused.error;
  EXPECT_THAT(refused.error, HasSubstr("--allow-rc4"));
  EXPECT_EQ(server.answered(), 0);
}

}  // namespace
}  // namespace pocketgss::tools
