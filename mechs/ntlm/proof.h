// Whether an NTLMv2 response proves the password of an account, in constant time.
#ifndef PGSS_MECHS_NTLM_PROOF_H_
#define PGSS_MECHS_NTLM_PROOF_H_

#include <optional>

#include <pocketgss/step.h>

#include "base/crypto.h"
#include "mechs/ntlm/crypto.h"
#include "mechs/ntlm/messages.h"
#include "mechs/ntlm/text.h"

namespace pocketgss::mechs::ntlm {

// ProofQuestion: who claims to have answered which challenge, and how.
struct ProofQuestion {
  FixedView<8> server_challenge;
  const Utf16Name& user;    // as sent
  const Utf16Name& domain;  // as sent
  const NtlmV2Response& response;
};

// Proof: `key` is NTOWFv2 where the response is `right`, and means nothing else.
struct Proof {
  ResponseKey key;
  bool right = false;
};

// check_proof: does the response prove the password of `account`? It tries the domain as sent,
// upper-cased and empty (quirk C10). No account, one whose key is no NT hash, one with an empty
// password (P20) and a wrong password take the same computations and the same time (TIM-2): how many
// there are depends on the names as sent alone. No branch depends on a secret (TIM-1); that on
// `right` is the caller's.
Proof check_proof(crypto::Workspace&, const std::optional<Account>& account,
                  const ProofQuestion&) noexcept;

}  // namespace pocketgss::mechs::ntlm

#endif  // PGSS_MECHS_NTLM_PROOF_H_
