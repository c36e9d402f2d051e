// PaintedStack: what a call needs of the stack, and what it leaves there.
#ifndef PGSS_TESTS_SUPPORT_PAINTED_STACK_H_
#define PGSS_TESTS_SUPPORT_PAINTED_STACK_H_

#include <pocketgss/bytes.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>

namespace pocketgss::testing {

// PaintedStack runs calls on a stack of their own, with a page below it that nobody can touch, and
// says how deep they went. The calls must not use gtest.
class PaintedStack {
 public:
  static constexpr size_t kSize = 256 * 1024;

  PaintedStack() {
    block_ = static_cast<uint8_t*>(
        mmap(nullptr, kPage + kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (block_ == MAP_FAILED || mprotect(block_, kPage, PROT_NONE) != 0) std::abort();
    std::fill_n(block_ + kPage, kSize, kPaint);
  }
  ~PaintedStack() { munmap(block_, kPage + kSize); }
  PaintedStack(const PaintedStack&) = delete;
  PaintedStack& operator=(const PaintedStack&) = delete;

  void run(const std::function<void()>& body) {
    body_ = &body;
    ucontext_t caller, callee;
    if (getcontext(&callee) != 0) std::abort();
    callee.uc_stack.ss_sp = block_ + kPage;
    callee.uc_stack.ss_size = kSize;
    callee.uc_link = &caller;
    makecontext(&callee, [] { (*body_)(); }, 0);
    if (swapcontext(&caller, &callee) != 0) std::abort();
  }
  // used is the most that any call so far took, in octets.
  size_t used() const {
    const uint8_t* const deepest = std::find_if(block_ + kPage, block_ + kPage + kSize,
                                                [](uint8_t octet) { return octet != kPaint; });
    return static_cast<size_t>(block_ + kPage + kSize - deepest);
  }
  // holds says whether what any call left there has these octets in it.
  bool holds(ByteView octets) const {
    return memmem(block_ + kPage, kSize, octets.data(), octets.size()) != nullptr;
  }

 private:
  static constexpr size_t kPage = 65536;  // as large as any page
  static constexpr uint8_t kPaint = 0xc5;
  static inline const std::function<void()>* body_ = nullptr;
  uint8_t* block_;
};

}  // namespace pocketgss::testing

#endif  // PGSS_TESTS_SUPPORT_PAINTED_STACK_H_
