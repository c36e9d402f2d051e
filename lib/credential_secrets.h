// What a Credential holds, for the file that makes mechanisms of it.
#ifndef PGSS_LIB_CREDENTIAL_SECRETS_H_
#define PGSS_LIB_CREDENTIAL_SECRETS_H_

#include <pocketgss/credential.h>

#include "mechs/ntlm/crypto.h"

namespace pocketgss {

struct Credential::Secrets {
  AccountName name;
  std::string principal;  // the text of a name of that form
  mechs::ntlm::NtHash nt_hash;
};

}  // namespace pocketgss

#endif  // PGSS_LIB_CREDENTIAL_SECRETS_H_
