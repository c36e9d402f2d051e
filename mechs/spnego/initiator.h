// The initiator of SPNEGO: RFC 4178 and [MS-SPNG].
#ifndef PGSS_MECHS_SPNEGO_INITIATOR_H_
#define PGSS_MECHS_SPNEGO_INITIATOR_H_

#include <span>

#include "mechs/mechanism.h"

namespace pocketgss::mechs::spnego {

struct InitiatorConfig {
  std::span<const MechanismEntry> mechanisms;  // in the order of preference; outlives the mechanism; 1 to 32
  PolicyLevel level = PolicyLevel::kDefault;
};

// make_initiator starts one negotiation. The optimistic mechToken is the preferred mechanism's. After its own last token it
// waits for the acceptor's last NegTokenResp; peer_done() says that none will come (SSEAN-W2, policy row P8).
// Errors: kApiMisuse (no mechanism, or more than 32), kNoMemory.
Result<std::unique_ptr<Mechanism>> make_initiator(Runtime&, const InitiatorConfig&);

}  // namespace pocketgss::mechs::spnego

#endif  // PGSS_MECHS_SPNEGO_INITIATOR_H_
