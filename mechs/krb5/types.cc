// The lists of basic types, and what a name is.
#include "mechs/krb5/types.h"

#include "mechs/krb5/codec.h"

namespace pocketgss::mechs::krb5 {

// RFC 4120 5.2.2:
//   PrincipalName ::= SEQUENCE {
//       name-type   [0] Int32,
//       name-string [1] SEQUENCE OF KerberosString }
constexpr Row kPrincipalNameRows[] = {
    PGSS_KRB5_FIELD(0, "PrincipalName.name-type", PrincipalName, name_type),
    PGSS_KRB5_FIELD(1, "PrincipalName.name-string", PrincipalName, name_string),
};
const Table kPrincipalNameTable = plain_table("PrincipalName", kPrincipalNameRows);

// RFC 4120 5.2.5:
//   HostAddress ::= SEQUENCE {
//       addr-type [0] Int32,
//       address   [1] OCTET STRING }
constexpr Row kHostAddressRows[] = {
    PGSS_KRB5_FIELD(0, "HostAddress.addr-type", HostAddress, addr_type),
    PGSS_KRB5_FIELD(1, "HostAddress.address", HostAddress, address),
};
const Table kHostAddressTable = plain_table("HostAddress", kHostAddressRows);

// RFC 4120 5.2.6:
//   AuthorizationData ::= SEQUENCE OF SEQUENCE {
//       ad-type [0] Int32,
//       ad-data [1] OCTET STRING }
constexpr Row kAuthorizationDataEntryRows[] = {
    PGSS_KRB5_FIELD(0, "AuthorizationData.ad-type", AuthorizationDataEntry, ad_type),
    PGSS_KRB5_FIELD(1, "AuthorizationData.ad-data", AuthorizationDataEntry, ad_data),
};
const Table kAuthorizationDataEntryTable =
    plain_table("AuthorizationData", kAuthorizationDataEntryRows);

// RFC 4120 5.2.7:
//   PA-DATA ::= SEQUENCE {
//       -- NOTE: first tag is [1], not [0]
//       padata-type  [1] Int32,
//       padata-value [2] OCTET STRING }
constexpr Row kPaDataRows[] = {
    PGSS_KRB5_FIELD(1, "PA-DATA.padata-type", PaData, padata_type),
    PGSS_KRB5_FIELD(2, "PA-DATA.padata-value", PaData, padata_value),
};
const Table kPaDataTable = plain_table("PA-DATA", kPaDataRows);

// RFC 4120 5.2.9:
//   EncryptedData ::= SEQUENCE {
//       etype  [0] Int32,
//       kvno   [1] UInt32 OPTIONAL,
//       cipher [2] OCTET STRING }
constexpr Row kEncryptedDataRows[] = {
    PGSS_KRB5_FIELD(0, "EncryptedData.etype", EncryptedData, etype),
    PGSS_KRB5_FIELD(1, "EncryptedData.kvno", EncryptedData, kvno),
    PGSS_KRB5_FIELD(2, "EncryptedData.cipher", EncryptedData, cipher),
};
const Table kEncryptedDataTable = plain_table("EncryptedData", kEncryptedDataRows);

// RFC 4120 5.2.9:
//   EncryptionKey ::= SEQUENCE {
//       keytype  [0] Int32,
//       keyvalue [1] OCTET STRING }
constexpr Row kEncryptionKeyRows[] = {
    PGSS_KRB5_FIELD(0, "EncryptionKey.keytype", EncryptionKey, keytype),
    PGSS_KRB5_FIELD(1, "EncryptionKey.keyvalue", EncryptionKey, keyvalue),
};
const Table kEncryptionKeyTable = plain_table("EncryptionKey", kEncryptionKeyRows);

// RFC 4120 5.2.9:
//   Checksum ::= SEQUENCE {
//       cksumtype [0] Int32,
//       checksum  [1] OCTET STRING }
constexpr Row kChecksumRows[] = {
    PGSS_KRB5_FIELD(0, "Checksum.cksumtype", Checksum, cksumtype),
    PGSS_KRB5_FIELD(1, "Checksum.checksum", Checksum, checksum),
};
const Table kChecksumTable = plain_table("Checksum", kChecksumRows);

PGSS_KRB5_SEQUENCE_OF(KerberosString);
PGSS_KRB5_SEQUENCE_OF(int32_t);
PGSS_KRB5_SEQUENCE_OF(HostAddress);
PGSS_KRB5_SEQUENCE_OF(AuthorizationDataEntry);
PGSS_KRB5_SEQUENCE_OF(PaData);

// RFC 4120 6.2: "the name type SHOULD be treated as a hint": two names that differ in nothing else
// are the same.
bool same_name(const PrincipalName& a, const PrincipalName& b) {
  return a.name_string == b.name_string;
}

}  // namespace pocketgss::mechs::krb5
