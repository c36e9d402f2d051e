// Our microseconds and Kerberos' seconds, and how far a KDC's clock is believed.
#ifndef PGSS_MECHS_KRB5_KDC_TIME_H_
#define PGSS_MECHS_KRB5_KDC_TIME_H_

#include <algorithm>

#include "asn1/time.h"
#include "mechs/krb5/kdc_policy.h"
#include "mechs/krb5/types.h"

namespace pocketgss::mechs::krb5 {

// WireTime is one moment as messages have it: KerberosTime and Microseconds.
struct WireTime {
  KerberosTime seconds;
  Microseconds microseconds = 0;
};
constexpr WireTime wire_time(UnixMicros time) {
  const UnixMicros within = (time % kSecond + kSecond) % kSecond;  // also before 1970
  return {KerberosTime{(time - within) / kSecond}, static_cast<Microseconds>(within)};
}
constexpr UnixMicros unix_micros(KerberosTime seconds, Microseconds microseconds = 0) {
  return seconds.seconds * kSecond + microseconds;
}
constexpr UnixMicros distance(UnixMicros a, UnixMicros b) {
  return a < b ? b - a : a - b;
}

// A clock that is off by less is left alone: nobody refuses it, and what a KRB-ERROR says need not
// be believed.
inline constexpr UnixMicros kNegligibleSkew = 60 * kSecond;

// may_correct says whether a clock that shows `local` may be taken to mean `other` (policy row P16).
constexpr bool may_correct(const KdcPolicy& policy, UnixMicros local, UnixMicros other) {
  if (local < policy.clock_floor && other >= policy.clock_floor) return true;
  return distance(local, other) <= policy.max_clock_correction;
}

}  // namespace pocketgss::mechs::krb5

#endif  // PGSS_MECHS_KRB5_KDC_TIME_H_
