// Walks over a Kerberos message as the library's tables have it, once its parser has taken it.
#include "tools/decode/krb5.h"

#include <algorithm>

#include "base/utf16.h"
#include "mechs/gss_token.h"
#include "mechs/krb5/codec.h"
#include "mechs/krb5/pac.h"
#include "mechs/oids.h"
#include "tools/decode/decrypt.h"
#include "tools/decode/krb5_names.h"
#include "tools/decode/krb5_tokens.h"
#include "tools/decode/ntlm_names.h"

namespace pocketgss::tools {
namespace {

using asn1::Reader;
using namespace mechs::krb5;  // NOLINT: this file is about nothing else

std::string_view last_part(std::string_view name) {
  const size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? name : name.substr(dot + 1);
}

// decode_inside shows octets that hold a message of that kind, if they do. `at` is where they stand.
void decode_inside(std::string_view kind, ByteView octets, Field& field, const DecodeContext& at) {
  const auto inside = at.deeper();
  if (!inside) return at.note(field.name + " is not decoded: " + too_deep());
  auto children = decode_krb5(kind, octets, *inside);
  if (!children.has_value())
    return at.note(field.name + " is not decoded: " + describe(children.error()));
  field.kind = kind;
  field.token = std::move(children).value();
}

std::string_view kind_of_padata(int64_t type) {
  switch (type) {
    case padata_type::kTgsReq:
      return "krb5.AP-REQ";
    case padata_type::kEncTimestamp:
      return "krb5.EncryptedData";
    case padata_type::kEtypeInfo:
      return "krb5.ETYPE-INFO";
    case padata_type::kEtypeInfo2:
      return "krb5.ETYPE-INFO2";
    case padata_type::kPacRequest:
      return "krb5.KERB-PA-PAC-REQUEST";
    case padata_type::kPacOptions:
      return "krb5.PA-PAC-OPTIONS";
    default:
      return "";
  }
}

std::string_view kind_of_authorization_data(int64_t type) {
  if (type == ad_type::kIfRelevant) return "krb5.AuthorizationData";
  if (type == ad_type::kWin2kPac) return "krb5.PAC";
  return "";
}

// By its form, as parse_e_data does it.
std::string_view kind_of_e_data(ByteView octets) {
  const EData data = parse_e_data(octets);
  if (data.method_data) return "krb5.METHOD-DATA";
  if (data.typed_data) return "krb5.TYPED-DATA";
  if (data.kerb_error_data) return "krb5.KERB-ERROR-DATA";
  return "";
}

// Walker makes fields of DER that has been checked: a read that fails here would be a disagreement
// with the parser, and what it was about is left out.
class Walker {
 public:
  explicit Walker(const DecodeContext& at) : at_(at) {}

  // value fills in `field` from the element that `in` is at.
  void value(Reader& in, const Row& row, Kind kind, Field& field) {
    switch (kind) {
      case Kind::kStruct:
        return structure(in, *row.inner, field);
      case Kind::kSequenceOf:
        return list(in, row, field);
      case Kind::kKerberosFlags:
        return flags(in, row, field);
      case Kind::kKerberosTime: {
        const auto time = asn1::kerberos_time(in, row.name);
        if (time.has_value()) field.value = asn1::iso_text(time.value());
        return;
      }
      case Kind::kOctetString: {
        const auto octets = in.octet_string(row.name);
        field.sensitive = std::string_view(row.name) == "EncryptionKey.keyvalue";
        if (octets.has_value()) field.value = octets.value().to_bytes();
        if (field.sensitive && at_.decrypted && !at_.show_keys)
          field.value = std::string("<secret>");
        return;
      }
      case Kind::kKerberosString: {
        const auto text = in.general_string(row.name);
        if (text.has_value()) field.value = std::string(text.value());
        return;
      }
      case Kind::kBoolean: {
        const auto flag = in.boolean(row.name);
        if (flag.has_value()) field.value = static_cast<uint64_t>(flag.value());
        field.meaning = flag.has_value() && flag.value() ? "true" : "false";
        return;
      }
      default: {
        const auto number = in.integer_in(INT32_MIN, UINT32_MAX, row.name);
        if (!number.has_value()) return;
        field.value = number.value();
        field.meaning = krb5_number_name(row.name, number.value());
        return;
      }
    }
  }

  Children fields(Reader in, const Table& table) {
    Children out;
    while (!in.at_end()) {
      const auto element = in.any(table.name);
      if (!element.has_value()) break;
      out.push_back(field(element.value(), table));
    }
    look_inside(table, out);
    return out;
  }

  // body goes through the tags around the fields of a struct.
  static std::optional<Reader> body(Reader& in, const Table& table) {
    auto element = in.any(table.name);
    if (!element.has_value()) return std::nullopt;
    if (element.value().tag != asn1::kSequence) {
      Reader tagged(element.value().contents, element.value().contents_offset);
      element = tagged.any(table.name);
      if (!element.has_value()) return std::nullopt;
    }
    return Reader(element.value().contents, element.value().contents_offset);
  }

 private:
  Field field(const Reader::Element& element, const Table& table) {
    const auto number = static_cast<uint8_t>(element.tag.octet & 0x1f);
    Field out = make_field("[" + std::to_string(number) + "]", at_.base + element.offset,
                           element.whole.size(), {});
    const Row* row = std::find_if(table.rows, table.rows + table.row_count,
                                  [&](const Row& r) { return r.number == number; });
    if (row == table.rows + table.row_count) {
      out.value = element.contents.to_bytes();
      out.meaning = "a field that we do not know";
      return out;
    }
    out.name = last_part(row->name);
    Reader inner(element.contents, element.contents_offset);
    value(inner, *row, row->kind, out);
    if (std::holds_alternative<std::monostate>(out.value)) out.value = element.contents.to_bytes();
    return out;
  }

  void structure(Reader& in, const Table& table, Field& field) {
    const auto inside = body(in, table);
    if (!inside) return;
    Children children = fields(*inside, table);
    if (&table == table_of<PrincipalName>) field.summary = name_text(children);
    field.value = std::move(children);
  }

  void list(Reader& in, const Row& row, Field& field) {
    Items items;
    const auto sequence = in.enter(asn1::kSequence, row.name);
    if (!sequence.has_value()) return;
    Reader elements = sequence.value();
    while (!elements.at_end()) {
      const uint32_t start = elements.offset();
      const std::string_view name = row.inner != nullptr ? row.inner->name : last_part(row.name);
      Field item = make_field(std::string(name), at_.base + start, 0, {});
      value(elements, row, row.element, item);
      if (elements.offset() == start) return;
      item.length = elements.offset() - start;
      items.items.push_back(std::move(item));
    }
    field.value = std::move(items);
  }

  void flags(Reader& in, const Row& row, Field& field) {
    const auto bits = in.bit_string(row.name);
    if (!bits.has_value()) return;
    uint32_t value = 0;
    const ByteView octets = bits.value().octets;
    for (size_t i = 0; i < 4; ++i) value = value << 8 | (i < octets.size() ? octets[i] : 0);
    field.value = uint64_t{value};
    field.names = krb5_flag_names(row.name, value);
    const size_t count = 8 * octets.size() - bits.value().unused_bits;
    if (count != 32) field.meaning = std::to_string(count) + " bits";
  }

  // name_text is "smtp/mail.example.org", with the type behind it.
  static std::string name_text(const Children& children) {
    std::string text, type;
    for (const Field& child : children) {
      if (child.name == "name-type") type = child.meaning;
      const auto* components = std::get_if<Items>(&child.value);
      if (components == nullptr) continue;
      for (const Field& component : components->items) {
        const auto* part = std::get_if<std::string>(&component.value);
        if (part != nullptr) text += (text.empty() ? "" : "/") + *part;
      }
    }
    return type.empty() ? text : text + " (" + type + ")";
  }

  // look_inside decodes the octets of a struct that say by another field what they hold.
  void look_inside(const Table& table, Children& children) {
    if (&table == table_of<PaData>) return look_at(children, kind_of_padata);
    if (&table == table_of<AuthorizationDataEntry>) {
      return look_at(children, kind_of_authorization_data);
    }
    if (&table == table_of<KrbError>) {
      Field& last = children.back();
      const auto* octets = std::get_if<Bytes>(&last.value);
      if (last.name == "e-data" && octets != nullptr) look(last, kind_of_e_data(*octets));
    }
    if (&table == table_of<KerbErrorData>) ext_error(children);
    if (&table == table_of<EncryptedData>) decrypt(children);
  }

  // The first field is the type, the second the octets.
  template <typename KindOf>
  void look_at(Children& children, const KindOf& kind_of) {
    if (children.size() != 2) return;
    const auto* type = std::get_if<int64_t>(&children[0].value);
    if (type != nullptr) look(children[1], kind_of(*type));
  }

  void look(Field& field, std::string_view kind) {
    const auto* octets = std::get_if<Bytes>(&field.value);
    if (kind.empty() || octets == nullptr || octets->empty()) return;
    decode_inside(kind, *octets, field, inside(field, octets->size()));
  }

  // Where the octets of a field begin: they end where it does.
  DecodeContext inside(const Field& field, size_t size) const {
    return at_.at(field.offset + field.length - static_cast<uint32_t>(size));
  }

  // decrypt shows what is in a part that one of the keys opens. Places inside count from the start
  // of its plaintext.
  void decrypt(Children& children) const {
    if (at_.decryptor == nullptr || children.empty()) return;
    const auto* etype = std::get_if<int64_t>(&children.front().value);
    Field& cipher = children.back();
    const auto* octets = std::get_if<Bytes>(&cipher.value);
    if (etype == nullptr || octets == nullptr || cipher.name != "cipher") return;
    auto opened = at_.decryptor->open(static_cast<int32_t>(*etype), *octets);
    if (!opened) return;
    DecodeContext inside = at_.at(0);
    inside.decrypted = true;
    decode_inside(opened->kind, opened->plaintext.view(), cipher, inside);
  }

  void ext_error(Children& children) const {
    if (children.size() != 2) return;
    Field& data = children[1];
    const auto* octets = std::get_if<Bytes>(&data.value);
    if (octets == nullptr) return;
    const auto error = parse_kerb_ext_error(*octets);
    if (!error.has_value()) return;
    const uint32_t start = inside(data, octets->size()).base;
    data.kind = "krb5.KERB-EXT-ERROR";
    const uint32_t status = error.value().status;
    data.token = {make_field("status", start, 4, uint64_t{status}, nt_status_name(status)),
                  make_field("reserved", start + 4, 4, uint64_t{error.value().reserved}),
                  make_field("flags", start + 8, 4, uint64_t{error.value().flags})};
  }

  const DecodeContext& at_;
};

// A kind of which the library has a parser: the parser first, for its refusal, then the walk.
template <typename T>
Result<Children> decode_type(ByteView token, const Result<T>& parsed, const char* name,
                             const DecodeContext& at) {
  if (!parsed.has_value()) return parsed.error();
  if constexpr (std::is_same_v<T, KdcReq> || std::is_same_v<T, KdcRep>) {
    if (at.decryptor != nullptr) at.decryptor->learn(parsed.value());
  }
  Reader in(token);
  Walker walker(at);
  constexpr Row kRow = row_of<T>("");
  if (kRow.kind == Kind::kStruct) {
    const auto body = Walker::body(in, *kRow.inner);
    return body ? walker.fields(*body, *kRow.inner) : Children();
  }
  Row row = kRow;
  row.name = name;
  Field list = make_field(name, at.base, token.size(), {});
  walker.value(in, row, row.kind, list);
  return Children{std::move(list)};
}

std::string text_of(ByteView utf16) {
  std::string text;
  if (!utf16le_to_utf8(utf16, "text", text).has_value()) return "(no well-formed UTF-16)";
  return text;
}

// Of UserId in a KERB_VALIDATION_INFO: behind the headers, the pointer, six times, six strings and
// two counts.
constexpr uint32_t kUserIdAt = 16 + 4 + 6 * 8 + 6 * 8 + 4;

// PacFields shows the buffers of a PAC.
class PacFields {
 public:
  PacFields(const Pac& pac, const DecodeContext& at) : pac_(pac), at_(at) {}

  Children make() const {
    Items buffers;
    for (size_t i = 0; i < pac_.size(); ++i) buffers.items.push_back(buffer(pac_[i], i));
    return {make_field("cBuffers", at_.base, 4, uint64_t{pac_.size()}),
            make_field("Version", at_.base + 4, 4, uint64_t{0}),
            make_field("Buffers", at_.base + 8, 16 * pac_.size(), std::move(buffers))};
  }

 private:
  Field buffer(const PacBuffer& buffer, size_t index) const {
    const uint32_t entry = at_.base + 8 + 16 * static_cast<uint32_t>(index);
    Children fields = known(buffer);
    if (fields.empty()) fields.push_back(octets("Data", buffer, buffer.data));
    fields.insert(fields.begin(), make_field("ulType", entry, 4, uint64_t{buffer.type},
                                             pac_buffer_name(buffer.type)));
    return make_field("PAC_INFO_BUFFER", at_.base + buffer.offset, buffer.data.size(),
                      std::move(fields));
  }

  Children known(const PacBuffer& buffer) const {
    switch (static_cast<PacBufferType>(buffer.type)) {
      case PacBufferType::kLogonInfo:
        return checked(parse_logon_info(buffer), buffer, [&](const LogonInfo& info) {
          return Children{text("EffectiveName", buffer, info.effective_name),
                          text("LogonDomainName", buffer, info.logon_domain_name),
                          make_field("UserId", at_.base + buffer.offset + kUserIdAt, 4,
                                     uint64_t{info.user_id})};
        });
      case PacBufferType::kClientInfo:
        return checked(parse_pac_client_info(buffer), buffer, [&](const PacClientInfo& info) {
          return Children{make_field("ClientId", at_.base + buffer.offset, 8, info.client_id,
                                     filetime_text(info.client_id)),
                          text("Name", buffer, info.name)};
        });
      case PacBufferType::kUpnDnsInfo:
        return checked(parse_upn_dns_info(buffer), buffer, [&](const UpnDnsInfo& info) {
          Children out{text("Upn", buffer, info.upn),
                       text("DnsDomainName", buffer, info.dns_domain_name),
                       make_field("Flags", at_.base + buffer.offset + 8, 4, uint64_t{info.flags})};
          if (!info.sam_name.empty()) out.push_back(text("SamName", buffer, info.sam_name));
          if (!info.sid.empty()) out.push_back(octets("Sid", buffer, info.sid));
          return out;
        });
      case PacBufferType::kServerChecksum:
      case PacBufferType::kKdcChecksum:
      case PacBufferType::kTicketChecksum:
      case PacBufferType::kExtendedKdcChecksum:
        return checked(parse_pac_signature(buffer), buffer, [&](const PacSignature& signature) {
          const int64_t type = signature.signature_type;
          return Children{make_field("SignatureType", at_.base + buffer.offset, 4, type,
                                     krb5_number_name("PAC_SIGNATURE_DATA.SignatureType", type)),
                          sensitive(octets("Signature", buffer, signature.signature))};
        });
      default:
        return {};
    }
  }

  template <typename T, typename Make>
  Children checked(const Result<T>& parsed, const PacBuffer& buffer, const Make& make) const {
    if (parsed.has_value()) return make(parsed.value());
    at_.note(pac_buffer_name(buffer.type) + " is not decoded: " + describe(parsed.error()));
    return {};
  }

  uint32_t place(const PacBuffer& buffer, ByteView part) const {
    return at_.base + buffer.offset +
           (part.empty() ? 0 : static_cast<uint32_t>(part.data() - buffer.data.data()));
  }
  Field text(const char* name, const PacBuffer& buffer, ByteView part) const {
    return make_field(name, place(buffer, part), part.size(), text_of(part));
  }
  Field octets(const char* name, const PacBuffer& buffer, ByteView part) const {
    return octets_field(name, place(buffer, part), part);
  }

  const Pac& pac_;
  const DecodeContext& at_;
};

Result<Children> decode_pac(ByteView token, const DecodeContext& at) {
  PGSS_TRY(const Pac pac, Pac::parse(token));
  return PacFields(pac, at).make();
}

using Decoder = Result<Children> (*)(ByteView, const DecodeContext&);

#define PGSS_KRB5_KIND(name, parse) \
  [](ByteView token, const DecodeContext& at) { return decode_type(token, parse(token), name, at); }

// In the order of kKrb5Kinds.
constexpr Decoder kDecoders[] = {
    PGSS_KRB5_KIND("AS-REQ", parse_as_req),
    PGSS_KRB5_KIND("AS-REP", parse_as_rep),
    PGSS_KRB5_KIND("TGS-REQ", parse_tgs_req),
    PGSS_KRB5_KIND("TGS-REP", parse_tgs_rep),
    PGSS_KRB5_KIND("AP-REQ", parse_ap_req),
    PGSS_KRB5_KIND("AP-REP", parse_ap_rep),
    PGSS_KRB5_KIND("KRB-ERROR", parse_krb_error),
    PGSS_KRB5_KIND("KRB-CRED", parse_krb_cred),
    PGSS_KRB5_KIND("Ticket", parse_ticket),
    PGSS_KRB5_KIND("EncTicketPart", parse_enc_ticket_part),
    PGSS_KRB5_KIND("Authenticator", parse_authenticator),
    PGSS_KRB5_KIND("EncKDCRepPart", parse_enc_kdc_rep_part),
    PGSS_KRB5_KIND("EncAPRepPart", parse_enc_ap_rep_part),
    PGSS_KRB5_KIND("EncKrbCredPart", parse_enc_krb_cred_part),
    PGSS_KRB5_KIND("KDC-REQ-BODY", parse_kdc_req_body),
    PGSS_KRB5_KIND("METHOD-DATA", parse_method_data),
    PGSS_KRB5_KIND("TYPED-DATA", parse_typed_data),
    PGSS_KRB5_KIND("ETYPE-INFO", parse_etype_info),
    PGSS_KRB5_KIND("ETYPE-INFO2", parse_etype_info2),
    PGSS_KRB5_KIND("EncryptedData", parse_encrypted_data),
    PGSS_KRB5_KIND("PA-ENC-TS-ENC", parse_pa_enc_ts_enc),
    PGSS_KRB5_KIND("KERB-PA-PAC-REQUEST", parse_pa_pac_request),
    PGSS_KRB5_KIND("PA-PAC-OPTIONS", parse_pa_pac_options),
    PGSS_KRB5_KIND("KERB-ERROR-DATA", parse_kerb_error_data),
    PGSS_KRB5_KIND("AuthorizationData", parse_authorization_data),
    decode_pac,
    decode_wrap,
    decode_mic,
};
static_assert(std::size(kDecoders) == kKrb5Kinds.size());
#undef PGSS_KRB5_KIND

// Frame is the GSS wrapper of a Kerberos token.
struct Frame {
  mechs::InitialContextToken token;
  std::string_view kind;  // by its TOK_ID
};

std::optional<Frame> frame_of(ByteView token) {
  const auto parsed = mechs::parse_initial_context_token(token);
  if (!parsed.has_value()) return std::nullopt;
  const mechs::InitialContextToken& frame = parsed.value();
  const bool kerberos =
      frame.this_mech == mechs::kKerberosOid || frame.this_mech == mechs::kMicrosoftKerberosOid;
  if (!kerberos || frame.inner_token.size() < 2 || frame.inner_token[1] != 0) return std::nullopt;
  switch (frame.inner_token[0]) {  // RFC 4121 4.1
    case 1:
      return Frame{frame, "krb5.AP-REQ"};
    case 2:
      return Frame{frame, "krb5.AP-REP"};
    case 3:
      return Frame{frame, "krb5.KRB-ERROR"};
    default:
      return std::nullopt;
  }
}

// What an application tag that is no message's stands before.
struct TaggedKind {
  uint8_t application;
  std::string_view kind;
};
constexpr TaggedKind kTagged[] = {
    {10, "krb5.AS-REQ"},
    {11, "krb5.AS-REP"},
    {12, "krb5.TGS-REQ"},
    {13, "krb5.TGS-REP"},
    {14, "krb5.AP-REQ"},
    {15, "krb5.AP-REP"},
    {22, "krb5.KRB-CRED"},
    {30, "krb5.KRB-ERROR"},
    {application_tag::kTicket, "krb5.Ticket"},
    {application_tag::kAuthenticator, "krb5.Authenticator"},
    {application_tag::kEncTicketPart, "krb5.EncTicketPart"},
    {application_tag::kEncAsRepPart, "krb5.EncKDCRepPart"},
    {application_tag::kEncTgsRepPart, "krb5.EncKDCRepPart"},
    {application_tag::kEncApRepPart, "krb5.EncAPRepPart"},
    {application_tag::kEncKrbCredPart, "krb5.EncKrbCredPart"},
};

}  // namespace

Result<Children> decode_krb5(std::string_view kind, ByteView token, const DecodeContext& at) {
  const auto found = std::find(kKrb5Kinds.begin(), kKrb5Kinds.end(), kind);
  if (found == kKrb5Kinds.end()) return Error{Errc::kApiMisuse, "kind", 0, 0};
  const Decoder decode = kDecoders[found - kKrb5Kinds.begin()];
  const auto frame = frame_of(token);
  if (!frame || frame->kind != kind) return decode(token, at);

  const uint32_t tok_id = frame->token.inner_token_offset;
  auto message = decode(frame->token.inner_token.from(2), at.at(at.base + tok_id + 2));
  if (!message.has_value()) {
    Error error = message.error();
    error.offset += tok_id + 2;
    return error;
  }
  const auto oid_size = static_cast<uint32_t>(frame->token.this_mech.der.size());
  const bool microsoft = frame->token.this_mech == mechs::kMicrosoftKerberosOid;
  Children out{make_field("thisMech", at.base + tok_id - oid_size - 2, oid_size + 2,
                          asn1::dotted(frame->token.this_mech),
                          microsoft ? "Kerberos V5, as Microsoft first encoded it" : "Kerberos V5"),
               octets_field("TOK_ID", at.base + tok_id, frame->token.inner_token.prefix(2))};
  for (Field& field : message.value()) out.push_back(std::move(field));
  return out;
}

std::optional<std::string_view> krb5_kind(ByteView token) {
  if (token.empty()) return std::nullopt;
  if (const auto kind = message_token_kind(token); !kind.empty()) return kind;
  if (const auto frame = frame_of(token)) return frame->kind;
  for (const TaggedKind& tagged : kTagged) {
    if (token[0] == asn1::application(tagged.application).octet) return tagged.kind;
  }
  if (token[0] == asn1::kSequence.octet) {
    const auto methods = parse_method_data(token);
    if (methods.has_value() && !methods.value().empty()) return "krb5.METHOD-DATA";
  }
  if (token[0] <= kMaxPacBuffers) {
    const auto pac = Pac::parse(token);
    if (pac.has_value() && pac.value().size() != 0) return "krb5.PAC";
  }
  return std::nullopt;
}

}  // namespace pocketgss::tools
