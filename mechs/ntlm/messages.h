// The three messages of [MS-NLMP] 2.2.1, parsed into structs that borrow from the token, and
// written.
#ifndef PGSS_MECHS_NTLM_MESSAGES_H_
#define PGSS_MECHS_NTLM_MESSAGES_H_

#include <optional>

#include <pocketgss/bytes.h>
#include <pocketgss/result.h>

#include "mechs/ntlm/av_pair.h"
#include "mechs/ntlm/flags.h"
#include "mechs/ntlm/text.h"

namespace pocketgss::mechs::ntlm {

enum class MessageType : uint32_t { kNegotiate = 1, kChallenge = 2, kAuthenticate = 3 };

inline constexpr FixedBytes<8> kSignature = {'N', 'T', 'L', 'M', 'S', 'S', 'P', 0};

inline constexpr size_t kMaxMessageSize = 8192;  // any message that we read
inline constexpr size_t kMaxStrictMessageSize =
    2888;  // at PolicyLevel::kStrict, and any that we write: what Windows takes

// SecurityBuffer is a "Fields" structure: [0-1] Len, [2-3] MaxLen, [4-7] BufferOffset,
// little-endian. MaxLen has no meaning.
struct SecurityBuffer {
  uint16_t len = 0;
  uint16_t max_len = 0;
  uint32_t offset = 0;  // from the start of the message; any value where len is 0 (quirk C13)

  bool operator==(const SecurityBuffer&) const = default;
};
inline constexpr size_t kSecurityBufferSize = 8;

// Version: [0] ProductMajorVersion, [1] ProductMinorVersion, [2-3] ProductBuild, [4-6] reserved,
// [7] NTLMRevisionCurrent.
struct Version {
  uint8_t major = 0;
  uint8_t minor = 0;
  uint16_t build = 0;
  uint8_t revision = 0;

  bool operator==(const Version&) const = default;
};
inline constexpr size_t kVersionSize = 8;
inline constexpr Version kOurVersion = {10, 0, 0, 0x0f};  // NTLMSSP_REVISION_W2K3

// NEGOTIATE_MESSAGE ([MS-NLMP] 2.2.1.1):
//   [0-7] Signature  [8-11] MessageType  [12-15] NegotiateFlags  [16-23] DomainNameFields  [24-31]
//   WorkstationFields [32-39] Version  then the payload. Old clients stop at 16 or 32.
struct NegotiateMessage {
  static constexpr size_t kFlagsAt = 12, kDomainNameFieldsAt = 16, kWorkstationFieldsAt = 24,
                          kVersionAt = 32;
  static constexpr size_t kMinSize = 16, kWithFieldsSize = 32, kWithVersionSize = 40;

  NegotiateFlags flags = 0;
  std::optional<SecurityBuffer> domain_name_fields, workstation_fields;
  ByteView domain_name, workstation;  // OEM characters, whatever the flags say
  std::optional<Version> version;     // where the flag is set and the octets are there (quirk C32)
};

// CHALLENGE_MESSAGE ([MS-NLMP] 2.2.1.2):
//   [0-7] Signature  [8-11] MessageType  [12-19] TargetNameFields  [20-23] NegotiateFlags  [24-31]
//   ServerChallenge [32-39] reserved  [40-47] TargetInfoFields  [48-55] Version  then the payload.
//   Old servers stop at 32 (quirk C13).
struct ChallengeMessage {
  static constexpr size_t kTargetNameFieldsAt = 12, kFlagsAt = 20, kServerChallengeAt = 24,
                          kTargetInfoFieldsAt = 40, kVersionAt = 48;
  static constexpr size_t kMinSize = 32, kWithTargetInfoSize = 48, kWithVersionSize = 56;

  SecurityBuffer target_name_fields;
  NegotiateFlags flags = 0;
  FixedBytes<8> server_challenge{};
  std::optional<SecurityBuffer> target_info_fields;  // where NTLMSSP_NEGOTIATE_TARGET_INFO is set
  ByteView target_name;                              // in the character set of `flags`
  ByteView target_info;                              // the raw list
  AvPairs av_pairs;                                  // the list parsed, empty where that is
  std::optional<Version> version;
};

// AUTHENTICATE_MESSAGE ([MS-NLMP] 2.2.1.3):
//   [0-7] Signature  [8-11] MessageType  [12-19] LmChallengeResponseFields  [20-27]
//   NtChallengeResponseFields [28-35] DomainNameFields  [36-43] UserNameFields  [44-51]
//   WorkstationFields  [52-59] EncryptedRandomSessionKeyFields [60-63] NegotiateFlags  [64-71]
//   Version  [72-87] MIC  then the payload, which may start at 64 or 72 (quirks C28, C29).
struct AuthenticateMessage {
  static constexpr size_t kLmResponseFieldsAt = 12, kNtResponseFieldsAt = 20,
                          kDomainNameFieldsAt = 28, kUserNameFieldsAt = 36,
                          kWorkstationFieldsAt = 44, kSessionKeyFieldsAt = 52, kFlagsAt = 60,
                          kVersionAt = 64, kMicAt = 72;
  static constexpr size_t kMinSize = 64, kWithVersionSize = 72, kWithMicSize = 88;
  static constexpr size_t kMicSize = 16;

  SecurityBuffer lm_response_fields, nt_response_fields, domain_name_fields, user_name_fields,
      workstation_fields, session_key_fields;
  NegotiateFlags flags = 0;
  ByteView lm_response, nt_response;
  ByteView domain_name, user_name,
      workstation;  // in the character set agreed on in the CHALLENGE (quirk C29)
  ByteView encrypted_random_session_key;
  std::optional<Version> version;
  ByteView mic;  // the 16 octets before the payload, empty where there is no room; AvFlags tells if
                 // they are a MIC
};

// has_signature: the token begins as an NTLM message does.
bool has_signature(ByteView token);

// Each parser takes a whole message; octets after the last field are ignored. It allocates nothing
// and takes time linear in the size. It applies no policy: an NTLMv1 response parses. Errors:
// kMalformed with the field in the specification's words and the offset of that field, or of its
// descriptor.
Result<MessageType> parse_message_type(ByteView message);
Result<NegotiateMessage> parse_negotiate(ByteView message);
Result<ChallengeMessage> parse_challenge(ByteView message);
Result<AuthenticateMessage> parse_authenticate(ByteView message);
// read_message does so in place. `out` is as it was made; after an error it means nothing.
Result<void> read_message(ByteView, NegotiateMessage& out);
Result<void> read_message(ByteView, ChallengeMessage& out);
Result<void> read_message(ByteView, AuthenticateMessage& out);

// check_message_size: `limit` is one of the bounds above. Errors: kMalformed.
Result<void> check_message_size(ByteView message, size_t limit, const char* name);

// ResponseKind: what the two responses of an AUTHENTICATE are, by their sizes ([MS-NLMP] 2.2.2.3
// to 2.2.2.8, 3.2.5.1.2).
enum class ResponseKind : uint8_t {
  kAnonymous,  // no user name and no response, or NTLMSSP_ANONYMOUS
  kNone,       // a user name and no response
  kLm,         // LM alone
  kNtlmV1,     // 24 octets
  kNtlmV1Ess,  // 24 octets, with a client challenge in the LM response ("NTLM2 session response")
  kNtlmV2,     // any other size; parse_ntlm_v2_response() says if it is one
};
ResponseKind response_kind(const AuthenticateMessage&);
const char* name(ResponseKind kind);  // "NTLMv1" and the like; static

// NtlmV2Response ([MS-NLMP] 2.2.2.8, 2.2.2.7): NTProofStr and the NTLMv2_CLIENT_CHALLENGE,
// which 3.3.2 calls temp:
//   [0] RespType 1  [1] HiRespType 1  [2-7] zero  [8-15] TimeStamp, FILETIME  [16-23]
//   ChallengeFromClient  [24-27] zero [28-] AvPairs, then octets that no one reads but the proof
//   covers (quirks C20, C32)
struct NtlmV2Response {
  static constexpr size_t kProofSize = 16, kAvPairsAt = 28;
  static constexpr size_t kMinSize = kProofSize + kAvPairsAt + kAvHeaderSize;

  ByteView nt_proof_str;
  ByteView temp;
  uint64_t timestamp = 0;
  ByteView challenge_from_client;
  AvPairs av_pairs;
};
// `offset` is where the response starts in the message. Errors: kMalformed.
Result<NtlmV2Response> parse_ntlm_v2_response(ByteView nt_response, uint32_t offset);
// read_ntlm_v2_response does so in place; after an error `out` means nothing.
Result<void> read_ntlm_v2_response(ByteView nt_response, uint32_t offset, NtlmV2Response& out);

// MessageWriter writes one message to `out`: the fixed part first, zeros until filled in, then the
// payload in the order of calls. It keeps its first error until finish().
class MessageWriter {
 public:
  MessageWriter(Bytes& out, MessageType, size_t fixed_size);

  void u32(size_t at, uint32_t value);
  void bytes(size_t at, ByteView value);
  void version(size_t at, const Version&);

  // field appends a payload to the message and fills in its descriptor; name does so with a name in
  // UTF-8, describe for a payload that was appended to `out`, from `start` on. Errors: kApiMisuse
  // (longer than 65,535 octets), and those of append_name().
  void field(size_t descriptor_at, ByteView payload);
  void name(size_t descriptor_at, std::string_view utf8, CharacterSet, const char* what);
  void describe(size_t descriptor_at, size_t start);

  // av_name appends an AV pair whose value is a name; describe() the list when it is complete.
  // Errors: kApiMisuse, as of append_name().
  void av_name(AvId, std::string_view utf8);

  const Result<void>& finish() const { return result_; }

 private:
  void note(const Result<void>&);

  Bytes& out_;
  Result<void> result_;
};

// encode writes a message from the contents of its fields; descriptors in the struct are not looked
// at. An optional part that is not there is left out. Errors: kApiMisuse (a field longer than
// 65,535 octets).
Result<Bytes> encode(const NegotiateMessage&);
Result<Bytes> encode(const ChallengeMessage&);
Result<Bytes> encode(const AuthenticateMessage&);

}  // namespace pocketgss::mechs::ntlm

#endif  // PGSS_MECHS_NTLM_MESSAGES_H_
