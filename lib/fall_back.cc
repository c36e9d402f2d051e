// Whether NTLM may take the place of Kerberos; so also where the library is built without Kerberos.
#include <pocketgss/tickets.h>

#include "mechs/fall_back.h"

namespace pocketgss {

bool may_fall_back(const Error& error, bool proof_sent) {
  return mechs::can_fall_back(error.code, proof_sent);
}

}  // namespace pocketgss
