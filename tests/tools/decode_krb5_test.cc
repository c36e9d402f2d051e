// Kerberos messages as trees.
#include "tools/decode/krb5.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/hex.h"
#include "tests/support/vector_file.h"
#include "tests/tools/support/nested_tokens.h"
#include "tools/decode/decode.h"
#include "tools/decode/krb5_names.h"
#include "tools/decode/render.h"

namespace pocketgss::tools {
namespace {

using nlohmann::json;
using testing::hex;
using testing::unhex;
using testing::VectorBlock;

json decoded(ByteView token, std::string_view kind = {}) {
  const auto result = decode_token(token, kind);
  if (!result.has_value()) {
    ADD_FAILURE() << describe(result.error());
    return {};
  }
  EXPECT_EQ(result.value().length, token.size());
  return json::parse(render_json(result.value()));
}

Bytes first(const std::string& file, const std::string& instruction, const std::string& attribute) {
  for (VectorBlock block : testing::load_vectors(file)) {
    const Bytes value =
        block.instruction() == instruction ? block.bytes_list(attribute).at(0) : Bytes();
    block.ignore_unread();
    if (!value.empty()) return value;
  }
  ADD_FAILURE() << file << ": " << instruction;
  return {};
}

TEST(DecodeKrb5, EveryRecordedMessageDecodesAsWhatItIs) {
  for (VectorBlock block : testing::load_vectors("krb5/kdc_exchanges.vec")) {
    const Bytes message = block.bytes("Message");
    block.ignore_unread();
    const json object = decoded(message);
    EXPECT_EQ(object["kind"], "krb5." + block.instruction()) << block.where();
    EXPECT_TRUE(object["notes"].empty()) << block.where() << ": " << object["notes"];
  }
}

TEST(DecodeKrb5, EveryReferenceEncodingDecodesAsItsKind) {
  size_t count = 0;
  for (VectorBlock block : testing::load_vectors("krb5/mit_reference_encodings.vec")) {
    const Bytes der = block.bytes("Der");
    block.ignore_unread();
    const std::string kind = "krb5." + block.instruction();
    if (std::find(kKrb5Kinds.begin(), kKrb5Kinds.end(), kind) == kKrb5Kinds.end()) continue;
    EXPECT_EQ(decoded(der, kind)["kind"], kind) << block.where();
    ++count;
  }
  EXPECT_EQ(count, 44U);
}

TEST(DecodeKrb5, RecordedContextTokensDecodeInTheirFramesAndInSpnego) {
  for (VectorBlock block : testing::load_vectors("krb5/gss_tokens.vec")) {
    const std::string name = block.text("Name");
    const Bytes token = block.bytes_list("FromInitiator").at(0);
    block.ignore_unread();
    json object = decoded(token);
    if (object["kind"] == "spnego.NegTokenInit") object = object["token"]["mechToken"];
    EXPECT_EQ(object["kind"], "krb5.AP-REQ") << name;
    EXPECT_EQ(object["token"]["pvno"]["value"], 5) << name;
    const bool dce = name.find("dce") != std::string::npos;  // which has no frame around it
    EXPECT_EQ(object["token"].contains("TOK_ID"), !dce) << name;
  }
}

// Offsets count from the start of the whole input.
TEST(DecodeKrb5, FieldsAreWhereTheirOffsetsSay) {
  const Bytes token = first("krb5/gss_tokens.vec", "Exchange", "FromInitiator");
  const json object = decoded(token)["token"];
  const auto at = [&](const json& field) {
    return hex(ByteView(token).sub(field["offset"].get<size_t>(), field["length"].get<size_t>()));
  };
  EXPECT_EQ(at(object["thisMech"]), "06092a864886f712010202");
  EXPECT_EQ(at(object["TOK_ID"]), "0100");
  EXPECT_EQ(at(object["pvno"]), "a003020105");
  EXPECT_EQ(at(object["ticket"]["value"]["enc-part"]["value"]["etype"]), "a003020114");
  const json& sname = object["ticket"]["value"]["sname"]["value"]["name-string"]["value"];
  EXPECT_EQ(at(sname[0]), "1b04736d7470");
  EXPECT_EQ(sname[0]["name"], "name-string");
  EXPECT_EQ(sname[0]["value"], "smtp");
}

TEST(DecodeKrb5, NamesFlagsEtypesErrorsAndTimes) {
  const json request = decoded(first("krb5/kdc_exchanges.vec", "TGS-REQ", "Message"))["token"];
  const json& body = request["req-body"]["value"];
  EXPECT_EQ(body["kdc-options"]["names"], (json{"forwardable", "canonicalize"}));
  EXPECT_EQ(body["till"]["value"], "2026-11-24T21:42:18Z");
  EXPECT_EQ(body["etype"]["value"][0]["meaning"], "aes256-cts-hmac-sha384-192");
  const json& tgs_req = request["padata"]["value"][0]["value"]["padata-value"];
  EXPECT_EQ(tgs_req["kind"], "krb5.AP-REQ");

  const json error = decoded(first("krb5/kdc_exchanges.vec", "KRB-ERROR", "Message"))["token"];
  EXPECT_EQ(error["error-code"]["meaning"], "KDC_ERR_PREAUTH_REQUIRED");
  const json& methods = error["e-data"]["token"]["METHOD-DATA"]["value"];
  EXPECT_EQ(methods[1]["value"]["padata-type"]["meaning"], "PA-ETYPE-INFO2");
  const json& info = methods[1]["value"]["padata-value"]["token"]["ETYPE-INFO2"]["value"][0];
  EXPECT_EQ(info["value"]["salt"]["value"], "EXAMPLE.TESTpreuser");
}

// A peer wrote the names: ESC, U+009B and an octet that is no UTF-8 would move a terminal's cursor.
TEST(DecodeKrb5, NamesOfPrincipalsAreFitForATerminal) {
  const Bytes der = unhex(
      "6136 3034 a003020105 a107 1b05 1b5b324a41 a213 3011 a003020101 a10a 3008 1b06 1b5b48c29bff "
      "a30f 300d a003020112 a206 0404 01020304");
  const auto token = decode_token(der);
  ASSERT_TRUE(token.has_value()) << describe(token.error());
  const std::string text = render_text(token.value(), TextStyle{});
  EXPECT_NE(text.find("sname: \\x1b[H\\xc2\\x9b\\xff (NT-PRINCIPAL)\n"), std::string::npos) << text;
  EXPECT_NE(text.find("realm: \"\\x1b[2JA\"\n"), std::string::npos) << text;
}

TEST(DecodeKrb5, TellsFlagsThatHaveNoNameByTheirBit) {
  EXPECT_EQ(krb5_flag_names("EncTicketPart.flags", 0x40000001),
            (std::vector<std::string>{"forwardable", "bit 31"}));
  EXPECT_EQ(krb5_flag_names("AP-REQ.ap-options", 0x60000000),
            (std::vector<std::string>{"use-session-key", "mutual-required"}));
}

TEST(DecodeKrb5, QuirkD25_ShowsTheNtStatusOfAnActiveDirectoryKdc) {
  const Bytes der = unhex("3015 a103020103 a20e 040c 340200c0 00000000 01000000");
  const json data = decoded(der, "krb5.KERB-ERROR-DATA")["token"]["data-value"];
  EXPECT_EQ(data["kind"], "krb5.KERB-EXT-ERROR");
  EXPECT_EQ(data["token"]["status"]["meaning"], "STATUS_ACCOUNT_LOCKED_OUT");
  EXPECT_EQ(data["token"]["status"]["offset"], 11);
}

TEST(DecodeKrb5, ShowsThePacWithItsNames) {
  const Bytes pac = first("krb5/pac.vec", "PAC", "Pac");
  const json object = decoded(pac);
  EXPECT_EQ(object["kind"], "krb5.PAC");
  const json& buffers = object["token"]["Buffers"]["value"];
  ASSERT_EQ(buffers.size(), 4U);
  EXPECT_EQ(buffers[0]["value"]["EffectiveName"]["value"], "W2003FINAL$");
  const size_t user_id = buffers[0]["value"]["UserId"]["offset"];
  EXPECT_EQ(hex(ByteView(pac).sub(user_id, 4)), "ed030000");
  EXPECT_EQ(buffers[1]["value"]["Name"]["value"], "w2003final$");
  EXPECT_EQ(buffers[2]["value"]["ulType"]["meaning"], "Server signature");
  EXPECT_EQ(buffers[2]["value"]["SignatureType"]["value"], -138);
}

// A PAC where it travels: in AD-IF-RELEVANT in the authorization data of a ticket.
TEST(DecodeKrb5, DecodesAPacInPlace) {
  const Bytes pac = unhex("01000000 00000000 63000000 08000000 1800000000000000 0102030405060708");
  Bytes inside = unhex("302c 302a a004 02020080 a122 0420");
  append(inside, pac);
  Bytes outside = unhex("3039 3037 a003020101 a130 042e");
  append(outside, inside);
  const json object = decoded(outside, "krb5.AuthorizationData")["token"];
  const json& entry = object["AuthorizationData"]["value"][0]["value"]["ad-data"];
  EXPECT_EQ(entry["kind"], "krb5.AuthorizationData");
  const json& relevant = entry["token"]["AuthorizationData"]["value"][0]["value"];
  EXPECT_EQ(relevant["ad-type"]["meaning"], "AD-WIN2K-PAC");
  EXPECT_EQ(relevant["ad-data"]["kind"], "krb5.PAC");
  const json& buffer = relevant["ad-data"]["token"]["Buffers"]["value"][0]["value"];
  EXPECT_EQ(buffer["Data"]["value"], "0102030405060708");
  EXPECT_EQ(buffer["Data"]["offset"], outside.size() - 8);
}

// ad_data is that of the only entry of AuthorizationData.
json ad_data(const json& authorization_data) {
  return authorization_data["token"]["AuthorizationData"]["value"][0]["value"]["ad-data"];
}

TEST(DecodeKrb5, DER_1_LooksSixteenLevelsIntoAdIfRelevantAndNoDeeper) {
  const Bytes token = testing::nested_ad_if_relevant(16);
  const json whole = decoded(token, "krb5.AuthorizationData");
  EXPECT_TRUE(whole["notes"].empty()) << whole["notes"];
  json innermost = whole;
  for (int depth = 1; depth <= 16; ++depth) innermost = ad_data(innermost);
  EXPECT_EQ(innermost["value"], "cafe");
  EXPECT_EQ(innermost["offset"], token.size() - 6);

  const json cut = decoded(testing::nested_ad_if_relevant(17), "krb5.AuthorizationData");
  innermost = cut;
  for (int depth = 1; depth < 17; ++depth) innermost = ad_data(innermost);
  EXPECT_EQ(innermost["value"], "300d300ba003020163a1040402cafe");
  EXPECT_FALSE(innermost.contains("kind"));
  EXPECT_EQ(cut["notes"], json{"ad-data is not decoded: it is nested deeper than 16 levels"});
}

TEST(DecodeKrb5, DER_1_TwentyThousandLevelsOfAdIfRelevantTakeNoMoreThanSixteen) {
  const Bytes token = testing::nested_ad_if_relevant(20'000);
  const auto result = decode_token(token, "krb5.AuthorizationData");
  ASSERT_TRUE(result.has_value()) << describe(result.error());
  EXPECT_EQ(result.value().notes.size(), 1u);
  EXPECT_LT(render_json(result.value()).size(), 16 * 2 * token.size() + 16384);
  EXPECT_LT(render_text(result.value(), TextStyle{}).size(), 2 * token.size() + 8192);
}

TEST(DecodeKrb5, ShowsAFieldThatItDoesNotKnow) {
  const Bytes der =
      unhex("6f22 3020 a003020105 a10302010f a20f 300d a003020112 a206 0404 01020304 a303020107");
  const json field = decoded(der)["token"]["[3]"];
  EXPECT_EQ(field["value"], "020107");
  EXPECT_EQ(field["offset"], 31);
}

TEST(DecodeKrb5, RefusesWithTheOffsetInTheWholeInput) {
  // An AP-REP in its frame, its pvno 4.
  const Bytes token = unhex(
      "602c 06092a864886f712010202 0200 6f1d 301b a003020104 a10302010f a20f 300d a003020112 a206 "
      "0404 01020304");
  const auto result = decode_token(token);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error(), (Error{Errc::kMalformed, "AP-REP.pvno", 23, 0}));
}

TEST(DecodeKrb5, P22_LeavesKeysOutOfALog) {
  const Bytes der = first("krb5/mit_reference_encodings.vec", "EncAPRepPart", "Der");
  const auto token = decode_token(der);
  ASSERT_TRUE(token.has_value());
  TextStyle style;
  style.redact = true;
  EXPECT_EQ(render_text(token.value(), style).find(hex(as_bytes("12345678"))), std::string::npos);
  style.redact = false;
  EXPECT_NE(render_text(token.value(), style).find(hex(as_bytes("12345678"))), std::string::npos);
}

}  // namespace
}  // namespace pocketgss::tools
