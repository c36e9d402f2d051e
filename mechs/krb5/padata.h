// What PA-DATA, authorization data and the e-data of a KRB-ERROR hold.
#ifndef PGSS_MECHS_KRB5_PADATA_H_
#define PGSS_MECHS_KRB5_PADATA_H_

#include "mechs/krb5/types.h"

namespace pocketgss::mechs::krb5 {

// Parsing and writing as messages.h says it. None of these holds a key.

// METHOD-DATA ::= SEQUENCE OF PA-DATA (RFC 4120 5.9.1): the e-data of PREAUTH_REQUIRED.
Result<MethodData> parse_method_data(ByteView der);
Result<Bytes> encode(const MethodData&);
// find returns the value of the first PA-DATA of that type.
std::optional<ByteView> find(const MethodData&, int32_t type);

// TYPED-DATA (RFC 4120 5.9.1): PA-DATA with the tags [0] and [1].
struct TypedDataEntry {
  int32_t data_type = 0;               // [0]
  std::optional<ByteView> data_value;  // [1]

  bool operator==(const TypedDataEntry&) const = default;
};
using TypedData = SequenceOf<TypedDataEntry>;
Result<TypedData> parse_typed_data(ByteView der);
Result<Bytes> encode(const TypedData&);

// RFC 4120 5.2.7.4
struct EtypeInfoEntry {
  int32_t etype = 0;             // [0]
  std::optional<ByteView> salt;  // [1]

  bool operator==(const EtypeInfoEntry&) const = default;
};
using EtypeInfo = SequenceOf<EtypeInfoEntry>;
Result<EtypeInfo> parse_etype_info(ByteView der);
Result<Bytes> encode(const EtypeInfo&);

// RFC 4120 5.2.7.5
struct EtypeInfo2Entry {
  int32_t etype = 0;                   // [0]
  std::optional<KerberosString> salt;  // [1]: absent is the default salt, empty is empty
  std::optional<ByteView> s2kparams;   // [2]

  bool operator==(const EtypeInfo2Entry&) const = default;
};
using EtypeInfo2 = SequenceOf<EtypeInfo2Entry>;
Result<EtypeInfo2> parse_etype_info2(ByteView der);
Result<Bytes> encode(const EtypeInfo2&);

// RFC 4120 5.2.9, by itself: PA-ENC-TIMESTAMP.
Result<EncryptedData> parse_encrypted_data(ByteView der);
Result<Bytes> encode(const EncryptedData&);

// RFC 4120 5.2.9, by itself: PA-REQ-ENC-PA-REP of a reply (RFC 6806 11).
Result<Checksum> parse_checksum(ByteView der);
Result<Bytes> encode(const Checksum&);

// RFC 4120 5.2.7.2, what PA-ENC-TIMESTAMP encrypts
struct PaEncTsEnc {
  KerberosTime patimestamp;            // [0]
  std::optional<Microseconds> pausec;  // [1]

  bool operator==(const PaEncTsEnc&) const = default;
};
Result<PaEncTsEnc> parse_pa_enc_ts_enc(ByteView der);
Result<Bytes> encode(const PaEncTsEnc&);

// [MS-KILE] 2.2.3: KERB-PA-PAC-REQUEST
struct PaPacRequest {
  bool include_pac = true;  // [0]

  bool operator==(const PaPacRequest&) const = default;
};
Result<PaPacRequest> parse_pa_pac_request(ByteView der);
Result<Bytes> encode(const PaPacRequest&);

// [MS-KILE] 2.2.10: PA-PAC-OPTIONS
struct PaPacOptions {
  KerberosFlags flags;  // [0]

  bool operator==(const PaPacOptions&) const = default;
};
Result<PaPacOptions> parse_pa_pac_options(ByteView der);
Result<Bytes> encode(const PaPacOptions&);

// [MS-KILE] 2.2.2: the e-data of an Active Directory KDC (quirk D25)
struct KerbErrorData {
  int32_t data_type = 0;               // [1]: 3 is KERB-EXT-ERROR, 2 is clock skew
  std::optional<ByteView> data_value;  // [2]

  bool operator==(const KerbErrorData&) const = default;
};
Result<KerbErrorData> parse_kerb_error_data(ByteView der);
Result<Bytes> encode(const KerbErrorData&);

// [MS-KILE] 2.2.1: [0-3] status, [4-7] reserved, [8-11] flags, little-endian
struct KerbExtError {
  uint32_t status = 0;  // an NTSTATUS: locked, disabled, expired, logon hours
  uint32_t reserved = 0;
  uint32_t flags = 0;

  bool operator==(const KerbExtError&) const = default;
};
Result<KerbExtError> parse_kerb_ext_error(ByteView octets);

// EData is the e-data of a KRB-ERROR, told by its form.
struct EData {
  std::optional<MethodData> method_data;
  std::optional<TypedData> typed_data;
  std::optional<KerbErrorData> kerb_error_data;
  std::optional<KerbExtError> ext_error;  // of kerb_error_data of type 3
};
// parse_e_data gives at most one of the first three; e-data of no known form is no error, and gives
// none.
EData parse_e_data(ByteView e_data);

// AuthorizationData by itself (RFC 4120 5.2.6), as AD-IF-RELEVANT holds it.
Result<AuthorizationData> parse_authorization_data(ByteView der);
Result<Bytes> encode(const AuthorizationData&);
// find_if_relevant looks for an entry of that type in the list itself and in its AD-IF-RELEVANT
// containers, one level deep (RFC 4120 5.2.6.1). A container that does not parse is passed over.
std::optional<ByteView> find_if_relevant(const AuthorizationData&, int32_t type);
// The flags of KERB-AP-OPTIONS ([MS-KILE] 3.2.5.8), a little-endian number of 4 octets; nothing
// where there are not 4.
inline constexpr uint32_t kKerbApOptionsCbt = 0x4000;
std::optional<uint32_t> kerb_ap_options(const AuthorizationData&);

}  // namespace pocketgss::mechs::krb5

#endif  // PGSS_MECHS_KRB5_PADATA_H_
