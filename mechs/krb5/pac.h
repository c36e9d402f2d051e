// The PAC of [MS-PAC]: which buffers it has, where its signatures are, and whom it is about.
#ifndef PGSS_MECHS_KRB5_PAC_H_
#define PGSS_MECHS_KRB5_PAC_H_

#include "mechs/krb5/types.h"

namespace pocketgss::mechs::krb5 {

// [MS-PAC] 2.4, ulType
enum class PacBufferType : uint32_t {
  kLogonInfo = 1,
  kCredentialsInfo = 2,
  kServerChecksum = 6,
  kKdcChecksum = 7,
  kClientInfo = 10,
  kDelegationInfo = 11,
  kUpnDnsInfo = 12,
  kClientClaimsInfo = 13,
  kDeviceInfo = 14,
  kDeviceClaimsInfo = 15,
  kTicketChecksum = 16,
  kAttributesInfo = 17,
  kRequestor = 18,
  kExtendedKdcChecksum = 19,
};

// PacBuffer is a PAC_INFO_BUFFER ([MS-PAC] 2.4) whose place has been checked.
struct PacBuffer {
  uint32_t type = 0;    // a PacBufferType, or one that we do not know
  uint32_t offset = 0;  // of `data`, from the start of the PAC
  ByteView data;

  bool operator==(const PacBuffer&) const = default;
};

inline constexpr size_t kMaxPacBuffers = 32;

// Pac borrows the octets of a PACTYPE ([MS-PAC] 2.3): [0-3] cBuffers, [4-7] Version, then the
// buffers' table. parse has checked that each buffer lies behind the table and inside the octets.
class Pac {
 public:
  // Errors: kMalformed, at the number that is wrong.
  static Result<Pac> parse(ByteView octets);

  ByteView octets() const { return octets_; }
  size_t size() const { return count_; }
  PacBuffer operator[](size_t index) const;
  // find returns the only buffer of that type; nothing where there is none, or more than one, which
  // no KDC sends and which would leave open what was signed.
  std::optional<PacBuffer> find(PacBufferType) const;

 private:
  ByteView octets_;
  uint32_t count_ = 0;
};

// PAC_SIGNATURE_DATA ([MS-PAC] 2.8): [0-3] SignatureType, then Signature, then, from a read-only
// domain controller, [2 octets] RODCIdentifier.
struct PacSignature {
  int32_t signature_type = 0;     // a checksum type
  uint32_t signature_offset = 0;  // of `signature`, from the start of the PAC: what a verifier has
  ByteView signature;             // to take for zeros
  std::optional<uint16_t> rodc_identifier;

  bool operator==(const PacSignature&) const = default;
};
// Errors: kMalformed, for a checksum type of unknown size too: without its size it cannot be
// zeroed.
Result<PacSignature> parse_pac_signature(const PacBuffer&);

// Names in a PAC are UTF-16LE, borrowed as they are; base/utf16.h reads them.

// PAC_CLIENT_INFO ([MS-PAC] 2.7)
struct PacClientInfo {
  uint64_t client_id = 0;  // a FILETIME: the ticket's authtime
  ByteView name;

  bool operator==(const PacClientInfo&) const = default;
};
Result<PacClientInfo> parse_pac_client_info(const PacBuffer&);

// UPN_DNS_INFO ([MS-PAC] 2.10)
struct UpnDnsInfo {
  ByteView upn, dns_domain_name;
  uint32_t flags = 0;
  ByteView sam_name, sid;  // where flag S (0x2) is set

  bool operator==(const UpnDnsInfo&) const = default;
};
Result<UpnDnsInfo> parse_upn_dns_info(const PacBuffer&);

// The first names of KERB_VALIDATION_INFO ([MS-PAC] 2.5), which is NDR: the account's name and
// that of its domain, as Windows shows them ("DOMAIN\user").
struct LogonInfo {
  ByteView effective_name, logon_domain_name;
  uint32_t user_id = 0;

  bool operator==(const LogonInfo&) const = default;
};
Result<LogonInfo> parse_logon_info(const PacBuffer&);

// find_pac looks for the PAC in the authorization data of a ticket: AD-WIN2K-PAC in AD-IF-RELEVANT
// ([MS-PAC] 3.1, RFC 4120 5.2.6.1). Nothing where there is none. Errors: kMalformed, of the
// containers; also where there are two.
Result<std::optional<ByteView>> find_pac(const AuthorizationData&);

}  // namespace pocketgss::mechs::krb5

#endif  // PGSS_MECHS_KRB5_PAC_H_
