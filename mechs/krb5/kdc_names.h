// From what people type to what a KDC is asked for: users, realms and services.
#ifndef PGSS_MECHS_KRB5_KDC_NAMES_H_
#define PGSS_MECHS_KRB5_KDC_NAMES_H_

#include <string_view>
#include <vector>

#include "mechs/krb5/principal.h"

namespace pocketgss::mechs::krb5 {

// client_names lists the principals that `user` may mean, in the order in which they are tried
// (quirk D9):
//   "alice", realm "R"            alice@R
//   "alice@dns.name", no realm    alice@DNS.NAME, then the enterprise name alice\@dns.name@DNS.NAME
//   "alice@dns.name", realm "R"   the same two in R where R is dns.name, in whatever case; else the
//                                 enterprise name alice\@dns.name@R alone
// A "/" makes components ("host/mail.example.test"), a backslash has the meaning that
// parse_principal gives it. Errors: kNeedsCredential (no name, or no realm), those of
// parse_principal.
Result<std::vector<Principal>> client_names(std::string_view user, std::string_view realm);

// service_names lists what the service on `host` may be called (policy row P13, quirk A21): for
// "smtp" smtp/host, then SMTPSVC/host; for any other only that. The host is taken as it was
// configured, without its final dot and in lower case, and never looked up (row KRC-8). Without a
// realm, the KDCs are asked where it is. Errors: kPeerIncompatible where the host is an IP address,
// of which there are no services; kApiMisuse (an empty name).
Result<std::vector<Principal>> service_names(std::string_view service, std::string_view host,
                                             std::string_view realm);

// is_ip_literal tells "192.0.2.1", "2001:db8::1" and the same in brackets.
bool is_ip_literal(std::string_view host);

}  // namespace pocketgss::mechs::krb5

#endif  // PGSS_MECHS_KRB5_KDC_NAMES_H_
