// The realms that a client came through: TransitedEncoding of type DOMAIN-X500-COMPRESS
// (RFC 4120 3.3.3.2).
#ifndef PGSS_MECHS_KRB5_TRANSITED_H_
#define PGSS_MECHS_KRB5_TRANSITED_H_

#include <string_view>

#include <pocketgss/bytes.h>

namespace pocketgss::mechs::krb5 {

// is_hierarchical_path: each of these realms, which stand between `client` and `server`, is above one
// of the two in the hierarchy of names, such as EXAMPLE.TEST is above MAIL.EXAMPLE.TEST, and not above
// the lowest realm that is above both; or there are none. It is the path that a server may take without a KDC's word (RFC 4120 2.7), and that of the
// domains of one forest of Active Directory, whose KDCs do not check it.
// False also of names that are X.500's, of an encoding that cannot be read, and of a realm of more
// than 255 octets. May throw std::bad_alloc.
bool is_hierarchical_path(ByteView contents, std::string_view client, std::string_view server);

}  // namespace pocketgss::mechs::krb5

#endif  // PGSS_MECHS_KRB5_TRANSITED_H_
