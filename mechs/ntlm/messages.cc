// Parsing and writing of the three NTLM messages.
#include "mechs/ntlm/messages.h"

#include <algorithm>
#include <initializer_list>

#include "base/any_of.h"
#include "base/cursor.h"

namespace pocketgss::mechs::ntlm {
namespace {

constexpr size_t kTypeAt = 8;
constexpr size_t kNtlmV1Size = 24;
constexpr size_t kLmSize = 24;
constexpr size_t kClientChallengeSize = 8;

Error malformed(const char* field, size_t offset) {
  return Error{Errc::kMalformed, field, static_cast<uint32_t>(offset), 0};
}

// match_message_type checks the first twelve octets and the size of what follows.
Result<void> match_message_type(ByteView message, MessageType type, size_t min_size,
                                const char* name) {
  PGSS_TRY(const MessageType found, parse_message_type(message));
  if (found != type) return malformed("MessageType", kTypeAt);
  if (message.size() < min_size) return malformed(name, message.size());
  if (message.size() > kMaxMessageSize)
    return malformed("message longer than 8192 octets", kMaxMessageSize);
  return {};
}

// The fixed parts are read at constant places after one check of the size.
uint16_t load_u16le(const uint8_t* in) {
  return static_cast<uint16_t>(in[0] | in[1] << 8);
}

SecurityBuffer security_buffer(ByteView message, size_t at) {
  const uint8_t* in = message.data() + at;
  return SecurityBuffer{load_u16le(in), load_u16le(in + 2), load_u32le(in + 4)};
}

Version version(ByteView message, size_t at) {
  const uint8_t* in = message.data() + at;
  return Version{in[0], in[1], load_u16le(in + 2), in[7]};
}

// payload checks a descriptor against the message in one 64-bit comparison, and that it stays clear
// of the fixed part.
Result<ByteView> payload(ByteView message, SecurityBuffer buffer, size_t fixed_size,
                         size_t descriptor_at, const char* field) {
  if (buffer.len == 0) return ByteView();
  const uint64_t end = static_cast<uint64_t>(buffer.offset) + buffer.len;
  if (end > message.size() || buffer.offset < fixed_size) return malformed(field, descriptor_at);
  return message.sub(buffer.offset, buffer.len);
}

// first_payload returns where the payload starts, which tells whether optional fixed fields are
// there.
size_t first_payload(ByteView message, std::initializer_list<SecurityBuffer> buffers) {
  size_t first = message.size();
  for (const SecurityBuffer buffer : buffers) {
    if (buffer.len != 0) first = std::min<size_t>(first, buffer.offset);
  }
  return first;
}

}  // namespace

Result<MessageType> parse_message_type(ByteView message) {
  if (message.size() < kSignature.size() ||
      message.prefix(kSignature.size()) != ByteView(kSignature)) {
    return malformed("Signature", 0);
  }
  if (message.size() < kTypeAt + 4) return malformed("MessageType", kTypeAt);
  const uint32_t type = load_u32le(message.data() + kTypeAt);
  if (type < 1 || type > 3) return malformed("MessageType", kTypeAt);
  return static_cast<MessageType>(type);
}

Result<NegotiateMessage> parse_negotiate(ByteView in) {
  using M = NegotiateMessage;
  PGSS_CHECK(match_message_type(in, MessageType::kNegotiate, M::kMinSize, "NEGOTIATE_MESSAGE"));
  M out;
  out.flags = load_u32le(in.data() + M::kFlagsAt);
  if (in.size() < M::kWithFieldsSize) return out;

  const SecurityBuffer domain = security_buffer(in, M::kDomainNameFieldsAt);
  const SecurityBuffer workstation = security_buffer(in, M::kWorkstationFieldsAt);
  // Heimdal points DomainNameFields into the fixed part; nothing depends on these names, so they
  // only must be inside.
  PGSS_TRY(out.domain_name,
           payload(in, domain, 0, M::kDomainNameFieldsAt, "NEGOTIATE_MESSAGE.DomainNameFields"));
  PGSS_TRY(out.workstation, payload(in, workstation, 0, M::kWorkstationFieldsAt,
                                    "NEGOTIATE_MESSAGE.WorkstationFields"));
  out.domain_name_fields = domain;
  out.workstation_fields = workstation;
  const bool room = first_payload(in, {domain, workstation}) >= M::kWithVersionSize;
  if (room && has_flag(out.flags, flag::kVersion)) out.version = version(in, M::kVersionAt);
  return out;
}

Result<ChallengeMessage> parse_challenge(ByteView in) {
  using M = ChallengeMessage;
  PGSS_CHECK(match_message_type(in, MessageType::kChallenge, M::kMinSize, "CHALLENGE_MESSAGE"));
  M out;
  out.flags = load_u32le(in.data() + M::kFlagsAt);
  std::copy_n(in.begin() + M::kServerChallengeAt, out.server_challenge.size(),
              out.server_challenge.begin());
  out.target_name_fields = security_buffer(in, M::kTargetNameFieldsAt);
  PGSS_TRY(out.target_name, payload(in, out.target_name_fields, M::kMinSize, M::kTargetNameFieldsAt,
                                    "CHALLENGE_MESSAGE.TargetNameFields"));
  if (has_flag(out.flags, flag::kUnicode) && out.target_name.size() % 2 != 0) {
    return malformed("CHALLENGE_MESSAGE.TargetName", out.target_name_fields.offset);
  }
  SecurityBuffer info;
  if (has_flag(out.flags, flag::kTargetInfo)) {
    if (in.size() < M::kWithTargetInfoSize)
      return malformed("CHALLENGE_MESSAGE.TargetInfoFields", in.size());
    info = security_buffer(in, M::kTargetInfoFieldsAt);
    PGSS_TRY(out.target_info, payload(in, info, M::kWithTargetInfoSize, M::kTargetInfoFieldsAt,
                                      "CHALLENGE_MESSAGE.TargetInfoFields"));
    out.target_info_fields = info;
  }
  if (!out.target_info.empty()) {
    PGSS_TRY(out.av_pairs, parse_av_pairs(out.target_info, info.offset));
  }
  const bool room = first_payload(in, {out.target_name_fields, info}) >= M::kWithVersionSize;
  if (room && has_flag(out.flags, flag::kVersion)) out.version = version(in, M::kVersionAt);
  return out;
}

Result<AuthenticateMessage> parse_authenticate(ByteView in) {
  using M = AuthenticateMessage;
  PGSS_CHECK(
      match_message_type(in, MessageType::kAuthenticate, M::kMinSize, "AUTHENTICATE_MESSAGE"));
  struct Field {
    SecurityBuffer M::* descriptor;
    ByteView M::* content;
    size_t at;
    const char* name;
  };
  static constexpr Field kFields[] = {
      {&M::lm_response_fields, &M::lm_response, M::kLmResponseFieldsAt,
       "AUTHENTICATE_MESSAGE.LmChallengeResponseFields"},
      {&M::nt_response_fields, &M::nt_response, M::kNtResponseFieldsAt,
       "AUTHENTICATE_MESSAGE.NtChallengeResponseFields"},
      {&M::domain_name_fields, &M::domain_name, M::kDomainNameFieldsAt,
       "AUTHENTICATE_MESSAGE.DomainNameFields"},
      {&M::user_name_fields, &M::user_name, M::kUserNameFieldsAt,
       "AUTHENTICATE_MESSAGE.UserNameFields"},
      {&M::workstation_fields, &M::workstation, M::kWorkstationFieldsAt,
       "AUTHENTICATE_MESSAGE.WorkstationFields"},
      {&M::session_key_fields, &M::encrypted_random_session_key, M::kSessionKeyFieldsAt,
       "AUTHENTICATE_MESSAGE.EncryptedRandomSessionKeyFields"},
  };
  M out;
  out.flags = load_u32le(in.data() + M::kFlagsAt);
  size_t first = in.size();
  for (const Field& field : kFields) {
    const SecurityBuffer buffer = security_buffer(in, field.at);
    PGSS_TRY(out.*field.content, payload(in, buffer, M::kMinSize, field.at, field.name));
    out.*field.descriptor = buffer;
    first = std::min(first, first_payload(in, {buffer}));
  }
  if (first >= M::kWithVersionSize && has_flag(out.flags, flag::kVersion))
    out.version = version(in, M::kVersionAt);
  if (first >= M::kWithMicSize) out.mic = in.sub(M::kMicAt, M::kMicSize);
  return out;
}

Result<void> check_message_size(ByteView message, size_t limit, const char* name) {
  if (message.size() > limit) return malformed(name, limit);
  return {};
}

ResponseKind response_kind(const AuthenticateMessage& message) {
  const ByteView nt = message.nt_response;
  const ByteView lm = message.lm_response;
  if (nt.empty()) {
    // [MS-NLMP] 3.2.5.1.2: anonymous has no names, no NT response, and an LM response of no octet
    // or of one zero octet.
    const bool no_lm = lm.empty() || (lm.size() == 1 && lm[0] == 0);
    if (no_lm && (message.user_name.empty() || has_flag(message.flags, flag::kAnonymous)))
      return ResponseKind::kAnonymous;
    return no_lm ? ResponseKind::kNone : ResponseKind::kLm;
  }
  if (nt.size() != kNtlmV1Size) return ResponseKind::kNtlmV2;
  // [MS-NLMP] 3.3.1: with extended session security the LM response is ClientChallenge || Z(16).
  const bool session = lm.size() == kLmSize && !any_of(lm.from(kClientChallengeSize),
                                                       [](uint8_t octet) { return octet != 0; });
  return session ? ResponseKind::kNtlmV1Ess : ResponseKind::kNtlmV1;
}

const char* name(ResponseKind kind) {
  switch (kind) {
    case ResponseKind::kAnonymous:
      return "anonymous";
    case ResponseKind::kNone:
      return "no response";
    case ResponseKind::kLm:
      return "LM";
    case ResponseKind::kNtlmV1:
      return "NTLMv1";
    case ResponseKind::kNtlmV1Ess:
      return "NTLMv1 with extended session security";
    case ResponseKind::kNtlmV2:
      return "NTLMv2";
  }
  return "";
}

Result<NtlmV2Response> parse_ntlm_v2_response(ByteView in, uint32_t offset) {
  using R = NtlmV2Response;
  if (in.size() < R::kMinSize) return malformed("NTLMv2_RESPONSE", offset + in.size());
  R out;
  out.nt_proof_str = in.prefix(R::kProofSize);
  out.temp = in.from(R::kProofSize);
  const uint8_t* temp = out.temp.data();
  if (temp[0] != 1) return malformed("NTLMv2_CLIENT_CHALLENGE.RespType", offset + R::kProofSize);
  if (temp[1] != 1)
    return malformed("NTLMv2_CLIENT_CHALLENGE.HiRespType", offset + R::kProofSize + 1);
  out.timestamp = load_u32le(temp + 8) | static_cast<uint64_t>(load_u32le(temp + 12)) << 32;
  out.challenge_from_client = out.temp.sub(16, kClientChallengeSize);
  const size_t pairs_at = R::kProofSize + R::kAvPairsAt;
  PGSS_TRY(out.av_pairs,
           parse_av_pairs(in.from(pairs_at), offset + static_cast<uint32_t>(pairs_at)));
  return out;
}

MessageWriter::MessageWriter(Bytes& out, MessageType type, size_t fixed_size) : out_(out) {
  out_.clear();
  out_.resize(fixed_size);
  bytes(0, ByteView(kSignature));
  u32(kTypeAt, static_cast<uint32_t>(type));
}

void MessageWriter::u32(size_t at, uint32_t value) {
  store_u32le(out_.data() + at, value);
}

void MessageWriter::bytes(size_t at, ByteView value) {
  std::copy(value.begin(), value.end(), out_.begin() + static_cast<std::ptrdiff_t>(at));
}

void MessageWriter::version(size_t at, const Version& v) {
  const FixedBytes<kVersionSize> octets = {
      v.major, v.minor,   static_cast<uint8_t>(v.build), static_cast<uint8_t>(v.build >> 8), 0, 0,
      0,       v.revision};
  bytes(at, ByteView(octets));
}

Result<void> MessageWriter::field(size_t descriptor_at, ByteView content) {
  const size_t start = out_.size();
  append(out_, content);
  return describe(descriptor_at, start);
}

Result<void> MessageWriter::describe(size_t descriptor_at, size_t start) {
  const size_t size = out_.size() - start;
  if (size > 0xffff)
    return Error{Errc::kApiMisuse, "a field of an NTLM message is longer than 65535 octets", 0, 0};
  u32(descriptor_at, static_cast<uint32_t>(size << 16 | size));
  u32(descriptor_at + 4, static_cast<uint32_t>(start));
  return {};
}

Result<Bytes> encode(const NegotiateMessage& in) {
  using M = NegotiateMessage;
  Bytes out;
  MessageWriter writer(out, MessageType::kNegotiate,
                       in.version ? M::kWithVersionSize : M::kWithFieldsSize);
  writer.u32(M::kFlagsAt, in.flags);
  if (in.version) writer.version(M::kVersionAt, *in.version);
  PGSS_CHECK(writer.field(M::kDomainNameFieldsAt, in.domain_name));
  PGSS_CHECK(writer.field(M::kWorkstationFieldsAt, in.workstation));
  return out;
}

Result<Bytes> encode(const ChallengeMessage& in) {
  using M = ChallengeMessage;
  Bytes out;
  MessageWriter writer(out, MessageType::kChallenge,
                       in.version ? M::kWithVersionSize : M::kWithTargetInfoSize);
  writer.u32(M::kFlagsAt, in.flags);
  writer.bytes(M::kServerChallengeAt, ByteView(in.server_challenge));
  if (in.version) writer.version(M::kVersionAt, *in.version);
  PGSS_CHECK(writer.field(M::kTargetNameFieldsAt, in.target_name));
  PGSS_CHECK(writer.field(M::kTargetInfoFieldsAt, in.target_info));
  return out;
}

Result<Bytes> encode(const AuthenticateMessage& in) {
  using M = AuthenticateMessage;
  Bytes out;
  const size_t fixed = in.mic ? M::kWithMicSize : in.version ? M::kWithVersionSize : M::kMinSize;
  MessageWriter writer(out, MessageType::kAuthenticate, fixed);
  writer.u32(M::kFlagsAt, in.flags);
  if (in.version) writer.version(M::kVersionAt, *in.version);
  if (in.mic) writer.bytes(M::kMicAt, *in.mic);
  PGSS_CHECK(writer.field(M::kDomainNameFieldsAt, in.domain_name));
  PGSS_CHECK(writer.field(M::kUserNameFieldsAt, in.user_name));
  PGSS_CHECK(writer.field(M::kWorkstationFieldsAt, in.workstation));
  PGSS_CHECK(writer.field(M::kLmResponseFieldsAt, in.lm_response));
  PGSS_CHECK(writer.field(M::kNtResponseFieldsAt, in.nt_response));
  PGSS_CHECK(writer.field(M::kSessionKeyFieldsAt, in.encrypted_random_session_key));
  return out;
}

}  // namespace pocketgss::mechs::ntlm
