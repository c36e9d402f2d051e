// Reads and writes the frame of RFC 2743 3.1.
#include "mechs/gss_token.h"

#include "asn1/reader.h"
#include "asn1/writer.h"

namespace pocketgss::mechs {

// RFC 2743 3.1: tag 0x60, the length in the fewest octets, the OID, then what the mechanism
// defines. A length that ends before the token does, or after it, is refused.
Result<InitialContextToken> parse_initial_context_token(ByteView token) {
  asn1::Reader outer(token);
  PGSS_TRY(asn1::Reader frame, outer.enter(kInitialContextTag, "InitialContextToken"));
  PGSS_CHECK(outer.finish("InitialContextToken"));
  PGSS_TRY(const asn1::Oid mech, frame.oid("InitialContextToken.thisMech"));
  return InitialContextToken{mech, frame.rest(), frame.offset()};
}

Result<Bytes> encode(const InitialContextToken& token) {
  constexpr size_t kHeaders = 16;  // two tags and two lengths, at most
  asn1::Writer out(kHeaders + token.this_mech.der.size() + token.inner_token.size());
  out.nest(kInitialContextTag, [&](asn1::Writer& frame) {
    frame.oid(token.this_mech);
    frame.raw(token.inner_token);
  });
  return std::move(out).take();
}

}  // namespace pocketgss::mechs
