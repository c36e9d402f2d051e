// A bounded set of challenges behind a mutex.
#include "lib/reflection_guard.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include "base/guard.h"

namespace pocketgss {

ReflectionGuard::Challenge* ReflectionGuard::find(FixedView<8> challenge) {
  Challenge* each = open_.data();
  for (const Challenge* const end = each + count_; each != end; ++each) {
    if (ByteView(*each) == challenge) return each;
  }
  return nullptr;
}

// They stand in the order in which they came, so that the oldest is what a full guard forgets.
void ReflectionGuard::add(FixedView<8> challenge) {
  const std::scoped_lock lock(mutex_);
  if (count_ == kCapacity) erase(open_.data());
  std::memcpy(&open_[count_++], challenge.data(), sizeof(Challenge));
}

void ReflectionGuard::remove(FixedView<8> challenge) {
  const std::scoped_lock lock(mutex_);
  Challenge* const found = find(challenge);
  if (found != nullptr) erase(found);
}

void ReflectionGuard::erase(Challenge* challenge) {
  std::copy(challenge + 1, open_.data() + count_, challenge);
  --count_;
}

bool ReflectionGuard::contains(FixedView<8> challenge) {
  const std::scoped_lock lock(mutex_);
  return find(challenge) != nullptr;
}

std::shared_ptr<ReflectionGuard> make_reflection_guard() {
  return std::make_shared<ReflectionGuard>();
}

Result<std::shared_ptr<ReflectionGuard>> try_make_reflection_guard() {
  return guarded("reflection guard", []() -> Result<std::shared_ptr<ReflectionGuard>> {
    return make_reflection_guard();
  });
}

}  // namespace pocketgss
