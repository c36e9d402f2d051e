// FixedRandom: a random source that gives the bytes of a vector, and fails when asked for more.
#ifndef PGSS_TESTS_SUPPORT_FIXED_RANDOM_H_
#define PGSS_TESTS_SUPPORT_FIXED_RANDOM_H_

#include <pocketgss/env.h>

namespace pocketgss::testing {

class FixedRandom final : public RandomSource {
 public:
  explicit FixedRandom(Bytes pool = {}) : pool_(std::move(pool)) {}

  Result<void> fill(MutableBytes out) override {
    if (out.size() > pool_.size() - used_)
      return Error{Errc::kInternal, "FixedRandom: the pool is empty", 0, 0};
    for (uint8_t& byte : out) byte = pool_[used_++];
    return {};
  }
  size_t left() const { return pool_.size() - used_; }

 private:
  Bytes pool_;
  size_t used_ = 0;
};

// CountingRandom gives 0, 1, 2, ... for ever: different bytes at each call, the same in each run.
class CountingRandom final : public RandomSource {
 public:
  Result<void> fill(MutableBytes out) override {
    for (uint8_t& byte : out) byte = next_++;
    return {};
  }

 private:
  uint8_t next_ = 0;
};

}  // namespace pocketgss::testing

#endif  // PGSS_TESTS_SUPPORT_FIXED_RANDOM_H_
