// Reads and writes NegTokenInit, NegTokenInit2 and NegTokenResp.
#include "mechs/spnego/token.h"

#include <iterator>
#include <new>

#include "base/filled.h"
#include "mechs/gss_token.h"
#include "mechs/oids.h"
#include "mechs/spnego/out.h"

namespace pocketgss::mechs::spnego {

namespace {

using asn1::context;
using asn1::kOctetString;
using asn1::kSequence;
using asn1::Reader;

// NegotiationToken ::= CHOICE { [0] NegTokenInit, [1] NegTokenResp }; of the former see InitRows.
constexpr Field kNegTokenResp{"NegTokenResp", 1, kSequence};

Error malformed(const char* field, uint32_t offset) {
  return Error{Errc::kMalformed, field, offset, 0};
}

// FieldReader reads the fields of a token in their order. The first error sticks: nothing is read after
// it, and finish() returns it.
class FieldReader {
 public:
  explicit FieldReader(ByteView in, uint32_t base = 0) : in_(in, base) {}

  // read takes the field, if it is the next one.
  PGSS_SPNEGO_INLINE bool read(const Field& field) {
    return in_.next_is(context(field.number)) && keep(take(field));
  }
  PGSS_SPNEGO_INLINE void require(const Field& next) {
    if (!in_.next_is(context(next.number))) refuse(next.name, in_.offset());
  }
  PGSS_SPNEGO_INLINE void octets(const Field& field, std::optional<ByteView>& out) {
    if (read(field)) out = contents_;
  }
  // Of what was taken last: its contents, where they begin, and, of a field, the element inside of the
  // explicit tag, with its header.
  ByteView contents() const { return contents_; }
  uint32_t offset() const { return in_.offset() - static_cast<uint32_t>(contents_.size()); }
  ByteView whole() const { return whole_; }

  // enter goes on inside of an element that is all that is left.
  PGSS_SPNEGO_INLINE void enter(asn1::Tag tag, const char* name) {
    if (keep(in_.contents(tag, name, contents_))) go_into_last(name);
  }
  PGSS_SPNEGO_INLINE void enter(const Field& token) {
    if (keep(take(token))) go_into_last(token.name);
  }
  // enter_frame goes on inside of the frame of RFC 2743 3.1, which must name SPNEGO.
  PGSS_SPNEGO_INLINE void enter_frame() {
    constexpr const char* kThisMech = "InitialContextToken.thisMech";
    enter(kInitialContextTag, "InitialContextToken");
    if (!first_.has_value() || !keep(in_.contents(asn1::kObjectIdentifier, kThisMech, contents_))) {
      return;
    }
    if (!(contents_ == ByteView(kSpnegoDer))) refuse(kThisMech, offset());
  }

  // keep: whether `result` is none of an error.
  PGSS_SPNEGO_INLINE bool keep(Result<void> result) {
    if (result.has_value()) return true;
    if (first_.has_value()) first_ = result;
    in_ = Reader(ByteView());  // where no field is the next one
    return false;
  }
  PGSS_SPNEGO_INLINE void refuse(const char* name, uint32_t offset) {
    keep(malformed(name, offset));
  }
  PGSS_SPNEGO_INLINE Result<void> finish(const char* token) const {
    if (!first_.has_value()) return first_;
    return in_.finish(token);
  }

  const Result<void>& failure() const { return first_; }
  const Reader& rest() const { return in_; }

 private:
  // An explicit tag holds exactly one element.
  PGSS_SPNEGO_INLINE Result<void> take(const Field& field) {
    PGSS_CHECK(in_.contents(context(field.number), field.name, whole_));
    Reader tagged(whole_, in_.offset() - static_cast<uint32_t>(whole_.size()));
    PGSS_CHECK(tagged.contents(field.tag, field.name, contents_));
    return tagged.finish(field.name);
  }
  PGSS_SPNEGO_INLINE void go_into_last(const char* name) {
    if (keep(in_.finish(name))) in_ = Reader(contents_, offset());
  }

  Reader in_;
  ByteView whole_, contents_;
  Result<void> first_;
};

// RFC 4178 4.1, 4.2.1:
//   MechType ::= OBJECT IDENTIFIER
//   MechTypeList ::= SEQUENCE OF MechType
// "mechTypes ... contains one or more security mechanisms": an empty list is refused (quirk B25).
PGSS_SPNEGO_INLINE Result<void> check_mech_types(ByteView contents, uint32_t offset,
                                                 const char* field) {
  if (contents.empty()) return malformed(field, offset - 2);
  Reader elements(contents, offset);
  for (size_t count = 0; !elements.at_end(); ++count) {
    if (count == kMaxMechTypes) return malformed(field, elements.offset());
    PGSS_CHECK(elements.oid(field));
  }
  return {};
}

// RFC 4178 4.2.2: accept-completed (0), accept-incomplete (1), reject (2), request-mic (3): one
// octet (X.690 8.4, 8.3.2).
PGSS_SPNEGO_INLINE Result<void> check_neg_state(ByteView whole, ByteView contents, uint32_t offset,
                                                const char* field) {
  if (contents.size() != 1) {
    const size_t header = whole.size() - contents.size();
    return malformed(field, offset - static_cast<uint32_t>(header) + 1);
  }
  if (contents[0] > static_cast<uint8_t>(NegState::kRequestMic)) return malformed(field, offset);
  return {};
}

// [MS-SPNG] 2.2.1:
//   NegHints ::= SEQUENCE {
//       hintName[0] GeneralString OPTIONAL,
//       hintAddress[1] OCTET STRING OPTIONAL }
constexpr Field kHintName{"NegHints.hintName", 0, asn1::kGeneralString};
constexpr Field kHintAddress{"NegHints.hintAddress", 1, kOctetString};

Result<void> read_neg_hints(FieldReader& fields, const char* field, NegHints& out) {
  if (fields.read(kHintName)) out.hint_name = as_text(fields.contents());
  fields.octets(kHintAddress, out.hint_address);
  return fields.finish(field);
}

// RFC 4178 4.2.1:
//   NegTokenInit ::= SEQUENCE {
//       mechTypes       [0] MechTypeList,
//       reqFlags        [1] ContextFlags  OPTIONAL,
//       mechToken       [2] OCTET STRING  OPTIONAL,
//       mechListMIC     [3] OCTET STRING  OPTIONAL,
//       ... }
//
// [MS-SPNG] 2.2.1:
//   NegTokenInit2 ::= SEQUENCE {
//       mechTypes[0] MechTypeList OPTIONAL,
//       reqFlags [1] ContextFlags OPTIONAL,
//       mechToken [2] OCTET STRING OPTIONAL,
//       negHints [3] NegHints OPTIONAL,
//       mechListMIC [4] OCTET STRING OPTIONAL,
//       ... }
struct InitRows {
  Field token;
  Field mech_types;
  Field req_flags;
  Field mech_token;
  Field neg_hints;  // of NegTokenInit2 alone
  Field mech_list_mic;
};
constexpr InitRows kInit{{"NegTokenInit", 0, kSequence},
                         {"NegTokenInit.mechTypes", 0, kSequence},
                         {"NegTokenInit.reqFlags", 1, asn1::kBitString},
                         {"NegTokenInit.mechToken", 2, kOctetString},
                         {},
                         {"NegTokenInit.mechListMIC", 3, kOctetString}};
constexpr InitRows kInit2{{"NegTokenInit2", 0, kSequence},
                          {"NegTokenInit2.mechTypes", 0, kSequence},
                          {"NegTokenInit2.reqFlags", 1, asn1::kBitString},
                          {"NegTokenInit2.mechToken", 2, kOctetString},
                          {"NegTokenInit2.negHints", 3, kSequence},
                          {"NegTokenInit2.mechListMIC", 4, kOctetString}};

// read_init: `hints` is null where there are none, and then the list is required.
PGSS_SPNEGO_INLINE Result<void> read_init(FieldReader& fields, const InitRows& rows,
                                          NegTokenInit& out, std::optional<NegHints>* hints) {
  if (hints == nullptr) fields.require(rows.mech_types);
  if (fields.read(rows.mech_types)) {
    out.mech_types = MechTypeList::written(fields.whole());
    fields.keep(check_mech_types(fields.contents(), fields.offset(), rows.mech_types.name));
  }
  fields.octets(rows.req_flags, out.req_flags);
  if (out.req_flags) {
    fields.keep(asn1::check_bit_string(*out.req_flags, fields.offset(), rows.req_flags.name));
  }
  fields.octets(rows.mech_token, out.mech_token);
  if (hints != nullptr && fields.read(rows.neg_hints)) {
    FieldReader inner(fields.contents(), fields.offset());
    fields.keep(read_neg_hints(inner, rows.neg_hints.name, hints->emplace()));
  }
  fields.octets(rows.mech_list_mic, out.mech_list_mic);
  return fields.finish(rows.token.name);
}
PGSS_SPNEGO_INLINE Result<void> read_fields(FieldReader& fields, NegTokenInit& out) {
  return read_init(fields, kInit, out, nullptr);
}
PGSS_SPNEGO_INLINE Result<void> read_fields(FieldReader& fields, NegTokenInit2& out) {
  return read_init(fields, kInit2, out, &out.neg_hints);
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
namespace resp {
constexpr Field kNegState{"NegTokenResp.negState", 0, asn1::kEnumerated};
constexpr Field kSupportedMech{"NegTokenResp.supportedMech", 1, asn1::kObjectIdentifier};
constexpr Field kResponseToken{"NegTokenResp.responseToken", 2, kOctetString};
constexpr Field kMechListMic{"NegTokenResp.mechListMIC", 3, kOctetString};
}  // namespace resp

PGSS_SPNEGO_INLINE Result<void> read_fields(FieldReader& fields, NegTokenResp& out) {
  if (fields.read(resp::kNegState) &&
      fields.keep(check_neg_state(fields.whole(), fields.contents(), fields.offset(),
                                  resp::kNegState.name))) {
    out.neg_state = static_cast<NegState>(fields.contents()[0]);
  }
  if (fields.read(resp::kSupportedMech) &&
      fields.keep(asn1::check_oid(fields.contents(), fields.offset(), resp::kSupportedMech.name))) {
    out.supported_mech = asn1::Oid{fields.contents()};
  }
  fields.octets(resp::kResponseToken, out.response_token);
  fields.octets(resp::kMechListMic, out.mech_list_mic);
  return fields.finish(kNegTokenResp.name);
}

PGSS_SPNEGO_INLINE Result<void> parse_init(ByteView token, const InitRows& rows, NegTokenInit& out,
                                           std::optional<NegHints>* hints) {
  FieldReader in(token);
  in.enter_frame();
  in.enter(rows.token);
  return read_init(in, rows, out, hints);
}
PGSS_SPNEGO_INLINE Result<void> parse(ByteView token, NegTokenInit& out) {
  return parse_init(token, kInit, out, nullptr);
}
PGSS_SPNEGO_INLINE Result<void> parse(ByteView token, NegTokenInit2& out) {
  return parse_init(token, kInit2, out, &out.neg_hints);
}
PGSS_SPNEGO_INLINE Result<void> parse(ByteView token, NegTokenResp& out) {
  FieldReader in(token);
  in.enter(kNegTokenResp);
  return read_fields(in, out);
}

template <typename Token>
PGSS_SPNEGO_INLINE Result<Token> parsed(ByteView token) {
  return filled<Token>([&](Token& out) PGSS_SPNEGO_INLINE_LAMBDA { return parse(token, out); });
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

void put_fields(Out& out, const NegHints& hints) {
  if (hints.hint_name) out.field(kHintName, as_bytes(*hints.hint_name));
  out.optional(kHintAddress, hints.hint_address);
}

PGSS_SPNEGO_INLINE void put_init(Out& out, const InitRows& rows, const NegTokenInit& token,
                                 const std::optional<NegHints>* hints) {
  if (!token.mech_types.empty()) {
    out.element(context(rows.mech_types.number), token.mech_types.der());
  }
  out.optional(rows.req_flags, token.req_flags);
  out.optional(rows.mech_token, token.mech_token);
  if (hints != nullptr && *hints) {
    Out counted;
    put_fields(counted, **hints);
    out.field_header(rows.neg_hints, counted.size());
    put_fields(out, **hints);
  }
  out.optional(rows.mech_list_mic, token.mech_list_mic);
}

PGSS_SPNEGO_INLINE void put_fields(Out& out, const NegTokenResp& token) {
  if (token.neg_state) {
    const auto state = static_cast<uint8_t>(*token.neg_state);
    out.field(resp::kNegState, ByteView(&state, 1));
  }
  if (token.supported_mech) out.field(resp::kSupportedMech, token.supported_mech->der);
  out.optional(resp::kResponseToken, token.response_token);
  out.optional(resp::kMechListMic, token.mech_list_mic);
}

// put_head writes what stands before `body` octets of fields, and makes room for these in `storage`.
PGSS_SPNEGO_INLINE Result<void> put_head(const Field& token, bool framed, size_t body,
                                         Bytes& storage, Out& out) {
  const size_t inner = element_size(element_size(body));
  const size_t frame = element_size(kSpnegoDer.size()) + inner;
  PGSS_CHECK(resize(storage, framed ? element_size(frame) : inner));
  out = Out(storage.data());
  if (framed) {
    out.header(kInitialContextTag, frame);
    out.element(asn1::kObjectIdentifier, ByteView(kSpnegoDer));
  }
  out.field_header(token, body);
  return {};
}

PGSS_SPNEGO_INLINE Result<void> write_init(const InitRows& rows, const NegTokenInit& token,
                                           const std::optional<NegHints>* hints, bool framed,
                                           Bytes& storage) {
  Out out;
  put_init(out, rows, token, hints);
  PGSS_CHECK(put_head(rows.token, framed, out.size(), storage, out));
  put_init(out, rows, token, hints);
  return {};
}
PGSS_SPNEGO_INLINE Result<void> write(const NegTokenInit& token, bool framed, Bytes& storage) {
  return write_init(kInit, token, nullptr, framed, storage);
}
PGSS_SPNEGO_INLINE Result<void> write(const NegTokenInit2& token, bool framed, Bytes& storage) {
  return write_init(kInit2, token, &token.neg_hints, framed, storage);
}
Result<void> write(const NegTokenResp& token, bool framed, Bytes& storage) {
  Out out;
  put_fields(out, token);
  PGSS_CHECK(put_head(kNegTokenResp, framed, out.size(), storage, out));
  put_fields(out, token);
  return {};
}

template <typename Token>
Result<Bytes> write(const Token& token, bool framed) {
  Bytes out;
  PGSS_CHECK(write(token, framed, out));
  return out;
}

// take_checked takes an element off `in` that has been read before.
ByteView take_checked(ByteView& in, asn1::Tag tag) {
  Reader reader(in);
  ByteView contents;
  reader.contents(tag, "MechTypeList", contents).value();
  in = reader.rest();
  return contents;
}

// open goes into the SEQUENCE of any token.
struct Opened {
  bool framed;
  bool is_resp;
};
Opened open(FieldReader& in) {
  const bool framed = in.rest().next_is(kInitialContextTag);
  if (framed) in.enter_frame();
  const bool is_resp = in.rest().next_is(context(kNegTokenResp.number));
  in.enter(is_resp ? kNegTokenResp : kInit.token);
  return Opened{framed, is_resp};
}

}  // namespace

Result<MechTypeList> MechTypeList::parse(ByteView sequence) {
  constexpr const char* kName = kInit.mech_types.name;
  FieldReader in(sequence);
  in.enter(kSequence, kName);
  PGSS_CHECK(in.failure());
  PGSS_CHECK(check_mech_types(in.contents(), in.rest().offset(), kName));
  return written(sequence);
}

MechTypeList::Iterator MechTypeList::begin() const {
  if (empty()) return end();
  ByteView list = der_;
  return Iterator(take_checked(list, kSequence));
}

asn1::Oid MechTypeList::Iterator::operator*() const {
  ByteView elements = rest_;
  return asn1::Oid{take_checked(elements, asn1::kObjectIdentifier)};
}

MechTypeList::Iterator& MechTypeList::Iterator::operator++() {
  take_checked(rest_, asn1::kObjectIdentifier);
  return *this;
}

const char* name(NegState state) {
  static constexpr const char* kNames[] = {"accept-completed", "accept-incomplete", "reject",
                                           "request-mic"};
  const auto at = static_cast<size_t>(state);
  return at < std::size(kNames) ? kNames[at] : "?";
}

Result<void> parse_neg_token_init(ByteView token, NegTokenInit& out) {
  return parse(token, out);
}
Result<void> parse_neg_token_init2(ByteView token, NegTokenInit2& out) {
  return parse(token, out);
}
Result<void> parse_neg_token_resp(ByteView token, NegTokenResp& out) {
  return parse(token, out);
}

Result<NegTokenInit> parse_neg_token_init(ByteView token) {
  return parsed<NegTokenInit>(token);
}
Result<NegTokenInit2> parse_neg_token_init2(ByteView token) {
  return parsed<NegTokenInit2>(token);
}
Result<NegTokenResp> parse_neg_token_resp(ByteView token) {
  return parsed<NegTokenResp>(token);
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

// resize is out of line, and writes nothing that it need not.
Result<void> resize(Bytes& storage, size_t size) {
  constexpr size_t kMaxSize = 0x7fffffff;
  if (size > kMaxSize) return Error{Errc::kApiMisuse, "NegotiationToken", 0, 0};
  try {
    storage.resize(size);
  } catch (const std::bad_alloc&) {
    return Error{Errc::kNoMemory, "NegotiationToken", 0, 0};
  }
  return {};
}

Result<AnyToken> parse_any_token(ByteView token) {
  FieldReader in(token);
  const Opened opened = open(in);
  AnyToken any{opened.framed, {}};
  if (opened.is_resp) {
    PGSS_CHECK(read_fields(in, any.token.emplace<NegTokenResp>()));
    return any;
  }
  PGSS_CHECK(in.failure());
  PGSS_TRY(const bool is_init2, is_neg_token_init2(in.rest()));
  if (is_init2) {
    PGSS_CHECK(read_fields(in, any.token.emplace<NegTokenInit2>()));
    return any;
  }
  PGSS_CHECK(read_fields(in, any.token.emplace<NegTokenInit>()));
  return any;
}

Result<Bytes> encode(const AnyToken& any) {
  return std::visit([&](const auto& token) { return write(token, any.framed); }, any.token);
}

bool is_framed(ByteView token) {
  FieldReader in(token);
  in.enter_frame();
  return in.failure().has_value();
}

std::optional<Reader::Element> find_field(ByteView token, uint8_t number) {
  FieldReader in(token);
  open(in);
  Reader fields = in.rest();  // none, where `token` does not begin like one
  while (!fields.at_end()) {
    auto field = fields.any("NegotiationToken");
    if (!field.has_value()) return std::nullopt;
    if (field.value().tag == context(number)) return field.value();
  }
  return std::nullopt;
}

}  // namespace pocketgss::mechs::spnego
