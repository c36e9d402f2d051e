// The key table of a server: its keys, and what its names say.
#ifndef PGSS_TOOLS_KRB5_SERVICE_KEYTAB_H_
#define PGSS_TOOLS_KRB5_SERVICE_KEYTAB_H_

#include <memory>
#include <string>
#include <vector>

#include <pocketgss/context.h>

#include "tools/fallible.h"

namespace pocketgss::tools {

struct ServiceKeytab {
  std::shared_ptr<const ServiceKeys> keys;
  size_t size = 0;                    // keys
  std::vector<std::string> realms;    // of the principals
  std::vector<std::string> services;  // "smtp/HOST", of any service class
};

// load_service_keytab reads a key table that nobody but its owner may read. Failures: those of
// open_private(), kNoInput, kDataError (not a key table, with the field and the offset; longer than
// 16 MiB), kConfig (no key of a service).
Fallible<ServiceKeytab> load_service_keytab(const std::string& path);

}  // namespace pocketgss::tools

#endif  // PGSS_TOOLS_KRB5_SERVICE_KEYTAB_H_
