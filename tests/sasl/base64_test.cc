// Base64: the values of RFC 4648 section 10, the canonical form, and nothing else.
#include <pocketgss/base64.h>

#include <gtest/gtest.h>

namespace pocketgss {
namespace {

struct Pair {
  const char* bytes;
  const char* text;
};
constexpr Pair kRfc4648[] = {{"", ""},
                             {"f", "Zg=="},
                             {"fo", "Zm8="},
                             {"foo", "Zm9v"},
                             {"foob", "Zm9vYg=="},
                             {"fooba", "Zm9vYmE="},
                             {"foobar", "Zm9vYmFy"}};

Bytes counting(size_t size) {
  Bytes out(size);
  for (size_t i = 0; i < size; ++i) out[i] = static_cast<uint8_t>(i * 7 + (i >> 8));
  return out;
}

Error decode_error(std::string_view text) {
  const auto result = base64_decode(text);
  EXPECT_FALSE(result.has_value()) << text;
  return result.has_value() ? Error{} : result.error();
}

TEST(Base64, EncodesTheVectorsOfRfc4648) {
  for (const Pair& pair : kRfc4648) EXPECT_EQ(base64_encode(as_bytes(pair.bytes)), pair.text);
}

TEST(Base64, DecodesTheVectorsOfRfc4648) {
  for (const Pair& pair : kRfc4648)
    EXPECT_EQ(as_text(base64_decode(pair.text).value()), pair.bytes);
}

TEST(Base64, KnowsTheWholeAlphabet) {
  const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  EXPECT_EQ(base64_encode(base64_decode(alphabet).value()), alphabet);
}

TEST(Base64, GivesEveryLengthBack) {
  for (size_t size = 0; size < 300; ++size) {
    const Bytes bytes = counting(size);
    EXPECT_EQ(ByteView(base64_decode(base64_encode(bytes)).value()), ByteView(bytes));
  }
}

TEST(Base64, AppendsToWhatIsThere) {
  Bytes out = as_bytes("334 ").to_bytes();
  base64_append(out, as_bytes("foob"));
  EXPECT_EQ(as_text(out), "334 Zm9vYg==");
}

TEST(Base64, DecodesInPlace) {
  std::string text = "Zm9vYmE=";
  const auto result =
      base64_decode_in_place({reinterpret_cast<uint8_t*>(text.data()), text.size()});
  EXPECT_EQ(as_text(result.value()), "fooba");
  EXPECT_EQ(static_cast<const void*>(result.value().data()), text.data());
}

TEST(Base64, SMT_6_RefusesEveryOctetOutsideTheAlphabet) {
  const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (int octet = 0; octet < 256; ++octet) {
    const char c = static_cast<char>(octet);
    for (size_t at = 0; at < 4; ++at) {
      std::string text = "ABCDABCDABCD";
      text[4 + at] = c;
      const bool good = alphabet.find(c) != std::string::npos;
      ASSERT_EQ(base64_decode(text).has_value(), good) << octet << " at " << at;
      if (good) continue;
      EXPECT_EQ(decode_error(text),
                (Error{Errc::kMalformed, "base64", static_cast<uint32_t>(4 + at), 0}));
    }
  }
}

TEST(Base64, SMT_6_RefusesLengthsThatAreNoMultipleOfFour) {
  for (size_t size = 0; size < 65; ++size) {
    EXPECT_EQ(base64_decode(std::string(size, 'A')).has_value(), size % 4 == 0) << size;
  }
}

TEST(Base64, SMT_6_RefusesPaddingInTheMiddle) {
  for (const char* text : {"Zg==Zg==", "Zm8=Zm8=", "Z===", "====", "=AAA", "A=AA", "AA=A",
                           "Zg==\r\n", "=", "AAAA====", "AAAA="}) {
    EXPECT_EQ(decode_error(text).code, Errc::kMalformed) << text;
  }
}

TEST(Base64, SMT_6_RefusesPadBitsThatAreNotZero) {
  for (const char* text : {"Zh==", "Zv==", "Zm9=", "Zm/=", "AAAAZ/=="}) {
    EXPECT_EQ(decode_error(text).code, Errc::kMalformed) << text;
  }
  EXPECT_EQ(decode_error("AAAAZh==").offset, 5u);
  EXPECT_EQ(decode_error("AAAAZm9=").offset, 6u);
}

// One text for each byte string: of all texts of one padded group, those that decode are those that
// we would write.
TEST(Base64, SMT_6_CHB_3_AcceptsOnlyTheCanonicalForm) {
  const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  size_t accepted = 0;
  for (const char a : alphabet) {
    for (const char b : alphabet) {
      const std::string text = {a, b, '=', '='};
      const auto result = base64_decode(text);
      if (!result.has_value()) continue;
      ++accepted;
      ASSERT_EQ(base64_encode(result.value()), text);
    }
  }
  EXPECT_EQ(accepted, 256u);
}

TEST(Base64, SMT_6_RefusesTheUrlAlphabet) {
  EXPECT_EQ(decode_error("AA-A"), (Error{Errc::kMalformed, "base64", 2, 0}));
  EXPECT_EQ(decode_error("AAA_"), (Error{Errc::kMalformed, "base64", 3, 0}));
}

}  // namespace
}  // namespace pocketgss
