// What a policy permits an initiator to speak (policy row P1).
#ifndef PGSS_LIB_PERMITS_H_
#define PGSS_LIB_PERMITS_H_

#include <pocketgss/policy.h>

#include <algorithm>

namespace pocketgss {

inline bool permits(const Policy& policy, InnerMechanism mechanism) {
  return std::find(policy.inner.begin(), policy.inner.end(), mechanism) != policy.inner.end();
}

}  // namespace pocketgss

#endif  // PGSS_LIB_PERMITS_H_
