// Reads and writes what PA-DATA, authorization data and e-data hold.
#include "mechs/krb5/padata.h"

#include "base/cursor.h"
#include "mechs/krb5/codec.h"

namespace pocketgss::mechs::krb5 {

// RFC 4120 5.9.1:
//   TYPED-DATA ::= SEQUENCE SIZE (1..MAX) OF SEQUENCE {
//       data-type  [0] Int32,
//       data-value [1] OCTET STRING OPTIONAL }
constexpr Row kTypedDataEntryRows[] = {
    PGSS_KRB5_FIELD(0, "TYPED-DATA.data-type", TypedDataEntry, data_type),
    PGSS_KRB5_FIELD(1, "TYPED-DATA.data-value", TypedDataEntry, data_value),
};
const Table kTypedDataEntryTable = plain_table("TYPED-DATA", kTypedDataEntryRows);

// RFC 4120 5.2.7.4:
//   ETYPE-INFO-ENTRY ::= SEQUENCE {
//       etype [0] Int32,
//       salt  [1] OCTET STRING OPTIONAL }
constexpr Row kEtypeInfoEntryRows[] = {
    PGSS_KRB5_FIELD(0, "ETYPE-INFO-ENTRY.etype", EtypeInfoEntry, etype),
    PGSS_KRB5_FIELD(1, "ETYPE-INFO-ENTRY.salt", EtypeInfoEntry, salt),
};
const Table kEtypeInfoEntryTable = plain_table("ETYPE-INFO-ENTRY", kEtypeInfoEntryRows);

// RFC 4120 5.2.7.5:
//   ETYPE-INFO2-ENTRY ::= SEQUENCE {
//       etype     [0] Int32,
//       salt      [1] KerberosString OPTIONAL,
//       s2kparams [2] OCTET STRING OPTIONAL }
constexpr Row kEtypeInfo2EntryRows[] = {
    PGSS_KRB5_FIELD(0, "ETYPE-INFO2-ENTRY.etype", EtypeInfo2Entry, etype),
    PGSS_KRB5_FIELD(1, "ETYPE-INFO2-ENTRY.salt", EtypeInfo2Entry, salt),
    PGSS_KRB5_FIELD(2, "ETYPE-INFO2-ENTRY.s2kparams", EtypeInfo2Entry, s2kparams),
};
const Table kEtypeInfo2EntryTable = plain_table("ETYPE-INFO2-ENTRY", kEtypeInfo2EntryRows);

// RFC 4120 5.2.7.2:
//   PA-ENC-TS-ENC ::= SEQUENCE {
//       patimestamp [0] KerberosTime -- client's time --,
//       pausec      [1] Microseconds OPTIONAL }
constexpr Row kPaEncTsEncRows[] = {
    PGSS_KRB5_FIELD(0, "PA-ENC-TS-ENC.patimestamp", PaEncTsEnc, patimestamp),
    PGSS_KRB5_FIELD(1, "PA-ENC-TS-ENC.pausec", PaEncTsEnc, pausec),
};
const Table kPaEncTsEncTable = plain_table("PA-ENC-TS-ENC", kPaEncTsEncRows);

// [MS-KILE] 2.2.3:
//   KERB-PA-PAC-REQUEST ::= SEQUENCE {
//       include-pac [0] BOOLEAN -- if TRUE, and no PAC present, include PAC. -- }
constexpr Row kPaPacRequestRows[] = {
    PGSS_KRB5_FIELD(0, "KERB-PA-PAC-REQUEST.include-pac", PaPacRequest, include_pac),
};
const Table kPaPacRequestTable = plain_table("KERB-PA-PAC-REQUEST", kPaPacRequestRows);

// [MS-KILE] 2.2.10; the tag is on the wire, and not in the document:
//   PA-PAC-OPTIONS ::= SEQUENCE {
//       flags [0] KerberosFlags
//           -- Claims (0), Branch Aware (1), Forward to Full DC (2) }
constexpr Row kPaPacOptionsRows[] = {
    PGSS_KRB5_FIELD(0, "PA-PAC-OPTIONS.flags", PaPacOptions, flags),
};
const Table kPaPacOptionsTable = plain_table("PA-PAC-OPTIONS", kPaPacOptionsRows);

// [MS-KILE] 2.2.2:
//   KERB-ERROR-DATA ::= SEQUENCE {
//       data-type  [1] INTEGER,
//       data-value [2] OCTET STRING OPTIONAL }
constexpr Row kKerbErrorDataRows[] = {
    PGSS_KRB5_FIELD(1, "KERB-ERROR-DATA.data-type", KerbErrorData, data_type),
    PGSS_KRB5_FIELD(2, "KERB-ERROR-DATA.data-value", KerbErrorData, data_value),
};
const Table kKerbErrorDataTable = plain_table("KERB-ERROR-DATA", kKerbErrorDataRows);

PGSS_KRB5_SEQUENCE_OF(TypedDataEntry);
PGSS_KRB5_SEQUENCE_OF(EtypeInfoEntry);
PGSS_KRB5_SEQUENCE_OF(EtypeInfo2Entry);

namespace {

constexpr size_t kUsualSize = 256;
constexpr int32_t kKerbErrTypeExtended = 3;

}  // namespace

Result<MethodData> parse_method_data(ByteView der) {
  return decode<MethodData>(der, "METHOD-DATA");
}
Result<Bytes> encode(const MethodData& data) {
  return encode_new(data, kUsualSize);
}

std::optional<ByteView> find(const MethodData& padata, int32_t type) {
  for (const PaData& entry : padata) {
    if (entry.padata_type == type) return entry.padata_value;
  }
  return std::nullopt;
}

Result<TypedData> parse_typed_data(ByteView der) {
  return decode<TypedData>(der, "TYPED-DATA");
}
Result<Bytes> encode(const TypedData& data) {
  return encode_new(data, kUsualSize);
}

Result<EtypeInfo> parse_etype_info(ByteView der) {
  return decode<EtypeInfo>(der, "ETYPE-INFO");
}
Result<Bytes> encode(const EtypeInfo& info) {
  return encode_new(info, kUsualSize);
}

Result<EtypeInfo2> parse_etype_info2(ByteView der) {
  return decode<EtypeInfo2>(der, "ETYPE-INFO2");
}
Result<Bytes> encode(const EtypeInfo2& info) {
  return encode_new(info, kUsualSize);
}

Result<EncryptedData> parse_encrypted_data(ByteView der) {
  return decode<EncryptedData>(der, "EncryptedData");
}
Result<Bytes> encode(const EncryptedData& data) {
  constexpr size_t kOther = 32;
  return encode_new(data, kOther + data.cipher.size());
}

Result<Checksum> parse_checksum(ByteView der) {
  return decode<Checksum>(der, "Checksum");
}
Result<Bytes> encode(const Checksum& sum) {
  constexpr size_t kOther = 24;
  return encode_new(sum, kOther + sum.checksum.size());
}

Result<PaEncTsEnc> parse_pa_enc_ts_enc(ByteView der) {
  return decode<PaEncTsEnc>(der, "PA-ENC-TS-ENC");
}
Result<Bytes> encode(const PaEncTsEnc& timestamp) {
  constexpr size_t kMost = 32;
  return encode_new(timestamp, kMost);
}

Result<PaPacRequest> parse_pa_pac_request(ByteView der) {
  return decode<PaPacRequest>(der, "KERB-PA-PAC-REQUEST");
}
Result<Bytes> encode(const PaPacRequest& request) {
  constexpr size_t kSize = 7;
  return encode_new(request, kSize);
}

Result<PaPacOptions> parse_pa_pac_options(ByteView der) {
  return decode<PaPacOptions>(der, "PA-PAC-OPTIONS");
}
Result<Bytes> encode(const PaPacOptions& options) {
  constexpr size_t kOther = 16;
  return encode_new(options, kOther + options.flags.beyond.size());
}

Result<KerbErrorData> parse_kerb_error_data(ByteView der) {
  return decode<KerbErrorData>(der, "KERB-ERROR-DATA");
}
Result<Bytes> encode(const KerbErrorData& data) {
  constexpr size_t kUsual = 32;
  return encode_new(data, kUsual);
}

Result<KerbExtError> parse_kerb_ext_error(ByteView octets) {
  ByteReader in(octets);
  KerbExtError out;
  PGSS_TRY(out.status, in.u32le("KERB-EXT-ERROR.status"));
  PGSS_TRY(out.reserved, in.u32le("KERB-EXT-ERROR.reserved"));
  PGSS_TRY(out.flags, in.u32le("KERB-EXT-ERROR.flags"));
  if (!in.at_end()) return Error{Errc::kMalformed, "KERB-EXT-ERROR", in.offset(), 0};
  return out;
}

// KERB-ERROR-DATA has the tags of one PA-DATA; the other two are lists, which differ in their tags.
// METHOD-DATA is asked first: an empty list is one.
EData parse_e_data(ByteView e_data) {
  EData out;
  if (const auto methods = parse_method_data(e_data); methods.has_value()) {
    out.method_data = methods.value();
  } else if (const auto typed = parse_typed_data(e_data); typed.has_value()) {
    out.typed_data = typed.value();
  } else if (const auto data = parse_kerb_error_data(e_data); data.has_value()) {
    out.kerb_error_data = data.value();
    if (data.value().data_type == kKerbErrTypeExtended && data.value().data_value) {
      const auto extended = parse_kerb_ext_error(*data.value().data_value);
      if (extended.has_value()) out.ext_error = extended.value();
    }
  }
  return out;
}

Result<AuthorizationData> parse_authorization_data(ByteView der) {
  return decode<AuthorizationData>(der, "AuthorizationData");
}
Result<Bytes> encode(const AuthorizationData& data) {
  return encode_new(data, kUsualSize);
}

std::optional<ByteView> find_if_relevant(const AuthorizationData& data, int32_t type) {
  for (const AuthorizationDataEntry& entry : data) {
    if (entry.ad_type == type) return entry.ad_data;
    if (entry.ad_type != ad_type::kIfRelevant) continue;
    const auto inside = parse_authorization_data(entry.ad_data);
    if (!inside.has_value()) continue;
    for (const AuthorizationDataEntry& relevant : inside.value()) {
      if (relevant.ad_type == type) return relevant.ad_data;
    }
  }
  return std::nullopt;
}

// [MS-KILE] 3.2.5.8: "encoded as a four byte little-endian unsigned integer".
std::optional<uint32_t> kerb_ap_options(const AuthorizationData& data) {
  const auto octets = find_if_relevant(data, ad_type::kApOptions);
  if (!octets || octets->size() != 4) return std::nullopt;
  return load_u32le(octets->data());
}

}  // namespace pocketgss::mechs::krb5
