// Gets a Kerberos ticket over the sockets of POSIX, and blocks until it is there.
#ifndef POCKETGSS_GET_TICKET_H_
#define POCKETGSS_GET_TICKET_H_

#include <pocketgss/kdc_transport.h>
#include <pocketgss/tickets.h>

namespace pocketgss PGSS_EXPORT {

// get_ticket starts the request and carries its messages until it is done. The time of the whole is
// KdcTransportConfig::overall. Errors: those of TicketRequest.
Result<Ticket> get_ticket(TicketRequest& request, KdcTransport& transport);

}  // namespace pocketgss

#endif  // POCKETGSS_GET_TICKET_H_
