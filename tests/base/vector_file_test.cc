// The vector file reader: what it takes, and that it reports what it should.
#include "tests/support/vector_file.h"

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

namespace pocketgss::testing {
namespace {

VectorBlock block_of(const char* text) {
  std::vector<VectorBlock> blocks = parse_vectors(text, "test.vec");
  return blocks.empty() ? VectorBlock("none", 0, "none") : blocks.front();
}

TEST(VectorFile, ReadsEveryForm) {
  VectorBlock block = block_of(
      "# origin\n\n[Case]  # one\n Hex = 00 ffA0 # hex\nEmpty =\n"
      "Text = \"a#\\\"b\\\\\\x00\\n\"\nWord = kMalformed\nOffset = 12\nFlags = 0x62088235\n");
  EXPECT_EQ(block.instruction(), "Case");
  EXPECT_EQ(block.where(), "test.vec:3: [Case]");
  EXPECT_EQ(block.bytes("Hex"), (Bytes{0x00, 0xff, 0xa0}));
  EXPECT_EQ(block.bytes("Empty"), Bytes());
  EXPECT_EQ(block.text("Text"), std::string("a#\"b\\\0\n", 7));
  EXPECT_EQ(block.bytes("Text").size(), 7U);
  EXPECT_EQ(block.word("Word"), "kMalformed");
  EXPECT_EQ(block.number("Offset"), 12U);
  EXPECT_EQ(block.number("Flags"), 0x62088235U);
  EXPECT_EQ(block.optional_bytes("Absent"), std::nullopt);
  block.report_unread();
}

TEST(VectorFile, KeepsRepeatedNamesInOrder) {
  VectorBlock block = block_of("[Case]\nA = 01\nB = 02\nA = 03\n");
  EXPECT_EQ(block.bytes_list("A"), (std::vector<Bytes>{{1}, {3}}));
  EXPECT_EQ(block.sequence({"A", "B"})[1], (std::pair<std::string, Bytes>{"B", {2}}));
  block.report_unread();
}

TEST(VectorFile, ReportsAnAttributeThatNobodyRead) {
  const VectorBlock block = block_of("[Case]\nA = 01\n");
  EXPECT_NONFATAL_FAILURE(block.report_unread(), "A was read by no test");
}

TEST(VectorFile, ReportsAMissingAttribute) {
  VectorBlock block = block_of("[Case]\n");
  EXPECT_NONFATAL_FAILURE(block.bytes("A"), "[Case] lacks A");
}

TEST(VectorFile, ReportsASecondValueWhereOneIsMeant) {
  VectorBlock block = block_of("[Case]\nA = 01\nA = 02\n");
  EXPECT_NONFATAL_FAILURE(block.bytes("A"), "second time");
}

TEST(VectorFile, ReportsOddHex) {
  VectorBlock block = block_of("[Case]\nA = 012\n");
  EXPECT_NONFATAL_FAILURE(block.bytes("A"), "neither hex nor quoted");
}

TEST(VectorFile, ReportsALineOfNoForm) {
  EXPECT_NONFATAL_FAILURE(parse_vectors("[Case]\nnonsense\n", "test.vec"), "neither [Instruction]");
}

TEST(VectorFile, ReportsAnInstructionWithoutHandler) {
  EXPECT_NONFATAL_FAILURE(
      run_blocks(parse_vectors("[A]\n[B]\n", "t.vec"), "t.vec", {{"A", [](VectorBlock&) {}}}),
      "no test reads [B]");
}

TEST(VectorFile, ReportsAHandlerWithoutBlock) {
  EXPECT_NONFATAL_FAILURE(run_blocks({}, "t.vec", {{"A", [](VectorBlock&) {}}}), "has no [A]");
}

TEST(VectorFile, ReportsAFileThatIsNotThere) {
  EXPECT_NONFATAL_FAILURE(load_vectors("no/such.vec"), "cannot be read");
}

const Error kRefusal{Errc::kPeerMisbehaved, "NegTokenResp.negState", 7, 0};

TEST(VectorFile, ComparesErrors) {
  VectorBlock block =
      block_of("[Case]\nError = kPeerMisbehaved\nOffset = 7\nWhere = \"NegTokenResp.negState\"\n");
  EXPECT_TRUE(block.must_fail());
  block.expect_error(kRefusal);
  block.report_unread();
}

TEST(VectorFile, ReportsAnotherErrorCode) {
  VectorBlock block = block_of("[Case]\nError = kMalformed\n");
  EXPECT_NONFATAL_FAILURE(block.expect_error(kRefusal), "Error = kMalformed");
}

TEST(VectorFile, ReportsAnotherOffset) {
  VectorBlock block = block_of("[Case]\nError = kPeerMisbehaved\nOffset = 8\n");
  EXPECT_NONFATAL_FAILURE(block.expect_error(kRefusal), "Offset = 8");
}

TEST(VectorFile, ReportsAnotherField) {
  VectorBlock block = block_of("[Case]\nError = kPeerMisbehaved\nWhere = \"x\"\n");
  EXPECT_NONFATAL_FAILURE(block.expect_error(kRefusal), "Where = x");
}

TEST(VectorFile, ReportsASuccessThatShouldFail) {
  VectorBlock block = block_of("[Case]\nError = kMalformed\n");
  EXPECT_NONFATAL_FAILURE(block.expect_error(Result<int>(1)), "accepted");
}

}  // namespace
}  // namespace pocketgss::testing
