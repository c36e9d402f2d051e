// The boundary at which exceptions end: callers of the library see Errors alone. lib and sasl use
// it.
#ifndef PGSS_BASE_GUARD_H_
#define PGSS_BASE_GUARD_H_

#include <pocketgss/result.h>

#include <new>
#include <utility>

namespace pocketgss {

// guarded runs `body`, which returns a Result. An allocation that failed becomes kNoMemory; any
// other exception (a callback that throws, against its contract) kInternal.
template <typename Body>
auto guarded(const char* where, Body&& body) noexcept -> decltype(body()) {
  try {
    return std::forward<Body>(body)();
  } catch (const std::bad_alloc&) {
    return Error{Errc::kNoMemory, where, 0, 0};
  } catch (...) {
    return Error{Errc::kInternal, where, 0, 0};
  }
}

}  // namespace pocketgss

#endif  // PGSS_BASE_GUARD_H_
