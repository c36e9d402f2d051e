// operator new and delete over malloc: the sanitizers still see every block.
#include "tests/support/allocations.h"

#include <algorithm>
#include <cstdlib>
#include <new>

namespace {

struct Counts {
  size_t calls = 0;
  size_t largest = 0;
  size_t total = 0;
  size_t fail_at = 0;  // 0: never
  bool failed = false;
};
constinit thread_local Counts t_counts;

void* allocate(size_t size) {
  Counts& counts = t_counts;
  ++counts.calls;
  counts.largest = std::max(counts.largest, size);
  counts.total += size;
  if (counts.fail_at != 0 && counts.calls >= counts.fail_at) {
    counts.failed = true;
    return nullptr;
  }
  return std::malloc(size == 0 ? 1 : size);
}

void* allocate_or_throw(size_t size) {
  void* block = allocate(size);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}

}  // namespace

// NOLINTBEGIN(misc-new-delete-overloads): the aligned forms are nobody's here
void* operator new(size_t size) {
  return allocate_or_throw(size);
}
void* operator new[](size_t size) {
  return allocate_or_throw(size);
}
void* operator new(size_t size, const std::nothrow_t&) noexcept {
  return allocate(size);
}
void* operator new[](size_t size, const std::nothrow_t&) noexcept {
  return allocate(size);
}
void operator delete(void* block) noexcept {
  std::free(block);
}
void operator delete[](void* block) noexcept {
  std::free(block);
}
void operator delete(void* block, size_t) noexcept {
  std::free(block);
}
void operator delete[](void* block, size_t) noexcept {
  std::free(block);
}
void operator delete(void* block, const std::nothrow_t&) noexcept {
  std::free(block);
}
void operator delete[](void* block, const std::nothrow_t&) noexcept {
  std::free(block);
}
// NOLINTEND(misc-new-delete-overloads)

namespace pocketgss::testing {

AllocationWatch::AllocationWatch() {
  t_counts = Counts();
}
AllocationWatch::~AllocationWatch() {
  t_counts = Counts();
}
size_t AllocationWatch::count() const {
  return t_counts.calls;
}
size_t AllocationWatch::largest() const {
  return t_counts.largest;
}
size_t AllocationWatch::total() const {
  return t_counts.total;
}

FailingAllocations::FailingAllocations(size_t n) {
  t_counts = Counts();
  t_counts.fail_at = n;
}
FailingAllocations::~FailingAllocations() {
  t_counts = Counts();
}
bool FailingAllocations::reached() const {
  return t_counts.failed;
}

}  // namespace pocketgss::testing
