// CountedServe: `serve` under the allocation counter, and what a process holds: memory, blocks,
// descriptors.
#ifndef PGSS_TESTS_SOAK_COUNTED_SERVE_H_
#define PGSS_TESTS_SOAK_COUNTED_SERVE_H_

#include <sys/types.h>

#include <cstdint>
#include <thread>

#include "tests/soak/counters.h"
#include "tests/tools/support/serve_process.h"

namespace pocketgss::tools::testing {

// Held is what a process holds.
struct Held {
  long resident_kib = 0;
  int64_t blocks = 0;  // allocated and not freed
  size_t descriptors = 0;
};

class CountedServe {
 public:
  CountedServe();
  ~CountedServe();

  bool start(bool with_tls, const Arguments& more = {});
  // held waits until no more than `idle` descriptors are open, where that is said, and nothing
  // happens any more; gives back to the system what is free, of which an allocator keeps more or less
  // as more or fewer connections happened to be open at once; and measures.
  Held held(size_t idle = 0);
  uint64_t allocations() const { return counters_->allocations; }
  // all_read waits until the server has read whatever was sent to it.
  void all_read() const;

  ServeProcess serve;

 private:
  void trim();
  void rest() const;
  int64_t blocks() const;

  Counters* counters_;
  std::thread drain_;
};

}  // namespace pocketgss::tools::testing

#endif  // PGSS_TESTS_SOAK_COUNTED_SERVE_H_
