// Lines and replies: bounded, and the same however the bytes are cut.
#include "sasl/line.h"

#include <gtest/gtest.h>

namespace pocketgss::sasl {
namespace {

using Outcome = LineBuffer::Outcome;

// feed gives `text` in pieces of `piece` octets until something but kMore comes out.
Outcome feed(LineBuffer& line, std::string_view text, size_t piece) {
  ByteView rest = as_bytes(text);
  while (!rest.empty()) {
    ByteView part = rest.prefix(std::min(piece, rest.size()));
    const size_t given = part.size();
    const Outcome outcome = line.take(part);
    rest = rest.from(given - part.size());
    if (outcome != Outcome::kMore) return outcome;
  }
  return Outcome::kMore;
}

struct LineCase {
  const char* name;
  std::string text;
  Outcome refuse, skip;
};

std::vector<LineCase> line_cases() {
  return {
      {"a line", "NOOP\r\n", Outcome::kLine, Outcome::kLine},
      {"an empty line", "\r\n", Outcome::kLine, Outcome::kLine},
      {"no end yet", "NOOP\r", Outcome::kMore, Outcome::kMore},
      {"bare LF", "NOOP\nRSET\r\n", Outcome::kBareLf, Outcome::kBareLf},
      {"bare LF first", "\n", Outcome::kBareLf, Outcome::kBareLf},
      {"bare CR", "NOOP\rRSET\r\n", Outcome::kBareCr, Outcome::kBareCr},
      {"two CRs", "NOOP\r\r\n", Outcome::kBareCr, Outcome::kBareCr},
      {"at the limit", std::string(14, 'x') + "\r\n", Outcome::kLine, Outcome::kLine},
      {"over the limit", std::string(15, 'x') + "\r\n", Outcome::kTooLong, Outcome::kTooLong},
      {"far over it", std::string(5000, 'x') + "\r\n", Outcome::kTooLong, Outcome::kTooLong},
      {"endless", std::string(LineBuffer::kSkipLimit + 1, 'x'), Outcome::kTooLong, Outcome::kFlood},
  };
}

TEST(LineBuffer, SMT_7_TellsTheSameHoweverTheBytesAreCut) {
  for (const LineCase& c : line_cases()) {
    for (const size_t piece : {size_t{1}, size_t{2}, size_t{7}, c.text.size()}) {
      LineBuffer refuse(16, LineBuffer::OnLong::kRefuse), skip(16, LineBuffer::OnLong::kSkip);
      EXPECT_EQ(feed(refuse, c.text, piece), c.refuse) << c.name << " by " << piece;
      EXPECT_EQ(feed(skip, c.text, piece), c.skip) << c.name << " by " << piece;
    }
  }
}

TEST(LineBuffer, SMT_14_KeepsNothingOfALineThatIsTooLong) {
  LineBuffer line(16, LineBuffer::OnLong::kSkip);
  const std::string text(1000, 'x');
  for (const size_t piece : {size_t{15}, size_t{2}, size_t{983}}) {
    ByteView input = as_bytes(text).prefix(piece);
    EXPECT_EQ(line.take(input), Outcome::kMore);
    EXPECT_EQ(line.text().size(), piece == 15 ? 15u : 0u);
  }
}

TEST(LineBuffer, ReadsTheNextLineAfterOneThatWasTooLong) {
  LineBuffer line(16, LineBuffer::OnLong::kSkip);
  const std::string text = std::string(100, 'x') + "\r\nNOOP\r\n";
  ByteView input = as_bytes(text);
  EXPECT_EQ(line.take(input), Outcome::kTooLong);
  line.clear();
  EXPECT_EQ(line.take(input), Outcome::kLine);
  EXPECT_EQ(line.text(), "NOOP");
}

Result<bool> read(ReplyReader& reader, std::string_view text, size_t piece = 1) {
  ByteView rest = as_bytes(text);
  while (!rest.empty()) {
    ByteView part = rest.prefix(std::min(piece, rest.size()));
    const size_t given = part.size();
    const auto result = reader.take(part);
    rest = rest.from(given - part.size());
    if (!result.has_value() || result.value()) return result;
  }
  return false;
}

TEST(ReplyReader, ReadsAReplyOfSeveralLines) {
  ReplyReader reader(512);
  ASSERT_TRUE(read(reader, "250-mail.example.test\r\n250-SIZE 10\r\n250 AUTH GSSAPI\r\n").value());
  EXPECT_EQ(reader.code(), 250);
  EXPECT_EQ(reader.earlier_lines(), (std::vector<std::string>{"mail.example.test", "SIZE 10"}));
  EXPECT_EQ(reader.last_text_view(), "AUTH GSSAPI");
}

TEST(ReplyReader, QuirkA11_ReadsA334WithoutASpace) {
  ReplyReader reader(512);
  ASSERT_TRUE(read(reader, "334\r\n").value());
  EXPECT_EQ(reader.code(), 334);
  EXPECT_EQ(reader.last_text_view(), "");
}

TEST(ReplyReader, SMT_7_RefusesWhatIsNoReply) {
  for (const char* text :
       {"33\r\n", "3345\r\n", "33x\r\n", "134 x\r\n", "634 x\r\n", "\r\n", " 250 OK\r\n",
        "334\tx\r\n", "HTTP/1.1 400 no\r\n", "250-a\r\n251 b\r\n"}) {
    ReplyReader reader(512);
    const auto result = read(reader, text);
    ASSERT_FALSE(result.has_value()) << text;
    EXPECT_EQ(result.error(), (Error{Errc::kMalformed, "SMTP reply code", 0, 0})) << text;
  }
}

TEST(ReplyReader, SMT_7_RefusesBareLineEnds) {
  for (const char* text : {"250 OK\n", "250 OK\r250 OK\r\n"}) {
    ReplyReader reader(512);
    EXPECT_EQ(read(reader, text).error().code, Errc::kMalformed) << text;
  }
}

TEST(ReplyReader, SMT_7_RefusesALineOf64KiB) {
  ReplyReader reader(4096);
  EXPECT_EQ(read(reader, "250 " + std::string(65536, 'x') + "\r\n", 1000).error(),
            (Error{Errc::kPeerMisbehaved, "SMTP reply length", 0, 0}));
}

TEST(ReplyReader, SMT_7_RefusesTenThousandContinuationLines) {
  ReplyReader reader(4096);
  std::string text;
  for (int i = 0; i < 10'000; ++i) text += "250-x\r\n";
  EXPECT_EQ(read(reader, text, 1000).error(),
            (Error{Errc::kPeerMisbehaved, "SMTP reply lines", 0, 0}));
}

TEST(ReplyReader, SMT_7_WaitsAtEveryCut) {
  const std::string text = "250-a\r\n250 b\r\n";
  for (size_t size = 0; size < text.size(); ++size) {
    ReplyReader reader(512);
    EXPECT_FALSE(read(reader, text.substr(0, size), 1000).value()) << size;
  }
}

}  // namespace
}  // namespace pocketgss::sasl
