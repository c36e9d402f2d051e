// A key table is checked once, when it is read.
#include "lib/service_keys.h"

#include "base/guard.h"

namespace pocketgss {

Result<std::shared_ptr<const ServiceKeys>> read_service_keys(SecretBytes keytab_file) {
  return guarded("read_service_keys", [&] { return ServiceKeys::create(std::move(keytab_file)); });
}

}  // namespace pocketgss
