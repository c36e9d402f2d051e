// What the library takes from outside, passed in and never global: the clock, the random source,
// and the crypto objects that all contexts of one thread share.
#ifndef POCKETGSS_ENV_H_
#define POCKETGSS_ENV_H_

#include <cstdint>
#include <memory>

#include <pocketgss/bytes.h>
#include <pocketgss/result.h>

PGSS_EXPORT_BEGIN
namespace pocketgss {

// UnixMicros counts microseconds since 1970-01-01T00:00:00Z; negative before.
using UnixMicros = int64_t;

// Clock tells the time of day. A device whose clock is not set yet returns 0: what is before
// 2026-11-01 counts as never set, and Kerberos takes the KDC's time then (row P16). now() is called from the thread of the context that uses it, a ReplayCache's from any;
// it does not throw.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual UnixMicros now() = 0;
  // steady counts microseconds from any start, and is not changed where the time of day is set: so it
  // is seen that now() was. std::chrono::steady_clock's, unless overridden, as it must be where that
  // one can be set too; called from any thread.
  virtual UnixMicros steady();
};

// RandomSource fills buffers with bytes that nobody can foretell. It does not throw.
// Errors: kInternal, where the system has no randomness to give; the context that asked then fails.
class RandomSource {
 public:
  virtual ~RandomSource() = default;
  virtual Result<void> fill(MutableBytes out) = 0;
};

// The operating system's clock and random source. They have no state and may be shared by threads.
Clock& system_clock();
RandomSource& system_random();

namespace crypto {
class Workspace;
}

// Runtime belongs to one thread, is made once, and outlives every context made with it. It holds
// the keyed crypto objects that contexts borrow for the length of a call: about 4 KiB.
class Runtime {
 public:
  // Errors: kInternal where the crypto library lacks an algorithm (docs/embedding.md lists them; MD4 is
  // asked for where a password is to become an NT hash, and not here); kNoMemory.
  static Result<Runtime> create(Clock& clock = system_clock(),
                                RandomSource& random = system_random());

  Runtime(Runtime&&) noexcept;
  Runtime& operator=(Runtime&&) noexcept;
  ~Runtime();

  Clock& clock() const { return *clock_; }
  RandomSource& random() const { return *random_; }
  crypto::Workspace& crypto() const { return *crypto_; }  // for the library's own use

 private:
  Runtime(Clock&, RandomSource&, std::unique_ptr<crypto::Workspace>);

  Clock* clock_;
  RandomSource* random_;
  std::unique_ptr<crypto::Workspace> crypto_;
};

}  // namespace pocketgss
PGSS_EXPORT_END

#endif  // POCKETGSS_ENV_H_
