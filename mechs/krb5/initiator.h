// The client of RFC 4121: AP-REQ, and the proof of the acceptor in its AP-REP.
#ifndef PGSS_MECHS_KRB5_INITIATOR_H_
#define PGSS_MECHS_KRB5_INITIATOR_H_

#include "mechs/krb5/credential.h"
#include "mechs/mechanism.h"

namespace pocketgss::mechs::krb5 {

// InitiatorConfig is copied; what it borrows outlives the mechanism, and is only read.
struct InitiatorConfig {
  ByteView channel_binding;  // application data ("tls-server-end-point:" and the hash); empty: none
  bool require_channel_binding = false;
  // What the caller wants. kMutualFlag: nothing is established before the acceptor has proven that
  // it holds the service's key (policy row P11). Integrity and confidentiality there always are.
  ContextFlags flags = kMutualFlag | kReplayFlag | kSequenceFlag | kIntegFlag | kConfFlag;
  bool allow_rc4 = false;  // etype 23 (policy row P10)
};

// make_initiator starts one exchange: step("") sends AP-REQ and step(AP-REP) establishes, without a
// token; where mutual authentication is not wanted, step("") establishes, with AP-REQ.
//
//   Start --step("")--> AwaitApRep | Established            (AwaitCredential before it, where the
//   AwaitCredential --resume()--> the same three             source asks)
//   AwaitApRep --AP-REP--> Established   any refusal --> Failed
//
// Errors of the exchange, beside those of the source:
//   kMalformed         the bytes are no AP-REP or KRB-ERROR; `where` names the field
//   kPeerMisbehaved    a token where none is due, or of another kind
//   kAuthFailed        the AP-REP is not made with the session key, or answers another AP-REQ; or a
//                      KRB-ERROR says that the ticket or the authenticator is wrong
//   kExpired           a KRB-ERROR that speaks of times or replay; the ticket is no longer valid
//   kPeerIncompatible  any other KRB-ERROR (`peer_status` has its code, `where` words for the
//                      user); an etype that is unknown
//   kPolicy            "P5": a channel binding is required and there is none; "P10": etype 23
//   kApiMisuse         a call out of turn
//
// A KRB-ERROR is not authenticated (quirk D22): it ends the exchange, and nothing else.
Result<std::unique_ptr<Mechanism>> make_initiator(Runtime&, const InitiatorConfig&,
                                                  std::unique_ptr<CredentialSource>);

}  // namespace pocketgss::mechs::krb5

#endif  // PGSS_MECHS_KRB5_INITIATOR_H_
