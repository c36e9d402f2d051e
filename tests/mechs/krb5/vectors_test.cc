// The messages of others: MIT's reference encodings, and recorded exchanges.
#include <gtest/gtest.h>

#include <map>

#include "base/crypto.h"
#include "mechs/gss_token.h"
#include "mechs/krb5/codec.h"
#include "mechs/krb5/crypto.h"
#include "mechs/oids.h"
#include "mechs/spnego/token.h"
#include "tests/support/hex.h"
#include "tests/support/vector_file.h"

namespace pocketgss::mechs::krb5 {
namespace {

using testing::hex;
using testing::VectorBlock;

constexpr const char* kReference = "krb5/mit_reference_encodings.vec";

std::string text(const PrincipalName& name) {
  std::string out;
  for (const KerberosString component : name.name_string) {
    if (!out.empty()) out += '/';
    out += component;
  }
  return out;
}

std::string octets(const KerberosFlags& flags) {
  char out[9];
  std::snprintf(out, sizeof(out), "%08x", flags.bits);
  return out;
}

std::string wire_text(KerberosTime time) {
  std::string out;
  for (const char c : asn1::iso_text(time)) {
    if (c != '-' && c != ':' && c != 'T') out += c;
  }
  return out;
}

// The fields are written anew, and so are those of a ticket or a body inside.
void forget_der(KdcReq& req) {
  req.req_body.der = {};
}
void forget_der(KdcReqBody& body) {
  body.der = {};
}
void forget_der(KdcRep& rep) {
  rep.ticket.der = {};
}
void forget_der(ApReq& req) {
  req.ticket.der = {};
}
void forget_der(Ticket& ticket) {
  ticket.der = {};
}
template <typename T>
void forget_der(T&) {}

template <typename T>
T expect_round_trip(ByteView der, Result<T> parsed, const std::string& where) {
  if (!parsed.has_value()) {
    ADD_FAILURE() << where << ": " << describe(parsed.error());
    return T{};
  }
  forget_der(parsed.value());
  const auto written = encode_new(parsed.value(), 0);
  EXPECT_EQ(hex(written.value()), hex(der)) << where;
  return parsed.value();
}

// reads is the handler of a type: its DER parses, and is written to the same bytes.
template <typename T>
testing::VectorHandler reads(Result<T> (*parse)(ByteView)) {
  return [parse](VectorBlock& block) {
    block.text("Name");
    const Bytes der = block.bytes("Der");
    expect_round_trip(der, parse(der), block.where());
  };
}

// Only ever inside of something else.
Result<EncryptionKey> parse_encryption_key(ByteView der) {
  return decode<EncryptionKey>(der, "EncryptionKey");
}

testing::VectorHandlers reference_handlers() {
  return {{"Authenticator", reads(parse_authenticator)},
          {"Ticket", reads(parse_ticket)},
          {"EncryptionKey", reads(parse_encryption_key)},
          {"EncTicketPart", reads(parse_enc_ticket_part)},
          {"EncKDCRepPart", reads(parse_enc_kdc_rep_part)},
          {"AS-REP", reads(parse_as_rep)},
          {"TGS-REP", reads(parse_tgs_rep)},
          {"AP-REQ", reads(parse_ap_req)},
          {"AP-REP", reads(parse_ap_rep)},
          {"EncAPRepPart", reads(parse_enc_ap_rep_part)},
          {"AS-REQ", reads(parse_as_req)},
          {"TGS-REQ", reads(parse_tgs_req)},
          {"KDC-REQ-BODY", reads(parse_kdc_req_body)},
          {"KRB-CRED", reads(parse_krb_cred)},
          {"EncKrbCredPart", reads(parse_enc_krb_cred_part)},
          {"KRB-ERROR", reads(parse_krb_error)},
          {"AuthorizationData", reads(parse_authorization_data)},
          {"METHOD-DATA", reads(parse_method_data)},
          {"TYPED-DATA", reads(parse_typed_data)},
          {"ETYPE-INFO", reads(parse_etype_info)},
          {"ETYPE-INFO2", reads(parse_etype_info2)},
          {"PA-ENC-TS-ENC", reads(parse_pa_enc_ts_enc)},
          {"EncryptedData", reads(parse_encrypted_data)},
          {"OutOfScope", testing::read_elsewhere}};
}

TEST(Krb5Vectors, MitsReferenceEncodingsAreReadAndWrittenToTheSameBytes) {
  testing::run_vectors(kReference, reference_handlers());
}

// What we do not read, by the start of the name, and why.
TEST(Krb5Vectors, MitsReferenceEncodingsThatAreOutOfScopeHaveAReason) {
  const std::map<std::string, std::string> reasons = {
      {"safe", "KRB-SAFE: no protocol of ours has it"},
      {"priv", "KRB-PRIV: the same"},
      {"enc_priv_part", "KRB-PRIV: the same"},
      {"sam_", "hardware preauthentication (PA-SAM-*): not built"},
      {"enc_sam_", "hardware preauthentication: not built"},
      {"pa_for_user", "S4U2self: never sent (row P12)"},
      {"pa_s4u_x509_user", "S4U2self: never sent (row P12)"},
      {"ad_kdcissued", "for KDCs; an acceptor passes it over"},
      {"iakerb_", "IAKERB: not built (row P9)"},
      {"fast_response", "FAST: not built yet"},
      {"pa_fx_fast_reply", "FAST: not built yet"},
      {"otp_", "one-time passwords (RFC 6560): not built"},
      {"pa_otp_", "one-time passwords (RFC 6560): not built"},
      {"kkdcp_message", "KDC proxies over HTTPS ([MS-KKDCP]): not built"},
      {"cammac", "for KDCs (RFC 7751); an acceptor passes it over"},
      {"secure_cookie", "a KDC's own; a client echoes it unread"},
      {"spake_", "SPAKE (RFC 9588): not built yet"},
      {"pa_spake", "SPAKE (RFC 9588): not built yet"},
  };
  size_t count = 0;
  for (VectorBlock block : testing::load_vectors(kReference)) {
    const std::string name = block.text("Name");
    block.ignore_unread();
    if (block.instruction() != "OutOfScope") continue;
    ++count;
    const bool known = std::any_of(reasons.begin(), reasons.end(), [&](const auto& reason) {
      return name.rfind(reason.first, 0) == 0;
    });
    EXPECT_TRUE(known) << block.where() << ": " << name;
  }
  EXPECT_EQ(count, 33U);
}

Bytes reference(const std::string& wanted) {
  Bytes found;
  for (VectorBlock block : testing::load_vectors(kReference)) {
    const std::string name = block.text("Name");
    const Bytes der = block.bytes("Der");
    if (name == wanted) found = der;
  }
  EXPECT_FALSE(found.empty()) << wanted;
  return found;
}

// The values that MIT's test suite gives all its structures.
constexpr KerberosTime kTime{771228197};
constexpr Realm kRealm = "ATHENA.MIT.EDU";
constexpr uint32_t kFlags = 0xfedcba98;

void expect_name(const PrincipalName& name) {
  EXPECT_EQ(name.name_type, 1);
  EXPECT_EQ(text(name), "hftsai/extra");
}
void expect_addresses(const std::optional<HostAddresses>& addresses) {
  ASSERT_TRUE(addresses && addresses->size() == 2);
  for (const HostAddress& address : *addresses) {
    EXPECT_EQ(address.addr_type, 2);
    EXPECT_EQ(hex(address.address), "12d00023");
  }
}
void expect_cipher(const EncryptedData& data) {
  EXPECT_EQ(data.etype, 0);
  EXPECT_EQ(data.kvno, UInt32(5));
  EXPECT_EQ(as_text(data.cipher), "krbASN.1 test message");
}
void expect_padata(const std::optional<MethodData>& padata) {
  ASSERT_TRUE(padata && padata->size() == 2);
  for (const PaData& entry : *padata) {
    EXPECT_EQ(entry.padata_type, 13);
    EXPECT_EQ(as_text(entry.padata_value), "pa-data");
  }
}
void expect_authorization_data(const std::optional<AuthorizationData>& data) {
  ASSERT_TRUE(data && data->size() == 2);
  for (const AuthorizationDataEntry& entry : *data) {
    EXPECT_EQ(entry.ad_type, 1);
    EXPECT_EQ(as_text(entry.ad_data), "foobar");
  }
}
void expect_key(const EncryptionKey& key) {
  EXPECT_EQ(key.keytype, 1);
  EXPECT_EQ(as_text(key.keyvalue), "12345678");
}
void expect_ticket(const Ticket& ticket) {
  EXPECT_EQ(ticket.realm, kRealm);
  expect_name(ticket.sname);
  expect_cipher(ticket.enc_part);
}

TEST(Krb5Vectors, TheFieldsOfTheReferenceAsReqAreThoseOfItsTest) {
  const Bytes der = reference("as_req");
  const KdcReq req = parse_as_req(der).value();
  expect_padata(req.padata);
  const KdcReqBody& body = req.req_body;
  EXPECT_EQ(body.kdc_options.bits, 0xfedcba90U);
  expect_name(*body.cname);
  EXPECT_EQ(body.realm, kRealm);
  expect_name(*body.sname);
  for (const auto& time : {body.from, body.till, body.rtime}) EXPECT_EQ(time, kTime);
  EXPECT_EQ(body.nonce, UInt32(42));
  EXPECT_EQ(std::vector<int32_t>(body.etype.begin(), body.etype.end()),
            (std::vector<int32_t>{0, 1}));
  expect_addresses(body.addresses);
  expect_cipher(*body.enc_authorization_data);
  ASSERT_EQ(body.additional_tickets->size(), 2U);
  for (const Ticket& ticket : *body.additional_tickets) {
    expect_ticket(ticket);
    EXPECT_EQ(hex(ticket.der), hex(reference("ticket")));
  }
}

TEST(Krb5Vectors, TheFieldsOfTheReferenceRepliesAreThoseOfTheirTest) {
  const Bytes der = reference("tgs_rep");
  const KdcRep rep = parse_tgs_rep(der).value();
  expect_padata(rep.padata);
  EXPECT_EQ(rep.crealm, kRealm);
  expect_name(rep.cname);
  expect_ticket(rep.ticket);
  expect_cipher(rep.enc_part);

  const Bytes part_der = reference("enc_kdc_rep_part");
  const EncKdcRepPart part = parse_enc_kdc_rep_part(part_der).value();
  EXPECT_EQ(part.of, MessageType::kTgsRep);
  expect_key(part.key);
  ASSERT_EQ(part.last_req.size(), 2U);
  EXPECT_EQ(part.last_req.front(), (LastReqEntry{-5, kTime}));
  EXPECT_EQ(part.nonce, UInt32(42));
  EXPECT_EQ(part.key_expiration, kTime);
  EXPECT_EQ(part.flags.bits, kFlags);
  EXPECT_EQ(part.authtime, kTime);
  EXPECT_EQ(part.starttime, kTime);
  EXPECT_EQ(part.endtime, kTime);
  EXPECT_EQ(part.renew_till, kTime);
  EXPECT_EQ(part.srealm, kRealm);
  expect_name(part.sname);
  expect_addresses(part.caddr);
  EXPECT_FALSE(part.encrypted_pa_data);
}

TEST(Krb5Vectors, TheFieldsOfTheReferenceApExchangeAreThoseOfItsTest) {
  const Bytes der = reference("ap_req");
  const ApReq req = parse_ap_req(der).value();
  EXPECT_EQ(req.ap_options.bits, kFlags);
  expect_ticket(req.ticket);
  expect_cipher(req.authenticator);

  const Bytes authenticator_der = reference("authenticator");
  const Authenticator authenticator = parse_authenticator(authenticator_der).value();
  EXPECT_EQ(authenticator.crealm, kRealm);
  expect_name(authenticator.cname);
  EXPECT_EQ(authenticator.cksum->cksumtype, 1);
  EXPECT_EQ(as_text(authenticator.cksum->checksum), "1234");
  EXPECT_EQ(authenticator.cusec, 123456U);
  EXPECT_EQ(authenticator.ctime, kTime);
  expect_key(*authenticator.subkey);
  EXPECT_EQ(authenticator.seq_number, UInt32(17));
  expect_authorization_data(authenticator.authorization_data);

  const Bytes part_der = reference("ap_rep_enc_part");
  const EncApRepPart part = parse_enc_ap_rep_part(part_der).value();
  EXPECT_EQ(part.ctime, kTime);
  EXPECT_EQ(part.cusec, 123456U);
  expect_key(*part.subkey);
  EXPECT_EQ(part.seq_number, UInt32(17));

  const Bytes ticket_der = reference("enc_tkt_part");
  const EncTicketPart ticket = parse_enc_ticket_part(ticket_der).value();
  EXPECT_EQ(ticket.flags.bits, kFlags);
  expect_key(ticket.key);
  EXPECT_EQ(ticket.crealm, kRealm);
  expect_name(ticket.cname);
  EXPECT_EQ(ticket.transited.tr_type, 1);
  EXPECT_EQ(as_text(ticket.transited.contents), "EDU,MIT.,ATHENA.,WASHINGTON.EDU,CS.");
  EXPECT_EQ(ticket.authtime, kTime);
  EXPECT_EQ(ticket.starttime, kTime);
  EXPECT_EQ(ticket.endtime, kTime);
  EXPECT_EQ(ticket.renew_till, kTime);
  expect_addresses(ticket.caddr);
  expect_authorization_data(ticket.authorization_data);
}

TEST(Krb5Vectors, TheFieldsOfTheReferenceErrorAndCredentialsAreThoseOfTheirTest) {
  const Bytes der = reference("error");
  const KrbError error = parse_krb_error(der).value();
  EXPECT_EQ(error.ctime, kTime);
  EXPECT_EQ(error.cusec, 123456U);
  EXPECT_EQ(error.stime, kTime);
  EXPECT_EQ(error.susec, 123456U);
  EXPECT_EQ(error.error_code, 60);
  EXPECT_EQ(error.crealm, kRealm);
  expect_name(*error.cname);
  EXPECT_EQ(error.realm, kRealm);
  expect_name(error.sname);
  EXPECT_EQ(error.e_text, "krb5data");
  EXPECT_EQ(as_text(*error.e_data), "krb5data");

  const Bytes cred_der = reference("cred");
  const KrbCred cred = parse_krb_cred(cred_der).value();
  ASSERT_EQ(cred.tickets.size(), 2U);
  for (const Ticket& ticket : cred.tickets) expect_ticket(ticket);
  expect_cipher(cred.enc_part);

  const Bytes part_der = reference("enc_cred_part");
  const EncKrbCredPart part = parse_enc_krb_cred_part(part_der).value();
  ASSERT_EQ(part.ticket_info.size(), 2U);
  for (const KrbCredInfo& info : part.ticket_info) {
    expect_key(info.key);
    EXPECT_EQ(info.prealm, kRealm);
    expect_name(*info.pname);
    EXPECT_EQ(info.flags->bits, kFlags);
    EXPECT_EQ(info.renew_till, kTime);
    EXPECT_EQ(info.srealm, kRealm);
    expect_name(*info.sname);
    expect_addresses(info.caddr);
  }
  EXPECT_EQ(part.nonce, UInt32(42));
  EXPECT_EQ(part.timestamp, kTime);
  EXPECT_EQ(part.usec, 123456U);
  EXPECT_EQ(hex(part.s_address->address), "12d00023");
  EXPECT_EQ(hex(part.r_address->address), "12d00023");
}

// D4: MIT writes a key version with its highest bit set as a negative INTEGER.
TEST(Krb5Vectors, QuirkD4_AKeyVersionIsSignedOnTheWire) {
  const Bytes high = reference("enc_data(MSB-set kvno)");
  EXPECT_EQ(parse_encrypted_data(high).value().kvno->bits(), 0xff000000U);
  const Bytes minus_one = reference("enc_data(kvno=-1)");
  EXPECT_EQ(parse_encrypted_data(minus_one).value().kvno->bits(), 0xffffffffU);
}

// A key in a vector: its etype in two octets, then the key.
struct VectorKey {
  int32_t etype;
  ByteView content;
};
VectorKey key_of(const Bytes& octets) {
  return {octets.at(0) << 8 | octets.at(1), ByteView(octets).from(2)};
}
void expect_key(const EncryptionKey& actual, const Bytes& expected) {
  EXPECT_EQ(actual.keytype, key_of(expected).etype);
  EXPECT_EQ(hex(actual.keyvalue), hex(key_of(expected).content));
}

// How many parts were decrypted, so that a test can say that it has seen some.
size_t decrypted_parts = 0;

// decrypted returns the plaintext; none where the etype is not one of ours (triple DES, Camellia).
std::optional<Bytes> decrypted(const EncryptedData& data, const Bytes& key, KeyUsage usage,
                               const std::string& where) {
  if (!known_etype(key_of(key).etype)) return std::nullopt;
  static const auto crypto = crypto::Workspace::create().value();
  EXPECT_EQ(data.etype, key_of(key).etype) << where;
  Bytes out(data.cipher.size());
  const auto size = decrypt(*crypto, Key::create(key_of(key).etype, key_of(key).content).value(),
                            usage, data.cipher, out);
  EXPECT_TRUE(size.has_value()) << where;
  out.resize(size.has_value() ? size.value() : 0);
  ++decrypted_parts;
  return out;
}

// The same for parts that hold keys, which are written into the caller's memory.
template <typename T>
void expect_part_round_trip(const T& part, ByteView der, const std::string& where) {
  EXPECT_EQ(hex(encode_secret(part).value().view()), hex(der)) << where;
}

void check_tgs_req_authenticator(VectorBlock& block, const ApReq& req) {
  const Bytes key = block.bytes("SessionKey");
  const std::string ctime = block.text("AuthenticatorCTime");
  const uint64_t cusec = block.number("AuthenticatorCUSec");
  const auto cksumtype = block.optional_number("AuthenticatorCksumtype");
  const auto checksum = block.optional_bytes("AuthenticatorChecksum");
  const auto subkey = block.optional_bytes("AuthenticatorSubkey");
  const auto der = decrypted(req.authenticator, key, KeyUsage::kTgsReqAuthenticator, block.where());
  if (!der) return;
  const auto parsed = parse_authenticator(*der);
  ASSERT_TRUE(parsed.has_value()) << block.where() << ": " << describe(parsed.error());
  const Authenticator& authenticator = parsed.value();
  expect_part_round_trip(authenticator, *der, block.where());
  EXPECT_EQ(wire_text(authenticator.ctime), ctime);
  EXPECT_EQ(authenticator.cusec, cusec);
  ASSERT_EQ(authenticator.cksum.has_value(), checksum.has_value());
  if (checksum) {
    EXPECT_EQ(static_cast<uint32_t>(authenticator.cksum->cksumtype), *cksumtype);
    EXPECT_EQ(hex(authenticator.cksum->checksum), hex(*checksum));
  }
  ASSERT_EQ(authenticator.subkey.has_value(), subkey.has_value());
  if (subkey) expect_key(*authenticator.subkey, *subkey);
}

void check_enc_timestamp(VectorBlock& block, const EncryptedData& data) {
  const auto key = block.optional_bytes("ClientKey");
  if (!key) return;  // the one that was made of a wrong password
  const auto der = decrypted(data, *key, KeyUsage::kPaEncTimestamp, block.where());
  ASSERT_TRUE(der) << block.where();
  const PaEncTsEnc timestamp = expect_round_trip(*der, parse_pa_enc_ts_enc(*der), block.where());
  EXPECT_EQ(wire_text(timestamp.patimestamp), block.text("PaTimestamp"));
  EXPECT_EQ(timestamp.pausec, static_cast<Microseconds>(block.number("PaUSec")));
}

// leave_fast is for what fast_recorded_test.cc compares.
void leave_fast(VectorBlock& block) {
  for (const char* name : {"ArmorSessionKey", "ArmorSubkey", "ArmorKey", "KrbFastReq",
                           "StrengthenKey", "FromSubkey", "TicketKey"}) {
    block.optional_bytes(name);
  }
  block.optional_number("FastNonce");
}

void check_request(VectorBlock& block, Result<KdcReq> (*parse)(ByteView)) {
  const Bytes message = block.bytes("Message");
  const KdcReq req = expect_round_trip(message, parse(message), block.where());
  EXPECT_EQ(message_type(message), req.msg_type);
  EXPECT_EQ(octets(req.req_body.kdc_options), hex(block.bytes("KdcOptions")));
  const auto name_of = [](const std::optional<PrincipalName>& name) {
    return name ? std::optional(text(*name)) : std::nullopt;
  };
  EXPECT_EQ(name_of(req.req_body.cname), block.optional_text("CName"));
  EXPECT_EQ(req.req_body.realm, block.text("Realm"));
  EXPECT_EQ(name_of(req.req_body.sname), block.optional_text("SName"));
  EXPECT_EQ(wire_text(*req.req_body.till), block.text("Till"));
  EXPECT_EQ(req.req_body.nonce.bits(), block.number("Nonce"));
  std::vector<Bytes> etypes;
  for (const int32_t etype : req.req_body.etype) etypes.push_back({static_cast<uint8_t>(etype)});
  EXPECT_EQ(etypes, block.bytes_list("Etype"));
  std::vector<Bytes> padata;
  for (const PaData& entry : req.padata.value_or(MethodData())) {
    Bytes one{static_cast<uint8_t>(entry.padata_type >> 8),
              static_cast<uint8_t>(entry.padata_type)};
    append(one, entry.padata_value);
    padata.push_back(one);
    if (entry.padata_type == padata_type::kTgsReq) {
      check_tgs_req_authenticator(
          block,
          expect_round_trip(entry.padata_value, parse_ap_req(entry.padata_value), block.where()));
    }
    if (entry.padata_type == padata_type::kEncTimestamp) {
      check_enc_timestamp(
          block, expect_round_trip(entry.padata_value, parse_encrypted_data(entry.padata_value),
                                   block.where()));
    }
  }
  EXPECT_EQ(padata, block.bytes_list("PaData"));
  leave_fast(block);
}

// RFC 4120 5.4.2: the part of an AS-REP may have the other tag; MIT's has its own.
void check_enc_kdc_rep_part(VectorBlock& block, const KdcRep& rep) {
  const auto key = block.optional_bytes("ReplyKey");
  if (!key) return;  // FAST's, of which the key is not among the vectors
  const Bytes session_key = block.bytes("NewSessionKey");
  const uint64_t nonce = block.number("ReplyNonce");
  const std::string flags = hex(block.bytes("TicketFlags"));
  const std::string authtime = block.text("AuthTime");
  const auto starttime = block.optional_text("StartTime");
  const std::string endtime = block.text("EndTime");
  const auto renew_till = block.optional_text("RenewTill");
  const std::string srealm = block.text("SRealm");
  const std::string sname = block.text("SName");
  const bool as = rep.msg_type == MessageType::kAsRep;
  const auto der =
      decrypted(rep.enc_part, *key, as ? KeyUsage::kAsRepEncPart : KeyUsage::kTgsRepEncPartSubkey,
                block.where());
  if (!der) return;
  const auto parsed = parse_enc_kdc_rep_part(*der);
  ASSERT_TRUE(parsed.has_value()) << block.where() << ": " << describe(parsed.error());
  const EncKdcRepPart& part = parsed.value();
  expect_part_round_trip(part, *der, block.where());
  const auto time_of = [](const std::optional<KerberosTime>& time) {
    return time ? std::optional(wire_text(*time)) : std::nullopt;
  };
  expect_key(part.key, session_key);
  EXPECT_EQ(part.nonce.bits(), nonce);
  EXPECT_EQ(octets(part.flags), flags);
  EXPECT_EQ(wire_text(part.authtime), authtime);
  EXPECT_EQ(time_of(part.starttime), starttime);
  EXPECT_EQ(wire_text(part.endtime), endtime);
  EXPECT_EQ(time_of(part.renew_till), renew_till);
  EXPECT_EQ(part.srealm, srealm);
  EXPECT_EQ(text(part.sname), sname);
}

void check_reply(VectorBlock& block, Result<KdcRep> (*parse)(ByteView)) {
  const Bytes message = block.bytes("Message");
  const KdcRep rep = expect_round_trip(message, parse(message), block.where());
  EXPECT_EQ(message_type(message), rep.msg_type);
  EXPECT_EQ(rep.crealm, block.text("CRealm"));
  EXPECT_EQ(text(rep.cname), block.text("CName"));
  EXPECT_EQ(text(rep.ticket.sname), block.text("TicketSName"));
  EXPECT_EQ(static_cast<uint64_t>(rep.ticket.enc_part.etype), block.number("TicketEtype"));
  EXPECT_EQ(rep.ticket.enc_part.kvno->bits(), block.number("TicketKvno"));
  EXPECT_EQ(static_cast<uint64_t>(rep.enc_part.etype), block.number("Etype"));
  check_enc_kdc_rep_part(block, rep);
  leave_fast(block);
  for (const PaData& entry : rep.padata.value_or(MethodData())) {
    if (entry.padata_type == padata_type::kEtypeInfo2) {
      expect_round_trip(entry.padata_value, parse_etype_info2(entry.padata_value), block.where());
    }
  }
}

void check_error(VectorBlock& block) {
  const Bytes message = block.bytes("Message");
  const KrbError error = expect_round_trip(message, parse_krb_error(message), block.where());
  EXPECT_EQ(wire_text(error.stime), block.text("STime"));
  EXPECT_EQ(error.susec, block.number("SUsec"));
  EXPECT_EQ(static_cast<uint64_t>(error.error_code), block.number("ErrorCode"));
  EXPECT_EQ(error.realm, block.text("Realm"));
  EXPECT_EQ(text(error.sname), block.text("SName"));
  const auto cname = block.optional_text("CName");
  ASSERT_EQ(error.cname.has_value(), cname.has_value());
  if (cname) {
    EXPECT_EQ(text(*error.cname), *cname);
  }
  EXPECT_EQ(std::string(error.e_text.value_or("")), block.optional_text("EText").value_or(""));
  const auto e_data = block.optional_bytes("EData");
  ASSERT_EQ(error.e_data.has_value(), e_data.has_value());
  if (!e_data) return;
  EXPECT_EQ(hex(*error.e_data), hex(*e_data));
  const EData parsed = parse_e_data(*e_data);
  ASSERT_TRUE(parsed.method_data.has_value()) << block.where();
  EXPECT_TRUE(find(*parsed.method_data, 136).has_value());  // PA-FX-FAST
}

TEST(Krb5Vectors, RecordedExchangesWithAKdcAreReadAndWrittenToTheSameBytes) {
  decrypted_parts = 0;
  testing::run_vectors("krb5/kdc_exchanges.vec",
                       {{"AS-REQ", [](VectorBlock& b) { check_request(b, parse_as_req); }},
                        {"TGS-REQ", [](VectorBlock& b) { check_request(b, parse_tgs_req); }},
                        {"AS-REP", [](VectorBlock& b) { check_reply(b, parse_as_rep); }},
                        {"TGS-REP", [](VectorBlock& b) { check_reply(b, parse_tgs_rep); }},
                        {"KRB-ERROR", check_error}});
  EXPECT_GE(decrypted_parts, known_etype(23) ? 40U : 39U);
}

// The Kerberos message of a context token: out of SPNEGO and the frame, if it is in them.
Bytes message_of(ByteView token) {
  if (const auto any = spnego::parse_any_token(token); any.has_value()) {
    const auto* init = std::get_if<spnego::NegTokenInit>(&any.value().token);
    const auto* resp = std::get_if<spnego::NegTokenResp>(&any.value().token);
    const auto inner = init != nullptr ? init->mech_token : resp->response_token;
    return inner ? message_of(*inner) : Bytes();
  }
  const auto framed = parse_initial_context_token(token);
  if (!framed.has_value()) return token.to_bytes();
  EXPECT_EQ(framed.value().this_mech, kKerberosOid);
  return framed.value().inner_token.from(2).to_bytes();  // TOK_ID (RFC 4121 4.1)
}

void check_ticket(VectorBlock& block, const Ticket& ticket) {
  const Bytes key = block.bytes("TicketKey");
  const std::string flags = hex(block.bytes("TicketFlags"));
  const std::string authtime = block.text("AuthTime"), endtime = block.text("EndTime");
  const auto der = decrypted(ticket.enc_part, key, KeyUsage::kTicket, block.where());
  if (!der) return;
  const auto parsed = parse_enc_ticket_part(*der);
  ASSERT_TRUE(parsed.has_value()) << block.where() << ": " << describe(parsed.error());
  const EncTicketPart& part = parsed.value();
  expect_part_round_trip(part, *der, block.where());
  EXPECT_EQ(octets(part.flags), flags);
  EXPECT_EQ(wire_text(part.authtime), authtime);
  EXPECT_EQ(wire_text(part.endtime), endtime);
  expect_key(part.key, block.bytes("SessionKey"));
  EXPECT_EQ(part.crealm, block.text("CRealm"));
  EXPECT_EQ(text(part.cname), block.text("CName"));
}

void check_authenticator(VectorBlock& block, const EncryptedData& data) {
  const std::string crealm = block.text("CRealm"), cname = block.text("CName");
  const std::string ctime = block.text("CTime");
  const uint64_t cusec = block.number("CUSec"), cksumtype = block.number("Cksumtype");
  const Bytes checksum = block.bytes("Checksum");
  const uint64_t seq_number = block.number("SeqNumber");
  const auto subkey = block.optional_bytes("Subkey");
  const auto der =
      decrypted(data, block.bytes("SessionKey"), KeyUsage::kApReqAuthenticator, block.where());
  if (!der) return;
  const auto parsed = parse_authenticator(*der);
  ASSERT_TRUE(parsed.has_value()) << block.where() << ": " << describe(parsed.error());
  const Authenticator& authenticator = parsed.value();
  expect_part_round_trip(authenticator, *der, block.where());
  EXPECT_EQ(authenticator.crealm, crealm);
  EXPECT_EQ(text(authenticator.cname), cname);
  EXPECT_EQ(wire_text(authenticator.ctime), ctime);
  EXPECT_EQ(authenticator.cusec, cusec);
  EXPECT_EQ(static_cast<uint32_t>(authenticator.cksum->cksumtype), cksumtype);
  EXPECT_EQ(hex(authenticator.cksum->checksum), hex(checksum));
  EXPECT_EQ(authenticator.seq_number->bits(), seq_number);
  ASSERT_EQ(authenticator.subkey.has_value(), subkey.has_value());
  if (subkey) expect_key(*authenticator.subkey, *subkey);
}

// `expected` is cusec in three octets, the sequence number in four, and the sub-key.
void check_ap_rep(VectorBlock& block, const ApRep& rep, const Bytes& expected) {
  const auto der =
      decrypted(rep.enc_part, block.bytes("SessionKey"), KeyUsage::kApRepEncPart, block.where());
  if (!der) return;
  const auto parsed = parse_enc_ap_rep_part(*der);
  ASSERT_TRUE(parsed.has_value()) << block.where() << ": " << describe(parsed.error());
  const EncApRepPart& part = parsed.value();
  expect_part_round_trip(part, *der, block.where());
  EXPECT_EQ(wire_text(part.ctime), block.text("CTime"));
  char numbers[16];
  std::snprintf(numbers, sizeof(numbers), "%06x%08x", part.cusec, part.seq_number->bits());
  EXPECT_EQ(numbers, hex(ByteView(expected).prefix(7)));
  const ByteView subkey = ByteView(expected).from(7);
  ASSERT_EQ(part.subkey.has_value(), !subkey.empty());
  if (!subkey.empty()) expect_key(*part.subkey, subkey.to_bytes());
}

void check_exchange(VectorBlock& block) {
  block.text("Name");
  const auto from_initiator = block.bytes_list("FromInitiator");
  const auto from_acceptor = block.bytes_list("FromAcceptor");
  ASSERT_FALSE(from_initiator.empty());
  const Bytes first = message_of(from_initiator[0]);
  const ApReq req = expect_round_trip(first, parse_ap_req(first), block.where());
  EXPECT_EQ(octets(req.ap_options), hex(block.bytes("ApOptions")));
  EXPECT_EQ(req.ticket.realm, block.text("TicketRealm"));
  EXPECT_EQ(text(req.ticket.sname), block.text("TicketSName"));
  EXPECT_EQ(static_cast<uint64_t>(req.ticket.enc_part.etype), block.number("TicketEtype"));
  EXPECT_EQ(req.ticket.enc_part.kvno->bits(), block.number("TicketKvno"));
  check_ticket(block, req.ticket);
  check_authenticator(block, req.authenticator);

  std::vector<Bytes> replies;
  const auto add = [&](const Bytes& token) {
    Bytes message = message_of(token);
    if (!message.empty()) replies.push_back(std::move(message));  // else SPNEGO's own last word
  };
  for (const Bytes& token : from_acceptor) add(token);
  for (size_t i = 1; i < from_initiator.size(); ++i) add(from_initiator[i]);  // DCE style
  const auto expected = block.bytes_list("ApRepPart");
  ASSERT_EQ(replies.size(), expected.size()) << block.where();
  for (size_t i = 0; i < replies.size(); ++i) {
    check_ap_rep(block, expect_round_trip(replies[i], parse_ap_rep(replies[i]), block.where()),
                 expected[i]);
  }
}

TEST(Krb5Vectors, RecordedContextTokensAreReadAndWrittenToTheSameBytes) {
  decrypted_parts = 0;
  testing::run_vectors("krb5/gss_tokens.vec", {{"Exchange", check_exchange}});
  EXPECT_GE(decrypted_parts, 60U);
}

}  // namespace
}  // namespace pocketgss::mechs::krb5
