// The oracle of answers of a name server. It aborts where something does not hold.
#ifndef PGSS_FUZZ_ORACLES_DNS_H_
#define PGSS_FUZZ_ORACLES_DNS_H_

#include <pocketgss/bytes.h>

namespace pocketgss::fuzz {

// check_srv_answer: what is wrong comes with no record; there are no more records than there is room
// for; in their order, whatever chance says, each is there once and the priorities rise; and what
// counts as a domain's name is one.
void check_srv_answer(ByteView answer);

}  // namespace pocketgss::fuzz

#endif  // PGSS_FUZZ_ORACLES_DNS_H_
