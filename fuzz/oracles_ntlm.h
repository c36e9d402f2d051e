// Oracles of the NTLM messages and of whole exchanges. They abort where something does not hold.
#ifndef PGSS_FUZZ_ORACLES_NTLM_H_
#define PGSS_FUZZ_ORACLES_NTLM_H_

#include <pocketgss/bytes.h>

namespace pocketgss::fuzz {

// A message that parses lies inside the input with every field, and what is written from its fields
// parses to equal ones.
void check_ntlm_negotiate(ByteView message);
void check_ntlm_challenge(ByteView message);
void check_ntlm_authenticate(ByteView message);

// A list that parses gives, pair for pair, the very bytes of it when it is written again.
void check_ntlm_av_pairs(ByteView list);

// check_ntlm_session pairs our initiator with our acceptor; `script` says what happens to the
// tokens between them: passed on, dropped, repeated, cut, altered, replaced. What must hold:
//   - a wrong password or an unknown account gets nobody in;
//   - who is in has proved the response that the initiator sent;
//   - where a MIC was verified, and always at strict, every message arrived as it was sent, both
//   sides hold one key, and they
//     agree on flags and names;
//   - an error is final;
//   - a protected message that was altered, repeated or taken out of turn is refused.
void check_ntlm_session(ByteView script);

}  // namespace pocketgss::fuzz

#endif  // PGSS_FUZZ_ORACLES_NTLM_H_
