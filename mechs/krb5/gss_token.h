// The tokens that establish a context (RFC 4121 4.1): their frame, and what the authenticator's
// checksum says to the acceptor.
#ifndef PGSS_MECHS_KRB5_GSS_TOKEN_H_
#define PGSS_MECHS_KRB5_GSS_TOKEN_H_

#include "mechs/channel_binding.h"
#include "mechs/gss_token.h"

namespace pocketgss::mechs::krb5 {

// TOK_ID (RFC 4121 4.1): the first two octets of the innerToken.
enum class TokenId : uint16_t { kApReq = 0x0100, kApRep = 0x0200, kKrbError = 0x0300 };

// ContextToken is an innerToken: TOK_ID, then the Kerberos message.
struct ContextToken {
  TokenId id = TokenId::kApReq;
  ByteView message;             // borrows
  uint32_t message_offset = 0;  // from the start of the token
  asn1::Oid mech;               // under which OID it came: Kerberos', or Microsoft's for the same

  bool operator==(const ContextToken&) const = default;
};

// parse_context_token takes a token in its frame (RFC 2743 3.1); unframed ones are refused, though
// MIT takes some (quirk B26). Errors: kMalformed; kPeerMisbehaved where the OID is another
// mechanism's, or TOK_ID is none of the above.
Result<ContextToken> parse_context_token(ByteView token);

// encode writes the frame under Kerberos' own OID, or what `mech` says; `message_offset` is not
// looked at. Errors: as encode(InitialContextToken).
Result<Bytes> encode(const ContextToken&);

// recognises: the token begins as one of this mechanism does, whichever of the two OIDs it has
// (quirk A23).
bool recognises(ByteView first_token);

// GssChecksum is what a Checksum of type 0x8003 holds (RFC 4121 4.1.1), little-endian:
//   [0-3] Lgth 16  [4-19] Bnd  [20-23] Flags
//   where GSS_C_DELEG_FLAG is set: [24-25] DlgOpt 1  [26-27] Dlgth  [28-] Deleg, a KRB-CRED
//   then extensions, which have no meaning yet
struct GssChecksum {
  ChannelBindingHash bindings{};  // all zeros: none
  uint32_t flags = 0;             // gss_flag::..., and others that we do not know

  bool has_bindings() const { return bindings != ChannelBindingHash{}; }
  bool operator==(const GssChecksum&) const = default;
};
inline constexpr size_t kGssChecksumSize = 24;

// Bits of Flags that are not in ContextFlags (RFC 4121 4.1.1.1; [MS-KILE] 3.2.5.8).
namespace gss_flag {
inline constexpr uint32_t kDelegation = 0x1;
inline constexpr uint32_t kDceStyle = 0x1000;
}  // namespace gss_flag

// parse_gss_checksum drops forwarded credentials unparsed (policy row P12). Errors: kMalformed with
// the field.
Result<GssChecksum> parse_gss_checksum(ByteView checksum);
FixedBytes<kGssChecksumSize> encode(const GssChecksum&);

}  // namespace pocketgss::mechs::krb5

#endif  // PGSS_MECHS_KRB5_GSS_TOKEN_H_
