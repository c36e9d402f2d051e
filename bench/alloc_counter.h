// Counts of the malloc family, for a benchmark to report per operation beside its time.
#ifndef PGSS_BENCH_ALLOC_COUNTER_H_
#define PGSS_BENCH_ALLOC_COUNTER_H_

#include <benchmark/benchmark.h>

#include <cstdint>

namespace pocketgss::bench {

// AllocCounter counts what this thread takes from malloc, calloc, realloc and the aligned forms
// (and so from operator new, and from what Botan takes outside its locked pool) from its making on.
// Counts are -1 where the C library is not glibc, or under a sanitizer that has its own malloc.
//
//   AllocCounter counter;
//   for (auto _ : state) { ... }
//   counter.report(state);
class AllocCounter {
 public:
  AllocCounter();

  // report sets the counter "allocs/op".
  void report(benchmark::State& state) const;
  int64_t calls() const;

 private:
  int64_t at_start_;
};

// HeapWatch measures, from its making on, the bytes that this thread has taken and not given back,
// as malloc_usable_size counts them. Only one at a time. It slows each call; keep it out of timed
// loops.
class HeapWatch {
 public:
  HeapWatch();
  ~HeapWatch();
  HeapWatch(const HeapWatch&) = delete;
  HeapWatch& operator=(const HeapWatch&) = delete;

  int64_t held_bytes() const;
};

}  // namespace pocketgss::bench

#endif  // PGSS_BENCH_ALLOC_COUNTER_H_
