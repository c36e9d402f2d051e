// ChallengeGuard: what keeps an initiator from answering a challenge of its own program (policy row
// P19).
#ifndef PGSS_MECHS_NTLM_CHALLENGE_GUARD_H_
#define PGSS_MECHS_NTLM_CHALLENGE_GUARD_H_

#include <pocketgss/bytes.h>

namespace pocketgss::mechs::ntlm {

// ChallengeGuard keeps the ServerChallenges of acceptors that wait, so that an initiator of the
// same program refuses to answer one (reflection, MS08-068). Safe to call from several threads; its
// calls do not throw.
class ChallengeGuard {
 public:
  virtual ~ChallengeGuard() = default;
  virtual void add(FixedView<8> challenge) = 0;
  virtual void remove(FixedView<8> challenge) = 0;
  virtual bool contains(FixedView<8> challenge) = 0;
};

}  // namespace pocketgss::mechs::ntlm

#endif  // PGSS_MECHS_NTLM_CHALLENGE_GUARD_H_
