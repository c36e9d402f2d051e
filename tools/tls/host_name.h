// Does a certificate name this host? The rules of RFC 6125 and RFC 9525: subjectAltName only, never
// the common name.
#ifndef PGSS_TOOLS_TLS_HOST_NAME_H_
#define PGSS_TOOLS_TLS_HOST_NAME_H_

#include <string>
#include <string_view>
#include <vector>

#include <pocketgss/bytes.h>
#include <pocketgss/result.h>

namespace pocketgss::tools {

// SubjectNames is what the extension subjectAltName holds of hosts (RFC 5280 4.2.1.6). The views
// borrow from the input.
struct SubjectNames {
  std::vector<std::string_view> dns;  // dNSName, as it stands there: any bytes
  std::vector<ByteView> addresses;    // iPAddress, 4 or 16 octets in network order
};

// parse_subject_names takes the extension's value. Errors: kMalformed (no DER; or more than 1,000
// names).
Result<SubjectNames> parse_subject_names(ByteView extension_value);

// names_host: one of the names is `host`, which is a DNS name or an IPv4 or IPv6 address in text
// form without brackets. Names compare without regard to case; "*" stands for exactly one label and
// only as the whole left-most one (RFC 9525 6.3). An address never matches a dNSName.
bool names_host(const SubjectNames& names, std::string_view host);

// is_address: `host` is an IPv4 or IPv6 address.
bool is_address(std::string_view host);

}  // namespace pocketgss::tools

#endif  // PGSS_TOOLS_TLS_HOST_NAME_H_
