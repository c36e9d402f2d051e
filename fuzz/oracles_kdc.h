// What must hold whatever a KDC sends.
#ifndef PGSS_FUZZ_ORACLES_KDC_H_
#define PGSS_FUZZ_ORACLES_KDC_H_

#include <pocketgss/bytes.h>

namespace pocketgss::fuzz {

// check_kdc_session logs in, from a key to the ticket of a service, with a KDC that the input plays.
// It knows every key, so that what it sends gets past the cryptography. A piece for each request
// says what the answer is: an honest one, one with octets of the encrypted part or of the message
// changed, a KRB-ERROR with any code and e-data, any octets, or none.
//   - The client ends, after a bounded number of requests, and an error is final.
//   - Each request parses, offers what the policy has, and asks for no delegation.
//   - Whoever has a ticket has one for the client and a service that were asked for, of an etype
//     that was offered, and valid now.
void check_kdc_session(ByteView input);

// check_kdc_framing reads the input as a stream from a KDC: in one piece and octet by octet the same
// comes out, and what comes out is framed to what was read.
void check_kdc_framing(ByteView input);

}  // namespace pocketgss::fuzz

#endif  // PGSS_FUZZ_ORACLES_KDC_H_
