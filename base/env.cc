// The system's clock and random source, and the making of a Runtime.
#include <pocketgss/env.h>

#include <chrono>
#include <utility>

#include "base/crypto.h"

namespace pocketgss {
namespace {

class SystemClock final : public Clock {
 public:
  UnixMicros now() override {
    const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::microseconds>(since_epoch).count();
  }
};

class SystemRandom final : public RandomSource {
 public:
  Result<void> fill(MutableBytes out) override { return crypto::system_random_fill(out); }
};

}  // namespace

UnixMicros Clock::steady() {
  const auto since_start = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(since_start).count();
}

Clock& system_clock() {
  static SystemClock clock;
  return clock;
}

RandomSource& system_random() {
  static SystemRandom random;
  return random;
}

Runtime::Runtime(Clock& clock, RandomSource& random, std::unique_ptr<crypto::Workspace> crypto)
    : clock_(&clock), random_(&random), crypto_(std::move(crypto)) {}
Runtime::Runtime(Runtime&&) noexcept = default;
Runtime& Runtime::operator=(Runtime&&) noexcept = default;
Runtime::~Runtime() = default;

Result<Runtime> Runtime::create(Clock& clock, RandomSource& random) {
  PGSS_TRY(auto crypto, crypto::Workspace::create());
  return Runtime(clock, random, std::move(crypto));
}

}  // namespace pocketgss
