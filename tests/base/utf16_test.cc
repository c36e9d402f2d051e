#include "base/utf16.h"

#include <gtest/gtest.h>

#include <clocale>
#include <cstdlib>
#include <cwctype>
#include <string>

#include "base/upcase_table.h"
#include "fuzz/oracles_lib.h"
#include "tests/support/hex.h"

namespace pocketgss {
namespace {

using testing::hex;
using testing::unhex;

std::string utf16_of(std::string_view utf8) {
  Bytes out;
  const Result<void> done = utf8_to_utf16le(utf8, "text", out);
  return done.has_value() ? hex(out) : name(done.error().code);
}

Result<std::string> utf8_of(ByteView utf16le) {
  std::string out;
  PGSS_CHECK(utf16le_to_utf8(utf16le, "text", out));
  return out;
}

Error utf8_error(std::string_view utf8) {
  Bytes out = {0xaa};
  const Result<void> done = utf8_to_utf16le(utf8, "text", out);
  EXPECT_FALSE(done.has_value());
  EXPECT_EQ(out, Bytes{0xaa}) << "nothing may be appended where the text is refused";
  return done.has_value() ? Error{} : done.error();
}

uint32_t upcase_unit(uint32_t unit) {
  FixedBytes<2> bytes = {static_cast<uint8_t>(unit), static_cast<uint8_t>(unit >> 8)};
  simple_upcase_utf16le(bytes);
  return bytes[0] | static_cast<uint32_t>(bytes[1]) << 8;
}

std::string upcase_text(std::string_view utf8) {
  const Result<std::string> out = simple_upcase(utf8, "text");
  return out.has_value() ? out.value() : name(out.error().code);
}

TEST(Utf8ToUtf16, ConvertsEachLengthOfSequence) {
  EXPECT_EQ(utf16_of("aé€"), "6100e900ac20");
  EXPECT_EQ(utf16_of("\U0001F600"), "3dd800de");
  EXPECT_EQ(utf16_of(""), "");
}

TEST(Utf8ToUtf16, ConvertsTheEndsOfEachRange) {
  EXPECT_EQ(utf16_of(std::string_view("\0\x7f", 2)), "00007f00");
  EXPECT_EQ(utf16_of("\u0080\u07ff\u0800\uffff"), "8000ff070008ffff");
  EXPECT_EQ(utf16_of("\U00010000\U0010ffff"), "00d800dcffdbffdf");
}

TEST(Utf8ToUtf16, AppendsToWhatIsThere) {
  Bytes out = {1};
  ASSERT_TRUE(utf8_to_utf16le("a", "text", out).has_value());
  EXPECT_EQ(hex(out), "016100");
}

TEST(Utf8ToUtf16, NamesTheFieldAndTheOffsetOfTheFirstBadByte) {
  EXPECT_EQ(utf8_error("ab\xff"), (Error{Errc::kMalformed, "text", 2, 0}));
}

TEST(Utf8ToUtf16, RefusesAnOverlongForm) {
  EXPECT_EQ(utf8_error("\xc0\x80").offset, 0u);
  EXPECT_EQ(utf8_error("\xc1\xbf").offset, 0u);
  EXPECT_EQ(utf8_error("\xe0\x9f\xbf").offset, 0u);
  EXPECT_EQ(utf8_error("\xf0\x8f\xbf\xbf").offset, 0u);
}

TEST(Utf8ToUtf16, RefusesASurrogate) {
  EXPECT_EQ(utf8_error("a\xed\xa0\x80").offset, 1u);
  EXPECT_EQ(utf8_error("a\xed\xbf\xbf").offset, 1u);
}

TEST(Utf8ToUtf16, RefusesACharacterAboveTheLast) {
  EXPECT_EQ(utf8_error("\xf4\x90\x80\x80").offset, 0u);
  EXPECT_EQ(utf8_error("\xf5\x80\x80\x80").offset, 0u);
}

TEST(Utf8ToUtf16, RefusesALoneContinuationByte) {
  EXPECT_EQ(utf8_error("\x80").offset, 0u);
}

TEST(Utf8ToUtf16, RefusesEveryCutSequence) {
  EXPECT_EQ(utf8_error("a\xc3").offset, 1u);
  EXPECT_EQ(utf8_error("a\xe2\x82").offset, 1u);
  EXPECT_EQ(utf8_error("a\xf0\x9f\x98").offset, 1u);
  EXPECT_EQ(utf8_error("\xe2(\x82").offset, 0u);
}

TEST(Utf16ToUtf8, ReversesTheConversionOfEveryCharacter) {
  for (uint32_t c = 0; c <= 0x10ffff; ++c) {
    if (c >= 0xd800 && c <= 0xdfff) continue;
    Bytes utf16;
    const uint32_t above = c - 0x10000;
    for (const uint32_t unit :
         c <= 0xffff ? std::vector<uint32_t>{c}
                     : std::vector<uint32_t>{0xd800 + (above >> 10), 0xdc00 + (above & 0x3ff)}) {
      utf16.push_back(static_cast<uint8_t>(unit));
      utf16.push_back(static_cast<uint8_t>(unit >> 8));
    }
    const Result<std::string> utf8 = utf8_of(utf16);
    ASSERT_TRUE(utf8.has_value()) << c;
    ASSERT_EQ(utf16_of(utf8.value()), hex(utf16)) << c;
  }
}

TEST(Utf16ToUtf8, RefusesAnOddSize) {
  EXPECT_EQ(utf8_of(unhex("610062")).error(), (Error{Errc::kMalformed, "text", 2, 0}));
}

TEST(Utf16ToUtf8, RefusesALoneHighSurrogate) {
  EXPECT_EQ(utf8_of(unhex("610000d8")).error().offset, 2u);
  EXPECT_EQ(utf8_of(unhex("00d86100")).error().offset, 0u);
}

TEST(Utf16ToUtf8, RefusesALoneLowSurrogate) {
  EXPECT_EQ(utf8_of(unhex("00dc00d8")).error().offset, 0u);
}

TEST(Utf16ToUtf8, TakesNulAndNoncharacters) {
  EXPECT_EQ(utf8_of(unhex("0000ffff")).value(), std::string("\0\xef\xbf\xbf", 4));
}

TEST(PasswordToUtf16, ConvertsIntoASecretOfExactlyTheSize) {
  const Result<SecretBytes> secret = password_to_utf16le(as_bytes("Pä\U0001F600"), "password");
  ASSERT_TRUE(secret.has_value());
  EXPECT_EQ(hex(secret.value().view()), "5000e4003dd800de");
}

TEST(PasswordToUtf16, QuirkC23_TakesLoneSurrogatesOfMachineAccounts) {
  const Result<SecretBytes> secret = password_to_utf16le(unhex("61eda080edbfbf62"), "password");
  ASSERT_TRUE(secret.has_value());
  EXPECT_EQ(hex(secret.value().view()), "610000d8ffdf6200");
}

TEST(PasswordToUtf16, RefusesWhatIsNoUtf8) {
  EXPECT_EQ(password_to_utf16le(as_bytes("Passw\xf6rd"), "password").error(),
            (Error{Errc::kMalformed, "password", 5, 0}));
}

TEST(PasswordToUtf16, TakesTheEmptyOne) {
  EXPECT_TRUE(password_to_utf16le({}, "password").value().empty());
}

TEST(SimpleUpcase, MapsAsciiLettersAlone) {
  EXPECT_EQ(upcase_text("azAZ09`{@[ ~"), "AZAZ09`{@[ ~");
}

TEST(SimpleUpcase, MapsLatinGreekAndCyrillic) {
  EXPECT_EQ(upcase_text("éàöñÿž"), "ÉÀÖÑŸŽ");
  EXPECT_EQ(upcase_text("αβγώϋ"), "ΑΒΓΏΫ");
  EXPECT_EQ(upcase_text("привётџ"), "ПРИВЁТЏ");
  EXPECT_EQ(upcase_text("ăąśşțž"), "ĂĄŚŞȚŽ");
}

TEST(SimpleUpcase, LeavesWhatHasNoCase) {
  EXPECT_EQ(upcase_text("日本語÷×ªº"), "日本語÷×ªº");
}

TEST(SimpleUpcase, QuirkC12_KeepsSharpS) {
  EXPECT_EQ(upcase_text("straße"), "STRAßE");
}

TEST(SimpleUpcase, KeepsCharactersWhoseUpperCaseIsLonger) {
  EXPECT_EQ(upcase_text("ŉǰΐﬃ"),
            "ŉǰΐﬃ");  // SpecialCasing.txt has these; the simple mapping does not
}

TEST(SimpleUpcase, MapsFinalSigmaAsSigma) {
  EXPECT_EQ(upcase_text("σς"), "ΣΣ");
}

// What follows stays as it is in Windows and in Samba, though the Unicode Character Database maps
// it.
TEST(SimpleUpcase, QuirkC12_KeepsDotlessI) {
  EXPECT_EQ(upcase_text("ışık"), "ıŞıK");
}

TEST(SimpleUpcase, KeepsWhatWouldNotComeBackInLowerCase) {
  EXPECT_EQ(upcase_text("µſϐẛ"), "µſϐẛ");
}

TEST(SimpleUpcase, KeepsTitleCaseDigraphs) {
  EXPECT_EQ(upcase_text("ǆǅǉ"), "ǄǅǇ");
}

TEST(SimpleUpcase, KeepsGeorgian) {
  EXPECT_EQ(upcase_text("ნინო"), "ნინო");
}

TEST(SimpleUpcase, KeepsDottedCapitalI) {
  EXPECT_EQ(upcase_text("İ"), "İ");
}

TEST(SimpleUpcase, LeavesCharactersOutsideTheBasicPlane) {
  EXPECT_EQ(upcase_text("\U00010428"),
            "\U00010428");  // Deseret has case; a UTF-16 unit alone has not
  for (uint32_t unit = 0xd800; unit <= 0xdfff; ++unit) ASSERT_EQ(upcase_unit(unit), unit);
}

TEST(SimpleUpcase, RefusesWhatIsNoUtf8) {
  EXPECT_EQ(simple_upcase("a\xff", "name").error(), (Error{Errc::kMalformed, "name", 1, 0}));
}

TEST(SimpleUpcase, ComparesAsItMaps) {
  EXPECT_TRUE(same_upcased("", ""));
  EXPECT_TRUE(same_upcased("straße Ж \U00010428", "STRAßE ж \U00010428"));
  EXPECT_TRUE(same_upcased("ⱥ", "Ⱥ"));  // of three octets and of two
  EXPECT_FALSE(same_upcased("alice", "alic"));
  EXPECT_FALSE(same_upcased("alic", "alice"));
  EXPECT_FALSE(same_upcased("", "a"));
  EXPECT_FALSE(same_upcased("\U00010428", "\U00010400"));
}

TEST(SimpleUpcase, WhatIsNoUtf8IsTheSameAsNothing) {
  EXPECT_FALSE(same_upcased("a\xff", "a\xff"));
  EXPECT_FALSE(same_upcased("a\xff", "ab"));
  EXPECT_FALSE(same_upcased("ab", "a\xff"));
  EXPECT_FALSE(same_upcased("a\xc3", "a\xc3"));
}

TEST(SimpleUpcase, MapsAsManyCharactersAsTheTableSays) {
  unsigned changed = 0;
  for (uint32_t unit = 0; unit <= 0xffff; ++unit) changed += upcase_unit(unit) != unit ? 1 : 0;
  EXPECT_EQ(changed, kUpcaseCount);
}

TEST(SimpleUpcase, ChangesNothingTheSecondTime) {
  for (uint32_t unit = 0; unit <= 0xffff; ++unit) {
    ASSERT_EQ(upcase_unit(upcase_unit(unit)), upcase_unit(unit)) << std::hex << unit;
  }
}

TEST(SimpleUpcase, LeavesAnOddLastByteAlone) {
  Bytes bytes = unhex("610062");
  simple_upcase_utf16le(bytes);
  EXPECT_EQ(hex(bytes), "410062");
  simple_upcase_utf16le({});
}

// TurkishLocale sets tr_TR for the whole process while it lives, made by localedef where it is not
// installed.
class TurkishLocale {
 public:
  TurkishLocale()
      : directory_(::testing::TempDir() + "pgss_locale"), saved_(std::setlocale(LC_ALL, nullptr)) {
    if (std::setlocale(LC_ALL, "tr_TR.UTF-8") != nullptr) return;
    const std::string made = directory_ + "/tr_TR.UTF-8";
    const std::string command =
        "mkdir -p " + directory_ + " && localedef -i tr_TR -f UTF-8 " + made + " 2>/dev/null";
    if (std::system(command.c_str()) != 0) return;
    ::setenv("LOCPATH", directory_.c_str(), 1);
    std::setlocale(LC_ALL, "tr_TR.UTF-8");
  }
  ~TurkishLocale() {
    std::setlocale(LC_ALL, saved_.c_str());
    ::unsetenv("LOCPATH");
  }
  // is_set: towupper('i') is U+0130 now, which is what breaks logins elsewhere.
  bool is_set() const { return std::towupper(L'i') == 0x130; }

 private:
  std::string directory_;
  std::string saved_;
};

TEST(SimpleUpcase, QuirkC12_IsTheSameInATurkishLocale) {
  const TurkishLocale locale;
  if (!locale.is_set()) GTEST_SKIP() << "the locale tr_TR is not to be had (package locales)";
  EXPECT_EQ(upcase_text("iışi"), "IıŞI");
}

TEST(Utf16, HoldsTheOracleForOddTexts) {
  for (const std::string_view text : {"", "a", "D\\user", "u@d", "straße", "ışık", "Σίσυφος",
                                      "\U00010428", "\xed\xa0\x80", "\xff", "\xf0\x9f"}) {
    fuzz::check_utf8(as_bytes(text));
    fuzz::check_utf16(as_bytes(text));
  }
}

}  // namespace
}  // namespace pocketgss
