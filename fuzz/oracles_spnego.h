// Oracles of the SPNEGO tokens and of whole negotiations. They abort where something does not hold.
#ifndef PGSS_FUZZ_ORACLES_SPNEGO_H_
#define PGSS_FUZZ_ORACLES_SPNEGO_H_

#include <pocketgss/bytes.h>

namespace pocketgss::fuzz {

// What parses is written back to the same bytes, and its views lie inside the input; a refusal
// names a byte of the input, or its end.
void check_gss_wrapper(ByteView token);
void check_spnego_init(ByteView token);
void check_spnego_resp(ByteView token);

// check_spnego_session pairs our initiator with our acceptor over scripted mechanisms; `script`
// sets them up and plays the man in the middle: pass, drop, repeat, cut, flip, replace, splice.
// What must hold:
//   - a side whose mechListMIC was verified saw the list that the initiator sent;
//   - an initiator is established in a mechanism that was not its first choice, or that wants a
//     mechListMIC, only with the acceptor's verified, or, where no other was chosen, by an early
//     success at level default;
//   - an error is final.
void check_spnego_session(ByteView script);

}  // namespace pocketgss::fuzz

#endif  // PGSS_FUZZ_ORACLES_SPNEGO_H_
