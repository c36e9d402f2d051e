// NTLM messages of real peers as trees.
#include "tools/decode/ntlm.h"

#include <algorithm>
#include <array>

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/hex.h"
#include "tests/support/vector_file.h"
#include "tests/tools/support/recorded_ntlm.h"
#include "tools/decode/decode.h"
#include "tools/decode/render.h"

namespace pocketgss::tools {
namespace {

using nlohmann::json;
using testing::hex;
using testing::recorded_ntlm;
using testing::RecordedNtlm;
using testing::VectorBlock;

json decoded(ByteView token) {
  const auto result = decode_token(token);
  if (!result.has_value()) {
    ADD_FAILURE() << describe(result.error());
    return {};
  }
  return json::parse(render_json(result.value()));
}

// message_of is the NTLM message of a decoded token, bare or in SPNEGO.
json message_of(const RecordedNtlm& recorded, const json& object) {
  if (recorded.start == 0) return object;
  return object["token"][object["token"].contains("mechToken") ? "mechToken" : "responseToken"];
}

bool has_note(const json& object, const std::string& text) {
  return std::any_of(object["notes"].begin(), object["notes"].end(),
                     [&](const json& note) { return note.get<std::string>() == text; });
}

TEST(DecodeNtlm, EveryRecordedMessageDecodesAsWhatItIs) {
  constexpr std::array kKinds = {"ntlm.Negotiate", "ntlm.Challenge", "ntlm.Authenticate"};
  std::array<size_t, 3> count{};
  for (const RecordedNtlm& recorded : recorded_ntlm()) {
    const json object = decoded(recorded.token);
    const json message = message_of(recorded, object);
    const size_t type = recorded.message_type();
    ASSERT_TRUE(type >= 1 && type <= 3) << recorded.where;
    EXPECT_EQ(message["kind"], kKinds[type - 1]) << recorded.where;
    EXPECT_EQ(message["token"]["Signature"]["offset"], recorded.start) << recorded.where;
    EXPECT_EQ(message["token"]["MessageType"]["value"], type) << recorded.where;
    for (const json& note : object["notes"])
      EXPECT_EQ(note.get<std::string>().find("is not decoded"), std::string::npos)
          << recorded.where << ": " << note;
    ++count[type - 1];
  }
  EXPECT_EQ(count, (std::array<size_t, 3>{55, 50, 48}));
}

// What an independent program computed stands in the record beside the tokens.
TEST(DecodeNtlm, ShowsOfEveryRecordedAuthenticateWhatTheRecordSays) {
  for (const RecordedNtlm& recorded : recorded_ntlm()) {
    if (recorded.message_type() != 3) continue;
    const json object = decoded(recorded.token);
    json fields = message_of(recorded, object)["token"];
    json response = fields["NtChallengeResponse"]["value"];
    const auto expect = [&](const json& field, const std::optional<std::string>& said) {
      if (said) {
        EXPECT_EQ(field, *said) << recorded.where;
      }
    };
    expect(fields["UserName"]["value"], recorded.user);
    expect(fields["DomainName"]["value"], recorded.domain);
    if (recorded.mic) expect(fields["MIC"]["value"], hex(*recorded.mic));
    if (recorded.nt_proof_str) expect(response["Response"]["value"], hex(*recorded.nt_proof_str));
    const char* kind = recorded.response == "NTLMv2"   ? "NTLMv2"
                       : recorded.response == "NTLMv1" ? "NTLMv1"
                                                       : "NTLMv1 with extended session security";
    const char* refusal =
        recorded.response == "NTLMv2" ? "" : ", which is refused whatever the policy (P2, P20)";
    EXPECT_TRUE(has_note(object, std::string("the response is ") + kind + refusal))
        << recorded.where << ": " << object["notes"];
  }
}

// winpr-gss-cbt of vectors/transcripts/winpr.vec: a MIC, a session key, and every AvPair that a
// client adds. Its offsets were compared with those that the message's own descriptors name.
TEST(DecodeNtlm, ShowsAWholeAuthenticateWithItsOffsetsAndAvPairs) {
  constexpr char kExpected[] = R"(ntlm.Authenticate, 330 bytes
    0  Signature: 4e544c4d53535000
    8  MessageType: 3 (AUTHENTICATE_MESSAGE)
   12  LmChallengeResponseFields: Len 24, BufferOffset 116
   20  NtChallengeResponseFields: Len 174, BufferOffset 140
   28  DomainNameFields: Len 14, BufferOffset 88
   36  UserNameFields: Len 10, BufferOffset 102
   44  WorkstationFields: Len 4, BufferOffset 112
   52  EncryptedRandomSessionKeyFields: Len 16, BufferOffset 314
   60  NegotiateFlags: 0xe288b235
         NTLMSSP_NEGOTIATE_UNICODE, NTLMSSP_REQUEST_TARGET, NTLMSSP_NEGOTIATE_SIGN,
         NTLMSSP_NEGOTIATE_SEAL, NTLMSSP_NEGOTIATE_NTLM,
         NTLMSSP_NEGOTIATE_OEM_DOMAIN_SUPPLIED, NTLMSSP_NEGOTIATE_OEM_WORKSTATION_SUPPLIED,
         NTLMSSP_NEGOTIATE_ALWAYS_SIGN, NTLMSSP_NEGOTIATE_EXTENDED_SESSIONSECURITY,
         NTLMSSP_NEGOTIATE_TARGET_INFO, NTLMSSP_NEGOTIATE_VERSION, NTLMSSP_NEGOTIATE_128,
         NTLMSSP_NEGOTIATE_KEY_EXCH, NTLMSSP_NEGOTIATE_56
   64  Version: 6.1 build 7601, NTLM revision 15
   72  MIC: de5ddbfbc5d34b99a19f6d469f3541ba
   88  DomainName: "EXAMPLE"
  102  UserName: "alice"
  112  Workstation: "vm"
  116  LmChallengeResponse: 000000000000000000000000000000000000000000000000
  140  NtChallengeResponse
  140    Response: edf37b932a0bb167d6b211e563a94457
  156    NTLMv2_CLIENT_CHALLENGE
  156      RespType: 1
  157      HiRespType: 1
  164      TimeStamp: 134399580134475690 (2026-11-24 01:40:13.4475690 UTC)
  172      ChallengeFromClient: cefb736ea6e024ee
  184      AvPairs
  184        MsvAvNbDomainName: "WORKSTATION"
  210        MsvAvNbComputerName: "VM"
  218        MsvAvDnsComputerName: "vm"
  226        MsvAvTimestamp: 134399580134475690 (2026-11-24 01:40:13.4475690 UTC)
  238        MsvAvFlags: 0x00000002
               the AUTHENTICATE_MESSAGE carries a MIC
  246        MsvAvChannelBindings: 8f1214c9c9cab8dc3bf866da9aba57a7
  266        MsvAvTargetName: "smtp/localhost"
  314  EncryptedRandomSessionKey: 23fc9de64b19a872eff9872066b95458
note: AvPairs: 12 octets after MsvAvEOL, without meaning
note: the response is NTLMv2
)";
  for (const RecordedNtlm& recorded : recorded_ntlm()) {
    if (!recorded.mic || hex(*recorded.mic) != "de5ddbfbc5d34b99a19f6d469f3541ba" ||
        recorded.message_type() != 3)
      continue;
    const auto token = decode_token(recorded.token);
    ASSERT_TRUE(token.has_value()) << describe(token.error());
    EXPECT_EQ(render_text(token.value(), TextStyle{}), kExpected);
    return;
  }
  FAIL() << "vectors/transcripts/winpr.vec has no such message";
}

// [MS-NLMP] 4.2.2 and 4.2.3: the messages of the worked examples.
TEST(DecodeNtlm, P2_NotesThatAnNtlmV1ResponseIsRefused) {
  std::vector<std::string> notes;
  for (VectorBlock block : testing::load_vectors("ntlm/ms_nlmp_4_2.vec")) {
    if (block.instruction() == "RefusedAuthenticate") {
      const json object = decoded(block.bytes("Message"));
      EXPECT_EQ(object["kind"], "ntlm.Authenticate") << block.where();
      EXPECT_EQ(object["token"]["NtChallengeResponse"]["value"],
                hex(block.bytes("NtChallengeResponse")))
          << block.where();
      for (const json& note : object["notes"]) notes.push_back(note);
    }
    block.ignore_unread();
  }
  EXPECT_EQ(notes, (std::vector<std::string>{
                       "the response is NTLMv1, which is refused whatever the policy (P2, P20)",
                       "the response is NTLMv1 with extended session security, which is refused "
                       "whatever the policy (P2, P20)"}));
}

}  // namespace
}  // namespace pocketgss::tools
