// The loop that a request wants.
#include "lib/platform/get_ticket.h"

#include <utility>

namespace pocketgss {

Result<Ticket> get_ticket(TicketRequest& request, KdcTransport& transport) {
  PGSS_TRY(TicketRequest::Step step, request.start());
  while (const auto* need = std::get_if<NeedExchange>(&step)) {
    PGSS_TRY(ExchangeAnswer answer, transport.exchange(*need));
    PGSS_TRY(step, request.resume(std::move(answer)));
  }
  return std::get<Ticket>(std::move(step));
}

}  // namespace pocketgss
