// dump: golden text, and what it does with bytes that are no DER or nested too deep.
#include "asn1/dump.h"

#include <gtest/gtest.h>

#include "tests/support/hex.h"

namespace pocketgss::asn1 {
namespace {

using testing::unhex;

TEST(DerDump, PrintsANegTokenInitAsATree) {
  EXPECT_EQ(dump(unhex("602f06062b0601050502a0253023a0193017060a2b06010401823702020a06092a864886f7"
                       "12010202a2060404deadbeef")),
            "    0 [APPLICATION 0] 47\n"
            "    2   OBJECT IDENTIFIER 1.3.6.1.5.5.2\n"
            "   10   [0] 37\n"
            "   12     SEQUENCE 35\n"
            "   14       [0] 25\n"
            "   16         SEQUENCE 23\n"
            "   18           OBJECT IDENTIFIER 1.3.6.1.4.1.311.2.2.10\n"
            "   30           OBJECT IDENTIFIER 1.2.840.113554.1.2.2\n"
            "   41       [2] 6\n"
            "   43         OCTET STRING 4 bytes deadbeef\n");
}

TEST(DerDump, PrintsTheValueOfEachType) {
  EXPECT_EQ(
      dump(unhex("0101ff 020180 0a0103 0500 1b0161 1b0122 03020780 8001aa c100 020900ffffffffff"
                 "ffffff")),
      "    0 BOOLEAN TRUE\n"
      "    3 INTEGER -128\n"
      "    6 ENUMERATED 3\n"
      "    9 NULL 0 bytes \n"
      "   11 GeneralString \"a\"\n"
      "   14 GeneralString 1 bytes 22\n"
      "   17 BIT STRING 2 bytes 0780\n"
      "   21 [0] 1 bytes aa\n"
      "   24 [PRIVATE 1] 0 bytes \n"
      "   26 INTEGER 9 bytes 00ffffffffffffffff\n");
}

TEST(DerDump, KeepsWhatStandsBeforeBytesThatAreNoDer) {
  EXPECT_EQ(dump(unhex("3005 0101ff 0480")),
            "    0 SEQUENCE 5\n"
            "    2   BOOLEAN TRUE\n"
            "    5   ! not DER: 2 bytes 0480\n");
}

TEST(DerDump, DER_1_LooksSixteenDeepAndNoDeeper) {
  Bytes nested;
  for (int depth = 0; depth < 20; ++depth) {
    nested.insert(nested.begin(), {0x30, static_cast<uint8_t>(nested.size())});
  }
  const std::string text = dump(nested);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), kMaxDumpDepth);
  EXPECT_TRUE(text.ends_with("SEQUENCE 8 bytes 3006300430023000\n")) << text;
}

TEST(DerDump, PrintsNothingForNothing) {
  EXPECT_EQ(dump({}), "");
}

}  // namespace
}  // namespace pocketgss::asn1
