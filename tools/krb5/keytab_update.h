// Adding keys to a key table.
#ifndef PGSS_TOOLS_KRB5_KEYTAB_UPDATE_H_
#define PGSS_TOOLS_KRB5_KEYTAB_UPDATE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <pocketgss/secret.h>

#include "mechs/krb5/principal.h"
#include "tools/fallible.h"

namespace pocketgss::tools {

// What is to be added: a key for each etype, made of one password.
struct NewKeys {
  mechs::krb5::Principal principal;
  uint32_t kvno = 0;
  std::vector<int32_t> etypes;
  std::optional<std::string> salt;  // none: mechs::krb5::default_salt()
  uint32_t timestamp = 0;           // seconds since 1970
};

// add_keys puts them into the key table at `path`, which is made if it is not there: all or none,
// atomically, mode 0600. Failures: those of update_file() and load_keytab(); kDataError (there is a
// key of that principal, etype and key version already; no key can be made of the password).
Fallible<Nothing> add_keys(const std::string& path, const NewKeys&, const SecretBytes& password);

}  // namespace pocketgss::tools

#endif  // PGSS_TOOLS_KRB5_KEYTAB_UPDATE_H_
