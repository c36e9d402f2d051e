// FakeClock: a clock that a test sets.
#ifndef PGSS_TESTS_SUPPORT_FAKE_CLOCK_H_
#define PGSS_TESTS_SUPPORT_FAKE_CLOCK_H_

#include <pocketgss/env.h>

namespace pocketgss::testing {

class FakeClock final : public Clock {
 public:
  explicit FakeClock(UnixMicros now = 1'795'000'000'000'000) : now_(now) {}
  UnixMicros now() override { return now_; }
  UnixMicros steady() override { return now_ - stepped_; }
  // Time passes.
  void set(UnixMicros now) { now_ = now; }
  void advance(UnixMicros by) { now_ += by; }
  // Somebody sets the clock.
  void step(UnixMicros by) {
    now_ += by;
    stepped_ += by;
  }

 private:
  UnixMicros now_, stepped_ = 0;
};

}  // namespace pocketgss::testing

#endif  // PGSS_TESTS_SUPPORT_FAKE_CLOCK_H_
