// What -v shows of a SASL token.
#include "tools/pocketgss/transcript_printer.h"

#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/bytes.h"
#include "tests/support/hex.h"
#include "tests/tools/support/recorded_krb5.h"
#include "tests/tools/support/recorded_ntlm.h"

namespace pocketgss::tools {
namespace {

using ::testing::HasSubstr;
using testing::hex;
using ::testing::Not;
using testing::recorded_krb5;
using testing::unhex;

std::string shown(ByteView token) {
  std::ostringstream out;
  TranscriptPrinter(out).token(SmtpParty::kServer, "334 ", SaslMechanism::kGssapi, token);
  return out.str();
}

// What the layer step sends, in either form.
constexpr char kCfxWrap[] = "050401ff000c00000000000008d06b7a01000000da6a7949f56ed85a7d72e1ed";
constexpr char kRc4Wrap[] =
    "603006092a864886f71201020202011100ffffffffd17449f1f98515c835c666ab69ac88ea006cbbc76d8a5f1801"
    "00000001";

TEST(TranscriptPrinter, ShowsWhatALayerStepSays) {
  EXPECT_EQ(shown(unhex(kCfxWrap)),
            "S: 334 (base64 of 32 bytes)\n"
            "        krb5.Wrap, 32 bytes\n"
            "            0  TOK_ID: 0504\n"
            "            2  Flags: 0x00000001\n"
            "                 SentByAcceptor\n"
            "            3  Filler: ff\n"
            "            4  EC: 12 (octets of checksum)\n"
            "            6  RRC: 0\n"
            "            8  SND_SEQ: 147876730\n"
            "           16  Message: 4 bytes (as the layer step of RFC 4752: no security layer, "
            "maximum size 0)\n"
            "           20  Checksum: 12 bytes\n");
}

TEST(TranscriptPrinter, ShowsAWrapTokenOfEtype23LikeAnyOther) {
  EXPECT_EQ(shown(unhex(kRc4Wrap)),
            "S: 334 (base64 of 50 bytes)\n"
            "        krb5.Wrap, 50 bytes\n"
            "            2  thisMech: \"1.2.840.113554.1.2.2\" (Kerberos V5)\n"
            "           13  TOK_ID: 0201\n"
            "           15  SGN_ALG: 1100 (HMAC-MD5)\n"
            "           17  SEAL_ALG: ffff (none)\n"
            "           19  Filler: ffff\n"
            "           21  SND_SEQ: d17449f1f98515c8 (encrypted)\n"
            "           29  SGN_CKSUM: 8 bytes\n"
            "           37  Confounder: 006cbbc76d8a5f18\n"
            "           45  Message: 4 bytes\n"
            "           49  Padding: 01\n");
}

// The program that sends and takes them has verified them: no note says that this tree was not.
TEST(TranscriptPrinter, P22_ShowsNoMessageOfAWrapToken) {
  size_t count = 0;
  for (const char* file : {"mit", "peers", "smtp"}) {
    for (const auto& exchange : recorded_krb5(file)) {
      for (const auto& message : exchange.messages) {
        if (message.kind == "mic") continue;
        const std::string text = shown(message.token);
        EXPECT_THAT(text, HasSubstr("        krb5.Wrap, ")) << message.where;
        EXPECT_THAT(text, Not(HasSubstr("note: "))) << message.where;
        if (message.plaintext.size() < 8) continue;
        EXPECT_THAT(text, Not(HasSubstr(hex(ByteView(message.plaintext).prefix(8)))));
        ++count;
      }
    }
  }
  EXPECT_GE(count, 100u);
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
  for (const auto& recorded : testing::recorded_ntlm()) {
    if (recorded.message_type() != 3) continue;
    const std::string text = shown(recorded.token);
    EXPECT_NE(text.find("UserName: \"alice\""), std::string::npos) << text;
    const ByteView message = recorded.message();
    for (const ByteView secret : {payload(message, 12), payload(message, 20), payload(message, 52),
                                  recorded.mic ? message.sub(72, 16) : ByteView()}) {
      // Zeros stand for an LM response that is not sent.
      if (secret.size() < 8 || secret.prefix(8) == ByteView(Bytes(8))) continue;
      EXPECT_EQ(text.find(hex(secret.prefix(8))), std::string::npos) << recorded.where << "\n"
                                                                     << text;
      ++count;
    }
  }
  EXPECT_GE(count, 100u);
}

TEST(TranscriptPrinter, SaysWhyATokenIsNotDecoded) {
  Bytes token = unhex(kCfxWrap);
  token.resize(15);
  EXPECT_NE(shown(token).find("not decoded: "), std::string::npos);
}

TEST(TranscriptPrinter, MarksAnEmptyToken) {
  EXPECT_EQ(shown({}), "S: 334 (empty)\n");
}

}  // namespace
}  // namespace pocketgss::tools
