// TGS-REQ, and what a TGS-REP must say.
#include "mechs/krb5/tgs_exchange.h"

#include <algorithm>
#include <utility>

#include "mechs/krb5/ap_exchange.h"
#include "mechs/krb5/kdc_errors.h"
#include "mechs/krb5/names.h"
#include "mechs/krb5/times.h"

namespace pocketgss::mechs::krb5 {
namespace {

Error misbehaved(const char* what) {
  return Error{Errc::kPeerMisbehaved, what, 0, 0};
}

// granted_realm returns the realm whose KDC takes a ticket for `server` (RFC 4120 7.3); empty where
// it is no ticket-granting ticket.
std::string_view granted_realm(const PrincipalView& server) {
  if (server.components.size() != 2 || server.components.front() != kTgsName) return {};
  return *std::next(server.components.begin());
}

}  // namespace

TgsExchange::TgsExchange(Runtime& runtime, const KdcPolicy& policy, const ServiceCredential& tgt,
                         Principal service)
    : runtime_(runtime),
      policy_(policy),
      first_(tgt),
      service_(std::move(service)),
      realms_{std::string(granted_realm(tgt.server.view()))} {}

Result<TgsExchange::Answer> TgsExchange::keep_error(Result<Answer> result) {
  if (!result.has_value()) state_ = Failed{result.error()};
  return result;
}

Result<TgsExchange::Answer> TgsExchange::start() {
  if (const auto* failed = std::get_if<Failed>(&state_)) return failed->error;
  if (!std::holds_alternative<Start>(state_))
    return Error{Errc::kApiMisuse, "the TGS exchange has begun", 0, 0};
  state_ = Failed{Error{Errc::kNoMemory, "TGS exchange", 0, 0}};
  if (tgs_realm().empty())
    return keep_error(Error{Errc::kApiMisuse, "not a ticket-granting ticket", 0, 0});
  return keep_error(ask());
}

// Not inlined into KdcClient, whose frame would then be there beneath what comes after this.
[[gnu::noinline]] Result<TgsExchange::Answer> TgsExchange::resume(ExchangeAnswer answer) {
  if (const auto* failed = std::get_if<Failed>(&state_)) return failed->error;
  if (!std::holds_alternative<Asked>(state_))
    return Error{Errc::kApiMisuse, "nothing was asked for", 0, 0};
  // Whatever ends this call, also an allocation that fails, leaves the state Failed.
  State state = std::exchange(state_, Failed{Error{Errc::kNoMemory, "TGS exchange", 0, 0}});
  Asked asked = std::move(std::get<Asked>(state));

  const auto parsed = parse_answer(MessageType::kTgsReq, answer.reply);
  if (!parsed.has_value()) return keep_error(parsed.error());
  if (const auto* rep = std::get_if<KdcRep>(&parsed.value()))
    return keep_error(on_reply(asked, *rep));
  const KrbError& error = std::get<KrbError>(parsed.value());
  if (error.error_code == error_code::kResponseTooBig && !std::exchange(by_stream_, true)) {
    Bytes request = asked.request;
    state_ = std::move(asked);
    return Answer(NeedExchange{std::string(tgs_realm()), std::move(request), true});
  }
  return keep_error(on_error(error));
}

Result<TgsExchange::Answer> TgsExchange::on_error(const KrbError& error) {
  if (error.error_code == error_code::kResponseTooBig) {
    return Error{Errc::kPeerMisbehaved, "KRB-ERROR.error-code: too big for TCP", 0,
                 error_code::kResponseTooBig};
  }
  return error_of(error);
}

// ---- requests

Result<TgsExchange::Answer> TgsExchange::ask() {
  PGSS_TRY(Key subkey, Key::random(tgt().session_key.etype(), runtime_.random()));
  Asked next{{}, std::move(subkey), {}};
  KdcQuestion& question = next.question;
  question.asks = MessageType::kTgsReq;
  question.client = tgt().client;
  if (service_.realm().empty() || service_.realm() == tgs_realm()) {
    question.server = service_;
    question.server.set_realm(tgs_realm());
  } else {
    // RFC 4120 3.3.1: a ticket for the KDC of that realm, or of one that is nearer to it.
    question.server = Principal(name_type::kSrvInst, tgs_realm());
    question.server.add(kTgsName).add(service_.realm());
  }
  question.etypes = policy_.etypes;
  question.canonicalize = canonicalize_;
  question.till = till_of(policy_, runtime_.clock().now() + first_.clock_offset);
  PGSS_TRY(question.nonce, make_nonce(runtime_.random()));
  PGSS_TRY(next.request, encode_tgs_req(question, next.subkey));
  Bytes request = next.request;
  state_ = std::move(next);
  return Answer(NeedExchange{std::string(tgs_realm()), std::move(request), by_stream_});
}

// RFC 4120 5.4.1: PA-TGS-REQ is an AP-REQ, whose authenticator has the checksum of the body.
Result<Bytes> TgsExchange::encode_tgs_req(const KdcQuestion& question, const Key& subkey) {
  const ServiceCredential& ticket = tgt();
  PGSS_TRY(const Bytes body, encode_body(question));
  PGSS_TRY(const Bytes authenticator, encode_authenticator(body, subkey));
  ApReq ap_req;
  ap_req.ticket.der = ticket.ticket;
  ap_req.authenticator = {static_cast<int32_t>(ticket.session_key.etype()), std::nullopt,
                          authenticator};
  PGSS_TRY(const Bytes pa_tgs_req, encode(ap_req));
  const PaData padata[] = {{padata_type::kTgsReq, pa_tgs_req}};
  return encode_request(MessageType::kTgsReq, body, padata);
}

Result<Bytes> TgsExchange::encode_authenticator(ByteView body, const Key& subkey) {
  crypto::Workspace& crypto = runtime_.crypto();
  const ServiceCredential& ticket = tgt();
  const Key& key = ticket.session_key;
  // Keyed, also for etype 23 (quirk D12).
  FixedBytes<kMaxChecksumSize> sum;
  PGSS_TRY(const size_t sum_size,
           checksum(crypto, key, KeyUsage::kTgsReqAuthenticatorChecksum, {body}, sum));

  const NameComponents client(ticket.client.view());
  PGSS_TRY(const WireTime time,
           authenticator_time(runtime_.clock().now() + first_.clock_offset, runtime_.random()));
  Authenticator authenticator;
  authenticator.crealm = ticket.client.realm();
  authenticator.cname = client.name();
  authenticator.cksum =
      Checksum{static_cast<int32_t>(checksum_type(key.etype())), ByteView(sum).prefix(sum_size)};
  authenticator.cusec = time.microseconds;
  authenticator.ctime = time.seconds;
  authenticator.subkey = EncryptionKey{static_cast<int32_t>(subkey.etype()), subkey.view()};
  PGSS_TRY(const SecretBytes plaintext, encode_secret(authenticator));

  Bytes out(ciphertext_size(key.etype(), plaintext.size()));
  PGSS_CHECK(encrypt(crypto, runtime_.random(), key, KeyUsage::kTgsReqAuthenticator,
                     {plaintext.view()}, out));
  return out;
}

// ---- TGS-REP

Result<TgsExchange::Answer> TgsExchange::on_reply(const Asked& asked, const KdcRep& rep) {
  PGSS_TRY(const ReplyPart reply, open(asked, rep));
  const EncKdcRepPart& part = reply.part;
  const KdcQuestion& question = asked.question;

  const NameComponents client(rep.cname, rep.crealm);
  if (!same_principal(client.view(), question.client.view()))
    return misbehaved("TGS-REP.cname or crealm");
  if (part.srealm != tgs_realm()) return misbehaved("EncKDCRepPart.srealm");
  PGSS_CHECK(check_reply(question, rep, part, runtime_.clock().now() + first_.clock_offset));

  const NameComponents server(part.sname, part.srealm);
  const std::string_view realm = granted_realm(server.view());
  const bool as_asked = same_service(server.view(), question.server.view());
  if (as_asked && realm == granted_realm(service_.view())) {
    PGSS_TRY(ServiceCredential credential, credential_of(rep, part, first_.clock_offset));
    state_ = Done{};
    return Answer(std::move(credential));
  }
  const bool may_refer = question.canonicalize || !granted_realm(question.server.view()).empty();
  if (may_refer && !realm.empty() && realm != tgs_realm()) return on_referral(rep, part, realm);
  // Quirk D8: Active Directory may give a ticket for its own KDC, and of old renamed the service.
  return ask_without_canonicalize("EncKDCRepPart.sname");
}

// Quirk D11: Heimdal up to 1.2 used the session key, Windows 2000 the usage of that with the sub-key
// of etype 23.
Result<ReplyPart> TgsExchange::open(const Asked& asked, const KdcRep& rep) {
  crypto::Workspace& crypto = runtime_.crypto();
  const Key& session = tgt().session_key;
  const int32_t etype = rep.enc_part.etype;
  if (etype != static_cast<int32_t>(asked.subkey.etype())) {
    return Error{Errc::kPeerMisbehaved, "TGS-REP.enc-part.etype is not that of our key", 0, 0};
  }
  auto reply = open_reply(crypto, asked.subkey, KeyUsage::kTgsRepEncPartSubkey, rep);
  if (reply.has_value() || reply.error().code != Errc::kAuthFailed) return reply;
  if (asked.subkey.etype() == Etype::kRc4Hmac) {
    reply = open_reply(crypto, asked.subkey, KeyUsage::kTgsRepEncPartSessionKey, rep);
    if (reply.has_value() || reply.error().code != Errc::kAuthFailed) return reply;
  }
  return open_reply(crypto, session, KeyUsage::kTgsRepEncPartSessionKey, rep);
}

// RFC 6806 8: the ticket is for the KDC of another realm, which is asked next.
Result<TgsExchange::Answer> TgsExchange::on_referral(const KdcRep& rep, const EncKdcRepPart& part,
                                                     std::string_view realm) {
  if (realms_.size() > kMaxReferrals) return misbehaved("TGS-REP: too many referrals");
  if (!may_be_realm(realm)) return misbehaved("EncKDCRepPart.sname: no name of a realm");
  if (std::find(realms_.begin(), realms_.end(), realm) != realms_.end())
    return misbehaved("TGS-REP: the referrals go in a circle");
  realms_.emplace_back(realm);
  PGSS_TRY(ServiceCredential next, credential_of(rep, part, first_.clock_offset));
  hop_ = std::move(next);
  canonicalize_ = true;
  return ask();
}

Result<TgsExchange::Answer> TgsExchange::ask_without_canonicalize(const char* refused) {
  if (!std::exchange(canonicalize_, false)) return misbehaved(refused);
  return ask();
}

}  // namespace pocketgss::mechs::krb5
