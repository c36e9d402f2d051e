// KerberosTime: row KRC-12, and the calendar.
#include "asn1/time.h"

#include <gtest/gtest.h>

#include <ctime>
#include <utility>

#include "tests/support/hex.h"

namespace pocketgss::asn1 {
namespace {

constexpr const char* kField = "KRB-ERROR.stime";

Bytes encoded(std::string_view text) {
  Bytes der{kGeneralizedTime.octet, static_cast<uint8_t>(text.size())};
  append(der, as_bytes(text));
  return der;
}

Result<KerberosTime> read(std::string_view text) {
  const Bytes der = encoded(text);
  Reader in(der);
  auto time = kerberos_time(in, kField);
  EXPECT_EQ(in.at_end(), time.has_value()) << "a refused read moves nothing";
  return time;
}

// The offset is that of the character, behind two octets of header.
void expect_refused(std::string_view text, uint32_t offset) {
  const auto time = read(text);
  ASSERT_FALSE(time.has_value()) << text;
  EXPECT_EQ(time.error(), (Error{Errc::kMalformed, kField, offset, 0})) << text;
}

Bytes written(KerberosTime time) {
  Writer out;
  write(out, time);
  return std::move(out).take().value();
}

TEST(KerberosTime, KRC_12_ReadsTimesBeyond2038AndBefore1970) {
  EXPECT_EQ(read("19700101000000Z").value().seconds, 0);
  EXPECT_EQ(read("20380119031408Z").value().seconds, int64_t{1} << 31);
  EXPECT_EQ(read("19691231235959Z").value().seconds, -1);
  EXPECT_EQ(read("21000101000000Z").value().seconds, 4102444800);
  EXPECT_EQ(read("99991231235959Z").value(), kMaxKerberosTime);
  EXPECT_EQ(read("00000101000000Z").value(), kMinKerberosTime);
}

TEST(KerberosTime, KRC_12_RefusesWhatIsNoTimeOfKerberos) {
  expect_refused("99991231235960Z", 14);  // second 60
  expect_refused("20261301000000Z", 6);   // month 13
  expect_refused("20260001000000Z", 6);   // month 0
  expect_refused("20260431000000Z", 8);   // 31 April
  expect_refused("20260100000000Z", 8);   // day 0
  expect_refused("20261123240000Z", 10);  // hour 24
  expect_refused("20261123236000Z", 12);  // minute 60
  expect_refused("20261123235959", 1);    // no Z
  expect_refused("202611232359590", 16);  // a digit in its place
  expect_refused("20261123235959z", 16);
  expect_refused("20261123235959.5Z", 1);    // a fraction
  expect_refused("20261123235959+0000", 1);  // an offset
  expect_refused("202611232359Z", 1);        // no seconds
  expect_refused("261123235959Z", 1);        // a UTCTime
  expect_refused("2026 123235959Z", 6);
  expect_refused("-0261123235959Z", 2);
  expect_refused("2026112323595:Z", 15);
  expect_refused("", 1);
}

TEST(KerberosTime, KnowsLeapYears) {
  EXPECT_TRUE(read("20240229000000Z").has_value());
  EXPECT_TRUE(read("20000229000000Z").has_value());
  EXPECT_TRUE(read("00000229000000Z").has_value());
  expect_refused("20230229000000Z", 8);
  expect_refused("21000229000000Z", 8);
}

TEST(KerberosTime, RefusesAnotherType) {
  const Bytes der{0x17, 0x01, 0x5a};
  Reader in(der);
  EXPECT_EQ(kerberos_time(in, kField).error(), (Error{Errc::kMalformed, kField, 0, 0}));
}

// Against the C library's calendar, in steps that meet every day of the month and hour.
TEST(KerberosTime, AgreesWithTheCLibraryAndWritesBackWhatItReads) {
  for (int64_t at = kMinKerberosTime.seconds; at <= kMaxKerberosTime.seconds; at += 8'765'433) {
    if (!std::in_range<std::time_t>(at)) continue;  // of 32 bits: 1901 to 2038
    const auto time = static_cast<std::time_t>(at);
    std::tm parts{};
    ASSERT_NE(gmtime_r(&time, &parts), nullptr);
    char text[32];
    std::snprintf(text, sizeof(text), "%04d%02d%02d%02d%02d%02dZ", parts.tm_year + 1900,
                  parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
    ASSERT_EQ(read(text).value().seconds, at) << text;
    ASSERT_EQ(written(KerberosTime{at}), encoded(text));
  }
}

TEST(KerberosTime, WritesTheNearestTimeThatItCan) {
  EXPECT_EQ(written(KerberosTime{INT64_MAX}), encoded("99991231235959Z"));
  EXPECT_EQ(written(KerberosTime{INT64_MIN}), encoded("00000101000000Z"));
}

TEST(KerberosTime, HasIsoText) {
  EXPECT_EQ(iso_text(KerberosTime{1795470525}), "2026-11-23T21:48:45Z");
  EXPECT_EQ(iso_text(kMinKerberosTime), "0000-01-01T00:00:00Z");
}

}  // namespace
}  // namespace pocketgss::asn1
