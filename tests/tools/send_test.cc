// The verb `send`, as a process: against `serve` on loopback, and where it does not come so far.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/tools/support/scripted_server.h"
#include "tests/tools/support/serve_process.h"

namespace pocketgss::tools {
namespace {

using testing::Arguments;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Outcome;
using testing::ScriptedServer;
using testing::ServeProcess;

constexpr const char* kMail = "Subject: hello\n\ntext\n";

Arguments joined(Arguments first, const Arguments& rest) {
  first.insert(first.end(), rest.begin(), rest.end());
  return first;
}

Outcome send(const std::string& server, const Arguments& more) {
  return testing::run(
      joined({"send", "--server", server, "--from", "a@example.test", "--to", "b@example.test"},
             more),
      kMail);
}

// Send has what every login needs: the account bob, and his password in a file.
struct Send : ::testing::Test {
  Arguments bob(const Arguments& more) {
    return joined({"--user", "bob", "--password-file", folder.write("password", "password\n")},
                  more);
  }
  testing::TempFolder folder;
};

std::string on_loopback(const ServeProcess& serve) {
  return "127.0.0.1:" + std::to_string(serve.port());
}

// --- where it connects to ---

// Nobody listens at the broadcast address, so the error names the port in any environment.
TEST_F(Send, ConnectsToTheDefaultPortOfItsTls) {
  const std::string nowhere = "255.255.255.255";
  const auto error = [&](const Arguments& more) {
    return send(nowhere, bob(joined({"--mech", "NTLM"}, more))).error;
  };
  EXPECT_THAT(error({}), HasSubstr("cannot connect to " + nowhere + ":587: "));
  EXPECT_THAT(error({"--tls", "starttls"}), HasSubstr("cannot connect to " + nowhere + ":587: "));
  EXPECT_THAT(error({"--tls", "implicit"}), HasSubstr("cannot connect to " + nowhere + ":465: "));
  EXPECT_THAT(error({"--tls", "none"}), HasSubstr("cannot connect to " + nowhere + ":25: "));
}

TEST_F(Send, TakesAnIpv6AddressInBrackets) {
  ServeProcess serve;
  ASSERT_TRUE(serve.start({}, "[::1]:0")) << serve.log();
  const auto sent =
      send("[::1]:" + std::to_string(serve.port()), bob({"--tls", "none", "--mech", "NTLM"}));
  EXPECT_EQ(sent.exit_code, 0) << sent.error;
  EXPECT_EQ(serve.messages().size(), 1u);

  // Multicast has no connections.
  EXPECT_THAT(send("[ff02::1]", bob({"--mech", "NTLM"})).error,
              HasSubstr("cannot connect to [ff02::1]:587: "));
  const auto bare = send("::1", bob({"--mech", "NTLM"}));
  EXPECT_EQ(bare.exit_code, 64);
  EXPECT_THAT(bare.error, HasSubstr("--server takes HOST, HOST:PORT or [IPV6]:PORT, not '::1'"));
}

TEST_F(Send, ChecksTheCertificateForAnAddressWithoutItsZone) {
  ServeProcess serve;
  ASSERT_TRUE(serve.start_with_tls({}, "[::1]:0")) << serve.log();
  const auto sent = send("[::1%1]:" + std::to_string(serve.port()),
                         bob({"--ca", PGSS_TEST_DATA "/ca.pem", "--mech", "NTLM"}));
  EXPECT_EQ(sent.exit_code, 0) << sent.error;
  EXPECT_EQ(serve.messages().size(), 1u);
}

// --- how it ends ---

// A label of 64 octets, which every resolver refuses without asking anybody.
TEST_F(Send, Says68WhereTheNameHasNoAddress) {
  const auto sent = send(std::string(64, 'a') + ".test", bob({"--mech", "NTLM"}));
  EXPECT_EQ(sent.exit_code, 68) << sent.error;
  EXPECT_THAT(sent.error, HasSubstr("cannot find the server 'aaaa"));
}

TEST_F(Send, Says76WhereTheCertificateIsNotTrustedAndWhereTheServerSpeaksNoSmtp) {
  ServeProcess serve;
  ASSERT_TRUE(serve.start_with_tls()) << serve.log();
  const auto distrusted =
      send(on_loopback(serve), bob({"--ca", PGSS_TEST_DATA "/other-ca.pem", "--mech", "NTLM"}));
  EXPECT_EQ(distrusted.exit_code, 76) << distrusted.error;
  EXPECT_TRUE(serve.messages().empty());

  ScriptedServer no_smtp([](const std::string&) { return "HTTP/1.1 400 Bad Request"; });
  const auto strange = send(no_smtp.address(), bob({"--tls", "none", "--mech", "NTLM"}));
  EXPECT_EQ(strange.exit_code, 76) << strange.error;
}

// --- what it logs in with ---

TEST_F(Send, NeedsAPasswordFileWhereThereIsNoTerminal) {
  const auto refused = send("mail.example.test", {"--user", "bob", "--mech", "NTLM"});
  EXPECT_EQ(refused.exit_code, 64);
  EXPECT_THAT(refused.error, HasSubstr("there is no terminal to ask on; use --password-file"));
}

TEST_F(Send, P1_UsesNtlmOnlyWhereInnerNamesIt) {
  ServeProcess serve;
  ASSERT_TRUE(serve.start()) << serve.log();
  const auto refused =
      send(on_loopback(serve), bob({"--tls", "none", "--mech", "NTLM", "--inner", "kerberos"}));
  EXPECT_EQ(refused.exit_code, 78);
  EXPECT_THAT(refused.error, HasSubstr("P1: NTLM only where it is named"));
  EXPECT_TRUE(serve.messages().empty());
}

TEST_F(Send, P1_AnAddressLeavesNothingWhereOnlyKerberosIsNamed) {
  ServeProcess serve;
  ASSERT_TRUE(serve.start()) << serve.log();
  for (const Arguments& inner : {Arguments{}, Arguments{"--inner", "kerberos"}}) {
    const auto refused = send(on_loopback(serve), bob(joined({"--tls", "none"}, inner)));
    EXPECT_EQ(refused.exit_code, 78);
    EXPECT_THAT(refused.error, HasSubstr("Kerberos needs the name of the server, and this is an "
                                         "address: name it in --server, or its service in --spn"));
    EXPECT_THAT(refused.error,
                HasSubstr("NTLM is used only where you name it: --inner kerberos,ntlm"));
  }
  EXPECT_TRUE(serve.messages().empty());
}

TEST_F(Send, AnAddressWithAZoneIsAnAddress) {
  const auto refused = send("[::1%1]:1", bob({"--tls", "none"}));
  EXPECT_EQ(refused.exit_code, 78);
  EXPECT_THAT(refused.error, HasSubstr("Kerberos needs the name of the server, and this is an "));
}

TEST_F(Send, P8_AnAddressLeavesNtlmWhereItIsNamed) {
  ServeProcess serve;
  ASSERT_TRUE(serve.start()) << serve.log();
  const auto sent =
      send(on_loopback(serve), bob({"--tls", "none", "--inner", "kerberos,ntlm", "-v"}));
  EXPECT_EQ(sent.exit_code, 0) << sent.error;
  EXPECT_THAT(sent.error, HasSubstr("this is an address"));
  EXPECT_THAT(sent.error, HasSubstr("; NTLM is offered alone\n"));
  EXPECT_TRUE(serve.logged("mechanism=GSSAPI/NTLM")) << serve.log();
  EXPECT_EQ(serve.messages().size(), 1u);
}

// DOMAIN\user has no realm, and Kerberos is not possible without one.
TEST_F(Send, P8_AUserWithoutARealmLeavesNtlmWhereItIsNamed) {
  ServeProcess serve;
  ASSERT_TRUE(serve.start()) << serve.log();
  const Arguments named = {"--tls",           "none",
                           "--inner",         "kerberos,ntlm",
                           "--spn",           "smtp/mail.example.test",
                           "--password-file", folder.write("password", "password\n")};
  for (const char* user : {"bob", "MAIL\\bob"}) {
    const auto sent = send(on_loopback(serve), joined(named, {"--user", user}));
    EXPECT_EQ(sent.exit_code, 0) << sent.error;
    EXPECT_THAT(sent.error, HasSubstr("the user's realm is not known"));
    EXPECT_THAT(sent.error, HasSubstr("; NTLM is offered alone\n"));
  }
  // A setting that is wrong is told, whatever else there is.
  const auto wrong = send(on_loopback(serve), joined(named, {"--user", "a@b@c"}));
  EXPECT_EQ(wrong.exit_code, 64) << wrong.error;
  EXPECT_EQ(
      send(on_loopback(serve), joined(named, {"--user", "bob", "--kdc", "[::1", "--realm", "R"}))
          .exit_code,
      64);
  const auto alone =
      send(on_loopback(serve), bob({"--tls", "none", "--spn", "smtp/mail.example.test"}));
  EXPECT_EQ(alone.exit_code, 64);
  EXPECT_THAT(alone.error, HasSubstr("NTLM is used only where you name it"));
  EXPECT_EQ(serve.messages().size(), 2u);
}

// --- channel bindings ---

// A server whose certificate has no tls-server-end-point (RFC 5929 4.1), though its channel has
// bindings of other types, which it takes.
struct SendWithoutEndPoint : Send {
  bool start() {
    return serve.start({"--tls-cert", PGSS_TEST_DATA "/signed-by-ed25519.pem", "--tls-key",
                        PGSS_TEST_DATA "/signed-by-ed25519.key"});
  }
  Outcome send_bound(const std::string& requirement) {
    return send(on_loopback(serve), bob({"--ca", PGSS_TEST_DATA "/ed25519-ca.pem", "--mech", "NTLM",
                                         "--channel-binding", requirement, "-v"}));
  }
  ServeProcess serve;
};

TEST_F(SendWithoutEndPoint, P5_CHB_1_SendsNoAuthWhereABindingIsRequired) {
  ASSERT_TRUE(start()) << serve.log();
  const auto refused = send_bound("require");
  EXPECT_EQ(refused.exit_code, 78);
  EXPECT_THAT(refused.error, HasSubstr("P5: channel binding required"));
  EXPECT_THAT(refused.error, HasSubstr("certificate of 127.0.0.1 checked"));
  EXPECT_THAT(refused.error, Not(HasSubstr("C: AUTH")));
  EXPECT_TRUE(serve.messages().empty());
}

TEST_F(SendWithoutEndPoint, P5_CHB_1_LogsInWithoutABindingWhereItIsNotRequired) {
  ASSERT_TRUE(start()) << serve.log();
  const auto sent = send_bound("when-supported");
  EXPECT_EQ(sent.exit_code, 0) << sent.error;
  EXPECT_TRUE(serve.logged("channel-bound=no")) << serve.log();
  EXPECT_THAT(sent.error, HasSubstr("C: AUTH"));
  EXPECT_THAT(sent.error, Not(HasSubstr("bound to the TLS channel")));
  EXPECT_EQ(serve.messages().size(), 1u);
}

}  // namespace
}  // namespace pocketgss::tools
