// Whether another mechanism may take the place of one that could not begin.
#ifndef PGSS_MECHS_FALL_BACK_H_
#define PGSS_MECHS_FALL_BACK_H_

#include <pocketgss/error.h>

namespace pocketgss::mechs {

// can_fall_back (policy row P8): the mechanism cannot be used at all, rather than that somebody refused
// the user, sent what is wrong, or is refused by the policy; and nothing was proven to anybody. It is
// what may_fall_back() tells the caller.
constexpr bool can_fall_back(Errc code, bool proof_sent) {
  const bool unusable = code == Errc::kUnreachable || code == Errc::kPeerIncompatible ||
                        code == Errc::kNeedsCredential;
  return unusable && !proof_sent;
}

}  // namespace pocketgss::mechs

#endif  // PGSS_MECHS_FALL_BACK_H_
