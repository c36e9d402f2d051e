// filled: a Result whose value is written where the caller will have it.
#ifndef PGSS_BASE_FILLED_H_
#define PGSS_BASE_FILLED_H_

#include <pocketgss/result.h>

#include <memory>
#include <utility>

namespace pocketgss {

// filled lets `fill`, which returns a Result<void>, write a T in its place: of a large one copying costs as
// much as reading it.
template <typename T, typename Fill>
[[gnu::always_inline]] inline Result<T> filled(Fill&& fill) {
  Result<T> out(std::in_place);
  T&& value = internal::Passing::value(out);
  const Result<void> result = std::forward<Fill>(fill)(value);
  if (!result.has_value()) {
    // Over it: an assignment would copy all of a T that is not there.
    std::destroy_at(&out);
    std::construct_at(&out, internal::Passing::refusal(result));
  }
  return out;
}

}  // namespace pocketgss

#endif  // PGSS_BASE_FILLED_H_
