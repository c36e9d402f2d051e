// A SessionBaseKey cannot stand where an ExportedSessionKey belongs, though both are 16 bytes.
// expect: SessionBaseKey
#include "mechs/ntlm/crypto.h"

using namespace pocketgss::mechs::ntlm;

SigningKey derive(pocketgss::crypto::Workspace& crypto, const SessionBaseKey& base,
                  const ExportedSessionKey& exported) {
#ifdef WRONG
  return sign_key(crypto, base, Sender::kInitiator);
#else
  (void)base;
  return sign_key(crypto, exported, Sender::kInitiator);
#endif
}
