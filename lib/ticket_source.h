// TicketSource: where the initiators of a program get their Kerberos tickets from.
#ifndef PGSS_LIB_TICKET_SOURCE_H_
#define PGSS_LIB_TICKET_SOURCE_H_

#include <memory>
#include <string_view>

#include "mechs/krb5/credential.h"

namespace pocketgss {

// TicketSource makes the source of the credential for one exchange. It outlives what it makes.
class TicketSource {
 public:
  virtual ~TicketSource() = default;
  // `target` is an SPN ("smtp/mail.example.test"). Errors: kNeedsCredential (no ticket, and no
  // password to get one with), kApiMisuse (no target).
  virtual Result<std::unique_ptr<mechs::krb5::CredentialSource>> start(
      Runtime&, std::string_view target) const = 0;
};

}  // namespace pocketgss

#endif  // PGSS_LIB_TICKET_SOURCE_H_
