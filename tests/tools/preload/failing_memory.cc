// A library to preload: lets a program run out of memory for a while, in all of its threads.
//
//   PGSS_MEMORY_CONTROL  a file with two int32_t, which the test maps too: how many allocations go
//                        well from now on, and how many after those fail
//
// These are the allocations by operator new and aligned_alloc, which the event loop uses.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace {

struct Control {
  std::atomic<int32_t> ahead, failures;
};

Control* open_control() {
  const char* const path = std::getenv("PGSS_MEMORY_CONTROL");
  const int fd = path == nullptr ? -1 : ::open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return nullptr;
  void* mapped = ::mmap(nullptr, sizeof(Control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  return mapped == MAP_FAILED ? nullptr : static_cast<Control*>(mapped);
}

bool must_fail() {
  static Control* const control = open_control();
  if (control == nullptr || control->failures <= 0) return false;
  if (control->ahead.fetch_sub(1) > 0) return false;
  return control->failures.fetch_sub(1) > 0;
}

void* allocate(size_t size) {
  void* block = must_fail() ? nullptr : std::malloc(size == 0 ? 1 : size);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}

}  // namespace

#define PGSS_PRELOADED __attribute__((visibility("default")))

PGSS_PRELOADED void* operator new(size_t size) {
  return allocate(size);
}
PGSS_PRELOADED void* operator new[](size_t size) {
  return allocate(size);
}
PGSS_PRELOADED void operator delete(void* block) noexcept {
  std::free(block);
}
PGSS_PRELOADED void operator delete[](void* block) noexcept {
  std::free(block);
}
PGSS_PRELOADED void operator delete(void* block, size_t) noexcept {
  std::free(block);
}
PGSS_PRELOADED void operator delete[](void* block, size_t) noexcept {
  std::free(block);
}

extern "C" PGSS_PRELOADED void* aligned_alloc(size_t alignment, size_t size) noexcept {
  if (must_fail()) return nullptr;
  using Function = void*(size_t, size_t);
  static const auto real = reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, "aligned_alloc"));
  return real(alignment, size);
}
