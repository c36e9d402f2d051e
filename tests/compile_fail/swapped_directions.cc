// A signing key cannot stand where a sealing key belongs.
// expect: (SigningKey|SealingKey)
#include "mechs/ntlm/crypto.h"

using namespace pocketgss::mechs::ntlm;

void use(const SealingKey&);

void derive(pocketgss::crypto::Workspace& crypto, const ExportedSessionKey& exported) {
#ifdef WRONG
  use(sign_key(crypto, exported, Sender::kInitiator));
#else
  use(seal_key(crypto, exported, Sender::kInitiator));
#endif
}
