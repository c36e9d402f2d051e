// Whether a PAC may be believed, and whom it names. Internal to krb5.
#ifndef PGSS_MECHS_KRB5_PAC_CHECK_H_
#define PGSS_MECHS_KRB5_PAC_CHECK_H_

#include <string>

#include "mechs/krb5/crypto.h"
#include "mechs/krb5/messages.h"
#include "mechs/krb5/pac.h"

namespace pocketgss::mechs::krb5 {

// verified_logon_name checks the server signature of a ticket's PAC ([MS-PAC] 2.8.1) with the key
// that encrypts the ticket, and that the PAC was made for this ticket's client and time ([MS-PAC]
// 2.7). It returns the account as Windows shows it, `DOMAIN\user` in UTF-8; empty where the PAC
// does not name one. Errors: kAuthFailed "PAC", kMalformed with the field.
Result<std::string> verified_logon_name(crypto::Workspace&, ByteView pac, const Key& service_key,
                                        const EncTicketPart&);

// printable: UTF-8 without control characters, so that the name can stand in a log line, a header
// or an answer (row SMT-13).
bool printable(std::string_view text);

}  // namespace pocketgss::mechs::krb5

#endif  // PGSS_MECHS_KRB5_PAC_CHECK_H_
