// The boundary at which exceptions end: callers of the library see Errors alone. It stands around the
// crypto library, around what a public call runs that may allocate, and where a part of mechs/krb5 grows
// strings and lists.
#ifndef PGSS_BASE_GUARD_H_
#define PGSS_BASE_GUARD_H_

#include <pocketgss/result.h>

#include <utility>

namespace pocketgss {

// error_of_exception says what the exception is that is being handled: an allocation that failed is
// kNoMemory, any other (a callback that throws, against its contract) kInternal.
[[gnu::cold]] Error error_of_exception(const char* where) noexcept;

// guarded runs `body`, which returns a Result; an exception becomes an Error.
template <typename Body>
auto guarded(const char* where, Body&& body) noexcept -> decltype(body()) {
  try {
    return std::forward<Body>(body)();
  } catch (...) {
    return error_of_exception(where);
  }
}

}  // namespace pocketgss

#endif  // PGSS_BASE_GUARD_H_
