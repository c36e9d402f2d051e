// What -v shows of a SASL token.
#include "tools/pocketgss/transcript_printer.h"

#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "base/bytes.h"

namespace pocketgss::tools {
namespace {

std::string shown(ByteView token) {
  std::ostringstream out;
  TranscriptPrinter(out).token(SmtpParty::kServer, "334 ", SaslMechanism::kGssapi, token);
  return out.str();
}

// The header of RFC 4121 4.2.6.2, with these flags, and 16 octets more.
Bytes wrap_token(uint8_t flags) {
  Bytes token = {0x05, 0x04, flags, 0xff, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  token.resize(32);
  return token;
}

TEST(TranscriptPrinter, NamesAWrapTokenAndShowsNothingOfIt) {
  EXPECT_EQ(shown(wrap_token(0x05)),
            "S: 334 (base64 of 32 bytes)\n        krb5.Wrap, 32 bytes, signed\n");
  EXPECT_EQ(shown(wrap_token(0x07)),
            "S: 334 (base64 of 32 bytes)\n        krb5.Wrap, 32 bytes, sealed\n");
}

TEST(TranscriptPrinter, SaysWhyATokenIsNotDecoded) {
  Bytes token = wrap_token(0x05);
  token.resize(15);
  EXPECT_NE(shown(token).find("not decoded: "), std::string::npos);
}

TEST(TranscriptPrinter, MarksAnEmptyToken) {
  EXPECT_EQ(shown({}), "S: 334 (empty)\n");
}

}  // namespace
}  // namespace pocketgss::tools
