// What must hold for `pocketgss decode`, whatever it is given.
#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "fuzz/check.h"
#include "fuzz/oracles_tools.h"
#include "mechs/krb5/ccache.h"
#include "mechs/krb5/gss_token.h"
#include "mechs/krb5/keytab.h"
#include "mechs/krb5/messages.h"
#include "mechs/krb5/pac.h"
#include "mechs/krb5/padata.h"
#include "mechs/krb5/token_forms.h"
#include "mechs/ntlm/messages.h"
#include "mechs/oids.h"
#include "mechs/spnego/token.h"
#include "tools/decode/command.h"
#include "tools/decode/decode.h"

namespace pocketgss::fuzz {
namespace {

using nlohmann::json;

// --- the bare parsers ---

using Accepts = bool (*)(ByteView);

struct Parser {
  std::string_view kind;
  Accepts accepts;
};

#define PGSS_PARSER(kind, parse)                                  \
  Parser {                                                        \
    kind, [](ByteView token) { return parse(token).has_value(); } \
  }

constexpr Parser kParsers[] = {
    PGSS_PARSER("ntlm.Negotiate", mechs::ntlm::parse_negotiate),
    PGSS_PARSER("ntlm.Challenge", mechs::ntlm::parse_challenge),
    PGSS_PARSER("ntlm.Authenticate", mechs::ntlm::parse_authenticate),
    PGSS_PARSER("krb5.keytab", mechs::krb5::parse_keytab),
    PGSS_PARSER("krb5.ccache", mechs::krb5::parse_ccache),
    PGSS_PARSER("krb5.AS-REQ", mechs::krb5::parse_as_req),
    PGSS_PARSER("krb5.AS-REP", mechs::krb5::parse_as_rep),
    PGSS_PARSER("krb5.TGS-REQ", mechs::krb5::parse_tgs_req),
    PGSS_PARSER("krb5.TGS-REP", mechs::krb5::parse_tgs_rep),
    PGSS_PARSER("krb5.AP-REQ", mechs::krb5::parse_ap_req),
    PGSS_PARSER("krb5.AP-REP", mechs::krb5::parse_ap_rep),
    PGSS_PARSER("krb5.KRB-ERROR", mechs::krb5::parse_krb_error),
    PGSS_PARSER("krb5.KRB-CRED", mechs::krb5::parse_krb_cred),
    PGSS_PARSER("krb5.Ticket", mechs::krb5::parse_ticket),
    PGSS_PARSER("krb5.EncTicketPart", mechs::krb5::parse_enc_ticket_part),
    PGSS_PARSER("krb5.Authenticator", mechs::krb5::parse_authenticator),
    PGSS_PARSER("krb5.EncKDCRepPart", mechs::krb5::parse_enc_kdc_rep_part),
    PGSS_PARSER("krb5.EncAPRepPart", mechs::krb5::parse_enc_ap_rep_part),
    PGSS_PARSER("krb5.EncKrbCredPart", mechs::krb5::parse_enc_krb_cred_part),
    PGSS_PARSER("krb5.KDC-REQ-BODY", mechs::krb5::parse_kdc_req_body),
    PGSS_PARSER("krb5.METHOD-DATA", mechs::krb5::parse_method_data),
    PGSS_PARSER("krb5.TYPED-DATA", mechs::krb5::parse_typed_data),
    PGSS_PARSER("krb5.ETYPE-INFO", mechs::krb5::parse_etype_info),
    PGSS_PARSER("krb5.ETYPE-INFO2", mechs::krb5::parse_etype_info2),
    PGSS_PARSER("krb5.EncryptedData", mechs::krb5::parse_encrypted_data),
    PGSS_PARSER("krb5.PA-ENC-TS-ENC", mechs::krb5::parse_pa_enc_ts_enc),
    PGSS_PARSER("krb5.KERB-PA-PAC-REQUEST", mechs::krb5::parse_pa_pac_request),
    PGSS_PARSER("krb5.PA-PAC-OPTIONS", mechs::krb5::parse_pa_pac_options),
    PGSS_PARSER("krb5.KERB-ERROR-DATA", mechs::krb5::parse_kerb_error_data),
    PGSS_PARSER("krb5.AuthorizationData", mechs::krb5::parse_authorization_data),
    PGSS_PARSER("krb5.PAC", mechs::krb5::Pac::parse),
};
#undef PGSS_PARSER

bool accepts_spnego(std::string_view kind, ByteView token) {
  const auto any = mechs::spnego::parse_any_token(token);
  if (!any.has_value()) return false;
  if (kind == "spnego.NegTokenResp") return any.value().token.index() == 2;
  const auto* init = std::get_if<mechs::spnego::NegTokenInit>(&any.value().token);
  if (kind == "spnego.NegTokenInit") return init != nullptr;
  return any.value().token.index() == 1 || (init != nullptr && !init->mech_list_mic);
}

using mechs::krb5::MessageToken;

// RFC 4121 4.2.4 with the checksums of RFC 3962 and RFC 8009, and the least that encryption adds:
// that of RFC 3962, a confounder and a checksum.
bool accepts_cfx(MessageToken which, ByteView token) {
  constexpr size_t kHeader = 16, kLeastAdded = 16 + 12;
  const auto header = mechs::krb5::parse_cfx_header(token, which);
  if (!header.has_value()) return false;
  const size_t body = token.size() - kHeader, ec = header.value().ec;
  const bool sealed = (header.value().flags & 0x02) != 0;
  const auto is_checksum = [](size_t size) { return size == 12 || size == 16 || size == 24; };
  if (which == MessageToken::kMic) return !sealed && is_checksum(body);
  if (sealed) return body >= kLeastAdded + ec + kHeader;
  return is_checksum(ec) && body >= ec;
}

bool accepts_rfc4757(MessageToken which, ByteView token) {
  using namespace mechs::krb5::rfc4757;  // NOLINT: one call of the form
  const auto parsed = parse(token, which);
  if (!parsed.has_value()) return false;
  return which == MessageToken::kMic || parsed.value().sealed ||
         unpadded(parsed.value().body.from(kConfounderSize)).has_value();
}

// accepts_message_token: some key could make the library take it.
bool accepts_message_token(std::string_view kind, ByteView token) {
  const auto which = kind == "krb5.MIC" ? MessageToken::kMic : MessageToken::kWrap;
  const bool framed = !token.empty() && token[0] == mechs::kInitialContextTag.octet;
  return framed ? accepts_rfc4757(which, token) : accepts_cfx(which, token);
}

// bare takes the frame of RFC 2743 3.1 off a message of a context.
ByteView bare(std::string_view kind, ByteView token) {
  using mechs::krb5::TokenId;
  const auto framed = mechs::krb5::parse_context_token(token);
  if (!framed.has_value()) return token;
  const bool same = (framed.value().id == TokenId::kApReq && kind == "krb5.AP-REQ") ||
                    (framed.value().id == TokenId::kApRep && kind == "krb5.AP-REP") ||
                    (framed.value().id == TokenId::kKrbError && kind == "krb5.KRB-ERROR");
  return same ? framed.value().message : token;
}

// check_agreement: decode takes what the parser of that kind takes, and nothing else.
void check_agreement(std::string_view kind, ByteView token, bool decoded) {
  if (kind.starts_with("spnego.")) {
    PGSS_FUZZ_CHECK(decoded == accepts_spnego(kind, token));
    return;
  }
  if (kind == "krb5.Wrap" || kind == "krb5.MIC") {
    PGSS_FUZZ_CHECK(decoded == accepts_message_token(kind, token));
    return;
  }
  const auto* parser = std::find_if(std::begin(kParsers), std::end(kParsers),
                                    [&](const Parser& one) { return one.kind == kind; });
  PGSS_FUZZ_CHECK(parser != std::end(kParsers));
  PGSS_FUZZ_CHECK(decoded == parser->accepts(bare(kind, token)));
}

// Kinds that cannot be told from every token of theirs.
constexpr std::string_view kNotTold[] = {"krb5.ccache",
                                         "krb5.METHOD-DATA",
                                         "krb5.PAC",
                                         "krb5.KDC-REQ-BODY",
                                         "krb5.TYPED-DATA",
                                         "krb5.ETYPE-INFO",
                                         "krb5.ETYPE-INFO2",
                                         "krb5.EncryptedData",
                                         "krb5.PA-ENC-TS-ENC",
                                         "krb5.KERB-PA-PAC-REQUEST",
                                         "krb5.PA-PAC-OPTIONS",
                                         "krb5.KERB-ERROR-DATA",
                                         "krb5.AuthorizationData"};

// is_told: --as is not needed. A wrap token of RFC 4121 with an unknown flag is taken for a credential
// cache.
bool is_told(std::string_view kind, ByteView token) {
  const bool unknown_flag = token.size() > 2 && token[0] == 0x05 && (token[2] & 0xf8) != 0;
  if (kind == "krb5.Wrap" && unknown_flag) return false;
  return std::find(std::begin(kNotTold), std::end(kNotTold), kind) == std::end(kNotTold);
}

// check_refused: without --as no parser takes it of which the kind can be told.
void check_refused(std::string_view asked, ByteView token) {
  if (token.empty()) return;
  if (!asked.empty()) return check_agreement(asked, token, false);
  for (const std::string_view kind : tools::kTokenKinds) {
    if (is_told(kind, token)) check_agreement(kind, token, false);
  }
}

// --- the JSON ---

bool is_number(const json& object, const char* name) {
  return object.contains(name) && object[name].is_number_unsigned();
}
bool is_text(const json& object, const char* name) {
  return object.contains(name) && object[name].is_string();
}

void check_value(const json& value, size_t size);

void check_field(const json& field, size_t size) {
  PGSS_FUZZ_CHECK(is_number(field, "offset") && is_number(field, "length"));
  PGSS_FUZZ_CHECK(field["offset"].get<uint64_t>() + field["length"].get<uint64_t>() <= size);
  PGSS_FUZZ_CHECK(field.contains("value"));
  PGSS_FUZZ_CHECK(!field.contains("names") || field["names"].is_array());
  PGSS_FUZZ_CHECK(!field.contains("meaning") || field["meaning"].is_string());
  PGSS_FUZZ_CHECK(field.contains("kind") == field.contains("token"));
  check_value(field["value"], size);
  if (!field.contains("kind")) return;
  PGSS_FUZZ_CHECK(field["kind"].is_string() && field["token"].is_object());
  for (const json& inner : field["token"]) check_field(inner, size);
}

void check_value(const json& value, size_t size) {
  if (!value.is_structured()) return;
  for (const json& inner : value) {
    PGSS_FUZZ_CHECK(inner.is_object() && (value.is_object() || is_text(inner, "name")));
    check_field(inner, size);
  }
}

void check_decoded(const json& object, size_t size) {
  PGSS_FUZZ_CHECK(object.size() == 5 && is_text(object, "kind"));
  PGSS_FUZZ_CHECK(is_number(object, "length") && object["length"] == size);
  PGSS_FUZZ_CHECK(object["token"].is_object());
  for (const json& field : object["token"]) check_field(field, size);
  PGSS_FUZZ_CHECK(object["notes"].is_array());
  for (const json& note : object["notes"]) PGSS_FUZZ_CHECK(note.is_string());
}

void check_refusal(const json& object, size_t size) {
  PGSS_FUZZ_CHECK(object.size() == 2 && object["error"].is_object());
  const json& error = object["error"];
  PGSS_FUZZ_CHECK(error.size() == 4 && is_text(error, "code") && is_text(error, "message"));
  PGSS_FUZZ_CHECK(is_text(error, "where") && !error["where"].get<std::string>().empty());
  PGSS_FUZZ_CHECK(is_number(error, "offset") && error["offset"].get<size_t>() <= size);
}

// --- the command ---

struct Run {
  int code;
  std::string out, err;
};

Run run(std::string_view kind, ByteView token, bool as_json) {
  tools::DecodeOptions options;
  options.json = as_json;
  options.format = tools::InputFormat::kRaw;
  options.kind = kind;
  std::istringstream in{std::string(as_text(token))};
  std::ostringstream out, err;
  const int code = tools::run_decode(options, in, out, err);
  return {code, out.str(), err.str()};
}

constexpr int kDecoded = 0, kRefused = 65;

// Nothing that moves a cursor: a peer wrote what is shown.
bool fit_for_a_terminal(const std::string& text) {
  for (size_t i = 0; i < text.size(); ++i) {
    const auto octet = static_cast<uint8_t>(text[i]);
    if ((octet < 0x20 && octet != '\n') || octet == 0x7f) return false;
    // U+0080 to U+009F, which some terminals take for ESC and a letter.
    if (octet == 0xc2 && i + 1 < text.size() && static_cast<uint8_t>(text[i + 1]) < 0xa0)
      return false;
  }
  return true;
}

// The output is linear in the input: so many octets for each, and for what is there once. The most
// that was measured is 84 for each: a PAC can have 32 buffers of the same octets, and an octet is
// shown in hex at each of 16 levels. Of UTF-16 it would be 128.
constexpr size_t kMostPerOctet = 192, kMostOnce = 16384;

}  // namespace

void check_decode(ByteView input) {
  if (input.empty()) return;
  const size_t number = input[0] % (tools::kTokenKinds.size() + 1);
  const std::string_view asked = number == 0 ? "" : tools::kTokenKinds[number - 1];
  const ByteView token = input.from(1);

  const Run as_json = run(asked, token, true);
  PGSS_FUZZ_CHECK(as_json.err.empty());
  PGSS_FUZZ_CHECK(as_json.out.size() <= kMostPerOctet * token.size() + kMostOnce);
  PGSS_FUZZ_CHECK(as_json.out.find('\n') == as_json.out.size() - 1);
  const json object = json::parse(as_json.out, nullptr, false);
  PGSS_FUZZ_CHECK(object.is_object() && object.contains("ok") && object["ok"].is_boolean());
  const bool decoded = object["ok"].get<bool>();
  PGSS_FUZZ_CHECK(as_json.code == (decoded ? kDecoded : kRefused));
  if (decoded) {
    check_decoded(object, token.size());
    const std::string kind = object["kind"].get<std::string>();
    PGSS_FUZZ_CHECK(asked.empty() || asked == kind);
    check_agreement(kind, token, true);
  } else {
    check_refusal(object, token.size());
    check_refused(asked, token);
  }

  const Run as_text = run(asked, token, false);
  PGSS_FUZZ_CHECK(as_text.code == as_json.code);
  PGSS_FUZZ_CHECK(as_text.out.empty() != decoded && as_text.err.empty() == decoded);
  PGSS_FUZZ_CHECK(fit_for_a_terminal(as_text.out) && fit_for_a_terminal(as_text.err));
  PGSS_FUZZ_CHECK(as_text.out.size() <= kMostPerOctet * token.size() + kMostOnce);
}

}  // namespace pocketgss::fuzz
