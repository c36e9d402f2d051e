// A secret moves; a copy must be asked for by clone().
// expect: (deleted)
#include <pocketgss/secret.h>

pocketgss::SecretBytes copy(const pocketgss::SecretBytes& secret) {
#ifdef WRONG
  return secret;
#else
  return secret.clone();
#endif
}
