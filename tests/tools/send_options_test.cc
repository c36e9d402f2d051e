// What options of `send` do on the wire, seen by a server of the test's own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include <pocketgss/base64.h>

#include "tests/tools/support/kdc_server.h"
#include "tests/tools/support/recorded_ntlm.h"
#include "tests/tools/support/scripted_server.h"
#include "tests/tools/support/serve_process.h"

namespace pocketgss::tools {
namespace {

using testing::Arguments;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::KdcServer;
using ::testing::MatchesRegex;
using testing::Outcome;
using testing::ScriptedServer;
using testing::ServeProcess;
using ::testing::StartsWith;

constexpr size_t kAutoLimit = 512;  // octets of the AUTH line, with its end

// refuses_logins answers as far as a login, and refuses that.
std::string refuses_logins(const std::string& line) {
  if (line.starts_with("EHLO ")) return "250-scripted\r\n250 AUTH GSSAPI NTLM";
  if (line == "AUTH NTLM" || line == "AUTH GSSAPI") return "334 ";
  if (line == "QUIT") return "221 2.0.0 Bye";
  return "535 5.7.8 No";
}

// recorded_challenge is a CHALLENGE of Samba, in base64.
std::string recorded_challenge() {
  for (const auto& token : pocketgss::testing::recorded_ntlm()) {
    const bool samba = token.where.find("samba.vec") != std::string::npos;
    if (samba && token.message_type() == 2) return base64_encode(token.message());
  }
  return "";
}

struct SendOptions : ::testing::Test {
  Outcome send(const std::string& server, Arguments more) {
    Arguments all = {"send",   "--server",       server, "--tls",         "none",
                     "--from", "a@example.test", "--to", "b@example.test"};
    all.insert(all.end(), more.begin(), more.end());
    return testing::run(all, "Subject: hello\n\ntext\n");
  }
  Arguments with_password(Arguments more, const char* user, const char* password) {
    more.insert(more.end(),
                {"--user", user, "--password-file", folder.write("password", password)});
    return more;
  }
  // lines_of are those that the server gets of a login as bob, which it refuses.
  std::vector<std::string> lines_of(const Arguments& more) {
    ScriptedServer server(refuses_logins);
    Arguments all = with_password({"--mech", "NTLM"}, "bob", "password");
    all.insert(all.end(), more.begin(), more.end());
    const auto sent = send(server.address(), all);
    EXPECT_EQ(sent.exit_code, 77) << sent.error;
    return server.lines();
  }
  // kerberos_lines are those of a Kerberos login, whose first token is a long one.
  std::vector<std::string> kerberos_lines(const Arguments& more) {
    Runtime runtime = Runtime::create().value();
    pocketgss::testing::FakeKdc kdc(runtime, "EXAMPLE.TEST");
    kdc.add_user("alice", "Password1").etypes = {17};
    kdc.add_service("smtp/mail.example.test");
    const KdcServer kdc_server(kdc);
    ScriptedServer server(refuses_logins);
    Arguments all = with_password(
        {"--mech", "GSSAPI", "--kdc", kdc_server.address(), "--spn", "smtp/mail.example.test"},
        "alice@EXAMPLE.TEST", "Password1");
    all.insert(all.end(), more.begin(), more.end());
    const auto sent = send(server.address(), all);
    EXPECT_EQ(sent.exit_code, 77) << sent.error;
    return server.lines();
  }
  testing::TempFolder folder;
};

// --- --initial-response ---

TEST_F(SendOptions, SSEAN_C4_InitialResponseAutoPutsAShortTokenIntoAuth) {
  for (const Arguments& option : {Arguments{}, Arguments{"--initial-response", "auto"}})
    EXPECT_THAT(lines_of(option).at(1), StartsWith("AUTH NTLM TlRMTVNTUAAB"));
}

TEST_F(SendOptions, SSEAN_C4_InitialResponseAutoSendsALongTokenAfterThe334) {
  for (const Arguments& option : {Arguments{}, Arguments{"--initial-response", "auto"}}) {
    const auto lines = kerberos_lines(option);
    ASSERT_GE(lines.size(), 3u);
    EXPECT_EQ(lines[1], "AUTH GSSAPI");
    EXPECT_THAT(lines[2], StartsWith("YII"));
    EXPECT_GT(lines[1].size() + 1 + lines[2].size() + 2, kAutoLimit);
  }
}

TEST_F(SendOptions, SSEAN_C4_InitialResponseAlwaysPutsALongTokenIntoAuth) {
  const auto lines = kerberos_lines({"--initial-response", "always"});
  EXPECT_THAT(lines.at(1), StartsWith("AUTH GSSAPI YII"));
  EXPECT_GT(lines[1].size() + 2, kAutoLimit);
}

TEST_F(SendOptions, SSEAN_C4_InitialResponseNeverSendsAShortTokenAfterThe334) {
  const auto lines = lines_of({"--initial-response", "never"});
  ASSERT_GE(lines.size(), 3u);
  EXPECT_EQ(lines[1], "AUTH NTLM");
  EXPECT_THAT(lines[2], StartsWith("TlRMTVNTUAAB"));
}

// --- --ehlo ---

TEST_F(SendOptions, EhloIsTheNameThatIsGiven) {
  EXPECT_EQ(lines_of({"--ehlo", "printer.example.test"}).at(0), "EHLO printer.example.test");
}

TEST_F(SendOptions, EhloIsAFullNameOrAnAddressWhereNoneIsGiven) {
  EXPECT_THAT(lines_of({}).at(0), MatchesRegex("EHLO (\\[127\\.0\\.0\\.1\\]|[^ ]+\\.[^ ]+)"));
}

// --- --spn ---

TEST_F(SendOptions, TheServiceIsThatOfTheHostWithoutItsLastDot) {
  const std::string host = std::string(64, 'a') + ".test";  // which has no address
  Runtime runtime = Runtime::create().value();
  pocketgss::testing::FakeKdc kdc(runtime, "EXAMPLE.TEST");
  kdc.add_user("alice", "Password1").etypes = {17};
  kdc.add_service("smtp/" + host);
  const KdcServer kdc_server(kdc);
  for (const std::string& given : {host, host + "."}) {
    const auto sent = send(given, with_password({"--kdc", kdc_server.address(), "-v"},
                                                "alice@EXAMPLE.TEST", "Password1"));
    EXPECT_THAT(sent.error, HasSubstr("for smtp/" + host + "@EXAMPLE.TEST"));
    EXPECT_EQ(sent.exit_code, 68) << sent.error;
  }
}

// --- --inner ---

TEST_F(SendOptions, InnerLeavesTheFileThatFollowsIt) {
  const auto sent = send(
      "127.0.0.1:1", with_password({"--inner", "kerberos,ntlm", "/nonexistent/mail"}, "bob", "x"));
  EXPECT_EQ(sent.exit_code, 66) << sent.error;
  EXPECT_THAT(sent.error, HasSubstr("'/nonexistent/mail'"));
}

// --- --timeout ---

TEST_F(SendOptions, TimeoutEndsTheWaitForAnAnswer) {
  ScriptedServer server([](const std::string&) { return ""; });
  const auto begin = std::chrono::steady_clock::now();
  const auto sent = send(server.address(),
                         with_password({"--mech", "NTLM", "--timeout", "1"}, "bob", "password"));
  const auto took = std::chrono::steady_clock::now() - begin;
  EXPECT_EQ(sent.exit_code, 75) << sent.error;
  EXPECT_THAT(sent.error, HasSubstr("the server did not answer in time; try again later"));
  EXPECT_GE(took, std::chrono::seconds(1));
  EXPECT_LT(took, std::chrono::seconds(10));
  EXPECT_THAT(server.lines(), ElementsAre(StartsWith("EHLO ")));
}

// takes_logins takes any login by NTLM, which the server has no proof of, and then what it is given.
std::string takes_logins(const std::string& line) {
  if (line.starts_with("EHLO ")) return "250-scripted\r\n250 AUTH NTLM";
  if (line.starts_with("AUTH NTLM ")) return "334 " + recorded_challenge();
  if (line == "DATA") return "354 go on";
  const bool content = line.empty() || line == "text" || line.starts_with("Subject: ");
  if (line == "." || content) return "";
  return line.starts_with("TlRMTVNTUAAD") ? "235 2.7.0 OK" : "250 OK";
}

TEST_F(SendOptions, TimeoutIsOfTheAnswerToTheMessageToo) {
  ScriptedServer server(takes_logins);
  const auto sent = send(server.address(),
                         with_password({"--mech", "NTLM", "--timeout", "1"}, "bob", "password"));
  EXPECT_EQ(sent.exit_code, 75) << sent.error;
  EXPECT_THAT(sent.error, HasSubstr("the server may have taken the message"));
}

TEST_F(SendOptions, TimeoutIsFromASecondToAnHour) {
  for (const char* seconds : {"0", "3601", "-1", "x"}) {
    const auto sent =
        send("127.0.0.1:1", with_password({"--mech", "NTLM", "--timeout", seconds}, "bob", "x"));
    EXPECT_EQ(sent.exit_code, 64) << seconds;
    EXPECT_THAT(sent.error, HasSubstr("--timeout")) << seconds;
  }
}

// --- --nt-hash-file ---

struct SendWithHash : SendOptions {
  Outcome send_with(const std::string& file) {
    return send("127.0.0.1:" + std::to_string(serve.port()),
                {"--mech", "NTLM", "--user", "bob", "--nt-hash-file", file});
  }
  ServeProcess serve;
};

TEST_F(SendWithHash, LogsInWithoutAPassword) {
  ASSERT_TRUE(serve.start()) << serve.log();
  const auto sent = send_with(folder.write("hash", "8846F7EAEE8FB117AD06BDD830B7586C\n"));
  EXPECT_EQ(sent.exit_code, 0) << sent.error;
  EXPECT_TRUE(serve.logged("login: user='bob'")) << serve.log();
  EXPECT_EQ(serve.messages().size(), 1u);
}

TEST_F(SendWithHash, IsRefusedWithAnotherOne) {
  ASSERT_TRUE(serve.start()) << serve.log();
  const auto sent = send_with(folder.write("hash", "00112233445566778899aabbccddeeff"));
  EXPECT_EQ(sent.exit_code, 77);
  EXPECT_TRUE(serve.messages().empty());
}

// Kerberos lacks the realm here, and NTLM then takes what Kerberos has read.
TEST_F(SendWithHash, P8_ReadsAPipeOnceForBothMechanisms) {
  ASSERT_TRUE(serve.start()) << serve.log();
  constexpr std::string_view kHash = "8846f7eaee8fb117ad06bdd830b7586c";
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  ASSERT_EQ(::write(pipe[1], kHash.data(), kHash.size()), static_cast<ssize_t>(kHash.size()));
  ::close(pipe[1]);
  const auto sent =
      send("127.0.0.1:" + std::to_string(serve.port()),
           {"--inner", "kerberos,ntlm", "--spn", "smtp/mail.example.test", "--user", "bob",
            "--allow-rc4", "--nt-hash-file",
            "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(pipe[0])});
  ::close(pipe[0]);
  EXPECT_EQ(sent.exit_code, 0) << sent.error;
  EXPECT_THAT(sent.error, HasSubstr("NTLM is offered alone"));
}

TEST_F(SendWithHash, TakesThirtyTwoDigitsAndNothingElse) {
  ASSERT_TRUE(serve.start()) << serve.log();
  for (const char* content : {"", "8846f7eaee8fb117ad06bdd830b7586", "password",
                              "8846f7eaee8fb117ad06bdd830b7586c8846f7eaee8fb117ad06bdd830b7586c"}) {
    const auto sent = send_with(folder.write("hash", content));
    EXPECT_EQ(sent.exit_code, 65) << content;
    EXPECT_THAT(sent.error, HasSubstr("does not hold an NT hash: 32 hexadecimal digits"));
  }
  EXPECT_EQ(send_with("/nonexistent/hash").exit_code, 66);
}

}  // namespace
}  // namespace pocketgss::tools
