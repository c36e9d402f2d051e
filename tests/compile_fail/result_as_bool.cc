// A Result is no boolean: with Result<bool>, "it worked" and "it is true" would be mixed up.
// expect: (could not convert|not contextually convertible)
#include <pocketgss/result.h>

int read(const pocketgss::Result<bool>& result) {
#ifdef WRONG
  if (result) return 1;
#else
  if (result.has_value()) return 1;
#endif
  return 0;
}
