// Where the KDCs are, as the options of a verb say it: those that are named, a krb5.conf, then DNS.
#ifndef PGSS_TOOLS_KRB5_KDCS_H_
#define PGSS_TOOLS_KRB5_KDCS_H_

#include <memory>
#include <string>

#include <pocketgss/kdc_transport.h>

#include "tools/fallible.h"
#include "tools/krb5/tickets.h"

namespace pocketgss::tools {

// kWhereKdcsAre is what --help says of those that are not named.
extern const char* const kWhereKdcsAre;

class Kdcs {
 public:
  // Those that are named are of the user's realm, as far as that is known; of another realm they are
  // asked last. Failures: kUsage (an address), kNoInput and kDataError (the krb5.conf).
  static Fallible<Kdcs> create(const KerberosOptions& options, const std::string& user);

  KdcResolver& resolver() { return *resolver_; }

 private:
  std::unique_ptr<ConfiguredKdcs> configured_, of_any_realm_;
  std::unique_ptr<KdcResolver> dns_;  // null where this build has none
  std::unique_ptr<KdcResolver> resolver_;
};

// default_realm is that of the krb5.conf; empty where there is none. Failures: those of the file.
Fallible<std::string> default_realm(const KerberosOptions& options);

}  // namespace pocketgss::tools

#endif  // PGSS_TOOLS_KRB5_KDCS_H_
