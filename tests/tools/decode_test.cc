#include "tools/decode/decode.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/support/hex.h"
#include "tests/support/vector_file.h"
#include "tests/tools/support/nested_tokens.h"
#include "tools/decode/command.h"
#include "tools/decode/render.h"

namespace pocketgss::tools {
namespace {

using nlohmann::json;
using testing::hex;
using testing::run_vectors;
using testing::unhex;
using testing::VectorBlock;

// A NegTokenInit with a NEGOTIATE inside, from vectors/spnego/constructed.vec.
constexpr char kInit[] =
    "604806062b0601050502a03e303ca00e300c060a2b06010401823702020aa22a04284e544c4d535350000100000097"
    "8208"
    "e2000000000000000000000000000000000601b11d0000000f";

json decode_json(std::string_view input, DecodeOptions options = {}) {
  options.json = true;
  std::istringstream in{std::string(input)};
  std::ostringstream out, err;
  const int code = run_decode(options, in, out, err);
  const json object = json::parse(out.str());
  EXPECT_EQ(code, object["ok"].get<bool>() ? 0 : 65);
  EXPECT_EQ(err.str(), "");
  return object;
}

TEST(Decode, NamesTheFieldsOfANegTokenInitWithTheirOffsets) {
  const json object = decode_json(kInit);
  EXPECT_EQ(object["kind"], "spnego.NegTokenInit");
  EXPECT_EQ(object["length"], 74);
  EXPECT_EQ(object["token"]["thisMech"]["value"], "1.3.6.1.5.5.2");
  EXPECT_EQ(object["token"]["thisMech"]["offset"], 2);
  const json& types = object["token"]["mechTypes"];
  EXPECT_EQ(types["offset"], 14);
  EXPECT_EQ(types["value"][0]["name"], "MechType");
  EXPECT_EQ(types["value"][0]["offset"], 18);
  EXPECT_EQ(types["value"][0]["meaning"], "NTLM");
}

TEST(Decode, DecodesANestedTokenInPlaceWithOffsetsOfTheWholeInput) {
  const json object = decode_json(kInit);
  const json& nested = object["token"]["mechToken"];
  EXPECT_EQ(nested["kind"], "ntlm.Negotiate");
  EXPECT_EQ(nested["token"]["Signature"]["offset"], 34);
  EXPECT_EQ(nested["token"]["NegotiateFlags"]["offset"], 34 + 12);
  EXPECT_EQ(nested["token"]["NegotiateFlags"]["value"], 0xe2088297u);
  EXPECT_EQ(nested["token"]["NegotiateFlags"]["names"][0], "NTLMSSP_NEGOTIATE_UNICODE");
}

TEST(Decode, NotesWhyANestedTokenDoesNotDecode) {
  const json object = decode_json(
      "602c06062b0601050502a0223020a018301606092a864882f71201020206092a864886f712010202"
      "a2040402"
      "6000");
  ASSERT_TRUE(object["ok"]);
  EXPECT_EQ(object["token"]["mechToken"]["value"], "6000");
  EXPECT_FALSE(object["token"]["mechToken"].contains("kind"));
  EXPECT_EQ(object["notes"][0].get<std::string>().rfind("mechToken is not decoded", 0), 0u);
}

TEST(Decode, TellsTheStateOfANegTokenResp) {
  const json object = decode_json("a1073005a0030a0101");
  EXPECT_EQ(object["kind"], "spnego.NegTokenResp");
  EXPECT_EQ(object["token"]["negState"]["value"], 1);
  EXPECT_EQ(object["token"]["negState"]["meaning"], "accept-incomplete");
}

TEST(Decode, SaysWhatIsWrongAndWhere) {
  const json error = decode_json("a1073005a0030a0104")["error"];
  EXPECT_EQ(error["code"], "malformed");
  EXPECT_EQ(error["where"], "NegTokenResp.negState");
  EXPECT_EQ(error["offset"], 8);
  EXPECT_FALSE(error["message"].get<std::string>().empty());
}

TEST(Decode, RefusesAnotherKindThanTheOneAskedFor) {
  DecodeOptions options;
  options.kind = "ntlm.Challenge";
  EXPECT_FALSE(decode_json(kInit, options)["ok"]);
  options.kind = "spnego.NegTokenResp";
  EXPECT_FALSE(decode_json(kInit, options)["ok"]);
}

TEST(Decode, TakesATokenWithoutHintsForANegTokenInit2WhereAsked) {
  DecodeOptions options;
  options.kind = "spnego.NegTokenInit2";
  EXPECT_EQ(decode_json(kInit, options)["kind"], "spnego.NegTokenInit2");
}

TEST(Decode, RefusesWhatIsNoTokenThatWeKnow) {
  EXPECT_EQ(decode_json("00")["error"]["where"], "token kind");
  EXPECT_EQ(decode_json("4e544c")["error"]["offset"].is_number(), true);
}

TEST(Decode, EveryConstructedSpnegoTokenDecodes) {
  const auto decodes = [](VectorBlock& block) {
    const auto token = decode_token(block.bytes("Token"));
    ASSERT_TRUE(token.has_value()) << block.where();
    EXPECT_EQ(token.value().kind, "spnego." + block.instruction()) << block.where();
    EXPECT_TRUE(json::accept(render_json(token.value())));
    block.ignore_unread();
  };
  run_vectors("spnego/constructed.vec",
              {{"NegTokenInit", decodes}, {"NegTokenInit2", decodes}, {"NegTokenResp", decodes}});
}

TEST(Decode, EveryRefusedChallengeIsRefusedWithItsError) {
  run_vectors("ntlm/refused.vec",
              {{"Refused",
                [](VectorBlock& block) {
                  // N9 is refused where its name is converted, which a decoder
                  // leaves to its reader.
                  const auto token = decode_token(block.bytes("Challenge"));
                  if (block.word("Id") != "N9") block.expect_error(token);
                  block.ignore_unread();
                }},
               {"Taken", [](VectorBlock& block) {
                  EXPECT_TRUE(decode_token(block.bytes("Challenge")).has_value()) << block.where();
                  block.ignore_unread();
                }}});
}

TEST(Decode, EveryPrefixIsRefusedOrDecodedButNeverCrashes) {
  const Bytes token = unhex(kInit);
  for (size_t size = 0; size < token.size(); ++size) {
    const Bytes prefix(token.begin(), token.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_FALSE(decode_token(prefix).has_value()) << size;
  }
}

TEST(Decode, DER_1_LooksSixteenTokensDeepAndNoDeeper) {
  const Bytes token = testing::nested_neg_token_resp(16);
  const json whole = decode_json(hex(token));
  EXPECT_TRUE(whole["notes"].empty()) << whole["notes"];
  json innermost = whole;
  for (int depth = 1; depth < 16; ++depth) innermost = innermost["token"]["responseToken"];
  EXPECT_EQ(innermost["token"]["negState"]["value"], 1);
  EXPECT_EQ(innermost["token"]["negState"]["offset"], token.size() - 5);

  const json cut = decode_json(hex(testing::nested_neg_token_resp(17)));
  innermost = cut;
  for (int depth = 1; depth < 17; ++depth) innermost = innermost["token"]["responseToken"];
  EXPECT_EQ(innermost["value"], "a1073005a0030a0101");
  EXPECT_FALSE(innermost.contains("kind"));
  EXPECT_EQ(cut["notes"], json{"responseToken is not decoded: it is nested deeper than 16 levels"});
}

// Neither the stack nor the output grows with the depth.
TEST(Decode, DER_1_TwentyThousandTokensInOneAnotherTakeNoMoreThanSixteen) {
  const Bytes token = testing::nested_neg_token_resp(20'000);
  const auto decoded = decode_token(token);
  ASSERT_TRUE(decoded.has_value()) << describe(decoded.error());
  EXPECT_EQ(decoded.value().notes.size(), 1u);
  EXPECT_LT(render_json(decoded.value()).size(), 16 * 2 * token.size() + 8192);
  EXPECT_LT(render_text(decoded.value(), TextStyle{}).size(), 2 * token.size() + 8192);
}

TEST(Decode, TextShowsALineAField) {
  std::istringstream in{std::string(kInit)};
  std::ostringstream out, err;
  EXPECT_EQ(run_decode({}, in, out, err), 0);
  EXPECT_NE(out.str().find("spnego.NegTokenInit, 74 bytes\n"), std::string::npos);
  EXPECT_NE(out.str().find("   46    NegotiateFlags: 0xe2088297\n"), std::string::npos)
      << out.str();
}

TEST(Decode, ARefusalGoesToStandardError) {
  std::istringstream in("a100");
  std::ostringstream out, err;
  EXPECT_EQ(run_decode({}, in, out, err), 65);
  EXPECT_EQ(out.str(), "");
  EXPECT_EQ(err.str().rfind("pocketgss decode: ", 0), 0u);
}

// A folder opens like a file, and its read fails.
TEST(Decode, AnInputThatCannotBeReadIsNoEmptyOne) {
  for (const bool batch : {false, true}) {
    for (const bool as_json : {false, true}) {
      DecodeOptions options;
      options.batch = batch;
      options.json = as_json;
      std::ifstream in("/");
      ASSERT_TRUE(in.is_open());
      std::ostringstream out, err;
      EXPECT_EQ(run_decode(options, in, out, err), 66);
      EXPECT_EQ(out.str(), "");
      EXPECT_EQ(err.str(), "pocketgss decode: the input cannot be read\n");
    }
  }
}

TEST(Decode, AnOutputThatCannotBeWrittenIsAnError) {
  for (const bool batch : {false, true}) {
    DecodeOptions options;
    options.batch = batch;
    std::istringstream in{std::string(kInit) + "\n"};
    std::ofstream out("/dev/full");
    if (!out.is_open()) GTEST_SKIP() << "no /dev/full";
    std::ostringstream err;
    EXPECT_EQ(run_decode(options, in, out, err), 74);
    EXPECT_EQ(err.str(), "pocketgss decode: the output cannot be written\n");
  }
}

class DecodeBatch : public ::testing::Test {
 protected:
  std::vector<json> lines(const std::string& input) {
    DecodeOptions options;
    options.batch = true;
    std::istringstream in(input);
    std::ostringstream out, err;
    EXPECT_EQ(run_decode(options, in, out, err), 0);
    std::vector<json> objects;
    std::istringstream written(out.str());
    for (std::string line; std::getline(written, line);) objects.push_back(json::parse(line));
    return objects;
  }
};

TEST_F(DecodeBatch, AnswersEachLineWithOneObject) {
  const auto objects = lines(std::string(kInit) + "\n\nnot a token!\noQcwBaADCgEB\r\n" +
                             std::string(3 << 20, 'a') + "\na1073005a0030a0101");
  ASSERT_EQ(objects.size(), 6u);
  EXPECT_TRUE(objects[0]["ok"]);
  EXPECT_FALSE(objects[1]["ok"]);
  EXPECT_FALSE(objects[2]["ok"]);
  EXPECT_TRUE(objects[3]["ok"]);
  EXPECT_EQ(objects[4]["error"]["message"], "the line is longer than 1 MiB");
  EXPECT_TRUE(objects[5]["ok"]);
}

TEST_F(DecodeBatch, OctetsThatAreNoTextAreOneRefusal) {
  const auto objects = lines(std::string("\xff\xfe\x00\x01\n", 5));
  ASSERT_EQ(objects.size(), 1u);
  EXPECT_FALSE(objects[0]["ok"]);
}

TEST_F(DecodeBatch, DER_1_ADeeplyNestedTokenIsOneObjectAmongOthers) {
  const auto objects =
      lines(std::string(kInit) + "\n" + hex(testing::nested_neg_token_resp(20'000)) + "\n" +
            std::string(kInit) + "\n");
  ASSERT_EQ(objects.size(), 3u);
  for (const json& object : objects) EXPECT_TRUE(object["ok"]);
  EXPECT_EQ(objects[1]["kind"], "spnego.NegTokenResp");
}

TEST_F(DecodeBatch, NothingGivesNothing) {
  EXPECT_TRUE(lines("").empty());
}

}  // namespace
}  // namespace pocketgss::tools
