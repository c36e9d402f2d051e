// FAST (RFC 6113 5.4) as recordings have it. We do not speak it; here it is opened with the keys of a
// recording, so that what MIT's clients hide in it is looked at too.
#ifndef PGSS_TESTS_MECHS_KRB5_FAST_H_
#define PGSS_TESTS_MECHS_KRB5_FAST_H_

#include <cstddef>

#include "mechs/krb5/ap_exchange.h"
#include "mechs/krb5/codec.h"
#include "tests/mechs/krb5/fx_cf2.h"

namespace pocketgss::mechs::krb5 {

// RFC 6113 5.4.1
struct FastArmor {
  int32_t armor_type = 0;  // [0]
  ByteView armor_value;    // [1]: of type 1 an AP-REQ
};
inline constexpr Row kFastArmorRows[] = {
    PGSS_KRB5_FIELD(0, "KrbFastArmor.armor-type", FastArmor, armor_type),
    PGSS_KRB5_FIELD(1, "KrbFastArmor.armor-value", FastArmor, armor_value),
};
inline constexpr Table kFastArmorTable = message_table("KrbFastArmor", kFastArmorRows, uint8_t{0});
template <>
inline constexpr const Table* table_of<FastArmor> = &kFastArmorTable;

// RFC 6113 5.4.2
struct FastArmoredReq {
  std::optional<FastArmor> armor;  // [0]: without one the TGS-REQ's own AP-REQ is it
  Checksum req_checksum;           // [1]
  EncryptedData enc_fast_req;      // [2]
};
inline constexpr Row kFastArmoredReqRows[] = {
    PGSS_KRB5_FIELD(0, "KrbFastArmoredReq.armor", FastArmoredReq, armor),
    PGSS_KRB5_FIELD(1, "KrbFastArmoredReq.req-checksum", FastArmoredReq, req_checksum),
    PGSS_KRB5_FIELD(2, "KrbFastArmoredReq.enc-fast-req", FastArmoredReq, enc_fast_req),
};
inline constexpr Table kFastArmoredReqTable =
    message_table("KrbFastArmoredReq", kFastArmoredReqRows, uint8_t{0});
template <>
inline constexpr const Table* table_of<FastArmoredReq> = &kFastArmoredReqTable;

// RFC 6113 5.4.2
struct FastReq {
  KerberosFlags fast_options;  // [0]
  MethodData padata;           // [1]
  KdcReqBody req_body;         // [2]
};
inline constexpr Row kFastReqRows[] = {
    PGSS_KRB5_FIELD(0, "KrbFastReq.fast-options", FastReq, fast_options),
    PGSS_KRB5_FIELD(1, "KrbFastReq.padata", FastReq, padata),
    PGSS_KRB5_FIELD(2, "KrbFastReq.req-body", FastReq, req_body),
};
inline constexpr Table kFastReqTable = message_table("KrbFastReq", kFastReqRows, uint8_t{0});
template <>
inline constexpr const Table* table_of<FastReq> = &kFastReqTable;

// RFC 6113 5.4.3
struct FastArmoredRep {
  EncryptedData enc_fast_rep;  // [0]
};
inline constexpr Row kFastArmoredRepRows[] = {
    PGSS_KRB5_FIELD(0, "KrbFastArmoredRep.enc-fast-rep", FastArmoredRep, enc_fast_rep),
};
inline constexpr Table kFastArmoredRepTable =
    message_table("KrbFastArmoredRep", kFastArmoredRepRows, uint8_t{0});
template <>
inline constexpr const Table* table_of<FastArmoredRep> = &kFastArmoredRepTable;

// RFC 6113 5.4.3
struct FastFinished {
  KerberosTime timestamp;    // [0]
  Microseconds usec = 0;     // [1]
  Realm crealm;              // [2]
  PrincipalName cname;       // [3]
  Checksum ticket_checksum;  // [4]
};
inline constexpr Row kFastFinishedRows[] = {
    PGSS_KRB5_FIELD(0, "KrbFastFinished.timestamp", FastFinished, timestamp),
    PGSS_KRB5_FIELD(1, "KrbFastFinished.usec", FastFinished, usec),
    PGSS_KRB5_FIELD(2, "KrbFastFinished.crealm", FastFinished, crealm),
    PGSS_KRB5_FIELD(3, "KrbFastFinished.cname", FastFinished, cname),
    PGSS_KRB5_FIELD(4, "KrbFastFinished.ticket-checksum", FastFinished, ticket_checksum),
};
inline constexpr Table kFastFinishedTable =
    message_table("KrbFastFinished", kFastFinishedRows, uint8_t{0});
template <>
inline constexpr const Table* table_of<FastFinished> = &kFastFinishedTable;

// RFC 6113 5.4.3
struct FastResponse {
  MethodData padata;                            // [0]
  std::optional<EncryptionKey> strengthen_key;  // [1]
  std::optional<FastFinished> finished;         // [2]
  UInt32 nonce;                                 // [3]
};
inline constexpr Row kFastResponseRows[] = {
    PGSS_KRB5_FIELD(0, "KrbFastResponse.padata", FastResponse, padata),
    PGSS_KRB5_FIELD(1, "KrbFastResponse.strengthen-key", FastResponse, strengthen_key),
    PGSS_KRB5_FIELD(2, "KrbFastResponse.finished", FastResponse, finished),
    PGSS_KRB5_FIELD(3, "KrbFastResponse.nonce", FastResponse, nonce),
};
inline constexpr Table kFastResponseTable =
    message_table("KrbFastResponse", kFastResponseRows, uint8_t{0});
template <>
inline constexpr const Table* table_of<FastResponse> = &kFastResponseTable;

namespace testing {

// armored_data takes the CHOICE off what PA-FX-FAST holds: [0], the only one there is.
template <typename Armored>
Result<Armored> armored_data(ByteView pa_fx_fast) {
  asn1::Reader reader(pa_fx_fast);
  PGSS_TRY(const ByteView inside, reader.contents(asn1::context(0), "PA-FX-FAST.armored-data"));
  PGSS_CHECK(reader.finish("PA-FX-FAST"));
  return decode<Armored>(inside, "PA-FX-FAST.armored-data");
}
inline Result<FastArmoredReq> parse_fast_request(ByteView pa_fx_fast) {
  return armored_data<FastArmoredReq>(pa_fx_fast);
}
inline Result<FastArmoredRep> parse_fast_reply(ByteView pa_fx_fast) {
  return armored_data<FastArmoredRep>(pa_fx_fast);
}

inline Key key_of(const EncryptionKey& key) {
  return krb5::key_of(key, true).value();
}

// fast_armor_key: RFC 6113 5.4.1.1, and 5.4.2 for a TGS-REQ, whose own AP-REQ is the armor.
inline Key fast_armor_key(Runtime& runtime, const Key& subkey, const Key& ticket_key) {
  return krb_fx_cf2(runtime.crypto(), subkey, as_bytes("subkeyarmor"), ticket_key,
                    as_bytes("ticketarmor"));
}
// fast_reply_key: RFC 6113 5.4.3.
inline Key fast_reply_key(Runtime& runtime, const Key& strengthen_key, const Key& reply_key) {
  return krb_fx_cf2(runtime.crypto(), strengthen_key, as_bytes("strengthenkey"), reply_key,
                    as_bytes("replykey"));
}

// What `plaintext` holds borrows from it.
template <typename Part>
struct FastOpened {
  SecretBytes plaintext;
  Part part;
};
template <typename Part>
Result<FastOpened<Part>> open_fast(Runtime& runtime, const Key& armor_key, KeyUsage usage,
                                   const EncryptedData& data) {
  PGSS_TRY(SecretBytes plaintext, decrypt_part(runtime, armor_key, usage, data.cipher));
  PGSS_TRY(const Part part, decode<Part>(plaintext.view(), "KrbFast"));
  return FastOpened<Part>{std::move(plaintext), part};
}
// open_fast_request also verifies the checksum over `covered`: the KDC-REQ-BODY of an AS-REQ, the
// AP-REQ of a TGS-REQ.
inline Result<FastOpened<FastReq>> open_fast_request(Runtime& runtime, const Key& armor_key,
                                                     ByteView pa_fx_fast, ByteView covered) {
  PGSS_TRY(const FastArmoredReq armored, parse_fast_request(pa_fx_fast));
  PGSS_CHECK(verify_checksum(runtime.crypto(), armor_key, KeyUsage::kFastReqChecksum,
                             armored.req_checksum.cksumtype, {covered},
                             armored.req_checksum.checksum));
  return open_fast<FastReq>(runtime, armor_key, KeyUsage::kFastEnc, armored.enc_fast_req);
}
// open_fast_reply also verifies the checksum over `ticket`, where the KDC says that it is done.
inline Result<FastOpened<FastResponse>> open_fast_reply(Runtime& runtime, const Key& armor_key,
                                                        ByteView pa_fx_fast, ByteView ticket) {
  PGSS_TRY(const FastArmoredRep armored, parse_fast_reply(pa_fx_fast));
  PGSS_TRY(FastOpened<FastResponse> out,
           open_fast<FastResponse>(runtime, armor_key, KeyUsage::kFastRep, armored.enc_fast_rep));
  if (out.part.finished) {
    const Checksum& sum = out.part.finished->ticket_checksum;
    PGSS_CHECK(verify_checksum(runtime.crypto(), armor_key, KeyUsage::kFastFinished, sum.cksumtype,
                               {ticket}, sum.checksum));
  }
  return out;
}

}  // namespace testing
}  // namespace pocketgss::mechs::krb5

#endif  // PGSS_TESTS_MECHS_KRB5_FAST_H_
