// What keeps an acceptor from taking the same authenticator twice (policy row P17).
#ifndef PGSS_MECHS_KRB5_REPLAY_CACHE_H_
#define PGSS_MECHS_KRB5_REPLAY_CACHE_H_

#include <pocketgss/bytes.h>
#include <pocketgss/env.h>

namespace pocketgss::mechs::krb5 {

// AuthenticatorTag names an authenticator: a hash of its ciphertext, which no two have alike.
using AuthenticatorTag = FixedBytes<16>;

// ReplayCache keeps the tags of authenticators for as long as they would be taken. Safe to call
// from several threads; its calls do not throw.
class ReplayCache {
 public:
  enum class Verdict : uint8_t {
    kNew,      // not seen before; it is kept
    kReplay,   // seen before
    kUnknown,  // it cannot be told: it may have come before the cache was there, or there was no
               // room. It is kept as far as there is room.
  };

  virtual ~ReplayCache() = default;
  // add: `ctime` is the authenticator's time, which differs from the acceptor's by `skew` at most.
  virtual Verdict add(const AuthenticatorTag&, UnixMicros ctime, UnixMicros skew) = 0;
};

}  // namespace pocketgss::mechs::krb5

#endif  // PGSS_MECHS_KRB5_REPLAY_CACHE_H_
