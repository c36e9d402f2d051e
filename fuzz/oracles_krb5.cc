// Round trips of the Kerberos messages, and the bounds of a PAC.
#include "fuzz/oracles_krb5.h"

#include <string_view>
#include <vector>

#include "base/cursor.h"
#include "fuzz/check.h"
#include "mechs/krb5/codec.h"
#include "mechs/krb5/gss_token.h"
#include "mechs/krb5/pac.h"

namespace pocketgss::fuzz {
namespace {

using namespace mechs::krb5;  // NOLINT: a test's own file

void check_inside(ByteView view, ByteView whole) {
  if (view.empty()) return;
  PGSS_FUZZ_CHECK(view.data() >= whole.data());
  PGSS_FUZZ_CHECK(view.data() + view.size() <= whole.data() + whole.size());
}

void check_refusal(const Error& error, ByteView whole) {
  PGSS_FUZZ_CHECK(error.code == Errc::kMalformed);
  PGSS_FUZZ_CHECK(error.offset <= whole.size());
  PGSS_FUZZ_CHECK(std::string_view(error.where) != "");
}

// check_views walks over a struct as its table has it.
void check_views(const Table& table, const void* object, ByteView whole);

void check_view(const Row& row, const void* member, ByteView whole) {
  switch (row.kind) {
    case Kind::kOctetString:
      return check_inside(*static_cast<const ByteView*>(member), whole);
    case Kind::kKerberosString:
      return check_inside(as_bytes(*static_cast<const KerberosString*>(member)), whole);
    case Kind::kKerberosFlags:
      return check_inside(static_cast<const KerberosFlags*>(member)->beyond, whole);
    case Kind::kMicroseconds:
      PGSS_FUZZ_CHECK(*static_cast<const Microseconds*>(member) <= kMaxMicroseconds);
      return;
    case Kind::kSequenceOf: {
      const auto* list = static_cast<const SequenceBase*>(member);
      PGSS_FUZZ_CHECK(list->items == nullptr && list->size <= kMaxElements);
      return check_inside(list->der, whole);
    }
    case Kind::kStruct:
      return check_views(*row.inner, member, whole);
    default:
      return;
  }
}

void check_views(const Table& table, const void* object, ByteView whole) {
  for (size_t i = 0; i < table.row_count; ++i) {
    const Row& row = table.rows[i];
    const void* member = static_cast<const uint8_t*>(object) + row.offset;
    if (row.optional != nullptr) member = row.optional->get(member);
    if (member != nullptr) check_view(row, member, whole);
  }
}

// A list out of an array is written as the list that was read.
template <typename T>
void check_list(const SequenceOf<T>& list) {
  std::vector<T> elements;
  for (const T& element : list) elements.push_back(element);
  PGSS_FUZZ_CHECK(elements.size() == list.size());
  const SequenceOf<T> array{std::span<const T>(elements)};
  PGSS_FUZZ_CHECK(array == list);
  PGSS_FUZZ_CHECK(encode_new(array, 0).value() == encode_new(list, 0).value());
}
template <typename T>
void check_list(const std::optional<SequenceOf<T>>& list) {
  if (list) check_list(*list);
}

// forget_der makes a writer look at the fields.
template <typename T>
void forget_der(T&) {}
void forget_der(Ticket& ticket) {
  ticket.der = {};
}
void forget_der(KdcReqBody& body) {
  body.der = {};
}
void forget_der(KdcReq& req) {
  forget_der(req.req_body);
}
void forget_der(KdcRep& rep) {
  forget_der(rep.ticket);
}
void forget_der(ApReq& req) {
  forget_der(req.ticket);
}

template <typename T>
void prepare(T&, ByteView, MessageType) {}
void prepare(KdcReq& out, ByteView, MessageType type) {
  out.msg_type = type;
}
void prepare(KdcRep& out, ByteView, MessageType type) {
  out.msg_type = type;
}
void prepare(EncKdcRepPart& out, ByteView der, MessageType) {
  const bool as = !der.empty() && der[0] == asn1::application(25).octet;
  out.of = as ? MessageType::kAsRep : MessageType::kTgsRep;
}

template <typename T>
void check_value(const T& value, ByteView input) {
  constexpr Row kRow = row_of<T>("");
  check_view(kRow, &value, input);
}

// check_type is the round trip of one type. It returns what was read, if anything was.
template <typename T>
std::optional<T> check_type(ByteView input, const Result<T>& parsed,
                            MessageType type = MessageType::kAsReq) {
  T value{};
  prepare(value, input, type);
  bool skipped = false;
  const auto result = read(input, row_of<T>("input"), &value, &skipped);
  PGSS_FUZZ_CHECK(result.has_value() == parsed.has_value());
  if (!parsed.has_value()) {
    check_refusal(parsed.error(), input);
    PGSS_FUZZ_CHECK(parsed.error().offset == result.error().offset);
    return std::nullopt;
  }
  check_value(value, input);
  const T as_read = value;
  forget_der(value);
  const Bytes written = encode_new(value, 0).value();
  if (!skipped) {
    PGSS_FUZZ_CHECK(ByteView(written) == input);
  } else {
    T again{};
    prepare(again, written, type);
    PGSS_FUZZ_CHECK(written.size() <= input.size());
    PGSS_FUZZ_CHECK(read(written, row_of<T>("input"), &again).has_value());
  }
  // Into memory of exactly that size, and into less.
  Bytes memory(written.size());
  PGSS_FUZZ_CHECK(encode_in_place(value, memory).value() == written.size() && memory == written);
  memory.resize(written.size() - 1);
  PGSS_FUZZ_CHECK(encode_in_place(value, memory).error().code == Errc::kApiMisuse);
  return as_read;
}

// Times are read back out of their ISO form by nobody, so only: it has one.
void check_time(KerberosTime time) {
  PGSS_FUZZ_CHECK(asn1::iso_text(time).size() == 20);
}

void check_enc_kdc_rep_part(ByteView input) {
  const auto part = check_type(input, parse_enc_kdc_rep_part(input));
  if (!part) return;
  check_list(part->last_req);
  check_list(part->caddr);
  check_list(part->encrypted_pa_data);
  check_list(part->sname.name_string);
  check_time(part->endtime);
}

void check_rep(ByteView input, const Result<KdcRep>& parsed, MessageType type) {
  const auto rep = check_type(input, parsed, type);
  if (!rep) return;
  check_inside(rep->ticket.der, input);
  PGSS_FUZZ_CHECK(parse_ticket(rep->ticket.der).value() == rep->ticket);
  PGSS_FUZZ_CHECK(message_type(input) == type);
  check_list(rep->padata);
}

void check_req(ByteView input, const Result<KdcReq>& parsed, MessageType type) {
  const auto req = check_type(input, parsed, type);
  if (!req) return;
  check_inside(req->req_body.der, input);
  PGSS_FUZZ_CHECK(parse_kdc_req_body(req->req_body.der).value() == req->req_body);
  check_list(req->padata);
  check_list(req->req_body.etype);
  if (req->req_body.additional_tickets) {
    for (const Ticket& ticket : *req->req_body.additional_tickets) check_inside(ticket.der, input);
  }
}

void check_authorization_data(const AuthorizationData& data, ByteView input) {
  check_list(data);
  const auto pac = find_pac(data);
  if (pac.has_value() && pac.value()) check_inside(*pac.value(), input);
  const auto options = kerb_ap_options(data);
  PGSS_FUZZ_CHECK(!options || find_if_relevant(data, 143)->size() == 4);
}

}  // namespace

void check_krb_kdc_req(ByteView input) {
  check_req(input, parse_as_req(input), MessageType::kAsReq);
  check_req(input, parse_tgs_req(input), MessageType::kTgsReq);
  check_type(input, parse_kdc_req_body(input));
  if (const auto cred = check_type(input, parse_krb_cred(input))) {
    for (const Ticket& ticket : cred->tickets) check_inside(ticket.der, input);
  }
  if (const auto part = check_type(input, parse_enc_krb_cred_part(input))) {
    for (const KrbCredInfo& info : part->ticket_info) check_value(info, input);
  }
}

void check_krb_as_rep(ByteView input) {
  check_rep(input, parse_as_rep(input), MessageType::kAsRep);
  check_enc_kdc_rep_part(input);
}

void check_krb_tgs_rep(ByteView input) {
  check_rep(input, parse_tgs_rep(input), MessageType::kTgsRep);
  check_enc_kdc_rep_part(input);
}

void check_krb_error_padata(ByteView input) {
  const auto error = check_type(input, parse_krb_error(input));
  const ByteView e_data = error ? error->e_data.value_or(ByteView()) : input;
  const EData data = parse_e_data(e_data);
  PGSS_FUZZ_CHECK(data.method_data.has_value() + data.typed_data.has_value() +
                      data.kerb_error_data.has_value() <=
                  1);
  PGSS_FUZZ_CHECK(!data.ext_error || data.kerb_error_data);
  if (const auto list = check_type(e_data, parse_method_data(e_data))) {
    check_list(*list);
    for (const PaData& entry : *list) {
      check_inside(entry.padata_value, input);
      PGSS_FUZZ_CHECK(find(*list, entry.padata_type).has_value());
    }
  }
  if (const auto list = check_type(e_data, parse_typed_data(e_data))) check_list(*list);
  if (const auto list = check_type(e_data, parse_etype_info(e_data))) check_list(*list);
  if (const auto list = check_type(e_data, parse_etype_info2(e_data))) check_list(*list);
  check_type(e_data, parse_kerb_error_data(e_data));
  check_type(e_data, parse_encrypted_data(e_data));
  check_type(e_data, parse_pa_enc_ts_enc(e_data));
  check_type(e_data, parse_pa_pac_request(e_data));
  check_type(e_data, parse_pa_pac_options(e_data));
}

void check_krb_ap_req(ByteView input) {
  if (const auto req = check_type(input, parse_ap_req(input))) {
    PGSS_FUZZ_CHECK(parse_ticket(req->ticket.der).value() == req->ticket);
  }
  if (const auto ticket = check_type(input, parse_ticket(input))) {
    PGSS_FUZZ_CHECK(ticket->der == input);
    PGSS_FUZZ_CHECK(same_name(ticket->sname, ticket->sname));
  }
  if (const auto part = check_type(input, parse_enc_ticket_part(input))) {
    check_list(part->caddr);
    if (part->authorization_data) check_authorization_data(*part->authorization_data, input);
  }
  if (const auto authenticator = check_type(input, parse_authenticator(input))) {
    if (authenticator->authorization_data) {
      check_authorization_data(*authenticator->authorization_data, input);
    }
    check_time(authenticator->ctime);
  }
  check_type(input, parse_checksum(input));
  if (const auto sum = parse_gss_checksum(input); sum.has_value()) {
    // RFC 4121 4.1.1: the length of Bnd, Bnd, Flags.
    PGSS_FUZZ_CHECK(input.size() >= 24 && load_u32le(input.data()) == 16);
    PGSS_FUZZ_CHECK(ByteView(sum.value().bindings) == input.sub(4, 16));
    PGSS_FUZZ_CHECK(sum.value().flags == load_u32le(input.data() + 20));
  }
}

void check_krb_ap_rep(ByteView input) {
  check_type(input, parse_ap_rep(input));
  check_type(input, parse_enc_ap_rep_part(input));
}

void check_pac(ByteView input) {
  if (const auto data = check_type(input, parse_authorization_data(input))) {
    check_authorization_data(*data, input);
  }
  const auto pac = Pac::parse(input);
  if (!pac.has_value()) return check_refusal(pac.error(), input);
  PGSS_FUZZ_CHECK(pac.value().size() <= kMaxPacBuffers);
  for (size_t i = 0; i < pac.value().size(); ++i) {
    const PacBuffer buffer = pac.value()[i];
    check_inside(buffer.data, input);
    PGSS_FUZZ_CHECK(buffer.data.data() == input.data() + buffer.offset);
    const auto found = pac.value().find(static_cast<PacBufferType>(buffer.type));
    PGSS_FUZZ_CHECK(!found || *found == buffer);
    const auto check_part = [&](const auto& result, auto&& check) {
      if (result.has_value()) return check(result.value());
      check_refusal(result.error(), input);
      PGSS_FUZZ_CHECK(result.error().offset >= buffer.offset);
    };
    check_part(parse_pac_signature(buffer), [&](const PacSignature& signature) {
      check_inside(signature.signature, buffer.data);
      PGSS_FUZZ_CHECK(signature.signature.data() == input.data() + signature.signature_offset);
    });
    check_part(parse_pac_client_info(buffer),
               [&](const PacClientInfo& info) { check_inside(info.name, buffer.data); });
    check_part(parse_upn_dns_info(buffer), [&](const UpnDnsInfo& info) {
      for (const ByteView part : {info.upn, info.dns_domain_name, info.sam_name, info.sid}) {
        check_inside(part, buffer.data);
      }
    });
    check_part(parse_logon_info(buffer), [&](const LogonInfo& info) {
      check_inside(info.effective_name, buffer.data);
      check_inside(info.logon_domain_name, buffer.data);
    });
  }
}

}  // namespace pocketgss::fuzz
