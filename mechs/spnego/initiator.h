// The initiator of SPNEGO: RFC 4178 and [MS-SPNG].
#ifndef PGSS_MECHS_SPNEGO_INITIATOR_H_
#define PGSS_MECHS_SPNEGO_INITIATOR_H_

#include <span>

#include "mechs/mechanism.h"

namespace pocketgss::mechs::spnego {

struct InitiatorConfig {
  // In the order of preference; outlives the mechanism; 1 to 32, each with one OID at least.
  std::span<const MechanismEntry> mechanisms;
  PolicyLevel level = PolicyLevel::kDefault;
};

// make_initiator starts one negotiation. The optimistic mechToken is the preferred mechanism's. A
// mechanism that cannot start (no ticket, no KDC) is left out of the offer, as long as no proof of
// a credential has left (policy row P8). After its own last token the initiator waits for the
// acceptor's last NegTokenResp; peer_done() says that none will come (SSEAN-W2). The first call may
// have the NegTokenInit2 of an acceptor that speaks first; it is checked and changes nothing,
// because nobody has authenticated it.
//
// Errors: kApiMisuse (no mechanism, more than 32, one without OID), kNoMemory.
// Errors of the exchange, beside those of the mechanisms:
//   kMalformed         the bytes are no NegTokenResp; `where` names the field
//   kPeerMisbehaved    a valid token out of its place; `where` says which field
//   kPeerIncompatible  re-selection of a mechanism that cannot make a mechListMIC
//   kAuthFailed        the acceptor rejects; a mechListMIC is wrong, or missing though required
//   kPolicy            "P8": an early success, a first reply or a re-selection that the policy does
//                      not take
//   kApiMisuse         a call out of turn
Result<std::unique_ptr<Mechanism>> make_initiator(Runtime&, const InitiatorConfig&);

}  // namespace pocketgss::mechs::spnego

#endif  // PGSS_MECHS_SPNEGO_INITIATOR_H_
