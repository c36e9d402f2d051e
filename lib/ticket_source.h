// TicketSource: where the initiators of a program get their Kerberos tickets from.
#ifndef PGSS_LIB_TICKET_SOURCE_H_
#define PGSS_LIB_TICKET_SOURCE_H_

#include <memory>
#include <string>
#include <string_view>

#include "mechs/krb5/credential.h"

namespace pocketgss {

// TicketSource makes the source of the credential for one exchange. It outlives what it makes.
class TicketSource {
 public:
  virtual ~TicketSource() = default;
  // start is for a context. `target` is an SPN ("smtp/mail.example.test"). Errors: kNeedsCredential
  // (no ticket, and no password to get one with), kApiMisuse (no target, or not "service/host"),
  // kPeerIncompatible (the host is an IP address).
  virtual Result<std::unique_ptr<mechs::krb5::CredentialSource>> start(
      Runtime&, std::string_view target) const = 0;
  // login is for a request: without a service it is the ticket-granting ticket that is wanted.
  virtual Result<std::unique_ptr<mechs::krb5::CredentialSource>> login(
      Runtime& runtime, std::string_view service) const {
    return start(runtime, service);
  }
  // forget drops what forget_ticket() says. Errors: as start().
  virtual Result<void> forget(std::string_view) { return {}; }
  // user_realm is that of the first of the user's names.
  virtual std::string user_realm() const { return {}; }
  // write makes a credential cache of all tickets.
  virtual Result<SecretBytes> write() const {
    return Error{Errc::kNeedsCredential, "there is no ticket", 0, 0};
  }
};

}  // namespace pocketgss

#endif  // PGSS_LIB_TICKET_SOURCE_H_
