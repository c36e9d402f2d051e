// The tokens of RFC 4178 4.2 and [MS-SPNG] 2.2.1: parsed without an allocation, written with one.
#ifndef PGSS_MECHS_SPNEGO_TOKEN_H_
#define PGSS_MECHS_SPNEGO_TOKEN_H_

#include <pocketgss/bytes.h>
#include <pocketgss/result.h>

#include <iterator>
#include <optional>
#include <string_view>
#include <variant>

#include "asn1/oid.h"
#include "asn1/reader.h"

namespace pocketgss::mechs::spnego {

// The structs borrow from the token that they were parsed from. Parsing is strict DER and takes
// only the fields that are named here: the grammar ends in "...", but no extension was ever
// defined, and a mechListMIC under a wrong tag must not pass for one. Whatever parses is written
// back to the very same bytes.

inline constexpr size_t kMaxMechTypes = 32;

// MechTypeList is a SEQUENCE OF MechType that has been checked: 1 to 32 OIDs, in the order of the
// initiator's preference; or none, where there is no list. It iterates over borrowed Oids.
class MechTypeList {
 public:
  // parse takes a whole SEQUENCE with its header. Errors: kMalformed.
  static Result<MechTypeList> parse(ByteView sequence);
  // written: of a SEQUENCE that this side has written, or checks itself.
  static MechTypeList written(ByteView sequence) {
    MechTypeList out;
    out.der_ = sequence;
    return out;
  }

  class Iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = asn1::Oid;
    using difference_type = std::ptrdiff_t;
    using pointer = const asn1::Oid*;
    using reference = asn1::Oid;

    Iterator() = default;
    asn1::Oid operator*() const;
    Iterator& operator++();
    Iterator operator++(int) {
      Iterator before = *this;
      ++*this;
      return before;
    }
    bool operator==(const Iterator& other) const { return rest_.size() == other.rest_.size(); }

   private:
    friend class MechTypeList;
    explicit Iterator(ByteView elements) : rest_(elements) {}
    ByteView rest_;  // none at the end
  };

  Iterator begin() const;
  Iterator end() const { return Iterator(); }
  bool empty() const { return der_.empty(); }  // there is no list
  size_t size() const { return static_cast<size_t>(std::distance(begin(), end())); }

  // der is the SEQUENCE with its header and without the [0] around it: what a mechListMIC is made
  // over (RFC 4178 5).
  ByteView der() const { return der_; }

  bool operator==(const MechTypeList& other) const { return der_ == other.der_; }

 private:
  ByteView der_;
};

// RFC 4178 4.2.1, from the initiator, inside the frame of RFC 2743 3.1.
struct NegTokenInit {
  MechTypeList mech_types;  // [0]
  // [1]: the contents octets of a BIT STRING left over from RFC 2478; read and ignored
  std::optional<ByteView> req_flags;
  std::optional<ByteView> mech_token;     // [2]: the optimistic token of the first mechanism
  std::optional<ByteView> mech_list_mic;  // [3]

  bool operator==(const NegTokenInit&) const = default;
};

// [MS-SPNG] 2.2.1. Neither field is of any use: hintName is "not_defined_in_RFC4178@please_ignore".
struct NegHints {
  std::optional<std::string_view> hint_name;  // [0]
  std::optional<ByteView> hint_address;       // [1]

  bool operator==(const NegHints&) const = default;
};

// [MS-SPNG] 2.2.1, from the acceptor, where it speaks first. [3] holds a SEQUENCE here and an OCTET
// STRING in NegTokenInit, which is how the two are told apart; mech_list_mic is [4], and mech_types may be
// empty.
struct NegTokenInit2 : NegTokenInit {
  std::optional<NegHints> neg_hints;  // [3]

  bool operator==(const NegTokenInit2&) const = default;
};

enum class NegState : uint8_t {
  kAcceptCompleted = 0,
  kAcceptIncomplete = 1,
  kReject = 2,
  kRequestMic = 3,  // only in the acceptor's first reply
};
const char* name(NegState state);  // "accept-completed" and so on, as RFC 4178 4.2.2 spells them

// RFC 4178 4.2.2, from both sides, without a frame.
struct NegTokenResp {
  std::optional<NegState> neg_state;        // [0]; required in the acceptor's first reply
  std::optional<asn1::Oid> supported_mech;  // [1]; only in that first reply
  std::optional<ByteView> response_token;   // [2]
  std::optional<ByteView> mech_list_mic;    // [3]

  bool operator==(const NegTokenResp&) const = default;
};

// Each takes a whole token as its place in the exchange has it: the first two inside the frame of
// RFC 2743 3.1, the third bare. `out` is a new one, and means nothing after an error. Errors: kMalformed.
Result<void> parse_neg_token_init(ByteView token, NegTokenInit& out);
Result<void> parse_neg_token_init2(ByteView token, NegTokenInit2& out);
Result<void> parse_neg_token_resp(ByteView token, NegTokenResp& out);
Result<NegTokenInit> parse_neg_token_init(ByteView token);
Result<NegTokenInit2> parse_neg_token_init2(ByteView token);
Result<NegTokenResp> parse_neg_token_resp(ByteView token);

// encode writes a token with one allocation; encode_to replaces the contents of `out`, and
// allocates only where its capacity does not suffice. Errors: kApiMisuse (longer than 2 GiB),
// kNoMemory.
Result<Bytes> encode(const NegTokenInit&);
Result<Bytes> encode(const NegTokenInit2&);
Result<Bytes> encode(const NegTokenResp&);
Result<void> encode_to(const NegTokenInit&, Bytes& out);
Result<void> encode_to(const NegTokenInit2&, Bytes& out);
Result<void> encode_to(const NegTokenResp&, Bytes& out);

// AnyToken is a token out of its exchange, for those who look at tokens: framed or bare.
struct AnyToken {
  bool framed = false;  // by RFC 2743 3.1
  std::variant<NegTokenInit, NegTokenInit2, NegTokenResp> token;

  bool operator==(const AnyToken&) const = default;
};
Result<AnyToken> parse_any_token(ByteView token);
Result<Bytes> encode(const AnyToken&);

// is_framed: `token` stands in SPNEGO's own frame, whatever is in it.
bool is_framed(ByteView token);

// find_field returns the element [number] of a token that parses, its explicit tag included, with
// its offset from the start of the token; nothing where the token does not have it.
std::optional<asn1::Reader::Element> find_field(ByteView token, uint8_t number);

}  // namespace pocketgss::mechs::spnego

#endif  // PGSS_MECHS_SPNEGO_TOKEN_H_
