// The AS exchange: from a password or a key to a ticket-granting ticket.
#ifndef PGSS_MECHS_KRB5_AS_EXCHANGE_H_
#define PGSS_MECHS_KRB5_AS_EXCHANGE_H_

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "mechs/krb5/client_secret.h"
#include "mechs/krb5/credential.h"
#include "mechs/krb5/kdc_reply.h"
#include "mechs/krb5/preauth.h"

namespace pocketgss::mechs::krb5 {

// AsExchange does no I/O: it asks for each message to be carried to a KDC of `NeedExchange::realm`.
//
//   Start --start()--> Asked --resume()--> Asked, at most 16 times
//                      Asked --resume()--> Done        any refusal --> Failed
//
// What a KRB-ERROR says is not authenticated. It makes us send an encrypted timestamp, of the kind
// that policy allows (rows KRC-3 to KRC-5); ask another realm, where the user's name permits it, at
// most 10 and none twice (row KRC-7, quirk D7); and correct the time of one timestamp (row P16).
//
// Errors:
//   kUnreachable       no KDC answers, or none can answer now
//   kAuthFailed        the KDC refuses the user, or the AS-REP is not made with the user's key
//   kExpired           the clock is wrong by more than may be corrected; the ticket is not valid
//   kPeerIncompatible  nothing in common, or an error that has no other place
//   kPeerMisbehaved    a reply to another request, or requests without end
//   kPolicy            P10, P15, iterations out of bounds
//   kNeedsCredential   no password and no key, or none of an etype that policy allows
//   kMalformed         the reply is no KDC-REP or KRB-ERROR
// `peer_status` has the code of a KRB-ERROR. After an error every call returns that error.
class AsExchange {
 public:
  using Answer = std::variant<NeedExchange, ServiceCredential>;

  // The policy and the secret outlive the exchange. `kinds` are tried in their order.
  AsExchange(Runtime&, const KdcPolicy&, Principal client, const ClientSecret&);
  AsExchange(Runtime&, const KdcPolicy&, Principal client, const ClientSecret&,
             const std::vector<PreauthFactory>& kinds);

  Result<Answer> start();
  Result<Answer> resume(ExchangeAnswer);
  // proof_sent: something that the user's key made was sent (policy row P8).
  bool proof_sent() const { return proof_sent_; }

 private:
  struct Start {};
  struct Asked {
    KdcQuestion question;
    Bytes request;      // as sent
    bool preauth_sent;  // with this request
  };
  struct Done {};
  struct Failed {
    Error error;
  };
  using State = std::variant<Start, Asked, Done, Failed>;

  Result<Answer> keep_error(Result<Answer>);
  Result<Answer> ask();
  Result<Bytes> preauthenticate(ByteView body, std::vector<PaData>& padata);
  Result<Answer> on_error(const Asked&, const KrbError&);
  Result<Answer> on_preauth_required(const Asked&, const KrbError&);
  Result<Answer> on_skew(const Asked&, const KrbError&);
  Result<Answer> on_referral(const Asked&, const KrbError&);
  Result<Answer> on_too_big(Asked&&);
  Result<Answer> on_reply(const Asked&, const KdcRep&);
  bool is_referral(const KrbError&) const;

  Result<void> choose_kind(const MethodData&, const KrbError&);
  Result<Key> reply_key(const KdcRep&);
  Result<const Key*> key_for(const KeyHint&);
  Result<void> check_names(const KdcQuestion&, const KdcRep&, const EncKdcRepPart&) const;
  Result<void> settle_clock(const EncKdcRepPart&);
  Result<void> check_request_was_ours(const Key&, const Asked&, const EncKdcRepPart&) const;
  bool believe_stime(const KrbError&);

  UnixMicros kdc_time() const { return runtime_.clock().now() + offset_; }
  // RFC 6806 5: an enterprise name alone may stand for another name, in another realm.
  bool may_canonicalize() const { return client_.view().name_type == name_type::kEnterprise; }

  Runtime& runtime_;
  const KdcPolicy& policy_;
  Principal client_;
  const ClientSecret& secret_;
  std::vector<Etype> etypes_;
  std::vector<std::unique_ptr<Preauth>> kinds_;

  State state_ = Start{};
  size_t rounds_ = 0;
  std::vector<std::string> realms_;  // those asked, the present one last
  bool proof_sent_ = false;
  bool by_stream_ = false;       // a datagram was too small
  bool want_enc_pa_rep_ = true;  // quirk D20

  // What the last KRB-ERROR asked for.
  Preauth* kind_ = nullptr;
  Bytes method_data_;  // DER
  std::optional<KeyHint> hint_;
  bool renegotiated_ = false;
  struct MadeKey {
    KeyHint hint;
    Key key;
  };
  std::optional<MadeKey> made_key_;

  UnixMicros offset_ = 0;
  bool stime_used_ = false;
};

}  // namespace pocketgss::mechs::krb5

#endif  // PGSS_MECHS_KRB5_AS_EXCHANGE_H_
