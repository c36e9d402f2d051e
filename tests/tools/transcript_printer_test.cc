// What -v shows of a SASL token.
#include "tools/pocketgss/transcript_printer.h"

#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "tests/support/hex.h"
#include "tests/tools/support/recorded_ntlm.h"

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

// payload is what the descriptor at that place of an NTLM message points to: [0-1] Len, [4-7]
// BufferOffset, of which the upper half is 0 here.
ByteView payload(ByteView message, size_t descriptor) {
  const auto number = [&](size_t at) { return size_t{message[at]} | size_t{message[at + 1]} << 8; };
  const size_t size = number(descriptor);
  return size == 0 ? ByteView() : message.sub(number(descriptor + 4), size);
}

// A log of them would do for guessing the password. [MS-NLMP] 2.2.1.3: the MIC stands at 72, the
// descriptors of the LM response, the NT response and the session key at 12, 20 and 52.
TEST(TranscriptPrinter, P22_ShowsNoResponseMicOrSessionKeyOfAnAuthenticate) {
  size_t count = 0;
  for (const auto& recorded : pocketgss::testing::recorded_ntlm()) {
    if (recorded.message_type() != 3) continue;
    const std::string text = shown(recorded.token);
    EXPECT_NE(text.find("UserName: \"alice\""), std::string::npos) << text;
    const ByteView message = recorded.message();
    for (const ByteView secret : {payload(message, 12), payload(message, 20), payload(message, 52),
                                  recorded.mic ? message.sub(72, 16) : ByteView()}) {
      // Zeros stand for an LM response that is not sent.
      if (secret.size() < 8 || secret.prefix(8) == ByteView(Bytes(8))) continue;
      EXPECT_EQ(text.find(pocketgss::testing::hex(secret.prefix(8))), std::string::npos)
          << recorded.where << "\n"
          << text;
      ++count;
    }
  }
  EXPECT_GE(count, 100u);
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
