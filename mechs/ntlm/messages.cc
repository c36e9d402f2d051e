// Parsing and writing of the three NTLM messages.
#include "mechs/ntlm/messages.h"

#include <algorithm>
#include <cstring>

#include "base/any_of.h"
#include "base/cursor.h"
#include "base/filled.h"

namespace pocketgss::mechs::ntlm {
namespace {

constexpr size_t kTypeAt = 8;
constexpr size_t kNtlmV1Size = 24;
constexpr size_t kLmSize = 24;
constexpr size_t kClientChallengeSize = 8;

Error malformed(const char* field, size_t offset) {
  return Error{Errc::kMalformed, field, static_cast<uint32_t>(offset), 0};
}

// message_type: 0, which is none, where the octets are not there.
uint32_t message_type(ByteView message) {
  return message.size() < kTypeAt + 4 ? 0 : load_u32le(message.data() + kTypeAt);
}

// match_message_type checks the first twelve octets and the size of what follows.
Result<void> match_message_type(ByteView message, MessageType type, size_t min_size,
                                const char* name) {
  if (!has_signature(message)) return malformed("Signature", 0);
  const auto wanted = static_cast<uint32_t>(type);
  if (message_type(message) != wanted) return malformed("MessageType", kTypeAt);
  if (message.size() < min_size) return malformed(name, message.size());
  if (message.size() > kMaxMessageSize)
    return malformed("message longer than 8192 octets", kMaxMessageSize);
  return {};
}

// The fixed parts are read at constant places after one check of the size.
uint16_t load_u16le(const uint8_t* in) {
  return static_cast<uint16_t>(in[0] | in[1] << 8);
}

// FieldReader reads the descriptors of one message, and notes where its payload starts: that tells
// whether optional fixed fields are there.
class FieldReader {
 public:
  explicit FieldReader(ByteView message) : message_(message), first_payload_(message.size()) {}

  // read checks the descriptor at `at` against the message in one 64-bit comparison, and that it stays
  // clear of the fixed part.
  Result<void> read(size_t at, size_t fixed_size, const char* field, SecurityBuffer& descriptor,
                    ByteView& content) {
    const uint8_t* in = message_.data() + at;
    descriptor = SecurityBuffer{load_u16le(in), load_u16le(in + 2), load_u32le(in + 4)};
    if (descriptor.len == 0) return {};
    const uint64_t end = static_cast<uint64_t>(descriptor.offset) + descriptor.len;
    if (end > message_.size() || descriptor.offset < fixed_size) return malformed(field, at);
    content = message_.sub(descriptor.offset, descriptor.len);
    first_payload_ = std::min<size_t>(first_payload_, descriptor.offset);
    return {};
  }
  bool has_room(size_t fixed_size) const { return first_payload_ >= fixed_size; }
  void version(size_t at, NegotiateFlags flags, std::optional<Version>& out) const {
    if (!has_room(at + kVersionSize) || !has_flag(flags, flag::kVersion)) return;
    const uint8_t* in = message_.data() + at;
    out = Version{in[0], in[1], load_u16le(in + 2), in[7]};
  }

 private:
  ByteView message_;
  size_t first_payload_;
};

}  // namespace

Result<void> read_message(ByteView in, NegotiateMessage& out) {
  using M = NegotiateMessage;
  PGSS_CHECK(match_message_type(in, MessageType::kNegotiate, M::kMinSize, "NEGOTIATE_MESSAGE"));
  out.flags = load_u32le(in.data() + M::kFlagsAt);
  if (in.size() < M::kWithFieldsSize) return {};

  // Heimdal points DomainNameFields into the fixed part; nothing depends on these names, so they
  // only must be inside.
  FieldReader fields(in);
  PGSS_CHECK(fields.read(M::kDomainNameFieldsAt, 0, "NEGOTIATE_MESSAGE.DomainNameFields",
                         out.domain_name_fields.emplace(), out.domain_name));
  PGSS_CHECK(fields.read(M::kWorkstationFieldsAt, 0, "NEGOTIATE_MESSAGE.WorkstationFields",
                         out.workstation_fields.emplace(), out.workstation));
  fields.version(M::kVersionAt, out.flags, out.version);
  return {};
}

Result<void> read_message(ByteView in, ChallengeMessage& out) {
  using M = ChallengeMessage;
  PGSS_CHECK(match_message_type(in, MessageType::kChallenge, M::kMinSize, "CHALLENGE_MESSAGE"));
  out.flags = load_u32le(in.data() + M::kFlagsAt);
  std::memcpy(out.server_challenge.data(), in.data() + M::kServerChallengeAt,
              out.server_challenge.size());
  FieldReader fields(in);
  PGSS_CHECK(fields.read(M::kTargetNameFieldsAt, M::kMinSize, "CHALLENGE_MESSAGE.TargetNameFields",
                         out.target_name_fields, out.target_name));
  if (has_flag(out.flags, flag::kUnicode) && out.target_name.size() % 2 != 0) {
    return malformed("CHALLENGE_MESSAGE.TargetName", out.target_name_fields.offset);
  }
  if (has_flag(out.flags, flag::kTargetInfo)) {
    constexpr const char* kField = "CHALLENGE_MESSAGE.TargetInfoFields";
    if (in.size() < M::kWithTargetInfoSize) return malformed(kField, in.size());
    SecurityBuffer& info = out.target_info_fields.emplace();
    PGSS_CHECK(
        fields.read(M::kTargetInfoFieldsAt, M::kWithTargetInfoSize, kField, info, out.target_info));
    if (!out.target_info.empty()) {
      PGSS_CHECK(read_av_pairs(out.target_info, info.offset, out.av_pairs));
    }
  }
  fields.version(M::kVersionAt, out.flags, out.version);
  return {};
}

Result<void> read_message(ByteView in, AuthenticateMessage& out) {
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
  out.flags = load_u32le(in.data() + M::kFlagsAt);
  FieldReader fields(in);
  for (const Field& field : kFields) {
    PGSS_CHECK(
        fields.read(field.at, M::kMinSize, field.name, out.*field.descriptor, out.*field.content));
  }
  fields.version(M::kVersionAt, out.flags, out.version);
  if (fields.has_room(M::kWithMicSize)) out.mic = in.sub(M::kMicAt, M::kMicSize);
  return {};
}

Result<void> read_ntlm_v2_response(ByteView in, uint32_t offset, NtlmV2Response& out) {
  using R = NtlmV2Response;
  if (in.size() < R::kMinSize) return malformed("NTLMv2_RESPONSE", offset + in.size());
  out.nt_proof_str = in.prefix(R::kProofSize);
  out.temp = in.from(R::kProofSize);
  const uint8_t* temp = out.temp.data();
  if (temp[0] != 1) return malformed("NTLMv2_CLIENT_CHALLENGE.RespType", offset + R::kProofSize);
  if (temp[1] != 1)
    return malformed("NTLMv2_CLIENT_CHALLENGE.HiRespType", offset + R::kProofSize + 1);
  out.timestamp = load_u32le(temp + 8) | static_cast<uint64_t>(load_u32le(temp + 12)) << 32;
  out.challenge_from_client = out.temp.sub(16, kClientChallengeSize);
  const size_t pairs_at = R::kProofSize + R::kAvPairsAt;
  return read_av_pairs(in.from(pairs_at), offset + static_cast<uint32_t>(pairs_at), out.av_pairs);
}

bool has_signature(ByteView message) {
  return message.size() >= kSignature.size() &&
         message.prefix(kSignature.size()) == ByteView(kSignature);
}

Result<MessageType> parse_message_type(ByteView message) {
  if (!has_signature(message)) return malformed("Signature", 0);
  const uint32_t type = message_type(message);
  if (type < 1 || type > 3) return malformed("MessageType", kTypeAt);
  return static_cast<MessageType>(type);
}

Result<NegotiateMessage> parse_negotiate(ByteView message) {
  return filled<NegotiateMessage>([&](auto& out) { return read_message(message, out); });
}
Result<ChallengeMessage> parse_challenge(ByteView message) {
  return filled<ChallengeMessage>([&](auto& out) { return read_message(message, out); });
}
Result<AuthenticateMessage> parse_authenticate(ByteView message) {
  return filled<AuthenticateMessage>([&](auto& out) { return read_message(message, out); });
}
Result<NtlmV2Response> parse_ntlm_v2_response(ByteView nt_response, uint32_t offset) {
  return filled<NtlmV2Response>(
      [&](auto& out) { return read_ntlm_v2_response(nt_response, offset, out); });
}

Result<void> check_message_size(ByteView message, size_t limit, const char* name) {
  if (message.size() > limit) return malformed(name, limit);
  return {};
}

ResponseKind response_kind(const AuthenticateMessage& message) {
  const ByteView& nt = message.nt_response;
  const ByteView& lm = message.lm_response;
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
  std::memcpy(out_.data() + at, value.data(), value.size());
}

void MessageWriter::version(size_t at, const Version& v) {
  const FixedBytes<kVersionSize> octets = {
      v.major, v.minor,   static_cast<uint8_t>(v.build), static_cast<uint8_t>(v.build >> 8), 0, 0,
      0,       v.revision};
  bytes(at, ByteView(octets));
}

void MessageWriter::field(size_t descriptor_at, ByteView content) {
  const size_t start = out_.size();
  append(out_, content);
  describe(descriptor_at, start);
}

void MessageWriter::name(size_t descriptor_at, std::string_view utf8, CharacterSet set,
                         const char* what) {
  const size_t start = out_.size();
  note(append_name(out_, utf8, set, what));
  describe(descriptor_at, start);
}

void MessageWriter::describe(size_t descriptor_at, size_t start) {
  const size_t size = out_.size() - start;
  if (size > 0xffff)
    note(Error{Errc::kApiMisuse, "a field of an NTLM message is longer than 65535 octets", 0, 0});
  u32(descriptor_at, static_cast<uint32_t>(size << 16 | size));
  u32(descriptor_at + 4, static_cast<uint32_t>(start));
}

void MessageWriter::av_name(AvId id, std::string_view utf8) {
  append_av_pair(out_, id, {});
  const size_t start = out_.size();
  note(append_name(out_, utf8, CharacterSet::kUtf16, ntlm::name(id)));
  const size_t size = out_.size() - start;
  out_[start - 2] = static_cast<uint8_t>(size);
  out_[start - 1] = static_cast<uint8_t>(size >> 8);
}

void MessageWriter::note(const Result<void>& result) {
  if (result_.has_value()) result_ = result;
}

Result<Bytes> encode(const NegotiateMessage& in) {
  using M = NegotiateMessage;
  Bytes out;
  MessageWriter writer(out, MessageType::kNegotiate,
                       in.version ? M::kWithVersionSize : M::kWithFieldsSize);
  writer.u32(M::kFlagsAt, in.flags);
  if (in.version) writer.version(M::kVersionAt, *in.version);
  writer.field(M::kDomainNameFieldsAt, in.domain_name);
  writer.field(M::kWorkstationFieldsAt, in.workstation);
  PGSS_CHECK(writer.finish());
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
  writer.field(M::kTargetNameFieldsAt, in.target_name);
  writer.field(M::kTargetInfoFieldsAt, in.target_info);
  PGSS_CHECK(writer.finish());
  return out;
}

Result<Bytes> encode(const AuthenticateMessage& in) {
  using M = AuthenticateMessage;
  Bytes out;
  const bool with_mic = !in.mic.empty();
  const size_t fixed = with_mic ? M::kWithMicSize : in.version ? M::kWithVersionSize : M::kMinSize;
  MessageWriter writer(out, MessageType::kAuthenticate, fixed);
  writer.u32(M::kFlagsAt, in.flags);
  if (in.version) writer.version(M::kVersionAt, *in.version);
  if (with_mic) writer.bytes(M::kMicAt, in.mic);
  writer.field(M::kDomainNameFieldsAt, in.domain_name);
  writer.field(M::kUserNameFieldsAt, in.user_name);
  writer.field(M::kWorkstationFieldsAt, in.workstation);
  writer.field(M::kLmResponseFieldsAt, in.lm_response);
  writer.field(M::kNtResponseFieldsAt, in.nt_response);
  writer.field(M::kSessionKeyFieldsAt, in.encrypted_random_session_key);
  PGSS_CHECK(writer.finish());
  return out;
}

}  // namespace pocketgss::mechs::ntlm
