// A key in place moves and does not copy.
// expect: (deleted)
#include <utility>

#include "mechs/ntlm/crypto.h"

using pocketgss::mechs::ntlm::NtHash;

NtHash take(NtHash& hash) {
#ifdef WRONG
  return NtHash(hash);
#else
  return NtHash(std::move(hash));
#endif
}
