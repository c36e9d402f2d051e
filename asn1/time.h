// KerberosTime: the one form of GeneralizedTime that Kerberos has, as 64-bit seconds.
#ifndef PGSS_ASN1_TIME_H_
#define PGSS_ASN1_TIME_H_

#include <pocketgss/bytes.h>
#include <pocketgss/result.h>

#include <compare>
#include <string>

#include "asn1/reader.h"
#include "asn1/writer.h"

namespace pocketgss::asn1 {

// KerberosTime is seconds since 1970-01-01T00:00:00Z without leap seconds, in the years 0 to 9999.
// RFC 4120 5.2.3:
//   KerberosTime ::= GeneralizedTime -- with no fractional seconds
// so that the wire has exactly the 15 octets "YYYYMMDDHHMMSSZ".
struct KerberosTime {
  int64_t seconds = 0;

  constexpr auto operator<=>(const KerberosTime&) const = default;
};

inline constexpr size_t kKerberosTimeSize = 15;
inline constexpr KerberosTime kMinKerberosTime{-62167219200};  // 0000-01-01T00:00:00Z
inline constexpr KerberosTime kMaxKerberosTime{253402300799};  // 9999-12-31T23:59:59Z

// kerberos_time consumes a GeneralizedTime. Refused, at the octet that is wrong: any other form (a
// fraction, no Z, no seconds, an offset), a month, day, hour, minute or second that does not exist;
// second 60 is one of those. Errors: kMalformed.
Result<KerberosTime> kerberos_time(Reader&, const char* field);

// write appends a GeneralizedTime; one outside of the years 0 to 9999 is written as the nearest
// that can be.
void write(Writer&, KerberosTime);

// iso_text returns such as "2026-11-23T21:48:45Z".
std::string iso_text(KerberosTime);

}  // namespace pocketgss::asn1

#endif  // PGSS_ASN1_TIME_H_
