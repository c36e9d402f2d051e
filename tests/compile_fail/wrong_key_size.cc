// A key of the wrong size does not compile.
// expect: (no matching function|cannot convert|could not convert|no viable conversion)
#include <pocketgss/credential.h>

#ifdef WRONG
constexpr size_t kSize = 15;
#else
constexpr size_t kSize = 16;
#endif

bool make(pocketgss::AccountName name) {
  const pocketgss::FixedBytes<kSize> hash{};
  return pocketgss::Credential::from_nt_hash(name, hash).has_value();
}
