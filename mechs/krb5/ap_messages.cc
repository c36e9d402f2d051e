// The exchange between a client and an application server.
#include "mechs/krb5/codec.h"

namespace pocketgss::mechs::krb5 {

// RFC 4120 5.5.1:
//   AP-REQ ::= [APPLICATION 14] SEQUENCE {
//       pvno          [0] INTEGER (5),
//       msg-type      [1] INTEGER (14),
//       ap-options    [2] APOptions,
//       ticket        [3] Ticket,
//       authenticator [4] EncryptedData }
constexpr Row kApReqRows[] = {
    constant(0, "AP-REQ.pvno", kProtocolVersion),
    constant(1, "AP-REQ.msg-type", number_of(MessageType::kApReq)),
    PGSS_KRB5_FIELD(2, "AP-REQ.ap-options", ApReq, ap_options),
    PGSS_KRB5_FIELD(3, "AP-REQ.ticket", ApReq, ticket),
    PGSS_KRB5_FIELD(4, "AP-REQ.authenticator", ApReq, authenticator),
};
const Table kApReqTable = message_table("AP-REQ", kApReqRows, number_of(MessageType::kApReq));

// RFC 4120 5.5.1:
//   Authenticator ::= [APPLICATION 2] SEQUENCE {
//       authenticator-vno  [0] INTEGER (5),
//       crealm             [1] Realm,
//       cname              [2] PrincipalName,
//       cksum              [3] Checksum OPTIONAL,
//       cusec              [4] Microseconds,
//       ctime              [5] KerberosTime,
//       subkey             [6] EncryptionKey OPTIONAL,
//       seq-number         [7] UInt32 OPTIONAL,
//       authorization-data [8] AuthorizationData OPTIONAL }
constexpr Row kAuthenticatorRows[] = {
    constant(0, "Authenticator.authenticator-vno", kProtocolVersion),
    PGSS_KRB5_FIELD(1, "Authenticator.crealm", Authenticator, crealm),
    PGSS_KRB5_FIELD(2, "Authenticator.cname", Authenticator, cname),
    PGSS_KRB5_FIELD(3, "Authenticator.cksum", Authenticator, cksum),
    PGSS_KRB5_FIELD(4, "Authenticator.cusec", Authenticator, cusec),
    PGSS_KRB5_FIELD(5, "Authenticator.ctime", Authenticator, ctime),
    PGSS_KRB5_FIELD(6, "Authenticator.subkey", Authenticator, subkey),
    PGSS_KRB5_FIELD(7, "Authenticator.seq-number", Authenticator, seq_number),
    PGSS_KRB5_FIELD(8, "Authenticator.authorization-data", Authenticator, authorization_data),
};
const Table kAuthenticatorTable =
    message_table("Authenticator", kAuthenticatorRows, application_tag::kAuthenticator);

// RFC 4120 5.5.2:
//   AP-REP ::= [APPLICATION 15] SEQUENCE {
//       pvno     [0] INTEGER (5),
//       msg-type [1] INTEGER (15),
//       enc-part [2] EncryptedData }
constexpr Row kApRepRows[] = {
    constant(0, "AP-REP.pvno", kProtocolVersion),
    constant(1, "AP-REP.msg-type", number_of(MessageType::kApRep)),
    PGSS_KRB5_FIELD(2, "AP-REP.enc-part", ApRep, enc_part),
};
const Table kApRepTable = message_table("AP-REP", kApRepRows, number_of(MessageType::kApRep));

// RFC 4120 5.5.2:
//   EncAPRepPart ::= [APPLICATION 27] SEQUENCE {
//       ctime      [0] KerberosTime,
//       cusec      [1] Microseconds,
//       subkey     [2] EncryptionKey OPTIONAL,
//       seq-number [3] UInt32 OPTIONAL }
constexpr Row kEncApRepPartRows[] = {
    PGSS_KRB5_FIELD(0, "EncAPRepPart.ctime", EncApRepPart, ctime),
    PGSS_KRB5_FIELD(1, "EncAPRepPart.cusec", EncApRepPart, cusec),
    PGSS_KRB5_FIELD(2, "EncAPRepPart.subkey", EncApRepPart, subkey),
    PGSS_KRB5_FIELD(3, "EncAPRepPart.seq-number", EncApRepPart, seq_number),
};
const Table kEncApRepPartTable =
    message_table("EncAPRepPart", kEncApRepPartRows, application_tag::kEncApRepPart);

Result<ApReq> parse_ap_req(ByteView der) {
  return decode<ApReq>(der, "AP-REQ");
}

Result<Bytes> encode(const ApReq& req) {
  constexpr size_t kOther = 512;
  return encode_new(req, kOther + req.ticket.der.size() + req.ticket.enc_part.cipher.size() +
                             req.authenticator.cipher.size());
}

Result<Authenticator> parse_authenticator(ByteView der) {
  return decode<Authenticator>(der, "Authenticator");
}

Result<size_t> encode_to(const Authenticator& authenticator, MutableBytes out) {
  return encode_in_place(authenticator, out);
}

Result<ApRep> parse_ap_rep(ByteView der) {
  return decode<ApRep>(der, "AP-REP");
}

Result<Bytes> encode(const ApRep& rep) {
  constexpr size_t kOther = 64;
  return encode_new(rep, kOther + rep.enc_part.cipher.size());
}

Result<EncApRepPart> parse_enc_ap_rep_part(ByteView der) {
  return decode<EncApRepPart>(der, "EncAPRepPart");
}

Result<size_t> encode_to(const EncApRepPart& part, MutableBytes out) {
  return encode_in_place(part, out);
}

}  // namespace pocketgss::mechs::krb5
