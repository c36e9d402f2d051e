// What a client holds to reach one service: a ticket, and what was said with it.
#ifndef PGSS_MECHS_KRB5_CREDENTIAL_H_
#define PGSS_MECHS_KRB5_CREDENTIAL_H_

#include <pocketgss/env.h>
#include <pocketgss/result.h>
#include <pocketgss/secret.h>
#include <pocketgss/step.h>

#include <variant>

#include "asn1/time.h"
#include "mechs/krb5/crypto.h"
#include "mechs/krb5/principal.h"

namespace pocketgss::mechs::krb5 {

// ServiceCredential is a ticket for one service, from a TGS-REP, an AS-REP or a credential cache.
// It owns what it holds and moves; the session key is wiped when it goes, so that what was moved
// from may only be assigned to or go. One for "krbtgt/REALM" is a ticket-granting ticket.
struct ServiceCredential {
  Principal client;           // as the KDC has it, with its realm
  Principal server;           // as the ticket has it, with the realm of the ticket
  Bytes ticket;               // the DER of Ticket, byte for byte as the KDC wrote it
  Key session_key;            // EncKDCRepPart.key
  uint32_t ticket_flags = 0;  // ticket_flag::...
  // By the KDC's clock. A starttime or renew_till that was not sent is authtime, or 0.
  asn1::KerberosTime authtime{}, starttime{}, endtime{}, renew_till{};
  // The KDC's clock less ours, in microseconds (policy row P16): what is sent says our time plus
  // this.
  UnixMicros clock_offset = 0;
};

// CredentialSource is where an initiator gets its credential from, for one exchange: memory, a
// credential cache, or the exchange with a KDC, whose messages go out as NeedExchange.
class CredentialSource {
 public:
  virtual ~CredentialSource() = default;

  // The credential lives as long as the source and is not changed.
  using Answer = std::variant<NeedExchange, const ServiceCredential*>;
  // start is called once, resume after each NeedExchange. Errors are those of the exchange with the
  // initiator: kNeedsCredential, kUnreachable, kAuthFailed, kExpired, kPeerIncompatible,
  // kMalformed, ...; `peer_status` has the code of a KRB-ERROR.
  virtual Result<Answer> start() = 0;
  virtual Result<Answer> resume(ExchangeAnswer) = 0;
  // proof_sent: what a password's key has encrypted was sent (policy row P8).
  virtual bool proof_sent() const = 0;
};

// ReadyCredential is the source of a credential that is there already, and outlives it.
class ReadyCredential final : public CredentialSource {
 public:
  explicit ReadyCredential(const ServiceCredential& credential) : credential_(credential) {}

  Result<Answer> start() override { return Answer(&credential_); }
  Result<Answer> resume(ExchangeAnswer) override {
    return Error{Errc::kApiMisuse, "nothing was asked for", 0, 0};
  }
  bool proof_sent() const override { return false; }

 private:
  const ServiceCredential& credential_;
};

}  // namespace pocketgss::mechs::krb5

#endif  // PGSS_MECHS_KRB5_CREDENTIAL_H_
