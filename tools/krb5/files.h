// Where key tables and credential caches are, and how they are read.
#ifndef PGSS_TOOLS_KRB5_FILES_H_
#define PGSS_TOOLS_KRB5_FILES_H_

#include <string>

#include <pocketgss/secret.h>

#include "mechs/krb5/ccache.h"
#include "mechs/krb5/keytab.h"
#include "tools/fallible.h"

namespace pocketgss::tools {

inline constexpr size_t kMaxKrb5File = size_t{16} << 20;

// keytab_path is `given`, else that of KRB5_KTNAME, else /etc/krb5.keytab; ccache_path is `given`,
// else that of KRB5CCNAME, else /tmp/krb5cc_UID. "FILE:" (and for a key table "WRFILE:") before the
// path is dropped. Failure: kConfig, another kind of store ("KCM:", "KEYRING:", "DIR:").
Fallible<std::string> keytab_path(const std::string& given);
Fallible<std::string> ccache_path(const std::string& given);

// A file and what is in it, which borrows from it.
struct LoadedKeytab {
  SecretBytes octets;
  mechs::krb5::Keytab keytab;
};
struct LoadedCcache {
  SecretBytes octets;
  mechs::krb5::Ccache ccache;
};

// Failures: kNoInput, kDataError (more than 16 MiB; or not such a
// file, with the field and the offset).
Fallible<LoadedKeytab> load_keytab(const std::string& path);
Fallible<LoadedCcache> load_ccache(const std::string& path);

}  // namespace pocketgss::tools

#endif  // PGSS_TOOLS_KRB5_FILES_H_
