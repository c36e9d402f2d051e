// KRB-ERROR.
#include "mechs/krb5/codec.h"

namespace pocketgss::mechs::krb5 {

// RFC 4120 5.9.1:
//   KRB-ERROR ::= [APPLICATION 30] SEQUENCE {
//       pvno       [0] INTEGER (5),
//       msg-type   [1] INTEGER (30),
//       ctime      [2] KerberosTime OPTIONAL,
//       cusec      [3] Microseconds OPTIONAL,
//       stime      [4] KerberosTime,
//       susec      [5] Microseconds,
//       error-code [6] Int32,
//       crealm     [7] Realm OPTIONAL,
//       cname      [8] PrincipalName OPTIONAL,
//       realm      [9] Realm -- service realm --,
//       sname      [10] PrincipalName -- service name --,
//       e-text     [11] KerberosString OPTIONAL,
//       e-data     [12] OCTET STRING OPTIONAL }
constexpr Row kKrbErrorRows[] = {
    constant(0, "KRB-ERROR.pvno", kProtocolVersion),
    constant(1, "KRB-ERROR.msg-type", number_of(MessageType::kKrbError)),
    PGSS_KRB5_FIELD(2, "KRB-ERROR.ctime", KrbError, ctime),
    PGSS_KRB5_FIELD(3, "KRB-ERROR.cusec", KrbError, cusec),
    PGSS_KRB5_FIELD(4, "KRB-ERROR.stime", KrbError, stime),
    PGSS_KRB5_FIELD(5, "KRB-ERROR.susec", KrbError, susec),
    PGSS_KRB5_FIELD(6, "KRB-ERROR.error-code", KrbError, error_code),
    PGSS_KRB5_FIELD(7, "KRB-ERROR.crealm", KrbError, crealm),
    PGSS_KRB5_FIELD(8, "KRB-ERROR.cname", KrbError, cname),
    PGSS_KRB5_FIELD(9, "KRB-ERROR.realm", KrbError, realm),
    PGSS_KRB5_FIELD(10, "KRB-ERROR.sname", KrbError, sname),
    PGSS_KRB5_FIELD(11, "KRB-ERROR.e-text", KrbError, e_text),
    PGSS_KRB5_FIELD(12, "KRB-ERROR.e-data", KrbError, e_data),
};
const Table kKrbErrorTable =
    message_table("KRB-ERROR", kKrbErrorRows, number_of(MessageType::kKrbError));

Result<KrbError> parse_krb_error(ByteView der) {
  return decode<KrbError>(der, "KRB-ERROR");
}

Result<Bytes> encode(const KrbError& error) {
  constexpr size_t kOther = 512;
  return encode_new(error, kOther + error.e_data.value_or(ByteView()).size());
}

}  // namespace pocketgss::mechs::krb5
