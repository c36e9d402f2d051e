// How many branches a call makes on octets that valgrind is told are undefined.
#ifndef PGSS_TESTS_CONSTANT_TIME_DECISIONS_H_
#define PGSS_TESTS_CONSTANT_TIME_DECISIONS_H_

#include <pocketgss/bytes.h>
#include <valgrind/memcheck.h>

namespace pocketgss::testing {

struct Decisions {
  unsigned count = 0;
  bool accepted = false;
};

// decisions_on counts those of `verify`, which returns a Result, while `secret` is undefined. Its
// verdict is defined again before anybody looks at it.
template <typename Verify>
Decisions decisions_on(ByteView secret, const Verify& verify) {
  static_cast<void>(VALGRIND_MAKE_MEM_UNDEFINED(secret.data(), secret.size()));
  const unsigned before = VALGRIND_COUNT_ERRORS;
  auto result = verify();
  Decisions out;
  out.count = VALGRIND_COUNT_ERRORS - before;
  // Where `verify` left its verdict to arithmetic it is decided on here. (What it has decided on may
  // be in its Error by arithmetic too, which is no second decision.)
  if (out.count == 0) {
    if (result.has_value()) asm volatile("");
    out.count = VALGRIND_COUNT_ERRORS - before;
  }
  static_cast<void>(VALGRIND_MAKE_MEM_DEFINED(&result, sizeof result));
  static_cast<void>(VALGRIND_MAKE_MEM_DEFINED(secret.data(), secret.size()));
  out.accepted = result.has_value();
  return out;
}

}  // namespace pocketgss::testing

#endif  // PGSS_TESTS_CONSTANT_TIME_DECISIONS_H_
