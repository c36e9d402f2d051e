// A Result that nobody looks at is a check that was skipped.
// expect: nodiscard
#include <pocketgss/result.h>

pocketgss::Result<void> verify();

bool run() {
#ifdef WRONG
  verify();
  return true;
#else
  return verify().has_value();
#endif
}
