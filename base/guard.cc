// The boundary at which exceptions end: which Error an exception is.
#include "base/guard.h"

#include <new>

namespace pocketgss {

Error error_of_exception(const char* where) noexcept {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    return Error{Errc::kNoMemory, where, 0, 0};
  } catch (...) {
    return Error{Errc::kInternal, where, 0, 0};
  }
}

}  // namespace pocketgss
