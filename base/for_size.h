// Whether this is a build for size: then a shorter way is taken where there is a faster one.
#ifndef PGSS_BASE_FOR_SIZE_H_
#define PGSS_BASE_FOR_SIZE_H_

namespace pocketgss {

#ifdef __OPTIMIZE_SIZE__
inline constexpr bool kForSize = true;
#else
inline constexpr bool kForSize = false;
#endif

}  // namespace pocketgss

#endif  // PGSS_BASE_FOR_SIZE_H_
