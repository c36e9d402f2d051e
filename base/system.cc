// The system's clock and random source.
#include <pocketgss/env.h>

#ifdef __unix__
#include <time.h>
#else
#include <chrono>
#endif

#include "base/crypto.h"
#include "base/immortal.h"

namespace pocketgss {
namespace {

class SystemClock final : public Clock {
 public:
  UnixMicros now() override {
#ifdef __unix__
    // libstdc++'s own clock has the time_t that it was built with and ignores that it fails: of 32
    // bits it gives whatever is on the stack from 2038 on. This file is built with 64.
    timespec time{};
    if (::clock_gettime(CLOCK_REALTIME, &time) != 0) return 0;  // as a clock that was never set
    return int64_t{time.tv_sec} * 1'000'000 + time.tv_nsec / 1'000;
#else
    const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::microseconds>(since_epoch).count();
#endif
  }
};

class SystemRandom final : public RandomSource {
 public:
  Result<void> fill(MutableBytes out) override { return crypto::system_random_fill(out); }
};

constinit Immortal<SystemClock> the_clock;
constinit Immortal<SystemRandom> the_random;

}  // namespace

Clock& system_clock() {
  return the_clock.object;
}

RandomSource& system_random() {
  return the_random.object;
}

}  // namespace pocketgss
