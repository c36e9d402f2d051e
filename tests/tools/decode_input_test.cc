#include "tools/decode/input.h"

#include <gtest/gtest.h>

#include <sstream>

#include "tests/support/hex.h"

namespace pocketgss::tools {
namespace {

using testing::hex;

std::string decoded(std::string_view text, InputFormat format = InputFormat::kAuto,
                    bool line = false) {
  const Input input = octets_of(text, format, line);
  return input.octets ? hex(*input.octets) : "refused: " + input.refusal;
}

TEST(DecodeInput, TakesHexDigitsAloneForHex) {
  EXPECT_EQ(decoded("a107"), "a107");
  EXPECT_EQ(decoded("A1 07\n"), "a107");
}

TEST(DecodeInput, TakesOtherPrintableTextForBase64) {
  EXPECT_EQ(decoded("oQcwBaADCgEA\n"), "a1073005a0030a0100");
}

TEST(DecodeInput, TakesAnythingElseForRaw) {
  EXPECT_EQ(decoded(std::string_view("\xa1\x00", 2)), "a100");
  EXPECT_EQ(decoded(std::string_view("NTLMSSP\0", 8)), "4e544c4d53535000");
}

TEST(DecodeInput, RawOctetsAreNotTouched) {
  EXPECT_EQ(decoded("a1 \n", InputFormat::kRaw), "6131200a");
}

TEST(DecodeInput, SaysWhereHexEnds) {
  const Input input = octets_of("a1x7", InputFormat::kHex, false);
  EXPECT_FALSE(input.octets);
  EXPECT_EQ(input.offset, 2u);
}

TEST(DecodeInput, RefusesAnOddNumberOfDigits) {
  EXPECT_EQ(decoded("a10").substr(0, 7), "refused");
  EXPECT_EQ(octets_of("a10", InputFormat::kAuto, false).offset, 3u);
}
TEST(DecodeInput, CountsTheWhiteSpaceBeforeAFault) {
  EXPECT_EQ(octets_of(" a1 0\n", InputFormat::kHex, false).offset, 5u);
  EXPECT_EQ(octets_of("a1 0\r\n\n", InputFormat::kHex, false).offset, 4u);
  EXPECT_EQ(octets_of("a1 \nx7", InputFormat::kHex, false).offset, 4u);
  // An "=" within the text, and pad bits that are set.
  EXPECT_EQ(octets_of("oQcw=aAD", InputFormat::kBase64, false).offset, 4u);
  EXPECT_EQ(octets_of("oQ\ncw\n=aAD\n", InputFormat::kBase64, false).offset, 6u);
  const uint32_t bits = octets_of("oQcwoR==", InputFormat::kBase64, false).offset;
  EXPECT_EQ(octets_of("oQcw\r\noR==\n", InputFormat::kBase64, false).offset, bits + 2);
  // One that is too short ends behind its last character.
  const uint32_t end = octets_of("oQc", InputFormat::kBase64, false).offset;
  EXPECT_EQ(octets_of("oQ\nc\n", InputFormat::kBase64, false).offset, end + 1);
}
TEST(DecodeInput, RefusesAnEmptyText) {
  EXPECT_EQ(decoded("").substr(0, 7), "refused");
}
TEST(DecodeInput, RefusesBase64WithPadBitsSet) {
  EXPECT_EQ(decoded("oR==").substr(0, 7), "refused");
}
TEST(DecodeInput, RefusesWhiteSpaceWhereALineIsOneToken) {
  EXPECT_EQ(decoded("a1 07", InputFormat::kAuto, true).substr(0, 7), "refused");
}

TEST(DecodeInput, LinesEndWithLfOrCrLfOrTheInput) {
  std::istringstream in("ab\r\n\ncd");
  EXPECT_EQ(read_line(in)->text, "ab");
  EXPECT_EQ(read_line(in)->text, "");
  EXPECT_EQ(read_line(in)->text, "cd");
  EXPECT_FALSE(read_line(in));
}

TEST(DecodeInput, ALineOverOneMebibyteIsMarkedAndPassedOver) {
  std::istringstream in(std::string(3 * kMaxInput, 'a') + "\nab\n");
  const auto line = read_line(in);
  EXPECT_TRUE(line->too_long);
  EXPECT_LE(line->text.size(), kMaxInput + 1);
  EXPECT_EQ(read_line(in)->text, "ab");
}

TEST(DecodeInput, ALineOfOneMebibyteIsRead) {
  std::istringstream in(std::string(kMaxInput, 'a') + "\r\n");
  const auto line = read_line(in);
  EXPECT_FALSE(line->too_long);
  EXPECT_EQ(line->text.size(), kMaxInput);
}

}  // namespace
}  // namespace pocketgss::tools
