// Searches of a range in a plain loop: those of <algorithm> are unrolled by four in libstdc++, which
// is four times the code.
#ifndef PGSS_BASE_ANY_OF_H_
#define PGSS_BASE_ANY_OF_H_

namespace pocketgss {

template <typename Range, typename Predicate>
bool any_of(const Range& range, Predicate predicate) {
  for (const auto& each : range) {
    if (predicate(each)) return true;
  }
  return false;
}

template <typename Range, typename Value>
bool contains(const Range& range, const Value& value) {
  return any_of(range, [&](const Value& each) { return each == value; });
}

}  // namespace pocketgss

#endif  // PGSS_BASE_ANY_OF_H_
