// The loop that a request wants.
#include <pocketgss/get_ticket.h>

#include <utility>

namespace pocketgss {

Result<Ticket> get_ticket(TicketRequest& request, KdcExchange& kdcs) {
  Result<TicketRequest::Step> step = request.start();
  for (;;) {
    if (!step.has_value()) return step.error();
    const auto* const need = std::get_if<NeedExchange>(&step.value());
    if (need == nullptr) return std::move(*std::get_if<Ticket>(&step.value()));
    PGSS_TRY(auto&& answer, kdcs.exchange(*need));
    step = request.resume(std::move(answer));
  }
}

}  // namespace pocketgss
