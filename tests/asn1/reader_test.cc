// Reader: what each typed read takes and what it refuses, and where.
#include "asn1/reader.h"

#include <gtest/gtest.h>

#include "tests/support/hex.h"

namespace pocketgss::asn1 {
namespace {

using testing::unhex;

TEST(DerReader, EntersAndReadsASequence) {
  const Bytes der = unhex("3009 0101ff 020180 0a0101");
  Reader token{ByteView(der)};
  Reader seq = token.enter(kSequence, "seq").value();
  EXPECT_TRUE(token.at_end());
  EXPECT_EQ(seq.offset(), 2U);
  EXPECT_TRUE(seq.boolean("b").value());
  EXPECT_EQ(seq.int32("i").value(), -128);
  EXPECT_EQ(seq.enumerated("e").value(), 1U);
  EXPECT_TRUE(seq.finish("seq").has_value());
}

TEST(DerReader, ReadsALongLength) {
  Bytes der = unhex("0482 0100");
  der.resize(4 + 256, 7);
  Reader token{ByteView(der)};
  EXPECT_EQ(token.octet_string("o").value().size(), 256U);
  EXPECT_TRUE(token.at_end());
}

TEST(DerReader, RefusesLeftoverBytesWithTheirOffset) {
  const Bytes der = unhex("0500 00");
  Reader token{ByteView(der)};
  ASSERT_TRUE(token.skip("null").has_value());
  EXPECT_EQ(token.finish("token").error(), (Error{Errc::kMalformed, "token", 2, 0}));
}

TEST(DerReader, LeavesAnAbsentOptionalUnread) {
  const Bytes der = unhex("a1020500");
  Reader token{ByteView(der)};
  EXPECT_FALSE(token.enter_optional(context(0), "[0]").value().has_value());
  EXPECT_EQ(token.offset(), 0U);
  EXPECT_TRUE(token.enter_optional(context(1), "[1]").value().has_value());
}

TEST(Oid, PrintsDotted) {
  const auto text = [](const char* der) {
    const Bytes contents = unhex(der);
    return dotted(Oid{ByteView(contents)});
  };
  EXPECT_EQ(text(""), "");
  EXPECT_EQ(text("2b0601050502"), "1.3.6.1.5.5.2");
  EXPECT_EQ(text("2a864886f712010202"), "1.2.840.113554.1.2.2");
  EXPECT_EQ(text("883703"), "2.999.3");  // X.690 8.19.5, the example
  EXPECT_EQ(text("2a81ffffffffffffffff7f"), "1.2.18446744073709551615");
  EXPECT_EQ(text("2a8280808080808080808000"), "1.2.?");
}

}  // namespace
}  // namespace pocketgss::asn1
