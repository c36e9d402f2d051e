// ReplayCache: the authenticators that this program's acceptors have taken (policy row P17).
#ifndef PGSS_LIB_REPLAY_CACHE_H_
#define PGSS_LIB_REPLAY_CACHE_H_

#include <pocketgss/context.h>

#include <array>
#include <limits>
#include <vector>

#include "base/mutex.h"
#include "mechs/krb5/replay_cache.h"

namespace pocketgss {

// ReplayCache keeps tags in the order in which they came, for twice the skew each, which is as long
// as an authenticator can be taken. All memory is taken at the start: 40 bytes a tag.
//
// The time of day may be set meanwhile: first of all on a device that starts without one. What
// lasts is measured by Clock::steady(). Where the clock was set back it shows times again at which
// authenticators were taken that are forgotten by now: of those times nothing can be told.
class ReplayCache final : public mechs::krb5::ReplayCache {
 public:
  static constexpr size_t kMaxCapacity = size_t{1} << 24;
  static constexpr UnixMicros kNothingEarlier = std::numeric_limits<UnixMicros>::max();

  // `age` is for how long this object has seen all authenticators; kNothingEarlier where there was
  // none before it. `capacity` is at least 1. The clock outlives the cache.
  ReplayCache(Clock& clock, size_t capacity, UnixMicros age = 0);

  Verdict add(const mechs::krb5::AuthenticatorTag&, UnixMicros ctime, UnixMicros skew) override;

 private:
  using Tag = mechs::krb5::AuthenticatorTag;
  struct Entry {
    Tag tag{};
    UnixMicros until = 0;  // of steady()
  };

  // The index is a hash table with linear probing; 0 is empty, else the entry's place plus 1.
  size_t home(const Tag&) const;
  size_t find(const Tag&) const;  // where it is, or the empty place where it belongs
  void erase(const Tag&);
  void forget_expired(UnixMicros steady);
  void look_at_the_clock(UnixMicros now, UnixMicros steady);
  void end_run(UnixMicros to);
  bool shown_before(UnixMicros ctime, UnixMicros skew) const;

  // Run is a time of day at which nobody set the clock; both ends as it showed them.
  struct Run {
    UnixMicros from = 0, to = 0;
  };
  static constexpr size_t kMaxRuns = 8;

  Clock& clock_;
  Mutex mutex_;
  bool nothing_earlier_;
  UnixMicros began_;                // of steady()
  UnixMicros offset_;               // of now() against steady()
  UnixMicros began_at_;             // what the clock showed then
  UnixMicros run_from_;             // of the run that lasts
  std::array<Run, kMaxRuns> runs_;  // those that ended
  size_t run_count_ = 0;
  size_t shown_again_ = 0;      // how many of them ended before the clock was last set back
  std::vector<Entry> entries_;  // a ring
  size_t oldest_ = 0, count_ = 0;
  // Of what came while it was full nothing is known but the latest of its times.
  UnixMicros not_kept_ = 0;
  UnixMicros not_kept_until_ = std::numeric_limits<UnixMicros>::min();  // of steady()
  std::vector<uint32_t> index_;  // a power of two, more than twice the capacity
};

}  // namespace pocketgss

#endif  // PGSS_LIB_REPLAY_CACHE_H_
