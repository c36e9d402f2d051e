// Reads and writes NegTokenInit, NegTokenInit2 and NegTokenResp.
#include "mechs/spnego/token.h"

#include <iterator>
#include <new>

#include "base/filled.h"
#include "mechs/gss_token.h"
#include "mechs/oids.h"
#include "mechs/spnego/out.h"

namespace pocketgss::mechs::spnego {

// RFC 4178 4.1, 4.2.1:
//   MechType ::= OBJECT IDENTIFIER
//   MechTypeList ::= SEQUENCE OF MechType
// "mechTypes ... contains one or more security mechanisms": an empty list is refused (quirk B25).
struct MechTypeListReader {
  // read takes the SEQUENCE, and its contents, which begin at `offset`.
  PGSS_SPNEGO_INLINE static Result<void> read(ByteView whole, ByteView contents, uint32_t offset,
                                              const char* field, MechTypeList& out) {
    out.der_ = whole;
    if (contents.empty()) return Error{Errc::kMalformed, field, offset - 2, 0};
    asn1::Reader elements(contents, offset);
    for (size_t count = 0; !elements.at_end(); ++count) {
      if (count == kMaxMechTypes) return Error{Errc::kMalformed, field, elements.offset(), 0};
      PGSS_CHECK(elements.oid(field));
    }
    return {};
  }
};

namespace {

using asn1::context;
using asn1::kOctetString;
using asn1::kSequence;
using asn1::Reader;

// What stands around the fields: NegotiationToken ::= CHOICE { [0] NegTokenInit, [1] NegTokenResp }.
constexpr Field kNegTokenInit{"NegTokenInit", 0, kSequence};
constexpr Field kNegTokenInit2{"NegTokenInit2", 0, kSequence};
constexpr Field kNegTokenResp{"NegTokenResp", 1, kSequence};

Error malformed(const char* field, uint32_t offset) {
  return Error{Errc::kMalformed, field, offset, 0};
}

// FieldReader reads the fields of a token in their order. The first error sticks: nothing is read after
// it, and finish() returns it.
class FieldReader {
 public:
  explicit FieldReader(Reader in) : in_(in) {}

  // read gives the contents of the field, if it is the next one.
  PGSS_SPNEGO_INLINE bool read(const Field& field, ByteView& contents) {
    if (!in_.next_is(context(field.number))) return false;
    return keep(take(field, contents));
  }
  PGSS_SPNEGO_INLINE void require(const Field& next) {
    if (!in_.next_is(context(next.number))) keep(malformed(next.name, in_.offset()));
  }
  // offset_of: of what was read last.
  uint32_t offset_of(ByteView contents) const {
    return in_.offset() - static_cast<uint32_t>(contents.size());
  }
  // whole: the element inside of the explicit tag, with its header.
  ByteView whole() const { return whole_; }
  PGSS_SPNEGO_INLINE void octets(const Field& field, std::optional<ByteView>& out) {
    ByteView contents;
    if (read(field, contents)) out = contents;
  }

  // enter goes on inside of an element that is all that is left.
  PGSS_SPNEGO_INLINE bool enter(asn1::Tag tag, const char* name, ByteView& contents) {
    return keep(take(tag, name, contents)) && go_into(contents, name);
  }
  PGSS_SPNEGO_INLINE void enter(const Field& token) {
    ByteView contents;
    if (keep(take(token, contents))) go_into(contents, token.name);
  }
  // enter_frame goes on inside of the frame of RFC 2743 3.1, which must name SPNEGO.
  PGSS_SPNEGO_INLINE void enter_frame() {
    constexpr const char* kThisMech = "InitialContextToken.thisMech";
    ByteView contents, mech;
    if (!enter(kInitialContextTag, "InitialContextToken", contents)) return;
    if (!keep(take(asn1::kObjectIdentifier, kThisMech, mech))) return;
    if (!(mech == ByteView(kSpnegoDer))) keep(malformed(kThisMech, offset_of(mech)));
  }

  // keep: whether `result` is none of an error.
  PGSS_SPNEGO_INLINE bool keep(Result<void> result) {
    if (result.has_value()) return true;
    if (first_.has_value()) first_ = result;
    in_ = Reader(ByteView());  // where no field is the next one
    return false;
  }
  PGSS_SPNEGO_INLINE Result<void> finish(const char* token) const {
    if (!first_.has_value()) return first_;
    return in_.finish(token);
  }

  const Result<void>& failure() const { return first_; }
  const Reader& rest() const { return in_; }

 private:
  // An explicit tag holds exactly one element.
  PGSS_SPNEGO_INLINE Result<void> take(const Field& field, ByteView& contents) {
    PGSS_TRY(Reader tagged, in_.enter(context(field.number), field.name));
    whole_ = tagged.rest();
    PGSS_TRY(contents, tagged.contents(field.tag, field.name));
    return tagged.finish(field.name);
  }
  PGSS_SPNEGO_INLINE Result<void> take(asn1::Tag tag, const char* name, ByteView& contents) {
    PGSS_TRY(contents, in_.contents(tag, name));
    return {};
  }
  PGSS_SPNEGO_INLINE bool go_into(ByteView last, const char* name) {
    if (!keep(in_.finish(name))) return false;
    in_ = Reader(last, offset_of(last));
    return true;
  }

  Reader in_;
  ByteView whole_;
  Result<void> first_;
};

PGSS_SPNEGO_INLINE void read_req_flags(FieldReader& fields, const Field& field,
                                       std::optional<ReqFlags>& out) {
  ByteView contents;
  if (!fields.read(field, contents)) return;
  const uint32_t offset = fields.offset_of(contents);
  if (fields.keep(asn1::check_bit_string(contents, offset, field.name))) {
    out = ReqFlags{contents.from(1), contents[0]};
  }
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

Result<void> read_neg_hints(FieldReader fields, const char* field, NegHints& out) {
  ByteView name;
  if (fields.read(kHintName, name)) out.hint_name = as_text(name);
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
namespace init {
constexpr Field kMechTypes{"NegTokenInit.mechTypes", 0, kSequence};
constexpr Field kReqFlags{"NegTokenInit.reqFlags", 1, asn1::kBitString};
constexpr Field kMechToken{"NegTokenInit.mechToken", 2, kOctetString};
constexpr Field kMechListMic{"NegTokenInit.mechListMIC", 3, kOctetString};
}  // namespace init

PGSS_SPNEGO_INLINE Result<void> read_fields(FieldReader& fields, NegTokenInit& out) {
  fields.require(init::kMechTypes);
  if (ByteView list; fields.read(init::kMechTypes, list)) {
    fields.keep(MechTypeListReader::read(fields.whole(), list, fields.offset_of(list),
                                         init::kMechTypes.name, out.mech_types));
  }
  PGSS_CHECK(fields.failure());  // all the rest is optional
  read_req_flags(fields, init::kReqFlags, out.req_flags);
  fields.octets(init::kMechToken, out.mech_token);
  fields.octets(init::kMechListMic, out.mech_list_mic);
  return fields.finish(kNegTokenInit.name);
}

// [MS-SPNG] 2.2.1:
//   NegTokenInit2 ::= SEQUENCE {
//       mechTypes[0] MechTypeList OPTIONAL,
//       reqFlags [1] ContextFlags OPTIONAL,
//       mechToken [2] OCTET STRING OPTIONAL,
//       negHints [3] NegHints OPTIONAL,
//       mechListMIC [4] OCTET STRING OPTIONAL,
//       ... }
namespace init2 {
constexpr Field kMechTypes{"NegTokenInit2.mechTypes", 0, kSequence};
constexpr Field kReqFlags{"NegTokenInit2.reqFlags", 1, asn1::kBitString};
constexpr Field kMechToken{"NegTokenInit2.mechToken", 2, kOctetString};
constexpr Field kNegHints{"NegTokenInit2.negHints", 3, kSequence};
constexpr Field kMechListMic{"NegTokenInit2.mechListMIC", 4, kOctetString};
}  // namespace init2

Result<void> read_fields(FieldReader& fields, NegTokenInit2& out) {
  if (ByteView list; fields.read(init2::kMechTypes, list)) {
    fields.keep(MechTypeListReader::read(fields.whole(), list, fields.offset_of(list),
                                         init::kMechTypes.name, out.mech_types.emplace()));
  }
  read_req_flags(fields, init2::kReqFlags, out.req_flags);
  fields.octets(init2::kMechToken, out.mech_token);
  if (ByteView hints; fields.read(init2::kNegHints, hints)) {
    const FieldReader inner(Reader(hints, fields.offset_of(hints)));
    fields.keep(read_neg_hints(inner, init2::kNegHints.name, out.neg_hints.emplace()));
  }
  fields.octets(init2::kMechListMic, out.mech_list_mic);
  return fields.finish(kNegTokenInit2.name);
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
  if (ByteView state; fields.read(resp::kNegState, state) &&
                      fields.keep(check_neg_state(fields.whole(), state, fields.offset_of(state),
                                                  resp::kNegState.name))) {
    out.neg_state = static_cast<NegState>(state[0]);
  }
  if (ByteView mech;
      fields.read(resp::kSupportedMech, mech) &&
      fields.keep(asn1::check_oid(mech, fields.offset_of(mech), resp::kSupportedMech.name))) {
    out.supported_mech = asn1::Oid{mech};
  }
  fields.octets(resp::kResponseToken, out.response_token);
  fields.octets(resp::kMechListMic, out.mech_list_mic);
  return fields.finish(kNegTokenResp.name);
}

PGSS_SPNEGO_INLINE Result<void> parse(ByteView token, NegTokenInit& out) {
  FieldReader in{Reader(token)};
  in.enter_frame();
  PGSS_CHECK(in.failure());
  in.enter(kNegTokenInit);
  return read_fields(in, out);
}

PGSS_SPNEGO_INLINE Result<void> parse(ByteView token, NegTokenInit2& out) {
  FieldReader in{Reader(token)};
  in.enter_frame();
  in.enter(kNegTokenInit2);
  return read_fields(in, out);
}

PGSS_SPNEGO_INLINE Result<void> parse(ByteView token, NegTokenResp& out) {
  FieldReader in{Reader(token)};
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

PGSS_SPNEGO_INLINE void put_req_flags(Out& out, const Field& field,
                                      const std::optional<ReqFlags>& flags) {
  if (!flags) return;
  out.field_header(field, 1 + flags->octets.size());
  out.octet(flags->unused_bits);
  out.bytes(flags->octets);
}

void put_fields(Out& out, const NegHints& hints) {
  if (hints.hint_name) out.field(kHintName, as_bytes(*hints.hint_name));
  out.optional(kHintAddress, hints.hint_address);
}

PGSS_SPNEGO_INLINE void put_fields(Out& out, const NegTokenInit& token) {
  out.element(context(init::kMechTypes.number), token.mech_types.der());
  put_req_flags(out, init::kReqFlags, token.req_flags);
  out.optional(init::kMechToken, token.mech_token);
  out.optional(init::kMechListMic, token.mech_list_mic);
}

void put_fields(Out& out, const NegTokenInit2& token) {
  if (token.mech_types) out.element(context(init2::kMechTypes.number), token.mech_types->der());
  put_req_flags(out, init2::kReqFlags, token.req_flags);
  out.optional(init2::kMechToken, token.mech_token);
  if (token.neg_hints) {
    Out hints;
    put_fields(hints, *token.neg_hints);
    out.field_header(init2::kNegHints, hints.size());
    put_fields(out, *token.neg_hints);
  }
  out.optional(init2::kMechListMic, token.mech_list_mic);
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

constexpr const Field& field_of(const NegTokenInit&) {
  return kNegTokenInit;
}
constexpr const Field& field_of(const NegTokenInit2&) {
  return kNegTokenInit2;
}
constexpr const Field& field_of(const NegTokenResp&) {
  return kNegTokenResp;
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

template <typename Token>
Result<void> write(const Token& token, bool framed, Bytes& storage) {
  Out out;
  put_fields(out, token);
  PGSS_CHECK(put_head(field_of(token), framed, out.size(), storage, out));
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
  const ByteView contents = reader.contents(tag, "MechTypeList").value();
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
  in.enter(is_resp ? kNegTokenResp : kNegTokenInit);
  return Opened{framed, is_resp};
}

}  // namespace

Result<MechTypeList> MechTypeList::parse(ByteView sequence) {
  return filled<MechTypeList>([&](MechTypeList& out) {
    constexpr const char* kName = init::kMechTypes.name;
    FieldReader in{Reader(sequence)};
    if (ByteView list; in.enter(kSequence, kName, list)) {
      in.keep(MechTypeListReader::read(sequence, list, in.rest().offset(), kName, out));
    }
    return in.failure();
  });
}

MechTypeList::Iterator MechTypeList::begin() const {
  if (der_.empty()) return end();  // of a list that was not read from anything
  ByteView list = der_;
  return Iterator(take_checked(list, kSequence));
}

MechTypeList::Iterator& MechTypeList::Iterator::operator++() {
  mech_ = {};
  if (!rest_.empty()) mech_.der = take_checked(rest_, asn1::kObjectIdentifier);
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
  FieldReader in{Reader(token)};
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
  FieldReader in{Reader(token)};
  in.enter_frame();
  return in.failure().has_value();
}

std::optional<Reader::Element> find_field(ByteView token, uint8_t number) {
  FieldReader in{Reader(token)};
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
