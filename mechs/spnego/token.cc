// Reads and writes NegTokenInit, NegTokenInit2 and NegTokenResp.
#include "mechs/spnego/token.h"

#include "asn1/writer.h"
#include "mechs/gss_token.h"
#include "mechs/oids.h"

namespace pocketgss::mechs::spnego {
namespace {

using asn1::context;
using asn1::kOctetString;
using asn1::kSequence;
using asn1::Reader;
using asn1::Writer;

constexpr asn1::Tag kNegTokenInitTag = context(0);
constexpr asn1::Tag kNegTokenRespTag = context(1);

// The headers of a token's own elements fill at most this many bytes.
constexpr size_t kMaxHeaders = 96;

Error malformed(const char* field, uint32_t offset) {
  return Error{Errc::kMalformed, field, offset, 0};
}

// read_body takes the one element of `in`, which is "[n] SEQUENCE", and returns what is inside.
Result<Reader> read_body(Reader in, asn1::Tag choice, const char* token) {
  PGSS_TRY(Reader chosen, in.enter(choice, token));
  PGSS_CHECK(in.finish(token));
  PGSS_TRY(const Reader body, chosen.enter(kSequence, token));
  PGSS_CHECK(chosen.finish(token));
  return body;
}

// read_frame takes the frame of RFC 2743 3.1 off, which must name SPNEGO.
Result<Reader> read_frame(ByteView token) {
  PGSS_TRY(const InitialContextToken frame, parse_initial_context_token(token));
  if (!(frame.this_mech == kSpnegoOid)) {
    const auto offset = frame.this_mech.der.data() - token.data();
    return malformed("InitialContextToken.thisMech", static_cast<uint32_t>(offset));
  }
  return Reader(frame.inner_token, frame.inner_token_offset);
}

// An explicit tag holds exactly one element; read_optional gives it to `read` if it is there.
template <typename T, typename Read>
Result<void> read_optional(Reader& body, uint8_t number, const char* field, std::optional<T>& out,
                           Read&& read) {
  if (!body.next_is(context(number))) return {};
  PGSS_TRY(Reader tagged, body.enter(context(number), field));
  PGSS_TRY(out, read(tagged, field));
  return tagged.finish(field);
}

Result<void> read_octets(Reader& body, uint8_t number, const char* field,
                         std::optional<ByteView>& out) {
  return read_optional(body, number, field, out,
                       [](Reader& in, const char* name) { return in.octet_string(name); });
}

Result<ReqFlags> read_req_flags(Reader& in, const char* field) {
  PGSS_TRY(const Reader::BitString bits, in.bit_string(field));
  return ReqFlags{bits.octets, bits.unused_bits};
}

Result<MechTypeList> read_mech_types(Reader& in, const char*) {
  return MechTypeList::read(in);
}

// RFC 4178 4.2.2: accept-completed (0), accept-incomplete (1), reject (2), request-mic (3).
Result<NegState> read_neg_state(Reader& in, const char* field) {
  const uint32_t offset = in.offset();
  PGSS_TRY(const uint32_t value, in.enumerated(field));
  if (value > uint32_t{3}) return malformed(field, offset);
  return static_cast<NegState>(value);
}

// [MS-SPNG] 2.2.1:
//   NegHints ::= SEQUENCE {
//       hintName[0] GeneralString OPTIONAL,
//       hintAddress[1] OCTET STRING OPTIONAL }
Result<NegHints> read_neg_hints(Reader& in, const char* field) {
  PGSS_TRY(Reader body, in.enter(kSequence, field));
  NegHints hints;
  PGSS_CHECK(read_optional(body, 0, "NegHints.hintName", hints.hint_name,
                           [](Reader& r, const char* name) { return r.general_string(name); }));
  PGSS_CHECK(read_octets(body, 1, "NegHints.hintAddress", hints.hint_address));
  PGSS_CHECK(body.finish(field));
  return hints;
}

// RFC 4178 4.2.1:
//   NegTokenInit ::= SEQUENCE {
//       mechTypes       [0] MechTypeList,
//       reqFlags        [1] ContextFlags  OPTIONAL,
//       mechToken       [2] OCTET STRING  OPTIONAL,
//       mechListMIC     [3] OCTET STRING  OPTIONAL,
//       ... }
Result<NegTokenInit> read_neg_token_init(Reader body) {
  NegTokenInit out;
  PGSS_TRY(Reader tagged, body.enter(context(0), "NegTokenInit.mechTypes"));
  PGSS_TRY(out.mech_types, MechTypeList::read(tagged));
  PGSS_CHECK(tagged.finish("NegTokenInit.mechTypes"));
  PGSS_CHECK(read_optional(body, 1, "NegTokenInit.reqFlags", out.req_flags, read_req_flags));
  PGSS_CHECK(read_octets(body, 2, "NegTokenInit.mechToken", out.mech_token));
  PGSS_CHECK(read_octets(body, 3, "NegTokenInit.mechListMIC", out.mech_list_mic));
  PGSS_CHECK(body.finish("NegTokenInit"));
  return out;
}

// [MS-SPNG] 2.2.1:
//   NegTokenInit2 ::= SEQUENCE {
//       mechTypes[0] MechTypeList OPTIONAL,
//       reqFlags [1] ContextFlags OPTIONAL,
//       mechToken [2] OCTET STRING OPTIONAL,
//       negHints [3] NegHints OPTIONAL,
//       mechListMIC [4] OCTET STRING OPTIONAL,
//       ... }
Result<NegTokenInit2> read_neg_token_init2(Reader body) {
  NegTokenInit2 out;
  PGSS_CHECK(read_optional(body, 0, "NegTokenInit2.mechTypes", out.mech_types, read_mech_types));
  PGSS_CHECK(read_optional(body, 1, "NegTokenInit2.reqFlags", out.req_flags, read_req_flags));
  PGSS_CHECK(read_octets(body, 2, "NegTokenInit2.mechToken", out.mech_token));
  PGSS_CHECK(read_optional(body, 3, "NegTokenInit2.negHints", out.neg_hints, read_neg_hints));
  PGSS_CHECK(read_octets(body, 4, "NegTokenInit2.mechListMIC", out.mech_list_mic));
  PGSS_CHECK(body.finish("NegTokenInit2"));
  return out;
}

// RFC 4178 4.2.2:
//   NegTokenResp ::= SEQUENCE {
//       negState       [0] ENUMERATED {
//           accept-completed    (0),
//           accept-incomplete   (1),
//           reject              (2),
//           request-mic         (3) } OPTIONAL,
//       supportedMech   [1] MechType      OPTIONAL,
//       responseToken   [2] OCTET STRING  OPTIONAL,
//       mechListMIC     [3] OCTET STRING  OPTIONAL,
//       ... }
Result<NegTokenResp> read_neg_token_resp(Reader body) {
  NegTokenResp out;
  PGSS_CHECK(read_optional(body, 0, "NegTokenResp.negState", out.neg_state, read_neg_state));
  PGSS_CHECK(read_optional(body, 1, "NegTokenResp.supportedMech", out.supported_mech,
                           [](Reader& in, const char* field) { return in.oid(field); }));
  PGSS_CHECK(read_octets(body, 2, "NegTokenResp.responseToken", out.response_token));
  PGSS_CHECK(read_octets(body, 3, "NegTokenResp.mechListMIC", out.mech_list_mic));
  PGSS_CHECK(body.finish("NegTokenResp"));
  return out;
}

// is_neg_token_init2 tells the two apart by what stands in [3]; [4], or no [0], is a sign as well.
Result<bool> is_neg_token_init2(Reader body) {
  if (!body.next_is(context(0))) return true;
  while (!body.at_end()) {
    PGSS_TRY(const Reader::Element field, body.any("NegTokenInit"));
    if (field.tag == context(4)) return true;
    if (field.tag == context(3)) return Reader(field.contents).next_is(kSequence);
  }
  return false;
}

size_t size_of(const std::optional<ByteView>& field) {
  return field ? field->size() : 0;
}

void write_octets(Writer& body, uint8_t number, const std::optional<ByteView>& octets) {
  if (!octets) return;
  body.nest(context(number), [&](Writer& tagged) { tagged.octet_string(*octets); });
}

void write_mech_types(Writer& body, const MechTypeList& list) {
  body.nest(context(0), [&](Writer& tagged) { tagged.raw(list.der()); });
}

void write_req_flags(Writer& body, const std::optional<ReqFlags>& flags) {
  if (!flags) return;
  body.nest(context(1),
            [&](Writer& tagged) { tagged.bit_string(flags->octets, flags->unused_bits); });
}

void write_neg_hints(Writer& body, const std::optional<NegHints>& hints) {
  if (!hints) return;
  body.nest(context(3), [&](Writer& tagged) {
    tagged.nest(kSequence, [&](Writer& fields) {
      if (hints->hint_name) {
        fields.nest(context(0), [&](Writer& name) { name.general_string(*hints->hint_name); });
      }
      write_octets(fields, 1, hints->hint_address);
    });
  });
}

void write_body(Writer& body, const NegTokenInit& token) {
  write_mech_types(body, token.mech_types);
  write_req_flags(body, token.req_flags);
  write_octets(body, 2, token.mech_token);
  write_octets(body, 3, token.mech_list_mic);
}

void write_body(Writer& body, const NegTokenInit2& token) {
  if (token.mech_types) write_mech_types(body, *token.mech_types);
  write_req_flags(body, token.req_flags);
  write_octets(body, 2, token.mech_token);
  write_neg_hints(body, token.neg_hints);
  write_octets(body, 4, token.mech_list_mic);
}

void write_body(Writer& body, const NegTokenResp& token) {
  if (token.neg_state) {
    body.nest(context(0),
              [&](Writer& t) { t.enumerated(static_cast<uint32_t>(*token.neg_state)); });
  }
  if (token.supported_mech) {
    body.nest(context(1), [&](Writer& tagged) { tagged.oid(*token.supported_mech); });
  }
  write_octets(body, 2, token.response_token);
  write_octets(body, 3, token.mech_list_mic);
}

size_t contents_size(const NegTokenInit& token) {
  return token.mech_types.der().size() + (token.req_flags ? token.req_flags->octets.size() : 0) +
         size_of(token.mech_token) + size_of(token.mech_list_mic);
}

size_t contents_size(const NegTokenInit2& token) {
  size_t size = size_of(token.mech_token) + size_of(token.mech_list_mic);
  if (token.mech_types) size += token.mech_types->der().size();
  if (token.req_flags) size += token.req_flags->octets.size();
  if (token.neg_hints) size += size_of(token.neg_hints->hint_address);
  if (token.neg_hints && token.neg_hints->hint_name) size += token.neg_hints->hint_name->size();
  return size;
}

size_t contents_size(const NegTokenResp& token) {
  return (token.supported_mech ? token.supported_mech->der.size() : 0) +
         size_of(token.response_token) + size_of(token.mech_list_mic);
}

constexpr asn1::Tag tag_of(const NegTokenInit&) {
  return kNegTokenInitTag;
}
constexpr asn1::Tag tag_of(const NegTokenInit2&) {
  return kNegTokenInitTag;
}
constexpr asn1::Tag tag_of(const NegTokenResp&) {
  return kNegTokenRespTag;
}

template <typename Token>
void write_choice(Writer& out, const Token& token) {
  out.nest(tag_of(token), [&](Writer& choice) {
    choice.nest(kSequence, [&](Writer& body) { write_body(body, token); });
  });
}

template <typename Token>
Result<Bytes> write(const Token& token, bool framed, Bytes storage) {
  const size_t size = contents_size(token) + kMaxHeaders;
  Writer out = storage.capacity() < size ? Writer(size) : Writer(std::move(storage));
  if (framed) {
    out.nest(kInitialContextTag, [&](Writer& frame) {
      frame.oid(kSpnegoOid);
      write_choice(frame, token);
    });
  } else {
    write_choice(out, token);
  }
  return std::move(out).take();
}

// body_of finds the SEQUENCE of any token.
struct Body {
  bool framed;
  bool is_resp;
  Reader fields;
};
Result<Body> body_of(ByteView token) {
  Reader in(token);
  const bool framed = in.next_is(kInitialContextTag);
  if (framed) {
    PGSS_TRY(in, read_frame(token));
  }
  const bool is_resp = in.next_is(kNegTokenRespTag);
  PGSS_TRY(const Reader fields, read_body(in, is_resp ? kNegTokenRespTag : kNegTokenInitTag,
                                          is_resp ? "NegTokenResp" : "NegTokenInit"));
  return Body{framed, is_resp, fields};
}

}  // namespace

Result<MechTypeList> MechTypeList::parse(ByteView sequence) {
  Reader in(sequence);
  PGSS_TRY(const MechTypeList list, read(in));
  PGSS_CHECK(in.finish("MechTypeList"));
  return list;
}

// RFC 4178 4.1, 4.2.1:
//   MechType ::= OBJECT IDENTIFIER
//   MechTypeList ::= SEQUENCE OF MechType
// "mechTypes ... contains one or more security mechanisms": an empty list is refused (quirk B25).
Result<MechTypeList> MechTypeList::read(Reader& in) {
  constexpr const char* kField = "NegTokenInit.mechTypes";
  const uint32_t offset = in.offset();
  MechTypeList list;
  Reader elements = in;
  PGSS_TRY(list.der_, in.element(kSequence, kField));
  PGSS_TRY(elements, elements.enter(kSequence, kField));
  list.elements_ = elements.rest();
  if (elements.at_end()) return malformed(kField, offset);
  for (; !elements.at_end(); ++list.size_) {
    if (list.size_ == kMaxMechTypes) return malformed(kField, elements.offset());
    PGSS_CHECK(elements.oid(kField));
  }
  return list;
}

asn1::Oid MechTypeList::Iterator::operator*() const {
  Reader in(rest_);
  return asn1::Oid{in.contents(asn1::kObjectIdentifier, "MechType").value()};
}

MechTypeList::Iterator& MechTypeList::Iterator::operator++() {
  Reader in(rest_);
  rest_ = rest_.from(in.element(asn1::kObjectIdentifier, "MechType").value().size());
  return *this;
}

const char* name(NegState state) {
  switch (state) {
    case NegState::kAcceptCompleted:
      return "accept-completed";
    case NegState::kAcceptIncomplete:
      return "accept-incomplete";
    case NegState::kReject:
      return "reject";
    case NegState::kRequestMic:
      return "request-mic";
  }
  return "?";
}

Result<NegTokenInit> parse_neg_token_init(ByteView token) {
  PGSS_TRY(const Reader inner, read_frame(token));
  PGSS_TRY(const Reader body, read_body(inner, kNegTokenInitTag, "NegTokenInit"));
  return read_neg_token_init(body);
}

Result<NegTokenInit2> parse_neg_token_init2(ByteView token) {
  PGSS_TRY(const Reader inner, read_frame(token));
  PGSS_TRY(const Reader body, read_body(inner, kNegTokenInitTag, "NegTokenInit2"));
  return read_neg_token_init2(body);
}

Result<NegTokenResp> parse_neg_token_resp(ByteView token) {
  PGSS_TRY(const Reader body, read_body(Reader(token), kNegTokenRespTag, "NegTokenResp"));
  return read_neg_token_resp(body);
}

Result<Bytes> encode(const NegTokenInit& token, Bytes storage) {
  return write(token, true, std::move(storage));
}

Result<Bytes> encode(const NegTokenInit2& token, Bytes storage) {
  return write(token, true, std::move(storage));
}

Result<Bytes> encode(const NegTokenResp& token, Bytes storage) {
  return write(token, false, std::move(storage));
}

Result<AnyToken> parse_any_token(ByteView token) {
  PGSS_TRY(const Body body, body_of(token));
  if (body.is_resp) {
    PGSS_TRY(const NegTokenResp resp, read_neg_token_resp(body.fields));
    return AnyToken{body.framed, resp};
  }
  PGSS_TRY(const bool is_init2, is_neg_token_init2(body.fields));
  if (is_init2) {
    PGSS_TRY(const NegTokenInit2 init2, read_neg_token_init2(body.fields));
    return AnyToken{body.framed, init2};
  }
  PGSS_TRY(const NegTokenInit init, read_neg_token_init(body.fields));
  return AnyToken{body.framed, init};
}

Result<Bytes> encode(const AnyToken& any) {
  return std::visit([&](const auto& token) { return write(token, any.framed, {}); }, any.token);
}

std::optional<Reader::Element> find_field(ByteView token, uint8_t number) {
  auto body = body_of(token);
  if (!body.has_value()) return std::nullopt;
  Reader fields = body.value().fields;
  while (!fields.at_end()) {
    auto field = fields.any("NegotiationToken");
    if (!field.has_value()) return std::nullopt;
    if (field.value().tag == context(number)) return field.value();
  }
  return std::nullopt;
}

}  // namespace pocketgss::mechs::spnego
