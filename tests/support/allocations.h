// The test program's operator new: counted, and made to fail at the n-th call (MEM-3).
#ifndef PGSS_TESTS_SUPPORT_ALLOCATIONS_H_
#define PGSS_TESTS_SUPPORT_ALLOCATIONS_H_

#include <cstddef>

namespace pocketgss::testing {

// AllocationWatch counts the calls of operator new of this thread from its making on. Only one at a
// time in a thread.
class AllocationWatch {
 public:
  AllocationWatch();
  ~AllocationWatch();
  AllocationWatch(const AllocationWatch&) = delete;
  AllocationWatch& operator=(const AllocationWatch&) = delete;

  size_t count() const;    // calls
  size_t largest() const;  // bytes of the largest one asked for
  size_t total() const;    // bytes of all together
};

// FailingAllocations makes the n-th operator new of this thread from now on (1 is the next one),
// and all after it, throw std::bad_alloc, until it is destroyed.
class FailingAllocations {
 public:
  explicit FailingAllocations(size_t n);
  ~FailingAllocations();
  FailingAllocations(const FailingAllocations&) = delete;
  FailingAllocations& operator=(const FailingAllocations&) = delete;

  bool reached() const;  // an allocation has failed
};

}  // namespace pocketgss::testing

#endif  // PGSS_TESTS_SUPPORT_ALLOCATIONS_H_
