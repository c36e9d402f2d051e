// What the client of a KDC permits, offers and believes.
#ifndef PGSS_MECHS_KRB5_KDC_POLICY_H_
#define PGSS_MECHS_KRB5_KDC_POLICY_H_

#include <vector>

#include "mechs/krb5/iana.h"
#include "mechs/krb5/times.h"

namespace pocketgss::mechs::krb5 {

// A reply of more octets is refused unread.
inline constexpr size_t kMaxKdcReply = size_t{256} << 10;
// Requests of one AS exchange, and realms that the client or the service may be passed on to.
inline constexpr size_t kMaxRounds = 16;
inline constexpr size_t kMaxReferrals = 10;
inline constexpr size_t kMaxSalt = 1024;
inline constexpr size_t kMaxPassword = 1024;

// KdcPolicy outlives the exchanges that read it.
struct KdcPolicy {
  // P10: what is offered, preferred first. Etype 23 is for KDCs that have nothing better.
  std::vector<Etype> etypes = {Etype::kAes256CtsHmacSha1, Etype::kAes128CtsHmacSha1,
                               Etype::kAes256CtsHmacSha384, Etype::kAes128CtsHmacSha256};

  // The most iterations of PBKDF2 that a KDC may ask for (row KRC-5). The least is that of the
  // etype: 4,096 (17, 18) or 32,768 (19, 20).
  uint32_t max_iterations = uint32_t{1} << 20;

  // P15: without a pre-authentication that cannot be guessed at, send nothing of the password.
  bool require_strong_preauth = false;

  // P16: how much the clock may be corrected by what a KDC says; 0: not at all.
  UnixMicros max_clock_correction = 24 * 3600 * kSecond;
  // A clock before `clock_floor`, when this program was not yet written, is one that was never set:
  // it may be corrected by any amount, to a time after it.
  UnixMicros clock_floor = 1'793'491'200 * kSecond;  // 2026-11-01

  // How long a ticket shall last, in microseconds; 0: as long as the realm allows, which also is
  // right where the clock is not yet.
  UnixMicros ticket_lifetime = 0;
};

// A clock that is off by less is left alone: nobody refuses it, and what a KRB-ERROR says need not
// be believed.
inline constexpr UnixMicros kNegligibleSkew = 60 * kSecond;

// may_correct says whether a clock that shows `local` may be taken to mean `other` (policy row P16).
constexpr bool may_correct(const KdcPolicy& policy, UnixMicros local, UnixMicros other) {
  if (local < policy.clock_floor && other >= policy.clock_floor) return true;
  return distance(local, other) <= policy.max_clock_correction;
}

}  // namespace pocketgss::mechs::krb5

#endif  // PGSS_MECHS_KRB5_KDC_POLICY_H_
