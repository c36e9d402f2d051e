// KRB-CRED, read only: nothing but the token decoder asks for it, so a program without that has
// none of this.
#include "mechs/krb5/codec.h"

namespace pocketgss::mechs::krb5 {

// RFC 4120 5.8.1:
//   KRB-CRED ::= [APPLICATION 22] SEQUENCE {
//       pvno     [0] INTEGER (5),
//       msg-type [1] INTEGER (22),
//       tickets  [2] SEQUENCE OF Ticket,
//       enc-part [3] EncryptedData }
constexpr Row kKrbCredRows[] = {
    constant(0, "KRB-CRED.pvno", kProtocolVersion),
    constant(1, "KRB-CRED.msg-type", number_of(MessageType::kKrbCred)),
    PGSS_KRB5_FIELD(2, "KRB-CRED.tickets", KrbCred, tickets),
    PGSS_KRB5_FIELD(3, "KRB-CRED.enc-part", KrbCred, enc_part),
};
const Table kKrbCredTable =
    message_table("KRB-CRED", kKrbCredRows, number_of(MessageType::kKrbCred));

// RFC 4120 5.8.1:
//   KrbCredInfo ::= SEQUENCE {
//       key        [0] EncryptionKey,
//       prealm     [1] Realm OPTIONAL,
//       pname      [2] PrincipalName OPTIONAL,
//       flags      [3] TicketFlags OPTIONAL,
//       authtime   [4] KerberosTime OPTIONAL,
//       starttime  [5] KerberosTime OPTIONAL,
//       endtime    [6] KerberosTime OPTIONAL,
//       renew-till [7] KerberosTime OPTIONAL,
//       srealm     [8] Realm OPTIONAL,
//       sname      [9] PrincipalName OPTIONAL,
//       caddr      [10] HostAddresses OPTIONAL }
constexpr Row kKrbCredInfoRows[] = {
    PGSS_KRB5_FIELD(0, "KrbCredInfo.key", KrbCredInfo, key),
    PGSS_KRB5_FIELD(1, "KrbCredInfo.prealm", KrbCredInfo, prealm),
    PGSS_KRB5_FIELD(2, "KrbCredInfo.pname", KrbCredInfo, pname),
    PGSS_KRB5_FIELD(3, "KrbCredInfo.flags", KrbCredInfo, flags),
    PGSS_KRB5_FIELD(4, "KrbCredInfo.authtime", KrbCredInfo, authtime),
    PGSS_KRB5_FIELD(5, "KrbCredInfo.starttime", KrbCredInfo, starttime),
    PGSS_KRB5_FIELD(6, "KrbCredInfo.endtime", KrbCredInfo, endtime),
    PGSS_KRB5_FIELD(7, "KrbCredInfo.renew-till", KrbCredInfo, renew_till),
    PGSS_KRB5_FIELD(8, "KrbCredInfo.srealm", KrbCredInfo, srealm),
    PGSS_KRB5_FIELD(9, "KrbCredInfo.sname", KrbCredInfo, sname),
    PGSS_KRB5_FIELD(10, "KrbCredInfo.caddr", KrbCredInfo, caddr),
};
const Table kKrbCredInfoTable = plain_table("KrbCredInfo", kKrbCredInfoRows);

// RFC 4120 5.8.1:
//   EncKrbCredPart ::= [APPLICATION 29] SEQUENCE {
//       ticket-info [0] SEQUENCE OF KrbCredInfo,
//       nonce       [1] UInt32 OPTIONAL,
//       timestamp   [2] KerberosTime OPTIONAL,
//       usec        [3] Microseconds OPTIONAL,
//       s-address   [4] HostAddress OPTIONAL,
//       r-address   [5] HostAddress OPTIONAL }
constexpr Row kEncKrbCredPartRows[] = {
    PGSS_KRB5_FIELD(0, "EncKrbCredPart.ticket-info", EncKrbCredPart, ticket_info),
    PGSS_KRB5_FIELD(1, "EncKrbCredPart.nonce", EncKrbCredPart, nonce),
    PGSS_KRB5_FIELD(2, "EncKrbCredPart.timestamp", EncKrbCredPart, timestamp),
    PGSS_KRB5_FIELD(3, "EncKrbCredPart.usec", EncKrbCredPart, usec),
    PGSS_KRB5_FIELD(4, "EncKrbCredPart.s-address", EncKrbCredPart, s_address),
    PGSS_KRB5_FIELD(5, "EncKrbCredPart.r-address", EncKrbCredPart, r_address),
};
const Table kEncKrbCredPartTable =
    message_table("EncKrbCredPart", kEncKrbCredPartRows, application_tag::kEncKrbCredPart);

PGSS_KRB5_SEQUENCE_OF(KrbCredInfo);

Result<KrbCred> parse_krb_cred(ByteView der) {
  return decode<KrbCred>(der, "KRB-CRED");
}

Result<EncKrbCredPart> parse_enc_krb_cred_part(ByteView der) {
  return decode<EncKrbCredPart>(der, "EncKrbCredPart");
}

}  // namespace pocketgss::mechs::krb5
