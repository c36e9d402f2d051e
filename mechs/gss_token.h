// The framing of a mechanism's first token (RFC 2743 3.1): which mechanism, then its own bytes.
#ifndef PGSS_MECHS_GSS_TOKEN_H_
#define PGSS_MECHS_GSS_TOKEN_H_

#include <pocketgss/bytes.h>
#include <pocketgss/result.h>

#include "asn1/oid.h"
#include "asn1/tag.h"

namespace pocketgss::mechs {

// RFC 2743 3.1:
//   InitialContextToken ::= [APPLICATION 0] IMPLICIT SEQUENCE {
//       thisMech MechType,
//       innerToken ANY DEFINED BY thisMech }
struct InitialContextToken {
  asn1::Oid this_mech;
  ByteView inner_token;             // borrows; any bytes, none included
  uint32_t inner_token_offset = 0;  // from the start of the token

  bool operator==(const InitialContextToken&) const = default;
};

inline constexpr asn1::Tag kInitialContextTag = asn1::application(0);

// parse_initial_context_token borrows from `token`. Nothing may follow the frame.
// Errors: kMalformed.
Result<InitialContextToken> parse_initial_context_token(ByteView token);

// encode writes the frame; `inner_token_offset` is not looked at. Errors: kApiMisuse (too long),
// kNoMemory.
Result<Bytes> encode(const InitialContextToken&);

}  // namespace pocketgss::mechs

#endif  // PGSS_MECHS_GSS_TOKEN_H_
