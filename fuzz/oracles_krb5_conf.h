// The oracles of krb5.conf and of addresses of KDCs. They abort where something does not hold.
#ifndef PGSS_FUZZ_ORACLES_KRB5_CONF_H_
#define PGSS_FUZZ_ORACLES_KRB5_CONF_H_

#include <pocketgss/bytes.h>

namespace pocketgss::fuzz {

// check_krb5_conf: a refusal names an octet and a line of the input. What is taken has no more KDCs
// than there is room for, is written to a file from which the same is read, and finds the realm of
// each host in it; with a line in front and one behind, and with the line ends of Windows, it reads
// the same.
void check_krb5_conf(ByteView input);

// check_kdc_address: what is taken has a host out of the input and a port, and written with brackets
// is read as the same; a text without any of ":[]" and NUL is a host, and takes any port behind it but
// those that there are not.
void check_kdc_address(ByteView input);

}  // namespace pocketgss::fuzz

#endif  // PGSS_FUZZ_ORACLES_KRB5_CONF_H_
