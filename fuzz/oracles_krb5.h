// Oracles of the Kerberos messages. They abort where something does not hold.
#ifndef PGSS_FUZZ_ORACLES_KRB5_H_
#define PGSS_FUZZ_ORACLES_KRB5_H_

#include <pocketgss/bytes.h>

namespace pocketgss::fuzz {

// Each takes its input for every type in its name's list. What parses without a skipped extension
// is written back to the same bytes, its lists also out of arrays; with one, what is written is
// shorter and parses. Views lie inside the input; a refusal names a byte of the input, or its end.
void check_krb_kdc_req(ByteView input);  // AS-REQ, TGS-REQ, KDC-REQ-BODY, KRB-CRED, its part
void check_krb_as_rep(ByteView input);   // AS-REP, EncKDCRepPart
void check_krb_tgs_rep(ByteView input);  // TGS-REP, EncKDCRepPart
void check_krb_error_padata(
    ByteView input);                    // KRB-ERROR, what its e-data can be, what PA-DATA hold
void check_krb_ap_req(ByteView input);  // AP-REQ, Ticket, EncTicketPart, Authenticator
void check_krb_ap_rep(ByteView input);  // AP-REP, EncAPRepPart

// A PAC, and every structure in it: views and offsets agree and lie inside the input. Also as
// authorization data that may have a PAC in it.
void check_pac(ByteView input);

// Tokens made past the cryptography, with the key that the receiver has: the first octets choose
// etype, form and header, the rest is what is encrypted or checked. A model that shares no code says
// whether a token is to be taken, and with which message. Whatever comes, the next good token is
// taken, and of one that is refused nothing is left behind.
void check_krb_cfx_wrap(ByteView input);
void check_krb_cfx_mic(ByteView input);

// The same of the wrap and MIC tokens of RFC 4757 7, whose number no checksum covers: another number
// is taken where nothing is encrypted with it.
void check_krb_rfc4757(ByteView input);

// An exchange of any etype, with and without mutual authentication, channel bindings and a PAC, whose
// ticket, authenticator, EncAPRepPart or KERB_VALIDATION_INFO has been edited before it was encrypted
// or signed with the right key, or whose tokens have been edited as they are. What is established has
// both sides agree on key, names and channel; an error is final.
void check_krb_ap_session(ByteView input);

}  // namespace pocketgss::fuzz

#endif  // PGSS_FUZZ_ORACLES_KRB5_H_
