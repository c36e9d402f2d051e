// FILETIME: 100 ns since 1601-01-01, always 64 bits and never turned into a calendar.
#ifndef PGSS_MECHS_FILETIME_H_
#define PGSS_MECHS_FILETIME_H_

#include <cstdint>

#include <pocketgss/env.h>

namespace pocketgss::mechs {

// to_filetime: times before 1601 become 0, and times beyond what 64 bits hold the last one that
// they do.
constexpr uint64_t to_filetime(UnixMicros time) {
  constexpr int64_t kEpochDifference =
      11'644'473'600'000'000;  // from 1601 to 1970, in microseconds
  if (time < -kEpochDifference) return 0;
  const uint64_t micros = static_cast<uint64_t>(time) + static_cast<uint64_t>(kEpochDifference);
  return micros > UINT64_MAX / 10 ? UINT64_MAX : micros * 10;
}

}  // namespace pocketgss::mechs

#endif  // PGSS_MECHS_FILETIME_H_
