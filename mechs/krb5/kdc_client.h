// Both exchanges in a row: from what a user has to the ticket of a service.
#ifndef PGSS_MECHS_KRB5_KDC_CLIENT_H_
#define PGSS_MECHS_KRB5_KDC_CLIENT_H_

#include <memory>
#include <vector>

#include "mechs/krb5/as_exchange.h"
#include "mechs/krb5/kdc_names.h"
#include "mechs/krb5/tgs_exchange.h"
#include "mechs/krb5/ticket_cache.h"

namespace pocketgss::mechs::krb5 {

// KdcClientConfig outlives the client; all of it but the cache is only read.
struct KdcClientConfig {
  // Tried in their order: the next user only where the KDC does not know the one before, or has him
  // in another realm (KDC_ERR_C_PRINCIPAL_UNKNOWN, KDC_ERR_WRONG_REALM), and nothing that his key made
  // was sent; the next service only where it does not know that one
  // (KDC_ERR_S_PRINCIPAL_UNKNOWN, quirk A21). See client_names() and service_names().
  std::vector<Principal> clients;
  std::vector<Principal> services;       // none: the result is the ticket-granting ticket
  const ClientSecret* secret = nullptr;  // none: only what the cache has
  // Looked into first, and added to. Where a KDC refuses the ticket-granting ticket that was in it, and
  // no other, a new one is got with the secret, once.
  TicketCache* cache = nullptr;
  KdcPolicy policy;
};

// make_kdc_client returns the source of a credential for `services`. Its messages go out as
// NeedExchange, one after the other.
//
//   Start --start()--> AwaitTgt | AwaitTicket | Done (the cache had it)
//   AwaitTgt --resume()--> AwaitTgt | AwaitTicket | Done
//   AwaitTicket --resume()--> AwaitTicket | Done            any refusal --> Failed
//
// Errors are those of the two exchanges; kNeedsCredential where the cache has no ticket and there is
// no secret.
Result<std::unique_ptr<CredentialSource>> make_kdc_client(Runtime&, const KdcClientConfig&);

}  // namespace pocketgss::mechs::krb5

#endif  // PGSS_MECHS_KRB5_KDC_CLIENT_H_
