// Tickets.
#include <array>

#include "mechs/krb5/codec.h"

namespace pocketgss::mechs::krb5 {

// RFC 4120 5.3:
//   Ticket ::= [APPLICATION 1] SEQUENCE {
//       tkt-vno  [0] INTEGER (5),
//       realm    [1] Realm,
//       sname    [2] PrincipalName,
//       enc-part [3] EncryptedData }
constexpr Row kTicketRows[] = {
    constant(0, "Ticket.tkt-vno", kProtocolVersion),
    PGSS_KRB5_FIELD(1, "Ticket.realm", Ticket, realm),
    PGSS_KRB5_FIELD(2, "Ticket.sname", Ticket, sname),
    PGSS_KRB5_FIELD(3, "Ticket.enc-part", Ticket, enc_part),
};
const Table kTicketTable =
    message_table("Ticket", kTicketRows, application_tag::kTicket, offsetof(Ticket, der));

// RFC 4120 5.3:
//   TransitedEncoding ::= SEQUENCE {
//       tr-type  [0] Int32,
//       contents [1] OCTET STRING }
constexpr Row kTransitedEncodingRows[] = {
    PGSS_KRB5_FIELD(0, "TransitedEncoding.tr-type", TransitedEncoding, tr_type),
    PGSS_KRB5_FIELD(1, "TransitedEncoding.contents", TransitedEncoding, contents),
};
const Table kTransitedEncodingTable = plain_table("TransitedEncoding", kTransitedEncodingRows);

// RFC 4120 5.3:
//   EncTicketPart ::= [APPLICATION 3] SEQUENCE {
//       flags              [0] TicketFlags,
//       key                [1] EncryptionKey,
//       crealm             [2] Realm,
//       cname              [3] PrincipalName,
//       transited          [4] TransitedEncoding,
//       authtime           [5] KerberosTime,
//       starttime          [6] KerberosTime OPTIONAL,
//       endtime            [7] KerberosTime,
//       renew-till         [8] KerberosTime OPTIONAL,
//       caddr              [9] HostAddresses OPTIONAL,
//       authorization-data [10] AuthorizationData OPTIONAL }
constexpr Row kEncTicketPartRows[] = {
    PGSS_KRB5_FIELD(0, "EncTicketPart.flags", EncTicketPart, flags),
    PGSS_KRB5_FIELD(1, "EncTicketPart.key", EncTicketPart, key),
    PGSS_KRB5_FIELD(2, "EncTicketPart.crealm", EncTicketPart, crealm),
    PGSS_KRB5_FIELD(3, "EncTicketPart.cname", EncTicketPart, cname),
    PGSS_KRB5_FIELD(4, "EncTicketPart.transited", EncTicketPart, transited),
    PGSS_KRB5_FIELD(5, "EncTicketPart.authtime", EncTicketPart, authtime),
    PGSS_KRB5_FIELD(6, "EncTicketPart.starttime", EncTicketPart, starttime),
    PGSS_KRB5_FIELD(7, "EncTicketPart.endtime", EncTicketPart, endtime),
    PGSS_KRB5_FIELD(8, "EncTicketPart.renew-till", EncTicketPart, renew_till),
    PGSS_KRB5_FIELD(9, "EncTicketPart.caddr", EncTicketPart, caddr),
    PGSS_KRB5_FIELD(10, "EncTicketPart.authorization-data", EncTicketPart, authorization_data),
};
const Table kEncTicketPartTable =
    message_table("EncTicketPart", kEncTicketPartRows, application_tag::kEncTicketPart);

PGSS_KRB5_SEQUENCE_OF(Ticket);

Result<Ticket> parse_ticket(ByteView der) {
  return decode<Ticket>(der, "Ticket");
}

Result<Bytes> encode(const Ticket& ticket) {
  constexpr size_t kOther = 512;
  return encode_new(ticket, kOther + ticket.der.size() + ticket.enc_part.cipher.size());
}

Result<EncTicketPart> parse_enc_ticket_part(ByteView der) {
  return decode<EncTicketPart>(der, "EncTicketPart");
}

Result<size_t> encode_to(const EncTicketPart& part, MutableBytes out) {
  return encode_in_place(part, out);
}

std::optional<MessageType> message_type(ByteView der) {
  constexpr std::array kTypes = {MessageType::kAsReq,   MessageType::kAsRep,   MessageType::kTgsReq,
                                 MessageType::kTgsRep,  MessageType::kApReq,   MessageType::kApRep,
                                 MessageType::kKrbCred, MessageType::kKrbError};
  for (const MessageType type : kTypes) {
    if (!der.empty() && der[0] == asn1::application(number_of(type)).octet) return type;
  }
  return std::nullopt;
}

}  // namespace pocketgss::mechs::krb5
