// What malloc_count.cc counts, in a file that the program and the test both map.
#ifndef PGSS_TESTS_SOAK_COUNTERS_H_
#define PGSS_TESTS_SOAK_COUNTERS_H_

#include <atomic>
#include <cstdint>

namespace pocketgss::tools::testing {

struct Counters {
  std::atomic<uint64_t> allocations, frees;
  std::atomic<uint32_t> trim_asked;  // 1 until it is done
};

}  // namespace pocketgss::tools::testing

#endif  // PGSS_TESTS_SOAK_COUNTERS_H_
