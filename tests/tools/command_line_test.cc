// The command line: which values options take, and what is said of others.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/tools/support/process.h"
#include "tests/tools/support/temp_folder.h"

namespace pocketgss::tools {
namespace {

using testing::Arguments;
using ::testing::HasSubstr;
using testing::run;
using ::testing::StartsWith;
using testing::TempFolder;

const Arguments kSend = {"send", "--server", "127.0.0.1:1", "--from", "a@b", "--to", "c@d"};
const Arguments kServe = {"serve", "--listen", "127.0.0.1:0", "--maildir", "/nowhere"};

Arguments with(Arguments all, const Arguments& more) {
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

// said of `arguments` is one line, with exit code 64.
std::string said(const Arguments& arguments) {
  const auto refused = run(arguments);
  EXPECT_EQ(refused.exit_code, 64) << refused.error;
  EXPECT_EQ(std::count(refused.error.begin(), refused.error.end(), '\n'), 1) << refused.error;
  return refused.error;
}

TEST(CommandLine, NamesTheValuesThatAnOptionTakes) {
  EXPECT_EQ(said(with(kSend, {"--tls", "bogus"})),
            "pocketgss send: --tls: 'bogus' is none of implicit, none, starttls; see `pocketgss "
            "send --help`\n");
  EXPECT_THAT(said(with(kSend, {"--inner", "kerberos,x"})),
              HasSubstr("'x' is none of kerberos, n"));
  EXPECT_THAT(said(with(kServe, {"--layers", "x"})), HasSubstr("none of confidentiality, integri"));
  // The number behind a name is no name.
  EXPECT_THAT(said(with(kSend, {"--policy", "\x01"})),
              HasSubstr("'\\x01' is none of default, str"));
}

TEST(CommandLine, TakesNamesInUpperCase) {
  const auto taken = run(with(kSend, {"--tls", "NONE", "--channel-binding", "Off"}));
  EXPECT_THAT(taken.error, StartsWith("pocketgss send: --user is required"));
}

TEST(CommandLine, WritesWhatItWasGivenWithoutControlCharacters) {
  EXPECT_THAT(said(with(kSend, {"x", "y\n\x1b[31m\xff"})), HasSubstr("y\\x0a\\x1b[31m\\xff; see"));
  EXPECT_THAT(said(with(kSend, {"--mech", "x\ny"})), HasSubstr("x\\x0ay not in"));
  EXPECT_THAT(said(with(kSend, {"--timeout", "1\n"})),
              HasSubstr("'1\\x0a' is no number from 1 to"));
}

TEST(CommandLine, TakesDecimalNumbers) {
  const TempFolder folder;
  const auto add = [&](const char* kvno) {
    return run({"keytab", "add", "--keytab", folder / "keytab", "--principal", "smtp/host@R",
                "--etype", "18", "--password-file", folder.write("password", "x"), "--kvno", kvno});
  };
  for (const char* wrong : {"", "0", "-1", " 5", "+5", "5 ", "0x10", "1e3", "5.0", "4294967296"})
    EXPECT_EQ(add(wrong).exit_code, 64) << wrong;
  EXPECT_EQ(add("010").exit_code, 0);
  EXPECT_EQ(add("4294967295").exit_code, 0);
  const std::string list = run({"keytab", "list", "--keytab", folder / "keytab"}).output;
  EXPECT_THAT(list, StartsWith("10  "));
  EXPECT_THAT(list, HasSubstr("\n4294967295  "));
}

TEST(CommandLine, RefusesAnEmptyValue) {
  for (const Arguments& arguments : {with(kSend, {"--ca", ""}),
                                     with(kSend, {"--user", ""}),
                                     with(kSend, {"--to", ""}),
                                     with(kSend, {"--password-file", ""}),
                                     with(kServe, {"--tls-cert", "", "--tls-key", ""}),
                                     with(kServe, {"--spn", ""}),
                                     with(kSend, {"--ca=", "--user", "bob"}),
                                     with(kServe, {"--hostname=", "--implicit-tls"}),
                                     {"passwd", "--users", "", "--user", "bob"},
                                     {"keytab", "list", "--keytab", ""},
                                     {"klist", "--ccache", ""},
                                     {"decode", "--keytab", ""}})
    EXPECT_THAT(said(arguments), HasSubstr(": the value is empty; see"));
}

TEST(CommandLine, TakesWhatOnlyLooksLikeAnEmptyValue) {
  const auto file = run({"decode", "--", "--keytab="});
  EXPECT_EQ(file.exit_code, 66);
  EXPECT_THAT(file.error, HasSubstr("cannot open '--keytab='"));
  EXPECT_THAT(said({"decode", "--=", "x"}), HasSubstr("not expected: --="));
}

TEST(CommandLine, TakesAnEmptySenderAndAnEmptySalt) {
  const TempFolder folder;
  EXPECT_EQ(run({"keytab", "add", "--keytab", folder / "keytab", "--principal", "smtp/host@R",
                 "--salt", "", "--kvno", "1", "--password-file", folder.write("password", "x")})
                .exit_code,
            0);
  EXPECT_THAT(said({"send", "--server", "127.0.0.1:1", "--from", "", "--to", "c@d"}),
              HasSubstr("--user is required"));
  EXPECT_THAT(said({"send", "--server", "127.0.0.1:1", "--from=", "--to", "c@d"}),
              HasSubstr("--user is required"));
}

}  // namespace
}  // namespace pocketgss::tools
