// Oid: an object identifier in its DER contents octets, borrowed.
#ifndef PGSS_ASN1_OID_H_
#define PGSS_ASN1_OID_H_

#include <string>

#include <pocketgss/bytes.h>

namespace pocketgss::asn1 {

// Oid is the contents octets (X.690 8.19) of an OBJECT IDENTIFIER that has been checked; it borrows
// them.
struct Oid {
  ByteView der;

  bool operator==(const Oid& other) const { return der == other.der; }
};

// dotted returns the usual text form, such as "1.3.6.1.5.5.2"; a component above 2^64-1 is printed
// as "?".
std::string dotted(Oid oid);

}  // namespace pocketgss::asn1

#endif  // PGSS_ASN1_OID_H_
