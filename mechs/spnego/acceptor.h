// The acceptor of SPNEGO: RFC 4178 and [MS-SPNG].
#ifndef PGSS_MECHS_SPNEGO_ACCEPTOR_H_
#define PGSS_MECHS_SPNEGO_ACCEPTOR_H_

#include <span>

#include "mechs/mechanism.h"

namespace pocketgss::mechs::spnego {

struct AcceptorConfig {
  // What this side accepts; outlives the mechanism; 1 to 32, each with one OID at least.
  std::span<const MechanismEntry> mechanisms;
  PolicyLevel level = PolicyLevel::kDefault;
  // A first token that is a mechanism's own, without SPNEGO, is taken (quirk B17).
  bool bare_tokens = true;
};

// make_acceptor starts one negotiation: the first mechanism of the initiator's list that is ours
// and can be started is chosen; what is not ours is skipped unparsed (policy row P9). An empty
// first token is answered by a NegTokenInit2 with negHints (quirk B14). The last NegTokenResp,
// where there is one, is the token of the step that establishes.
//
// Errors: kApiMisuse (no mechanism, more than 32, one without OID), kNoMemory.
// Errors of the exchange, beside those of the mechanisms:
//   kMalformed         the bytes are no NegTokenInit or NegTokenResp; `where` names the field
//   kPeerMisbehaved    a valid token out of its place; `where` says which field
//   kPeerIncompatible  no common mechanism; re-selection of one that cannot make a mechListMIC; a
//                      bare token, where they are not taken
//   kAuthFailed        the initiator rejects; a mechListMIC is wrong, or missing though required
//   kApiMisuse         a call out of turn
Result<std::unique_ptr<Mechanism>> make_acceptor(Runtime&, const AcceptorConfig&);

}  // namespace pocketgss::mechs::spnego

#endif  // PGSS_MECHS_SPNEGO_ACCEPTOR_H_
