// Parsers and writers of the NTLM messages: the examples of [MS-NLMP] 4.2, and messages that must
// be refused.
#include "mechs/ntlm/messages.h"

#include <gtest/gtest.h>

#include <array>
#include <memory>

#include "tests/support/hex.h"

namespace pocketgss::mechs::ntlm {
namespace {

using testing::hex;
using testing::unhex;

// [MS-NLMP] 4.2.4.3
constexpr char kChallengeHex[] =
    "4e544c4d53535000020000000c000c003800000033828ae20123456789abcdef000000000000000024002400440000"
    "00060070170000000f53"
    "006500720076006500720002000c0044006f006d00610069006e0001000c005300650072007600650072000000000"
    "0";
constexpr char kAuthenticateHex[] =
    "4e544c4d5353500003000000180018006c00000054005400840000000c000c00480000000800080054000000100010"
    "005c00000010001000d8"
    "000000358288e20501280a0000000f44006f006d00610069006e00550073006500720043004f004d00500055005400"
    "4500520086c35097ac9c"
    "ec102554764a57cccc19aaaaaaaaaaaaaaaa68cd0ab851e51c96aabc927bebef6a1c01010000000000000000000000"
    "000000aaaaaaaaaaaaaa"
    "aa0000000002000c0044006f006d00610069006e0001000c005300650072007600650072000000000000000000c5da"
    "d2544fc9799094ce1ce9"
    "0bc9d03e";
// A NEGOTIATE of ntlm_auth, and one of JavaMail, whose workstation stands before its domain (quirk
// C29).
constexpr char kNegotiateHex[] =
    "4e544c4d5353500001000000358208620000000028000000000000002800000006010000000000"
    "0f";
constexpr char kJavaMailNegotiateHex[] =
    "4e544c4d535350000100000003b2080007000700260000000600060020000000636c69656e744558414d504c45";

Error negotiate_error(ByteView message) {
  return parse_negotiate(message).error();
}
Error challenge_error(ByteView message) {
  return parse_challenge(message).error();
}

TEST(NtlmChallenge, ReadsTheExample) {
  const Bytes token = unhex(kChallengeHex);
  const ChallengeMessage message = parse_challenge(token).value();
  EXPECT_EQ(message.flags, 0xe28a8233u);
  EXPECT_EQ(hex(ByteView(message.server_challenge)), "0123456789abcdef");
  EXPECT_EQ(hex(message.target_name), "530065007200760065007200");
  EXPECT_EQ(message.target_name_fields, (SecurityBuffer{12, 12, 56}));
  EXPECT_EQ(message.target_info_fields, (SecurityBuffer{36, 36, 68}));
  EXPECT_EQ(message.version, (Version{6, 0, 6000, 15}));
  ASSERT_FALSE(message.target_info.empty());
  EXPECT_EQ(message.av_pairs.count(), 2u);
  EXPECT_EQ(hex(message.av_pairs.find(AvId::kNbDomainName)), "44006f006d00610069006e00");
  EXPECT_FALSE(message.av_pairs.timestamp().has_value());
}

TEST(NtlmAuthenticate, ReadsTheExample) {
  const Bytes token = unhex(kAuthenticateHex);
  const AuthenticateMessage message = parse_authenticate(token).value();
  EXPECT_EQ(message.flags, 0xe2888235u);
  EXPECT_EQ(hex(message.user_name), "5500730065007200");
  EXPECT_EQ(hex(message.domain_name), "44006f006d00610069006e00");
  EXPECT_EQ(hex(message.workstation), "43004f004d0050005500540045005200");
  EXPECT_EQ(hex(message.encrypted_random_session_key), "c5dad2544fc9799094ce1ce90bc9d03e");
  EXPECT_EQ(message.version, (Version{5, 1, 2600, 15}));
  EXPECT_TRUE(message.mic.empty());
  EXPECT_EQ(response_kind(message), ResponseKind::kNtlmV2);

  const NtlmV2Response response =
      parse_ntlm_v2_response(message.nt_response, message.nt_response_fields.offset).value();
  EXPECT_EQ(hex(response.nt_proof_str), "68cd0ab851e51c96aabc927bebef6a1c");
  EXPECT_EQ(hex(response.challenge_from_client), "aaaaaaaaaaaaaaaa");
  EXPECT_EQ(response.timestamp, 0u);
  EXPECT_EQ(response.av_pairs.count(), 2u);
  EXPECT_EQ(response.av_pairs.after_eol().size(), 4u);
}

TEST(NtlmNegotiate, ReadsVersionAndFields) {
  const Bytes token = unhex(kNegotiateHex);
  const NegotiateMessage message = parse_negotiate(token).value();
  EXPECT_EQ(message.flags, 0x62088235u);
  EXPECT_EQ(message.version, (Version{6, 1, 0, 15}));
  EXPECT_EQ(message.domain_name_fields, (SecurityBuffer{0, 0, 40}));
}

TEST(NtlmNegotiate, QuirkC29_ReadsAWorkstationBeforeTheDomainAndNoVersion) {
  const Bytes token = unhex(kJavaMailNegotiateHex);
  const NegotiateMessage message = parse_negotiate(token).value();
  EXPECT_EQ(as_text(message.domain_name), "EXAMPLE");
  EXPECT_EQ(as_text(message.workstation), "client");
  EXPECT_FALSE(message.version.has_value());
}

TEST(NtlmNegotiate, QuirkC32_TakesTheVersionFlagWithoutTheField) {
  Bytes token = unhex(kNegotiateHex);
  token.resize(32);
  EXPECT_FALSE(parse_negotiate(token).value().version.has_value());
}

TEST(NtlmNegotiate, TakesAMessageThatStopsAfterTheFlags) {
  Bytes token = unhex(kNegotiateHex);
  token.resize(16);
  const NegotiateMessage message = parse_negotiate(token).value();
  EXPECT_EQ(message.flags, 0x62088235u);
  EXPECT_FALSE(message.domain_name_fields.has_value());
}

TEST(NtlmChallenge, QuirkC13_MayStopAt32Octets) {
  const Bytes token = unhex("4e544c4d535350000200000000000000000000000182000001020304050607080000");
  const ChallengeMessage message = parse_challenge(ByteView(token).prefix(32)).value();
  EXPECT_TRUE(message.target_name.empty());
  EXPECT_TRUE(message.target_info.empty());
  EXPECT_EQ(message.av_pairs.count(), 0u);
}

TEST(NtlmChallenge, QuirkC13_AnEmptyFieldMayPointAnywhere) {
  // Exim's, whose TargetNameFields have offset 10240.
  const Bytes token = unhex(
      "4e544c4d53535000020000000000000000280000018200008d4197c23a53ab8b0000000000000000000000000000"
      "0000");
  EXPECT_TRUE(parse_challenge(token).has_value());
}

TEST(NtlmChallenge, NTP_1_RefusesTargetInfoThatWrapsAround) {
  // Vector N1 (CVE-2018-16890, CVE-2023-25563).
  const Bytes token = unhex(
      "4e544c4d5353500002000000000000003800000035828ae20123456789abcdef000000000000000020002000f0ff"
      "ffff0a0063450000000f");
  EXPECT_EQ(challenge_error(token),
            (Error{Errc::kMalformed, "CHALLENGE_MESSAGE.TargetInfoFields", 40, 0}));
}

TEST(NtlmChallenge, NTP_1_RefusesTargetInfoInsideTheFixedPart) {
  // Vector N2.
  const Bytes token = unhex(
      "4e544c4d5353500002000000000000003800000035828ae20123456789abcdef0000000000000000040004000800"
      "00000a0063450000000f00"
      "000000");
  EXPECT_EQ(challenge_error(token),
            (Error{Errc::kMalformed, "CHALLENGE_MESSAGE.TargetInfoFields", 40, 0}));
}

// The example with OEM names, whose sizes may be odd.
constexpr char kOemChallengeHex[] =
    "4e544c4d53535000020000000c000c003800000032828ae20123456789abcdef000000000000000024002400440000"
    "00060070170000000f53"
    "006500720076006500720002000c0044006f006d00610069006e0001000c005300650072007600650072000000000"
    "0";

// NTP_1 grid: each security buffer x offsets x sizes. Whatever leaves the message or enters the
// fixed part is refused, the rest is not, and no payload is ever outside the input.
struct BufferCase {
  const char* name;
  const char* message;
  size_t descriptor_at;
  size_t fixed_size;
};
void PrintTo(const BufferCase& c, std::ostream* out) {
  *out << c.name << "." << c.descriptor_at;
}

class NtlmSecurityBuffer : public ::testing::TestWithParam<BufferCase> {};

bool parses(ByteView token) {
  switch (parse_message_type(token).value()) {
    case MessageType::kNegotiate:
      return parse_negotiate(token).has_value();
    case MessageType::kChallenge:
      return parse_challenge(token).has_value();
    case MessageType::kAuthenticate:
      return parse_authenticate(token).has_value();
  }
  return false;
}

TEST_P(NtlmSecurityBuffer, NTP_1_OffsetAndLengthGrid) {
  const BufferCase& c = GetParam();
  const Bytes original = unhex(c.message);
  const size_t end = original.size();
  const auto fixed = static_cast<uint32_t>(c.fixed_size);
  const auto last = static_cast<uint32_t>(end);
  const std::array<uint32_t, 11> offsets = {0,          1,          fixed - 1, fixed,
                                            last - 1,   last,       last + 1,  0x7fffffff,
                                            0x80000000, 0xfffffff0, 0xffffffff};
  int cases = 0;
  auto check = [&](uint64_t offset, uint64_t size) {
    // An exact-size heap block, so that a sanitizer sees any read outside.
    const auto token = std::make_unique<uint8_t[]>(end);
    std::copy(original.begin(), original.end(), token.get());
    for (size_t i = 0; i < 2; ++i)
      token[c.descriptor_at + i] = static_cast<uint8_t>(size >> (8 * i));
    for (size_t i = 0; i < 4; ++i)
      token[c.descriptor_at + 4 + i] = static_cast<uint8_t>(offset >> (8 * i));
    const bool inside = size == 0 || (offset >= c.fixed_size && offset + size <= end);
    EXPECT_EQ(parses(ByteView(token.get(), end)), inside)
        << "offset " << offset << " size " << size;
    ++cases;
  };
  for (const uint32_t size : {uint32_t{0}, uint32_t{1}, last + 1, uint32_t{0xffff}}) {
    for (const uint32_t offset : offsets) check(offset, size);
  }
  EXPECT_EQ(cases, 44);
}

INSTANTIATE_TEST_SUITE_P(All, NtlmSecurityBuffer,
                         ::testing::Values(BufferCase{"NEGOTIATE", kJavaMailNegotiateHex, 16, 0},
                                           BufferCase{"NEGOTIATE", kJavaMailNegotiateHex, 24, 0},
                                           BufferCase{"CHALLENGE", kOemChallengeHex, 12, 32},
                                           BufferCase{"AUTHENTICATE", kAuthenticateHex, 12, 64},
                                           BufferCase{"AUTHENTICATE", kAuthenticateHex, 20, 64},
                                           BufferCase{"AUTHENTICATE", kAuthenticateHex, 28, 64},
                                           BufferCase{"AUTHENTICATE", kAuthenticateHex, 36, 64},
                                           BufferCase{"AUTHENTICATE", kAuthenticateHex, 44, 64},
                                           BufferCase{"AUTHENTICATE", kAuthenticateHex, 52, 64}));

TEST(NtlmAvPairs, NTP_3_RefusesATimestampOf4Octets) {
  // Vector N3 (CVE-2023-25567).
  const Bytes token = unhex(
      "4e544c4d5353500002000000000000003800000035828ae20123456789abcdef00000000000000000c000c003800"
      "00000a0063450000000f07"
      "0004000000000000000000");
  EXPECT_EQ(challenge_error(token), (Error{Errc::kMalformed, "MsvAvTimestamp", 56, 0}));
}

TEST(NtlmAvPairs, NTP_3_RefusesFlagsOf2Octets) {
  // Vector N4.
  const Bytes token = unhex(
      "4e544c4d5353500002000000000000003800000035828ae20123456789abcdef00000000000000000a000a003800"
      "00000a0063450000000f06"
      "000200000000000000");
  EXPECT_EQ(challenge_error(token), (Error{Errc::kMalformed, "MsvAvFlags", 56, 0}));
}

TEST(NtlmAvPairs, NTP_3_RefusesAValuePastTheEnd) {
  // Vector N5 (CVE-2020-11097).
  const Bytes token = unhex(
      "4e544c4d5353500002000000000000003800000035828ae20123456789abcdef0000000000000000060006003800"
      "00000a0063450000000f02"
      "0040004100");
  EXPECT_EQ(challenge_error(token), (Error{Errc::kMalformed, "AV_PAIR.AvLen", 60, 0}));
}

TEST(NtlmAvPairs, NTP_3_RefusesAListWithoutEol) {
  // Vector N6.
  const Bytes token = unhex(
      "4e544c4d5353500002000000000000003800000035828ae20123456789abcdef00000000000000000c000c003800"
      "00000a0063450000000f07"
      "0008000000000000000000");
  EXPECT_EQ(challenge_error(token), (Error{Errc::kMalformed, "MsvAvEOL", 68, 0}));
}

Error list_error(std::string_view text) {
  return parse_av_pairs(unhex(text), 100).error();
}

TEST(NtlmAvPairs, NTP_3_RefusesChannelBindingsOf15Octets) {
  EXPECT_EQ(list_error("0a000f00"
                       "000000000000000000000000000000"
                       "00000000"),
            (Error{Errc::kMalformed, "MsvAvChannelBindings", 100, 0}));
}

TEST(NtlmAvPairs, NTP_3_RefusesChannelBindingsOf17Octets) {
  EXPECT_EQ(list_error("0a001100"
                       "0000000000000000000000000000000000"
                       "00000000"),
            (Error{Errc::kMalformed, "MsvAvChannelBindings", 100, 0}));
}

TEST(NtlmAvPairs, NTP_3_RefusesASingleHostOf7Octets) {
  EXPECT_EQ(list_error("08000700"
                       "00000000000000"
                       "00000000"),
            (Error{Errc::kMalformed, "MsvAvSingleHost", 100, 0}));
}

TEST(NtlmAvPairs, NTP_3_RefusesAnEolWithAValue) {
  EXPECT_EQ(list_error("00000400"
                       "00000000"),
            (Error{Errc::kMalformed, "MsvAvEOL", 100, 0}));
}

TEST(NtlmAvPairs, NTP_3_RefusesANameOfOddSize) {
  EXPECT_EQ(list_error("01000300"
                       "410042"
                       "00000000"),
            (Error{Errc::kMalformed, "MsvAvNbComputerName", 100, 0}));
}

TEST(NtlmAvPairs, NTP_3_IgnoresWhatFollowsEol) {
  const Bytes list = unhex(
      "01000200"
      "4100"
      "00000000"
      "ffffffffff");
  const AvPairs pairs = parse_av_pairs(list, 0).value();
  EXPECT_EQ(pairs.count(), 1u);
  EXPECT_EQ(pairs.after_eol().size(), 5u);
}

TEST(NtlmAvPairs, TakesTheBoundAndRefusesOneMore) {
  Bytes list;
  for (uint16_t id = 100; id < 132; ++id) append_av_pair(list, static_cast<AvId>(id), {});
  Bytes longer = list;
  append_av_eol(list);
  EXPECT_EQ(parse_av_pairs(list, 0).value().count(), kMaxAvPairs);
  append_av_pair(longer, static_cast<AvId>(132), {});
  append_av_eol(longer);
  EXPECT_EQ(parse_av_pairs(longer, 0).error(),
            (Error{Errc::kMalformed, "more than 32 AV pairs", 128, 0}));
}

TEST(NtlmAvPairs, QuirkC27_TakesAnyOrderAndAnEmptyTargetName) {
  const Bytes list = unhex(
      "09000000"
      "07000800"
      "0102030405060708"
      "01000000"
      "00000000"
      "0000000000000000");
  const AvPairs pairs = parse_av_pairs(list, 0).value();
  EXPECT_EQ(pairs.timestamp(), 0x0807060504030201u);
  EXPECT_TRUE(pairs.has(AvId::kTargetName) && pairs.find(AvId::kTargetName).empty());
}

TEST(NtlmAvPairs, QuirkC17_TakesASingleHostOf80Octets) {
  Bytes list;
  append_av_pair(list, AvId::kSingleHost, Bytes(80, 1));
  append_av_pair(list, AvId::kSingleHost, Bytes(48, 1));
  append_av_eol(list);
  EXPECT_TRUE(parse_av_pairs(list, 0).has_value());
}

TEST(NtlmAvPairs, NTL_2_JoinsRepeatedFlagsAndTellsOfRepeats) {
  const Bytes list = unhex(
      "06000400"
      "01000000"
      "06000400"
      "02000000"
      "00000000");
  const AvPairs pairs = parse_av_pairs(list, 0).value();
  EXPECT_EQ(pairs.flags(), kAvAccountConstrained | kAvMicPresent);
  EXPECT_TRUE(pairs.repeats());
}

TEST(NtlmMessages, NTP_11_RefusesEveryOtherMessageType) {
  for (const int type : {0, 2, 3, 4, 255}) {
    Bytes token = unhex(kNegotiateHex);
    token[8] = static_cast<uint8_t>(type);
    EXPECT_EQ(negotiate_error(token), (Error{Errc::kMalformed, "MessageType", 8, 0})) << type;
    EXPECT_EQ(parse_message_type(token).has_value(), type == 2 || type == 3) << type;
  }
  Bytes token = unhex(kNegotiateHex);
  std::fill_n(token.begin() + 8, 4, uint8_t{0xff});
  EXPECT_EQ(negotiate_error(token), (Error{Errc::kMalformed, "MessageType", 8, 0}));
}

TEST(NtlmMessages, RefusesAWrongSignature) {
  Bytes token = unhex(kNegotiateHex);
  token[7] = ' ';
  EXPECT_EQ(negotiate_error(token), (Error{Errc::kMalformed, "Signature", 0, 0}));
}

TEST(NtlmMessages, NTP_12_RefusesMoreThan8192Octets) {
  Bytes token = unhex(kNegotiateHex);
  token.resize(kMaxMessageSize);
  EXPECT_TRUE(parse_negotiate(token).has_value());
  token.resize(kMaxMessageSize + 1);
  EXPECT_EQ(negotiate_error(token).code, Errc::kMalformed);
}

// Every prefix that cuts into a fixed part or a payload is refused; none is read outside.
void expect_prefixes_refused(const char* message, size_t shortest_legal) {
  const Bytes whole = unhex(message);
  for (size_t size = 0; size < whole.size(); ++size) {
    const auto copy = std::make_unique<uint8_t[]>(size);
    std::copy_n(whole.begin(), size, copy.get());
    const ByteView prefix(copy.get(), size);
    const bool parsed = parse_message_type(prefix).has_value() && parses(prefix);
    EXPECT_EQ(parsed, size >= shortest_legal) << size;
  }
}

TEST(NtlmMessages, NTP_13_RefusesPrefixesOfNegotiate) {
  expect_prefixes_refused(kNegotiateHex, 16);
}
TEST(NtlmMessages, NTP_13_RefusesPrefixesOfChallenge) {
  expect_prefixes_refused(kChallengeHex, unhex(kChallengeHex).size());
}
TEST(NtlmMessages, NTP_13_RefusesPrefixesOfAuthenticate) {
  expect_prefixes_refused(kAuthenticateHex, unhex(kAuthenticateHex).size());
}

TEST(NtlmMessages, P24_TakesGapsOverlapsAndOctetsAfterTheLastField) {
  Bytes token = unhex(kAuthenticateHex);
  const size_t end = token.size();
  append(token, as_bytes("what no field names"));
  token[AuthenticateMessage::kWorkstationFieldsAt + 4] = 84;  // where UserName stands
  const AuthenticateMessage message = parse_authenticate(token).value();
  EXPECT_EQ(hex(message.workstation.prefix(8)), hex(message.user_name));
  EXPECT_EQ(message.session_key_fields.offset + message.session_key_fields.len, end);
}

TEST(NtlmAuthenticate, NTP_8_TakesAnySizeOfLmResponse) {
  for (const size_t size : {0u, 1u, 23u, 24u, 25u, 4000u}) {
    AuthenticateMessage message;
    const Bytes lm(size, 1);
    message.lm_response = lm;
    const Bytes token = encode(message).value();
    EXPECT_EQ(parse_authenticate(token).value().lm_response.size(), size);
  }
}

TEST(NtlmAuthenticate, NTP_8_NoShortNtResponseIsNtlmV2) {
  for (size_t size = 0; size < NtlmV2Response::kMinSize; ++size) {
    Bytes response(size, 0);
    std::fill_n(response.begin(), std::min<size_t>(size, 18), uint8_t{1});
    EXPECT_EQ(parse_ntlm_v2_response(response, 0).error().code, Errc::kMalformed) << size;
  }
}

AuthenticateMessage with_responses(ByteView user, ByteView lm, ByteView nt) {
  AuthenticateMessage message;
  message.user_name = user;
  message.lm_response = lm;
  message.nt_response = nt;
  return message;
}

TEST(NtlmAuthenticate, ResponseKindGoesBySizes) {
  const Bytes user = unhex("5500"), proof(24, 7), zero(1), v2(60, 1);
  Bytes session(24);
  session[0] = 9;
  EXPECT_EQ(response_kind(with_responses({}, {}, {})), ResponseKind::kAnonymous);
  EXPECT_EQ(response_kind(with_responses({}, zero, {})), ResponseKind::kAnonymous);
  EXPECT_EQ(response_kind(with_responses(user, {}, {})), ResponseKind::kNone);
  EXPECT_EQ(response_kind(with_responses(user, proof, {})), ResponseKind::kLm);
  EXPECT_EQ(response_kind(with_responses(user, proof, proof)), ResponseKind::kNtlmV1);
  EXPECT_EQ(response_kind(with_responses(user, session, proof)), ResponseKind::kNtlmV1Ess);
  EXPECT_EQ(response_kind(with_responses(user, proof, v2)), ResponseKind::kNtlmV2);
}

TEST(NtlmMessages, EncodeWritesTheExampleOfTheSpecification) {
  const Bytes token = unhex(kChallengeHex);
  EXPECT_EQ(hex(encode(parse_challenge(token).value()).value()), kChallengeHex);
}

TEST(NtlmMessages, EncodeRefusesAFieldThatItsDescriptorCannotTell) {
  const Bytes name(65536, 1);
  NegotiateMessage message;
  message.domain_name = name;
  EXPECT_EQ(encode(message).error().code, Errc::kApiMisuse);
}

}  // namespace
}  // namespace pocketgss::mechs::ntlm
