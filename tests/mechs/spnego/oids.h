// OIDs for fake mechanisms.
#ifndef PGSS_TESTS_MECHS_SPNEGO_OIDS_H_
#define PGSS_TESTS_MECHS_SPNEGO_OIDS_H_

#include "asn1/oid.h"

namespace pocketgss::testing {

inline constexpr uint8_t kFirstDer[] = {0x2a, 0x01};    // 1.2.1
inline constexpr uint8_t kSecondDer[] = {0x2a, 0x02};   // 1.2.2
inline constexpr uint8_t kLegacyDer[] = {0x2a, 0x03};   // 1.2.3, an alias of the first
inline constexpr uint8_t kUnknownDer[] = {0x2a, 0x04};  // 1.2.4
inline constexpr asn1::Oid kFirstOid{ByteView(kFirstDer)};
inline constexpr asn1::Oid kSecondOid{ByteView(kSecondDer)};
inline constexpr asn1::Oid kLegacyOid{ByteView(kLegacyDer)};
inline constexpr asn1::Oid kUnknownOid{ByteView(kUnknownDer)};

}  // namespace pocketgss::testing

#endif  // PGSS_TESTS_MECHS_SPNEGO_OIDS_H_
