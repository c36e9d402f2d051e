// Wrap and MIC tokens of Kerberos as trees: what stands in the clear, and what a key adds to it.
#include "tools/decode/krb5_tokens.h"

#include <algorithm>

#include "mechs/gss_token.h"
#include "mechs/krb5/crypto.h"
#include "mechs/krb5/token_forms.h"
#include "mechs/oids.h"
#include "tools/decode/decrypt.h"
#include "tools/text.h"

namespace pocketgss::tools {
namespace {

using namespace mechs::krb5;  // NOLINT: this file is about nothing else

constexpr std::string_view kWrapKind = "krb5.Wrap", kMicKind = "krb5.MIC";
constexpr size_t kIdSize = 2, kSealAlgAt = 4;

uint16_t u16_at(ByteView octets, size_t at) {
  return static_cast<uint16_t>(octets[at] << 8 | octets[at + 1]);
}
std::optional<uint16_t> id_at(ByteView octets) {
  if (octets.size() < kIdSize) return std::nullopt;
  return u16_at(octets, 0);
}

bool is_framed(ByteView token) {
  return !token.empty() && token[0] == mechs::kInitialContextTag.octet;
}

// any_etype: one of those that have tokens of RFC 4121 fits.
template <typename Fits>
bool any_etype(const Fits& fits) {
  constexpr Etype kEtypes[] = {Etype::kAes128CtsHmacSha1, Etype::kAes256CtsHmacSha1,
                               Etype::kAes128CtsHmacSha256, Etype::kAes256CtsHmacSha384};
  return std::any_of(std::begin(kEtypes), std::end(kEtypes), fits);
}

bool is_checksum_size(size_t size) {
  return any_etype([&](Etype etype) { return checksum_size(etype) == size; });
}

std::vector<std::string> flag_names(uint8_t flags) {
  std::vector<std::string> out;
  if ((flags & cfx_flag::kSentByAcceptor) != 0) out.push_back("SentByAcceptor");
  if ((flags & cfx_flag::kSealed) != 0) out.push_back("Sealed");
  if ((flags & cfx_flag::kAcceptorSubkey) != 0) out.push_back("AcceptorSubkey");
  for (int bit = 3; bit < 8; ++bit) {
    if ((flags >> bit & 1) != 0) out.push_back("bit " + std::to_string(bit));
  }
  return out;
}

// layer_step says what RFC 4752 3.1 and 3.2 make of a message, where it can be one of theirs: [0] the
// layers, a bit each, [1-3] the maximum size, of a client [4-] the authorization identity.
std::string layer_step(ByteView message, Role sender) {
  if (message.size() < 4) return "";
  const uint8_t layers = message[0];
  const bool one = layers == 1 || layers == 2 || layers == 4;
  const std::string identity(as_text(message.from(4)));
  const bool fits = sender == Role::kAcceptor ? message.size() == 4 && layers >= 1 && layers <= 7
                                              : one && printable(identity) == identity;
  if (!fits) return "";
  std::string out = "as the layer step of RFC 4752: ";
  if ((layers & 1) != 0) out += "no security layer, ";
  if ((layers & 2) != 0) out += "integrity protection, ";
  if ((layers & 4) != 0) out += "confidentiality protection, ";
  out += "maximum size " + std::to_string(message[1] << 16 | message[2] << 8 | message[3]);
  if (!identity.empty()) out += ", authorization identity \"" + identity + "\"";
  return out;
}

using Opened = std::optional<Decryptor::Unwrapped>;

// MessageFields makes the fields of one token.
class MessageFields {
 public:
  MessageFields(ByteView token, const DecodeContext& at) : token_(token), at_(at) {}

  Field& octets(const char* name, size_t offset, size_t length, std::string meaning = {}) {
    return add(make_field(name, at_.base + static_cast<uint32_t>(offset), length,
                          token_.sub(offset, length).to_bytes(), std::move(meaning)));
  }
  Field& number(const char* name, size_t offset, size_t length, uint64_t value,
                std::string meaning = {}) {
    return add(make_field(name, at_.base + static_cast<uint32_t>(offset), length, value,
                          std::move(meaning)));
  }
  Field& add(Field field) {
    out_.push_back(std::move(field));
    return out_.back();
  }
  // sealed shows what is encrypted, and the message where it was opened; its place counts from the
  // start of the plaintext.
  void sealed(size_t offset, const Opened& opened, uint32_t message_at) {
    Field& field = octets("Ciphertext", offset, token_.size() - offset);
    if (!opened) return;
    field.kind = "krb5.plaintext";
    field.token = {sensitive(octets_field("Message", message_at, opened->message.view()))};
  }
  uint32_t base() const { return at_.base; }
  Children take() { return std::move(out_); }

 private:
  ByteView token_;
  const DecodeContext& at_;
  Children out_;
};

// open_dce opens a token as DCE style makes it, sealed and rotated by EC as well; neither is under
// the checksum.
Opened open_dce(ByteView token, const DecodeContext& at) {
  if (is_framed(token) || (token[kCfxFlagsAt] & cfx_flag::kSealed) == 0) return std::nullopt;
  Bytes straight = token.to_bytes();
  const auto rotation = static_cast<uint16_t>(u16_at(token, kCfxRrcAt) + u16_at(token, kCfxEcAt));
  straight[kCfxRrcAt] = static_cast<uint8_t>(rotation >> 8);
  straight[kCfxRrcAt + 1] = static_cast<uint8_t>(rotation);
  Opened opened = at.decryptor->unwrap(straight);
  if (opened) at.note("rotated by EC, too, as in DCE style: the library does not take it");
  return opened;
}

Opened open(ByteView token, const DecodeContext& at) {
  if (at.decryptor == nullptr) return std::nullopt;
  Opened opened = at.decryptor->unwrap(token);
  if (!opened) opened = open_dce(token, at);
  if (!opened) at.note("the wrap token is not verified: no key of its context is known");
  return opened;
}

// verified says of a MIC whether it is right, in a note where it is not known. Where nobody gave keys
// there is nothing to say.
std::string verified(ByteView token, const DecodeContext& at) {
  using Verdict = Decryptor::MicVerdict;
  if (at.decryptor == nullptr) return "";
  switch (at.decryptor->verify_mic(token)) {
    case Verdict::kVerified:
      return "verified: over the mechTypes";
    case Verdict::kNoKey:
      at.note("the MIC is not verified: no key of its context is known");
      break;
    case Verdict::kNoMessage:
      at.note("the MIC is not verified: the message that it is over is not known");
      break;
    case Verdict::kNoMatch:
      at.note(
          "the MIC is not verified: it is not over the mechTypes, or no key of its context is "
          "known");
      break;
  }
  return "";
}

// --- RFC 4121 4.2.6 ---

void cfx_header(MessageFields& fields, const CfxHeader& header, size_t filler) {
  fields.octets("TOK_ID", 0, kIdSize);
  fields.number("Flags", kCfxFlagsAt, 1, header.flags).names = flag_names(header.flags);
  fields.octets("Filler", kCfxFillerAt, filler);
}

// parts shows the message and the checksum of a token that is not sealed. What the rotation has split
// is shown whole, standing where all that was rotated does.
void parts(MessageFields& fields, const CfxHeader& header, ByteView body, const Opened& opened) {
  const size_t start = header.rrc % body.size();
  Bytes straight(body.size());
  const auto first = body.begin() + static_cast<std::ptrdiff_t>(start);
  std::rotate_copy(body.begin(), first, body.end(), straight.begin());
  const auto part = [&](const char* name, size_t from, size_t length) -> Field& {
    const size_t at = (start + from) % body.size();
    const bool split = at + length > body.size();
    const size_t place = kMessageHeaderSize + (split ? 0 : at);
    return fields.add(sensitive(make_field(name, fields.base() + static_cast<uint32_t>(place),
                                           split ? body.size() : length,
                                           ByteView(straight).sub(from, length).to_bytes())));
  };
  const size_t size = body.size() - header.ec;
  const bool by_acceptor = (header.flags & cfx_flag::kSentByAcceptor) != 0;
  part("Message", 0, size).meaning =
      layer_step(ByteView(straight).prefix(size), by_acceptor ? Role::kAcceptor : Role::kInitiator);
  part("Checksum", size, header.ec).meaning = opened ? "verified" : "";
}

// check_sizes: no etype has tokens of other sizes.
Result<void> check_sizes(const CfxHeader& header, size_t body) {
  const Error ec{Errc::kMalformed, "Wrap token.EC", kCfxEcAt, 0};
  const Error whole{Errc::kMalformed, name(MessageToken::kWrap), kMessageHeaderSize, 0};
  if ((header.flags & cfx_flag::kSealed) == 0) {
    if (!is_checksum_size(header.ec)) return ec;
    if (body < header.ec) return whole;
    return {};
  }
  const auto has_room = [&](size_t filler) {
    return any_etype([&](Etype etype) {
      return plaintext_size(etype, body).value_or(0) >= filler + kMessageHeaderSize;
    });
  };
  if (!has_room(0)) return whole;
  if (!has_room(header.ec)) return ec;
  return {};
}

Result<Children> cfx_wrap(ByteView token, const DecodeContext& at) {
  PGSS_TRY(const CfxHeader header, parse_cfx_header(token, MessageToken::kWrap));
  const ByteView body = token.from(kMessageHeaderSize);
  PGSS_CHECK(check_sizes(header, body.size()));
  const bool sealed = (header.flags & cfx_flag::kSealed) != 0;
  MessageFields fields(token, at);
  cfx_header(fields, header, 1);
  fields.number("EC", kCfxEcAt, 2, header.ec, sealed ? "octets of filler" : "octets of checksum");
  fields.number("RRC", kCfxRrcAt, 2, header.rrc);
  fields.number("SND_SEQ", kCfxSequenceAt, 8, header.sequence);
  const auto opened = open(token, at);
  if (sealed) {
    fields.sealed(kMessageHeaderSize, opened, 0);
  } else {
    parts(fields, header, body, opened);
  }
  return fields.take();
}

Result<Children> cfx_mic(ByteView token, const DecodeContext& at) {
  PGSS_TRY(const CfxHeader header, parse_cfx_header(token, MessageToken::kMic));
  const char* const what = name(MessageToken::kMic);
  if ((header.flags & cfx_flag::kSealed) != 0) return Error{Errc::kMalformed, what, kCfxFlagsAt, 0};
  const size_t checksum = token.size() - kMessageHeaderSize;
  if (!is_checksum_size(checksum)) return Error{Errc::kMalformed, what, kMessageHeaderSize, 0};
  MessageFields fields(token, at);
  cfx_header(fields, header, kCfxSequenceAt - kCfxFillerAt);
  fields.number("SND_SEQ", kCfxSequenceAt, 8, header.sequence);
  fields.octets("SGN_CKSUM", kMessageHeaderSize, checksum, verified(token, at)).sensitive = true;
  return fields.take();
}

// --- RFC 1964 1.2, RFC 4757 7 ---

MessageFields rfc4757_head(ByteView token, const rfc4757::Token& parsed, bool wrap,
                           const DecodeContext& at) {
  MessageFields fields(token, at);
  const uint32_t start = parsed.offset;
  const size_t oid = kIdSize + mechs::kKerberosDer.size();
  fields.add(make_field("thisMech", at.base + start - static_cast<uint32_t>(oid), oid,
                        asn1::dotted(mechs::kKerberosOid), "Kerberos V5"));
  fields.octets("TOK_ID", start, kIdSize);
  fields.octets("SGN_ALG", start + kIdSize, 2, "HMAC-MD5");
  if (wrap) {
    fields.octets("SEAL_ALG", start + kSealAlgAt, 2, parsed.sealed ? "RC4" : "none");
    fields.octets("Filler", start + kSealAlgAt + 2, 2);
  } else {
    fields.octets("Filler", start + kSealAlgAt, 4);
  }
  fields.octets("SND_SEQ", start + rfc4757::kFixedSize, rfc4757::kSequenceSize, "encrypted");
  return fields;
}

constexpr uint32_t kChecksumAt = rfc4757::kFixedSize + rfc4757::kSequenceSize;

Result<Children> rfc4757_wrap(ByteView token, const DecodeContext& at) {
  PGSS_TRY(const rfc4757::Token parsed, rfc4757::parse(token, MessageToken::kWrap));
  const size_t body = parsed.offset + rfc4757::kHeadSize;
  const size_t data = body + rfc4757::kConfounderSize;
  const auto size =
      parsed.sealed ? 0 : rfc4757::unpadded(parsed.body.from(rfc4757::kConfounderSize));
  if (!size) {
    return Error{Errc::kMalformed, "Wrap token: padding", static_cast<uint32_t>(token.size() - 1),
                 0};
  }
  const auto opened = open(token, at);
  MessageFields fields = rfc4757_head(token, parsed, true, at);
  fields
      .octets("SGN_CKSUM", parsed.offset + kChecksumAt, rfc4757::kChecksumSize,
              opened ? "verified" : "")
      .sensitive = true;
  if (parsed.sealed) {
    fields.sealed(body, opened, rfc4757::kConfounderSize);
    return fields.take();
  }
  fields.octets("Confounder", body, rfc4757::kConfounderSize);
  Field& message = fields.octets("Message", data, *size);
  message.sensitive = true;
  if (opened) message.meaning = layer_step(opened->message.view(), opened->sender);
  fields.octets("Padding", data + *size, token.size() - data - *size);
  return fields.take();
}

Result<Children> rfc4757_mic(ByteView token, const DecodeContext& at) {
  PGSS_TRY(const rfc4757::Token parsed, rfc4757::parse(token, MessageToken::kMic));
  MessageFields fields = rfc4757_head(token, parsed, false, at);
  fields
      .octets("SGN_CKSUM", parsed.offset + kChecksumAt, rfc4757::kChecksumSize, verified(token, at))
      .sensitive = true;
  return fields.take();
}

}  // namespace

Result<Children> decode_wrap(ByteView token, const DecodeContext& at) {
  return is_framed(token) ? rfc4757_wrap(token, at) : cfx_wrap(token, at);
}

Result<Children> decode_mic(ByteView token, const DecodeContext& at) {
  return is_framed(token) ? rfc4757_mic(token, at) : cfx_mic(token, at);
}

std::string_view message_token_kind(ByteView token) {
  if (!is_framed(token)) {
    const auto id = id_at(token);
    return id == kCfxWrapId ? kWrapKind : id == kCfxMicId ? kMicKind : std::string_view();
  }
  const auto frame = mechs::parse_initial_context_token(token);
  if (!frame.has_value()) return {};
  const bool kerberos = frame.value().this_mech == mechs::kKerberosOid ||
                        frame.value().this_mech == mechs::kMicrosoftKerberosOid;
  const auto id = id_at(frame.value().inner_token);
  if (!kerberos) return {};
  return id == rfc4757::kWrapId ? kWrapKind : id == rfc4757::kMicId ? kMicKind : std::string_view();
}

bool may_be_cfx_wrap(ByteView input) {
  constexpr uint8_t kKnownFlags =
      cfx_flag::kSentByAcceptor | cfx_flag::kSealed | cfx_flag::kAcceptorSubkey;
  return id_at(input) == kCfxWrapId && input.size() > kCfxFillerAt &&
         input[kCfxFillerAt] == kCfxFiller && (input[kCfxFlagsAt] & ~kKnownFlags) == 0;
}

}  // namespace pocketgss::tools
