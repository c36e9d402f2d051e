// Wrap and MIC tokens of Kerberos in `decode`, recorded between other implementations.
#include "tools/decode/krb5_tokens.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "mechs/krb5/crypto.h"
#include "mechs/krb5/message_tokens.h"
#include "mechs/oids.h"
#include "mechs/spnego/token.h"
#include "tests/support/hex.h"
#include "tests/support/vector_file.h"
#include "tests/tools/support/recorded_krb5.h"
#include "tools/decode/decode.h"
#include "tools/decode/decrypt.h"
#include "tools/decode/render.h"

namespace pocketgss::tools {
namespace {

using nlohmann::json;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using testing::hex;
using testing::recorded_krb5;
using testing::recorded_mit;
using testing::RecordedExchange;
using testing::RecordedMessage;
using ::testing::StartsWith;
using testing::unhex;

json decoded(ByteView token, Decryptor* decryptor = nullptr, std::string_view kind = {}) {
  const auto result = decode_token(token, kind, false, decryptor);
  if (!result.has_value()) {
    ADD_FAILURE() << describe(result.error()) << " in " << hex(token);
    return {};
  }
  return json::parse(render_json(result.value()));
}

// field_octets is what the input has where a field says that it stands.
json field_octets(ByteView token, const json& field) {
  return hex(token.sub(field["offset"].get<size_t>(), field["length"].get<size_t>()));
}

// Session is what `decode --batch --keytab` knows of one exchange.
struct Session {
  explicit Session(const RecordedExchange& exchange) {
    const auto keytab = mechs::krb5::parse_keytab(exchange.keytab.view());
    decryptor.add(keytab.value());
    for (const Bytes& token : exchange.from_initiator) decoded(token, &decryptor);
    for (const Bytes& token : exchange.from_acceptor) decoded(token, &decryptor);
  }

  Runtime runtime = Runtime::create().value();
  Decryptor decryptor{runtime};
};

// message_in is the message that a tree shows of a token.
json message_in(const json& object, const std::string& kind) {
  if (kind == "wrap-conf") return object["token"]["Ciphertext"]["token"]["Message"]["value"];
  return object["token"]["Message"]["value"];
}

// check_message: what our receiver takes is opened or verified; what it does not is shown all the
// same. Returns what was found.
std::string check_message(const RecordedMessage& message, const json& object) {
  const json& token = object["token"];
  if (message.kind == "mic") {
    EXPECT_EQ(object["kind"], "krb5.MIC");
    EXPECT_THAT(object["notes"].dump(),
                AnyOf(HasSubstr("the message that it is over is not known"),
                      HasSubstr("it is not over the mechTypes, or no key")));
    return "mic";
  }
  EXPECT_EQ(object["kind"], "krb5.Wrap");
  if (message.refused) return "refused";
  EXPECT_EQ(message_in(object, message.kind), hex(message.plaintext));
  // MIT krb5 and Heimdal have a filler in what they seal in DCE style.
  const bool dce = message.kind == "wrap-conf" && message.token[0] == 5 && message.token[5] != 0;
  EXPECT_EQ(object["notes"], dce ? json{"rotated by EC, too, as in DCE style: the library does not "
                                        "take it"}
                                 : json::array());
  if (message.kind == "wrap-integ") {
    const char* checksum = token.contains("Checksum") ? "Checksum" : "SGN_CKSUM";
    EXPECT_EQ(token[checksum]["meaning"], "verified");
  }
  const std::string meaning =
      token.value("Message", json::object()).value("meaning", std::string());
  EXPECT_EQ(meaning.starts_with("as the layer step of RFC 4752: "), message.layer_step);
  return dce ? "dce" : message.kind;
}

std::map<std::string, size_t> check_file(const std::string& file) {
  std::map<std::string, size_t> found;
  for (const RecordedExchange& exchange : recorded_krb5(file)) {
    if (exchange.refused || !mechs::krb5::known_etype(exchange.etype)) continue;
    Session session(exchange);
    for (const RecordedMessage& message : exchange.messages) {
      SCOPED_TRACE(exchange.name + ", " + message.where);
      ++found[check_message(message, decoded(message.token, &session.decryptor))];
    }
  }
  return found;
}

using Counts = std::map<std::string, size_t>;

// by_build: less is found where etype 23 is not built.
Counts by_build(const Counts& all, const Counts& without_rc4) {
  return mechs::krb5::known_etype(23) ? all : without_rc4;
}

TEST(DecodeTokens, QuirkD17_MessagesOfMitAreOpenedOnceTheirExchangeWas) {
  EXPECT_EQ(check_file("mit"), by_build({{"mic", 78}, {"wrap-conf", 96}, {"wrap-integ", 78}},
                                        {{"mic", 60}, {"wrap-conf", 72}, {"wrap-integ", 60}}));
}

TEST(DecodeTokens, QuirkA8_MessagesOfOtherPeersAreOpenedOnceTheirExchangeWas) {
  EXPECT_EQ(
      check_file("peers"),
      by_build(
          {{"dce", 2}, {"mic", 138}, {"refused", 12}, {"wrap-conf", 115}, {"wrap-integ", 126}},
          {{"dce", 2}, {"mic", 128}, {"refused", 9}, {"wrap-conf", 108}, {"wrap-integ", 119}}));
}

TEST(DecodeTokens, LayerStepsOfMailClientsAreNamed) {
  EXPECT_EQ(check_file("smtp"), (Counts{{"wrap-integ", 8}}));
}

// The fields that a key is not needed for say where they stand, and are there without one.
TEST(DecodeTokens, FieldsAreWhereTheirOffsetsSay) {
  size_t count = 0;
  for (const char* file : {"mit", "peers", "smtp"}) {
    for (const RecordedExchange& exchange : recorded_krb5(file)) {
      for (const RecordedMessage& message : exchange.messages) {
        const json object = decoded(message.token);
        EXPECT_EQ(object["notes"], json::array());
        size_t next = 0;
        std::vector<json> fields(object["token"].begin(), object["token"].end());
        std::sort(fields.begin(), fields.end(), [](const json& a, const json& b) {
          return std::pair(a["offset"], a["length"]) < std::pair(b["offset"], b["length"]);
        });
        for (const json& field : fields) {
          if (field["value"].is_string() && field.value("meaning", "") != "Kerberos V5") {
            EXPECT_EQ(field["value"], field_octets(message.token, field)) << message.where;
          }
          // Nothing is left out but the start of the frame.
          EXPECT_TRUE(next == 0 || field["offset"] == next) << message.where << field;
          next = field["offset"].get<size_t>() + field["length"].get<size_t>();
        }
        EXPECT_EQ(next, message.token.size()) << message.where;
        if (message.kind == "wrap-integ") {
          EXPECT_EQ(message_in(object, message.kind), hex(message.plaintext));
        }
        ++count;
      }
    }
  }
  EXPECT_EQ(count, 653U);
}

constexpr char kSealed[] =
    "050406ff00000000000000003bb61bbcfb49a4293ea924e3918bd0e832400983c8cacec78decfb5cd904257a4293e2"
    "e"
    "26eb1303b00b6583f70ae9f651ffb7cd04852bc8d0bd5bc1e";
constexpr char kMic[] =
    "040404ffffffffff000000003bb61bbe6f2bff9b459bbcc1d499529b7a8cf1dc09394cb31814fd16";
constexpr char kRc4Wrap[] =
    "602c06092a864886f71201020202011100ffffffffd17449f1f98515c835c666ab69ac88ea006cbbc76d8a5f1801";
constexpr char kRc4Mic[] =
    "602306092a864886f71201020201011100ffffffff7997885d20eca7c4ac4a024e936a4c17";

TEST(DecodeTokens, NamesTheFlagsAndTheNumbers) {
  const json token = decoded(unhex(kSealed))["token"];
  EXPECT_EQ(token["TOK_ID"]["value"], "0504");
  EXPECT_EQ(token["Flags"]["value"], 6);
  EXPECT_EQ(token["Flags"]["names"], (json{"Sealed", "AcceptorSubkey"}));
  EXPECT_EQ(token["EC"]["value"], 0);
  EXPECT_EQ(token["RRC"]["value"], 0);
  EXPECT_EQ(token["SND_SEQ"]["value"], 0x3bb61bbc);
  const json mic = decoded(unhex(kMic))["token"];
  EXPECT_EQ(mic["Flags"]["names"], json{"AcceptorSubkey"});
  EXPECT_EQ(mic["Filler"]["value"], "ffffffffff");
  EXPECT_EQ(mic["SGN_CKSUM"]["length"], 24);
  Bytes unknown = unhex(kMic);
  unknown[2] = 0x81;
  EXPECT_EQ(decoded(unknown)["token"]["Flags"]["names"], (json{"SentByAcceptor", "bit 7"}));
}

TEST(DecodeTokens, NamesTheAlgorithmsOfEtype23) {
  const json wrap = decoded(unhex(kRc4Wrap))["token"];
  EXPECT_EQ(wrap["thisMech"]["value"], "1.2.840.113554.1.2.2");
  EXPECT_EQ(wrap["SGN_ALG"]["meaning"], "HMAC-MD5");
  EXPECT_EQ(wrap["SEAL_ALG"]["meaning"], "none");
  EXPECT_EQ(wrap["Confounder"]["length"], 8);
  EXPECT_EQ(wrap["Message"]["value"], "");
  EXPECT_EQ(wrap["Padding"]["value"], "01");
  const json mic = decoded(unhex(kRc4Mic))["token"];
  EXPECT_FALSE(mic.contains("SEAL_ALG"));
  EXPECT_EQ(mic["Filler"]["value"], "ffffffff");
}

// RFC 4121 4.2.5: any rotation, also one that splits the message or the checksum.
TEST(DecodeTokens, QuirkA8_AMessageThatIsRotatedIsShownStraight) {
  const RecordedExchange exchange = recorded_mit("krb5 aes256-cts mutual");
  Session session(exchange);
  for (const RecordedMessage& message : exchange.messages) {
    if (message.kind != "wrap-integ" || message.plaintext.empty()) continue;
    for (const int rrc : {1, 5, 12, 13, 200}) {
      Bytes token = message.token;
      token[7] = static_cast<uint8_t>(rrc);
      const auto body = token.begin() + 16;
      const auto size = static_cast<ptrdiff_t>(token.size() - 16);
      std::rotate(body, token.end() - rrc % size, token.end());
      const json object = decoded(token, &session.decryptor);
      EXPECT_EQ(message_in(object, message.kind), hex(message.plaintext)) << rrc;
      EXPECT_EQ(object["token"]["Checksum"]["meaning"], "verified") << rrc;
      for (const char* name : {"Message", "Checksum"}) {
        const json& field = object["token"][name];
        EXPECT_LE(field["offset"].get<size_t>() + field["length"].get<size_t>(), token.size());
        const bool split = field["length"] == token.size() - 16;
        EXPECT_TRUE(split || field["value"] == field_octets(token, field)) << rrc << field;
      }
    }
  }
}

TEST(DecodeTokens, WhatWasChangedIsNotVerified) {
  const RecordedExchange exchange = recorded_mit("krb5 aes256-cts mutual");
  Session session(exchange);
  for (const RecordedMessage& message : exchange.messages) {
    if (message.kind == "mic") continue;
    Bytes token = message.token;
    token.back() ^= 1;
    const json object = decoded(token, &session.decryptor);
    EXPECT_EQ(object["notes"],
              json{"the wrap token is not verified: no key of its context is known"});
    EXPECT_FALSE(object["token"].value("Checksum", json::object()).contains("meaning"));
    EXPECT_FALSE(object["token"].value("Ciphertext", json::object()).contains("token"));
  }
}

// --- what no key could make the library take ---

struct Refused {
  const char* what;
  const char* kind;
  std::string token;
  const char* where;
  uint32_t offset;
};

std::string octets(size_t count) {
  std::string out;
  for (size_t i = 0; i < 2 * count; ++i) out.push_back('a');
  return out;
}

const Refused kRefused[] = {
    {"another token", "krb5.Wrap", "0404 00ff 0000 0000 0000000000000001" + octets(60), "TOK_ID",
     0},
    {"cut off", "krb5.Wrap", "0504 00ff 0000 00", "Wrap token", 6},
    {"no filler", "krb5.Wrap", "0504 00fe 0000 0000 0000000000000001" + octets(60), "Wrap token",
     3},
    {"nothing in it", "krb5.Wrap", "0504 00ff 0000 0000 0000000000000001", "Wrap token", 16},
    {"nobody's checksum", "krb5.Wrap", "0504 00ff 000d 0000 0000000000000001" + octets(60),
     "Wrap token.EC", 4},
    {"less than a checksum", "krb5.Wrap", "0504 00ff 000c 0000 0000000000000001" + octets(11),
     "Wrap token", 16},
    {"less than a ciphertext", "krb5.Wrap", "0504 02ff 0000 0000 0000000000000001" + octets(43),
     "Wrap token", 16},
    {"more filler than octets", "krb5.Wrap", "0504 02ff 0001 0000 0000000000000001" + octets(44),
     "Wrap token.EC", 4},
    {"another token", "krb5.MIC", "0504 00ff ffff ffff 0000000000000001" + octets(12), "TOK_ID", 0},
    {"not all filler", "krb5.MIC", "0404 00ff ffff fffe 0000000000000001" + octets(12), "MIC token",
     4},
    {"a sealed MIC", "krb5.MIC", "0404 02ff ffff ffff 0000000000000001" + octets(12), "MIC token",
     2},
    {"nobody's checksum", "krb5.MIC", "0404 00ff ffff ffff 0000000000000001" + octets(13),
     "MIC token", 16},
    {"no checksum", "krb5.MIC", "0404 00ff ffff ffff 0000000000000001", "MIC token", 16},
    {"Microsoft's OID", "krb5.MIC", "602306092a864882f71201020201011100ffffffff" + octets(16),
     "InitialContextToken.thisMech", 0},
    {"a wrap token", "krb5.MIC", "602306092a864886f71201020202011100ffffffff" + octets(16),
     "TOK_ID", 13},
    {"DES", "krb5.MIC", "602306092a864886f71201020201010000ffffffff" + octets(16),
     "MIC token.SGN_ALG", 15},
    {"no filler", "krb5.MIC", "602306092a864886f712010202010111001000ffff" + octets(16),
     "MIC token.Filler", 17},
    {"octets behind it", "krb5.MIC", "602406092a864886f71201020201011100ffffffff" + octets(17),
     "MIC token", 37},
    {"triple DES", "krb5.Wrap", "602c06092a864886f71201020202010400ffffffff" + octets(25),
     "Wrap token.SGN_ALG", 15},
    {"sealed with DES", "krb5.Wrap", "602c06092a864886f712010202020111000000ffff" + octets(25),
     "Wrap token.SEAL_ALG", 17},
    {"no filler", "krb5.Wrap", "602c06092a864886f71201020202011100fffffffe" + octets(25),
     "Wrap token.Filler", 19},
    {"no data", "krb5.Wrap", "602b06092a864886f71201020202011100ffffffff" + octets(24),
     "Wrap token", 37},
    {"no padding", "krb5.Wrap", "602c06092a864886f71201020202011100ffffffff" + octets(24) + "09",
     "Wrap token: padding", 45},
};

TEST(DecodeTokens, RefusesWhatNoKeyCouldMakeTheLibraryTake) {
  Runtime runtime = Runtime::create().value();
  for (const Refused& refused : kRefused) {
    const Bytes token = unhex(refused.token);
    const auto result = decode_token(token, refused.kind);
    ASSERT_FALSE(result.has_value()) << refused.what;
    EXPECT_EQ(result.error(), (Error{Errc::kMalformed, refused.where, refused.offset, 0}))
        << refused.what << ": " << result.error().where << ", " << result.error().offset;
  }
}

// So does the library, whatever the key and whoever the sender.
TEST(DecodeTokens, TheLibraryRefusesThemToo) {
  using namespace mechs::krb5;  // NOLINT: of the two sides of a context
  Runtime runtime = Runtime::create().value();
  for (const Refused& refused : kRefused) {
    const Bytes token = unhex(refused.token);
    Bytes out(token.size());
    for (const int32_t etype : {17, 18, 19, 20, 23}) {
      if (!known_etype(etype)) continue;  // 23 is not in every build
      const Bytes key(etype == 18 || etype == 20 ? 32 : 16, uint8_t{1});
      for (const Role self : {Role::kInitiator, Role::kAcceptor}) {
        for (const bool subkey : {false, true}) {
          const auto side = make_message_protection(
              runtime, {Key::create(etype, key).value(), self, subkey, 0, 0, kNoContextFlags});
          EXPECT_FALSE(side.value()->unwrap(token, out).has_value()) << refused.what;
          EXPECT_FALSE(side.value()->verify_mic({}, token).has_value()) << refused.what;
        }
      }
    }
  }
}

// --- a wrap token or a credential cache ---

// A cache of version 4 with a header of 255 octets: one field, of a tag that nobody knows.
Bytes cache_with_header_of_255() {
  Bytes file;
  for (testing::VectorBlock block : testing::load_vectors("krb5/ccache.vec")) {
    if (block.instruction() == "Marshalled") file = block.bytes("File");
    block.ignore_unread();
  }
  EXPECT_EQ(hex(ByteView(file).prefix(4)), "0504000c");
  Bytes out = unhex("0504 00ff 0007 00fb");
  out.resize(out.size() + 251);
  append(out, ByteView(file).from(4 + 12));
  return out;
}

TEST(DecodeTokens, TellsAWrapTokenFromACredentialCacheByItsFiller) {
  EXPECT_EQ(decoded(unhex(kSealed))["kind"], "krb5.Wrap");
  for (testing::VectorBlock block : testing::load_vectors("krb5/ccache.vec")) {
    const Bytes file = block.has("File") ? block.bytes("File") : Bytes();
    block.ignore_unread();
    if (file.size() > 2 && file[1] >= 3) {
      EXPECT_EQ(decoded(file)["kind"], "krb5.ccache");
    }
  }
}

TEST(DecodeTokens, WhatIsBothIsAWrapTokenUnlessAsked) {
  const Bytes file = cache_with_header_of_255();
  const auto token = decode_token(file);
  ASSERT_FALSE(token.has_value());
  EXPECT_STREQ(token.error().where, "Wrap token.EC");
  EXPECT_EQ(decoded(file, nullptr, "krb5.ccache")["kind"], "krb5.ccache");
}

TEST(DecodeTokens, AWrapTokenWithAnUnknownFlagIsOneWhereAsked) {
  Bytes token = unhex(kSealed);
  token[2] = 0x0e;
  const auto file = decode_token(token);
  ASSERT_FALSE(file.has_value());
  EXPECT_THAT(file.error().where, StartsWith("ccache."));
  EXPECT_EQ(decoded(token, nullptr, "krb5.Wrap")["token"]["Flags"]["names"],
            (json{"Sealed", "AcceptorSubkey", "bit 3"}));
}

// --- a mechListMIC ---

struct MechListMic : ::testing::TestWithParam<const char*> {
  RecordedExchange exchange = recorded_mit(GetParam());
  mechs::spnego::NegTokenInit init =
      mechs::spnego::parse_neg_token_init(exchange.from_initiator.at(0)).value();

  void SetUp() override {
    if (!mechs::krb5::known_etype(exchange.etype)) GTEST_SKIP() << "etype 23 is not built";
  }

  // resp is the acceptor's last token, as it had sent one with a mechListMIC over `list`.
  Bytes resp(ByteView list) {
    using namespace mechs::krb5;  // NOLINT: of one side of a context
    Runtime runtime = Runtime::create().value();
    const bool subkey = exchange.etype != 23;  // of an acceptor, as MIT krb5 makes it
    auto acceptor =
        make_message_protection(runtime, {Key::create(exchange.etype, exchange.context_key).value(),
                                          Role::kAcceptor, subkey, 0, 0, kNoContextFlags})
            .value();
    mic.resize(acceptor->mic_size());
    EXPECT_TRUE(acceptor->mic(list, mic).has_value());
    mechs::spnego::NegTokenResp out;
    out.neg_state = mechs::spnego::NegState::kAcceptCompleted;
    out.mech_list_mic = mic;
    return encode(out).value();
  }
  Bytes mic;
};

TEST_P(MechListMic, IsDecodedInPlaceAndVerifiedOverTheListThatWasSeen) {
  Session session(exchange);
  const Bytes token = resp(init.mech_types.der());
  const json object = decoded(token, &session.decryptor);
  const json& field = object["token"]["mechListMIC"];
  EXPECT_EQ(field["kind"], "krb5.MIC");
  EXPECT_EQ(field["token"]["SGN_CKSUM"]["meaning"], "verified: over the mechTypes");
  EXPECT_EQ(field_octets(token, field["token"]["SGN_CKSUM"]), field["token"]["SGN_CKSUM"]["value"]);
  EXPECT_TRUE(object["notes"].empty()) << object["notes"];
}

TEST_P(MechListMic, OverAnotherListIsNotVerified) {
  Session session(exchange);
  const json object = decoded(resp(unhex("3000")), &session.decryptor);
  EXPECT_EQ(object["notes"], json{"the MIC is not verified: it is not over the mechTypes, or no "
                                  "key of its context is known"});
  EXPECT_FALSE(object["token"]["mechListMIC"]["token"]["SGN_CKSUM"].contains("meaning"));
}

TEST_P(MechListMic, WhoseListWasNotSeenIsNotVerified) {
  RecordedExchange bare;
  bare.keytab = exchange.keytab.clone();
  bare.from_initiator.push_back(init.mech_token->to_bytes());
  bare.from_acceptor = exchange.from_acceptor;
  Session session(bare);
  EXPECT_EQ(decoded(resp(init.mech_types.der()), &session.decryptor)["notes"],
            json{"the MIC is not verified: the message that it is over is not known"});
}

TEST_P(MechListMic, WithoutKeysIsNotVerified) {
  const json object = decoded(resp(init.mech_types.der()));
  EXPECT_EQ(object["notes"], json::array());
  EXPECT_EQ(object["token"]["mechListMIC"]["kind"], "krb5.MIC");
  EXPECT_FALSE(object["token"]["mechListMIC"]["token"]["SGN_CKSUM"].contains("meaning"));
}

TEST_P(MechListMic, WithoutTheRightKeyIsNotVerified) {
  Runtime runtime = Runtime::create().value();
  Decryptor none(runtime);
  EXPECT_EQ(decoded(resp(init.mech_types.der()), &none)["notes"],
            json{"the MIC is not verified: no key of its context is known"});
}

INSTANTIATE_TEST_SUITE_P(Forms, MechListMic,
                         ::testing::Values("spnego aes256-cts mutual", "spnego rc4-hmac mutual"),
                         [](const auto& form) {
                           return form.index == 0 ? std::string("Rfc4121") : std::string("Rfc4757");
                         });

TEST(DecodeTokens, AMechListMicOfNtlmStaysOctets) {
  const json object =
      decoded(unhex("a11b 3019 a003 0a0100 a312 0410 01000000 0011223344556677 00000000"));
  EXPECT_FALSE(object["token"]["mechListMIC"].contains("kind"));
  EXPECT_TRUE(object["notes"].empty()) << object["notes"];
}

TEST(DecodeTokens, P22_ALogHasNeitherTheMessageNorTheChecksum) {
  const Bytes token = unhex("050401ff000c00000000000008d06b7a01000000da6a7949f56ed85a7d72e1ed");
  const auto tree = decode_token(token);
  ASSERT_TRUE(tree.has_value());
  TextStyle style;
  EXPECT_NE(render_text(tree.value(), style).find("da6a7949f56ed85a7d72e1ed"), std::string::npos);
  style.redact = true;
  EXPECT_EQ(render_text(tree.value(), style).find("da6a7949f56ed85a7d72e1ed"), std::string::npos);
  EXPECT_EQ(render_text(tree.value(), style).find("01000000"), std::string::npos);
}

}  // namespace
}  // namespace pocketgss::tools
