// The acceptor of SPNEGO: RFC 4178 and [MS-SPNG].
#ifndef PGSS_MECHS_SPNEGO_ACCEPTOR_H_
#define PGSS_MECHS_SPNEGO_ACCEPTOR_H_

#include <span>

#include "mechs/mechanism.h"

namespace pocketgss::mechs::spnego {

struct AcceptorConfig {
  std::span<const MechanismEntry> mechanisms;  // what this side accepts, preferred first; outlives the mechanism; 1 to 32
  PolicyLevel level = PolicyLevel::kDefault;
  bool bare_tokens = true;                     // a first token that is a mechanism's own, without SPNEGO, is taken (quirk B17)
};

// make_acceptor starts one negotiation. An empty first token is answered by a NegTokenInit2 with negHints (quirk B14).
// Errors: kApiMisuse (no mechanism, or more than 32), kNoMemory.
Result<std::unique_ptr<Mechanism>> make_acceptor(Runtime&, const AcceptorConfig&);

}  // namespace pocketgss::mechs::spnego

#endif  // PGSS_MECHS_SPNEGO_ACCEPTOR_H_
