// A library that is built without Kerberos (PGSS_KERBEROS): whoever asks for it is told so.
#include <pocketgss/context.h>
#include <pocketgss/tickets.h>

#include "mechs/krb5/acceptor.h"
#include "mechs/krb5/gss_token.h"
#include "mechs/krb5/initiator.h"

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

namespace mechs::krb5 {

bool recognises(ByteView) {
  return false;
}

Result<std::unique_ptr<Mechanism>> make_initiator(Runtime&, const InitiatorConfig&,
                                                  std::unique_ptr<CredentialSource>) {
  return kAbsent;
}

Result<std::unique_ptr<Mechanism>> make_acceptor(Runtime&, const AcceptorConfig&) {
  return kAbsent;
}

}  // namespace mechs::krb5
}  // namespace pocketgss
