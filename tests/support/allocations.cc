// operator new and delete over malloc: the sanitizers still see every block.
#include "tests/support/allocations.h"

#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

namespace {

struct Counts {
  size_t calls = 0;
  size_t largest = 0;
  size_t total = 0;
  size_t fail_at = 0;  // 0: never
  bool fail_once = false;
  bool failed = false;
};
constinit thread_local Counts t_counts;

struct Watched {
  const std::vector<pocketgss::Bytes>* secrets = nullptr;
  size_t found = 0;
  size_t looked = 0;
};
constinit thread_local Watched t_watched;
constinit thread_local bool t_others = false;

void give_back(void* block) {
  Watched& watched = t_watched;
  if (watched.secrets != nullptr && block != nullptr && !t_others) {
    ++watched.looked;
    const size_t size = malloc_usable_size(block);
    for (const pocketgss::Bytes& secret : *watched.secrets) {
      if (memmem(block, size, secret.data(), secret.size()) != nullptr) ++watched.found;
    }
  }
  std::free(block);
}

// must_fail counts a call, and says whether it is to fail.
bool must_fail(size_t size) {
  Counts& counts = t_counts;
  ++counts.calls;
  counts.largest = std::max(counts.largest, size);
  counts.total += size;
  if (counts.fail_at == 0 || counts.calls < counts.fail_at) return false;
  if (counts.fail_once && counts.failed) return false;
  counts.failed = true;
  return true;
}

void* allocate(size_t size) {
  if (!t_others && must_fail(size)) return nullptr;
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
  give_back(block);
}
void operator delete[](void* block) noexcept {
  give_back(block);
}
void operator delete(void* block, size_t) noexcept {
  give_back(block);
}
void operator delete[](void* block, size_t) noexcept {
  give_back(block);
}
void operator delete(void* block, const std::nothrow_t&) noexcept {
  give_back(block);
}
void operator delete[](void* block, const std::nothrow_t&) noexcept {
  give_back(block);
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

FailingAllocations::FailingAllocations(size_t n, Which which) {
  t_counts = Counts();
  t_counts.fail_at = n;
  t_counts.fail_once = which == Which::kThatOne;
}
FailingAllocations::~FailingAllocations() {
  t_counts = Counts();
}
bool FailingAllocations::reached() const {
  return t_counts.failed;
}

OthersAllocations::OthersAllocations() {
  t_others = true;
}
OthersAllocations::~OthersAllocations() {
  t_others = false;
}

FreedSecrets::FreedSecrets(const std::vector<Bytes>& secrets) {
  t_watched = Watched{&secrets, 0, 0};
}
FreedSecrets::~FreedSecrets() {
  t_watched = Watched();
}
size_t FreedSecrets::found() const {
  return t_watched.found;
}
size_t FreedSecrets::looked() const {
  return t_watched.looked;
}

}  // namespace pocketgss::testing
