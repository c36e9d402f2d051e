// The way from options to tickets, with a KDC of the test's own on loopback.
#include "tools/krb5/tickets.h"

#include <CLI/CLI.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "mechs/krb5/crypto.h"
#include "mechs/krb5/kdc_policy.h"
#include "mechs/krb5/keytab.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fixed_random.h"
#include "tests/tools/support/kdc_server.h"
#include "tests/tools/support/temp_folder.h"

namespace pocketgss::tools {
namespace {

using pocketgss::testing::CountingRandom;
using pocketgss::testing::FakeClock;
using pocketgss::testing::FakeKdc;
using std::chrono::milliseconds;
using ::testing::HasSubstr;
using testing::KdcServer;

constexpr UnixMicros kDay = UnixMicros{24} * 3600 * 1'000'000;

struct KdcAccessTest : ::testing::Test {
  KdcAccessTest() {
    kdc.add_user("alice", "Password1").etypes = {17};
    kdc.add_service("smtp/one.example.test");
    kdc.add_service("smtp/two.example.test");
    options.kdcs = {server.address()};
  }
  std::shared_ptr<TicketSource> tickets() {
    return made({"alice@EXAMPLE.TEST", SecretBytes(std::string_view("Password1")), {}, {}});
  }

  std::shared_ptr<TicketSource> made(Whom whom) {
    auto out = read_tickets(options, conf, std::move(whom));
    if (auto* failed = std::get_if<TicketFailure>(&out)) {
      failure = *failed;
      return nullptr;
    }
    return std::get<std::shared_ptr<TicketSource>>(std::move(out));
  }
  Fallible<KdcAccess> access() { return KdcAccess::create(options, conf, *tickets()); }
  // got_by fetches a ticket, and gives its client, or what is told of a failure.
  std::string got_by(const std::shared_ptr<TicketSource>& source, std::string_view service) {
    auto kdcs = KdcAccess::create(options, conf, *source);
    const auto got = kdcs.value().fetch(runtime, source, service);
    if (const auto* failed = std::get_if<TicketFailure>(&got)) return failed->failure.message;
    return std::get<Ticket>(got).client;
  }
  std::string keytab(std::string_view name) {
    const auto principal = mechs::krb5::parse_principal(name, "").value();
    const auto key =
        mechs::krb5::string_to_key(runtime.crypto(), mechs::krb5::Etype::kAes128CtsHmacSha1,
                                   as_bytes("Password1"), as_bytes("EXAMPLE.TESTalice"), 4096)
            .value();
    mechs::krb5::KeytabEntry entry;
    entry.principal = principal.view();
    entry.etype = 17;
    entry.key = key.view();
    entry.set_kvno(1);
    const SecretBytes file = mechs::krb5::write_keytab({&entry, 1}).value();
    return folder.write("keytab", as_text(file.view()));
  }
  std::string ccache(const std::shared_ptr<TicketSource>& source) {
    const SecretBytes file = write_ccache(*source).value();
    return folder.write("ccache", as_text(file.view()));
  }
  void set_conf(const std::string& text) { conf = Krb5Conf::parse(text).value(); }

  FakeClock clock{mechs::krb5::KdcPolicy{}.clock_floor + kDay};
  CountingRandom random, of_kdc;
  Runtime runtime = Runtime::create(clock, random).value();
  Runtime kdc_runtime = Runtime::create(clock, of_kdc).value();  // of the server's thread
  FakeKdc kdc{kdc_runtime, "EXAMPLE.TEST"};
  KdcServer server{kdc};
  KerberosOptions options;
  std::optional<Krb5Conf> conf;
  std::optional<TicketFailure> failure;
  testing::TempFolder folder;
};

TEST_F(KdcAccessTest, GetsTicketsUntilTheDeadline) {
  const auto source = tickets();
  auto kdcs = access();
  ASSERT_TRUE(kdcs.has_value());
  for (const char* service : {"", "smtp/one.example.test", "smtp/two.example.test"}) {
    const auto got = kdcs.value().fetch(runtime, source, service);
    EXPECT_TRUE(std::holds_alternative<Ticket>(got)) << service;
  }
  EXPECT_GE(server.by_tcp, 3);
}

TEST_F(KdcAccessTest, OneDeadlineIsForAllTickets) {
  constexpr milliseconds kDeadline{1'500};
  options.deadline = kDeadline;
  const auto source = tickets();
  auto kdcs = access();
  ASSERT_TRUE(kdcs.has_value());
  ASSERT_TRUE(
      std::holds_alternative<Ticket>(kdcs.value().fetch(runtime, source, "smtp/one.example.test")));
  std::this_thread::sleep_for(kDeadline);  // it counts from the first message on
  const int before = server.by_tcp;
  // The first has used the time up, and the KDC, which would answer, is not asked.
  const auto late = kdcs.value().fetch(runtime, source, "smtp/two.example.test");
  ASSERT_TRUE(std::holds_alternative<TicketFailure>(late));
  EXPECT_THAT(std::get<TicketFailure>(late).failure.message, HasSubstr("--kdc-deadline"));
  EXPECT_EQ(std::get<TicketFailure>(late).failure.exit_code, ExitCode::kTempFail);
  EXPECT_EQ(server.by_tcp, before);
  // What is there needs no KDC.
  EXPECT_TRUE(
      std::holds_alternative<Ticket>(kdcs.value().fetch(runtime, source, "smtp/one.example.test")));
  // Another run has a deadline of its own.
  auto another = access();
  EXPECT_TRUE(std::holds_alternative<Ticket>(
      another.value().fetch(runtime, source, "smtp/two.example.test")));
}

// RFC 4120 7.2.1: the program asks by TCP, and by UDP where it is told to.
TEST_F(KdcAccessTest, QuirkD6_UdpFirstByTheProgramsOption) {
  const auto fetch = [this] {
    auto kdcs = access();
    const auto got = kdcs.value().fetch(runtime, tickets(), "smtp/one.example.test");
    EXPECT_TRUE(std::holds_alternative<Ticket>(got));
  };
  fetch();
  EXPECT_GE(server.by_tcp, 2);
  EXPECT_EQ(server.by_udp, 0);

  server.by_tcp = 0;
  CLI::App verb;
  add_kerberos_options(verb, options);
  verb.parse("--udp-first");
  fetch();
  EXPECT_GE(server.by_udp, 2);
  EXPECT_EQ(server.by_tcp, 0);
}

// A closed port stands for the KDC that the krb5.conf names; that of --kdc is asked before it.
TEST_F(KdcAccessTest, NamedKdcsAreOfTheRealmOfTheTableOrCache) {
  const auto closed = pocketgss::testing::loopback_sockets();
  ::close(closed.tcp);
  ::close(closed.udp);
  const std::string dead = "127.0.0.1:" + std::to_string(closed.port);
  const auto source = tickets();
  ASSERT_EQ(got_by(source, ""), "alice@EXAMPLE.TEST");
  set_conf("[libdefaults]\n default_realm = OTHER.TEST\n[realms]\n EXAMPLE.TEST = {\n  kdc = " +
           dead + "\n }\n OTHER.TEST = {\n  kdc = " + dead + "\n }\n");
  EXPECT_EQ(got_by(made({"", {}, {}, ccache(source)}), "smtp/one.example.test"),
            "alice@EXAMPLE.TEST");
  options.keytab = keytab("alice@EXAMPLE.TEST");
  EXPECT_EQ(got_by(made({"alice", {}, {}, ""}), ""), "alice@EXAMPLE.TEST");
  const auto of_table = made({"", {}, {}, ""});
  EXPECT_EQ(got_by(of_table, "smtp/one.example.test"), "alice@EXAMPLE.TEST");
}

TEST_F(KdcAccessTest, ARealmWithoutAKdcIsNamed) {
  FakeKdc far{kdc_runtime, "O=FAR"};
  kdc.trust(far);
  kdc.referrals["smtp/far.test"] = "O=FAR";
  set_conf("[realms]\n EXAMPLE.TEST = {\n  kdc = " + server.address() + "\n }\n");
  options.kdcs.clear();
  const std::string told = got_by(tickets(), "smtp/far.test");
  EXPECT_THAT(told, HasSubstr("no KDC of the realm 'O=FAR', to which that of the user leads"));
  EXPECT_THAT(told, HasSubstr("--krb5-conf"));
  options.realm = "O=HERE";  // which is no domain, so DNS is not asked
  EXPECT_THAT(got_by(made({"alice", SecretBytes(std::string_view("p")), {}, {}}), ""),
              HasSubstr("no KDC of the realm 'O=HERE' can be found"));
}

// MIT krb5 does so too: a KDC that leads to no other realm need not.
TEST_F(KdcAccessTest, TheRealmOfAHostIsThatOfTheKrb5Conf) {
  FakeKdc far{kdc_runtime, "FAR.TEST"};
  far.add_service("smtp/mail.far.test");
  kdc.trust(far);
  KdcServer far_server(far);
  const std::string realms = "[realms]\n FAR.TEST = {\n  kdc = " + far_server.address() + "\n }\n";
  set_conf(realms);
  EXPECT_THAT(got_by(tickets(), "smtp/mail.far.test"), HasSubstr("KDC error 7"));
  set_conf(realms + "[domain_realm]\n .far.test = FAR.TEST\n .example.test = NOWHERE.TEST\n");
  const auto source = tickets();
  EXPECT_EQ(got_by(source, "smtp/mail.far.test"), "alice@EXAMPLE.TEST");
  const int before = far_server.answered();
  EXPECT_EQ(before, 1);
  const auto request = request_ticket(runtime, source, "smtp/mail.far.test").value();
  EXPECT_TRUE(std::holds_alternative<Ticket>(request->start().value()))
      << "a context, which has the name without the realm, finds it";
  // A realm that is named is the one that is meant.
  EXPECT_EQ(got_by(source, "smtp/one.example.test@EXAMPLE.TEST"), "alice@EXAMPLE.TEST");
}

TEST_F(KdcAccessTest, QuirkD21_TheOwnerOfAnotherUsersCacheIsNamed) {
  const auto source = tickets();
  ASSERT_EQ(got_by(source, ""), "alice@EXAMPLE.TEST");
  EXPECT_EQ(made({"bob@EXAMPLE.TEST", {}, {}, ccache(source)}), nullptr);
  ASSERT_TRUE(failure.has_value());
  EXPECT_THAT(failure->failure.message,
              HasSubstr("the credential cache is another user's, 'alice@EXAMPLE.TEST'"));
  EXPECT_EQ(failure->failure.exit_code, ExitCode::kUsage);
}

TEST_F(KdcAccessTest, P8_WhatIsMissingLeavesNtlmAndWhatIsWrongDoesNot) {
  EXPECT_EQ(made({"alice", SecretBytes(std::string_view("p")), {}, {}}), nullptr);
  EXPECT_THAT(failure->failure.message, HasSubstr("the user's realm is not known"));
  EXPECT_TRUE(failure->may_fall_back);
  const auto wrong = [&](Whom whom, ExitCode code) {
    EXPECT_EQ(made(std::move(whom)), nullptr);
    EXPECT_EQ(failure->failure.exit_code, code) << failure->failure.message;
    EXPECT_FALSE(failure->may_fall_back) << failure->failure.message;
  };
  wrong({"a@b@c", SecretBytes(std::string_view("p")), {}, {}}, ExitCode::kUsage);
  wrong({"alice@R", SecretBytes(std::string_view("p")), SecretBytes(std::string(16, 'x')), {}},
        ExitCode::kUsage);
  wrong({"alice@R", {}, SecretBytes(std::string(16, 'x')), {}}, ExitCode::kConfig);
  wrong({"alice@R", {}, {}, folder / "none"}, ExitCode::kNoInput);
  wrong({"alice@R", {}, {}, folder.write("x", "text")}, ExitCode::kDataError);
}

TEST(KerberosFailure, QuirkD25_TellsWhomToAskAboutAnAccount) {
  for (const int32_t status : {1, 18, 21}) {
    const Failure failure = kerberos_failure(Error{Errc::kAuthFailed, "refused", 0, status}, "");
    EXPECT_THAT(failure.message, HasSubstr("ask the administrator"));
    EXPECT_EQ(failure.exit_code, ExitCode::kNoPermission);
  }
}

TEST_F(KdcAccessTest, AnAddressThatIsNoneIsToldAtOnce) {
  options.kdcs = {"[::1"};
  const auto kdcs = access();
  ASSERT_FALSE(kdcs.has_value());
  EXPECT_EQ(kdcs.failure().exit_code, ExitCode::kUsage);
}

}  // namespace
}  // namespace pocketgss::tools
