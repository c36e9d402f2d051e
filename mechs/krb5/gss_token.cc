// Reads and writes the tokens that establish a context.
#include "mechs/krb5/gss_token.h"

#include "asn1/writer.h"
#include "base/cursor.h"
#include "mechs/oids.h"

namespace pocketgss::mechs::krb5 {
namespace {

constexpr size_t kTokenIdSize = 2;
constexpr uint16_t kDelegationOption = 1;  // DlgOpt

bool is_ours(asn1::Oid mech) {
  return mech == kKerberosOid || mech == kMicrosoftKerberosOid;
}

}  // namespace

Result<ContextToken> parse_context_token(ByteView token) {
  PGSS_TRY(const InitialContextToken frame, parse_initial_context_token(token));
  if (!is_ours(frame.this_mech)) {
    return Error{Errc::kPeerMisbehaved, "InitialContextToken.thisMech", 0, 0};
  }
  ByteReader inner(frame.inner_token, frame.inner_token_offset);
  PGSS_TRY(const uint16_t id, inner.u16be("TOK_ID"));
  switch (static_cast<TokenId>(id)) {
    case TokenId::kApReq:
    case TokenId::kApRep:
    case TokenId::kKrbError:
      return ContextToken{static_cast<TokenId>(id), inner.rest(), inner.offset(), frame.this_mech};
  }
  return Error{Errc::kPeerMisbehaved, "TOK_ID", frame.inner_token_offset, 0};
}

Result<Bytes> encode(const ContextToken& token) {
  constexpr size_t kHeaders = 16;  // two tags and two lengths, at most
  const asn1::Oid mech = token.mech.der.empty() ? kKerberosOid : token.mech;
  const auto number = static_cast<uint16_t>(token.id);
  const FixedBytes<kTokenIdSize> id = {static_cast<uint8_t>(number >> 8),
                                       static_cast<uint8_t>(number & 0xff)};
  asn1::Writer out(kHeaders + mech.der.size() + id.size() + token.message.size());
  out.nest(kInitialContextTag, [&](asn1::Writer& frame) {
    frame.oid(mech);
    frame.raw(ByteView(id.data(), id.size()));
    frame.raw(token.message);
  });
  return std::move(out).take();
}

bool recognises(ByteView first_token) {
  const auto frame = parse_initial_context_token(first_token);
  return frame.has_value() && is_ours(frame.value().this_mech);
}

// RFC 4121 4.1.1: "the checksum MUST be at least 24 octets". With another flag than delegation,
// what follows is extensions.
Result<GssChecksum> parse_gss_checksum(ByteView checksum) {
  ByteReader in(checksum);
  GssChecksum out;
  PGSS_TRY(const uint32_t size, in.u32le("Authenticator.cksum.Lgth"));
  if (size != out.bindings.size()) {
    return Error{Errc::kMalformed, "Authenticator.cksum.Lgth", 0, 0};
  }
  PGSS_TRY(const ByteView bindings, in.bytes(out.bindings.size(), "Authenticator.cksum.Bnd"));
  std::copy(bindings.begin(), bindings.end(), out.bindings.begin());
  PGSS_TRY(out.flags, in.u32le("Authenticator.cksum.Flags"));
  if ((out.flags & gss_flag::kDelegation) != 0) {
    PGSS_TRY(const uint16_t option, in.u16le("Authenticator.cksum.DlgOpt"));
    if (option != kDelegationOption) {
      return Error{Errc::kMalformed, "Authenticator.cksum.DlgOpt", kGssChecksumSize, 0};
    }
    PGSS_TRY(const uint16_t length, in.u16le("Authenticator.cksum.Dlgth"));
    PGSS_CHECK(in.bytes(length, "Authenticator.cksum.Deleg"));
  }
  return out;
}

FixedBytes<kGssChecksumSize> encode(const GssChecksum& checksum) {
  FixedBytes<kGssChecksumSize> out{};
  store_u32le(out.data(), static_cast<uint32_t>(checksum.bindings.size()));
  std::copy(checksum.bindings.begin(), checksum.bindings.end(), out.begin() + 4);
  store_u32le(out.data() + 20, checksum.flags);
  return out;
}

}  // namespace pocketgss::mechs::krb5
