// The verbs `keytab`, `klist` and `kdestroy`, as processes, and key tables and caches in `decode`.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pocketgss/env.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "mechs/krb5/ccache.h"
#include "mechs/krb5/keytab.h"
#include "tests/support/hex.h"
#include "tests/support/vector_file.h"
#include "tests/tools/support/process.h"
#include "tests/tools/support/temp_folder.h"
#include "tools/decode/decode.h"
#include "tools/decode/render.h"
#include "tools/krb5/files.h"
#include "tools/krb5/names.h"

namespace pocketgss::tools {
namespace {

using mechs::krb5::CcacheCredential;
using mechs::krb5::parse_keytab;
using mechs::krb5::parse_principal;
using mechs::krb5::Principal;
using nlohmann::json;
using testing::content_of;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::run;
using testing::TempFolder;

// The first file of that instruction in vectors/krb5/<file>.
Bytes vector(const char* file, std::string_view instruction, size_t skip = 0) {
  for (auto& block : pocketgss::testing::load_vectors(file)) {
    const Bytes octets = block.bytes("File");
    block.ignore_unread();
    if (block.instruction() == instruction && skip-- == 0) return octets;
  }
  ADD_FAILURE() << "no such vector";
  return {};
}

std::string text(const Bytes& octets) {
  return std::string(as_text(octets));
}

struct Keytab : ::testing::Test {
  testing::Outcome add(const testing::Arguments& more) {
    testing::Arguments arguments = {"keytab",          "add",
                                    "--keytab",        folder / "keytab",
                                    "--password-file", folder.write("pw", "Secret.123\n")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments);
  }
  testing::Outcome list(const testing::Arguments& more = {}) {
    testing::Arguments arguments = {"keytab", "list", "--keytab", folder / "keytab"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments);
  }
  TempFolder folder;
};

// The keys are those that MIT krb5's ktutil made of that password (vectors/krb5/keytab.vec).
TEST_F(Keytab, AddsTheKeysOfAPassword) {
  const auto done = add({"--principal", "user@EXAMPLE.TEST", "--kvno", "300", "--etype",
                         "aes256-cts-hmac-sha1-96", "--etype", "19"});
  ASSERT_EQ(done.exit_code, 0) << done.error;
  const auto listed = list({"--show-keys"});
  EXPECT_THAT(
      listed.output,
      ::testing::ContainsRegex("300  20..-..-..T..:..:..Z  user@EXAMPLE.TEST  "
                               "aes256-cts-hmac-sha1-96  "
                               "6c12fc8ddc8fa70f5b3b65f8f54820887d7a468b6667388a620f0362ae2ad379"));
  EXPECT_THAT(listed.output, HasSubstr("  aes128-cts-hmac-sha256-128  "
                                       "5b3eb49b90a878d164a00e1cb0319789\n"));
  EXPECT_THAT(list().output, Not(HasSubstr("6c12fc8d")));
  EXPECT_EQ(std::filesystem::status(folder / "keytab").permissions(), std::filesystem::perms(0600));
}

TEST_F(Keytab, AddsTheFourTypesWithAesByDefault) {
  ASSERT_EQ(add({"--principal", "smtp/host@R", "--kvno", "1"}).exit_code, 0);
  const std::string file = content_of(folder / "keytab");
  const auto keytab = parse_keytab(as_bytes(file));
  ASSERT_TRUE(keytab.has_value());
  std::vector<int32_t> etypes;
  for (const auto& entry : keytab.value()) etypes.push_back(entry.etype);
  EXPECT_EQ(etypes, (std::vector<int32_t>{18, 17, 20, 19}));
}

TEST_F(Keytab, TakesASaltThatIsGiven) {
  ASSERT_EQ(
      add({"--principal", "other@R", "--kvno", "1", "--etype", "18", "--salt", "EXAMPLE.TESTuser"})
          .exit_code,
      0);
  EXPECT_THAT(list({"--show-keys"}).output, HasSubstr("6c12fc8ddc8fa70f"));
}

TEST_F(Keytab, KeepsWhatIsThereAndRefusesTheSameTwice) {
  const Bytes old = vector("krb5/keytab.vec", "KeytabWithHoles");
  folder.write("keytab", text(old), 0644);
  ASSERT_EQ(add({"--principal", "smtp/host@R", "--kvno", "1", "--etype", "18"}).exit_code, 0);
  const std::string file = content_of(folder / "keytab");
  EXPECT_EQ(file.substr(0, old.size()), text(old));
  EXPECT_EQ(std::filesystem::status(folder / "keytab").permissions(), std::filesystem::perms(0600));
  const auto again = add({"--principal", "smtp/host@R", "--kvno", "1"});
  EXPECT_EQ(again.exit_code, 65);
  EXPECT_THAT(again.error, HasSubstr("already"));
  EXPECT_EQ(content_of(folder / "keytab"), file);
}

TEST_F(Keytab, LeavesAFileThatIsNoKeyTableAlone) {
  folder.write("keytab", "something else");
  const auto refused = add({"--principal", "smtp/host@R", "--kvno", "1"});
  EXPECT_EQ(refused.exit_code, 65);
  EXPECT_THAT(refused.error, HasSubstr("keytab.version"));
  EXPECT_EQ(content_of(folder / "keytab"), "something else");
  EXPECT_EQ(list().exit_code, 65);
}

TEST_F(Keytab, RefusesWhatItCannotAdd) {
  for (const testing::Arguments& wrong :
       {testing::Arguments{"--principal", "smtp/host@R"},
        {"--kvno", "1"},
        {"--principal", "smtp/host@R", "--kvno", "0"},
        {"--principal", "smtp/host", "--kvno", "1"},
        {"--principal", "smtp/host@R@R", "--kvno", "1"},
        {"--principal", "smtp/host@R", "--kvno", "1", "--etype", "des-cbc-crc"},
        {"--principal", "smtp/host@R", "--kvno", "1", "--etype", "16"}})
    EXPECT_EQ(add(wrong).exit_code, 64) << wrong.back();
  EXPECT_FALSE(std::filesystem::exists(folder / "keytab"));
}

TEST_F(Keytab, SaysThatThereIsNone) {
  EXPECT_EQ(list().exit_code, 66);
}

TEST_F(Keytab, SaysThatAFolderCannotBeRead) {
  std::filesystem::create_directory(folder / "keytab");
  EXPECT_EQ(list().exit_code, 66);
  EXPECT_EQ(add({"--principal", "smtp/host@R", "--kvno", "1"}).exit_code, 66);
}

TEST_F(Keytab, ListsNoControlCharacters) {
  mechs::krb5::KeytabEntry entry;
  const Principal principal = Principal(1, "R").add("a\x1b[2J");
  entry.principal = principal.view();
  const auto file = mechs::krb5::write_keytab(std::span(&entry, 1));
  folder.write("keytab", as_text(file.value().view()));
  EXPECT_THAT(list().output, HasSubstr("  a\\x1b[2J@R  null\n"));
}

struct Caches : ::testing::Test {
  // A cache of alice@R with a ticket that lasts from `start` to `end`.
  std::string write(uint32_t start, uint32_t end, uint32_t authtime = 1,
                    const std::optional<mechs::krb5::KdcOffset>& offset = std::nullopt) {
    const Principal alice = parse_principal("alice@R", "").value();
    const Principal tgs = parse_principal("krbtgt/R@R", "").value();
    CcacheCredential credential;
    credential.client = alice.view();
    credential.server = tgs.view();
    credential.etype = 18;
    credential.authtime = authtime;
    credential.starttime = start;
    credential.endtime = end;
    credential.renew_till = 1000000000;
    credential.ticket_flags = 0x40000000;
    const auto file = mechs::krb5::write_ccache(alice.view(), offset, std::span(&credential, 1));
    return folder.write("cc", as_text(file.value().view()));
  }
  TempFolder folder;
};

TEST_F(Caches, KlistShowsTicketsAndTheirTimes) {
  const auto listed = run({"klist", "--ccache", "FILE:" + write(1000, 0xfffffff0)});
  EXPECT_EQ(listed.exit_code, 0) << listed.error;
  EXPECT_THAT(listed.output, HasSubstr("principal: alice@R\n"
                                       "1970-01-01T00:16:40Z  2106-02-07T06:28:00Z  krbtgt/R@R\n"
                                       "  key aes256-cts-hmac-sha1-96, renewable until "
                                       "2001-09-09T01:46:40Z, forwardable\n"));
}

TEST_F(Caches, KlistSaysWhichAreOfNoUse) {
  EXPECT_THAT(run({"klist", "--ccache", write(1000, 2000)}).output, HasSubstr("R  (expired)"));
  EXPECT_THAT(run({"klist", "--ccache", write(0xffffff00, 0xfffffff0)}).output,
              HasSubstr("R  (not valid yet)"));
}

// A device without a clock: by its own time no ticket would be good yet.
TEST_F(Caches, P16_KlistGoesByTheKdcsClock) {
  const auto now = static_cast<uint32_t>(system_clock().now() / 1'000'000);
  const auto ahead = run({"klist", "--ccache", write(now + 7200, now + 9000, 1, {{7200, 0}})});
  EXPECT_THAT(ahead.output, HasSubstr("the KDC's is 7200 seconds ahead of this device's\n"));
  EXPECT_THAT(ahead.output, HasSubstr("krbtgt/R@R\n"));
  const auto behind = run({"klist", "--ccache", write(now - 9000, now - 1000, 1, {{-7200, 0}})});
  EXPECT_THAT(behind.output, HasSubstr("the KDC's is 7200 seconds behind this device's\n"));
  EXPECT_THAT(behind.output, HasSubstr("krbtgt/R@R\n"));
  EXPECT_THAT(run({"klist", "--ccache", write(now - 9000, now + 5000, 1, {{7200, 0}})}).output,
              HasSubstr("R  (expired)"));
  const auto same = run({"klist", "--ccache", write(now + 30, now + 9000)});
  EXPECT_THAT(same.output, HasSubstr("krbtgt/R@R\n")) << "a difference that everybody allows";
  EXPECT_THAT(same.output, Not(HasSubstr("clock:")));
}

TEST_F(Caches, KlistLeavesOutWhatIsNoTicketUnlessAsked) {
  const std::string removed = write(1000, 0, 0xffffffff);
  EXPECT_THAT(run({"klist", "--ccache", removed}).output, Not(HasSubstr("krbtgt")));
  EXPECT_THAT(run({"klist", "--all", "--ccache", removed}).output, HasSubstr("(removed)"));
  const std::string of_kinit = folder.write("kinit", text(vector("krb5/ccache.vec", "Kinit", 3)));
  EXPECT_THAT(run({"klist", "--ccache", of_kinit}).output, Not(HasSubstr("X-CACHECONF")));
  EXPECT_THAT(run({"klist", "--all", "--ccache", of_kinit}).output, HasSubstr("a setting"));
}

TEST_F(Caches, KlistRefusesWhatIsNoCacheFile) {
  EXPECT_EQ(run({"klist", "--ccache", folder / "none"}).exit_code, 66);
  EXPECT_EQ(run({"klist", "--ccache", folder.path()}).exit_code, 66);
  EXPECT_EQ(run({"klist", "--ccache", folder.write("x", "text")}).exit_code, 65);
  for (const char* kind : {"KCM:", "KEYRING:persistent:0", "DIR:/tmp", "MEMORY:x"})
    EXPECT_EQ(run({"klist", "--ccache", kind}).exit_code, 78) << kind;
}

TEST_F(Caches, KdestroyDeletesACache) {
  const std::string path = write(1000, 2000);
  const std::string other = folder / "other";
  std::filesystem::create_hard_link(path, other);
  EXPECT_EQ(run({"kdestroy", "--ccache", path}).exit_code, 0);
  EXPECT_FALSE(std::filesystem::exists(path));
  const std::string left = content_of(other);
  EXPECT_FALSE(left.empty());
  EXPECT_EQ(left, std::string(left.size(), '\0'));
  EXPECT_EQ(run({"kdestroy", "--ccache", path}).exit_code, 66);
}

TEST_F(Caches, KdestroyLeavesOtherFilesAlone) {
  const std::string keytab = folder.write("keytab", text(vector("krb5/keytab.vec", "Keytab")));
  const std::string link = folder / "link";
  std::filesystem::create_symlink(write(1000, 2000), link);
  EXPECT_EQ(run({"kdestroy", "--ccache", keytab}).exit_code, 65);
  EXPECT_EQ(run({"kdestroy", "--ccache", folder.write("text", "hello")}).exit_code, 65);
  EXPECT_EQ(run({"kdestroy", "--ccache", link}).exit_code, 74);
  EXPECT_TRUE(std::filesystem::exists(keytab));
  EXPECT_TRUE(std::filesystem::exists(folder / "cc"));
}

TEST(Krb5Paths, ComeFromTheOptionThenTheEnvironmentThenTheDefault) {
  ::setenv("KRB5_KTNAME", "FILE:/env/keytab", 1);
  ::setenv("KRB5CCNAME", "/env/cache", 1);
  EXPECT_EQ(keytab_path("WRFILE:/a").value(), "/a");
  EXPECT_EQ(keytab_path("").value(), "/env/keytab");
  EXPECT_EQ(ccache_path("").value(), "/env/cache");
  ::unsetenv("KRB5_KTNAME");
  ::unsetenv("KRB5CCNAME");
  EXPECT_EQ(keytab_path("").value(), "/etc/krb5.keytab");
  EXPECT_EQ(ccache_path("").value(), "/tmp/krb5cc_" + std::to_string(::getuid()));
  EXPECT_EQ(ccache_path("C:x").value(), "C:x");
}

TEST(Krb5Names, OfEtypesGoBothWays) {
  for (const std::string& name : etypes_with_aes())
    EXPECT_EQ(etype_name(*etype_of_name(name)), name);
  EXPECT_EQ(etype_name(1000), "etype 1000");
  EXPECT_EQ(etype_of_name("AES256-CTS-HMAC-SHA1-96"), 18);
  EXPECT_EQ(etype_of_name("17"), 17);
  EXPECT_EQ(etype_of_name("23").has_value(), etype_of_name("RC4-HMAC").has_value());
  for (const char* none : {"", "1", "18x", "des", "-1"}) EXPECT_FALSE(etype_of_name(none)) << none;
}

// Every field of every file stands inside it, and its octets are those of the file.
void expect_octets_of(const Bytes& file, const json& field) {
  const size_t offset = field["offset"], length = field["length"];
  ASSERT_LE(offset + length, file.size()) << field.dump();
  const json& value = field["value"];
  if (value.is_object()) {
    for (const auto& child : value) expect_octets_of(file, child);
  } else if (value.is_array()) {
    for (const auto& child : value) expect_octets_of(file, child);
  }
}

uint64_t number_at(const Bytes& file, const json& field) {
  uint64_t value = 0;
  for (size_t i = 0; i < field["length"].get<size_t>(); ++i)
    value = value << 8 | file.at(field["offset"].get<size_t>() + i);
  return value;
}

TEST(DecodeKrb5Files, P22_ShowsAKeyTableWithoutItsKeys) {
  const Bytes file = vector("krb5/keytab.vec", "Keytab");
  const auto hidden = decode_token(file);
  ASSERT_TRUE(hidden.has_value());
  EXPECT_EQ(hidden.value().kind, "krb5.keytab");
  const json token = json::parse(render_json(hidden.value()))["token"];
  expect_octets_of(file, token["entries"]);
  const json& entry = token["entries"]["value"][2]["value"];
  EXPECT_EQ(entry["principal"]["value"], "user@EXAMPLE.TEST");
  EXPECT_EQ(entry["key"]["value"], "<secret>");
  EXPECT_EQ(entry["32-bit key version"]["value"], 300);
  for (const char* name : {"timestamp", "key version", "enctype", "32-bit key version"})
    EXPECT_EQ(entry[name]["value"], number_at(file, entry[name])) << name;
  EXPECT_THAT(render_text(hidden.value(), {}), Not(HasSubstr("6c12fc8d")));
  const auto shown = decode_token(file, {}, true);
  EXPECT_THAT(render_json(shown.value()), HasSubstr("\"5b3eb49b90a878d164a00e1cb0319789\""));
}

TEST(DecodeKrb5Files, ShowsCachesOfEveryVersion) {
  for (size_t version = 1; version <= 4; ++version) {
    const Bytes file = vector("krb5/ccache.vec", "Marshalled", version - 1);
    if (version <= 2 && std::endian::native != std::endian::little) continue;
    const auto decoded = decode_token(file, version <= 2 ? "krb5.ccache" : "");
    ASSERT_TRUE(decoded.has_value()) << version;
    const json token = json::parse(render_json(decoded.value()))["token"];
    EXPECT_EQ(token["version"]["value"], version);
    expect_octets_of(file, token["credentials"]);
    const json& credential = token["credentials"]["value"][0]["value"];
    EXPECT_EQ(credential["server"]["value"], "test/host@EXAMPLE.COM");
    EXPECT_EQ(credential["ticket"]["value"], "7469636b6574");
    EXPECT_EQ(credential["key"]["value"], "<secret>");
    EXPECT_EQ(credential["ticket_flags"]["names"], (json{"forwardable", "renewable"}));
    if (version < 3) continue;
    for (const char* name : {"enctype", "endtime", "is_skey", "ticket_flags", "renew_till"})
      EXPECT_EQ(credential[name]["value"], number_at(file, credential[name])) << name;
  }
}

TEST(DecodeKrb5Files, SaysWhatIsWrongWithAFile) {
  Bytes file = vector("krb5/keytab.vec", "Keytab");
  file.resize(file.size() - 1);
  const auto refused = decode_token(file);
  ASSERT_FALSE(refused.has_value());
  EXPECT_STREQ(refused.error().where, "keytab.record length");
}

TEST(DecodeKrb5Files, ShowsKeysOnlyWhereTheCommandLineSaysSo) {
  const std::string hex = pocketgss::testing::hex(vector("krb5/keytab.vec", "Keytab"));
  EXPECT_THAT(run({"decode"}, hex).output, Not(HasSubstr("6c12fc8d")));
  EXPECT_THAT(run({"decode", "--show-keys"}, hex).output, HasSubstr("key: 6c12fc8d"));
}

}  // namespace
}  // namespace pocketgss::tools
