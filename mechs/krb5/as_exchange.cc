// AS-REQ until there is an AS-REP; then what that must say.
#include "mechs/krb5/as_exchange.h"

#include <algorithm>
#include <utility>

#include "base/ascii.h"
#include "mechs/krb5/kdc_errors.h"
#include "mechs/krb5/names.h"
#include "mechs/krb5/times.h"

namespace pocketgss::mechs::krb5 {
namespace {

std::vector<PreauthFactory> standard_kinds() {
  return {make_encrypted_timestamp};
}

Error misbehaved(const char* what, int32_t code = 0) {
  return Error{Errc::kPeerMisbehaved, what, 0, code};
}

// unopened: where no pre-authentication came before, an AS-REP is the first that the user's key is
// tried on, and one that does not open means a wrong password as KDC_ERR_PREAUTH_FAILED does. It can
// also mean that somebody answers in the KDC's place; the reply is refused in either case.
Error unopened(const ClientSecret& secret, bool preauth_sent) {
  const auto error = [](const char* what) { return Error{Errc::kAuthFailed, what, 0, 0}; };
  if (preauth_sent)
    return error("AS-REP.enc-part does not open with the key that the KDC took a proof of");
  if (!secret.keys.empty()) return error("AS-REP.enc-part does not open: the user's key is wrong");
  return error("AS-REP.enc-part does not open: the password is wrong");
}

}  // namespace

AsExchange::AsExchange(Runtime& runtime, const KdcPolicy& policy, Principal client,
                       const ClientSecret& secret)
    : AsExchange(runtime, policy, std::move(client), secret, standard_kinds()) {}

AsExchange::AsExchange(Runtime& runtime, const KdcPolicy& policy, Principal client,
                       const ClientSecret& secret, const std::vector<PreauthFactory>& kinds)
    : runtime_(runtime),
      policy_(policy),
      client_(std::move(client)),
      secret_(secret),
      etypes_(secret.etypes(policy)),
      realms_{client_.realm()} {
  for (const PreauthFactory& make : kinds) kinds_.push_back(make());
}

Result<AsExchange::Answer> AsExchange::keep_error(Result<Answer> result) {
  if (!result.has_value()) state_ = Failed{result.error()};
  return result;
}

Result<AsExchange::Answer> AsExchange::start() {
  if (const auto* failed = std::get_if<Failed>(&state_)) return failed->error;
  if (!std::holds_alternative<Start>(state_))
    return Error{Errc::kApiMisuse, "the AS exchange has begun", 0, 0};
  state_ = Failed{Error{Errc::kNoMemory, "AS exchange", 0, 0}};
  // Policy row P20: there is no login with an empty password.
  if (secret_.keys.empty() && secret_.password.empty())
    return keep_error(Error{Errc::kNeedsCredential, "there is no password and no key", 0, 0});
  if (secret_.password.size() > kMaxPassword)
    return keep_error(Error{Errc::kNeedsCredential, "the password is too long", 0, 0});
  if (etypes_.empty()) {
    return keep_error(
        Error{Errc::kNeedsCredential, "P10: no key is of an etype that is allowed", 0, 0});
  }
  if (client_.realm().empty())
    return keep_error(Error{Errc::kNeedsCredential, "the user's realm is not known", 0, 0});
  return keep_error(ask());
}

// Not inlined into KdcClient, whose frame would then be there beneath what comes after this.
[[gnu::noinline]] Result<AsExchange::Answer> AsExchange::resume(ExchangeAnswer answer) {
  if (const auto* failed = std::get_if<Failed>(&state_)) return failed->error;
  if (!std::holds_alternative<Asked>(state_))
    return Error{Errc::kApiMisuse, "nothing was asked for", 0, 0};
  // Whatever ends this call, also an allocation that fails, leaves the state Failed.
  State state = std::exchange(state_, Failed{Error{Errc::kNoMemory, "AS exchange", 0, 0}});
  Asked asked = std::move(std::get<Asked>(state));

  const auto parsed = parse_answer(MessageType::kAsReq, answer.reply);
  if (!parsed.has_value()) return keep_error(parsed.error());
  if (const auto* rep = std::get_if<KdcRep>(&parsed.value()))
    return keep_error(on_reply(asked, *rep));
  const KrbError& error = std::get<KrbError>(parsed.value());
  if (error.error_code == error_code::kResponseTooBig)
    return keep_error(on_too_big(std::move(asked)));
  return keep_error(on_error(asked, error));
}

// ---- requests

Result<AsExchange::Answer> AsExchange::ask() {
  if (++rounds_ > kMaxRounds) return misbehaved("the KDC asks without end");
  Asked next;
  KdcQuestion& question = next.question;
  question.asks = MessageType::kAsReq;
  question.client = client_;
  // RFC 4120 7.3; read-only domain controllers want the type NT-SRV-INST (quirk D4).
  question.server = Principal(name_type::kSrvInst, client_.realm());
  question.server.add(kTgsName).add(client_.realm());
  question.etypes = etypes_;
  question.canonicalize = may_canonicalize();
  question.till = till_of(policy_, kdc_time());
  PGSS_TRY(question.nonce, make_nonce(runtime_.random()));
  PGSS_TRY(const Bytes body, encode_body(question));

  std::vector<PaData> padata;
  Bytes preauth;
  next.preauth_sent = kind_ != nullptr;
  if (kind_ != nullptr) {
    PGSS_TRY(preauth, preauthenticate(body, padata));
  }
  // RFC 6806 11: the KDC then tells, under encryption, which request it has seen.
  if (want_enc_pa_rep_) padata.push_back({padata_type::kReqEncPaRep, {}});
  // [MS-KILE] 3.1.5.1: a PAC, where there are such.
  PGSS_TRY(const Bytes pac_request, encode(PaPacRequest{true}));
  padata.push_back({padata_type::kPacRequest, pac_request});

  PGSS_TRY(next.request, encode_request(MessageType::kAsReq, body, padata));
  Bytes request = next.request;
  state_ = std::move(next);
  return Answer(NeedExchange{client_.realm(), std::move(request), by_stream_});
}

// preauthenticate adds what the KDC wants to `padata`, which borrows from what is returned.
Result<Bytes> AsExchange::preauthenticate(ByteView body, std::vector<PaData>& padata) {
  PGSS_TRY(const MethodData offered, parse_method_data(method_data_));
  PGSS_TRY(const Key* const key, key_for(*hint_));
  const ByteView offer = find(offered, kind_->padata_type()).value_or(ByteView());
  PGSS_TRY(Preauth::Reply reply, kind_->answer({runtime_, *key, kdc_time(), offer, body}));
  // RFC 6113 5.2: the cookie goes back as it came.
  if (const auto cookie = find(offered, padata_type::kFxCookie))
    padata.push_back({padata_type::kFxCookie, *cookie});
  padata.push_back({reply.padata_type, reply.value});
  proof_sent_ = proof_sent_ || reply.proof;
  return std::move(reply.value);
}

Result<const Key*> AsExchange::key_for(const KeyHint& hint) {
  if (!made_key_ || !(made_key_->hint == hint)) {
    PGSS_TRY(Key key, client_key(runtime_.crypto(), secret_, hint));
    made_key_.emplace(MadeKey{hint, std::move(key)});
  }
  return &made_key_->key;
}

// ---- KRB-ERROR

Result<AsExchange::Answer> AsExchange::on_error(const Asked& asked, const KrbError& error) {
  if (is_referral(error)) return on_referral(asked, error);
  switch (error.error_code) {
    case error_code::kPreauthRequired:
    case error_code::kMorePreauthNeeded:
      return on_preauth_required(asked, error);
    case error_code::kEtypeNosupp: {
      // Quirk D4: a read-only domain controller may have guessed; once.
      const bool has_data = error.e_data && parse_e_data(*error.e_data).method_data.has_value();
      if (has_data && !renegotiated_) return on_preauth_required(asked, error);
      return error_of(error);
    }
    case error_code::kSkew:
      return on_skew(asked, error);
    case error_code::kPreauthFailed:
      // Quirk D20: an old KDC that fails because of PA-REQ-ENC-PA-REP. Not where a proof went out,
      // for then the password is wrong, and each attempt counts against the account.
      if (!asked.preauth_sent && want_enc_pa_rep_) {
        want_enc_pa_rep_ = false;
        return ask();
      }
      return error_of(error);
    default:
      return error_of(error);
  }
}

Result<AsExchange::Answer> AsExchange::on_preauth_required(const Asked& asked,
                                                           const KrbError& error) {
  if (!error.e_data) return misbehaved("KRB-ERROR.e-data: no METHOD-DATA", error.error_code);
  const EData data = parse_e_data(*error.e_data);
  if (!data.method_data) return misbehaved("KRB-ERROR.e-data: no METHOD-DATA", error.error_code);

  PGSS_TRY(KeyHint hint,
           choose_hint(*data.method_data, etypes_, default_salt(client_.view()), policy_));
  // What was sent did not do. It is sent again where the KDC speaks of another key, once (quirk D4),
  // or has another time (quirk D5); a kind of several rounds goes on.
  const bool first = !asked.preauth_sent;
  const bool other_key = hint_ && !(*hint_ == hint);
  const bool goes_on = error.error_code == error_code::kMorePreauthNeeded && !other_key;
  const bool other_time = believe_stime(error);
  if (!first && !goes_on && !other_time) {
    if (!other_key || renegotiated_)
      return misbehaved("the KDC asks for the same again", error.error_code);
    renegotiated_ = true;
  }
  PGSS_CHECK(choose_kind(*data.method_data, error));
  hint_ = std::move(hint);
  method_data_ = error.e_data->to_bytes();
  return ask();
}

Result<void> AsExchange::choose_kind(const MethodData& offered, const KrbError& error) {
  bool weak = false;
  for (const auto& kind : kinds_) {
    if (!find(offered, kind->padata_type())) continue;
    if (kind->strong() || !policy_.require_strong_preauth) {
      kind_ = kind.get();
      return {};
    }
    weak = true;
  }
  if (weak) {
    return Error{Errc::kPolicy,
                 "P15: the KDC takes an encrypted timestamp only, which is not allowed", 0,
                 error.error_code};
  }
  // Where the KDC tells of keys it is not for want of a key that it does not take a timestamp.
  const bool has_key =
      find(offered, padata_type::kEtypeInfo2) || find(offered, padata_type::kEtypeInfo);
  return Error{Errc::kPeerIncompatible,
               has_key ? "METHOD-DATA: FAST, SPAKE, OTP or a certificate, which are not built"
                       : "METHOD-DATA has no pre-authentication that we know",
               0, error.error_code};
}

// believe_stime takes the time of a KRB-ERROR for the next encrypted timestamp, once (policy row
// P16), and says whether it did.
bool AsExchange::believe_stime(const KrbError& error) {
  const UnixMicros local = runtime_.clock().now();
  const UnixMicros stime = unix_micros(error.stime, error.susec);
  if (stime_used_ || distance(stime, local) <= kNegligibleSkew) return false;
  if (!may_correct(policy_, local, stime)) return false;
  offset_ = stime - local;
  stime_used_ = true;
  return true;
}

Result<AsExchange::Answer> AsExchange::on_skew(const Asked& asked, const KrbError& error) {
  if (!asked.preauth_sent || !believe_stime(error)) return error_of(error);
  return ask();
}

// Quirk D7: Windows Server 2003 says KDC_ERR_C_PRINCIPAL_UNKNOWN, and names the realm all the same.
bool AsExchange::is_referral(const KrbError& error) const {
  const bool code = error.error_code == error_code::kWrongRealm ||
                    error.error_code == error_code::kCPrincipalUnknown;
  return code && may_canonicalize() && error.crealm && !error.crealm->empty() &&
         *error.crealm != client_.realm();
}

Result<AsExchange::Answer> AsExchange::on_referral(const Asked& asked, const KrbError& error) {
  if (asked.preauth_sent)
    return misbehaved("KRB-ERROR.crealm: a referral after a proof", error.error_code);
  if (realms_.size() > kMaxReferrals)
    return misbehaved("KRB-ERROR.crealm: too many referrals", error.error_code);
  const std::string_view realm = *error.crealm;
  if (!may_be_realm(realm))
    return misbehaved("KRB-ERROR.crealm: no name of a realm", error.error_code);
  if (std::find(realms_.begin(), realms_.end(), realm) != realms_.end())
    return misbehaved("KRB-ERROR.crealm: the referrals go in a circle", error.error_code);
  realms_.emplace_back(realm);
  client_.set_realm(realm);
  want_enc_pa_rep_ = true;
  return ask();
}

Result<AsExchange::Answer> AsExchange::on_too_big(Asked&& asked) {
  if (std::exchange(by_stream_, true))
    return misbehaved("KRB-ERROR.error-code: too big for TCP", error_code::kResponseTooBig);
  Bytes request = asked.request;
  state_ = std::move(asked);
  return Answer(NeedExchange{client_.realm(), std::move(request), true});
}

// ---- AS-REP

Result<AsExchange::Answer> AsExchange::on_reply(const Asked& asked, const KdcRep& rep) {
  const auto offered = [&](Etype etype) {
    return static_cast<int32_t>(etype) == rep.enc_part.etype;
  };
  // Row KRC-3: before a key is made.
  if (std::none_of(etypes_.begin(), etypes_.end(), offered)) {
    return Error{Errc::kPolicy, "P10: AS-REP.enc-part.etype was not offered", 0, 0};
  }
  PGSS_TRY(const Key key, reply_key(rep));
  Result<ReplyPart> opened = open_reply(runtime_.crypto(), key, KeyUsage::kAsRepEncPart, rep);
  if (!opened.has_value() && opened.error().code == Errc::kAuthFailed)
    return unopened(secret_, asked.preauth_sent);
  PGSS_TRY(const ReplyPart reply, std::move(opened));
  PGSS_CHECK(check_names(asked.question, rep, reply.part));
  if (reply.part.nonce.bits() != asked.question.nonce) return misbehaved("EncKDCRepPart.nonce");
  PGSS_CHECK(check_request_was_ours(key, asked, reply.part));
  PGSS_CHECK(settle_clock(reply.part));
  PGSS_CHECK(check_reply(asked.question, rep, reply.part, kdc_time()));
  PGSS_TRY(ServiceCredential credential, credential_of(rep, reply.part, offset_));
  state_ = Done{};
  return Answer(std::move(credential));
}

// reply_key: an AS-REP may say with which salt the key was made, and has the last word; else it is
// what PREAUTH_REQUIRED said (RFC 4120 5.2.7.5).
Result<Key> AsExchange::reply_key(const KdcRep& rep) {
  const Etype etype = *known_etype(rep.enc_part.etype);  // one that was offered
  const std::string salt = default_salt(client_.view());
  std::optional<KeyHint> hint;
  if (rep.padata) {
    PGSS_TRY(hint, hint_for(*rep.padata, etype, salt, policy_));
  }
  if (!hint && !method_data_.empty()) {
    PGSS_TRY(const MethodData before, parse_method_data(method_data_));
    PGSS_TRY(hint, hint_for(before, etype, salt, policy_));
  }
  if (!hint) hint = KeyHint{etype, salt, default_iterations(etype)};
  PGSS_TRY(const Key* const key, key_for(*hint));
  if (kind_ == nullptr) return key->clone();
  return kind_->reply_key(runtime_.crypto(), *key, rep);
}

// Row KRC-1. Active Directory answers for "example.test" as "EXAMPLE.TEST". The names of the AS-REP
// itself are not encrypted: another name of the user is taken only where we said that it may be (RFC
// 6806 6), and what is wrong there is refused with the ticket.
Result<void> AsExchange::check_names(const KdcQuestion& question, const KdcRep& rep,
                                     const EncKdcRepPart& part) const {
  const NameComponents client(rep.cname, rep.crealm);
  if (question.canonicalize) {
    if (!same_ignoring_case(rep.crealm, client_.realm())) return misbehaved("AS-REP.crealm");
    if (rep.cname.name_string.empty()) return misbehaved("AS-REP.cname");
  } else {
    if (rep.crealm != client_.realm()) return misbehaved("AS-REP.crealm");
    if (!same_principal(client.view(), client_.view())) return misbehaved("AS-REP.cname");
  }
  const NameComponents server(part.sname, part.srealm);
  const bool right_realm = question.canonicalize ? same_ignoring_case(part.srealm, client_.realm())
                                                 : part.srealm == client_.realm();
  if (!right_realm) return misbehaved("EncKDCRepPart.srealm");
  if (!is_tgs(server.view(), part.srealm)) return misbehaved("EncKDCRepPart.sname");
  return {};
}

// RFC 6806 11: where the KDC says that it did, it has put the checksum of the AS-REQ into the
// encrypted part, so that nobody has taken anything out of that on its way.
Result<void> AsExchange::check_request_was_ours(const Key& key, const Asked& asked,
                                                const EncKdcRepPart& part) const {
  if (!want_enc_pa_rep_ || !part.flags.has(ticket_flag::kEncPaRep)) return {};
  const auto value = part.encrypted_pa_data
                         ? find(*part.encrypted_pa_data, padata_type::kReqEncPaRep)
                         : std::nullopt;
  if (!value) return misbehaved("EncKDCRepPart.encrypted-pa-data: no PA-REQ-ENC-PA-REP");
  PGSS_TRY(const Checksum sum, parse_checksum(*value));
  return verify_checksum(runtime_.crypto(), key, KeyUsage::kAsReqChecksum, sum.cksumtype,
                         {asked.request}, sum.checksum);
}

// Policy row P16. The authtime is the KDC's word: it answers our nonce under the user's key.
Result<void> AsExchange::settle_clock(const EncKdcRepPart& part) {
  const UnixMicros local = runtime_.clock().now();
  const UnixMicros authtime = unix_micros(part.authtime);
  if (stime_used_) {
    if (distance(authtime, local + offset_) <= kMaxSkew) return {};
    return Error{Errc::kExpired, "P16: EncKDCRepPart.authtime is not the KRB-ERROR's stime", 0, 0};
  }
  if (distance(authtime, local) <= kNegligibleSkew) return {};
  if (!may_correct(policy_, local, authtime)) {
    if (distance(authtime, local) <= kMaxSkew) return {};  // everybody allows as much
    return Error{Errc::kExpired, "P16: the clock differs too much from the KDC's", 0, 0};
  }
  offset_ = authtime - local;
  return {};
}

}  // namespace pocketgss::mechs::krb5
