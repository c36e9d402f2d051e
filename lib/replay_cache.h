// ReplayCache: the authenticators that this program's acceptors have taken (policy row P17).
#ifndef PGSS_LIB_REPLAY_CACHE_H_
#define PGSS_LIB_REPLAY_CACHE_H_

#include <pocketgss/context.h>

#include <limits>
#include <mutex>
#include <vector>

#include "mechs/krb5/replay_cache.h"

namespace pocketgss {

// ReplayCache keeps tags in the order in which they came, for twice the skew each, which is as long
// as an authenticator can be taken. All memory is taken at the start: 40 bytes a tag.
class ReplayCache final : public mechs::krb5::ReplayCache {
 public:
  static constexpr size_t kMaxCapacity = size_t{1} << 24;
  static constexpr UnixMicros kNothingEarlier = std::numeric_limits<UnixMicros>::min();

  // `started` is when no authenticator had been seen by this object, though perhaps by one before
  // it; kNothingEarlier where there was none. `capacity` is at least 1.
  ReplayCache(UnixMicros started, size_t capacity);

  Verdict add(const mechs::krb5::AuthenticatorTag&, UnixMicros ctime, UnixMicros now,
              UnixMicros skew) override;

 private:
  using Tag = mechs::krb5::AuthenticatorTag;
  struct Entry {
    Tag tag{};
    UnixMicros until = 0;
  };

  // The index is a hash table with linear probing; 0 is empty, else the entry's place plus 1.
  size_t home(const Tag&) const;
  size_t find(const Tag&) const;  // where it is, or the empty place where it belongs
  void erase(const Tag&);
  void forget_expired(UnixMicros now);

  std::mutex mutex_;
  UnixMicros started_;
  std::vector<Entry> entries_;  // a ring
  size_t oldest_ = 0, count_ = 0;
  std::vector<uint32_t> index_;  // a power of two, more than twice the capacity
};

}  // namespace pocketgss

#endif  // PGSS_LIB_REPLAY_CACHE_H_
