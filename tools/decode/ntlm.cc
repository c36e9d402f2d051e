// The messages of [MS-NLMP] as trees.
#include "tools/decode/ntlm.h"

#include <algorithm>
#include <string>

#include "base/utf16.h"
#include "mechs/ntlm/messages.h"
#include "tools/decode/ntlm_names.h"

namespace pocketgss::tools {
namespace {

using namespace mechs::ntlm;

enum class Charset : uint8_t { kUtf16, kOem };

Field number_field(const char* name, uint32_t offset, size_t length, uint64_t number) {
  return make_field(name, offset, length, number);
}

Field flags_field(uint32_t offset, NegotiateFlags flags) {
  Field field = number_field("NegotiateFlags", offset, 4, flags);
  field.names = negotiate_flag_names(flags);
  return field;
}

void add_header(Children& out, const DecodeContext& at, ByteView message, MessageType type,
                const char* type_name) {
  out.push_back(octets_field("Signature", at.base, message.prefix(kSignature.size())));
  Field field = number_field("MessageType", at.base + 8, 4, static_cast<uint32_t>(type));
  field.meaning = type_name;
  out.push_back(std::move(field));
}

// A "Fields" descriptor: [0-1] Len, [2-3] MaxLen, [4-7] BufferOffset.
Field descriptor_field(const char* name, uint32_t offset, const SecurityBuffer& buffer) {
  Field field = make_field(name, offset, kSecurityBufferSize,
                           Children{number_field("Len", offset, 2, buffer.len),
                                    number_field("MaxLen", offset + 2, 2, buffer.max_len),
                                    number_field("BufferOffset", offset + 4, 4, buffer.offset)});
  field.summary =
      "Len " + std::to_string(buffer.len) + ", BufferOffset " + std::to_string(buffer.offset);
  return field;
}

void add_version(Children& out, uint32_t offset, const std::optional<Version>& version) {
  if (!version) return;
  Field field =
      make_field("Version", offset, kVersionSize,
                 Children{number_field("ProductMajorVersion", offset, 1, version->major),
                          number_field("ProductMinorVersion", offset + 1, 1, version->minor),
                          number_field("ProductBuild", offset + 2, 2, version->build),
                          number_field("NTLMRevisionCurrent", offset + 7, 1, version->revision)});
  field.summary = std::to_string(version->major) + "." + std::to_string(version->minor) +
                  " build " + std::to_string(version->build) + ", NTLM revision " +
                  std::to_string(version->revision);
  out.push_back(std::move(field));
}

bool is_ascii_text(ByteView octets) {
  return std::all_of(octets.begin(), octets.end(), [](uint8_t c) { return c >= 0x20 && c < 0x7f; });
}

// text_value is the text where the octets are one, else the octets themselves. An OEM code page is
// not known to the reader of a token, so only its ASCII part is shown as text.
Value text_value(ByteView octets, Charset charset) {
  if (charset == Charset::kOem)
    return is_ascii_text(octets) ? Value(std::string(as_text(octets))) : Value(octets.to_bytes());
  std::string text;
  const bool is_text = utf16le_to_utf8(octets, "text", text).has_value();
  return is_text ? Value(std::move(text)) : Value(octets.to_bytes());
}

// payload_offset is where a payload stands in the input; an empty one may claim any place (quirk
// C13).
uint32_t payload_offset(const DecodeContext& at, const SecurityBuffer& buffer, ByteView message) {
  const size_t in_message = buffer.offset <= message.size() ? buffer.offset : message.size();
  return at.base + static_cast<uint32_t>(in_message);
}

Charset charset_of(NegotiateFlags flags, const DecodeContext& at, const char* message_name) {
  if (has_flag(flags, flag::kUnicode)) return Charset::kUtf16;
  if (has_flag(flags, flag::kOem)) return Charset::kOem;
  at.note(std::string(message_name) +
          ": neither character set flag is set; text is taken for UTF-16 (quirk C29)");
  return Charset::kUtf16;
}

Value av_value(const AvPair& pair, const AvPairs& pairs) {
  switch (pair.id) {
    case AvId::kFlags:
      return uint64_t{pairs.flags()};
    case AvId::kTimestamp:
      return uint64_t{pairs.timestamp().value_or(0)};
    case AvId::kNbComputerName:
    case AvId::kNbDomainName:
    case AvId::kDnsComputerName:
    case AvId::kDnsDomainName:
    case AvId::kDnsTreeName:
    case AvId::kTargetName:
      return text_value(pair.value, Charset::kUtf16);
    default:
      return pair.value.to_bytes();
  }
}

// av_pair_field stands for the whole pair, AvId and AvLen included.
Field av_pair_field(const AvPair& pair, const AvPairs& pairs, const DecodeContext& at) {
  Field field = make_field(av_id_name(static_cast<uint16_t>(pair.id)), at.base + pair.offset,
                           kAvHeaderSize + pair.value.size(), av_value(pair, pairs));
  if (pair.id == AvId::kFlags) field.names = av_flag_names(pairs.flags());
  if (pair.id == AvId::kTimestamp) field.meaning = filetime_text(pairs.timestamp().value_or(0));
  return field;
}

Field av_pairs_field(const char* name, const AvPairs& pairs, uint32_t offset, size_t length,
                     const DecodeContext& at) {
  Items list;
  for (AvPair pair; pairs.next(pair);) list.items.push_back(av_pair_field(pair, pairs, at));
  if (!pairs.after_eol().empty()) {
    at.note(std::string(name) + ": " + std::to_string(pairs.after_eol().size()) +
            " octets after MsvAvEOL, without meaning");
  }
  if (pairs.repeats())
    at.note(std::string(name) +
            ": an AvId stands twice, which an acceptor of ours refuses (NTL-2)");
  return make_field(name, offset, length, std::move(list));
}

// client_challenge_field is NTLMv2_CLIENT_CHALLENGE, [MS-NLMP] 2.2.2.7.
Field client_challenge_field(const NtlmV2Response& response, uint32_t offset,
                             const DecodeContext& at) {
  const uint32_t av_at = offset + NtlmV2Response::kAvPairsAt;
  Field time = number_field("TimeStamp", offset + 8, 8, response.timestamp);
  time.meaning = filetime_text(response.timestamp);
  return make_field(
      "NTLMv2_CLIENT_CHALLENGE", offset, response.temp.size(),
      Children{number_field("RespType", offset, 1, response.temp[0]),
               number_field("HiRespType", offset + 1, 1, response.temp[1]), std::move(time),
               octets_field("ChallengeFromClient", offset + 16, response.challenge_from_client),
               av_pairs_field("AvPairs", response.av_pairs, av_at,
                              response.temp.size() - NtlmV2Response::kAvPairsAt, at)});
}

Field nt_response_field(const AuthenticateMessage& message, uint32_t offset,
                        const DecodeContext& at) {
  const uint32_t in_message = message.nt_response_fields.offset;
  Field field = sensitive(octets_field("NtChallengeResponse", offset, message.nt_response));
  if (response_kind(message) != ResponseKind::kNtlmV2) return field;
  const auto response = parse_ntlm_v2_response(message.nt_response, in_message);
  if (!response.has_value()) {
    at.note("NtChallengeResponse: no NTLMv2_RESPONSE: " + describe(response.error()));
    return field;
  }
  field.sensitive = false;
  field.value = Children{
      sensitive(octets_field("Response", offset, response.value().nt_proof_str)),
      client_challenge_field(response.value(),
                             offset + static_cast<uint32_t>(NtlmV2Response::kProofSize), at)};
  return field;
}

// note_authenticate says what policy would say of the message.
void note_authenticate(const AuthenticateMessage& message, const DecodeContext& at) {
  const ResponseKind kind = response_kind(message);
  at.note(
      std::string("the response is ") + name(kind) +
      (kind == ResponseKind::kNtlmV2 ? "" : ", which is refused whatever the policy (P2, P20)"));
  if (kind != ResponseKind::kNtlmV2) return;
  const auto response = parse_ntlm_v2_response(message.nt_response, 0);
  const bool claimed =
      response.has_value() && (response.value().av_pairs.flags() & kAvMicPresent) != 0;
  if (!claimed) at.note("no MIC is claimed, which the policy level strict refuses (P4)");
  if (claimed && message.mic.empty())
    at.note("a MIC is claimed and there is no room for one: refused (NTL-1)");
}

}  // namespace

Result<Children> decode_negotiate(ByteView token, const DecodeContext& at) {
  PGSS_TRY(const NegotiateMessage message, parse_negotiate(token));
  Children out;
  add_header(out, at, token, MessageType::kNegotiate, "NEGOTIATE_MESSAGE");
  out.push_back(flags_field(at.base + NegotiateMessage::kFlagsAt, message.flags));
  if (message.domain_name_fields) {
    out.push_back(descriptor_field("DomainNameFields",
                                   at.base + NegotiateMessage::kDomainNameFieldsAt,
                                   *message.domain_name_fields));
  }
  if (message.workstation_fields) {
    out.push_back(descriptor_field("WorkstationFields",
                                   at.base + NegotiateMessage::kWorkstationFieldsAt,
                                   *message.workstation_fields));
  }
  add_version(out, at.base + NegotiateMessage::kVersionAt, message.version);
  const auto add_name = [&](const char* name, const std::optional<SecurityBuffer>& fields,
                            ByteView octets) {
    if (!fields || octets.empty()) return;
    out.push_back(make_field(name, payload_offset(at, *fields, token), octets.size(),
                             text_value(octets, Charset::kOem)));
  };
  add_name("DomainName", message.domain_name_fields, message.domain_name);
  add_name("WorkstationName", message.workstation_fields, message.workstation);
  return out;
}

Result<Children> decode_challenge(ByteView token, const DecodeContext& at) {
  PGSS_TRY(const ChallengeMessage message, parse_challenge(token));
  Children out;
  add_header(out, at, token, MessageType::kChallenge, "CHALLENGE_MESSAGE");
  out.push_back(descriptor_field("TargetNameFields",
                                 at.base + ChallengeMessage::kTargetNameFieldsAt,
                                 message.target_name_fields));
  out.push_back(flags_field(at.base + ChallengeMessage::kFlagsAt, message.flags));
  out.push_back(
      octets_field("ServerChallenge", at.base + ChallengeMessage::kServerChallengeAt,
                   ByteView(message.server_challenge.data(), message.server_challenge.size())));
  if (message.target_info_fields) {
    out.push_back(descriptor_field("TargetInfoFields",
                                   at.base + ChallengeMessage::kTargetInfoFieldsAt,
                                   *message.target_info_fields));
  }
  add_version(out, at.base + ChallengeMessage::kVersionAt, message.version);
  if (!message.target_name.empty()) {
    const Charset charset = charset_of(message.flags, at, "CHALLENGE_MESSAGE");
    out.push_back(make_field("TargetName", payload_offset(at, message.target_name_fields, token),
                             message.target_name.size(), text_value(message.target_name, charset)));
  }
  if (!message.target_info.empty()) {
    out.push_back(av_pairs_field("TargetInfo", message.av_pairs,
                                 payload_offset(at, *message.target_info_fields, token),
                                 message.target_info.size(), at));
  } else {
    at.note("no TargetInfo: works at the policy level default, refused at strict (P3)");
  }
  return out;
}

Result<Children> decode_authenticate(ByteView token, const DecodeContext& at) {
  using M = AuthenticateMessage;
  PGSS_TRY(const M message, parse_authenticate(token));
  Children out;
  add_header(out, at, token, MessageType::kAuthenticate, "AUTHENTICATE_MESSAGE");
  const auto add_descriptor = [&](const char* name, size_t place, const SecurityBuffer& fields) {
    out.push_back(descriptor_field(name, at.base + static_cast<uint32_t>(place), fields));
  };
  add_descriptor("LmChallengeResponseFields", M::kLmResponseFieldsAt, message.lm_response_fields);
  add_descriptor("NtChallengeResponseFields", M::kNtResponseFieldsAt, message.nt_response_fields);
  add_descriptor("DomainNameFields", M::kDomainNameFieldsAt, message.domain_name_fields);
  add_descriptor("UserNameFields", M::kUserNameFieldsAt, message.user_name_fields);
  add_descriptor("WorkstationFields", M::kWorkstationFieldsAt, message.workstation_fields);
  add_descriptor("EncryptedRandomSessionKeyFields", M::kSessionKeyFieldsAt,
                 message.session_key_fields);
  out.push_back(flags_field(at.base + M::kFlagsAt, message.flags));
  add_version(out, at.base + M::kVersionAt, message.version);
  if (!message.mic.empty())
    out.push_back(sensitive(octets_field("MIC", at.base + M::kMicAt, message.mic)));

  const Charset charset = charset_of(message.flags, at, "AUTHENTICATE_MESSAGE");
  const auto add_text = [&](const char* name, const SecurityBuffer& fields, ByteView octets) {
    out.push_back(make_field(name, payload_offset(at, fields, token), octets.size(),
                             text_value(octets, charset)));
  };
  add_text("DomainName", message.domain_name_fields, message.domain_name);
  add_text("UserName", message.user_name_fields, message.user_name);
  add_text("Workstation", message.workstation_fields, message.workstation);
  out.push_back(sensitive(octets_field("LmChallengeResponse",
                                       payload_offset(at, message.lm_response_fields, token),
                                       message.lm_response)));
  out.push_back(
      nt_response_field(message, payload_offset(at, message.nt_response_fields, token), at));
  out.push_back(sensitive(octets_field("EncryptedRandomSessionKey",
                                       payload_offset(at, message.session_key_fields, token),
                                       message.encrypted_random_session_key)));
  note_authenticate(message, at);
  return out;
}

}  // namespace pocketgss::tools
