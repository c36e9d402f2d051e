// ReflectionGuard: the challenges that this program's acceptors have open (policy row P19).
#ifndef PGSS_LIB_REFLECTION_GUARD_H_
#define PGSS_LIB_REFLECTION_GUARD_H_

#include <pocketgss/context.h>

#include <array>

#include "base/mutex.h"
#include "mechs/ntlm/challenge_guard.h"

namespace pocketgss {

// ReflectionGuard has room for kCapacity challenges, all of it taken at the start, so that nothing
// can fail later. When it is full the oldest is forgotten: that many acceptors that wait are beyond
// the limits of any server of ours.
class ReflectionGuard final : public mechs::ntlm::ChallengeGuard {
 public:
  static constexpr size_t kCapacity = 4096;

  void add(FixedView<8> challenge) override;
  void remove(FixedView<8> challenge) override;
  bool contains(FixedView<8> challenge) override;

 private:
  using Challenge = FixedBytes<8>;
  // Both with the mutex held.
  Challenge* find(FixedView<8> challenge);  // or null
  void erase(Challenge* challenge);

  Mutex mutex_;
  std::array<Challenge, kCapacity> open_{};  // the oldest first
  size_t count_ = 0;
};

}  // namespace pocketgss

#endif  // PGSS_LIB_REFLECTION_GUARD_H_
