// A library that is built without Kerberos (PGSS_KERBEROS): whoever asks for it is told so.
#include <pocketgss/context.h>
#include <pocketgss/tickets.h>

#include "lib/kerberos.h"

namespace pocketgss {
namespace {

constexpr Error kAbsent{Errc::kPeerIncompatible, "Kerberos: this library is built without it", 0,
                        0};

}  // namespace

// Without tickets and keys no context offers it.
Result<std::shared_ptr<TicketSource>> make_tickets(TicketSettings) {
  return kAbsent;
}

std::string user_realm(const TicketSource&) {
  return {};
}

Result<std::unique_ptr<TicketRequest>> request_ticket(Runtime&, std::shared_ptr<TicketSource>,
                                                      std::string_view) {
  return kAbsent;
}

Result<void> forget_ticket(TicketSource&, std::string_view) {
  return kAbsent;
}

Result<SecretBytes> write_ccache(const TicketSource&) {
  return kAbsent;
}

Result<std::shared_ptr<const ServiceKeys>> read_service_keys(SecretBytes) {
  return kAbsent;
}

Result<std::shared_ptr<ReplayCache>> make_replay_cache(Clock&, size_t, EarlierLogins) {
  return kAbsent;
}

namespace kerberos {

bool usable(const InitiatorConfig&) {
  return false;
}

bool usable(const AcceptorConfig&) {
  return false;
}

Result<std::unique_ptr<mechs::Mechanism>> make_initiator(Runtime&, const InitiatorConfig&, ByteView,
                                                         mechs::MicNeed) {
  return kAbsent;
}

Result<std::unique_ptr<mechs::Mechanism>> make_acceptor(Runtime&, const AcceptorConfig&,
                                                        std::span<const ByteView>) {
  return kAbsent;
}

bool recognises(ByteView) {
  return false;
}

}  // namespace kerberos
}  // namespace pocketgss
