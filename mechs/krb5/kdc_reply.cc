// Bodies of requests, and the checks that bind a reply to its request.
#include "mechs/krb5/kdc_reply.h"

#include <algorithm>

#include "mechs/krb5/names.h"
#include "mechs/krb5/times.h"

namespace pocketgss::mechs::krb5 {
namespace {

Error misbehaved(const char* field) {
  return Error{Errc::kPeerMisbehaved, field, 0, 0};
}

// What we never ask for, so that a ticket which has it is not ours (policy rows P12, P20).
constexpr uint32_t kNeverAsked =
    ticket_flag::kPostdated | ticket_flag::kInvalid | ticket_flag::kAnonymous;

Result<void> check_times(const KdcQuestion& question, const EncKdcRepPart& part, UnixMicros now) {
  const KerberosTime start = part.starttime.value_or(part.authtime);
  if (part.endtime <= start) return misbehaved("EncKDCRepPart.endtime is before its starttime");
  if (question.till.seconds != 0 && part.endtime > question.till)
    return misbehaved("EncKDCRepPart.endtime is later than was asked for");
  if (unix_micros(part.endtime) <= now)
    return Error{Errc::kExpired, "EncKDCRepPart.endtime is past", 0, 0};
  if (unix_micros(start) > now + kMaxSkew)
    return Error{Errc::kExpired, "EncKDCRepPart.starttime has not come", 0, 0};
  return {};
}

}  // namespace

Result<uint32_t> make_nonce(RandomSource& random) {
  FixedBytes<4> octets;
  PGSS_CHECK(random.fill(octets));
  uint32_t nonce = 0;
  for (const uint8_t octet : octets) nonce = nonce << 8 | octet;
  return nonce & 0x7fffffff;
}

KerberosTime till_of(const KdcPolicy& policy, UnixMicros now) {
  if (policy.ticket_lifetime == 0) return {};
  return wire_time(now + policy.ticket_lifetime).seconds;
}

Result<Bytes> encode_body(const KdcQuestion& question) {
  const NameComponents client(question.client.view());
  const NameComponents server(question.server.view());
  std::vector<int32_t> etypes;
  for (const Etype etype : question.etypes) etypes.push_back(static_cast<int32_t>(etype));

  KdcReqBody body;
  // Never FORWARDABLE or PROXIABLE: we do not delegate (policy row P12).
  if (question.canonicalize) body.kdc_options.bits = kdc_option::kCanonicalize;
  if (question.asks == MessageType::kAsReq) body.cname = client.name();
  body.realm = question.server.realm();
  body.sname = server.name();
  body.till = question.till;
  body.nonce = question.nonce;
  body.etype = EtypeList(std::span<const int32_t>(etypes));
  return encode(body);
}

Result<Bytes> encode_request(MessageType type, ByteView body, std::span<const PaData> padata) {
  KdcReq request;
  request.msg_type = type;
  if (!padata.empty()) request.padata = MethodData(padata);
  request.req_body.der = body;
  return encode(request);
}

Result<KdcAnswer> parse_answer(MessageType asked, const std::optional<Bytes>& reply) {
  if (!reply) return Error{Errc::kUnreachable, "no KDC of the realm answers", 0, 0};
  if (reply->size() > kMaxKdcReply) return misbehaved("the KDC's reply is too large");
  const auto type = message_type(*reply);
  if (type == MessageType::kKrbError) {
    PGSS_TRY(KrbError error, parse_krb_error(*reply));
    return KdcAnswer(error);
  }
  const MessageType wanted =
      asked == MessageType::kAsReq ? MessageType::kAsRep : MessageType::kTgsRep;
  if (type && type != wanted) return misbehaved("KDC-REP.msg-type");
  if (wanted == MessageType::kAsRep) {
    PGSS_TRY(KdcRep rep, parse_as_rep(*reply));
    return KdcAnswer(rep);
  }
  PGSS_TRY(KdcRep rep, parse_tgs_rep(*reply));
  return KdcAnswer(rep);
}

Result<ReplyPart> open_reply(crypto::Workspace& crypto, const Key& key, KeyUsage usage,
                             const KdcRep& rep) {
  ReplyPart out{SecretBytes::of_size(rep.enc_part.cipher.size()), {}};
  PGSS_TRY(const size_t size,
           decrypt(crypto, key, usage, rep.enc_part.cipher, out.plaintext.mutable_view()));
  PGSS_TRY(out.part, parse_enc_kdc_rep_part(out.plaintext.view().prefix(size)));
  return out;
}

Result<void> check_reply(const KdcQuestion& question, const KdcRep& rep, const EncKdcRepPart& part,
                         UnixMicros now) {
  // The names of the ticket are not encrypted; those of the part that is are the KDC's word.
  if (!same_name(rep.ticket.sname, part.sname)) return misbehaved("KDC-REP.ticket.sname");
  if (rep.ticket.realm != part.srealm) return misbehaved("KDC-REP.ticket.realm");
  if (part.nonce.bits() != question.nonce) return misbehaved("EncKDCRepPart.nonce");
  if (part.flags.has(kNeverAsked)) return misbehaved("EncKDCRepPart.flags");
  const bool offered =
      std::any_of(question.etypes.begin(), question.etypes.end(),
                  [&](Etype etype) { return static_cast<int32_t>(etype) == part.key.keytype; });
  if (!offered) {
    return Error{Errc::kPolicy, "P10: EncKDCRepPart.key is of an etype that was not offered", 0, 0};
  }
  return check_times(question, part, now);
}

Result<ServiceCredential> credential_of(const KdcRep& rep, const EncKdcRepPart& part,
                                        UnixMicros clock_offset) {
  PGSS_TRY(Key key, Key::create(part.key.keytype, part.key.keyvalue));
  return ServiceCredential{
      principal_of(rep.cname, rep.crealm),
      principal_of(part.sname, part.srealm),
      rep.ticket.der.to_bytes(),
      std::move(key),
      part.flags.bits,
      part.authtime,
      part.starttime.value_or(part.authtime),
      part.endtime,
      part.renew_till.value_or(KerberosTime{}),
      clock_offset,
  };
}
}  // namespace pocketgss::mechs::krb5
