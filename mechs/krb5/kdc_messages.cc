// What is said to a KDC and what it answers.
#include "mechs/krb5/codec.h"

namespace pocketgss::mechs::krb5 {

namespace {

template <typename T>
uint8_t message_type_of(const void* message) {
  return number_of(static_cast<const T*>(message)->msg_type);
}

uint8_t enc_kdc_rep_part_tag(const void* part) {
  return static_cast<const EncKdcRepPart*>(part)->of == MessageType::kAsRep
             ? application_tag::kEncAsRepPart
             : application_tag::kEncTgsRepPart;
}

}  // namespace

// RFC 4120 5.4.1:
//   KDC-REQ-BODY ::= SEQUENCE {
//       kdc-options            [0] KDCOptions,
//       cname                  [1] PrincipalName OPTIONAL,
//       realm                  [2] Realm,
//       sname                  [3] PrincipalName OPTIONAL,
//       from                   [4] KerberosTime OPTIONAL,
//       till                   [5] KerberosTime,
//       rtime                  [6] KerberosTime OPTIONAL,
//       nonce                  [7] UInt32,
//       etype                  [8] SEQUENCE OF Int32,
//       addresses              [9] HostAddresses OPTIONAL,
//       enc-authorization-data [10] EncryptedData OPTIONAL,
//       additional-tickets     [11] SEQUENCE OF Ticket OPTIONAL }
constexpr Row kKdcReqBodyRows[] = {
    PGSS_KRB5_FIELD(0, "KDC-REQ-BODY.kdc-options", KdcReqBody, kdc_options),
    PGSS_KRB5_FIELD(1, "KDC-REQ-BODY.cname", KdcReqBody, cname),
    PGSS_KRB5_FIELD(2, "KDC-REQ-BODY.realm", KdcReqBody, realm),
    PGSS_KRB5_FIELD(3, "KDC-REQ-BODY.sname", KdcReqBody, sname),
    PGSS_KRB5_FIELD(4, "KDC-REQ-BODY.from", KdcReqBody, from),
    PGSS_KRB5_FIELD(5, "KDC-REQ-BODY.till", KdcReqBody, till),
    PGSS_KRB5_FIELD(6, "KDC-REQ-BODY.rtime", KdcReqBody, rtime),
    PGSS_KRB5_FIELD(7, "KDC-REQ-BODY.nonce", KdcReqBody, nonce),
    PGSS_KRB5_FIELD(8, "KDC-REQ-BODY.etype", KdcReqBody, etype),
    PGSS_KRB5_FIELD(9, "KDC-REQ-BODY.addresses", KdcReqBody, addresses),
    PGSS_KRB5_FIELD(10, "KDC-REQ-BODY.enc-authorization-data", KdcReqBody, enc_authorization_data),
    PGSS_KRB5_FIELD(11, "KDC-REQ-BODY.additional-tickets", KdcReqBody, additional_tickets),
};
const Table kKdcReqBodyTable =
    message_table("KDC-REQ-BODY", kKdcReqBodyRows, 0, offsetof(KdcReqBody, der));

// RFC 4120 5.4.1:
//   AS-REQ  ::= [APPLICATION 10] KDC-REQ
//   TGS-REQ ::= [APPLICATION 12] KDC-REQ
//   KDC-REQ ::= SEQUENCE {
//       -- NOTE: first tag is [1], not [0]
//       pvno     [1] INTEGER (5),
//       msg-type [2] INTEGER (10 -- AS -- | 12 -- TGS --),
//       padata   [3] SEQUENCE OF PA-DATA OPTIONAL,
//       req-body [4] KDC-REQ-BODY }
constexpr Row kKdcReqRows[] = {
    constant(1, "KDC-REQ.pvno", kProtocolVersion),
    PGSS_KRB5_FIELD(2, "KDC-REQ.msg-type", KdcReq, msg_type),
    PGSS_KRB5_FIELD(3, "KDC-REQ.padata", KdcReq, padata),
    PGSS_KRB5_FIELD(4, "KDC-REQ.req-body", KdcReq, req_body),
};
const Table kKdcReqTable = message_table("KDC-REQ", kKdcReqRows, message_type_of<KdcReq>);

// RFC 4120 5.4.2:
//   AS-REP  ::= [APPLICATION 11] KDC-REP
//   TGS-REP ::= [APPLICATION 13] KDC-REP
//   KDC-REP ::= SEQUENCE {
//       pvno     [0] INTEGER (5),
//       msg-type [1] INTEGER (11 -- AS -- | 13 -- TGS --),
//       padata   [2] SEQUENCE OF PA-DATA OPTIONAL,
//       crealm   [3] Realm,
//       cname    [4] PrincipalName,
//       ticket   [5] Ticket,
//       enc-part [6] EncryptedData }
constexpr Row kKdcRepRows[] = {
    constant(0, "KDC-REP.pvno", kProtocolVersion),
    PGSS_KRB5_FIELD(1, "KDC-REP.msg-type", KdcRep, msg_type),
    PGSS_KRB5_FIELD(2, "KDC-REP.padata", KdcRep, padata),
    PGSS_KRB5_FIELD(3, "KDC-REP.crealm", KdcRep, crealm),
    PGSS_KRB5_FIELD(4, "KDC-REP.cname", KdcRep, cname),
    PGSS_KRB5_FIELD(5, "KDC-REP.ticket", KdcRep, ticket),
    PGSS_KRB5_FIELD(6, "KDC-REP.enc-part", KdcRep, enc_part),
};
const Table kKdcRepTable = message_table("KDC-REP", kKdcRepRows, message_type_of<KdcRep>);

// RFC 4120 5.4.2:
//   LastReq ::= SEQUENCE OF SEQUENCE {
//       lr-type  [0] Int32,
//       lr-value [1] KerberosTime }
constexpr Row kLastReqEntryRows[] = {
    PGSS_KRB5_FIELD(0, "LastReq.lr-type", LastReqEntry, lr_type),
    PGSS_KRB5_FIELD(1, "LastReq.lr-value", LastReqEntry, lr_value),
};
const Table kLastReqEntryTable = plain_table("LastReq", kLastReqEntryRows);

// RFC 4120 5.4.2, RFC 6806 11:
//   EncASRepPart  ::= [APPLICATION 25] EncKDCRepPart
//   EncTGSRepPart ::= [APPLICATION 26] EncKDCRepPart
//   EncKDCRepPart ::= SEQUENCE {
//       key               [0] EncryptionKey,
//       last-req          [1] LastReq,
//       nonce             [2] UInt32,
//       key-expiration    [3] KerberosTime OPTIONAL,
//       flags             [4] TicketFlags,
//       authtime          [5] KerberosTime,
//       starttime         [6] KerberosTime OPTIONAL,
//       endtime           [7] KerberosTime,
//       renew-till        [8] KerberosTime OPTIONAL,
//       srealm            [9] Realm,
//       sname             [10] PrincipalName,
//       caddr             [11] HostAddresses OPTIONAL,
//       encrypted-pa-data [12] SEQUENCE OF PA-DATA OPTIONAL }
constexpr Row kEncKdcRepPartRows[] = {
    PGSS_KRB5_FIELD(0, "EncKDCRepPart.key", EncKdcRepPart, key),
    PGSS_KRB5_FIELD(1, "EncKDCRepPart.last-req", EncKdcRepPart, last_req),
    PGSS_KRB5_FIELD(2, "EncKDCRepPart.nonce", EncKdcRepPart, nonce),
    PGSS_KRB5_FIELD(3, "EncKDCRepPart.key-expiration", EncKdcRepPart, key_expiration),
    PGSS_KRB5_FIELD(4, "EncKDCRepPart.flags", EncKdcRepPart, flags),
    PGSS_KRB5_FIELD(5, "EncKDCRepPart.authtime", EncKdcRepPart, authtime),
    PGSS_KRB5_FIELD(6, "EncKDCRepPart.starttime", EncKdcRepPart, starttime),
    PGSS_KRB5_FIELD(7, "EncKDCRepPart.endtime", EncKdcRepPart, endtime),
    PGSS_KRB5_FIELD(8, "EncKDCRepPart.renew-till", EncKdcRepPart, renew_till),
    PGSS_KRB5_FIELD(9, "EncKDCRepPart.srealm", EncKdcRepPart, srealm),
    PGSS_KRB5_FIELD(10, "EncKDCRepPart.sname", EncKdcRepPart, sname),
    PGSS_KRB5_FIELD(11, "EncKDCRepPart.caddr", EncKdcRepPart, caddr),
    PGSS_KRB5_FIELD(12, "EncKDCRepPart.encrypted-pa-data", EncKdcRepPart, encrypted_pa_data),
};
const Table kEncKdcRepPartTable =
    message_table("EncKDCRepPart", kEncKdcRepPartRows, enc_kdc_rep_part_tag);

PGSS_KRB5_SEQUENCE_OF(LastReqEntry);

namespace {

template <typename T>
Result<T> decode_as(MessageType type, ByteView der, const char* name) {
  return decode<T>(der, name, [type](T& out) { out.msg_type = type; });
}

// What a message has beside padata, a ticket and a cipher.
constexpr size_t kOther = 512;

size_t size_of(const std::optional<MethodData>& padata) {
  constexpr size_t kHeaders = 24;
  size_t size = 0;
  if (padata) {
    for (const PaData& entry : *padata) size += kHeaders + entry.padata_value.size();
  }
  return size;
}

}  // namespace

Result<KdcReqBody> parse_kdc_req_body(ByteView der) {
  return decode<KdcReqBody>(der, "KDC-REQ-BODY");
}

Result<Bytes> encode(const KdcReqBody& body) {
  return encode_new(body, kOther + body.der.size());
}

Result<KdcReq> parse_as_req(ByteView der) {
  return decode_as<KdcReq>(MessageType::kAsReq, der, "AS-REQ");
}

Result<KdcReq> parse_tgs_req(ByteView der) {
  return decode_as<KdcReq>(MessageType::kTgsReq, der, "TGS-REQ");
}

Result<Bytes> encode(const KdcReq& req) {
  return encode_new(req, kOther + size_of(req.padata) + req.req_body.der.size());
}

Result<KdcRep> parse_as_rep(ByteView der) {
  return decode_as<KdcRep>(MessageType::kAsRep, der, "AS-REP");
}

Result<KdcRep> parse_tgs_rep(ByteView der) {
  return decode_as<KdcRep>(MessageType::kTgsRep, der, "TGS-REP");
}

Result<Bytes> encode(const KdcRep& rep) {
  return encode_new(rep, kOther + size_of(rep.padata) + rep.ticket.der.size() +
                             rep.ticket.enc_part.cipher.size() + rep.enc_part.cipher.size());
}

// RFC 4120 5.4.2, compatibility note: either tag, whatever the reply.
Result<EncKdcRepPart> parse_enc_kdc_rep_part(ByteView der) {
  return decode<EncKdcRepPart>(der, "EncKDCRepPart", [der](EncKdcRepPart& out) {
    const bool as =
        !der.empty() && der[0] == asn1::application(application_tag::kEncAsRepPart).octet;
    out.of = as ? MessageType::kAsRep : MessageType::kTgsRep;
  });
}

Result<size_t> encode_to(const EncKdcRepPart& part, MutableBytes out) {
  return encode_in_place(part, out);
}

}  // namespace pocketgss::mechs::krb5
