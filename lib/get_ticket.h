// Gets a Kerberos ticket in one call, and blocks until it is there.
#ifndef POCKETGSS_GET_TICKET_H_
#define POCKETGSS_GET_TICKET_H_

#include <pocketgss/kdc_exchange.h>
#include <pocketgss/tickets.h>

PGSS_EXPORT_BEGIN
namespace pocketgss {

// get_ticket starts the request and has `kdcs` carry its messages until it is done: a KdcTransport,
// whose KdcTransportConfig::overall is the time of the whole, or one of your own. Errors: those of
// TicketRequest, and of `kdcs`.
Result<Ticket> get_ticket(TicketRequest& request, KdcExchange& kdcs);

}  // namespace pocketgss
PGSS_EXPORT_END

#endif  // POCKETGSS_GET_TICKET_H_
