// What the KRB-ERROR of a KDC means to the user.
#ifndef PGSS_MECHS_KRB5_KDC_ERRORS_H_
#define PGSS_MECHS_KRB5_KDC_ERRORS_H_

#include <pocketgss/result.h>

#include <optional>

#include "mechs/krb5/messages.h"

namespace pocketgss::mechs::krb5 {

// error_of makes an Error of it: `peer_status` is the error-code, `where` words for the user out of
// our own tables, never out of the message (row KRC-10). docs/kerberos.md says what to do. An Active
// Directory KDC tells by an NTSTATUS in the e-data what is wrong with the account (quirk D25).
Error error_of(const KrbError&);

// extended_status finds that NTSTATUS.
std::optional<uint32_t> extended_status(const KrbError&);

// status_text returns what an NTSTATUS says of an account, or nullptr.
const char* status_text(uint32_t status);

}  // namespace pocketgss::mechs::krb5

#endif  // PGSS_MECHS_KRB5_KDC_ERRORS_H_
