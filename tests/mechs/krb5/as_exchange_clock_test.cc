// The AS exchange and the clock: what is believed of a KDC's time, and times that are odd.
#include "tests/mechs/krb5/as_exchange_fixture.h"

namespace pocketgss::mechs::krb5 {
namespace {

using AsExchangeClockTest = AsExchangeTest;

TEST_F(AsExchangeClockTest, P16_QuirkD5_AClockThatIsWrongByHoursIsCorrected) {
  for (const UnixMicros wrong : {23 * kHour, -23 * kHour, 6 * 60 * kSecond}) {
    kdc.clock_ahead = wrong;
    const auto tgt = login();
    ASSERT_TRUE(tgt.has_value()) << describe(tgt.error());
    EXPECT_EQ(tgt.value().clock_offset, wrong);
    EXPECT_EQ(sent.size(), 2u) << "without an attempt at the wrong time";
    sent.clear();
  }
}

TEST_F(AsExchangeClockTest, P16_ASmallDifferenceIsLeftAlone) {
  kdc.clock_ahead = 50 * kSecond;
  const auto tgt = login();
  ASSERT_TRUE(tgt.has_value());
  EXPECT_EQ(tgt.value().clock_offset, 0);
}

TEST_F(AsExchangeClockTest, P16_KRC_10_NotByMoreThanADay) {
  kdc.clock_ahead = 25 * kHour;
  const Error error = refused();
  EXPECT_EQ(error.code, Errc::kExpired);
  EXPECT_EQ(error.peer_status, error_code::kSkew);
  policy.max_clock_correction = 26 * kHour;
  EXPECT_TRUE(login().has_value());
}

// Who may correct nothing still logs in where the KDC and every service allow the difference.
TEST_F(AsExchangeClockTest, P16_WithoutCorrectionWhatEverybodyAllowsIsAllowed) {
  policy.max_clock_correction = 0;
  for (const UnixMicros ahead : {120 * kSecond, -120 * kSecond, 299 * kSecond}) {
    kdc.clock_ahead = ahead;
    const auto tgt = login();
    ASSERT_TRUE(tgt.has_value()) << describe(tgt.error());
    EXPECT_EQ(tgt.value().clock_offset, 0);
  }
  kdc.clock_ahead = 302 * kSecond;
  EXPECT_EQ(refused().code, Errc::kExpired);
}

TEST_F(AsExchangeClockTest, P16_KRC_12_AClockThatWasNeverSetIsCorrectedByAnyAmount) {
  clock.set(0);  // 1970
  kdc.clock_ahead = policy.clock_floor + kHour;
  const auto tgt = login();
  ASSERT_TRUE(tgt.has_value()) << describe(tgt.error());
  EXPECT_EQ(tgt.value().clock_offset, kdc.clock_ahead);
}

TEST_F(AsExchangeClockTest, P16_KRC_12_AnUnsetClockIsNotSetToATimeBeforeThisProgram) {
  clock.set(0);
  kdc.clock_ahead = policy.clock_floor - kHour;
  EXPECT_EQ(refused().code, Errc::kExpired);
}

TEST_F(AsExchangeClockTest, P16_ATimeThatTheAsRepDoesNotConfirmIsNotKept) {
  // Somebody on the way has put another stime into the KRB-ERROR, and another timestamp was sent.
  kdc.twist.error = [](KrbError& error) { error.stime.seconds += 250; };
  kdc.clock_ahead = 0;
  const auto near = login();
  ASSERT_TRUE(near.has_value()) << "within what clocks may differ";

  kdc.twist.error = [](KrbError& error) { error.stime.seconds += 7200; };
  kdc.twist.instead = [&](const KdcReq& req) -> std::optional<Bytes> {
    // A KDC that does not look at timestamps.
    kdc.users["alice"].preauth = !find(*req.padata, padata_type::kEncTimestamp);
    return std::nullopt;
  };
  EXPECT_EQ(refused().code, Errc::kExpired);
}

TEST_F(AsExchangeClockTest, P16_TheTimeOfAnErrorIsBelievedOnce) {
  kdc.twist.error = [](KrbError& error) { error.stime.seconds += 7200; };
  const Error error = refused();
  EXPECT_EQ(error.code, Errc::kExpired);
  EXPECT_EQ(error.peer_status, error_code::kSkew);
  EXPECT_EQ(kdc.timestamps, 1);
}

TEST_F(AsExchangeClockTest, P16_WithoutPreauthenticationTheAsRepTellsTheTime) {
  kdc.users["alice"].preauth = false;
  kdc.clock_ahead = 5 * kHour;
  const auto tgt = login();
  ASSERT_TRUE(tgt.has_value());
  EXPECT_LT(distance(tgt.value().clock_offset, 5 * kHour), kSecond);
  kdc.clock_ahead = 30 * kHour;
  EXPECT_EQ(refused().code, Errc::kExpired);
}

TEST_F(AsExchangeClockTest, QuirkD5_SkewThatIsSaidAsPreauthRequiredIsCorrected) {
  kdc.clock_ahead = 2 * kHour;
  kdc.twist.error = [&](KrbError& error) {
    if (error.error_code == error_code::kPreauthRequired && kdc.timestamps == 0)
      error.stime.seconds -= 7200;  // first it says nothing of it
  };
  kdc.twist.instead = [&](const KdcReq&) -> std::optional<Bytes> {
    if (kdc.timestamps != 1) return std::nullopt;
    return kdc.krb_error(error_code::kPreauthRequired, kdc.method_data(kdc.users["alice"]));
  };
  EXPECT_TRUE(login().has_value());
}

TEST_F(AsExchangeClockTest, P16_QuirkD5_SkewThatIsSaidAfterTheTimestampIsCorrected) {
  kdc.clock_ahead = 2 * kHour;
  kdc.twist.error = [&](KrbError& error) {
    if (error.error_code == error_code::kPreauthRequired) error.stime.seconds -= 7200;
  };
  const auto tgt = login();
  ASSERT_TRUE(tgt.has_value()) << describe(tgt.error());
  EXPECT_EQ(tgt.value().clock_offset, 2 * kHour);
  EXPECT_EQ(kdc.timestamps, 2);
}

TEST_F(AsExchangeClockTest, KRC_12_TimesThatDoNotExistAreMalformed) {
  Bytes honest = kdc.krb_error(error_code::kGeneric);
  const std::string now(as_text(honest).substr(as_text(honest).find("\x18\x0f") + 2, 15));
  for (const char* wrong :
       {"99991231235960Z", "20261301000000Z", "202611012200000", "2026110122.0Z0"}) {
    Bytes altered = honest;
    const size_t at = as_text(altered).find(now);
    std::copy_n(wrong, std::min<size_t>(15, std::string_view(wrong).size()),
                altered.begin() + static_cast<std::ptrdiff_t>(at));
    kdc.twist.instead = [&](const KdcReq&) { return altered; };
    EXPECT_EQ(refused().code, Errc::kMalformed) << wrong;
  }
}

TEST_F(AsExchangeClockTest, KRC_12_TimesBehind2038AreUnderstood) {
  kdc.twist.part = [](EncKdcRepPart& part) {
    part.endtime = KerberosTime{4'102'444'800};  // 2100
  };
  const auto tgt = login();
  ASSERT_TRUE(tgt.has_value());
  EXPECT_EQ(tgt.value().endtime.seconds, 4'102'444'800);
}

}  // namespace
}  // namespace pocketgss::mechs::krb5
