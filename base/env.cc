// The making of a Runtime, and what every Clock has.
#include <pocketgss/env.h>

#include <chrono>
#include <utility>

#include "base/crypto.h"

namespace pocketgss {

UnixMicros Clock::steady() {
  const auto since_start = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(since_start).count();
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
