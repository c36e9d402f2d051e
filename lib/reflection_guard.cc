// A bounded set of challenges behind a mutex.
#include "lib/reflection_guard.h"

#include <algorithm>
#include <memory>

namespace pocketgss {

ReflectionGuard::Challenge* ReflectionGuard::find(FixedView<8> challenge) {
  Challenge* const end = open_.data() + count_;
  Challenge* const found = std::find_if(open_.data(), end, [&](const Challenge& c) {
    return std::equal(c.begin(), c.end(), challenge.begin());
  });
  return found == end ? nullptr : found;
}

void ReflectionGuard::add(FixedView<8> challenge) {
  const std::scoped_lock lock(mutex_);
  size_t slot = count_;
  if (count_ < kCapacity) {
    ++count_;
  } else {
    slot = next_reused_;
    next_reused_ = (next_reused_ + 1) % kCapacity;
  }
  std::copy(challenge.begin(), challenge.end(), open_[slot].begin());
}

void ReflectionGuard::remove(FixedView<8> challenge) {
  const std::scoped_lock lock(mutex_);
  Challenge* const found = find(challenge);
  if (found != nullptr) *found = open_[--count_];
}

bool ReflectionGuard::contains(FixedView<8> challenge) {
  const std::scoped_lock lock(mutex_);
  return find(challenge) != nullptr;
}

std::shared_ptr<ReflectionGuard> make_reflection_guard() {
  return std::make_shared<ReflectionGuard>();
}

}  // namespace pocketgss
