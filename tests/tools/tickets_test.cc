// The way from options to tickets, with a KDC of the test's own on loopback.
#include "tools/krb5/tickets.h"

#include <CLI/CLI.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <chrono>
#include <thread>

#include "mechs/krb5/kdc_policy.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fixed_random.h"
#include "tests/tools/support/kdc_server.h"

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
    return read_tickets(options, "alice@EXAMPLE.TEST", SecretBytes(std::string_view("Password1")),
                        "")
        .value();
  }

  FakeClock clock{mechs::krb5::KdcPolicy{}.clock_floor + kDay};
  CountingRandom random, of_kdc;
  Runtime runtime = Runtime::create(clock, random).value();
  Runtime kdc_runtime = Runtime::create(clock, of_kdc).value();  // of the server's thread
  FakeKdc kdc{kdc_runtime, "EXAMPLE.TEST"};
  KdcServer server{kdc};
  KerberosOptions options;
};

TEST_F(KdcAccessTest, GetsTicketsUntilTheDeadline) {
  const auto source = tickets();
  auto kdcs = KdcAccess::create(options, "alice@EXAMPLE.TEST");
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
  auto kdcs = KdcAccess::create(options, "alice@EXAMPLE.TEST");
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
  auto another = KdcAccess::create(options, "alice@EXAMPLE.TEST");
  EXPECT_TRUE(std::holds_alternative<Ticket>(
      another.value().fetch(runtime, source, "smtp/two.example.test")));
}

// RFC 4120 7.2.1: the program asks by TCP, and by UDP where it is told to.
TEST_F(KdcAccessTest, QuirkD6_UdpFirstByTheProgramsOption) {
  const auto fetch = [this] {
    auto kdcs = KdcAccess::create(options, "alice@EXAMPLE.TEST");
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

TEST(KerberosFailure, QuirkD25_TellsWhomToAskAboutAnAccount) {
  for (const int32_t status : {1, 18, 21}) {
    const Failure failure = kerberos_failure(Error{Errc::kAuthFailed, "refused", 0, status}, "");
    EXPECT_THAT(failure.message, HasSubstr("ask the administrator"));
    EXPECT_EQ(failure.exit_code, ExitCode::kNoPermission);
  }
}

TEST_F(KdcAccessTest, AnAddressThatIsNoneIsToldAtOnce) {
  options.kdcs = {"[::1"};
  const auto kdcs = KdcAccess::create(options, "alice@EXAMPLE.TEST");
  ASSERT_FALSE(kdcs.has_value());
  EXPECT_EQ(kdcs.failure().exit_code, ExitCode::kUsage);
}

}  // namespace
}  // namespace pocketgss::tools
