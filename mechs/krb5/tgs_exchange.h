// The TGS exchange: from a ticket-granting ticket to the ticket of a service, over as many realms as
// it takes.
#ifndef PGSS_MECHS_KRB5_TGS_EXCHANGE_H_
#define PGSS_MECHS_KRB5_TGS_EXCHANGE_H_

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "mechs/krb5/credential.h"
#include "mechs/krb5/kdc_reply.h"

namespace pocketgss::mechs::krb5 {

// TgsExchange does no I/O, as AsExchange.
//
//   Start --start()--> Asked --resume()--> Asked (the ticket-granting ticket of another realm: at
//                      most 10, none twice; or the same again without canonicalisation, quirk D8)
//                      Asked --resume()--> Done        any refusal --> Failed
//
// Errors are those of AsExchange; KDC_ERR_S_PRINCIPAL_UNKNOWN is kPeerIncompatible with that
// `peer_status`.
class TgsExchange {
 public:
  using Answer = std::variant<NeedExchange, ServiceCredential>;

  // `tgt` and the policy outlive the exchange. A service without a realm is looked for by the KDCs,
  // beginning in the realm of the ticket; one with a realm is asked for there.
  TgsExchange(Runtime&, const KdcPolicy&, const ServiceCredential& tgt, Principal service);

  Result<Answer> start();
  Result<Answer> resume(ExchangeAnswer);
  // was_referred: the KDC of another realm was asked, with the ticket of a referral.
  bool was_referred() const { return hop_.has_value(); }

 private:
  struct Start {};
  struct Asked {
    KdcQuestion question;
    Key subkey;
    Bytes request;
  };
  struct Done {};
  struct Failed {
    Error error;
  };
  using State = std::variant<Start, Asked, Done, Failed>;

  Result<Answer> keep_error(Result<Answer>);
  Result<Answer> ask();
  Result<Bytes> encode_tgs_req(const KdcQuestion&, const Key& subkey);
  Result<Bytes> encode_authenticator(ByteView body, const Key& subkey);
  Result<Answer> on_error(const KrbError&);
  Result<Answer> on_reply(const Asked&, const KdcRep&);
  Result<ReplyPart> open(const Asked&, const KdcRep&);
  Result<Answer> on_referral(const KdcRep&, const EncKdcRepPart&, std::string_view realm);
  Result<Answer> ask_without_canonicalize(const char* refused);

  const ServiceCredential& tgt() const { return hop_ ? *hop_ : first_; }
  // The realm whose KDC takes the ticket that we have: RFC 4120 1.2.
  std::string_view tgs_realm() const { return realms_.back(); }

  Runtime& runtime_;
  const KdcPolicy& policy_;
  const ServiceCredential& first_;
  Principal service_;
  std::optional<ServiceCredential> hop_;  // of the present realm, after a referral

  State state_ = Start{};
  std::vector<std::string> realms_;
  bool canonicalize_ = true;  // RFC 6806 8: the KDC may pass us on; not after quirk D8
  bool by_stream_ = false;
};

}  // namespace pocketgss::mechs::krb5

#endif  // PGSS_MECHS_KRB5_TGS_EXCHANGE_H_
