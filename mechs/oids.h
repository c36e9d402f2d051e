// Object identifiers of the mechanisms, as DER contents octets.
#ifndef PGSS_MECHS_OIDS_H_
#define PGSS_MECHS_OIDS_H_

#include <array>
#include <cstdint>

#include "asn1/oid.h"

namespace pocketgss::mechs {

// 1.3.6.1.5.5.2, SPNEGO (RFC 4178 3).
inline constexpr std::array<uint8_t, 6> kSpnegoDer = {0x2b, 0x06, 0x01, 0x05, 0x05, 0x02};
// 1.3.6.1.4.1.311.2.2.10, NTLM ([MS-NLMP], [MS-SPNG] 1.9).
inline constexpr std::array<uint8_t, 10> kNtlmDer = {0x2b, 0x06, 0x01, 0x04, 0x01,
                                                     0x82, 0x37, 0x02, 0x02, 0x0a};
// 1.2.840.113554.1.2.2, Kerberos 5 (RFC 4121 1).
inline constexpr std::array<uint8_t, 9> kKerberosDer = {0x2a, 0x86, 0x48, 0x86, 0xf7,
                                                        0x12, 0x01, 0x02, 0x02};
// 1.2.840.48018.1.2.2, Kerberos 5 as Microsoft first encoded it ([MS-SPNG] 1.9).
inline constexpr std::array<uint8_t, 9> kMicrosoftKerberosDer = {0x2a, 0x86, 0x48, 0x82, 0xf7,
                                                                 0x12, 0x01, 0x02, 0x02};

inline constexpr asn1::Oid kSpnegoOid{ByteView(kSpnegoDer)};
inline constexpr asn1::Oid kNtlmOid{ByteView(kNtlmDer)};
inline constexpr asn1::Oid kKerberosOid{ByteView(kKerberosDer)};
inline constexpr asn1::Oid kMicrosoftKerberosOid{ByteView(kMicrosoftKerberosDer)};

}  // namespace pocketgss::mechs

#endif  // PGSS_MECHS_OIDS_H_
