// PGSS_FUZZ_CHECK: an oracle's statement. It prints what did not hold and aborts, in fuzzers and
// tests alike.
#ifndef PGSS_FUZZ_CHECK_H_
#define PGSS_FUZZ_CHECK_H_

#include <cstdio>
#include <cstdlib>

#define PGSS_FUZZ_CHECK(condition)                                                        \
  do {                                                                                    \
    if (!(condition)) {                                                                   \
      std::fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                       \
    }                                                                                     \
  } while (false)

#endif  // PGSS_FUZZ_CHECK_H_
