// The server of RFC 4121: takes an AP-REQ with the keys of a key table.
#ifndef PGSS_MECHS_KRB5_ACCEPTOR_H_
#define PGSS_MECHS_KRB5_ACCEPTOR_H_

#include <string_view>
#include <vector>

#include "mechs/krb5/keytab.h"
#include "mechs/krb5/replay_cache.h"
#include "mechs/krb5/times.h"
#include "mechs/mechanism.h"

namespace pocketgss::mechs::krb5 {

// AcceptorConfig is copied; what it borrows outlives the mechanism, and is only read.
struct AcceptorConfig {
  const Keytab* keytab = nullptr;       // required
  ReplayCache* replay_cache = nullptr;  // required
  // Services that are ours ("smtp/mail.example.test"), of any realm in the key table; the host is
  // compared without case. Empty: whatever "smtp/..." and "SMTPSVC/..." the key table has (policy
  // row P13, quirk A28). A ticket for another principal is refused, its key being there or not.
  std::vector<std::string_view> services;
  // Realms whose clients may log in; empty: the service's own, and every realm that its KDC vouches
  // for. A client of another realm needs, either way, a ticket whose path the KDC has checked
  // (TRANSITED-POLICY-CHECKED), or one that came directly (RFC 4120 2.7).
  std::vector<std::string_view> client_realms;
  // Application data of each type that the TLS channel gives; empty: no TLS, and a client that
  // binds is refused (P5).
  std::vector<ByteView> channel_bindings;
  BindingRequirement binding_requirement = BindingRequirement::kWhenSupported;
  UnixMicros clock_skew = kMaxSkew;
  bool allow_rc4 = false;  // etype 23, of any of the keys (policy row P10)
};

// make_acceptor starts one exchange: step(AP-REQ) establishes, with AP-REP where the client asks
// for mutual authentication and else without a token (policy row P11).
//
//   Start --AP-REQ--> Established
//   Start --AP-REQ, skewed--> AwaitRetry --AP-REQ--> Established       any refusal --> Failed
//
// A client whose clock is wrong gets a KRB-ERROR with the right time and, as Windows understands it,
// the request to try again (quirk D5), once.
//
// Any other client that is refused may be told by take_error_token(): a KRB-ERROR with the code of RFC
// 4120 3.2.3, or KRB_ERR_GENERIC where that has none.
//
// Errors of the exchange, and what the client is told:
//   kMalformed         the bytes are no AP-REQ, or something inside is not what it should be
//   kPeerMisbehaved    a token of another kind
//   kPeerIncompatible  an etype that is unknown; DCE style; user-to-user
//   kNeedsCredential   the ticket is for a service or a key that the key table lacks; `where` says
//                      which of service, etype and kvno
//   kPolicy            "P5": no channel binding; "P10": etype 23; "P13": service or realm
//   kExpired           the ticket's or the authenticator's time; "P17": a replay
//   kAuthFailed        ticket, authenticator, checksum or PAC are not made with the right key; a
//                      channel binding is not of this channel
//   kApiMisuse         a call out of turn; a configuration that cannot work
Result<std::unique_ptr<Mechanism>> make_acceptor(Runtime&, AcceptorConfig);

}  // namespace pocketgss::mechs::krb5

#endif  // PGSS_MECHS_KRB5_ACCEPTOR_H_
