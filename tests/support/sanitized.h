// Whether a sanitizer is in the program, whose frames are larger and whose checks need more.
#ifndef PGSS_TESTS_SUPPORT_SANITIZED_H_
#define PGSS_TESTS_SUPPORT_SANITIZED_H_

namespace pocketgss::testing {

#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool kSanitized = true;
#elif defined(__has_feature)
inline constexpr bool kSanitized =
    __has_feature(address_sanitizer) || __has_feature(memory_sanitizer);
#else
inline constexpr bool kSanitized = false;
#endif

}  // namespace pocketgss::testing

#endif  // PGSS_TESTS_SUPPORT_SANITIZED_H_
