// A bounded set of tags that forgets them in the order of their coming.
#include "lib/replay_cache.h"

#include <algorithm>
#include <bit>

#include "base/cursor.h"
#include "base/guard.h"

namespace pocketgss {

ReplayCache::ReplayCache(UnixMicros started, size_t capacity)
    : started_(started), entries_(capacity), index_(std::bit_ceil(2 * capacity + 1)) {}

ReplayCache::Verdict ReplayCache::add(const Tag& tag, UnixMicros ctime, UnixMicros now,
                                      UnixMicros skew) {
  const std::scoped_lock lock(mutex_);
  forget_expired(now);
  const size_t place = find(tag);
  if (index_[place] != 0) return Verdict::kReplay;
  if (count_ == entries_.size()) return Verdict::kUnknown;
  const size_t slot = (oldest_ + count_) % entries_.size();
  entries_[slot] = {tag, now + 2 * skew};
  ++count_;
  index_[place] = static_cast<uint32_t>(slot) + 1;
  // RFC 4120 3.2.3: what was sent before the cache was there may have been taken then; the client's
  // clock may be ahead by the skew.
  return ctime <= started_ + skew ? Verdict::kUnknown : Verdict::kNew;
}

// Tags are hashes already.
size_t ReplayCache::home(const Tag& tag) const {
  return load_u32le(tag.data()) & (index_.size() - 1);
}

size_t ReplayCache::find(const Tag& tag) const {
  size_t at = home(tag);
  while (index_[at] != 0 && entries_[index_[at] - 1].tag != tag)
    at = (at + 1) & (index_.size() - 1);
  return at;
}

// erase closes the gap, so that no search ends too early: what stands behind it moves up unless it
// is between its home and itself already.
void ReplayCache::erase(const Tag& tag) {
  const size_t mask = index_.size() - 1;
  size_t gap = find(tag);
  for (size_t at = (gap + 1) & mask; index_[at] != 0; at = (at + 1) & mask) {
    const size_t from_home = (at - home(entries_[index_[at] - 1].tag)) & mask;
    if (from_home >= ((at - gap) & mask)) {
      index_[gap] = index_[at];
      gap = at;
    }
  }
  index_[gap] = 0;
}

void ReplayCache::forget_expired(UnixMicros now) {
  while (count_ > 0 && entries_[oldest_].until < now) {
    erase(entries_[oldest_].tag);
    oldest_ = (oldest_ + 1) % entries_.size();
    --count_;
  }
}

Result<std::shared_ptr<ReplayCache>> make_replay_cache(Clock& clock, size_t capacity,
                                                       EarlierLogins earlier) {
  if (capacity == 0 || capacity > ReplayCache::kMaxCapacity) {
    return Error{Errc::kApiMisuse, "make_replay_cache: capacity", 0, 0};
  }
  return guarded("make_replay_cache", [&]() -> Result<std::shared_ptr<ReplayCache>> {
    const bool none = earlier == EarlierLogins::kNone;
    return std::make_shared<ReplayCache>(none ? ReplayCache::kNothingEarlier : clock.now(),
                                         capacity);
  });
}

}  // namespace pocketgss
