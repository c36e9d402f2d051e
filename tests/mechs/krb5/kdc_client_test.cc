// The TGS exchange, and both exchanges in a row, with KDCs of the tests' own.
#include "mechs/krb5/kdc_client.h"

#include <gtest/gtest.h>

#include "mechs/krb5/names.h"
#include "mechs/krb5/times.h"
#include "tests/fakes/fake_kdc.h"
#include "tests/support/allocations.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fixed_random.h"

namespace pocketgss::mechs::krb5 {
namespace {

using testing::CountingRandom;
using testing::FakeClock;
using testing::FakeKdc;
using testing::FakeRealms;
using testing::WireName;

constexpr UnixMicros kHour = 3600 * kSecond;

class KdcClientTest : public ::testing::Test {
 protected:
  KdcClientTest() {
    realms.add(kdc);
    kdc.add_user("alice", "Password1").etypes = {17};
    kdc.add_user("bob", "Password2").etypes = {17};
    kdc.add_service("smtp/mail.example.test");
    secret.password = SecretBytes(std::string_view("Password1"));
    config.clients = client_names("alice", "EXAMPLE.TEST").value();
    config.services = service_names("smtp", "mail.example.test", "").value();
    config.secret = &secret;
    config.policy.etypes = {Etype::kAes128CtsHmacSha1, Etype::kAes256CtsHmacSha1};
  }

  // run gives a copy of the credential.
  Result<ServiceCredential> run() {
    auto source = make_kdc_client(runtime, config);
    if (!source.has_value()) return source.error();
    auto answer = source.value()->start();
    for (;;) {
      proof_sent = source.value()->proof_sent();
      if (!answer.has_value()) {
        EXPECT_EQ(source.value()->resume({}).error(), answer.error()) << "it stays refused";
        return answer.error();
      }
      if (auto* done = std::get_if<const ServiceCredential*>(&answer.value())) return clone(**done);
      const auto& need = std::get<NeedExchange>(answer.value());
      answer = source.value()->resume({realms.carry(need.realm, need.request)});
    }
  }
  Error refused() {
    const auto result = run();
    if (result.has_value()) {
      ADD_FAILURE() << "a ticket was taken";
      return {};
    }
    return result.error();
  }
  // in_tgs applies a twist to TGS-REPs only.
  void in_tgs(std::function<void(KdcRep&)> rep, std::function<void(EncKdcRepPart&)> part = {}) {
    kdc.twist.rep = [rep](KdcRep& out) {
      if (rep && out.msg_type == MessageType::kTgsRep) rep(out);
    };
    kdc.twist.part = [part](EncKdcRepPart& out) {
      if (part && out.of == MessageType::kTgsRep) part(out);
    };
  }
  // carried is the KDC's answer, in memory of its own.
  ExchangeAnswer carried(const NeedExchange& need) {
    const testing::OthersAllocations of_the_kdc;
    return {realms.carry(need.realm, need.request)};
  }
  static std::string name(const Principal& principal) { return principal_text(principal.view()); }

  FakeClock clock{KdcPolicy{}.clock_floor + 24 * kHour};
  CountingRandom random;
  Runtime runtime = Runtime::create(clock, random).value();
  FakeKdc kdc{runtime, "EXAMPLE.TEST"};
  FakeRealms realms;
  ClientSecret secret;
  KdcClientConfig config;
  bool proof_sent = false;
};

TEST_F(KdcClientTest, FromAPasswordToTheTicketOfAService) {
  const auto ticket = run();
  ASSERT_TRUE(ticket.has_value()) << describe(ticket.error());
  EXPECT_EQ(name(ticket.value().client), "alice@EXAMPLE.TEST");
  EXPECT_EQ(name(ticket.value().server), "smtp/mail.example.test@EXAMPLE.TEST");
  EXPECT_EQ(realms.messages, 3);
  EXPECT_TRUE(proof_sent);

  // The service can read the ticket, and it holds the key that we have.
  const auto der = parse_ticket(ticket.value().ticket);
  Bytes plain(der.value().enc_part.cipher.size());
  const auto size = decrypt(runtime.crypto(), kdc.services.at("smtp/mail.example.test"),
                            KeyUsage::kTicket, der.value().enc_part.cipher, plain);
  ASSERT_TRUE(size.has_value());
  const auto part = parse_enc_ticket_part(ByteView(plain).prefix(size.value()));
  EXPECT_TRUE(ct_equal(part.value().key.keyvalue, ticket.value().session_key.view()));
}

TEST_F(KdcClientTest, WithoutServicesTheResultIsTheTicketGrantingTicket) {
  config.services.clear();
  const auto ticket = run();
  ASSERT_TRUE(ticket.has_value());
  EXPECT_EQ(name(ticket.value().server), "krbtgt/EXAMPLE.TEST@EXAMPLE.TEST");
}

TEST_F(KdcClientTest, P12_TgsRequestsNeverAskToForward) {
  ASSERT_TRUE(run().has_value());
  ASSERT_EQ(kdc.kdc_options.size(), 3u);
  EXPECT_EQ(kdc.kdc_options[2], kdc_option::kCanonicalize);
}

// ---- names

TEST_F(KdcClientTest, QuirkA21_SmtpSvcWhereSmtpIsNotKnown) {
  kdc.services.clear();
  kdc.add_service("SMTPSVC/mail.example.test");
  const auto ticket = run();
  ASSERT_TRUE(ticket.has_value());
  EXPECT_EQ(name(ticket.value().server), "SMTPSVC/mail.example.test@EXAMPLE.TEST");
  EXPECT_EQ(kdc.asked,
            (std::vector<std::string>{"smtp/mail.example.test", "SMTPSVC/mail.example.test"}));
}

TEST_F(KdcClientTest, QuirkA21_NoOtherErrorMakesItTryAgain) {
  for (const int32_t code : {error_code::kEtypeNosupp, error_code::kPolicy, error_code::kSkew,
                             error_code::kGeneric, error_code::kSvcUnavailable}) {
    kdc.asked.clear();
    kdc.twist.instead = [&](const KdcReq& req) -> std::optional<Bytes> {
      if (req.msg_type == MessageType::kAsReq) return std::nullopt;
      return kdc.krb_error(code);
    };
    EXPECT_EQ(refused().peer_status, code);
    EXPECT_EQ(kdc.asked.size(), 1u);
  }
}

TEST_F(KdcClientTest, AnUnknownServiceIsToldAsSuch) {
  kdc.services.clear();
  const Error error = refused();
  EXPECT_EQ(error.code, Errc::kPeerIncompatible);
  EXPECT_EQ(error.peer_status, error_code::kSPrincipalUnknown);
  EXPECT_STREQ(error.where, "the service is not known to the realm");
  EXPECT_EQ(kdc.asked.size(), 2u);
}

TEST_F(KdcClientTest, QuirkD9_APlainNameBeforeTheEnterpriseNameWhereTheSuffixIsTheRealm) {
  config.clients = client_names("alice@example.test", "").value();
  const auto ticket = run();
  ASSERT_TRUE(ticket.has_value()) << describe(ticket.error());
  EXPECT_EQ(name(ticket.value().client), "alice@EXAMPLE.TEST");

  config.clients = client_names("upn@example.test", "EXAMPLE.TEST").value();
  kdc.add_user("upn@example.test", "Password1").etypes = {17};
  kdc.users["upn@example.test"].canonical = "alice";
  const auto second = run();
  ASSERT_TRUE(second.has_value()) << describe(second.error());
  EXPECT_EQ(name(second.value().client), "alice@EXAMPLE.TEST");
}

// An Active Directory has no realm of the name of a further suffix, and says whose the user is.
TEST_F(KdcClientTest, QuirkD7_QuirkD9_TheEnterpriseNameIsTriedWhereThePlainOneIsOfAnotherRealm) {
  FakeKdc upn{runtime, "UPN.TEST"};  // what answers to the name of the suffix
  realms.add(upn);
  upn.referrals["alice"] = "EXAMPLE.TEST";
  upn.referrals["alice@upn.test"] = "EXAMPLE.TEST";
  kdc.add_user("alice@upn.test", "Password1").etypes = {17};
  kdc.users["alice@upn.test"].canonical = "alice";
  config.clients = client_names("alice@upn.test", "").value();
  const auto ticket = run();
  ASSERT_TRUE(ticket.has_value()) << describe(ticket.error());
  EXPECT_EQ(name(ticket.value().client), "alice@EXAMPLE.TEST");
  EXPECT_EQ(realms.carried.front(), "UPN.TEST");

  config.clients = client_names("alice", "UPN.TEST").value();
  EXPECT_EQ(refused().peer_status, error_code::kWrongRealm) << "there is no further name";
}

TEST_F(KdcClientTest, QuirkD9_P8_NoFurtherNameIsTriedAfterAProof) {
  config.clients = client_names("alice@example.test", "").value();
  for (const int32_t code : {error_code::kWrongRealm, error_code::kCPrincipalUnknown}) {
    kdc.requests = 0;
    kdc.twist.instead = [&](const KdcReq& req) -> std::optional<Bytes> {
      if (!find(*req.padata, padata_type::kEncTimestamp)) return std::nullopt;
      return kdc.krb_error(code);
    };
    EXPECT_EQ(refused().peer_status, code);
    EXPECT_EQ(kdc.requests, 2);
  }
}

TEST(KdcNames, QuirkD9_WhatAUserNameMayMean) {
  const auto texts = [](std::string_view user, std::string_view realm) {
    std::string out;
    const auto names = client_names(user, realm);
    if (!names.has_value()) return std::string("refused");
    for (const Principal& principal : names.value()) {
      if (!out.empty()) out += " ";
      out += principal_text(principal.view());
      if (principal.view().name_type == name_type::kEnterprise) out += "(E)";
    }
    return out;
  };
  EXPECT_EQ(texts("alice", "R.TEST"), "alice@R.TEST");
  EXPECT_EQ(texts("alice@r.test", ""), "alice@R.TEST alice\\@r.test@R.TEST(E)");
  EXPECT_EQ(texts("alice@r.test", "R.TEST"), "alice@R.TEST alice\\@r.test@R.TEST(E)");
  EXPECT_EQ(texts("alice@corp.test", "R.TEST"), "alice\\@corp.test@R.TEST(E)");
  EXPECT_EQ(texts("host/mail.r.test@R.TEST", ""), "host/mail.r.test@R.TEST");
  EXPECT_EQ(texts("alice", ""), "refused");
  EXPECT_EQ(texts("", "R.TEST"), "refused");
  EXPECT_EQ(texts("@R.TEST", ""), "refused");
}

TEST(KdcNames, KRC_8_P13_QuirkD24_TheServiceIsNamedAsItWasConfigured) {
  const auto names = service_names("smtp", "Mail.Example.TEST.", "R.TEST").value();
  ASSERT_EQ(names.size(), 2u);
  EXPECT_EQ(principal_text(names[0].view()), "smtp/mail.example.test@R.TEST");
  EXPECT_EQ(principal_text(names[1].view()), "SMTPSVC/mail.example.test@R.TEST");
  EXPECT_EQ(service_names("imap", "h", "").value().size(), 1u);
}

TEST(KdcNames, AnIpAddressHasNoServices) {
  for (const char* host : {"192.0.2.1", "2001:db8::1", "[2001:db8::1]", "::1", "10.1"}) {
    const auto names = service_names("smtp", host, "");
    ASSERT_FALSE(names.has_value()) << host;
    EXPECT_EQ(names.error().code, Errc::kPeerIncompatible);
  }
  EXPECT_TRUE(service_names("smtp", "mail1.example.test", "").has_value());
  EXPECT_EQ(service_names("smtp", "", "").error().code, Errc::kApiMisuse);
  EXPECT_EQ(service_names("smtp", std::string(256, 'a'), "").error().code, Errc::kApiMisuse);
}

// ---- KRC-1, KRC-2: the reply is that to the request

TEST_F(KdcClientTest, KRC_1_RefusesATicketOfAnotherNameThanTheEncryptedPartHas) {
  const WireName other("smtp/evil.test");
  in_tgs([&](KdcRep& rep) { rep.ticket.sname = other.name(); });
  EXPECT_STREQ(refused().where, "KDC-REP.ticket.sname");
}

TEST_F(KdcClientTest, KRC_1_RefusesAnEncryptedPartOfAnotherServiceThanWasAskedFor) {
  const WireName other("smtp/evil.test");
  in_tgs([&](KdcRep& rep) { rep.ticket.sname = other.name(); },
         [&](EncKdcRepPart& part) { part.sname = other.name(); });
  EXPECT_STREQ(refused().where, "EncKDCRepPart.sname");
}

TEST_F(KdcClientTest, KRC_1_RefusesAnotherRealm) {
  in_tgs([](KdcRep& rep) { rep.ticket.realm = "EVIL.TEST"; });
  EXPECT_STREQ(refused().where, "KDC-REP.ticket.realm");
  in_tgs([](KdcRep& rep) { rep.ticket.realm = "EVIL.TEST"; },
         [](EncKdcRepPart& part) { part.srealm = "EVIL.TEST"; });
  EXPECT_STREQ(refused().where, "EncKDCRepPart.srealm");
}

TEST_F(KdcClientTest, KRC_2_RefusesAnotherNonceAndAnotherClient) {
  in_tgs({}, [](EncKdcRepPart& part) { part.nonce = UInt32(part.nonce.bits() ^ 1); });
  EXPECT_STREQ(refused().where, "EncKDCRepPart.nonce");
  const WireName other("mallory");
  in_tgs([&](KdcRep& rep) { rep.cname = other.name(); });
  EXPECT_STREQ(refused().where, "TGS-REP.cname or crealm");
  in_tgs([](KdcRep& rep) { rep.crealm = "EVIL.TEST"; });
  EXPECT_STREQ(refused().where, "TGS-REP.cname or crealm");
}

TEST_F(KdcClientTest, KRC_2_RefusesTimesFlagsAndEtypesThatWereNotAskedFor) {
  in_tgs({}, [](EncKdcRepPart& part) { part.endtime = part.authtime; });
  EXPECT_EQ(refused().code, Errc::kPeerMisbehaved);
  in_tgs({}, [](EncKdcRepPart& part) { part.flags.bits |= ticket_flag::kInvalid; });
  EXPECT_STREQ(refused().where, "EncKDCRepPart.flags");
  in_tgs({}, [](EncKdcRepPart& part) { part.key.keytype = 23; });
  EXPECT_EQ(refused().code, Errc::kPolicy);
}

TEST_F(KdcClientTest, KRC_2_RefusesAnAsRepForATgsReq) {
  in_tgs([](KdcRep& rep) { rep.msg_type = MessageType::kAsRep; });
  EXPECT_STREQ(refused().where, "KDC-REP.msg-type");
}

TEST_F(KdcClientTest, KRC_2_RefusesOtherKeyUsages) {
  config.services.clear();
  TicketCache cache;
  config.cache = &cache;
  ASSERT_TRUE(run().has_value());
  config.services = service_names("imap", "mail.example.test", "").value();
  kdc.add_service("imap/mail.example.test");
  FixedBytes<7> apart;  // CountingRandom begins again after 256 octets: no two keys may do so alike
  ASSERT_TRUE(random.fill(apart).has_value());
  for (const KeyUsage usage : {KeyUsage::kAsRepEncPart, KeyUsage::kTicket,
                               KeyUsage::kTgsRepEncPartSessionKey, KeyUsage::kApRepEncPart}) {
    kdc.twist.usage = usage;  // with the sub-key of etype 17
    EXPECT_EQ(refused().code, Errc::kAuthFailed);
  }
}

TEST_F(KdcClientTest, QuirkD11_TheSessionKeyIsTakenTooWithItsOwnUsage) {
  kdc.twist.tgs_session_key = true;
  EXPECT_TRUE(run().has_value());
  kdc.twist.usage = KeyUsage::kAsRepEncPart;
  EXPECT_TRUE(refused().code == Errc::kAuthFailed);
}

TEST_F(KdcClientTest, QuirkD11_TheSubkeyOfEtype23IsTakenWithTheSessionKeysUsage) {
  if (!known_etype(23)) GTEST_SKIP() << "not built";
  config.policy.etypes = {Etype::kRc4Hmac};
  kdc.users["alice"].etypes = {23};
  kdc.twist.usage = KeyUsage::kTgsRepEncPartSessionKey;  // of an AS-REP it is the same (RFC 4757 3)
  EXPECT_TRUE(run().has_value());
}

TEST_F(KdcClientTest, QuirkD12_TheChecksumOfARequestIsKeyedUnderEtype23Too) {
  if (!known_etype(23)) GTEST_SKIP() << "not built";
  config.policy.etypes = {Etype::kRc4Hmac};
  kdc.users["alice"].etypes = {23};
  EXPECT_TRUE(run().has_value()) << "the KDC takes no other checksum than the key's own";
}

TEST_F(KdcClientTest, QuirkD1_AesIsOfferedWithATicketGrantingTicketOfEtype23Too) {
  if (!known_etype(23)) GTEST_SKIP() << "not built";
  config.policy.etypes.push_back(Etype::kRc4Hmac);
  kdc.twist.session_etype = 23;
  std::vector<int32_t> offered;
  kdc.twist.instead = [&](const KdcReq& req) -> std::optional<Bytes> {
    if (req.msg_type == MessageType::kAsReq) return std::nullopt;
    kdc.twist.session_etype.reset();
    for (const int32_t etype : req.req_body.etype) offered.push_back(etype);
    return std::nullopt;
  };
  const auto ticket = run();
  ASSERT_TRUE(ticket.has_value()) << describe(ticket.error());
  EXPECT_EQ(offered, (std::vector<int32_t>{17, 18, 23}));
  EXPECT_EQ(ticket.value().session_key.etype(), Etype::kAes128CtsHmacSha1);
}

TEST_F(KdcClientTest, KRC_2_RefusesTheReplyToAnotherTgsReq) {
  std::optional<Bytes> first;
  kdc.twist.octets = [&](Bytes& reply) {
    if (message_type(reply) != MessageType::kTgsRep) return;
    if (!first) first = reply;
    reply = *first;
  };
  ASSERT_TRUE(run().has_value());
  EXPECT_EQ(refused().code, Errc::kAuthFailed) << "each request has a sub-key of its own";
}

// ---- realms

class TwoRealmsTest : public KdcClientTest {
 protected:
  TwoRealmsTest() {
    realms.add(middle);
    realms.add(far);
    kdc.trust(middle);
    middle.trust(far);
    kdc.services.clear();
    kdc.referrals["smtp/mail.example.test"] = "MIDDLE.TEST";
    middle.referrals["smtp/mail.example.test"] = "FAR.TEST";
    far.add_service("smtp/mail.example.test");
  }
  FakeKdc middle{runtime, "MIDDLE.TEST"};
  FakeKdc far{runtime, "FAR.TEST"};
};

TEST_F(TwoRealmsTest, ReferralsLeadToTheServicesRealm) {
  const auto ticket = run();
  ASSERT_TRUE(ticket.has_value()) << describe(ticket.error());
  EXPECT_EQ(name(ticket.value().server), "smtp/mail.example.test@FAR.TEST");
  EXPECT_EQ(name(ticket.value().client), "alice@EXAMPLE.TEST");
  EXPECT_EQ(realms.carried, (std::vector<std::string>{"EXAMPLE.TEST", "EXAMPLE.TEST",
                                                      "EXAMPLE.TEST", "MIDDLE.TEST", "FAR.TEST"}));
}

TEST_F(TwoRealmsTest, AServiceOfAKnownRealmIsAskedForThere) {
  config.services = service_names("smtp", "mail.example.test", "FAR.TEST").value();
  kdc.referrals["krbtgt/FAR.TEST"] = "MIDDLE.TEST";  // the nearest that it knows
  const auto ticket = run();
  ASSERT_TRUE(ticket.has_value()) << describe(ticket.error());
  EXPECT_EQ(name(ticket.value().server), "smtp/mail.example.test@FAR.TEST");
}

TEST_F(TwoRealmsTest, QuirkD5_TheOffsetGoesOnToTheTgs) {
  for (FakeKdc* each : {&kdc, &middle, &far}) each->clock_ahead = -3 * kHour;
  const auto ticket = run();
  ASSERT_TRUE(ticket.has_value()) << describe(ticket.error());
  EXPECT_EQ(ticket.value().clock_offset, -3 * kHour);
}

TEST_F(TwoRealmsTest, KRC_7_ReferralsInACircleEnd) {
  middle.trust(kdc);
  middle.referrals["smtp/mail.example.test"] = "EXAMPLE.TEST";
  const Error error = refused();
  EXPECT_EQ(error.code, Errc::kPeerMisbehaved);
  EXPECT_EQ(realms.messages, 4);
}

TEST_F(TwoRealmsTest, KRC_7_AChainOfAHundredRealmsStopsAtTen) {
  std::deque<FakeKdc> chain;
  FakeKdc* last = &far;
  far.services.clear();
  for (int i = 0; i < 100; ++i) {
    FakeKdc& next = chain.emplace_back(runtime, "R" + std::to_string(i) + ".TEST");
    realms.add(next);
    last->trust(next);
    last->referrals["smtp/mail.example.test"] = next.realm();
    last = &next;
  }
  const Error error = refused();
  EXPECT_EQ(error.code, Errc::kPeerMisbehaved);
  EXPECT_EQ(realms.messages, 2 + 11);
}

// The new ticket-granting ticket would be that of the own realm, which was taken.
TEST_F(TwoRealmsTest, WhatAFurtherRealmRefusesIsNoReasonForANewLogin) {
  TicketCache cache;
  config.cache = &cache;
  const auto services = std::exchange(config.services, {});
  ASSERT_TRUE(run().has_value());
  config.services = services;
  middle.twist.instead = [&](const KdcReq&) {
    return std::optional<Bytes>(middle.krb_error(error_code::kModified));
  };
  EXPECT_EQ(refused().peer_status, error_code::kModified);
  EXPECT_FALSE(proof_sent);
}

TEST_F(TwoRealmsTest, KRC_7_AReferralToWhatIsNoRealmIsRefused) {
  for (const auto& [realm, taken] :
       {std::pair(std::string(256, 'A'), false), std::pair(std::string("A\n.TEST"), false),
        std::pair(std::string(255, 'A'), true)}) {
    FakeKdc named{runtime, realm};
    realms.add(named);
    kdc.trust(named);
    kdc.referrals["smtp/mail.example.test"] = realm;
    named.add_service("smtp/mail.example.test");
    const auto ticket = run();
    EXPECT_EQ(ticket.has_value(), taken);
    if (!taken) {
      EXPECT_EQ(ticket.error(),
                (Error{Errc::kPeerMisbehaved, "EncKDCRepPart.sname: no name of a realm", 0, 0}));
    }
  }
}

TEST_F(TwoRealmsTest, KRC_1_AReferralByARealmThatSpeaksForAnotherIsRefused) {
  in_tgs([](KdcRep& rep) { rep.ticket.realm = "FAR.TEST"; },
         [](EncKdcRepPart& part) { part.srealm = "FAR.TEST"; });
  EXPECT_STREQ(refused().where, "EncKDCRepPart.srealm");
}

TEST_F(KdcClientTest, QuirkD8_ATicketForTheOwnKdcMakesItAskWithoutCanonicalisation) {
  const WireName own("krbtgt/EXAMPLE.TEST", name_type::kSrvInst);
  const auto canonical = [&] { return (kdc.kdc_options.back() & kdc_option::kCanonicalize) != 0; };
  in_tgs(
      [&](KdcRep& rep) {
        if (canonical()) rep.ticket.sname = own.name();
      },
      [&](EncKdcRepPart& part) {
        if (canonical()) part.sname = own.name();
      });
  const auto ticket = run();
  ASSERT_TRUE(ticket.has_value()) << describe(ticket.error());
  EXPECT_EQ(name(ticket.value().server), "smtp/mail.example.test@EXAMPLE.TEST");
  EXPECT_EQ(kdc.asked.size(), 2u);
}

TEST_F(KdcClientTest, KRC_9_TooBigForADatagramAsksForTcp) {
  int tgs = 0;
  kdc.twist.instead = [&](const KdcReq& req) -> std::optional<Bytes> {
    if (req.msg_type == MessageType::kAsReq || ++tgs > 1) return std::nullopt;
    return kdc.krb_error(error_code::kResponseTooBig);
  };
  EXPECT_TRUE(run().has_value());
  EXPECT_EQ(tgs, 2);
  kdc.twist.instead = [&](const KdcReq& req) -> std::optional<Bytes> {
    if (req.msg_type == MessageType::kAsReq) return std::nullopt;
    return kdc.krb_error(error_code::kResponseTooBig);
  };
  EXPECT_EQ(refused().code, Errc::kPeerMisbehaved);
}

TEST_F(KdcClientTest, KRC_11_NeitherS4uNorUserToUserIsEverAskedFor) {
  std::vector<int32_t> padata;
  kdc.twist.instead = [&](const KdcReq& req) -> std::optional<Bytes> {
    if (req.padata) {
      for (const PaData& each : *req.padata) padata.push_back(each.padata_type);
    }
    EXPECT_FALSE(req.req_body.additional_tickets.has_value());
    EXPECT_FALSE(req.req_body.enc_authorization_data.has_value());
    return std::nullopt;
  };
  ASSERT_TRUE(run().has_value());
  for (const int32_t type : padata) {
    EXPECT_TRUE(type == padata_type::kTgsReq || type == padata_type::kEncTimestamp ||
                type == padata_type::kReqEncPaRep || type == padata_type::kPacRequest)
        << type;
  }
}

// ---- the cache

class CacheTest : public KdcClientTest {
 protected:
  CacheTest() { config.cache = &cache; }
  TicketCache cache;
};

TEST_F(CacheTest, ASecondLoginNeedsNoKdc) {
  ASSERT_TRUE(run().has_value());
  EXPECT_EQ(realms.messages, 3);
  config.secret = nullptr;
  ASSERT_TRUE(run().has_value());
  EXPECT_EQ(realms.messages, 3);
  EXPECT_FALSE(proof_sent);
}

TEST_F(CacheTest, ATicketGrantingTicketServesForOtherServices) {
  kdc.add_service("imap/mail.example.test");
  ASSERT_TRUE(run().has_value());
  config.services = service_names("imap", "mail.example.test", "").value();
  config.secret = nullptr;
  ASSERT_TRUE(run().has_value());
  EXPECT_EQ(realms.messages, 4);
}

TEST_F(CacheTest, QuirkD21_NobodyGetsAnotherUsersTicket) {
  ASSERT_TRUE(run().has_value());
  config.clients = client_names("bob", "EXAMPLE.TEST").value();
  config.secret = nullptr;
  EXPECT_EQ(refused().code, Errc::kNeedsCredential);
  ClientSecret other;
  other.password = SecretBytes(std::string_view("Password2"));
  config.secret = &other;
  const auto ticket = run();
  ASSERT_TRUE(ticket.has_value());
  EXPECT_EQ(name(ticket.value().client), "bob@EXAMPLE.TEST");
}

TEST_F(CacheTest, ATicketThatHasEndedIsNotUsed) {
  ASSERT_TRUE(run().has_value());
  clock.advance(11 * kHour);
  ASSERT_TRUE(run().has_value());
  EXPECT_EQ(realms.messages, 6);
  config.secret = nullptr;
  clock.advance(11 * kHour);
  const Error error = refused();
  EXPECT_EQ(error.code, Errc::kNeedsCredential);
  EXPECT_STREQ(error.where, "there is no valid ticket, and no password to get one");
}

TEST_F(CacheTest, P16_TheOffsetIsRememberedWithTheTicket) {
  kdc.clock_ahead = 20 * kHour;
  ASSERT_TRUE(run().has_value());
  const auto again = run();
  ASSERT_TRUE(again.has_value()) << "by our clock it is not valid yet";
  EXPECT_EQ(again.value().clock_offset, 20 * kHour);
  EXPECT_EQ(realms.messages, 3);
}

TEST_F(CacheTest, ATicketGrantingTicketThatTheKdcNoLongerTakesIsReplacedOnce) {
  config.services.clear();
  ASSERT_TRUE(run().has_value());
  config.services = service_names("smtp", "mail.example.test", "").value();
  int refusals = 0;
  kdc.twist.instead = [&](const KdcReq& req) -> std::optional<Bytes> {
    if (req.msg_type == MessageType::kAsReq || refusals != 0) return std::nullopt;
    ++refusals;
    return kdc.krb_error(error_code::kBadIntegrity);
  };
  ASSERT_TRUE(run().has_value());
  EXPECT_TRUE(proof_sent) << "by a new login";

  TicketCache empty;
  config.cache = &empty;
  config.services.clear();
  ASSERT_TRUE(run().has_value());
  config.services = service_names("smtp", "mail.example.test", "").value();
  kdc.twist.instead = [&](const KdcReq& req) -> std::optional<Bytes> {
    if (req.msg_type == MessageType::kAsReq) return std::nullopt;
    ++refusals;
    return kdc.krb_error(error_code::kBadIntegrity);
  };
  refusals = 0;
  EXPECT_EQ(refused().peer_status, error_code::kBadIntegrity);
  EXPECT_EQ(refusals, 2) << "a new one that is refused is the end";
}

// Only what speaks of the ticket, or of the time, is mended by a new login: any other would be refused
// in the same way, and counts against the account where the password has changed.
TEST_F(CacheTest, ANewLoginComesOnlyWhereTheTicketGrantingTicketIsRefused) {
  config.services.clear();
  ASSERT_TRUE(run().has_value());
  const int logins = kdc.timestamps;
  config.services = service_names("smtp", "mail.example.test", "").value();
  int32_t code = 0;
  kdc.twist.instead = [&](const KdcReq& req) -> std::optional<Bytes> {
    if (req.msg_type == MessageType::kAsReq) return std::nullopt;
    return kdc.krb_error(code);
  };
  for (const int32_t of_the_service :
       {error_code::kPolicy, error_code::kEtypeNosupp, error_code::kSvcUnavailable,
        error_code::kRepeat, error_code::kNotUs, error_code::kGeneric}) {
    code = of_the_service;
    EXPECT_EQ(refused().peer_status, code);
    EXPECT_FALSE(proof_sent) << code;
  }
  EXPECT_EQ(kdc.timestamps, logins);
  for (const int32_t of_the_ticket :
       {error_code::kTgtRevoked, error_code::kBadIntegrity, error_code::kTktExpired,
        error_code::kTktNyv, error_code::kSkew, error_code::kModified, error_code::kBadkeyver}) {
    code = of_the_ticket;
    EXPECT_EQ(refused().peer_status, code);
    EXPECT_TRUE(proof_sent) << code;
  }
}

TEST_F(CacheTest, OfSeveralTicketsInAFileTheOneThatEndsLastIsTaken) {
  ASSERT_TRUE(run().has_value());
  ServiceCredential late = run().value();
  ServiceCredential early = clone(late);
  early.endtime.seconds -= 7200;
  for (const bool late_first : {true, false}) {
    TicketCache first, second, merged;
    first.add(late.client, late.server, late_first ? late : early);
    second.add(late.client, late.server, late_first ? early : late);
    const std::vector<Etype> etypes = {late.session_key.etype()};
    for (const TicketCache* each : {&first, &second}) {
      const SecretBytes file = each->write(late.client.view()).value();
      ASSERT_TRUE(merged.add_all(parse_ccache(file.view()).value(), etypes).has_value());
    }
    const auto found = merged.find(late.client.view(), late.server.view(), clock.now());
    ASSERT_TRUE(found.has_value());
    EXPECT_EQ(found->endtime, late.endtime);
  }
}

TEST_F(CacheTest, QuirkD18_TimesThatAFileCannotHoldAreTheLastThatItCan) {
  ASSERT_TRUE(run().has_value());
  ServiceCredential one = run().value();
  one.endtime.seconds = int64_t{1} << 33;
  one.renew_till.seconds = int64_t{1} << 32;
  for (const UnixMicros offset :
       {UnixMicros{1} << 31, -(UnixMicros{1} << 31) - 1, UnixMicros{60}}) {
    one.clock_offset = offset * 1'000'000;
    TicketCache before;
    before.add(one.client, one.server, one);
    const SecretBytes file = before.write(one.client.view()).value();
    const Ccache read = parse_ccache(file.view()).value();
    EXPECT_EQ((*read.begin()).endtime, 0xffffffff);
    EXPECT_EQ((*read.begin()).renew_till, 0xffffffff);
    EXPECT_EQ(read.kdc_offset().has_value(), offset == 60) << offset;
  }
}

// The file has one offset for all: that of the newest login, and only what can be used with it.
TEST_F(CacheTest, P16_AFileHasTheClockOfTheNewestLogin) {
  config.services.clear();
  const ServiceCredential tgt = run().value();
  config.services = service_names("smtp", "mail.example.test", "").value();
  ServiceCredential old = run().value();
  old.authtime.seconds -= 7200;
  for (const auto& [offset, kept] :
       {std::pair{3600 * kSecond, false}, std::pair{60 * kSecond, true}}) {
    old.clock_offset = offset;
    for (const bool old_first : {true, false}) {
      TicketCache before;
      if (old_first) before.add(old.client, old.server, old);
      before.add(tgt.client, tgt.server, tgt);
      if (!old_first) before.add(old.client, old.server, old);
      const SecretBytes file = before.write(tgt.client.view()).value();
      const Ccache read = parse_ccache(file.view()).value();
      EXPECT_FALSE(read.kdc_offset().has_value());
      EXPECT_EQ(std::distance(read.begin(), read.end()), kept ? 2 : 1) << offset << old_first;
    }
  }
}

TEST_F(CacheTest, P10_ATicketOfAnEtypeThatThePolicyForbidsIsNotTakenFromAFile) {
  const ServiceCredential one = run().value();
  TicketCache before, after;
  before.add(one.client, one.server, one);
  const SecretBytes file = before.write(one.client.view()).value();
  const std::vector<Etype> others = {Etype::kAes256CtsHmacSha384, Etype::kAes128CtsHmacSha256};
  ASSERT_TRUE(after.add_all(parse_ccache(file.view()).value(), others).has_value());
  EXPECT_EQ(after.size(), 0u);
}

TEST_F(CacheTest, AFullCacheLosesWhatEndsFirst) {
  ASSERT_TRUE(run().has_value());
  const ServiceCredential one = run().value();
  Principal client(name_type::kPrincipal, "R");
  client.add("u");
  for (size_t i = 0; i < TicketCache::kMaxTickets + 10; ++i) {
    Principal server(name_type::kSrvHst, "R");
    server.add("smtp").add("h" + std::to_string(i));
    ServiceCredential each = clone(one);
    each.endtime.seconds += static_cast<int64_t>(i) + 1;
    cache.add(client, server, each);
  }
  EXPECT_EQ(cache.size(), TicketCache::kMaxTickets);
  Principal last(name_type::kSrvHst, "R");
  last.add("smtp").add("h" + std::to_string(TicketCache::kMaxTickets + 9));
  EXPECT_TRUE(cache.find(client.view(), last.view(), clock.now()));
  EXPECT_FALSE(cache.find(config.clients[0].view(), config.services[0].view(), clock.now()));
}

// A login gives the tickets of one hour the same end: the ticket-granting ticket is the first of them.
TEST_F(CacheTest, AFullCacheKeepsTheTicketGrantingTicketAndTheNewest) {
  const auto service = [](size_t i) {
    return service_names("imap", "h" + std::to_string(i), "EXAMPLE.TEST").value().front();
  };
  config.services.clear();
  const ServiceCredential tgt = run().value();
  constexpr size_t kAll = TicketCache::kMaxTickets + 2;
  for (size_t i = 0; i < kAll; ++i) cache.add(config.clients[0], service(i), tgt);
  EXPECT_EQ(cache.size(), TicketCache::kMaxTickets);
  EXPECT_TRUE(cache.find_tgt(config.clients[0].view(), clock.now()));
  for (const size_t i : {size_t{0}, size_t{1}, size_t{2}, size_t{3}, kAll - 2, kAll - 1}) {
    EXPECT_EQ(cache.find(config.clients[0].view(), service(i).view(), clock.now()).has_value(),
              i > 2)
        << i;
  }
}

TEST_F(CacheTest, OfTicketGrantingTicketsAloneAFullCacheLosesOneToo) {
  config.services.clear();
  const ServiceCredential tgt = run().value();
  for (size_t i = 0; i < TicketCache::kMaxTickets + 2; ++i) {
    Principal other(name_type::kSrvInst, "EXAMPLE.TEST");
    other.add(kTgsName).add("R" + std::to_string(i));
    cache.add(config.clients[0], other, tgt);
  }
  EXPECT_EQ(cache.size(), TicketCache::kMaxTickets);
}

// ---- the machine

TEST_F(KdcClientTest, CallsOutOfTurnChangeNothing) {
  auto source = make_kdc_client(runtime, config).value();
  EXPECT_EQ(source->resume({Bytes{}}).error().code, Errc::kApiMisuse);
  ASSERT_TRUE(source->start().has_value());
  EXPECT_EQ(source->start().error().code, Errc::kApiMisuse);
}

TEST_F(KdcClientTest, NoUserNameIsNoClient) {
  config.clients.clear();
  EXPECT_EQ(make_kdc_client(runtime, config).error().code, Errc::kNeedsCredential);
}

TEST_F(KdcClientTest, MEM_1_SessionKeysAreWiped) {
  ServiceCredential ticket = run().value();
  std::vector<Bytes> secrets = {ticket.session_key.view().to_bytes()};
  testing::FreedSecrets watch(secrets);
  {
    const ServiceCredential copy = clone(ticket);
    ServiceCredential moved = clone(copy);
    const ServiceCredential last = std::move(moved);
  }
  EXPECT_EQ(watch.found(), 0u);
}

// From make_kdc_client() to the ticket; the KDC has memory enough.
TEST_F(KdcClientTest, MEM_3_AFailedAllocationAnywhereEndsInAnError) {
  size_t n = 1;
  for (bool reached = true; reached; ++n) {
    ASSERT_LT(n, 2000U) << "no end of allocations";
    std::unique_ptr<CredentialSource> source;
    std::optional<Result<CredentialSource::Answer>> answer;
    {
      const testing::FailingAllocations failing(n);
      try {
        source = make_kdc_client(runtime, config).value();
        answer.emplace(source->start());
        while (answer->has_value() && std::holds_alternative<NeedExchange>(answer->value())) {
          answer.emplace(source->resume(carried(std::get<NeedExchange>(answer->value()))));
        }
      } catch (const std::bad_alloc&) {
        answer.reset();
      }
      reached = failing.reached();
    }
    if (!reached) break;
    if (source == nullptr) continue;
    ASSERT_FALSE(answer && answer->has_value()) << n;
    const Error error = answer ? answer->error() : source->resume({Bytes()}).error();
    EXPECT_EQ(error.code, Errc::kNoMemory) << n << ": " << describe(error);
    EXPECT_EQ(source->resume({Bytes()}).error(), error) << n;
    EXPECT_EQ(source->start().error(), error) << n;
  }
  EXPECT_GT(n, 50U) << "so few allocations that nothing was tested";
}

}  // namespace
}  // namespace pocketgss::mechs::krb5
