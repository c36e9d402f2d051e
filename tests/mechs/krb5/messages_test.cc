// What the parsers take and refuse beyond the vectors, and what the writers make of it.
#include "mechs/krb5/messages.h"

#include <gtest/gtest.h>

#include <array>

#include "asn1/writer.h"
#include "mechs/krb5/codec.h"
#include "tests/support/allocations.h"
#include "tests/support/hex.h"

namespace pocketgss::mechs::krb5 {
namespace {

using testing::hex;
using testing::unhex;

// An AP-REP, of which most cases here change one field: pvno at 5, msg-type at 10, enc-part at 15.
const std::string kApRep =
    "6f1d 301b a003020105 a10302010f a20f 300d a003020112 a206 0404 01020304";

Error refused(std::string_view hex_text) {
  const Bytes der = unhex(hex_text);
  const auto parsed = parse_ap_rep(der);
  EXPECT_FALSE(parsed.has_value());
  return parsed.has_value() ? Error{} : parsed.error();
}

void expect_error(const Error& error, const char* where, uint32_t offset) {
  EXPECT_EQ(error, (Error{Errc::kMalformed, where, offset, 0})) << describe(error);
}

// A PrincipalName of these components.
const std::array<KerberosString, 2> kService = {"smtp", "mail.example.test"};
const PrincipalName kServiceName{2, SequenceOf<KerberosString>(kService)};

Ticket a_ticket() {
  static const Bytes cipher(40, 0x33);
  return Ticket{"EXAMPLE.TEST", kServiceName, EncryptedData{18, UInt32(3), cipher}, {}};
}

TEST(Krb5Messages, ReadsAnApRep) {
  const Bytes der = unhex(kApRep);
  const ApRep rep = parse_ap_rep(der).value();
  EXPECT_EQ(rep.enc_part.etype, 18);
  EXPECT_FALSE(rep.enc_part.kvno);
  EXPECT_EQ(hex(rep.enc_part.cipher), "01020304");
  EXPECT_EQ(hex(encode(rep).value()), hex(der));
}

TEST(Krb5Messages, RefusesAnotherVersionOrMessageTypeThanItsOwn) {
  expect_error(refused("6f1d301ba003020104a10302010fa20f300da003020112a206040401020304"),
               "AP-REP.pvno", 8);
  expect_error(refused("6f1d301ba003020105a10302010ea20f300da003020112a206040401020304"),
               "AP-REP.msg-type", 13);
  // An AS-REP is no TGS-REP, whatever its msg-type says.
  const KdcRep as{MessageType::kAsRep, std::nullopt, "R",
                  kServiceName,        a_ticket(),   EncryptedData{18, {}, {}}};
  Bytes der = encode(as).value();
  EXPECT_STREQ(parse_tgs_rep(der).error().where, "KDC-REP");
  der[0] = asn1::application(13).octet;
  EXPECT_STREQ(parse_tgs_rep(der).error().where, "KDC-REP.msg-type");
}

TEST(Krb5Messages, NamesTheFieldThatIsMissing) {
  expect_error(refused("6f0c300aa003020105a10302010f"), "AP-REP.enc-part", 14);
  expect_error(refused("6f073005a003020105"), "AP-REP.msg-type", 9);
}

TEST(Krb5Messages, DER_9_RefusesAnEmptyInput) {
  EXPECT_FALSE(parse_ticket({}).has_value());
  EXPECT_FALSE(parse_enc_ticket_part({}).has_value());
  EXPECT_FALSE(parse_kdc_req_body({}).has_value());
  EXPECT_FALSE(parse_as_req({}).has_value());
  EXPECT_FALSE(parse_tgs_req({}).has_value());
  EXPECT_FALSE(parse_as_rep({}).has_value());
  EXPECT_FALSE(parse_tgs_rep({}).has_value());
  EXPECT_FALSE(parse_enc_kdc_rep_part({}).has_value());
  EXPECT_FALSE(parse_ap_req({}).has_value());
  EXPECT_FALSE(parse_authenticator({}).has_value());
  EXPECT_FALSE(parse_ap_rep({}).has_value());
  EXPECT_FALSE(parse_enc_ap_rep_part({}).has_value());
  EXPECT_FALSE(parse_krb_error({}).has_value());
  EXPECT_FALSE(parse_krb_cred({}).has_value());
  EXPECT_FALSE(parse_enc_krb_cred_part({}).has_value());
  EXPECT_FALSE(message_type({}).has_value());
}

TEST(Krb5Messages, P24_RefusesOctetsBehindTheMessage) {
  expect_error(refused(kApRep + "00"), "AP-REP", 31);
  expect_error(refused("6f1d301ba003020105a10302010fa20f300da0030201 12a206040401020304 0500"),
               "AP-REP", 31);
}

TEST(Krb5Messages, P24_SkipsUnknownFieldsBehindTheLastOfAMessage) {
  const Bytes der = unhex(
      "6f26 3024 a003020105 a10302010f a20f 300d a003020112 a206 0404 01020304"
      "a303020107 be02 0500");
  const auto rep = parse_ap_rep(der);
  ASSERT_TRUE(rep.has_value()) << describe(rep.error());
  EXPECT_EQ(hex(encode(rep.value()).value()), hex(unhex(kApRep)));
}

TEST(Krb5Messages, P24_RefusesUnknownFieldsAnywhereElse) {
  // In the middle; twice the same; backwards; not context-specific; primitive.
  EXPECT_STREQ(refused("6f22 3020 a003020105 a503020107 a10302010f a20f 300d a003020112 a206 0404 "
                       "01020304")
                   .where,
               "AP-REP.msg-type");
  for (const char* extra : {"a30302010a a303020107", "a503020107 a303020107"}) {
    const Bytes der = unhex(std::string("6f27 3025 a003020105 a10302010f a20f 300d a003020112 "
                                        "a206 0404 01020304") +
                            extra);
    expect_error(parse_ap_rep(der).error(), "AP-REP", 36);
  }
  for (const char* extra : {"3003020107", "0403020107", "8303020107", "6303020107", "a003020107"}) {
    const Bytes der = unhex(std::string("6f22 3020 a003020105 a10302010f a20f 300d a003020112 "
                                        "a206 0404 01020304") +
                            extra);
    expect_error(parse_ap_rep(der).error(), "AP-REP", 31);
  }
  // In a type that is no message.
  EXPECT_STREQ(refused("6f22 3020 a003020105 a10302010f a214 3012 a003020112 a206 0404 01020304 "
                       "a303020107")
                   .where,
               "EncryptedData");
}

// P24: "KerberosFlags of any length with trailing zero bits kept".
TEST(Krb5Messages, P24_KeepsKerberosFlagsOfAnyLengthAsTheyWere) {
  struct Case {
    const char* bit_string;
    uint32_t bits, bit_count;
  };
  const Case cases[] = {
      {"030500 40810010", 0x40810010, 32},     {"0301 00", 0, 0},
      {"0302 05 20", 0x20000000, 3},           {"0303 00 0020", 0x00200000, 16},
      {"0306 00 0020000000", 0x00200000, 40},  {"0309 00 4081001000000000", 0x40810010, 64},
      {"0306 07 00200000 80", 0x00200000, 33}, {"0305 01 fffffffe", 0xfffffffe, 31},
  };
  for (const Case& c : cases) {
    const Bytes der = unhex(c.bit_string);
    KerberosFlags flags;
    ASSERT_TRUE(read(der, row_of<KerberosFlags>("flags"), &flags).has_value()) << c.bit_string;
    EXPECT_EQ(flags.bits, c.bits) << c.bit_string;
    EXPECT_EQ(flags.bit_count, c.bit_count) << c.bit_string;
    EXPECT_EQ(hex(encode_new(flags, 0).value()), hex(der));
  }
  EXPECT_EQ(flag_bit(0), 0x80000000U);
  EXPECT_EQ(flag_bit(31), 1U);
  EXPECT_TRUE((KerberosFlags{flag_bit(2)}).has(flag_bit(2)));
}

TEST(Krb5Messages, QuirkD10_TakesNegativeNumbersAsTheSame32Bits) {
  struct Case {
    const char* integer;
    uint32_t bits;
  };
  for (const Case& c : {Case{"0204 80000000", 0x80000000}, Case{"0201 ff", 0xffffffff},
                        Case{"0205 00ffffffff", 0xffffffff}, Case{"0204 7fffffff", 0x7fffffff}}) {
    const Bytes der = unhex(c.integer);
    UInt32 number;
    ASSERT_TRUE(read(der, row_of<UInt32>("nonce"), &number).has_value()) << c.integer;
    EXPECT_EQ(number.bits(), c.bits);
    EXPECT_EQ(number, UInt32(c.bits));
    EXPECT_EQ(hex(encode_new(number, 0).value()), hex(der));
  }
  for (const char* bad : {"0205 0100000000", "0205 ff7fffffff", "0200", "0202 0001"}) {
    const Bytes der = unhex(bad);
    UInt32 number;
    EXPECT_FALSE(read(der, row_of<UInt32>("nonce"), &number).has_value()) << bad;
  }
}

TEST(Krb5Messages, ChecksTheRangeOfMicroseconds) {
  const auto with = [](std::string_view cusec) {
    const Bytes integer = unhex(cusec);
    asn1::Writer out;
    out.nest(asn1::application(27), [&](asn1::Writer& w) {
      w.nest(asn1::kSequence, [&](asn1::Writer& part) {
        part.nest(asn1::context(0), [](asn1::Writer& t) { asn1::write(t, KerberosTime{0}); });
        part.nest(asn1::context(1), [&](asn1::Writer& t) { t.raw(integer); });
      });
    });
    const Bytes der = std::move(out).take().value();
    return parse_enc_ap_rep_part(der).has_value();
  };
  EXPECT_TRUE(with("0203 0f423f"));   // 999999
  EXPECT_FALSE(with("0203 0f4240"));  // 1000000
  EXPECT_FALSE(with("0201 ff"));
  EXPECT_EQ(encode_secret(EncApRepPart{{}, 1'000'000, {}, {}}).error().code, Errc::kApiMisuse);
}

// DER-10: counted strings, never C strings.
TEST(Krb5Messages, DER_10_NamesAreComparedByLengthAndContentWhateverTheyHold) {
  const std::array<KerberosString, 2> with_nul = {"smtp", std::string_view("mail\0evil", 9)};
  const std::array<KerberosString, 2> without = {"smtp", "mail"};
  const std::array<KerberosString, 1> joined = {"smtp/mail"};
  const std::array<KerberosString, 3> longer = {"smtp", "mail", ""};
  const auto name = [](std::span<const KerberosString> parts) {
    return PrincipalName{1, SequenceOf<KerberosString>(parts)};
  };
  const Ticket ticket{std::string_view("\0AAAA", 5), name(with_nul), {}, {}};
  const Bytes der = encode(ticket).value();
  const Ticket read = parse_ticket(der).value();
  EXPECT_EQ(read.realm.size(), 5U);
  EXPECT_NE(read.realm, "");
  EXPECT_TRUE(same_name(read.sname, name(with_nul)));
  EXPECT_FALSE(same_name(read.sname, name(without)));
  EXPECT_FALSE(same_name(name(joined), name(without)));
  EXPECT_FALSE(same_name(name(longer), name(without)));
  EXPECT_FALSE(same_name(name({}), name(without)));
  PrincipalName other_type = name(without);
  other_type.name_type = 2;
  EXPECT_TRUE(same_name(other_type, name(without)));  // the type is a hint
  EXPECT_FALSE(other_type == name(without));
}

TEST(Krb5Messages, DER_10_TakesAnEmptyRealmAndRefusesAnotherStringType) {
  Ticket ticket = a_ticket();
  ticket.realm = "";
  Bytes der = encode(ticket).value();
  EXPECT_EQ(parse_ticket(der).value().realm, "");
  const size_t realm = 11;  // 61 L 30 L, tkt-vno, a1 L
  ASSERT_EQ(der[realm], 0x1b);
  for (const int other : {0x0c, 0x16, 0x04, 0x3b}) {
    der[realm] = static_cast<uint8_t>(other);
    expect_error(parse_ticket(der).error(), "Ticket.realm", realm);
  }
}

TEST(Krb5Messages, BoundsEveryListAt32) {
  for (const size_t count : {size_t{32}, size_t{33}, size_t{10'000}}) {
    asn1::Writer out;
    out.nest(asn1::kSequence, [&](asn1::Writer& list) {
      for (size_t i = 0; i < count; ++i) list.int32(18);
    });
    const Bytes der = std::move(out).take().value();
    EtypeList etypes;
    const auto result = read(der, row_of<EtypeList>("KDC-REQ-BODY.etype"), &etypes);
    ASSERT_EQ(result.has_value(), count == 32) << count;
    if (!result.has_value()) {
      const uint32_t header = count == 33 ? 2 : 4;
      expect_error(result.error(), "KDC-REQ-BODY.etype", header + 3 * 32);
    }
  }
  const std::vector<int32_t> many(33, 18);
  KdcReqBody body;
  body.etype = EtypeList(many);
  EXPECT_EQ(encode(body).error().code, Errc::kApiMisuse);
}

// RFC 4120 5.4.2: either tag is taken for either reply.
TEST(Krb5Messages, TakesTheEncryptedPartOfAReplyUnderEitherTag) {
  EncKdcRepPart part;
  part.srealm = "EXAMPLE.TEST";
  for (const MessageType of : {MessageType::kAsRep, MessageType::kTgsRep}) {
    part.of = of;
    const SecretBytes der = encode_secret(part).value();
    EXPECT_EQ(der.view()[0], of == MessageType::kAsRep ? 0x79 : 0x7a);
    EXPECT_EQ(parse_enc_kdc_rep_part(der.view()).value().of, of);
  }
  Bytes other = encode_secret(part).value().view().to_bytes();
  other[0] = 0x78;
  EXPECT_STREQ(parse_enc_kdc_rep_part(other).error().where, "EncKDCRepPart");
}

TEST(Krb5Messages, PassesATicketOnAsItWasRead) {
  const Ticket ours = a_ticket();
  Bytes plain = encode(ours).value();
  ApReq req{KerberosFlags{flag_bit(2)}, ours, EncryptedData{18, {}, plain}};
  req.ticket.der = ByteView(plain);
  const Bytes with_der = encode(req).value();
  req.ticket.der = {};
  EXPECT_EQ(hex(with_der), hex(encode(req).value()));
  // The ticket's body grows by a field [4], which encoding it anew would lose, and the lengths
  // with it.
  ASSERT_TRUE(plain[1] < 0x78 && plain[3] < 0x78);
  append(plain, unhex("a403020101"));
  plain[1] = static_cast<uint8_t>(plain[1] + 5);
  plain[3] = static_cast<uint8_t>(plain[3] + 5);
  const Ticket extended = parse_ticket(plain).value();
  EXPECT_EQ(hex(extended.der), hex(plain));
  req.ticket = extended;
  const Bytes message = encode(req).value();
  EXPECT_EQ(hex(parse_ap_req(message).value().ticket.der), hex(plain));
}

TEST(Krb5Messages, WritesTheBodyOfARequestAsTheChecksumSawIt) {
  const std::array<int32_t, 2> etypes = {18, 17};
  KdcReqBody body;
  body.kdc_options = KerberosFlags{flag_bit(1) | flag_bit(15)};
  body.realm = "EXAMPLE.TEST";
  body.sname = kServiceName;
  body.till = KerberosTime{2145916800};
  body.nonce = UInt32(0x12345678);
  body.etype = EtypeList(etypes);
  const Bytes der = encode(body).value();
  const std::array<PaData, 1> padata = {PaData{1, ByteView(der)}};
  KdcReq req{MessageType::kTgsReq, MethodData(padata), body};
  const Bytes from_fields = encode(req).value();
  req.req_body = KdcReqBody{};
  req.req_body.der = der;
  EXPECT_EQ(hex(encode(req).value()), hex(from_fields));
  const KdcReq read = parse_tgs_req(from_fields).value();
  EXPECT_EQ(hex(read.req_body.der), hex(der));
  EXPECT_EQ(read.req_body.etype, EtypeList(etypes));
  EXPECT_EQ(parse_as_req(from_fields).error().code, Errc::kMalformed);
}

TEST(Krb5Messages, QuirkD18_TakesARequestWithoutTill) {
  KdcReqBody body;
  body.realm = "EXAMPLE.TEST";
  const Bytes der = encode(body).value();
  EXPECT_FALSE(parse_kdc_req_body(der).value().till);
}

// D30: gokrb5 sends an empty padata SEQUENCE; it is not the same as none.
TEST(Krb5Messages, QuirkD30_TellsEmptyPadataFromNone) {
  KdcReq req;
  req.padata = MethodData();
  const Bytes empty = encode(req).value();
  req.padata.reset();
  const Bytes none = encode(req).value();
  EXPECT_TRUE(parse_as_req(empty).value().padata->empty());
  EXPECT_FALSE(parse_as_req(none).value().padata);
}

TEST(Krb5Messages, MEM_ParsingAllocatesNothingAndWritingOnce) {
  const Bytes cipher(700, 0x44);
  ApReq req{KerberosFlags{}, a_ticket(), EncryptedData{18, {}, cipher}};
  const Bytes der = encode(req).value();
  {
    const testing::AllocationWatch watch;
    const auto parsed = parse_ap_req(der);
    ASSERT_TRUE(parsed.has_value());
    size_t components = 0;
    for (const KerberosString component : parsed.value().ticket.sname.name_string) {
      components += component.size() != 0;
    }
    EXPECT_EQ(components, 2U);
    EXPECT_EQ(watch.count(), 0U);
  }
  {
    const testing::AllocationWatch watch;
    EXPECT_TRUE(encode(req).has_value());
    EXPECT_EQ(watch.count(), 1U);
  }
  std::array<uint8_t, 256> memory{};
  const Bytes key(32, 0x55);
  Authenticator authenticator;
  authenticator.crealm = "EXAMPLE.TEST";
  authenticator.subkey = EncryptionKey{18, key};
  const testing::AllocationWatch watch;
  EXPECT_TRUE(encode_to(authenticator, memory).has_value());
  EXPECT_EQ(watch.count(), 0U);
}

TEST(Krb5Messages, MEM_1_KeysAreWrittenWhereTheyAreWiped) {
  const std::vector<Bytes> keys = {Bytes(32, 0x5c)};
  Authenticator authenticator;
  const Bytes big(3000, 1);  // so that memory has to be had more than once
  authenticator.cksum = Checksum{0x8003, big};
  authenticator.subkey = EncryptionKey{18, keys[0]};
  const testing::FreedSecrets freed(keys);
  {
    const SecretBytes der = encode_secret(authenticator).value();
    EXPECT_EQ(hex(parse_authenticator(der.view()).value().subkey->keyvalue), hex(keys[0]));
  }
  EXPECT_GE(freed.looked(), 4U);
  EXPECT_EQ(freed.found(), 0U);
}

TEST(Krb5Messages, MEM_3_AFailedAllocationIsAnError) {
  const Ticket ticket = a_ticket();
  const testing::FailingAllocations failing(1);
  EXPECT_EQ(encode(ticket).error().code, Errc::kNoMemory);
}

TEST(Krb5Messages, TellsMessagesByTheirFirstOctet) {
  EXPECT_EQ(message_type(unhex("7e")), MessageType::kKrbError);
  EXPECT_EQ(message_type(unhex("6e")), MessageType::kApReq);
  EXPECT_EQ(message_type(unhex("76")), MessageType::kKrbCred);
  EXPECT_FALSE(message_type(unhex("61")).has_value());
  EXPECT_FALSE(message_type(unhex("30")).has_value());
}

}  // namespace
}  // namespace pocketgss::mechs::krb5
