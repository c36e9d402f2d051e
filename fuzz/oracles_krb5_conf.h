// The oracle of krb5.conf. It aborts where something does not hold.
#ifndef PGSS_FUZZ_ORACLES_KRB5_CONF_H_
#define PGSS_FUZZ_ORACLES_KRB5_CONF_H_

#include <pocketgss/bytes.h>

namespace pocketgss::fuzz {

// check_krb5_conf: a refusal names an octet and a line of the input. What is taken has no more KDCs
// than there is room for, is written to a file from which the same is read, and finds the realm of
// each host in it; with a line in front and one behind, and with the line ends of Windows, it reads
// the same.
void check_krb5_conf(ByteView input);

}  // namespace pocketgss::fuzz

#endif  // PGSS_FUZZ_ORACLES_KRB5_CONF_H_
