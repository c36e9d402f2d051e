// Any token that we know, as a tree: tells the kind and calls the decoder of that kind.
#include "tools/decode/decode.h"

#include <algorithm>

#include "mechs/ntlm/messages.h"
#include "tools/decode/krb5_files.h"
#include "tools/decode/ntlm.h"
#include "tools/decode/spnego.h"

namespace pocketgss::tools {
namespace {

using Decoder = Result<Children> (*)(ByteView, const DecodeContext&);

struct Kind {
  std::string_view name;
  Decoder decode;
};

constexpr Kind kKinds[] = {
    {"spnego.NegTokenInit", decode_neg_token_init},
    {"spnego.NegTokenInit2", decode_neg_token_init2},
    {"spnego.NegTokenResp", decode_neg_token_resp},
    {"ntlm.Negotiate", decode_negotiate},
    {"ntlm.Challenge", decode_challenge},
    {"ntlm.Authenticate", decode_authenticate},
    {"krb5.keytab", decode_keytab},
    {"krb5.ccache", decode_ccache},
};

Result<std::string_view> ntlm_kind(ByteView token) {
  PGSS_TRY(const auto type, mechs::ntlm::parse_message_type(token));
  switch (type) {
    case mechs::ntlm::MessageType::kNegotiate:
      return std::string_view("ntlm.Negotiate");
    case mechs::ntlm::MessageType::kChallenge:
      return std::string_view("ntlm.Challenge");
    case mechs::ntlm::MessageType::kAuthenticate:
      break;
  }
  return std::string_view("ntlm.Authenticate");
}

bool starts_like_ntlm(ByteView token) {
  const ByteView signature(mechs::ntlm::kSignature.data(), mechs::ntlm::kSignature.size());
  return token.size() >= 1 && token[0] == signature[0] &&
         token.prefix(std::min(token.size(), signature.size())) ==
             signature.prefix(std::min(token.size(), signature.size()));
}

Result<std::string_view> kind_of(ByteView token) {
  if (starts_like_ntlm(token)) return ntlm_kind(token);
  if (const auto kind = krb5_kind(token)) return *kind;
  return spnego_kind(token);
}

bool is_kind(std::string_view name) {
  return std::find(kTokenKinds.begin(), kTokenKinds.end(), name) != kTokenKinds.end();
}

Result<Children> decode_kind(std::string_view name, ByteView token, const DecodeContext& at) {
  for (const Kind& kind : kKinds) {
    if (kind.name == name) return kind.decode(token, at);
  }
  return decode_krb5(name, token, at);
}

}  // namespace

std::optional<std::string> decode_nested(ByteView octets, Field& field, const DecodeContext& at) {
  if (octets.empty()) return std::nullopt;
  const auto inside = at.deeper();
  if (!inside) return too_deep();
  const auto kind = kind_of(octets);
  if (!kind.has_value()) return describe(kind.error());
  auto children = decode_kind(kind.value(), octets, *inside);
  if (!children.has_value()) return describe(children.error());
  field.kind = kind.value();
  field.token = std::move(children).value();
  return std::nullopt;
}

Result<DecodedToken> decode_token(ByteView token, std::string_view kind, bool show_keys,
                                  Decryptor* decryptor) {
  // Files hold tokens, and no token holds a file: they are told here alone.
  if (kind.empty()) kind = krb5_file_kind(token);
  if (kind.empty()) {
    PGSS_TRY(kind, kind_of(token));
  }
  if (!is_kind(kind)) return Error{Errc::kApiMisuse, "kind", 0, 0};
  DecodedToken out;
  out.kind = kind;
  out.length = static_cast<uint32_t>(token.size());
  PGSS_TRY(out.fields,
           decode_kind(kind, token, DecodeContext{0, &out.notes, show_keys, decryptor}));
  return out;
}

}  // namespace pocketgss::tools
