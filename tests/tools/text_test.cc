// Text of unknown origin in messages.
#include "tools/text.h"

#include <gtest/gtest.h>

namespace pocketgss::tools {
namespace {

TEST(Quoted, KeepsPrintableText) {
  EXPECT_EQ(quoted("J\xc3\xb6rg 1"), "'J\xc3\xb6rg 1'");
  EXPECT_EQ(quoted(""), "''");
}

TEST(Quoted, SMT_17_EscapesWhatATerminalOrALogWouldObey) {
  EXPECT_EQ(quoted("a\x1b[31m\r\n"), "'a\\x1b[31m\\x0d\\x0a'");
  EXPECT_EQ(quoted(std::string_view("\0", 1)), "'\\x00'");
  EXPECT_EQ(quoted("\xc2\x9b"), "'\\xc2\\x9b'");           // C1 control sequence introducer
  EXPECT_EQ(quoted("\xe2\x80\xae"), "'\\xe2\\x80\\xae'");  // right-to-left override
  EXPECT_EQ(quoted("\xd8\x9c"), "'\\xd8\\x9c'");           // Arabic letter mark
  EXPECT_EQ(quoted("it's \\"), "'it\\x27s \\x5c'");
}

TEST(Quoted, SMT_8_GrowsWithWhatItEscapes) {
  for (const size_t size : {1u, 50u, 199u, 200u}) {
    EXPECT_EQ(tools::quoted(std::string(size, '\\')).size(), 2 + 4 * size);
    EXPECT_EQ(tools::quoted(std::string(size, '\'')).size(), 2 + 4 * size);
  }
}

TEST(Quoted, EscapesBytesThatAreNoUtf8) {
  EXPECT_EQ(quoted("\xff"), "'\\xff'");
  EXPECT_EQ(quoted("\xc0\x80"), "'\\xc0\\x80'");           // overlong
  EXPECT_EQ(quoted("\xed\xa0\x80"), "'\\xed\\xa0\\x80'");  // surrogate
  EXPECT_EQ(quoted("\xf4\x90\x80\x80"), "'\\xf4\\x90\\x80\\x80'");
  EXPECT_EQ(quoted("\xe2\x82"), "'\\xe2\\x82'");  // cut
}

TEST(Quoted, CutsLongText) {
  EXPECT_EQ(quoted("abcdef", 3), "'abc'...");
}

}  // namespace
}  // namespace pocketgss::tools
