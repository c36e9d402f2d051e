// Reads and writes NegTokenInit, NegTokenInit2 and NegTokenResp.
#include "mechs/spnego/token.h"

#include <cstring>
#include <memory>
#include <new>
#include <type_traits>

#include "mechs/gss_token.h"
#include "mechs/oids.h"

namespace pocketgss::mechs::spnego {

// As in asn1/reader.h: a reader whose address is passed to a function does not stay in registers,
// and each read then costs several times as much.
#if defined(__OPTIMIZE_SIZE__) || !defined(__GNUC__)
#define PGSS_SPNEGO_INLINE inline
#define PGSS_SPNEGO_INLINE_LAMBDA
#else
#define PGSS_SPNEGO_INLINE [[gnu::always_inline]] inline
#define PGSS_SPNEGO_INLINE_LAMBDA __attribute__((always_inline))
#endif

// RFC 4178 4.1, 4.2.1:
//   MechType ::= OBJECT IDENTIFIER
//   MechTypeList ::= SEQUENCE OF MechType
// "mechTypes ... contains one or more security mechanisms": an empty list is refused (quirk B25).
struct MechTypeListReader {
  // read takes the one element of `in`.
  PGSS_SPNEGO_INLINE static Result<void> read(asn1::Reader in, MechTypeList& out) {
    constexpr const char* kField = "NegTokenInit.mechTypes";
    out.der_ = in.rest();
    const uint32_t offset = in.offset();
    PGSS_TRY(asn1::Reader elements, in.enter(asn1::kSequence, kField));
    PGSS_CHECK(in.finish(kField));
    if (elements.at_end()) return Error{Errc::kMalformed, kField, offset, 0};
    for (size_t count = 0; !elements.at_end(); ++count) {
      if (count == kMaxMechTypes) return Error{Errc::kMalformed, kField, elements.offset(), 0};
      PGSS_CHECK(elements.oid(kField));
    }
    return {};
  }
};

namespace {

using asn1::context;
using asn1::kOctetString;
using asn1::kSequence;
using asn1::Reader;

constexpr asn1::Tag kNegTokenInitTag = context(0);
constexpr asn1::Tag kNegTokenRespTag = context(1);

Error malformed(const char* field, uint32_t offset) {
  return Error{Errc::kMalformed, field, offset, 0};
}

// filled lets `fill` write a T where the caller will have it: the structs are large enough that
// copying one costs as much as reading it.
template <typename T, typename Fill>
PGSS_SPNEGO_INLINE Result<T> filled(Fill&& fill) {
  Result<T> out(std::in_place);
  const Result<void> result = fill(out.value());
  // Over it: an assignment would copy all of a T that is not there.
  static_assert(std::is_trivially_destructible_v<Result<T>>);
  if (!result.has_value()) std::construct_at(&out, result.error());
  return out;
}

// read_body takes the one element of `in`, which is "[n] SEQUENCE", and returns what is inside.
PGSS_SPNEGO_INLINE Result<Reader> read_body(Reader in, asn1::Tag choice, const char* token) {
  PGSS_TRY(Reader chosen, in.enter(choice, token));
  PGSS_CHECK(in.finish(token));
  PGSS_TRY(const Reader body, chosen.enter(kSequence, token));
  PGSS_CHECK(chosen.finish(token));
  return body;
}

// read_frame takes the frame of RFC 2743 3.1 off, which must name SPNEGO.
PGSS_SPNEGO_INLINE Result<Reader> read_frame(ByteView token) {
  Reader outer(token);
  PGSS_TRY(Reader frame, outer.enter(kInitialContextTag, "InitialContextToken"));
  PGSS_CHECK(outer.finish("InitialContextToken"));
  PGSS_TRY(const ByteView mech,
           frame.contents(asn1::kObjectIdentifier, "InitialContextToken.thisMech"));
  if (!(mech == ByteView(kSpnegoDer))) {
    return malformed("InitialContextToken.thisMech",
                     frame.offset() - static_cast<uint32_t>(mech.size()));
  }
  return frame;
}

// X.690 10.1: the fewest length octets.
constexpr size_t header_size(size_t length) {
  if (length < 0x80) return 2;
  return length < 0x100 ? 3 : length < 0x10000 ? 4 : length < 0x1000000 ? 5 : 6;
}

// An explicit tag holds exactly one element; read_tagged gives the contents of that, if the tag is
// there.
PGSS_SPNEGO_INLINE Result<void> read_tagged(Reader& body, uint8_t number, asn1::Tag tag,
                                            const char* field, std::optional<ByteView>& contents) {
  if (!body.next_is(context(number))) return {};
  PGSS_TRY(Reader tagged, body.enter(context(number), field));
  PGSS_TRY(contents, tagged.contents(tag, field));
  return tagged.finish(field);
}

// last_read is a reader of the element whose contents `body` has read last.
PGSS_SPNEGO_INLINE Reader last_read(const Reader& body, ByteView contents) {
  const size_t size = header_size(contents.size()) + contents.size();
  const uint8_t* const end = contents.data() + contents.size();
  return Reader(ByteView(end - size, size), body.offset() - static_cast<uint32_t>(size));
}

PGSS_SPNEGO_INLINE Result<void> read_octets(Reader& body, uint8_t number, const char* field,
                                            std::optional<ByteView>& out) {
  return read_tagged(body, number, kOctetString, field, out);
}

PGSS_SPNEGO_INLINE Result<void> read_req_flags(Reader& body, const char* field,
                                               std::optional<ReqFlags>& out) {
  std::optional<ByteView> contents;
  PGSS_CHECK(read_tagged(body, 1, asn1::kBitString, field, contents));
  if (!contents) return {};
  PGSS_TRY(const Reader::BitString bits, last_read(body, *contents).bit_string(field));
  out = ReqFlags{bits.octets, bits.unused_bits};
  return {};
}

// RFC 4178 4.2.2: accept-completed (0), accept-incomplete (1), reject (2), request-mic (3): one
// octet (X.690 8.4, 8.3.2).
PGSS_SPNEGO_INLINE Result<void> read_neg_state(Reader& body, std::optional<NegState>& out) {
  constexpr const char* kField = "NegTokenResp.negState";
  std::optional<ByteView> contents;
  PGSS_CHECK(read_tagged(body, 0, asn1::kEnumerated, kField, contents));
  if (!contents) return {};
  const uint32_t offset = last_read(body, *contents).offset();
  if (contents->size() != 1) return malformed(kField, offset + 1);
  const uint8_t octet = (*contents)[0];
  if (octet > static_cast<uint8_t>(NegState::kRequestMic)) return malformed(kField, offset + 2);
  out = static_cast<NegState>(octet);
  return {};
}

PGSS_SPNEGO_INLINE Result<void> read_supported_mech(Reader& body, std::optional<asn1::Oid>& out) {
  constexpr const char* kField = "NegTokenResp.supportedMech";
  std::optional<ByteView> contents;
  PGSS_CHECK(read_tagged(body, 1, asn1::kObjectIdentifier, kField, contents));
  if (!contents) return {};
  PGSS_TRY(out, last_read(body, *contents).oid(kField));
  return {};
}

// [MS-SPNG] 2.2.1:
//   NegHints ::= SEQUENCE {
//       hintName[0] GeneralString OPTIONAL,
//       hintAddress[1] OCTET STRING OPTIONAL }
Result<void> read_neg_hints(Reader& outer, std::optional<NegHints>& out) {
  constexpr const char* kField = "NegTokenInit2.negHints";
  std::optional<ByteView> contents, name;
  PGSS_CHECK(read_tagged(outer, 3, kSequence, kField, contents));
  if (!contents) return {};
  Reader body(*contents, outer.offset() - static_cast<uint32_t>(contents->size()));
  NegHints& hints = out.emplace();
  PGSS_CHECK(read_tagged(body, 0, asn1::kGeneralString, "NegHints.hintName", name));
  if (name) hints.hint_name = as_text(*name);
  PGSS_CHECK(read_octets(body, 1, "NegHints.hintAddress", hints.hint_address));
  return body.finish(kField);
}

// RFC 4178 4.2.1:
//   NegTokenInit ::= SEQUENCE {
//       mechTypes       [0] MechTypeList,
//       reqFlags        [1] ContextFlags  OPTIONAL,
//       mechToken       [2] OCTET STRING  OPTIONAL,
//       mechListMIC     [3] OCTET STRING  OPTIONAL,
//       ... }
PGSS_SPNEGO_INLINE Result<void> read_neg_token_init(Reader body, NegTokenInit& out) {
  PGSS_TRY(Reader tagged, body.enter(context(0), "NegTokenInit.mechTypes"));
  PGSS_CHECK(MechTypeListReader::read(tagged, out.mech_types));
  PGSS_CHECK(read_req_flags(body, "NegTokenInit.reqFlags", out.req_flags));
  PGSS_CHECK(read_octets(body, 2, "NegTokenInit.mechToken", out.mech_token));
  PGSS_CHECK(read_octets(body, 3, "NegTokenInit.mechListMIC", out.mech_list_mic));
  return body.finish("NegTokenInit");
}

// [MS-SPNG] 2.2.1:
//   NegTokenInit2 ::= SEQUENCE {
//       mechTypes[0] MechTypeList OPTIONAL,
//       reqFlags [1] ContextFlags OPTIONAL,
//       mechToken [2] OCTET STRING OPTIONAL,
//       negHints [3] NegHints OPTIONAL,
//       mechListMIC [4] OCTET STRING OPTIONAL,
//       ... }
Result<void> read_neg_token_init2(Reader body, NegTokenInit2& out) {
  if (body.next_is(context(0))) {
    PGSS_TRY(const Reader tagged, body.enter(context(0), "NegTokenInit2.mechTypes"));
    PGSS_CHECK(MechTypeListReader::read(tagged, out.mech_types.emplace()));
  }
  PGSS_CHECK(read_req_flags(body, "NegTokenInit2.reqFlags", out.req_flags));
  PGSS_CHECK(read_octets(body, 2, "NegTokenInit2.mechToken", out.mech_token));
  PGSS_CHECK(read_neg_hints(body, out.neg_hints));
  PGSS_CHECK(read_octets(body, 4, "NegTokenInit2.mechListMIC", out.mech_list_mic));
  return body.finish("NegTokenInit2");
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
PGSS_SPNEGO_INLINE Result<void> read_neg_token_resp(Reader body, NegTokenResp& out) {
  PGSS_CHECK(read_neg_state(body, out.neg_state));
  PGSS_CHECK(read_supported_mech(body, out.supported_mech));
  PGSS_CHECK(read_octets(body, 2, "NegTokenResp.responseToken", out.response_token));
  PGSS_CHECK(read_octets(body, 3, "NegTokenResp.mechListMIC", out.mech_list_mic));
  return body.finish("NegTokenResp");
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

// Writing: the size of everything first, then each octet in its place. asn1::Writer, which learns a
// length when an element is closed, takes several times as long for tokens of this size.

constexpr size_t kMaxSize = 0x7fffffff;

constexpr size_t element_size(size_t contents) {
  return header_size(contents) + contents;
}

// Out writes to memory that is large enough.
struct Out {
  uint8_t* at;

  PGSS_SPNEGO_INLINE void header(asn1::Tag tag, size_t length) {
    at[0] = tag.octet;
    at[1] = static_cast<uint8_t>(length);
    at += 2;
    if (length >= 0x80) long_length(length);
  }
  PGSS_SPNEGO_INLINE void long_length(size_t length) {
    const size_t octets = header_size(length) - 2;
    at[-1] = static_cast<uint8_t>(0x80 | octets);
    for (size_t i = octets; i > 0; --i, length >>= 8) at[i - 1] = static_cast<uint8_t>(length);
    at += octets;
  }
  PGSS_SPNEGO_INLINE void bytes(ByteView bytes) {
    if (!bytes.empty()) std::memcpy(at, bytes.data(), bytes.size());
    at += bytes.size();
  }
  PGSS_SPNEGO_INLINE void element(asn1::Tag tag, ByteView contents) {
    header(tag, contents.size());
    bytes(contents);
  }
  // tagged writes an element inside the explicit tag [number].
  PGSS_SPNEGO_INLINE void tagged(uint8_t number, asn1::Tag tag, ByteView contents) {
    header(context(number), element_size(contents.size()));
    element(tag, contents);
  }
};
constexpr size_t tagged_size(size_t contents) {
  return element_size(element_size(contents));
}

PGSS_SPNEGO_INLINE size_t octets_size(const std::optional<ByteView>& octets) {
  return octets ? tagged_size(octets->size()) : 0;
}
PGSS_SPNEGO_INLINE void put_octets(Out& out, uint8_t number,
                                   const std::optional<ByteView>& octets) {
  if (octets) out.tagged(number, kOctetString, *octets);
}

PGSS_SPNEGO_INLINE size_t mech_types_size(const MechTypeList& list) {
  return element_size(list.der().size());
}
PGSS_SPNEGO_INLINE void put_mech_types(Out& out, const MechTypeList& list) {
  out.element(context(0), list.der());
}

PGSS_SPNEGO_INLINE size_t req_flags_size(const std::optional<ReqFlags>& flags) {
  return flags ? tagged_size(1 + flags->octets.size()) : 0;
}
PGSS_SPNEGO_INLINE void put_req_flags(Out& out, const std::optional<ReqFlags>& flags) {
  if (!flags) return;
  const size_t contents = 1 + flags->octets.size();
  out.header(context(1), element_size(contents));
  out.header(asn1::kBitString, contents);
  *out.at++ = flags->unused_bits;
  out.bytes(flags->octets);
}

size_t neg_hints_contents(const NegHints& hints) {
  return (hints.hint_name ? tagged_size(hints.hint_name->size()) : 0) +
         octets_size(hints.hint_address);
}
size_t neg_hints_size(const std::optional<NegHints>& hints) {
  return hints ? tagged_size(neg_hints_contents(*hints)) : 0;
}
void put_neg_hints(Out& out, const std::optional<NegHints>& hints) {
  if (!hints) return;
  const size_t contents = neg_hints_contents(*hints);
  out.header(context(3), element_size(contents));
  out.header(kSequence, contents);
  if (hints->hint_name) out.tagged(0, asn1::kGeneralString, as_bytes(*hints->hint_name));
  put_octets(out, 1, hints->hint_address);
}

PGSS_SPNEGO_INLINE size_t body_size(const NegTokenInit& token) {
  return mech_types_size(token.mech_types) + req_flags_size(token.req_flags) +
         octets_size(token.mech_token) + octets_size(token.mech_list_mic);
}
PGSS_SPNEGO_INLINE void put_body(Out& out, const NegTokenInit& token) {
  put_mech_types(out, token.mech_types);
  put_req_flags(out, token.req_flags);
  put_octets(out, 2, token.mech_token);
  put_octets(out, 3, token.mech_list_mic);
}

size_t body_size(const NegTokenInit2& token) {
  return (token.mech_types ? mech_types_size(*token.mech_types) : 0) +
         req_flags_size(token.req_flags) + octets_size(token.mech_token) +
         neg_hints_size(token.neg_hints) + octets_size(token.mech_list_mic);
}
void put_body(Out& out, const NegTokenInit2& token) {
  if (token.mech_types) put_mech_types(out, *token.mech_types);
  put_req_flags(out, token.req_flags);
  put_octets(out, 2, token.mech_token);
  put_neg_hints(out, token.neg_hints);
  put_octets(out, 4, token.mech_list_mic);
}

PGSS_SPNEGO_INLINE size_t body_size(const NegTokenResp& token) {
  return (token.neg_state ? tagged_size(1) : 0) +
         (token.supported_mech ? tagged_size(token.supported_mech->der.size()) : 0) +
         octets_size(token.response_token) + octets_size(token.mech_list_mic);
}
PGSS_SPNEGO_INLINE void put_body(Out& out, const NegTokenResp& token) {
  if (token.neg_state) {
    const auto state = static_cast<uint8_t>(*token.neg_state);
    out.tagged(0, asn1::kEnumerated, ByteView(&state, 1));
  }
  if (token.supported_mech) {
    out.tagged(1, asn1::kObjectIdentifier, token.supported_mech->der);
  }
  put_octets(out, 2, token.response_token);
  put_octets(out, 3, token.mech_list_mic);
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

// resize gives `storage` the size, with one allocation at most.
Result<void> resize(Bytes& storage, size_t size) {
  if (size > kMaxSize) return Error{Errc::kApiMisuse, "NegotiationToken", 0, 0};
  try {
    storage.resize(size);
  } catch (const std::bad_alloc&) {
    return Error{Errc::kNoMemory, "NegotiationToken", 0, 0};
  }
  return {};
}

template <typename Token>
Result<void> write(const Token& token, bool framed, Bytes& storage) {
  const size_t body = body_size(token);
  const size_t choice = element_size(body);
  const size_t inner = element_size(choice);
  const size_t frame = element_size(kSpnegoDer.size()) + inner;
  PGSS_CHECK(resize(storage, framed ? element_size(frame) : inner));
  Out out{storage.data()};
  if (framed) {
    out.header(kInitialContextTag, frame);
    out.element(asn1::kObjectIdentifier, ByteView(kSpnegoDer));
  }
  out.header(tag_of(token), choice);
  out.header(kSequence, body);
  put_body(out, token);
  return {};
}

template <typename Token>
Result<Bytes> write(const Token& token, bool framed) {
  Bytes out;
  PGSS_CHECK(write(token, framed, out));
  return out;
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
  return filled<MechTypeList>(
      [&](MechTypeList& out) { return MechTypeListReader::read(Reader(sequence), out); });
}

MechTypeList::Iterator MechTypeList::begin() const {
  if (der_.empty()) return end();  // of a list that was not read from anything
  Reader in(der_);
  return Iterator(in.contents(kSequence, "MechTypeList").value());
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
  return filled<NegTokenInit>([&](NegTokenInit& out) PGSS_SPNEGO_INLINE_LAMBDA -> Result<void> {
    PGSS_TRY(const Reader inner, read_frame(token));
    PGSS_TRY(const Reader body, read_body(inner, kNegTokenInitTag, "NegTokenInit"));
    return read_neg_token_init(body, out);
  });
}

Result<NegTokenInit2> parse_neg_token_init2(ByteView token) {
  return filled<NegTokenInit2>([&](NegTokenInit2& out) PGSS_SPNEGO_INLINE_LAMBDA -> Result<void> {
    PGSS_TRY(const Reader inner, read_frame(token));
    PGSS_TRY(const Reader body, read_body(inner, kNegTokenInitTag, "NegTokenInit2"));
    return read_neg_token_init2(body, out);
  });
}

Result<NegTokenResp> parse_neg_token_resp(ByteView token) {
  return filled<NegTokenResp>([&](NegTokenResp& out) PGSS_SPNEGO_INLINE_LAMBDA -> Result<void> {
    PGSS_TRY(const Reader body, read_body(Reader(token), kNegTokenRespTag, "NegTokenResp"));
    return read_neg_token_resp(body, out);
  });
}

Result<Bytes> encode(const NegTokenInit& token) {
  return write(token, true);
}
Result<Bytes> encode(const NegTokenInit2& token) {
  return write(token, true);
}
Result<Bytes> encode(const NegTokenResp& token) {
  return write(token, false);
}

Result<void> encode_to(const NegTokenInit& token, Bytes& out) {
  return write(token, true, out);
}
Result<void> encode_to(const NegTokenInit2& token, Bytes& out) {
  return write(token, true, out);
}
Result<void> encode_to(const NegTokenResp& token, Bytes& out) {
  return write(token, false, out);
}

Result<Bytes> encode_mech_types(std::span<const asn1::Oid> oids) {
  size_t contents = 0;
  for (const asn1::Oid oid : oids) contents += element_size(oid.der.size());
  Bytes list;
  PGSS_CHECK(resize(list, element_size(contents)));
  Out out{list.data()};
  out.header(kSequence, contents);
  for (const asn1::Oid oid : oids) out.element(asn1::kObjectIdentifier, oid.der);
  return list;
}

Result<AnyToken> parse_any_token(ByteView token) {
  PGSS_TRY(const Body body, body_of(token));
  AnyToken any{body.framed, {}};
  if (body.is_resp) {
    PGSS_CHECK(read_neg_token_resp(body.fields, any.token.emplace<NegTokenResp>()));
    return any;
  }
  PGSS_TRY(const bool is_init2, is_neg_token_init2(body.fields));
  if (is_init2) {
    PGSS_CHECK(read_neg_token_init2(body.fields, any.token.emplace<NegTokenInit2>()));
    return any;
  }
  PGSS_CHECK(read_neg_token_init(body.fields, any.token.emplace<NegTokenInit>()));
  return any;
}

Result<Bytes> encode(const AnyToken& any) {
  return std::visit([&](const auto& token) { return write(token, any.framed); }, any.token);
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

#undef PGSS_SPNEGO_INLINE
#undef PGSS_SPNEGO_INLINE_LAMBDA

}  // namespace pocketgss::mechs::spnego
