// The loop that a request wants.
#include <pocketgss/get_ticket.h>

#include <utility>

namespace pocketgss {

Result<Ticket> get_ticket(TicketRequest& request, KdcExchange& kdcs) {
  PGSS_TRY(TicketRequest::Step step, request.start());
  while (const auto* need = std::get_if<NeedExchange>(&step)) {
    PGSS_TRY(auto&& answer, kdcs.exchange(*need));
    PGSS_TRY(step, request.resume(std::move(answer)));
  }
  return std::get<Ticket>(std::move(step));
}

}  // namespace pocketgss
