// A bounded set of tags that forgets them in the order of their coming.
#include "lib/replay_cache.h"

#include <algorithm>
#include <bit>
#include <span>

#include "base/any_of.h"
#include "base/cursor.h"
#include "base/guard.h"

namespace pocketgss {

namespace {

// A clock that is kept right by small steps is not one that was set back.
constexpr UnixMicros kSmallStep = 1'000'000;

}  // namespace

ReplayCache::ReplayCache(Clock& clock, size_t capacity, UnixMicros age)
    : clock_(clock),
      nothing_earlier_(age == kNothingEarlier),
      began_(clock.steady() - (nothing_earlier_ ? 0 : age)),
      offset_(clock.now() - clock.steady()),
      began_at_(began_ + offset_),
      run_from_(began_ + offset_),
      entries_(capacity),
      index_(std::bit_ceil(2 * capacity + 1)) {}

ReplayCache::Verdict ReplayCache::add(const Tag& tag, UnixMicros ctime, UnixMicros skew) {
  const std::scoped_lock lock(mutex_);
  const UnixMicros steady = clock_.steady();
  look_at_the_clock(clock_.now(), steady);
  forget_expired(steady);
  const size_t place = find(tag);
  if (index_[place] != 0) return Verdict::kReplay;
  if (count_ == entries_.size()) {
    not_kept_ = steady <= not_kept_until_ ? std::max(not_kept_, ctime) : ctime;
    not_kept_until_ = steady + 2 * skew + kSmallStep;
    return Verdict::kUnknown;
  }
  const size_t slot = (oldest_ + count_) % entries_.size();
  entries_[slot] = {tag, steady + 2 * skew + kSmallStep};
  ++count_;
  index_[place] = static_cast<uint32_t>(slot) + 1;
  if (shown_before(ctime, skew)) return Verdict::kUnknown;
  if (steady <= not_kept_until_ && ctime <= not_kept_) return Verdict::kUnknown;
  if (nothing_earlier_) return Verdict::kNew;
  // RFC 4120 3.2.3: what was sent before the cache was there may have been taken then, by the clock
  // as it was or as it is now; the client's clock may be ahead by the skew.
  const UnixMicros began = std::max(began_at_, began_ + offset_);
  return ctime <= began + skew ? Verdict::kUnknown : Verdict::kNew;
}

// Small steps back are not followed, so that many of them are seen as the large one that they make.
void ReplayCache::look_at_the_clock(UnixMicros now, UnixMicros steady) {
  const UnixMicros offset = now - steady, step = offset - offset_;
  if (step < -kSmallStep || step > kSmallStep) {
    end_run(steady + offset_);
    if (step < 0) shown_again_ = run_count_;
    run_from_ = now;
    offset_ = offset;
  } else if (step > 0) {
    offset_ = offset;
  }
}

// Of many runs the two oldest become one, with what lies between them.
void ReplayCache::end_run(UnixMicros to) {
  if (run_count_ == runs_.size()) {
    runs_[1] = {std::min(runs_[0].from, runs_[1].from), std::max(runs_[0].to, runs_[1].to)};
    std::move(runs_.begin() + 1, runs_.end(), runs_.begin());
    --run_count_;
    if (shown_again_ > 1) --shown_again_;
  }
  runs_[run_count_++] = {run_from_, to};
}

bool ReplayCache::shown_before(UnixMicros ctime, UnixMicros skew) const {
  return any_of(std::span(runs_).first(shown_again_),
                [&](const Run& run) { return run.from - skew <= ctime && ctime <= run.to + skew; });
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

void ReplayCache::forget_expired(UnixMicros steady) {
  while (count_ > 0 && entries_[oldest_].until < steady) {
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
    return std::make_shared<ReplayCache>(clock, capacity, none ? ReplayCache::kNothingEarlier : 0);
  });
}

}  // namespace pocketgss
