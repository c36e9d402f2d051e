// A library to preload: counts what malloc gives and free takes, in a file that a test maps
// (PGSS_MALLOC_COUNT_FILE), and gives what is free back to the system when the test asks for it.
#include <dlfcn.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>

#include "tests/soak/counters.h"

namespace {

using pocketgss::tools::testing::Counters;

Counters early;
std::atomic<Counters*> counters{&early};

void* trim_when_asked(void*) {
  for (;;) {
    ::usleep(5'000);
    if (counters.load()->trim_asked.load() == 0) continue;
    ::malloc_trim(0);
    counters.load()->trim_asked.store(0);
  }
}

__attribute__((constructor)) void map_counters() {
  const char* path = std::getenv("PGSS_MALLOC_COUNT_FILE");
  const int fd = path == nullptr ? -1 : ::open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void* mapped = ::mmap(nullptr, sizeof(Counters), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  if (mapped == MAP_FAILED) return;
  counters = static_cast<Counters*>(mapped);
  pthread_t thread;
  if (::pthread_create(&thread, nullptr, trim_when_asked, nullptr) == 0) ::pthread_detach(thread);
}

void* counted(void* block) {
  if (block != nullptr) counters.load()->allocations.fetch_add(1);
  return block;
}

}  // namespace

// glibc's own names for its allocator.
extern "C" {
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);
void __libc_free(void*);

__attribute__((visibility("default"))) void* malloc(size_t size) {
  return counted(__libc_malloc(size));
}
__attribute__((visibility("default"))) void* calloc(size_t n, size_t size) {
  return counted(__libc_calloc(n, size));
}
__attribute__((visibility("default"))) void* memalign(size_t to, size_t size) {
  return counted(__libc_memalign(to, size));
}
__attribute__((visibility("default"))) void* aligned_alloc(size_t to, size_t size) {
  return counted(__libc_memalign(to, size));
}
__attribute__((visibility("default"))) int posix_memalign(void** out, size_t to, size_t size) {
  *out = counted(__libc_memalign(to, size));
  return *out == nullptr ? 12 : 0;
}
__attribute__((visibility("default"))) void* realloc(void* old, size_t size) {
  void* block = __libc_realloc(old, size);
  if (old == nullptr) counted(block);
  return block;
}
__attribute__((visibility("default"))) void free(void* block) {
  if (block != nullptr) counters.load()->frees.fetch_add(1);
  __libc_free(block);
}
}
