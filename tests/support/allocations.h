// The test program's operator new: counted, and made to fail at the n-th call (MEM-3); and its
// operator delete, which looks for secrets (MEM-1).
#ifndef PGSS_TESTS_SUPPORT_ALLOCATIONS_H_
#define PGSS_TESTS_SUPPORT_ALLOCATIONS_H_

#include <pocketgss/bytes.h>

#include <cstddef>
#include <vector>

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

// FailingAllocations makes the n-th operator new of this thread from now on (1 is the next one)
// throw std::bad_alloc, and all after it, or that one alone, until it is destroyed.
class FailingAllocations {
 public:
  enum class Which : uint8_t { kAllFromThere, kThatOne };
  explicit FailingAllocations(size_t n, Which which = Which::kAllFromThere);
  ~FailingAllocations();
  FailingAllocations(const FailingAllocations&) = delete;
  FailingAllocations& operator=(const FailingAllocations&) = delete;

  bool reached() const;  // an allocation has failed
};

// OthersAllocations: what is allocated and given back while one is there is that of somebody else (a
// KDC, an application) in the midst of what is counted, made to fail or watched here.
class OthersAllocations {
 public:
  OthersAllocations();
  ~OthersAllocations();
  OthersAllocations(const OthersAllocations&) = delete;
  OthersAllocations& operator=(const OthersAllocations&) = delete;
};

// FreedSecrets looks into every block that this thread gives back to operator delete, until it is
// destroyed, for one of the secrets: what was not wiped is found (MEM-1, MEM-2). Blocks of the
// crypto library's own allocator do not come by here. Only one at a time in a thread.
class FreedSecrets {
 public:
  explicit FreedSecrets(const std::vector<Bytes>& secrets);  // which outlive it
  explicit FreedSecrets(std::vector<Bytes>&&) = delete;
  ~FreedSecrets();
  FreedSecrets(const FreedSecrets&) = delete;
  FreedSecrets& operator=(const FreedSecrets&) = delete;

  size_t found() const;   // blocks that held one
  size_t looked() const;  // blocks that were given back
};

}  // namespace pocketgss::testing

#endif  // PGSS_TESTS_SUPPORT_ALLOCATIONS_H_
