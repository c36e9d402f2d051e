// Addresses of KDCs.
#include <pocketgss/kdcs.h>

#include <gtest/gtest.h>

#include "fuzz/oracles_krb5_conf.h"

namespace pocketgss {
namespace {

TEST(KdcAddress, KeepsToItsOracle) {
  for (const char* each : {"", "a", "kdc.test", "kdc.test:88", "::1", "[::1]:88", "[a]:65535",
                           "[a]:0", "a:b:c", "[", "]", "[]", "x]y", "\xff:1", " : "}) {
    fuzz::check_kdc_address(as_bytes(std::string_view(each)));
  }
  fuzz::check_kdc_address(Bytes{'a', 0, 'b'});
  for (unsigned octet = 0; octet < 256; ++octet) {
    fuzz::check_kdc_address(Bytes{static_cast<uint8_t>(octet)});
  }
}

TEST(KdcAddress, IsReadInEveryForm) {
  EXPECT_EQ(parse_kdc_address("kdc.test").value(), (KdcAddress{"kdc.test", 88}));
  EXPECT_EQ(parse_kdc_address("kdc.test:1088").value(), (KdcAddress{"kdc.test", 1088}));
  EXPECT_EQ(parse_kdc_address("192.0.2.1:88").value(), (KdcAddress{"192.0.2.1", 88}));
  EXPECT_EQ(parse_kdc_address("2001:db8::1").value(), (KdcAddress{"2001:db8::1", 88}));
  EXPECT_EQ(parse_kdc_address("[2001:db8::1]").value(), (KdcAddress{"2001:db8::1", 88}));
  EXPECT_EQ(parse_kdc_address("[2001:db8::1]:99").value(), (KdcAddress{"2001:db8::1", 99}));
  for (const char* wrong : {"", ":88", "kdc:", "kdc:0", "kdc:65536", "kdc:8x", "[::1",
                            "[::1]:", "[::1]88", "[]:88", "a]b", "a[b", "[a[b]"}) {
    EXPECT_EQ(parse_kdc_address(wrong).error().code, Errc::kApiMisuse) << wrong;
  }
}

}  // namespace
}  // namespace pocketgss
