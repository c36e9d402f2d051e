// What a policy permits.
#include <pocketgss/policy.h>

#include "base/any_of.h"

namespace pocketgss {

bool Policy::names(InnerMechanism mechanism) const {
  return contains(inner, mechanism);
}

}  // namespace pocketgss
