// The AP exchange between an initiator and an acceptor of ours, and what each of them refuses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mechs/oids.h"
#include "tests/mechs/krb5/exchange.h"
#include "tests/mechs/krb5/expect_error.h"

namespace pocketgss::mechs::krb5 {
namespace {

using testing::Exchange;
using testing::expect_error;
using ::testing::HasSubstr;
using testing::kSecond;
using ::testing::StartsWith;

// expect_protects sends one message of each kind both ways.
void expect_protects(Exchange& x) {
  MessageProtection* sides[] = {x.client_done.protection.get(), x.server_done.protection.get()};
  EXPECT_EQ(sides[0]->session_key(), sides[1]->session_key());
  for (const int from : {0, 1}) {
    MessageProtection& sender = *sides[from];
    MessageProtection& receiver = *sides[1 - from];
    const Bytes message = {'m', 'a', 'i', 'l'};
    for (const bool confidential : {true, false}) {
      Bytes token(sender.wrap_size(message.size()));
      token.resize(sender.wrap(message, confidential, token).value());
      Bytes out(token.size());
      const auto unwrapped = receiver.unwrap(token, out).value();
      EXPECT_EQ(ByteView(out).prefix(unwrapped.size), ByteView(message));
      EXPECT_EQ(unwrapped.confidential, confidential);
    }
    Bytes mic(sender.mic_size());
    ASSERT_EQ(sender.mic(message, mic).value(), mic.size());
    EXPECT_TRUE(receiver.verify_mic(message, mic).has_value());
  }
}

class KerberosExchange : public ::testing::TestWithParam<Etype> {};

TEST_P(KerberosExchange, P11_MutualAuthenticationGivesBothTheAcceptorsSubkey) {
  Exchange x(GetParam());
  ASSERT_TRUE(x.run().has_value());
  EXPECT_FALSE(x.ap_rep.empty());
  EXPECT_STREQ(x.client_done.protection->info.mechanism, "Kerberos");
  EXPECT_EQ(x.client_done.protection->info.target_name, "smtp/mail.example.test@EXAMPLE.TEST");
  EXPECT_EQ(x.server_done.protection->info.initiator_name, "alice@EXAMPLE.TEST");
  EXPECT_EQ(x.server_done.protection->info.account_name, "alice@EXAMPLE.TEST");
  EXPECT_EQ(x.server_done.protection->info.target_name, "smtp/mail.example.test");
  EXPECT_EQ(x.server_done.protection->info.flags, x.client_done.protection->info.flags);
  expect_protects(x);
}

TEST_P(KerberosExchange, P11_WithoutMutualAuthenticationThereIsNoApRep) {
  Exchange x(GetParam());
  x.initiator.flags = kReplayFlag | kSequenceFlag | kIntegFlag;
  ASSERT_TRUE(x.run().has_value());
  EXPECT_FALSE(x.server_done.token.has_value());
  EXPECT_FALSE(has(x.server_done.protection->info.flags, kMutualFlag));
  expect_protects(x);
}

TEST_P(KerberosExchange, PseudoRandomIsTheSameOnBothSidesAndPartialIsOfTheInitiatorsSubKey) {
  Exchange x(GetParam());
  ASSERT_TRUE(x.run().has_value());
  const Key subkey = key_of(*x.authenticator().subkey, true).value();
  Bytes expected(40);
  gss_pseudo_random(x.runtime.crypto(), subkey, as_bytes("input"), expected);
  std::vector<Bytes> full;
  for (const auto* side : {&x.client_done, &x.server_done}) {
    Bytes out(40);
    ASSERT_TRUE(
        side->protection->pseudo_random(PrfKey::kPartial, as_bytes("input"), out).has_value());
    EXPECT_EQ(out, expected);
    ASSERT_TRUE(side->protection->pseudo_random(PrfKey::kFull, as_bytes("input"), out).has_value());
    EXPECT_NE(out, expected);
    full.push_back(out);
  }
  EXPECT_EQ(full[0], full[1]);
}

TEST_P(KerberosExchange, PseudoRandomHasOneKeyWithoutMutualAuthentication) {
  Exchange x(GetParam());
  x.initiator.flags = kIntegFlag;
  ASSERT_TRUE(x.run().has_value());
  Bytes full(40), partial(40);
  ASSERT_TRUE(x.client_done.protection->pseudo_random(PrfKey::kFull, {}, full).has_value());
  ASSERT_TRUE(x.server_done.protection->pseudo_random(PrfKey::kPartial, {}, partial).has_value());
  EXPECT_EQ(full, partial);
}

TEST_P(KerberosExchange,
       QuirkA30_WithoutMutualAuthenticationTheAcceptorCountsFromTheInitiatorsNumber) {
  Exchange x(GetParam());
  x.initiator.flags = kIntegFlag;
  ASSERT_TRUE(x.run().has_value());
  const uint32_t number = x.authenticator().seq_number->bits();
  const auto last =
      make_message_protection(x.runtime, {key_of(*x.authenticator().subkey, true).value(),
                                          Role::kInitiator, false, 0, number, kSequenceFlag});
  Bytes mic(x.server_done.protection->mic_size());
  ASSERT_TRUE(x.server_done.protection->mic({}, mic).has_value());
  EXPECT_TRUE(last.value()->verify_mic({}, mic).has_value());
}

INSTANTIATE_TEST_SUITE_P(, KerberosExchange, ::testing::ValuesIn(testing::every_etype()),
                         [](const auto& test) { return testing::etype_word(test.param); });

// --- keys and etypes ---

TEST(KerberosAcceptor, P10_RefusesEtype23UnlessThePolicyAllowsIt) {
  if (!known_etype(23)) GTEST_SKIP() << "etype 23 is not built";
  Exchange x(Etype::kRc4Hmac);
  x.acceptor.allow_rc4 = false;
  expect_error(x.run(), Errc::kPolicy, "P10");
}

TEST(KerberosAcceptor, P10_RefusesASessionKeyOfEtype23UnderABetterTicket) {
  if (!known_etype(23)) GTEST_SKIP() << "etype 23 is not built";
  Exchange x;
  x.session_key = Key::random(Etype::kRc4Hmac, x.random).value();
  x.initiator.allow_rc4 = true;
  expect_error(x.run(), Errc::kPolicy, "P10");
}

TEST(KerberosAcceptor, P10_RefusesATicketOfEtype23WithABetterSessionKey) {
  if (!known_etype(23)) GTEST_SKIP() << "etype 23 is not built";
  Exchange x;
  x.service_key = Key::random(Etype::kRc4Hmac, x.random).value();
  expect_error(x.run(), Errc::kPolicy, "P10");
}

TEST(KerberosInitiator, P10_RefusesEtype23UnlessThePolicyAllowsIt) {
  if (!known_etype(23)) GTEST_SKIP() << "etype 23 is not built";
  Exchange x(Etype::kRc4Hmac);
  x.initiator.allow_rc4 = false;
  expect_error(x.run(), Errc::kPolicy, "P10");
}

TEST(KerberosAcceptor, ChoosesABetterEtypeThan23WhereTheInitiatorHasOne) {
  if (!known_etype(23)) GTEST_SKIP() << "etype 23 is not built";
  Exchange x(Etype::kRc4Hmac);
  ASSERT_TRUE(x.run().has_value());
  EXPECT_EQ(x.server_done.protection->session_key().size(), 32U);
  expect_protects(x);
}

TEST(KerberosAcceptor, QuirkD15_KeepsTheInitiatorsSubkeyOfEtype23) {
  if (!known_etype(23)) GTEST_SKIP() << "etype 23 is not built";
  Exchange x(Etype::kRc4Hmac);
  x.start();
  ASSERT_TRUE(x.make_ap_req().has_value());
  Authenticator authenticator = x.authenticator();
  authenticator.authorization_data.reset();
  const SecretBytes subkey(authenticator.subkey->keyvalue);
  x.send_authenticator(authenticator);
  ASSERT_TRUE(x.verdict().has_value());
  EXPECT_EQ(x.server_done.protection->session_key(), subkey.view());
  ASSERT_TRUE(x.take_ap_rep().has_value());
  expect_protects(x);
}

TEST(KerberosAcceptor, KRA_12_RefusesATicketForAnotherServiceThoughTheKeyIsThere) {
  Exchange x;
  x.ticket.service = parse_principal("imap/mail.example.test@EXAMPLE.TEST", "").value();
  x.keys[0].service = x.ticket.service;
  expect_error(x.run(), Errc::kPolicy, "P13");
}

TEST(KerberosAcceptor, P13_TakesTheServicesThatAreListed) {
  Exchange x;
  x.ticket.service = parse_principal("imap/MAIL.example.test@EXAMPLE.TEST", "").value();
  x.keys[0].service = parse_principal("imap/mail.example.test@EXAMPLE.TEST", "").value();
  x.acceptor.services = {"imap/mail.example.test"};
  EXPECT_TRUE(x.run().has_value());
}

TEST(KerberosAcceptor, QuirkA28_TakesSmtpsvcToo) {
  Exchange x;
  x.ticket.service = parse_principal("SMTPSVC/mail.example.test@EXAMPLE.TEST", "").value();
  x.keys[0].service = x.ticket.service;
  EXPECT_TRUE(x.run().has_value());
}

TEST(KerberosAcceptor, KRA_12_RefusesAKvnoThatTheKeyTableLacks) {
  Exchange x;
  x.ticket.kvno = 4;
  expect_error(x.run(), Errc::kNeedsCredential, "kvno");
}

// Two services in one key table: what the ticket says it is for is what its key must be.
TEST(KerberosAcceptor, KRA_12_RefusesATicketUnderTheKeyOfAnotherServiceOfTheTable) {
  for (const bool first : {true, false}) {
    Exchange x;
    x.issue();  // of smtp/mail.example.test, under the first key
    const Key other = Key::random(x.service_key.etype(), x.random).value();
    const Principal names[] = {x.ticket.service,
                               parse_principal("smtp/other.example.test@EXAMPLE.TEST", "").value()};
    std::vector<KeytabEntry> entries(2);
    for (size_t i = 0; i < 2; ++i) {
      entries[i].principal = names[i].view();
      entries[i].etype = static_cast<int32_t>(other.etype());
      // The keys are exchanged where `first`.
      entries[i].key = (i == 0) == first ? other.view() : x.service_key.view();
      entries[i].set_kvno(3);
    }
    const SecretBytes file = write_keytab(entries).value();
    const Keytab keytab = parse_keytab(file.view()).value();
    x.acceptor.keytab = &keytab;
    x.start();
    ASSERT_TRUE(x.make_ap_req().has_value());
    if (first) {
      expect_error(x.verdict(), Errc::kAuthFailed, "Ticket");
    } else {
      EXPECT_TRUE(x.verdict().has_value());
    }
  }
}

TEST(KerberosAcceptor, KRA_12_RefusesATicketOfAnotherRealm) {
  Exchange x;
  x.ticket.service = parse_principal("smtp/mail.example.test@OTHER.TEST", "").value();
  expect_error(x.run(), Errc::kNeedsCredential, "sname");
}

TEST(KerberosAcceptor, RefusesATicketOfAnotherKey) {
  Exchange x;
  x.issue();
  const auto credential = std::move(x.credential);
  x.service_key = Key::random(x.service_key.etype(), x.random).value();
  x.issue();
  x.credential->ticket = credential->ticket;
  expect_error(x.run(), Errc::kAuthFailed, "Ticket");
}

// --- names and realms ---

TEST(KerberosAcceptor, RefusesAnAuthenticatorOfAnotherClient) {
  Exchange x;
  x.start();
  ASSERT_TRUE(x.make_ap_req().has_value());
  const Principal other = parse_principal("mallory@EXAMPLE.TEST", "").value();
  const NameComponents name(other.view());
  Authenticator authenticator = x.authenticator();
  authenticator.cname = name.name();
  x.send_authenticator(authenticator);
  expect_error(x.verdict(), Errc::kAuthFailed, "cname");
}

TEST(KerberosAcceptor, RefusesAnAuthenticatorOfAnotherRealm) {
  Exchange x;
  x.start();
  ASSERT_TRUE(x.make_ap_req().has_value());
  Authenticator authenticator = x.authenticator();
  authenticator.crealm = "OTHER.TEST";
  x.send_authenticator(authenticator);
  expect_error(x.verdict(), Errc::kAuthFailed, "crealm");
}

TEST(KerberosAcceptor, SMT_13_RefusesANameWithControlCharacters) {
  Exchange x;
  x.ticket.client = Principal(name_type::kPrincipal, "EXAMPLE.TEST").add("alice\r\nRCPT TO:<x>");
  expect_error(x.run(), Errc::kMalformed, "cname");
}

TEST(KerberosAcceptor, P20_RefusesAnAnonymousTicket) {
  Exchange x;
  x.ticket.flags |= ticket_flag::kAnonymous;
  expect_error(x.run(), Errc::kPolicy, "P20");
}

TEST(KerberosAcceptor, P13_TakesAnotherRealmOnlyByAPathThatIsChecked) {
  struct Case {
    const char* transited;
    uint32_t flags;
    bool taken;
  };
  for (const Case& c : {Case{"", 0, true}, Case{"MIDDLE.TEST", 0, false}, Case{"TEST", 0, true},
                        Case{"MIDDLE.TEST", ticket_flag::kTransitedPolicyChecked, true}}) {
    Exchange x;
    x.ticket.client = parse_principal("bob@FRIEND.TEST", "").value();
    x.ticket.transited = c.transited;
    x.ticket.flags = c.flags;
    EXPECT_EQ(x.run().has_value(), c.taken) << c.transited;
  }
}

// Nobody comes to his own realm through others: a KDC that was lied to by another would say so.
TEST(KerberosAcceptor, P13_TakesItsOwnRealmByNoPathThatIsNotChecked) {
  for (const auto& [flags, taken] :
       {std::pair{0U, false}, std::pair{ticket_flag::kTransitedPolicyChecked, true}}) {
    Exchange x;
    x.ticket.transited = "MIDDLE.TEST";
    x.ticket.flags = flags;
    EXPECT_EQ(x.run().has_value(), taken);
  }
}

// What the key table has for a class written so is preferred.
TEST(KerberosAcceptor, QuirkA21_P13_FindsTheKeysOfItsServiceInAnyCase) {
  for (const char* asked :
       {"SMTP/mail.example.test@EXAMPLE.TEST", "Smtp/MAIL.example.test@EXAMPLE.TEST"}) {
    Exchange x;
    x.ticket.service = parse_principal(asked, "").value();
    EXPECT_TRUE(x.run().has_value()) << asked;
    Exchange other;
    other.ticket.service = parse_principal(asked, "").value();
    other.keys[0].service = parse_principal("smtpx/mail.example.test@EXAMPLE.TEST", "").value();
    expect_error(other.run(), Errc::kNeedsCredential, "Ticket.sname");
  }
}

TEST(KerberosAcceptor, P13_TakesTheListedRealmsOnly) {
  Exchange x;
  x.acceptor.client_realms = {"FRIEND.TEST"};
  expect_error(x.run(), Errc::kPolicy, "P13");
  Exchange y;
  y.acceptor.client_realms = {"FRIEND.TEST"};
  y.ticket.client = parse_principal("bob@FRIEND.TEST", "").value();
  EXPECT_TRUE(y.run().has_value());
}

// --- times and replay ---

TEST(KerberosAcceptor, TakesATicketWithinTheSkewOfItsTimes) {
  for (const auto& [starts, ends] : {std::pair{299, 3600}, std::pair{-3600, -299}}) {
    Exchange x;
    x.ticket.starts_in = starts;
    x.ticket.ends_in = ends;
    x.issue();
    x.credential->endtime = x.time(3600);  // the initiator would not send it
    EXPECT_TRUE(x.run().has_value()) << starts;
  }
}

TEST(KerberosAcceptor, RefusesATicketOutsideOfItsTimes) {
  for (const auto& [starts, ends, where] :
       {std::tuple{302, 3600, "starttime"}, std::tuple{-3600, -302, "endtime"}}) {
    Exchange x;
    x.ticket.starts_in = starts;
    x.ticket.ends_in = ends;
    x.issue();
    x.credential->endtime = x.time(3600);
    expect_error(x.run(), Errc::kExpired, where);
  }
}

TEST(KerberosAcceptor, RefusesATicketThatIsInvalidStill) {
  Exchange x;
  x.ticket.flags |= ticket_flag::kInvalid;
  expect_error(x.run(), Errc::kExpired, "INVALID");
}

TEST(KerberosInitiator, DoesNotSendATicketThatHasExpired) {
  Exchange x;
  x.ticket.ends_in = 0;
  expect_error(x.run(), Errc::kExpired, "the ticket");
}

TEST(KerberosAcceptor, QuirkD5_TellsAClientWhoseClockIsWrongTheTimeOnce) {
  Exchange x;
  x.clock_offset = -301 * kSecond;
  x.start();
  ASSERT_TRUE(x.make_ap_req().has_value());
  ASSERT_TRUE(x.verdict().has_value());
  const ContextToken token = parse_context_token(x.krb_error).value();
  ASSERT_EQ(token.id, TokenId::kKrbError);
  const KrbError error = parse_krb_error(token.message).value();
  EXPECT_EQ(error.error_code, error_code::kSkew);
  EXPECT_EQ(unix_micros(error.stime, error.susec), x.clock.now());
  const Bytes recovery = {0x30, 0x05, 0xa1, 0x03, 0x02, 0x01, 0x02};
  EXPECT_EQ(*error.e_data, ByteView(recovery));
  EXPECT_EQ(x.cache.size(), 0U);

  const auto told = step(*x.client, x.krb_error);
  ASSERT_FALSE(told.has_value());
  EXPECT_EQ(told.error().code, Errc::kExpired);
  EXPECT_EQ(told.error().peer_status, error_code::kSkew);
  EXPECT_STREQ(told.error().where, error_text(error_code::kSkew));

  x.credential->clock_offset = 0;
  auto again =
      make_initiator(x.runtime, x.initiator, std::make_unique<ReadyCredential>(*x.credential))
          .value();
  x.ap_req = std::get<Continue>(step(*again, {}).value()).token;
  EXPECT_TRUE(x.verdict().has_value());
  EXPECT_FALSE(x.ap_rep.empty());
}

TEST(KerberosAcceptor, QuirkD5_RefusesASecondAuthenticatorOfTheWrongTime) {
  Exchange x;
  x.clock_offset = 301 * kSecond;
  x.start();
  ASSERT_TRUE(x.make_ap_req().has_value());
  ASSERT_TRUE(x.verdict().has_value());
  EXPECT_FALSE(x.krb_error.empty());
  expect_error(x.verdict(), Errc::kExpired, "ctime");
}

TEST(KerberosAcceptor, KRA_11_RefusesTheSameAuthenticatorTwice) {
  Exchange x;
  ASSERT_TRUE(x.run().has_value());
  const auto again = x.answer_to(x.ap_req);
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().code, Errc::kExpired);
  EXPECT_THAT(again.error().where, StartsWith("P17"));
}

TEST(KerberosAcceptor, KRA_11_RefusesTheSameAuthenticatorBesideATicketWrittenInAnotherWay) {
  Exchange x;
  ASSERT_TRUE(x.run().has_value());
  const ApReq sent = parse_ap_req(parse_context_token(x.ap_req).value().message).value();
  ApReq changed = sent;
  changed.ticket.der = {};
  changed.ticket.sname.name_type = name_type::kSrvHst + 1;
  const Bytes message = encode(changed).value();
  const auto again = x.answer_to(encode(ContextToken{TokenId::kApReq, message, 0, {}}).value());
  ASSERT_FALSE(again.has_value());
  EXPECT_THAT(again.error().where, StartsWith("P17"));
}

TEST(KerberosAcceptor, KRA_11_WhereTheCacheCannotTellASubkeyOfTheAcceptorIsNeeded) {
  Exchange with;
  with.cache.verdict = ReplayCache::Verdict::kUnknown;
  EXPECT_TRUE(with.run().has_value());
  Exchange without;
  without.cache.verdict = ReplayCache::Verdict::kUnknown;
  without.initiator.flags = kIntegFlag;
  expect_error(without.run(), Errc::kExpired, "P17");
}

// The AP options are not protected. Whoever replays the AP-REQ of a client that did not ask for mutual
// authentication can set that bit, and must not be let in for it.
TEST(KerberosAcceptor, KRA_11_AWishForMutualAuthenticationThatNobodySignedProtectsNothing) {
  for (const bool with_checksum : {true, false}) {
    Exchange x;
    x.initiator.flags = kIntegFlag;
    x.start();
    ASSERT_TRUE(x.make_ap_req().has_value());
    Authenticator authenticator = x.authenticator();
    if (!with_checksum) authenticator.cksum.reset();
    x.send_authenticator(authenticator, ap_option::kMutualRequired);
    x.cache.verdict = ReplayCache::Verdict::kUnknown;
    expect_error(x.verdict(), Errc::kExpired, "P17");
    EXPECT_TRUE(x.ap_rep.empty());
  }
}

TEST(KerberosAcceptor, KRA_9_TheFlagsOfTheChecksumCountAndNotTheApOptions) {
  Exchange x;
  x.initiator.flags = kIntegFlag;
  x.start();
  ASSERT_TRUE(x.make_ap_req().has_value());
  const Authenticator asked = x.authenticator();
  x.send_authenticator(asked, ap_option::kMutualRequired);
  ASSERT_TRUE(x.verdict().has_value());
  EXPECT_EQ(x.server_done.protection->info.flags, kIntegFlag);
  EXPECT_TRUE(x.ap_rep.empty());

  Exchange y;
  y.start();
  ASSERT_TRUE(y.make_ap_req().has_value());
  const Authenticator mutual = y.authenticator();
  y.send_authenticator(mutual, 0);
  ASSERT_TRUE(y.verdict().has_value());
  EXPECT_FALSE(y.ap_rep.empty());
}

// --- restrictions ---

Bytes authorization_data(int32_t type, ByteView octets, bool if_relevant) {
  const AuthorizationDataEntry entry{type, octets};
  const Bytes inner = encode(AuthorizationData(std::span(&entry, 1))).value();
  if (!if_relevant) return inner;
  const AuthorizationDataEntry outer{ad_type::kIfRelevant, inner};
  return encode(AuthorizationData(std::span(&outer, 1))).value();
}

// RFC 4120 5.2.6: "unless [...] the authorization data element [is] contained in" one of those that
// say that it need not be understood, "authentication MUST fail".
TEST(KerberosAcceptor, RefusesARestrictionThatItDoesNotKnow) {
  struct Case {
    int32_t type;
    bool if_relevant, in_ticket, in_authenticator;
  };
  for (const Case& c :
       {Case{99, false, false, false}, Case{99, true, true, true},
        Case{ad_type::kAndOr, false, false, false}, Case{ad_type::kKdcIssued, false, false, false},
        Case{ad_type::kMandatoryForKdc, false, true, true},
        Case{ad_type::kEtypeNegotiation, false, false, true},
        Case{ad_type::kApOptions, false, false, true}}) {
    const Bytes octets = {0x30, 0x00};
    const Bytes data = authorization_data(c.type, octets, c.if_relevant);
    Exchange x;
    x.ticket.authorization_data = data;
    const auto ticket = x.run();
    EXPECT_EQ(ticket.has_value(), c.in_ticket) << c.type;
    if (!c.in_ticket) {
      expect_error(ticket, Errc::kPeerIncompatible, "EncTicketPart.authorization-data");
    }

    Exchange y;
    y.start();
    ASSERT_TRUE(y.make_ap_req().has_value());
    Authenticator authenticator = y.authenticator();
    authenticator.authorization_data = parse_authorization_data(data).value();
    y.send_authenticator(authenticator);
    const auto verdict = y.verdict();
    EXPECT_EQ(verdict.has_value(), c.in_authenticator) << c.type;
    if (!c.in_authenticator) {
      expect_error(verdict, Errc::kPeerIncompatible, "Authenticator.authorization-data");
    }
  }
}

// A clock that shows one time for long must not make one AP-REP the proof of two logins.
TEST(KerberosInitiator, KRA_8_AnApRepProvesOneLoginThoughTheClockStandsStill) {
  Exchange first;
  ASSERT_TRUE(first.run().has_value());
  auto again = make_initiator(first.runtime, first.initiator,
                              std::make_unique<ReadyCredential>(*first.credential))
                   .value();
  ASSERT_TRUE(step(*again, {}).has_value());
  EXPECT_EQ(step(*again, first.ap_rep).error(), (Error{Errc::kAuthFailed, "AP-REP", 0, 0}));
}

// --- the AP-REP ---

TEST(KerberosInitiator, KRA_8_RefusesTheApRepOfAnotherExchange) {
  Exchange x;
  ASSERT_TRUE(x.run().has_value());
  const Bytes other = x.ap_rep;
  x.clock.advance(1);
  x.start();
  ASSERT_TRUE(x.make_ap_req().has_value());
  EXPECT_FALSE(x.client->proof_sent());
  x.ap_rep = other;
  expect_error(x.take_ap_rep(), Errc::kAuthFailed, "AP-REP");
  EXPECT_TRUE(x.client->proof_sent());
}

// The right key and the right number, but another usage or another time.
TEST(KerberosInitiator, KRA_8_RefusesAnApRepThatDoesNotRepeatTheAuthenticator) {
  struct Case {
    KeyUsage usage;
    int64_t seconds;
    int micros;
    bool taken;
  };
  for (const Case& c :
       {Case{KeyUsage::kApRepEncPart, 0, 0, true}, Case{KeyUsage::kApReqAuthenticator, 0, 0, false},
        Case{KeyUsage::kApRepEncPart, 1, 0, false}, Case{KeyUsage::kApRepEncPart, 0, 1, false}}) {
    Exchange x;
    x.start();
    ASSERT_TRUE(x.make_ap_req().has_value());
    const Authenticator authenticator = x.authenticator();
    EncApRepPart part;
    part.ctime = {authenticator.ctime.seconds + c.seconds};
    part.cusec = authenticator.cusec + static_cast<Microseconds>(c.micros);
    const Bytes cipher = encrypt_part(x.runtime, x.session_key, c.usage, part).value();
    ApRep reply;
    reply.enc_part = {static_cast<int32_t>(x.session_key.etype()), std::nullopt, cipher};
    const Bytes message = encode(reply).value();
    x.ap_rep = encode(ContextToken{TokenId::kApRep, message, 0, {}}).value();
    EXPECT_EQ(x.take_ap_rep().has_value(), c.taken);
  }
}

TEST(KerberosInitiator, KRA_8_QuirkB21_IsNotEstablishedWithoutAnApRep) {
  Exchange x;
  x.start();
  ASSERT_TRUE(x.make_ap_req().has_value());
  EXPECT_STREQ(x.client->state_name(), "AwaitApRep");
  EXPECT_FALSE(step(*x.client, {}).has_value());
  EXPECT_STREQ(x.client->state_name(), "Failed");
  Exchange y;
  y.start();
  ASSERT_TRUE(y.make_ap_req().has_value());
  EXPECT_FALSE(peer_done(*y.client).has_value());
}

// As the JDK's acceptor does it.
TEST(KerberosInitiator, QuirkD28_WithoutASubkeyInTheApRepItsOwnServes) {
  Exchange x;
  x.start();
  ASSERT_TRUE(x.make_ap_req().has_value());
  const Authenticator authenticator = x.authenticator();
  EncApRepPart part;
  part.ctime = authenticator.ctime;
  part.cusec = authenticator.cusec;
  part.seq_number = UInt32(77);
  const Bytes cipher =
      encrypt_part(x.runtime, x.session_key, KeyUsage::kApRepEncPart, part).value();
  ApRep reply;
  reply.enc_part = {static_cast<int32_t>(x.session_key.etype()), std::nullopt, cipher};
  const Bytes message = encode(reply).value();
  x.ap_rep = encode(ContextToken{TokenId::kApRep, message, 0, {}}).value();
  ASSERT_TRUE(x.take_ap_rep().has_value());
  x.server_done.protection =
      make_message_protection(
          x.runtime, {key_of(*authenticator.subkey, true).value(), Role::kAcceptor, false, 77,
                      authenticator.seq_number->bits(), kReplayFlag | kSequenceFlag})
          .value();
  expect_protects(x);
}

TEST(KerberosInitiator, QuirkD10_NumbersStartBelowTwoToTheThirty) {
  pocketgss::testing::FixedRandom highest({0xff, 0xff, 0xff, 0xff});
  EXPECT_EQ(initial_sequence(highest).value(), (uint32_t{1} << 30) - 1);
}

TEST(KerberosInitiator, P8_TheApReqIsAProof) {
  for (const ContextFlags flags : {kMutualFlag, kIntegFlag}) {
    Exchange x;
    x.initiator.flags = flags;
    x.start();
    EXPECT_FALSE(x.client->token_is_proof());
    ASSERT_TRUE(x.make_ap_req().has_value());
    EXPECT_TRUE(x.client->token_is_proof());
    EXPECT_FALSE(x.client->proof_sent()) << "nobody has answered";
    EXPECT_FALSE(step(*x.client, as_bytes("an answer")).has_value());
    EXPECT_TRUE(x.client->proof_sent());
  }
}

// krb_error is one of the acceptor's, framed.
Bytes krb_error(Exchange& x, int32_t code) {
  KrbError error;
  error.stime = x.time(0);
  error.error_code = code;
  error.realm = "EXAMPLE.TEST";
  const Principal service = x.ticket.service;
  const NameComponents sname(service.view());
  error.sname = sname.name();
  error.e_text = "text of nobody knows whom";
  const Bytes message = encode(error).value();
  return encode(ContextToken{TokenId::kKrbError, message, 0, {}}).value();
}

// heard is what the initiator says of a KRB-ERROR in the place of an AP-REP.
Error heard(int32_t code) {
  Exchange x;
  x.start();
  EXPECT_TRUE(x.make_ap_req().has_value());
  x.ap_rep = krb_error(x, code);
  return x.take_ap_rep().error();
}

TEST(KerberosInitiator, QuirkD22_AnErrorIsReadWithoutMutualAuthenticationToo) {
  Exchange x;
  x.initiator.flags = kIntegFlag;
  x.start();
  ASSERT_TRUE(x.make_ap_req().has_value());
  const Bytes skew = krb_error(x, error_code::kSkew);
  const auto told = x.client->peer_error(skew);
  ASSERT_TRUE(told.has_value());
  EXPECT_EQ(told->code, Errc::kExpired);
  EXPECT_EQ(told->peer_status, 37);
  EXPECT_EQ(step(*x.client, skew).error(), *told);
}

TEST(KerberosInitiator, QuirkD22_NothingElseIsAnError) {
  Exchange x;
  ASSERT_TRUE(x.run().has_value());
  for (const ByteView token : {ByteView(x.ap_rep), ByteView(x.ap_req), ByteView()}) {
    EXPECT_FALSE(x.client->peer_error(token).has_value());
  }
  const Bytes broken = encode(ContextToken{TokenId::kKrbError, as_bytes("7"), 0, {}}).value();
  EXPECT_FALSE(x.client->peer_error(broken).has_value());
}

TEST(KerberosInitiator, QuirkD22_TellsWhatAKrbErrorSays) {
  EXPECT_EQ(heard(error_code::kModified),
            (Error{Errc::kAuthFailed, error_text(error_code::kModified), 0, 41}));
  EXPECT_EQ(heard(error_code::kBadmatch),
            (Error{Errc::kAuthFailed, error_text(error_code::kBadmatch), 0, 36}));
  EXPECT_EQ(heard(error_code::kRepeat),
            (Error{Errc::kExpired, error_text(error_code::kRepeat), 0, 34}));
  for (const int32_t code : {error_code::kNotUs, error_code::kBadkeyver, error_code::kNokey})
    EXPECT_EQ(heard(code), (Error{Errc::kPeerIncompatible, error_text(code), 0, code}));
}

TEST(KerberosInitiator, QuirkD22_AnErrorWithoutWordsIsToldByItsName) {
  EXPECT_EQ(heard(error_code::kMutFail), (Error{Errc::kAuthFailed, "KRB_AP_ERR_MUT_FAIL", 0, 46}));
  EXPECT_EQ(heard(99), (Error{Errc::kPeerIncompatible,
                              "KRB-ERROR.error-code is not one that we know", 0, 99}));
}

// --- order ---

TEST(KerberosAcceptor, RefusesTokensOutOfTurn) {
  Exchange x;
  ASSERT_TRUE(x.run().has_value());
  EXPECT_EQ(step(*x.server, x.ap_req).error().code, Errc::kPeerMisbehaved);
  EXPECT_EQ(step(*x.client, x.ap_rep).error().code, Errc::kPeerMisbehaved);
  EXPECT_EQ(step(*x.client, x.ap_rep).error().code, Errc::kPeerMisbehaved);
  const auto reply_first = x.answer_to(x.ap_rep);
  EXPECT_EQ(reply_first.error().code, Errc::kPeerMisbehaved);
  EXPECT_EQ(resume(*x.server, AccountAnswer{}).error().code, Errc::kApiMisuse);
}

TEST(KerberosInitiator, RefusesItsOwnToken) {
  Exchange x;
  x.start();
  ASSERT_TRUE(x.make_ap_req().has_value());
  EXPECT_EQ(step(*x.client, x.ap_req).error().code, Errc::kPeerMisbehaved);
}

TEST(KerberosAcceptor, QuirkB8_TakesMicrosoftsOidAndAnswersUnderIt) {
  Exchange x;
  x.start();
  ASSERT_TRUE(x.make_ap_req().has_value());
  const ContextToken sent = parse_context_token(x.ap_req).value();
  x.ap_req = encode(ContextToken{TokenId::kApReq, sent.message, 0, kMicrosoftKerberosOid}).value();
  ASSERT_TRUE(x.verdict().has_value());
  EXPECT_EQ(parse_context_token(x.ap_rep).value().mech, kMicrosoftKerberosOid);
  EXPECT_TRUE(x.take_ap_rep().has_value());
}

TEST(KerberosAcceptor, QuirkB26_RefusesAMessageWithoutItsFrame) {
  Exchange x;
  x.start();
  ASSERT_TRUE(x.make_ap_req().has_value());
  x.ap_req = parse_context_token(x.ap_req).value().message.to_bytes();
  expect_error(x.verdict(), Errc::kMalformed, "InitialContextToken");
}

TEST(KerberosInitiator, QuirkB26_RefusesAMessageWithoutItsFrame) {
  Exchange x;
  x.start();
  ASSERT_TRUE(x.make_ap_req().has_value());
  ASSERT_TRUE(x.verdict().has_value());
  x.ap_rep = parse_context_token(x.ap_rep).value().message.to_bytes();
  expect_error(x.take_ap_rep(), Errc::kMalformed, "InitialContextToken");
}

TEST(KerberosAcceptor, QuirkD16_RefusesUserToUserAndDceStyle) {
  Exchange x;
  x.start();
  ASSERT_TRUE(x.make_ap_req().has_value());
  const Authenticator sent = x.authenticator();
  x.send_authenticator(sent, ap_option::kUseSessionKey);
  expect_error(x.verdict(), Errc::kPeerIncompatible, "user-to-user");

  x.start();
  ASSERT_TRUE(x.make_ap_req().has_value());
  Authenticator authenticator = x.authenticator();
  GssChecksum dce = parse_gss_checksum(authenticator.cksum->checksum).value();
  dce.flags |= gss_flag::kDceStyle;
  const auto octets = encode(dce);
  authenticator.cksum->checksum = octets;
  x.send_authenticator(authenticator);
  expect_error(x.verdict(), Errc::kPeerIncompatible, "DCE");
}

TEST(KerberosAcceptor, QuirkA23_RecognisesItsTokensByTheOid) {
  Exchange x;
  x.start();
  ASSERT_TRUE(x.make_ap_req().has_value());
  EXPECT_TRUE(recognises(x.ap_req));
  EXPECT_FALSE(recognises(as_bytes("NTLMSSP\0")));
  EXPECT_FALSE(recognises({}));
}

// --- the source of the credential ---

class AskingSource final : public CredentialSource {
 public:
  explicit AskingSource(const ServiceCredential& credential) : credential_(credential) {}
  Result<Answer> start() override { return Answer(NeedExchange{"EXAMPLE.TEST", {1, 2, 3}}); }
  Result<Answer> resume(ExchangeAnswer answer) override {
    if (!answer.reply) return Error{Errc::kUnreachable, "KDC", 0, 0};
    return Answer(&credential_);
  }
  bool proof_sent() const override { return true; }

 private:
  const ServiceCredential& credential_;
};

TEST(KerberosInitiator, AsksTheKdcByNeedExchangeAndGoesOn) {
  Exchange x;
  x.start();
  x.client =
      make_initiator(x.runtime, x.initiator, std::make_unique<AskingSource>(*x.credential)).value();
  MechanismStep taken = step(*x.client, {}).value();
  EXPECT_EQ(std::get<NeedExchange>(taken).realm, "EXAMPLE.TEST");
  EXPECT_TRUE(x.client->proof_sent());
  taken = resume(*x.client, ExchangeAnswer{Bytes{4}}).value();
  x.ap_req = std::get<Continue>(taken).token;
  ASSERT_TRUE(x.verdict().has_value());
  EXPECT_TRUE(x.take_ap_rep().has_value());

  auto other =
      make_initiator(x.runtime, x.initiator, std::make_unique<AskingSource>(*x.credential)).value();
  ASSERT_TRUE(step(*other, {}).has_value());
  EXPECT_EQ(resume(*other, ExchangeAnswer{}).error().code, Errc::kUnreachable);
}

}  // namespace
}  // namespace pocketgss::mechs::krb5
