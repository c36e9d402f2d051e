// Kerberos tickets: made from a password, the keys of a key table, or a credential cache. No file is
// read here and nothing is sent: the messages for the KDCs go out as NeedExchange.
//
//   auto tickets = make_tickets(std::move(settings));
//   auto request = request_ticket(runtime, tickets.value(), "smtp/mail.example.test");
//   auto step = request.value()->start();  // then resume() with each KDC's reply
//   config.tickets = tickets.value();      // of InitiatorConfig: it finds the ticket there
//
// <pocketgss/get_ticket.h> does the middle part in one call, with <pocketgss/kdc_transport.h> over
// POSIX sockets.
#ifndef POCKETGSS_TICKETS_H_
#define POCKETGSS_TICKETS_H_

#include <pocketgss/env.h>
#include <pocketgss/result.h>
#include <pocketgss/secret.h>
#include <pocketgss/step.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

PGSS_EXPORT_BEGIN
namespace pocketgss {

// TicketSettings says who the user is, what he proves that with, and what is believed of a KDC. The
// defaults are the rows P10, P15 and P16 of docs/policy.md.
struct TicketSettings {
  // "alice", "alice@example.test", "host/device.example.test"; UTF-8. A "/", "@" or "\" of a name
  // itself stands behind a backslash; `DOMAIN\user` is no name of Kerberos. Empty: the first principal
  // of the key table, in `realm` where that is given, else the owner of the credential cache, also
  // beside a password or a hash. A cache that was got for a name to which the KDC has given another
  // (a UPN, "alice@upn.test") is also that name's, where write_ccache() has made it.
  std::string user;
  // Kerberos realm, in its own case, mostly upper: "EXAMPLE.TEST". Empty: what stands behind the "@"
  // of the user, in upper case, else the realm of the key table, or of a credential cache that stands
  // alone; of the latter too where it was got for the very name that is given.
  std::string realm;

  // What the user proves himself with: at most one of the first three. With a credential cache
  // beside it, that is looked into first; with a credential cache alone, only its tickets are used.
  SecretBytes password;  // UTF-8, 1 to 1,024 octets
  SecretBytes keytab;    // the contents of a keytab file
  SecretBytes nt_hash;   // 16 octets; takes `allow_rc4`
  SecretBytes ccache;    // the contents of a FILE credential cache, version 1 to 4

  // Etype 23 (rc4-hmac) is permitted (row P10): offered as the last where `etypes` is empty, else only
  // where they name it.
  bool allow_rc4 = false;
  // Etypes to offer, preferred first, by their numbers (17 to 20, 23); empty: 18, 17, 20, 19, as P10
  // has it.
  std::vector<int32_t> etypes;
  // The most iterations of PBKDF2 that a KDC may ask for; it bounds the time that a password takes, in
  // one call that cannot be interrupted. For a slow core 65,536: KDCs ask for 4,096 or 32,768.
  uint32_t max_iterations = uint32_t{1} << 20;
  // Send nothing that the password could be guessed from (row P15): until a stronger kind of
  // pre-authentication is built, every login with a password or with keys is refused.
  bool require_strong_preauth = false;
  // Microseconds by which the clock may be corrected by what a KDC says (row P16); 0: not at all. But a
  // clock that was never set, which is one before 2026-11-01, is corrected by any amount, to a time
  // after that, with 0 too.
  UnixMicros max_clock_correction = UnixMicros{24} * 3600 * 1'000'000;
  // How long a ticket shall last, in microseconds; 0: as long as the realm allows; at most 100 years.
  UnixMicros lifetime = 0;
};

// TicketSource is a user with his tickets: those that he had and those that he got. It may be shared
// by threads, and wipes what it holds when it goes.
class TicketSource;

// make_tickets reads the settings; it sends nothing. Errors:
//   kNeedsCredential   no user, no realm, nothing to prove him with, no key of his in the table, or a
//                      cache of another realm; a cache of another user, where it stands alone
//   kMalformed         `where` = "user" and `offset` the octet of it, or the field of the key table or
//                      cache that is wrong
//   kPolicy            "P10: ..." an NT hash, etype 23, or a cache of nothing else, without `allow_rc4`
//   kApiMisuse         two proofs at once, a password or a hash of a wrong size, an unknown etype,
//                      a lifetime or a correction out of range
//   kPeerIncompatible  a library without Kerberos; so is request_ticket()
//   kNoMemory
Result<std::shared_ptr<TicketSource>> make_tickets(TicketSettings settings);

// user_realm is the realm in which the user is looked for first: that of his name, his key table or
// his cache. Where KDCs are named for his realm alone, it is this one. Empty of a library without
// Kerberos. May throw std::bad_alloc.
std::string user_realm(const TicketSource&);

// Ticket is what is known of one.
struct Ticket {
  std::string client;   // "alice@EXAMPLE.TEST", as the KDC calls him
  std::string service;  // "smtp/mail.example.test@EXAMPLE.TEST", as the ticket has it
  int32_t etype = 0;    // of its session key
  UnixMicros end = 0;   // when it ends, by our clock
  // The KDC's clock less ours: what certificates should be checked with too (row P16).
  UnixMicros clock_offset = 0;
};

// TicketRequest gets one ticket. It belongs to one thread. After an error it has failed, and returns
// that error again; but not after kApiMisuse, which changes nothing.
class TicketRequest {
 public:
  virtual ~TicketRequest() = default;

  // NeedExchange: carry it to a KDC, and resume() with the reply, or with none.
  using Step = std::variant<NeedExchange, Ticket>;
  // Errors, with the code of a KRB-ERROR in `peer_status` (docs/kerberos.md lists them):
  //   kNeedsCredential    no ticket, and nothing to get one with
  //   kUnreachable        no KDC answered, or it cannot now
  //   kAuthFailed         a wrong password, an unknown user, an account that may not log in
  //   kPeerIncompatible   an unknown service, no common etype, an IP address as the host
  //   kPolicy             `where` begins with the row, such as "P10: "
  //   kExpired, kMalformed, kPeerMisbehaved, kNoMemory, kInternal
  //   kApiMisuse          out of turn
  virtual Result<Step> start() = 0;
  virtual Result<Step> resume(ExchangeAnswer answer) = 0;
  // proof_sent: something that the password's key has made was sent, so nothing weaker may be tried
  // after a failure (row P8): see may_fall_back().
  virtual bool proof_sent() const = 0;
};

// request_ticket wants a ticket for `service`: "smtp/mail.example.test", or with "@REALM" behind it;
// for smtp the name SMTPSVC serves too (quirk A21). Empty: the ticket-granting ticket. The runtime
// outlives the request. Errors: kPeerIncompatible (the host is an IP address), kApiMisuse (not
// "service/host", or no tickets), kNoMemory.
Result<std::unique_ptr<TicketRequest>> request_ticket(Runtime&, std::shared_ptr<TicketSource>,
                                                      std::string_view service);

// may_fall_back: after `error` another mechanism, NTLM, may take the place of Kerberos, where the user
// named it (rows P1 and P8): Kerberos cannot be used (kUnreachable, kPeerIncompatible,
// kNeedsCredential), and nothing that the password could be guessed from was sent. It may not after a
// refusal, such as of the password, which would cost a second attempt, nor where the policy or what
// came as an answer is the reason. `proof_sent` is TicketRequest::proof_sent(), false where there was
// no request yet. SPNEGO and SmtpClient keep to it by themselves where they ask for the ticket.
bool may_fall_back(const Error& error, bool proof_sent);

// forget_ticket drops the tickets for `service`, named as for request_ticket(), so that the next login
// gets a new one: for when the service refuses the one that there is (docs/kerberos.md says which
// errors mean that). Empty: the ticket-granting ticket, whose successor takes the password or the
// keys again. Logins under way keep theirs. Any thread may call it. It is no error where there is
// none. Errors: kPeerIncompatible, kApiMisuse (as request_ticket()), kNoMemory.
Result<void> forget_ticket(TicketSource&, std::string_view service);

// write_ccache writes all tickets of the user to a credential cache of version 4, which other
// Kerberos programs read. Its owner is the user as the KDC calls him; where he was asked for by another
// name, that is in the setting "pocketgss_asked_for". Its keys are secrets, so the file is for its owner
// alone (mode 0600). Errors: kNeedsCredential (there are none), kNoMemory.
Result<SecretBytes> write_ccache(const TicketSource&);

}  // namespace pocketgss
PGSS_EXPORT_END

#endif  // POCKETGSS_TICKETS_H_
