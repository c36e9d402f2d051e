// The tokens of RFC 4178 and [MS-SPNG] as trees.
#include "tools/decode/spnego.h"

#include <array>

#include "asn1/reader.h"
#include "mechs/oids.h"
#include "mechs/spnego/token.h"
#include "tools/decode/decrypt.h"
#include "tools/decode/krb5_tokens.h"

namespace pocketgss::tools {
namespace {

using asn1::Reader;
using mechs::spnego::AnyToken;
using mechs::spnego::NegTokenInit;
using mechs::spnego::NegTokenInit2;
using mechs::spnego::NegTokenResp;

struct OidName {
  std::string_view dotted;
  const char* name;
};

constexpr std::array kOidNames = {
    OidName{"1.3.6.1.5.5.2", "SPNEGO"},
    OidName{"1.3.6.1.4.1.311.2.2.10", "NTLM"},
    OidName{"1.2.840.113554.1.2.2", "Kerberos V5"},
    OidName{"1.2.840.48018.1.2.2", "Kerberos V5, as Microsoft first encoded it"},
    OidName{"1.2.840.113554.1.2.2.3", "Kerberos V5 user-to-user"},
    OidName{"1.3.6.1.4.1.311.2.2.30", "NEGOEX"},
    OidName{"1.3.6.1.5.2.5", "IAKERB"},
};

Field oid_field(const char* name, uint32_t offset, size_t length, asn1::Oid oid) {
  const std::string text = asn1::dotted(oid);
  for (const OidName& known : kOidNames) {
    if (known.dotted == text) return make_field(name, offset, length, text, known.name);
  }
  return make_field(name, offset, length, text);
}

// TokenFields walks the fields of one token that its parser has accepted. A read that fails here
// would be a disagreement with the parser: the field is then left out.
class TokenFields {
 public:
  TokenFields(ByteView token, const DecodeContext& at) : token_(token), at_(at) {}

  void frame() {
    Reader outer(token_);
    auto contents = outer.enter(asn1::application(0), "InitialContextToken");
    if (!contents.has_value()) return;
    Reader inside = contents.value();
    const uint32_t start = inside.offset();
    const auto oid = inside.oid("thisMech");
    if (oid.has_value())
      out_.push_back(oid_field("thisMech", at_.base + start, inside.offset() - start, oid.value()));
  }

  void mech_types() {
    const auto field = find(0);
    if (!field) return;
    Reader explicit_tag(field->contents, field->contents_offset);
    auto sequence = explicit_tag.enter(asn1::kSequence, "mechTypes");
    if (!sequence.has_value()) return;
    Items list;
    Reader types = sequence.value();
    while (!types.at_end()) {
      const uint32_t start = types.offset();
      const auto oid = types.oid("MechType");
      if (!oid.has_value()) return;
      list.items.push_back(
          oid_field("MechType", at_.base + start, types.offset() - start, oid.value()));
    }
    add(*field, "mechTypes", std::move(list));
  }

  void req_flags() {
    if (const auto field = find(1)) add(*field, "reqFlags", inner(*field).to_bytes());
  }

  void token(uint8_t number, const char* name) {
    const auto field = find(number);
    if (!field) return;
    const ByteView octets = inner(*field);
    nested(*field, octets, add(*field, name, octets.to_bytes()));
  }

  // A MIC of NTLM has nothing in it that would tell it.
  void mech_list_mic(uint8_t number) {
    const auto field = find(number);
    if (!field) return;
    const ByteView octets = inner(*field);
    Field& added = add(*field, "mechListMIC", octets.to_bytes());
    added.sensitive = true;
    if (message_token_kind(octets) == "krb5.MIC") nested(*field, octets, added);
  }

  void neg_hints(const mechs::spnego::NegHints& hints) {
    const auto field = find(3);
    if (!field) return;
    Children children;
    Reader explicit_tag(field->contents, field->contents_offset);
    auto sequence = explicit_tag.enter(asn1::kSequence, "negHints");
    if (!sequence.has_value()) return;
    Reader elements = sequence.value();
    while (!elements.at_end()) {
      const auto element = elements.any("negHints");
      if (!element.has_value()) return;
      const bool is_name = element.value().tag == asn1::context(0);
      const Value value = is_name ? Value(std::string(hints.hint_name.value_or("")))
                                  : Value(inner(element.value()).to_bytes());
      children.push_back(make_field(is_name ? "hintName" : "hintAddress",
                                    at_.base + element.value().offset, element.value().whole.size(),
                                    value));
    }
    add(*field, "negHints", std::move(children));
  }

  void neg_state(mechs::spnego::NegState state) {
    const auto field = find(0);
    if (field)
      add(*field, "negState", static_cast<uint64_t>(state)).meaning = mechs::spnego::name(state);
  }

  void supported_mech(asn1::Oid oid) {
    if (const auto field = find(1)) {
      out_.push_back(
          oid_field("supportedMech", at_.base + field->offset, field->whole.size(), oid));
    }
  }

  Children take() { return std::move(out_); }

 private:
  std::optional<Reader::Element> find(uint8_t number) const {
    return mechs::spnego::find_field(token_, number);
  }

  // inner is the contents of the element inside an explicit tag.
  static ByteView inner(const Reader::Element& field) {
    Reader explicit_tag(field.contents, field.contents_offset);
    const auto element = explicit_tag.any("element");
    return element.has_value() ? element.value().contents : ByteView();
  }

  void nested(const Reader::Element& field, ByteView octets, Field& added) {
    const auto start = static_cast<uint32_t>(field.whole.size() - octets.size());
    const DecodeContext inside = at_.at(at_.base + field.offset + start);
    if (const auto why = decode_nested(octets, added, inside))
      at_.note(added.name + " is not decoded: " + *why);
  }

  Field& add(const Reader::Element& field, const char* name, Value value) {
    out_.push_back(make_field(name, at_.base + field.offset, field.whole.size(), std::move(value)));
    return out_.back();
  }

  ByteView token_;
  const DecodeContext& at_;
  Children out_;
};

Children tree(const NegTokenInit&, TokenFields& fields) {
  fields.mech_types();
  fields.req_flags();
  fields.token(2, "mechToken");
  fields.mech_list_mic(3);
  return fields.take();
}

Children tree(const NegTokenInit2& token, TokenFields& fields) {
  fields.mech_types();
  fields.req_flags();
  fields.token(2, "mechToken");
  if (token.neg_hints) fields.neg_hints(*token.neg_hints);
  fields.mech_list_mic(4);
  return fields.take();
}

Children tree(const NegTokenResp& token, TokenFields& fields) {
  if (token.neg_state) fields.neg_state(*token.neg_state);
  if (token.supported_mech) fields.supported_mech(*token.supported_mech);
  fields.token(2, "responseToken");
  fields.mech_list_mic(3);
  return fields.take();
}

// as_init2 reads what could be either kind as the one that was asked for: without [3] they look
// alike.
std::optional<NegTokenInit2> as_init2(const NegTokenInit& token) {
  if (token.mech_list_mic) return std::nullopt;
  return NegTokenInit2{token, std::nullopt};
}

template <typename Wanted>
Result<Children> decode_as(ByteView token, const DecodeContext& at, const char* wanted) {
  PGSS_TRY(AnyToken any, mechs::spnego::parse_any_token(token));
  if constexpr (std::is_same_v<Wanted, NegTokenInit2>) {
    if (const auto* init = std::get_if<NegTokenInit>(&any.token)) {
      if (const auto init2 = as_init2(*init)) any.token = *init2;
    }
  }
  const auto* found = std::get_if<Wanted>(&any.token);
  if (found == nullptr) return Error{Errc::kMalformed, wanted, 0, 0};
  if constexpr (std::is_same_v<Wanted, NegTokenInit>) {
    if (at.decryptor != nullptr) at.decryptor->saw(found->mech_types);
  }
  TokenFields fields(token, at);
  if (any.framed) fields.frame();
  return tree(*found, fields);
}

}  // namespace

Result<Children> decode_neg_token_init(ByteView token, const DecodeContext& at) {
  return decode_as<NegTokenInit>(token, at, "NegTokenInit");
}

Result<Children> decode_neg_token_init2(ByteView token, const DecodeContext& at) {
  return decode_as<NegTokenInit2>(token, at, "NegTokenInit2");
}

Result<Children> decode_neg_token_resp(ByteView token, const DecodeContext& at) {
  return decode_as<NegTokenResp>(token, at, "NegTokenResp");
}

Result<std::string_view> spnego_kind(ByteView token) {
  constexpr std::array kStarts = {asn1::application(0), asn1::context(0), asn1::context(1)};
  const bool known =
      !token.empty() && (token[0] == kStarts[0].octet || token[0] == kStarts[1].octet ||
                         token[0] == kStarts[2].octet);
  if (!known) return Error{Errc::kMalformed, "token kind", 0, 0};
  PGSS_TRY(const AnyToken any, mechs::spnego::parse_any_token(token));
  constexpr std::array<std::string_view, 3> kNames = {"spnego.NegTokenInit", "spnego.NegTokenInit2",
                                                      "spnego.NegTokenResp"};
  return kNames[any.token.index()];
}

}  // namespace pocketgss::tools
