// The malloc family of this program, counted and passed on to glibc's.
#include "bench/alloc_counter.h"

#include <malloc.h>

#include <cerrno>
#include <cstdlib>

#if defined(__has_feature)
#define PGSS_HAS_FEATURE(x) __has_feature(x)
#else
#define PGSS_HAS_FEATURE(x) 0
#endif

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && \
    !PGSS_HAS_FEATURE(address_sanitizer) && !PGSS_HAS_FEATURE(memory_sanitizer) &&           \
    !PGSS_HAS_FEATURE(thread_sanitizer)
#define PGSS_COUNTS_MALLOC 1
#else
#define PGSS_COUNTS_MALLOC 0
#endif

namespace {

// Plain thread-local integers: an atomic would cost as much as a small malloc itself.
constinit thread_local int64_t t_calls = 0;
constinit thread_local int64_t t_held = 0;
constinit thread_local bool t_watching = false;

}  // namespace

#if PGSS_COUNTS_MALLOC

extern "C" {

void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);
void __libc_free(void*);

static void* counted(void* block) {
  ++t_calls;
  if (t_watching) t_held += static_cast<int64_t>(malloc_usable_size(block));
  return block;
}

static void given_back(void* block) {
  if (t_watching) t_held -= static_cast<int64_t>(malloc_usable_size(block));
}

void* malloc(size_t size) noexcept {
  return counted(__libc_malloc(size));
}

void* calloc(size_t count, size_t size) noexcept {
  return counted(__libc_calloc(count, size));
}

void* realloc(void* block, size_t size) noexcept {
  given_back(block);
  return counted(__libc_realloc(block, size));
}

void* memalign(size_t alignment, size_t size) noexcept {
  return counted(__libc_memalign(alignment, size));
}

void* aligned_alloc(size_t alignment, size_t size) noexcept {
  return counted(__libc_memalign(alignment, size));
}

int posix_memalign(void** out, size_t alignment, size_t size) noexcept {
  *out = counted(__libc_memalign(alignment, size));
  return *out == nullptr ? ENOMEM : 0;
}

void free(void* block) noexcept {
  given_back(block);
  __libc_free(block);
}

}  // extern "C"

#endif  // PGSS_COUNTS_MALLOC

namespace pocketgss::bench {

AllocCounter::AllocCounter() : at_start_(t_calls) {}

int64_t AllocCounter::calls() const {
  return PGSS_COUNTS_MALLOC != 0 ? t_calls - at_start_ : -1;
}

void AllocCounter::report(benchmark::State& state) const {
  const auto calls_made = static_cast<double>(calls());
  const auto iterations = static_cast<double>(state.iterations());
  state.counters["allocs/op"] = calls_made < 0 ? calls_made : calls_made / iterations;
}

HeapWatch::HeapWatch() {
  t_held = 0;
  t_watching = true;
}

HeapWatch::~HeapWatch() {
  t_watching = false;
}

int64_t HeapWatch::held_bytes() const {
  return PGSS_COUNTS_MALLOC != 0 ? t_held : -1;
}

}  // namespace pocketgss::bench
