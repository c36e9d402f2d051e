// A carrier of messages to KDCs that is not the library's own.
#include <pocketgss/get_ticket.h>

#include <gtest/gtest.h>

#include "mechs/krb5/kdc_policy.h"
#include "mechs/krb5/messages.h"
#include "tests/fakes/fake_kdc.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fixed_random.h"

namespace pocketgss {
namespace {

namespace krb5 = mechs::krb5;

Bytes krb_error(int32_t code) {
  const krb5::KerberosString parts[] = {"krbtgt", "EXAMPLE.TEST"};
  krb5::KrbError error;
  error.stime = {1'795'000'000};
  error.error_code = code;
  error.realm = "EXAMPLE.TEST";
  error.sname = {krb5::name_type::kSrvInst, krb5::SequenceOf<krb5::KerberosString>(parts)};
  return krb5::encode(error).value();
}

TEST(KdcExchange, QuirkD25_AKdcThatCannotServeNowLeadsToTheNext) {
  EXPECT_EQ(judge_kdc_reply(krb_error(29)), KdcReply::kAskNext);
}

TEST(KdcExchange, QuirkD6_AReplyTooBigForADatagramLeadsToTcp) {
  EXPECT_EQ(judge_kdc_reply(krb_error(52)), KdcReply::kAskByStream);
}

TEST(KdcExchange, EveryOtherReplyIsTheAnswer) {
  for (const int32_t code : {0, 6, 24, 25, 28, 30, 51, 53, 60, -29})
    EXPECT_EQ(judge_kdc_reply(krb_error(code)), KdcReply::kAnswer) << code;
  const Bytes unavailable = krb_error(29);
  for (size_t size = 0; size < unavailable.size(); ++size)
    EXPECT_EQ(judge_kdc_reply(ByteView(unavailable).prefix(size)), KdcReply::kAnswer) << size;
  EXPECT_EQ(judge_kdc_reply(Bytes{0x6b, 0}), KdcReply::kAnswer);
}

// Carrier takes what it is given to a KDC in memory, as a device without sockets would elsewhere.
struct Carrier final : KdcExchange {
  Result<ExchangeAnswer> exchange(const NeedExchange& need) override {
    if (broken) return Error{Errc::kNoMemory, "carrier", 0, 0};
    return ExchangeAnswer{realms.carry(need.realm, need.request)};
  }
  testing::FakeRealms realms;
  bool broken = false;
};

class GetTicketTest : public ::testing::Test {
 protected:
  GetTicketTest() {
    carrier.realms.add(kdc);
    kdc.add_user("alice", "Password1").etypes = {17};
    kdc.add_service("smtp/mail.example.test");
    TicketSettings settings;
    settings.user = "alice@EXAMPLE.TEST";
    settings.password = SecretBytes(std::string_view("Password1"));
    auto tickets = make_tickets(std::move(settings)).value();
    request = request_ticket(runtime, tickets, "smtp/mail.example.test").value();
  }

  testing::FakeClock clock{krb5::KdcPolicy{}.clock_floor};
  testing::CountingRandom random;
  Runtime runtime = Runtime::create(clock, random).value();
  testing::FakeKdc kdc{runtime, "EXAMPLE.TEST"};
  Carrier carrier;
  std::unique_ptr<TicketRequest> request;
};

TEST_F(GetTicketTest, TakesACarrierOfOnesOwn) {
  const auto ticket = get_ticket(*request, carrier);
  ASSERT_TRUE(ticket.has_value()) << describe(ticket.error());
  EXPECT_EQ(ticket.value().service, "smtp/mail.example.test@EXAMPLE.TEST");
}

TEST_F(GetTicketTest, AnErrorOfTheCarrierEndsIt) {
  carrier.broken = true;
  const auto ticket = get_ticket(*request, carrier);
  ASSERT_FALSE(ticket.has_value());
  EXPECT_EQ(ticket.error().where, std::string_view("carrier"));
}

}  // namespace
}  // namespace pocketgss
