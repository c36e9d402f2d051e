// RandomPool: random bytes in advance, where asking the system for each few costs more than what is
// done with them.
#ifndef PGSS_BASE_RANDOM_POOL_H_
#define PGSS_BASE_RANDOM_POOL_H_

#include <pocketgss/env.h>
#include <pocketgss/secret.h>

namespace pocketgss {

// RandomPool takes from its source, which outlives it, 256 bytes at a time. It is for confounders
// of messages. Keys, nonces and challenges come from the source itself: after a fork() two
// processes would go on with the same pool. Bytes that were given away are wiped.
class RandomPool final : public RandomSource {
 public:
  explicit RandomPool(RandomSource& source) : source_(&source) {}

  Result<void> fill(MutableBytes out) override {
    if (out.size() > kLargest) return source_->fill(out);
    if (out.size() > left_) {
      left_ = 0;
      PGSS_CHECK(source_->fill(pool_.mutable_view()));
      left_ = kSize;
    }
    left_ -= out.size();
    const MutableBytes taken = MutableBytes(pool_.mutable_view()).subspan(left_, out.size());
    std::copy(taken.begin(), taken.end(), out.begin());
    secure_wipe(taken);
    return {};
  }

 private:
  static constexpr size_t kSize = 256, kLargest = 32;

  RandomSource* source_;
  size_t left_ = 0;  // at the front
  SecretArray<kSize> pool_;
};

}  // namespace pocketgss

#endif  // PGSS_BASE_RANDOM_POOL_H_
