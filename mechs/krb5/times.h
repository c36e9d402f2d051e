// Our microseconds and Kerberos' seconds.
#ifndef PGSS_MECHS_KRB5_TIMES_H_
#define PGSS_MECHS_KRB5_TIMES_H_

#include <pocketgss/env.h>

#include "asn1/time.h"
#include "mechs/krb5/types.h"

namespace pocketgss::mechs::krb5 {

inline constexpr UnixMicros kSecond = 1'000'000;
// RFC 4120 1.6, 3.1.3, 5.4.1: how far apart clocks may be, as everyone has it.
inline constexpr UnixMicros kMaxSkew = 300 * kSecond;

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

}  // namespace pocketgss::mechs::krb5

#endif  // PGSS_MECHS_KRB5_TIMES_H_
