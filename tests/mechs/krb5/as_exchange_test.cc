// The AS exchange with a KDC of the tests' own, honest and hostile.
#include "mechs/krb5/as_exchange.h"

#include <gtest/gtest.h>

#include <functional>

#include "mechs/krb5/kdc_errors.h"
#include "tests/mechs/krb5/as_exchange_fixture.h"
#include "tests/support/allocations.h"

namespace pocketgss::mechs::krb5 {
namespace {

Bytes info2_of(std::initializer_list<EtypeInfo2Entry> entries) {
  return encode(EtypeInfo2(std::span(entries.begin(), entries.size()))).value();
}

// ---- what goes well

TEST_F(AsExchangeTest, GivesATicketGrantingTicketForEveryEtype) {
  for (const Etype etype : KdcPolicy{}.etypes) {
    only(etype);
    const auto tgt = login();
    ASSERT_TRUE(tgt.has_value()) << describe(tgt.error());
    EXPECT_EQ(principal_text(tgt.value().client.view()), "alice@EXAMPLE.TEST");
    EXPECT_EQ(principal_text(tgt.value().server.view()), "krbtgt/EXAMPLE.TEST@EXAMPLE.TEST");
    EXPECT_EQ(tgt.value().session_key.etype(), etype);
    EXPECT_TRUE(parse_ticket(tgt.value().ticket).has_value());
    EXPECT_EQ(tgt.value().clock_offset, 0);
    EXPECT_TRUE(proof_sent);
  }
}

TEST_F(AsExchangeTest, SendsNothingOfThePasswordFirst) {
  ASSERT_TRUE(login().has_value());
  ASSERT_EQ(sent.size(), 2u);
  const auto first = parse_as_req(sent[0]);
  ASSERT_TRUE(first.has_value());
  EXPECT_FALSE(find(*first.value().padata, padata_type::kEncTimestamp));
  EXPECT_EQ(kdc.timestamps, 1);
}

TEST_F(AsExchangeTest, P10_QuirkD2_OffersAesInItsOrder) {
  policy = KdcPolicy{};
  ASSERT_TRUE(login().has_value());
  std::vector<int32_t> offered;
  const auto req = parse_as_req(sent[0]);
  for (const int32_t etype : req.value().req_body.etype) offered.push_back(etype);
  EXPECT_EQ(offered, (std::vector<int32_t>{18, 17, 20, 19}));
}

TEST_F(AsExchangeTest, P12_NeverAsksToForward) {
  ASSERT_TRUE(login().has_value());
  for (const uint32_t options : kdc.kdc_options) EXPECT_EQ(options, 0u);
}

TEST_F(AsExchangeTest, QuirkD10_NoncesFitInAPositiveInteger) {
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(login().has_value());
  for (const Bytes& request : sent) {
    const auto req = parse_as_req(request);
    EXPECT_GE(req.value().req_body.nonce.on_wire, 0);
    EXPECT_LT(req.value().req_body.nonce.on_wire, int64_t{1} << 31);
  }
}

TEST_F(AsExchangeTest, QuirkD18_AsksForAsLongAsTheRealmAllows) {
  ASSERT_TRUE(login().has_value());
  const auto req = parse_as_req(sent[0]);
  ASSERT_TRUE(req.value().req_body.till.has_value());
  EXPECT_EQ(req.value().req_body.till->seconds, 0);
}

TEST_F(AsExchangeTest, TakesATicketWithoutPreauthentication) {
  kdc.users["alice"].preauth = false;
  kdc.users["alice"].salt = "a salt that only the AS-REP tells";
  ASSERT_TRUE(login().has_value());
  expect_nothing_of_the_password();
}

TEST_F(AsExchangeTest, KeysServeInsteadOfAPassword) {
  const auto etype = Etype::kAes128CtsHmacSha1;
  secret = ClientSecret{};
  secret.keys.push_back(string_to_key(runtime.crypto(), etype, as_bytes("Password1"),
                                      as_bytes("EXAMPLE.TESTalice"), default_iterations(etype))
                            .value());
  policy = KdcPolicy{};
  ASSERT_TRUE(login().has_value());
  const auto req = parse_as_req(sent[0]);
  EXPECT_EQ(req.value().req_body.etype.size(), 1u) << "only what there is a key of";
}

TEST_F(AsExchangeTest, P10_AnNtHashIsOfUseOnlyWhereRc4IsAllowed) {
  if (!known_etype(23)) GTEST_SKIP() << "not built";
  kdc.users["alice"].etypes = {23};
  const Key hash =
      string_to_key(runtime.crypto(), Etype::kRc4Hmac, as_bytes("Password1"), {}, 1).value();
  secret = ClientSecret::of_nt_hash(FixedView<16>(hash.view().data(), 16)).value();
  EXPECT_EQ(refused().code, Errc::kNeedsCredential);
  EXPECT_EQ(kdc.requests, 0);
  policy.etypes.push_back(Etype::kRc4Hmac);
  EXPECT_TRUE(login().has_value());
}

TEST_F(AsExchangeTest, P20_NoPasswordIsNoLogin) {
  secret.password = SecretBytes();
  EXPECT_EQ(refused().code, Errc::kNeedsCredential);
  EXPECT_EQ(kdc.requests, 0);
}

// ---- refusals that a user meets (docs/kerberos.md)

TEST_F(AsExchangeTest, QuirkD25_AWrongPasswordIsToldAsSuch) {
  secret.password = SecretBytes(std::string_view("wrong"));
  const Error error = refused();
  EXPECT_EQ(error.code, Errc::kAuthFailed);
  EXPECT_EQ(error.peer_status, error_code::kPreauthFailed);
  EXPECT_STREQ(error.where, "the password is wrong");
  EXPECT_EQ(kdc.timestamps, 1) << "each attempt counts against the account";
}

TEST_F(AsExchangeTest, QuirkD25_AWrongPasswordWithoutPreauthenticationIsToldAsSuch) {
  kdc.users["alice"].preauth = false;
  secret.password = SecretBytes(std::string_view("wrong"));
  for (const Etype etype : KdcPolicy{}.etypes) {
    only(etype);
    EXPECT_EQ(refused(), (Error{Errc::kAuthFailed,
                                "AS-REP.enc-part does not open: the password is wrong", 0, 0}));
  }
  expect_nothing_of_the_password();
}

TEST_F(AsExchangeTest, QuirkD25_AWrongKeyWithoutPreauthenticationIsToldAsSuch) {
  kdc.users["alice"].preauth = false;
  secret = ClientSecret{};
  secret.keys.push_back(string_to_key(runtime.crypto(), Etype::kAes128CtsHmacSha1,
                                      as_bytes("wrong"), as_bytes("EXAMPLE.TESTalice"), 4096)
                            .value());
  EXPECT_EQ(refused(), (Error{Errc::kAuthFailed,
                              "AS-REP.enc-part does not open: the user's key is wrong", 0, 0}));
}

TEST_F(AsExchangeTest, QuirkD25_RefusesAReplyThatDoesNotOpenThoughTheProofWasTaken) {
  Bytes cipher;
  kdc.twist.rep = [&](KdcRep& rep) {
    cipher = rep.enc_part.cipher.to_bytes();
    cipher.back() ^= 1;
    rep.enc_part.cipher = cipher;
  };
  EXPECT_EQ(
      refused(),
      (Error{Errc::kAuthFailed,
             "AS-REP.enc-part does not open with the key that the KDC took a proof of", 0, 0}));
  EXPECT_EQ(kdc.timestamps, 1);
}

TEST_F(AsExchangeTest, QuirkD25_AnUnknownUserIsToldAsSuch) {
  const Error error = refused(user("nobody"));
  EXPECT_EQ(error.code, Errc::kAuthFailed);
  EXPECT_EQ(error.peer_status, error_code::kCPrincipalUnknown);
}

TEST_F(AsExchangeTest, QuirkD25_AnNtStatusTellsMore) {
  const struct {
    uint32_t status;
    const char* text;
  } cases[] = {
      {0xC0000234, "the account is locked: too many wrong passwords"},
      {0xC0000072, "the account is disabled"},
      {0xC0000193, "the account has expired"},
      {0xC000006F, "the account may not log in at this hour"},
  };
  for (const auto& expected : cases) {
    Bytes ext(12);
    for (size_t i = 0; i < 4; ++i) ext[i] = static_cast<uint8_t>(expected.status >> (8 * i));
    const Bytes by_itself = encode(KerbErrorData{3, ByteView(ext)}).value();
    const PaData in_list{padata_type::kPwSalt, ext};
    const Bytes listed = encode(MethodData(std::span(&in_list, 1))).value();
    for (const Bytes& e_data : {by_itself, listed}) {
      kdc.twist.instead = [&](const KdcReq&) {
        return kdc.krb_error(error_code::kClientRevoked, e_data);
      };
      const Error error = refused();
      EXPECT_EQ(error.code, Errc::kAuthFailed);
      EXPECT_EQ(error.peer_status, error_code::kClientRevoked);
      EXPECT_STREQ(error.where, expected.text);
    }
  }
}

TEST_F(AsExchangeTest, QuirkD25_AnAccountBeforeOrAfterItsTimeIsToldAsSuch) {
  const struct {
    int32_t code;
    const char* text;
  } cases[] = {
      {error_code::kNameExp, "the account has expired"},
      {error_code::kClientNotyet, "the account is not valid yet"},
  };
  for (const auto& expected : cases) {
    kdc.twist.instead = [&](const KdcReq&) { return kdc.krb_error(expected.code); };
    const Error error = refused();
    EXPECT_EQ(error.code, Errc::kAuthFailed);
    EXPECT_EQ(error.peer_status, expected.code);
    EXPECT_STREQ(error.where, expected.text);
  }
}

TEST_F(AsExchangeTest, QuirkD25_EveryErrorThatAUserMeetsHasWords) {
  for (const int32_t code :
       {1, 6, 7, 12, 14, 18, 21, 23, 24, 29, 31, 32, 33, 34, 35, 36, 37, 41, 44, 45, 52, 60, 68}) {
    KrbError error;
    error.error_code = code;
    ASSERT_NE(error_text(code), nullptr) << code;
    EXPECT_STREQ(error_of(error).where, error_text(code));
  }
}

TEST_F(AsExchangeTest, ASilentKdcIsUnreachable) {
  realms.silent = true;
  EXPECT_EQ(refused().code, Errc::kUnreachable);
}

// ---- KRC-1, KRC-2: the reply is that to the request

TEST_F(AsExchangeTest, KRC_1_RefusesATicketOfAnotherNameThanTheEncryptedPartHas) {
  const WireName other("krbtgt/EVIL.TEST", name_type::kSrvInst);
  kdc.twist.rep = [&](KdcRep& rep) { rep.ticket.sname = other.name(); };
  const Error error = refused();
  EXPECT_EQ(error.code, Errc::kPeerMisbehaved);
  EXPECT_STREQ(error.where, "KDC-REP.ticket.sname");
}

TEST_F(AsExchangeTest, KRC_1_RefusesATicketOfAnotherRealmThanTheEncryptedPartHas) {
  kdc.twist.rep = [](KdcRep& rep) { rep.ticket.realm = "EVIL.TEST"; };
  EXPECT_STREQ(refused().where, "KDC-REP.ticket.realm");
}

TEST_F(AsExchangeTest, KRC_1_RefusesAnEncryptedPartOfAnotherServiceThanWasAskedFor) {
  const WireName other("smtp/mail.example.test");
  kdc.twist.rep = [&](KdcRep& rep) { rep.ticket.sname = other.name(); };
  kdc.twist.part = [&](EncKdcRepPart& part) { part.sname = other.name(); };
  EXPECT_STREQ(refused().where, "EncKDCRepPart.sname");
}

TEST_F(AsExchangeTest, KRC_1_RefusesAnEncryptedPartOfAnotherRealmThanWasAsked) {
  kdc.twist.rep = [](KdcRep& rep) { rep.ticket.realm = "EVIL.TEST"; };
  kdc.twist.part = [](EncKdcRepPart& part) { part.srealm = "EVIL.TEST"; };
  EXPECT_STREQ(refused().where, "EncKDCRepPart.srealm");
}

TEST_F(AsExchangeTest, KRC_2_RefusesAnotherNonce) {
  kdc.twist.part = [](EncKdcRepPart& part) { part.nonce = UInt32(part.nonce.bits() ^ 1); };
  EXPECT_STREQ(refused().where, "EncKDCRepPart.nonce");
}

TEST_F(AsExchangeTest, KRC_2_RefusesTheReplyToAnotherRequest) {
  std::optional<Bytes> first;
  kdc.users["alice"].preauth = false;
  kdc.twist.octets = [&](Bytes& reply) {
    if (!first) first = reply;
    reply = *first;
  };
  ASSERT_TRUE(login().has_value());
  EXPECT_STREQ(refused().where, "EncKDCRepPart.nonce");
}

TEST_F(AsExchangeTest, KRC_2_RefusesAnotherClient) {
  const WireName other("mallory");
  kdc.twist.rep = [&](KdcRep& rep) { rep.cname = other.name(); };
  EXPECT_STREQ(refused().where, "AS-REP.cname");
  kdc.twist.rep = [](KdcRep& rep) { rep.crealm = "EVIL.TEST"; };
  EXPECT_STREQ(refused().where, "AS-REP.crealm");
}

TEST_F(AsExchangeTest, KRC_2_RefusesTimesThatMakeNoSense) {
  kdc.twist.part = [](EncKdcRepPart& part) { part.endtime = part.authtime; };
  EXPECT_EQ(refused().code, Errc::kPeerMisbehaved);
  kdc.twist.part = [](EncKdcRepPart& part) {
    part.endtime.seconds = part.authtime.seconds - 86400;
  };
  EXPECT_EQ(refused().code, Errc::kPeerMisbehaved);
  kdc.twist.part = [](EncKdcRepPart& part) {
    part.starttime = KerberosTime{part.authtime.seconds + 3600};
  };
  EXPECT_EQ(refused().code, Errc::kExpired);
}

TEST_F(AsExchangeTest, KRC_2_RefusesATicketThatLastsLongerThanWasAskedFor) {
  policy.ticket_lifetime = kHour;
  ASSERT_TRUE(login().has_value());
  kdc.twist.part = [](EncKdcRepPart& part) { part.endtime.seconds += 1; };
  EXPECT_EQ(refused().code, Errc::kPeerMisbehaved);
}

TEST_F(AsExchangeTest, KRC_2_RefusesFlagsThatWereNotAskedFor) {
  for (const uint32_t flag :
       {ticket_flag::kInvalid, ticket_flag::kPostdated, ticket_flag::kAnonymous}) {
    kdc.twist.part = [flag](EncKdcRepPart& part) { part.flags.bits |= flag; };
    EXPECT_STREQ(refused().where, "EncKDCRepPart.flags");
  }
}

TEST_F(AsExchangeTest, KRC_2_RefusesAnotherKeyUsage) {
  for (const KeyUsage usage :
       {KeyUsage::kTicket, KeyUsage::kTgsRepEncPartSessionKey, KeyUsage::kTgsRepEncPartSubkey}) {
    kdc.twist.usage = usage;
    EXPECT_EQ(refused().code, Errc::kAuthFailed);
  }
}

TEST_F(AsExchangeTest, KRC_2_RefusesATgsRep) {
  kdc.twist.rep = [](KdcRep& rep) { rep.msg_type = MessageType::kTgsRep; };
  EXPECT_STREQ(refused().where, "KDC-REP.msg-type");
}

TEST_F(AsExchangeTest, KRC_2_RefusesARequestThatWasChangedOnItsWay) {
  // What the KDC says that it has seen is not what was sent (RFC 6806 11).
  kdc.twist.part = [](EncKdcRepPart& part) {
    static const Bytes other = encode(Checksum{15, as_bytes("123456789012")}).value();
    static const PaData data{padata_type::kReqEncPaRep, other};
    part.encrypted_pa_data = MethodData(std::span(&data, 1));
  };
  EXPECT_EQ(refused().code, Errc::kAuthFailed);
  kdc.twist.part = [](EncKdcRepPart& part) { part.encrypted_pa_data.reset(); };
  EXPECT_EQ(refused().code, Errc::kPeerMisbehaved);
  kdc.twist.part = nullptr;
  kdc.twist.no_enc_pa_rep = true;  // an old KDC, which does not say
  EXPECT_TRUE(login().has_value());
}

TEST_F(AsExchangeTest, EveryBitOfAReplyThatIsTurnedIsRefusedOrMeansNothing) {
  kdc.users["alice"].preauth = false;
  Bytes honest;
  kdc.twist.octets = [&](Bytes& reply) { honest = reply; };
  const auto as_is = login();
  ASSERT_TRUE(as_is.has_value());
  for (size_t bit = 0; bit < honest.size() * 8; bit += 3) {
    kdc.twist.octets = [bit](Bytes& reply) {
      if (bit / 8 < reply.size()) reply[bit / 8] ^= static_cast<uint8_t>(1 << (bit % 8));
    };
    const auto changed = login();
    if (!changed.has_value()) continue;
    // What nobody protects: the ticket, which the KDC will not take then, and name types.
    EXPECT_TRUE(same_principal(changed.value().client.view(), as_is.value().client.view()));
    EXPECT_TRUE(same_principal(changed.value().server.view(), as_is.value().server.view()));
  }
}

// ---- KRC-3: etypes

TEST_F(AsExchangeTest, KRC_3_NoTimestampForAnEtypeThatWasNotOffered) {
  for (const int32_t etype : {1, 3, 16, 18, 23, 24, -128, -133, 0, INT32_MIN}) {
    kdc.twist.etype_info2 = info2_of({{etype, "salt", std::nullopt}});
    const Error error = refused();
    EXPECT_TRUE(error.code == Errc::kPolicy || error.code == Errc::kPeerIncompatible) << etype;
    EXPECT_EQ(error.code == Errc::kPolicy, etype == 23) << etype;
    expect_nothing_of_the_password();
  }
}

TEST_F(AsExchangeTest, QuirkD1_AnAccountThatHasAKeyOfEtype23AloneIsToldWhatHelps) {
  kdc.twist.etype_info2 = info2_of({{23, std::nullopt, std::nullopt}});
  const Error error = refused();
  EXPECT_EQ(error.code, Errc::kPolicy);
  EXPECT_NE(std::string_view(error.where).find("change of its password"), std::string_view::npos);
  expect_nothing_of_the_password();
}

TEST_F(AsExchangeTest, KRC_3_TheBestOfWhatBothHaveIsTaken) {
  policy = KdcPolicy{};
  kdc.users["alice"].etypes = {17, 18};
  kdc.twist.etype_info2 = info2_of({{23, "x", std::nullopt},
                                    {17, "EXAMPLE.TESTalice", std::nullopt},
                                    {18, "EXAMPLE.TESTalice", std::nullopt}});
  ASSERT_TRUE(login().has_value());
  const auto req = parse_as_req(sent[1]);
  const auto stamp = parse_encrypted_data(*find(*req.value().padata, padata_type::kEncTimestamp));
  EXPECT_EQ(stamp.value().etype, 18);
}

TEST_F(AsExchangeTest, KRC_3_RefusesAReplyOfAnEtypeThatWasNotOffered) {
  kdc.users["alice"].preauth = false;
  for (const int32_t etype : {1, 3, 16, 18, 23, 24, -128, -133, 0, INT32_MIN}) {
    kdc.twist.reply_etype = etype;
    EXPECT_EQ(refused().code, Errc::kPolicy) << etype;
  }
}

TEST_F(AsExchangeTest, KRC_3_RefusesASessionKeyOfAnEtypeThatWasNotOffered) {
  kdc.twist.session_etype = 18;  // only 17 was
  EXPECT_EQ(refused().code, Errc::kPolicy);
}

// ---- KRC-4, P15

TEST_F(AsExchangeTest, KRC_4_P15_APolicyForStrongPreauthenticationSendsNothingWithoutIt) {
  policy.require_strong_preauth = true;
  const Error error = refused();
  EXPECT_EQ(error.code, Errc::kPolicy);
  expect_nothing_of_the_password();
}

TEST_F(AsExchangeTest, KRC_4_SaltsUpToABound) {
  for (const size_t size : {size_t{0}, kMaxSalt}) {
    const std::string salt(size, 's');
    kdc.users["alice"].salt = salt;
    EXPECT_TRUE(login().has_value()) << size;
  }
  kdc.timestamps = 0;
  for (const size_t size : {kMaxSalt + 1, size_t{65536}}) {
    const std::string salt(size, 's');
    kdc.users["alice"].salt = salt;
    EXPECT_EQ(refused().code, Errc::kPolicy) << size;
    expect_nothing_of_the_password();
  }
}

TEST_F(AsExchangeTest, KindsOfPreauthenticationThatWeLackAreSkipped) {
  kdc.preauth_kinds = {padata_type::kSpake, padata_type::kFxFast, padata_type::kEncTimestamp};
  EXPECT_TRUE(login().has_value());
  kdc.preauth_kinds = {padata_type::kPkAsReq};
  const Error error = refused();
  EXPECT_EQ(error.code, Errc::kPeerIncompatible);
  EXPECT_EQ(error.peer_status, error_code::kPreauthRequired);
}

// A KDC that wants FAST is not one that lacks a key of a good etype: to allow RC4 would not help.
TEST_F(AsExchangeTest, KRC_3_WantOfAPreauthenticationIsNotToldAsWantOfAKey) {
  kdc.preauth_kinds = {padata_type::kFxFast, padata_type::kSpake};
  EXPECT_NE(std::string_view(refused().where).find("FAST, SPAKE"), std::string_view::npos);
  kdc.preauth_kinds = {padata_type::kFxFast};
  kdc.twist.no_etype_info2 = true;
  EXPECT_STREQ(refused().where, "METHOD-DATA has no pre-authentication that we know");
}

// ---- KRC-5: iterations

TEST_F(AsExchangeTest, KRC_5_IterationsOutOfBoundsAreRefusedBeforeAnyWork) {
  const auto with = [&](Bytes s2kparams) {
    kdc.twist.etype_info2 = info2_of({{17, "EXAMPLE.TESTalice", ByteView(s2kparams)}});
    const Error error = refused();
    expect_nothing_of_the_password();
    return error.code;
  };
  EXPECT_EQ(with({0, 0, 0, 0}), Errc::kPolicy);  // 2^32
  EXPECT_EQ(with({0xff, 0xff, 0xff, 0xff}), Errc::kPolicy);
  EXPECT_EQ(with({0, 0, 0, 1}), Errc::kPolicy);
  EXPECT_EQ(with({0, 0, 0x0f, 0xff}), Errc::kPolicy);  // 4,095
  EXPECT_EQ(with({0, 0x10, 0, 1}), Errc::kPolicy);     // one more than 1,048,576
  EXPECT_EQ(with({}), Errc::kMalformed);
  EXPECT_EQ(with({0, 0x10, 0}), Errc::kMalformed);
  EXPECT_EQ(with({0, 0, 0x10, 0, 0}), Errc::kMalformed);
}

TEST_F(AsExchangeTest, KRC_5_TheLeastIsThatOfTheEtype) {
  only(Etype::kAes128CtsHmacSha256);
  kdc.twist.etype_info2 =
      info2_of({{19, "EXAMPLE.TESTalice", ByteView(FixedBytes<4>{0, 0, 0x7f, 0xff})}});
  EXPECT_EQ(refused().code, Errc::kPolicy);
}

// ---- salts

TEST_F(AsExchangeTest, QuirkD3_SaltsFromWhateverListThereIs) {
  kdc.users["alice"].salt = "ETYPE-INFO";
  kdc.twist.no_etype_info2 = true;
  kdc.twist.etype_info_salt = "ETYPE-INFO";
  kdc.twist.pw_salt = "not this one";
  EXPECT_TRUE(login().has_value());
  kdc.users["alice"].salt = "PW-SALT";
  kdc.twist.etype_info_salt.reset();
  kdc.twist.pw_salt = "PW-SALT";
  EXPECT_TRUE(login().has_value());
  kdc.twist.pw_salt.reset();
  kdc.users["alice"].salt = "EXAMPLE.TESTalice";
  EXPECT_TRUE(login().has_value());
}

TEST_F(AsExchangeTest, QuirkD3_AnAbsentSaltIsTheDefaultOneAndAnEmptyOneIsEmpty) {
  kdc.twist.etype_info2 = info2_of({{17, std::nullopt, std::nullopt}});
  EXPECT_TRUE(login().has_value());
  kdc.users["alice"].salt = "";
  kdc.twist.etype_info2 = info2_of({{17, KerberosString(""), std::nullopt}});
  EXPECT_TRUE(login().has_value());
}

TEST_F(AsExchangeTest, QuirkD4_OneMoreAttemptWhereTheKdcNamesAnotherKey) {
  int asked = 0;
  kdc.twist.instead = [&](const KdcReq& req) -> std::optional<Bytes> {
    if (find(*req.padata, padata_type::kEncTimestamp) && ++asked == 1) {
      FakeKdc::User other = kdc.users["alice"];
      return kdc.krb_error(error_code::kPreauthRequired, kdc.method_data(other));
    }
    if (asked == 0) {
      FakeKdc::User other = kdc.users["alice"];
      other.salt = "guessed";
      return kdc.krb_error(error_code::kPreauthRequired, kdc.method_data(other));
    }
    return std::nullopt;
  };
  EXPECT_TRUE(login().has_value());
  EXPECT_EQ(kdc.timestamps, 2);
}

TEST_F(AsExchangeTest, QuirkD4_EtypeNosuppWithMethodDataIsFollowedOnce) {
  int asked = 0;
  kdc.twist.instead = [&](const KdcReq&) -> std::optional<Bytes> {
    if (++asked > 1) return std::nullopt;
    return kdc.krb_error(error_code::kEtypeNosupp, kdc.method_data(kdc.users["alice"]));
  };
  EXPECT_TRUE(login().has_value());
}

TEST_F(AsExchangeTest, QuirkD4_TheTicketGrantingServiceIsNamedAsAServiceInstance) {
  ASSERT_TRUE(login().has_value());
  for (const Bytes& request : sent) {
    const auto req = parse_as_req(request);
    EXPECT_EQ(req.value().req_body.sname->name_type, name_type::kSrvInst);
  }
}

TEST_F(AsExchangeTest, QuirkD20_AKdcThatFailsAtPaReqEncPaRepIsAskedWithout) {
  kdc.twist.instead = [&](const KdcReq& req) -> std::optional<Bytes> {
    if (!find(*req.padata, padata_type::kReqEncPaRep)) return std::nullopt;
    return kdc.krb_error(error_code::kPreauthFailed);
  };
  EXPECT_TRUE(login().has_value());
}

// ---- KRC-7: no end

TEST_F(AsExchangeTest, KRC_7_PreauthRequiredForEverEnds) {
  kdc.twist.instead = [&](const KdcReq&) {
    return kdc.krb_error(error_code::kPreauthRequired, kdc.method_data(kdc.users["alice"]));
  };
  const Error error = refused();
  EXPECT_EQ(error.code, Errc::kPeerMisbehaved);
  EXPECT_EQ(kdc.timestamps, 1);
}

TEST_F(AsExchangeTest, KRC_7_AnotherSaltEachTimeEndsToo) {
  int asked = 0;
  kdc.twist.instead = [&](const KdcReq&) {
    FakeKdc::User other = kdc.users["alice"];
    other.salt = std::to_string(++asked);
    return kdc.krb_error(error_code::kPreauthRequired, kdc.method_data(other));
  };
  EXPECT_EQ(refused().code, Errc::kPeerMisbehaved);
  EXPECT_LE(kdc.timestamps, 2);
}

TEST_F(AsExchangeTest, KRC_7_MorePreauthenticationForEverEndsAtSixteenRounds) {
  kdc.twist.instead = [&](const KdcReq&) {
    return kdc.krb_error(error_code::kMorePreauthNeeded, kdc.method_data(kdc.users["alice"]));
  };
  EXPECT_EQ(refused().code, Errc::kPeerMisbehaved);
  EXPECT_EQ(kdc.requests, 16);
}

class AsReferralTest : public AsExchangeTest {
 protected:
  AsReferralTest() {
    realms.add(other);
    kdc.referrals["alice@corp.test"] = "OTHER.TEST";
    other.add_user("alice@corp.test", "Password1").etypes = {17};
    other.users["alice@corp.test"].canonical = "alice";
  }
  const Principal enterprise = user("alice@corp.test", "EXAMPLE.TEST", name_type::kEnterprise);
  FakeKdc other{runtime, "OTHER.TEST"};
};

TEST_F(AsReferralTest, QuirkD7_D9_AnEnterpriseNameIsFollowedToItsRealm) {
  for (const bool old : {false, true}) {
    kdc.old_referrals = old;
    const auto tgt = login(enterprise);
    ASSERT_TRUE(tgt.has_value()) << describe(tgt.error());
    EXPECT_EQ(principal_text(tgt.value().client.view()), "alice@OTHER.TEST");
    EXPECT_EQ(principal_text(tgt.value().server.view()), "krbtgt/OTHER.TEST@OTHER.TEST");
  }
}

TEST_F(AsReferralTest, AnOrdinaryNameIsNot) {
  kdc.referrals["alice"] = "OTHER.TEST";
  const Error error = refused();
  EXPECT_EQ(error.peer_status, error_code::kWrongRealm);
  EXPECT_EQ(other.requests, 0);
}

TEST_F(AsReferralTest, KRC_7_ReferralsInACircleEnd) {
  other.referrals["alice@corp.test"] = "EXAMPLE.TEST";
  const Error error = refused(enterprise);
  EXPECT_EQ(error.code, Errc::kPeerMisbehaved);
  EXPECT_EQ(realms.messages, 2);
}

TEST_F(AsReferralTest, KRC_7_ReferralsWithoutEndStopAtTen) {
  int asked = 0;
  FakeRealms endless;
  AsExchange exchange(runtime, policy, enterprise, secret);
  auto answer = exchange.start();
  while (answer.has_value() && asked < 100) {
    const std::string next = "R" + std::to_string(++asked) + ".TEST";
    answer = exchange.resume({kdc.krb_error(error_code::kWrongRealm, std::nullopt, next)});
  }
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code, Errc::kPeerMisbehaved);
  EXPECT_EQ(asked, 11);
  EXPECT_FALSE(exchange.proof_sent());
}

TEST_F(AsReferralTest, KRC_7_AReferralToWhatIsNoRealmIsRefused) {
  const auto referred_to = [&](const std::string& realm) {
    AsExchange exchange(runtime, policy, enterprise, secret);
    EXPECT_TRUE(exchange.start().has_value());
    return exchange.resume({kdc.krb_error(error_code::kWrongRealm, std::nullopt, realm)});
  };
  for (const std::string& none :
       {std::string(256, 'A'), std::string(100'000, 'A'), std::string("A\0.TEST", 7),
        std::string("A\n.TEST"), std::string("A\x7f.TEST")}) {
    EXPECT_EQ(referred_to(none).error(),
              (Error{Errc::kPeerMisbehaved, "KRB-ERROR.crealm: no name of a realm", 0,
                     error_code::kWrongRealm}));
  }
  for (const std::string& realm :
       {std::string(255, 'A'), std::string("O=ACME/C=AQ"), std::string("NAME:b\xc3\xbc")})
    EXPECT_TRUE(referred_to(realm).has_value()) << realm;
}

TEST_F(AsReferralTest, KRC_7_NoReferralAfterAProof) {
  kdc.referrals.clear();
  kdc.add_user("alice@corp.test", "Password1").etypes = {17};
  kdc.twist.instead = [&](const KdcReq& req) -> std::optional<Bytes> {
    if (!find(*req.padata, padata_type::kEncTimestamp)) return std::nullopt;
    return kdc.krb_error(error_code::kWrongRealm, std::nullopt, "OTHER.TEST");
  };
  EXPECT_EQ(refused(enterprise).code, Errc::kPeerMisbehaved);
  EXPECT_EQ(other.requests, 0);
}

// ---- KRC-9, KRC-10: sizes and text

TEST_F(AsExchangeTest, KRC_9_TooBigForADatagramAsksForTcpOnce) {
  int asked = 0;
  kdc.twist.instead = [&](const KdcReq&) -> std::optional<Bytes> {
    if (++asked > 1) return std::nullopt;
    return kdc.krb_error(error_code::kResponseTooBig);
  };
  ASSERT_TRUE(login().has_value());
  EXPECT_EQ(by_stream, (std::vector<bool>{false, true, true}));
  EXPECT_EQ(sent[0], sent[1]) << "the same request again";

  kdc.twist.instead = [&](const KdcReq&) { return kdc.krb_error(error_code::kResponseTooBig); };
  const Error error = refused();
  EXPECT_EQ(error.code, Errc::kPeerMisbehaved);
  EXPECT_EQ(error.peer_status, error_code::kResponseTooBig);
}

TEST_F(AsExchangeTest, KRC_9_ALargeReplyIsRefusedUnread) {
  kdc.twist.octets = [](Bytes& reply) { reply.resize(kMaxKdcReply + 1); };
  EXPECT_EQ(refused().code, Errc::kPeerMisbehaved);
}

TEST_F(AsExchangeTest, KRC_10_NothingOfAnErrorsTextIsShown) {
  const std::string hostile = std::string("\r\n\x1b[2J\0", 7) + std::string(65536, 'x');
  kdc.twist.error = [&](KrbError& error) { error.e_text = hostile; };
  kdc.twist.instead = [&](const KdcReq&) {
    return kdc.krb_error(error_code::kGeneric, Bytes(100, 0xff));
  };
  const Error error = refused();
  EXPECT_EQ(error.peer_status, error_code::kGeneric);
  for (const char c : describe(error)) EXPECT_TRUE(c >= ' ' && c <= '~');
  EXPECT_EQ(describe(error).find("xx"), std::string::npos);
}

TEST_F(AsExchangeTest, KRC_10_EDataThatIsNoMethodDataEndsTheExchange) {
  kdc.twist.instead = [&](const KdcReq&) {
    return kdc.krb_error(error_code::kPreauthRequired, Bytes{0x30, 0x80, 1, 2, 3});
  };
  EXPECT_EQ(refused().code, Errc::kPeerMisbehaved);
  kdc.twist.instead = [&](const KdcReq&) { return kdc.krb_error(error_code::kPreauthRequired); };
  EXPECT_EQ(refused().code, Errc::kPeerMisbehaved);
  expect_nothing_of_the_password();
}

// ---- the machine

TEST_F(AsExchangeTest, AfterAnErrorEveryCallGivesThatError) {
  AsExchange exchange(runtime, policy, user("nobody"), secret);
  const auto result = run(exchange);
  ASSERT_FALSE(result.has_value());
  const auto again = exchange.resume({Bytes{}});
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error(), result.error());
  EXPECT_EQ(exchange.start().error(), result.error());
}

TEST_F(AsExchangeTest, CallsOutOfTurnChangeNothing) {
  AsExchange exchange(runtime, policy, user("alice"), secret);
  EXPECT_EQ(exchange.resume({Bytes{}}).error().code, Errc::kApiMisuse);
  EXPECT_TRUE(run(exchange).has_value());
  EXPECT_EQ(exchange.start().error().code, Errc::kApiMisuse);
  EXPECT_EQ(exchange.resume({Bytes{}}).error().code, Errc::kApiMisuse);
}

TEST_F(AsExchangeTest, EveryProperPrefixOfAReplyIsRefused) {
  kdc.users["alice"].preauth = false;
  for (size_t size = 0; size < 600; size += 7) {
    bool cut = false;
    kdc.twist.octets = [&](Bytes& reply) {
      cut = size < reply.size();
      if (cut) reply.resize(size);
    };
    const auto result = login();
    EXPECT_NE(result.has_value(), cut) << size;
    if (!cut) continue;
    EXPECT_EQ(result.error().code, Errc::kMalformed) << size;
  }
}

TEST_F(AsExchangeTest, MEM_1_KeysAreWipedWhateverTheEnd) {
  const Etype etype = Etype::kAes128CtsHmacSha1;
  const Key key = string_to_key(runtime.crypto(), etype, as_bytes("Password1"),
                                as_bytes("EXAMPLE.TESTalice"), default_iterations(etype))
                      .value();
  const std::vector<Bytes> secrets = {key.view().to_bytes(), as_bytes("Password1").to_bytes()};
  for (const bool honest : {true, false}) {
    if (!honest)
      kdc.twist.part = [](EncKdcRepPart& part) { part.nonce = UInt32(part.nonce.bits() ^ 1); };
    testing::FreedSecrets watch(secrets);
    {
      AsExchange exchange(runtime, policy, user("alice"), secret);
      EXPECT_EQ(run(exchange).has_value(), honest);
    }
    EXPECT_EQ(watch.found(), 0u);
  }
}

}  // namespace
}  // namespace pocketgss::mechs::krb5
