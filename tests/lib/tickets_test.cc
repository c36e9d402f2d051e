// Tickets of a password, a key table, an NT hash and a credential cache; and a login with them.
#include "lib/tickets.h"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <thread>

#include "lib/ticket_source.h"
#include "mechs/krb5/ccache.h"
#include "mechs/krb5/crypto.h"
#include "mechs/krb5/kdc_policy.h"
#include "mechs/krb5/keytab.h"
#include "mechs/krb5/principal.h"
#include "tests/fakes/fake_kdc.h"
#include "tests/lib/support/pair.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fixed_random.h"

namespace pocketgss {
namespace {

namespace krb5 = mechs::krb5;
using krb5::KdcPolicy;
using testing::CountingRandom;
using testing::FakeClock;
using testing::FakeKdc;
using testing::FakeRealms;

constexpr UnixMicros kHour = UnixMicros{3600} * 1'000'000;
constexpr const char* kService = "smtp/mail.example.test";

SecretBytes octets(size_t size) {
  return SecretBytes(std::string(size, 'x'));
}

class TicketsTest : public ::testing::Test {
 protected:
  TicketsTest() {
    realms.add(kdc);
    kdc.add_user("alice", "Password1").etypes = {17};
    kdc.add_service(kService);
    settings.user = "alice@EXAMPLE.TEST";
    settings.password = SecretBytes(std::string_view("Password1"));
  }
  // get carries the messages of a request to the realms.
  Result<Ticket> get(const std::shared_ptr<TicketSource>& tickets, std::string_view service) {
    PGSS_TRY(auto request, request_ticket(runtime, tickets, service));
    auto step = request->start();
    for (;;) {
      proof_sent = request->proof_sent();
      if (!step.has_value()) return step.error();
      if (auto* done = std::get_if<Ticket>(&step.value())) return *done;
      const auto& need = std::get<NeedExchange>(step.value());
      step = request->resume({realms.carry(need.realm, need.request)});
    }
  }
  std::shared_ptr<TicketSource> made() {
    auto tickets = make_tickets(std::move(settings));
    if (!tickets.has_value()) {
      ADD_FAILURE() << describe(tickets.error());
      return nullptr;
    }
    return tickets.value();
  }
  Error refused() {
    const auto tickets = make_tickets(std::move(settings));
    if (tickets.has_value()) {
      ADD_FAILURE() << "the settings were taken";
      return {};
    }
    return tickets.error();
  }
  SecretBytes keytab_of(std::string_view name, std::string_view password) {
    krb5::KeytabEntry entry;
    const auto principal = krb5::parse_principal(name, "").value();
    const auto key = krb5::string_to_key(runtime.crypto(), krb5::Etype::kAes128CtsHmacSha1,
                                         as_bytes(password), as_bytes("EXAMPLE.TESTalice"), 4096)
                         .value();
    entry.principal = principal.view();
    entry.etype = 17;
    entry.key = key.view();
    entry.set_kvno(1);
    return krb5::write_keytab({&entry, 1}).value();
  }

  FakeClock clock{KdcPolicy{}.clock_floor + 24 * kHour};
  CountingRandom random;
  Runtime runtime = Runtime::create(clock, random).value();
  FakeKdc kdc{runtime, "EXAMPLE.TEST"};
  FakeRealms realms;
  TicketSettings settings;
  bool proof_sent = false;
};

TEST_F(TicketsTest, FromAPasswordToATicket) {
  const auto ticket = get(made(), kService);
  ASSERT_TRUE(ticket.has_value()) << describe(ticket.error());
  EXPECT_EQ(ticket.value().client, "alice@EXAMPLE.TEST");
  EXPECT_EQ(ticket.value().service, "smtp/mail.example.test@EXAMPLE.TEST");
  EXPECT_GT(ticket.value().end, clock.now() + kHour);
  EXPECT_EQ(ticket.value().clock_offset, 0);
  EXPECT_TRUE(proof_sent);
}

TEST_F(TicketsTest, ASecondRequestNeedsNoKdcAndSendsNoProof) {
  const auto tickets = made();
  ASSERT_TRUE(get(tickets, kService).has_value());
  const int before = realms.messages;
  ASSERT_TRUE(get(tickets, kService).has_value());
  EXPECT_EQ(realms.messages, before);
  EXPECT_FALSE(proof_sent);
}

TEST_F(TicketsTest, AForgottenTicketIsGotAnewByTheTicketGrantingTicket) {
  kdc.add_service("smtp/other.example.test");
  const auto tickets = made();
  ASSERT_TRUE(get(tickets, kService).has_value());
  ASSERT_TRUE(get(tickets, "smtp/other.example.test").has_value());
  const int before = realms.messages;
  ASSERT_TRUE(forget_ticket(*tickets, "smtp/MAIL.example.test@EXAMPLE.TEST").has_value());
  ASSERT_TRUE(get(tickets, "smtp/other.example.test").has_value());
  EXPECT_EQ(realms.messages, before) << "of another service nothing is forgotten";
  ASSERT_TRUE(get(tickets, kService).has_value());
  EXPECT_EQ(realms.messages, before + 1);
  EXPECT_FALSE(proof_sent);
}

TEST_F(TicketsTest, AForgottenTicketGrantingTicketTakesThePasswordAgain) {
  const auto tickets = made();
  ASSERT_TRUE(get(tickets, kService).has_value());
  ASSERT_TRUE(forget_ticket(*tickets, "").has_value());
  const int before = realms.messages;
  ASSERT_TRUE(get(tickets, kService).has_value());
  EXPECT_EQ(realms.messages, before) << "the service's is still there";
  ASSERT_TRUE(get(tickets, "").has_value());
  EXPECT_TRUE(proof_sent);
}

TEST_F(TicketsTest, OfACacheAloneAForgottenTicketCannotBeGotAnew) {
  const auto first = made();
  ASSERT_TRUE(get(first, kService).has_value());
  TicketSettings of_cache;
  of_cache.ccache = write_ccache(*first).value();
  settings = std::move(of_cache);
  const auto tickets = made();
  ASSERT_TRUE(forget_ticket(*tickets, "").has_value());
  ASSERT_TRUE(get(tickets, kService).has_value());
  ASSERT_TRUE(forget_ticket(*tickets, kService).has_value());
  EXPECT_EQ(get(tickets, kService).error().code, Errc::kNeedsCredential);
}

TEST_F(TicketsTest, ALoginUnderWayKeepsItsTicketAndDoesNotBringItBack) {
  const auto tickets = made();
  ASSERT_TRUE(get(tickets, kService).has_value());
  const auto source = tickets->start(runtime, kService).value();  // it looks into the cache
  const auto answer = source->start();
  ASSERT_TRUE(std::holds_alternative<const krb5::ServiceCredential*>(answer.value()));
  ASSERT_TRUE(forget_ticket(*tickets, kService).has_value());
  EXPECT_FALSE(std::get<const krb5::ServiceCredential*>(answer.value())->ticket.empty());
  const int before = realms.messages;
  ASSERT_TRUE(get(tickets, kService).has_value());
  EXPECT_EQ(realms.messages, before + 1);
}

TEST_F(TicketsTest, ATicketThatComesAfterForgettingIsKept) {
  const auto tickets = made();
  ASSERT_TRUE(get(tickets, "").has_value());
  const auto early = tickets->start(runtime, kService).value();
  const auto need = early->start();
  const auto& request = std::get<NeedExchange>(need.value());
  ASSERT_TRUE(forget_ticket(*tickets, kService).has_value());
  ASSERT_TRUE(early->resume({realms.carry(request.realm, request.request)}).has_value());
  const int before = realms.messages;
  ASSERT_TRUE(get(tickets, kService).has_value());
  EXPECT_EQ(realms.messages, before);
}

TEST_F(TicketsTest, ThreadsMayForgetWhileOthersLogIn) {
  const auto tickets = made();
  ASSERT_TRUE(get(tickets, kService).has_value());
  std::atomic<bool> stop = false;
  std::thread forgetting([&] {
    while (!stop) EXPECT_TRUE(forget_ticket(*tickets, kService).has_value());
  });
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(get(tickets, kService).has_value());
  stop = true;
  forgetting.join();
}

TEST_F(TicketsTest, WhatIsNoServiceCannotBeForgotten) {
  const auto tickets = made();
  EXPECT_EQ(forget_ticket(*tickets, "smtp").error().code, Errc::kApiMisuse);
  EXPECT_EQ(forget_ticket(*tickets, "smtp/192.0.2.1").error().code, Errc::kPeerIncompatible);
}

TEST_F(TicketsTest, WithoutAServiceItIsTheTicketGrantingTicket) {
  EXPECT_EQ(get(made(), "").value().service, "krbtgt/EXAMPLE.TEST@EXAMPLE.TEST");
}

TEST_F(TicketsTest, P16_TheClockOfTheKdcIsTold) {
  kdc.clock_ahead = 20 * kHour;
  const auto ticket = get(made(), kService);
  ASSERT_TRUE(ticket.has_value()) << describe(ticket.error());
  EXPECT_EQ(ticket.value().clock_offset, 20 * kHour);
  EXPECT_LT(ticket.value().end, clock.now() + 24 * kHour) << "by our clock";
}

TEST_F(TicketsTest, AWrongPasswordIsToldAndWasProof) {
  settings.password = SecretBytes(std::string_view("Password2"));
  const auto ticket = get(made(), kService);
  ASSERT_FALSE(ticket.has_value());
  EXPECT_EQ(ticket.error().code, Errc::kAuthFailed);
  EXPECT_TRUE(proof_sent);
}

TEST_F(TicketsTest, P8_NoKdcIsToldAndNothingWasSent) {
  auto request = request_ticket(runtime, made(), kService).value();
  ASSERT_TRUE(request->start().has_value());
  const auto step = request->resume({std::nullopt});
  ASSERT_FALSE(step.has_value());
  EXPECT_EQ(step.error().code, Errc::kUnreachable);
  EXPECT_FALSE(request->proof_sent());
}

TEST_F(TicketsTest, AKeyTableNamesItsUser) {
  settings.user.clear();
  settings.password = SecretBytes();
  settings.keytab = keytab_of("alice@EXAMPLE.TEST", "Password1");
  EXPECT_EQ(get(made(), kService).value().client, "alice@EXAMPLE.TEST");
}

TEST_F(TicketsTest, AKeyTableGivesTheRealm) {
  settings.user = "alice";
  settings.password = SecretBytes();
  settings.keytab = keytab_of("alice@EXAMPLE.TEST", "Password1");
  EXPECT_EQ(get(made(), kService).value().client, "alice@EXAMPLE.TEST");
}

TEST_F(TicketsTest, QuirkD9_ASuffixInLowerCaseFindsTheKeysOfTheRealm) {
  settings.user = "alice@example.test";
  settings.password = SecretBytes();
  settings.keytab = keytab_of("alice@EXAMPLE.TEST", "Password1");
  EXPECT_TRUE(get(made(), kService).has_value());
}

TEST_F(TicketsTest, TheRealmChoosesTheOwnerOfAKeyTableOrCache) {
  settings.user.clear();
  settings.password = SecretBytes();
  krb5::KeytabEntry entry;
  const auto first = krb5::parse_principal("host/device@OLD.TEST", "").value();
  entry.principal = first.view();
  entry.etype = 17;
  const Bytes key(16, 1);
  entry.key = key;
  const SecretBytes old = krb5::write_keytab({&entry, 1}).value();
  const SecretBytes alice = keytab_of("alice@EXAMPLE.TEST", "Password1");
  const auto parsed = krb5::parse_keytab(alice.view()).value();
  const SecretBytes both = krb5::append_entry(old.view(), *parsed.begin()).value();
  settings.keytab = SecretBytes(both.view());
  settings.realm = "EXAMPLE.TEST";
  const auto tickets = made();
  EXPECT_EQ(get(tickets, kService).value().client, "alice@EXAMPLE.TEST");
  settings = {};
  settings.keytab = SecretBytes(both.view());
  settings.realm = "NEW.TEST";
  EXPECT_EQ(refused().code, Errc::kNeedsCredential);
  settings = {};
  settings.ccache = write_ccache(*tickets).value();
  settings.realm = "NEW.TEST";
  EXPECT_EQ(refused().code, Errc::kNeedsCredential);
}

TEST_F(TicketsTest, QuirkD9_OfTheMeaningsOfANameTheKeyTablesIsTaken) {
  kdc.users.clear();
  FakeKdc::User& user = kdc.add_user("alice@example.test", "Password1");
  user.etypes = {17};
  user.salt = "EXAMPLE.TESTalice";
  settings.user = "alice@example.test";
  settings.password = SecretBytes();
  settings.keytab = keytab_of("alice\\@example.test@EXAMPLE.TEST", "Password1");
  const auto ticket = get(made(), kService);
  ASSERT_TRUE(ticket.has_value()) << describe(ticket.error());
  EXPECT_EQ(realms.messages, 3) << "the plain name was not asked for";
}

TEST_F(TicketsTest, AKeyTableWithoutTheUsersKeysIsRefused) {
  settings.user = "bob";
  settings.password = SecretBytes();
  settings.keytab = keytab_of("alice@EXAMPLE.TEST", "Password1");
  EXPECT_EQ(refused().code, Errc::kNeedsCredential);
}

TEST_F(TicketsTest, ACacheThatWasWrittenServesWithoutAKdc) {
  const auto first = made();
  ASSERT_TRUE(get(first, kService).has_value());
  auto file = write_ccache(*first);
  ASSERT_TRUE(file.has_value());
  const auto ccache = krb5::parse_ccache(file.value().view());
  ASSERT_TRUE(ccache.has_value());
  EXPECT_EQ(krb5::principal_text(ccache.value().default_principal()), "alice@EXAMPLE.TEST");
  EXPECT_EQ(ccache.value().size(), 2U);

  settings = {};
  settings.ccache = std::move(file).value();
  const int before = realms.messages;
  const auto second = made();
  EXPECT_EQ(get(second, kService).value().client, "alice@EXAMPLE.TEST");
  EXPECT_EQ(realms.messages, before);
}

TEST_F(TicketsTest, P16_TheOffsetGoesWithTheCache) {
  kdc.clock_ahead = -20 * kHour + 250'000;
  const auto first = made();
  ASSERT_TRUE(get(first, kService).has_value());
  settings = {};
  settings.ccache = write_ccache(*first).value();
  EXPECT_EQ(get(made(), kService).value().clock_offset, -20 * kHour + 250'000);
}

TEST_F(TicketsTest, ATicketGrantingTicketOfACacheServesAndNothingElseIsThere) {
  const auto first = made();
  ASSERT_TRUE(get(first, "").has_value());
  settings = {};
  settings.ccache = write_ccache(*first).value();
  const auto second = made();
  EXPECT_TRUE(get(second, kService).has_value());
  clock.advance(11 * kHour);
  EXPECT_EQ(get(second, kService).error().code, Errc::kNeedsCredential);
}

TEST_F(TicketsTest, QuirkD21_AnotherUsersCacheIsNotUsed) {
  const auto first = made();
  ASSERT_TRUE(get(first, kService).has_value());
  settings = {};
  settings.user = "bob@EXAMPLE.TEST";
  settings.ccache = write_ccache(*first).value();
  const Error error = refused();
  EXPECT_EQ(error.code, Errc::kNeedsCredential);
  EXPECT_STREQ(error.where, "the credential cache is another user's");

  kdc.add_user("bob", "Password2").etypes = {17};
  settings = {};
  settings.user = "bob@EXAMPLE.TEST";
  settings.password = SecretBytes(std::string_view("Password2"));
  settings.ccache = write_ccache(*first).value();
  EXPECT_EQ(get(made(), kService).value().client, "bob@EXAMPLE.TEST");
  EXPECT_TRUE(proof_sent);
}

// The KDC calls the user by another name than he does: his cache serves by both.
class UpnCacheTest : public TicketsTest {
 protected:
  UpnCacheTest() {
    kdc.add_user("alice@upn.test", "Password1").etypes = {17};
    kdc.users["alice@upn.test"].canonical = "alice";
    settings.user = "alice@upn.test";
    settings.realm = "EXAMPLE.TEST";
    first = made();
    EXPECT_TRUE(get(first, "").has_value());
    settings = {};
  }
  // with has a lone cache.
  TicketSettings with(std::string_view user, std::string_view realm = "") const {
    TicketSettings out;
    out.user = user;
    out.realm = realm;
    out.ccache = write_ccache(*first).value();
    return out;
  }
  std::shared_ptr<TicketSource> first;
};

TEST_F(UpnCacheTest, QuirkD9_ServesWhoGivesTheNameThatItWasGotUnder) {
  for (const char* realm : {"", "EXAMPLE.TEST"}) {
    settings = with("alice@upn.test", realm);
    const auto tickets = made();
    const auto ticket = get(tickets, kService);
    ASSERT_TRUE(ticket.has_value()) << realm << ": " << describe(ticket.error());
    EXPECT_EQ(ticket.value().client, "alice@EXAMPLE.TEST");
    EXPECT_EQ(user_realm(*tickets), "EXAMPLE.TEST");

    // And again, from what is written then.
    settings = {};
    settings.user = "alice@upn.test";
    settings.ccache = write_ccache(*tickets).value();
    const int before = realms.messages;
    EXPECT_TRUE(get(made(), kService).has_value());
    EXPECT_EQ(realms.messages, before);
  }
}

// A cache in memory has 256 places.
TEST_F(UpnCacheTest, ServesWithEachOfManyTickets) {
  std::vector<std::string> services;
  for (int i = 0; i < 200; ++i) {
    services.push_back("smtp/mail" + std::to_string(i) + ".example.test");
    kdc.add_service(services.back());
    clock.set(clock.now() + 1'000'000);
    ASSERT_TRUE(get(first, services.back()).has_value());
  }
  settings = with("alice@upn.test");
  const auto tickets = made();
  const int before = realms.messages;
  for (const std::string& service : services) ASSERT_TRUE(get(tickets, service).has_value());
  EXPECT_EQ(realms.messages, before);
}

TEST_F(UpnCacheTest, ServesItsOwnerByTheNameThatTheKdcHas) {
  for (const char* user : {"", "alice", "alice@EXAMPLE.TEST"}) {
    settings = with(user);
    EXPECT_TRUE(get(made(), kService).has_value()) << user;
  }
}

TEST_F(UpnCacheTest, QuirkD21_ServesByNoOtherName) {
  for (const auto& [user, realm] :
       {std::pair{"bob@upn.test", ""}, std::pair{"alice@other.test", ""},
        std::pair{"Alice@upn.test", ""}, std::pair{"alice@UPN.TEST", ""},
        std::pair{"alice@upn.test", "UPN.TEST"}, std::pair{"bob", ""}}) {
    settings = with(user, realm);
    EXPECT_STREQ(refused().where, "the credential cache is another user's") << user << realm;
  }
}

TEST_F(UpnCacheTest, BesideAPasswordTheRealmIsTheUsers) {
  settings = with("alice@upn.test", "EXAMPLE.TEST");
  settings.password = SecretBytes(std::string_view("Password1"));
  ASSERT_TRUE(get(made(), kService).has_value());
  EXPECT_FALSE(proof_sent) << "the cache has the ticket-granting ticket";
  settings = with("alice@upn.test");
  settings.password = SecretBytes(std::string_view("Password1"));
  EXPECT_EQ(user_realm(*made()), "UPN.TEST");
}

TEST_F(UpnCacheTest, OtherProgramsSeeASetting) {
  const SecretBytes file = write_ccache(*first).value();
  const auto ccache = krb5::parse_ccache(file.view()).value();
  EXPECT_EQ(krb5::principal_text(ccache.default_principal()), "alice@EXAMPLE.TEST");
  ASSERT_EQ(ccache.size(), 2u);
  const krb5::CcacheCredential setting = *ccache.begin();
  EXPECT_TRUE(setting.is_config());
  EXPECT_EQ(krb5::principal_text(setting.server),
            "krb5_ccache_conf_data/pocketgss_asked_for@X-CACHECONF:");
  EXPECT_EQ(setting.ticket, as_bytes("alice\\@upn.test@EXAMPLE.TEST"));
}

TEST_F(TicketsTest, TheOwnerOfACacheIsTheUserWhereNoneIsNamedBesideAPassword) {
  const auto first = made();
  ASSERT_TRUE(get(first, "").has_value());
  const auto beside = [&](std::string_view realm) {
    settings = {};
    settings.realm = realm;
    settings.password = SecretBytes(std::string_view("Password1"));
    settings.ccache = write_ccache(*first).value();
  };
  beside("");
  const auto tickets = made();
  ASSERT_TRUE(get(tickets, kService).has_value());
  EXPECT_FALSE(proof_sent);
  clock.advance(11 * kHour);
  EXPECT_EQ(get(tickets, kService).value().client, "alice@EXAMPLE.TEST");
  EXPECT_TRUE(proof_sent) << "the password is of the same user";
  beside("OTHER.TEST");
  EXPECT_EQ(refused().code, Errc::kNeedsCredential);
}

TEST_F(TicketsTest, TheRealmOfTheUserIsTold) {
  EXPECT_EQ(user_realm(*made()), "EXAMPLE.TEST");
  settings = {};
  settings.keytab = keytab_of("host/device@OTHER.TEST", "Password1");
  EXPECT_EQ(user_realm(*made()), "OTHER.TEST");
}

TEST_F(TicketsTest, NothingIsWrittenWhereNothingWasGot) {
  EXPECT_EQ(write_ccache(*made()).error().code, Errc::kNeedsCredential);
}

TEST_F(TicketsTest, P10_AnNtHashNeedsThePolicy) {
  settings.password = SecretBytes();
  settings.nt_hash = octets(16);
  EXPECT_EQ(refused().code, Errc::kPolicy);
}

TEST_F(TicketsTest, P10_Etype23NeedsThePolicy) {
  if (!krb5::known_etype(23)) GTEST_SKIP() << "etype 23 is not built";
  settings.etypes = {18, 23};
  EXPECT_EQ(refused().code, Errc::kPolicy);
}

TEST_F(TicketsTest, P10_ACacheOfForbiddenTicketsIsToldAsSuch) {
  kdc.twist.session_etype = 23;
  if (!krb5::known_etype(23)) GTEST_SKIP() << "etype 23 is not built";
  settings.etypes = {17, 23};
  settings.allow_rc4 = true;
  const auto first = made();
  ASSERT_TRUE(get(first, "").has_value());
  settings = {};
  settings.ccache = write_ccache(*first).value();
  const Error error = refused();
  EXPECT_EQ(error.code, Errc::kPolicy);
  EXPECT_EQ(std::string_view(error.where).substr(0, 3), "P10");
}

TEST_F(TicketsTest, P15_StrongPreauthenticationSendsNothingOfThePassword) {
  settings.require_strong_preauth = true;
  EXPECT_EQ(get(made(), kService).error().code, Errc::kPolicy);
  EXPECT_EQ(kdc.timestamps, 0);
}

// --- NTLM in the place of Kerberos ---

TEST(MayFallBack, P8_OnlyWhereKerberosCannotBeUsedAndNothingWasProven) {
  for (const Errc code : {Errc::kUnreachable, Errc::kPeerIncompatible, Errc::kNeedsCredential}) {
    EXPECT_TRUE(may_fall_back(Error{code, "why"}, false)) << name(code);
    EXPECT_FALSE(may_fall_back(Error{code, "why"}, true)) << name(code);
  }
  for (const Errc code : {Errc::kMalformed, Errc::kPeerMisbehaved, Errc::kPolicy, Errc::kAuthFailed,
                          Errc::kExpired, Errc::kApiMisuse, Errc::kNoMemory, Errc::kInternal}) {
    EXPECT_FALSE(may_fall_back(Error{code, "why"}, false)) << name(code);
  }
}

// BothNamed is a login in which the context asks for the ticket, and the user has named NTLM too.
class BothNamed : public TicketsTest {
 protected:
  // go carries the messages of the context until it has a token for the server, or an error.
  Result<ContextStep> go() {
    config = testing::initiator_config();
    config.tickets = made();
    config.target = kService;
    config.policy.inner = {InnerMechanism::kKerberos, InnerMechanism::kNtlm};
    context = make_initiator(runtime, MechanismKind::kSpnego, config).value();
    auto step = context->step({});
    while (step.has_value()) {
      const auto* const need = std::get_if<NeedExchange>(&step.value());
      if (need == nullptr) break;
      ExchangeAnswer answer;
      if (!silent) answer.reply = realms.carry(need->realm, need->request);
      step = context->resume(std::move(answer));
    }
    return step;
  }

  bool silent = false;  // no KDC answers
  InitiatorConfig config;
  std::unique_ptr<Context> context;
};

TEST_F(BothNamed, P8_WhereNoKdcAnswersNtlmIsOffered) {
  silent = true;
  ASSERT_TRUE(go().has_value());
  EXPECT_STREQ(context->mechanism_name(), "NTLM");
  EXPECT_FALSE(context->proof_sent());
}

TEST_F(BothNamed, P8_P15_WhereThePolicyRefusesNtlmIsNotOffered) {
  settings.require_strong_preauth = true;
  const auto step = go();
  ASSERT_FALSE(step.has_value());
  EXPECT_EQ(step.error().code, Errc::kPolicy);
  EXPECT_STREQ(context->mechanism_name(), "Kerberos");
  EXPECT_FALSE(context->proof_sent());
}

TEST_F(BothNamed, P8_WhereTheUserIsRefusedNtlmIsNotOffered) {
  settings.user = "nobody@EXAMPLE.TEST";
  const auto step = go();
  ASSERT_FALSE(step.has_value());
  EXPECT_EQ(step.error().peer_status, 6);
  EXPECT_FALSE(context->proof_sent());
}

TEST_F(BothNamed, P8_AWrongPasswordIsProvenOnce) {
  settings.password = SecretBytes(std::string_view("wrong"));
  const auto step = go();
  ASSERT_FALSE(step.has_value());
  EXPECT_EQ(step.error().peer_status, 24);
  EXPECT_STREQ(context->mechanism_name(), "Kerberos");
  EXPECT_TRUE(context->proof_sent());
}

TEST_F(TicketsTest, SettingsThatAreWrongAreRefused) {
  const auto with = [](const std::function<void(TicketSettings&)>& change) {
    TicketSettings out;
    out.user = "alice@EXAMPLE.TEST";
    out.password = SecretBytes(std::string_view("p"));
    change(out);
    const auto made = make_tickets(std::move(out));
    return made.has_value() ? Errc::kInternal : made.error().code;
  };
  EXPECT_EQ(with([](TicketSettings& s) { s.user = "alice"; }), Errc::kNeedsCredential);
  EXPECT_EQ(with([](TicketSettings& s) { s.user = ""; }), Errc::kNeedsCredential);
  EXPECT_EQ(with([](TicketSettings& s) { s.password = {}; }), Errc::kNeedsCredential);
  EXPECT_EQ(with([](TicketSettings& s) { s.user = "alice\\"; }), Errc::kMalformed);
  EXPECT_EQ(with([](TicketSettings& s) { s.user = "EXAMPLE\\alice"; }), Errc::kMalformed);
  EXPECT_EQ(with([](TicketSettings& s) { s.user = "EXAMPLE\\nick@R"; }), Errc::kMalformed);
  EXPECT_EQ(with([](TicketSettings& s) { s.user = "a\\\\nick\\@home@R"; }), Errc::kInternal);
  EXPECT_EQ(with([](TicketSettings& s) { s.user = "a@b@c"; }), Errc::kMalformed);
  EXPECT_EQ(with([](TicketSettings& s) { s.lifetime = -1; }), Errc::kApiMisuse);
  EXPECT_EQ(with([](TicketSettings& s) { s.lifetime = INT64_MAX; }), Errc::kApiMisuse);
  EXPECT_EQ(with([](TicketSettings& s) { s.max_clock_correction = -1; }), Errc::kApiMisuse);
  EXPECT_EQ(with([](TicketSettings& s) { s.etypes = {3}; }), Errc::kApiMisuse);
  EXPECT_EQ(with([](TicketSettings& s) { s.password = octets(1025); }), Errc::kApiMisuse);
  EXPECT_EQ(with([](TicketSettings& s) { s.nt_hash = octets(16); }), Errc::kApiMisuse);
  EXPECT_EQ(with([](TicketSettings& s) {
              s.password = {};
              s.keytab = SecretBytes(std::string_view("\x05\x09"));
            }),
            Errc::kMalformed);
  EXPECT_EQ(with([](TicketSettings& s) { s.ccache = SecretBytes(std::string_view("x")); }),
            Errc::kMalformed);
}

TEST_F(TicketsTest, AUserWhoseNameIsNoneIsToldByHisField) {
  for (const auto& [user, at] : {std::pair{"a@b@c", 3u}, std::pair{"a@b/c", 3u},
                                 std::pair{"alice\\", 5u}, std::pair{"EXAMPLE\\alice", 7u}}) {
    settings.user = user;
    settings.password = SecretBytes(std::string_view("p"));
    EXPECT_EQ(refused(), (Error{Errc::kMalformed, "user", at, 0})) << user;
  }
}

TEST_F(TicketsTest, ServicesThatAreNoneAreRefused) {
  const auto tickets = made();
  const auto code = [&](std::string_view service) {
    const auto request = request_ticket(runtime, tickets, service);
    return request.has_value() ? Errc::kInternal : request.error().code;
  };
  EXPECT_EQ(code("smtp"), Errc::kApiMisuse);
  EXPECT_EQ(code("smtp/a/b"), Errc::kApiMisuse);
  EXPECT_EQ(code("smtp/"), Errc::kApiMisuse);
  EXPECT_EQ(code("smtp/h@A@B"), Errc::kApiMisuse);
  EXPECT_EQ(code("smtp/h\\"), Errc::kApiMisuse);
  EXPECT_EQ(forget_ticket(*tickets, "smtp/h\\").error().code, Errc::kApiMisuse);
  EXPECT_EQ(code("smtp/192.0.2.1"), Errc::kPeerIncompatible);
  EXPECT_EQ(request_ticket(runtime, nullptr, kService).error().code, Errc::kApiMisuse);
}

// What the program set wrong is not told as the peer's token.
TEST_F(TicketsTest, ATargetThatIsNoneIsTheCallersFault) {
  InitiatorConfig config;
  config.tickets = made();
  for (const char* target : {"smtp/h\\", "smtp/h@A@B", "smtp", ""}) {
    config.target = target;
    EXPECT_EQ(make_initiator(runtime, MechanismKind::kKerberos, config).error().code,
              Errc::kApiMisuse)
        << target;
  }
  EXPECT_EQ(make_initiator(runtime, MechanismKind::kSpnego, config).error(),
            (Error{Errc::kApiMisuse, "InitiatorConfig.target", 0, 0}));
  config.target = "smtp/h\\";
  const auto context = make_initiator(runtime, MechanismKind::kSpnego, config).value();
  EXPECT_EQ(context->step({}).error().code, Errc::kApiMisuse);
  config.target = "smtp/192.0.2.1";
  EXPECT_EQ(make_initiator(runtime, MechanismKind::kKerberos, config).error().code,
            Errc::kPeerIncompatible);
}

TEST_F(TicketsTest, P8_WithoutATargetNtlmIsOfferedAlone) {
  InitiatorConfig config = testing::initiator_config();
  config.policy.inner = {InnerMechanism::kKerberos, InnerMechanism::kNtlm};
  config.tickets = made();
  config.target.clear();
  const auto outcome = testing::run(MechanismKind::kSpnego, config, testing::acceptor_config());
  ASSERT_TRUE(outcome.established()) << outcome.why();
  EXPECT_STREQ(outcome.initiator->info().mechanism, "NTLM");
}

TEST_F(TicketsTest, CallsOutOfTurnAreRefused) {
  auto request = request_ticket(runtime, made(), kService).value();
  EXPECT_EQ(request->resume({}).error().code, Errc::kApiMisuse);
  ASSERT_TRUE(request->start().has_value());
  EXPECT_EQ(request->start().error().code, Errc::kApiMisuse);
}

TEST_F(TicketsTest, ThreadsShareOneSource) {
  const auto tickets = made();
  ASSERT_TRUE(get(tickets, kService).has_value());
  std::vector<std::thread> threads;
  std::atomic<int> found = 0;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      FakeClock own_clock{clock.now()};
      CountingRandom own_random;
      Runtime own = Runtime::create(own_clock, own_random).value();
      for (int round = 0; round < 100; ++round) {
        auto request = request_ticket(own, tickets, kService).value();
        if (std::holds_alternative<Ticket>(request->start().value())) ++found;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(found, 400);
}

// A whole login: the context finds the ticket that the request got.
TEST_F(TicketsTest, AContextLogsInWithTheTicket) {
  const auto tickets = made();
  ASSERT_TRUE(get(tickets, kService).has_value());
  krb5::KeytabEntry entry;
  const auto service = krb5::parse_principal("smtp/mail.example.test@EXAMPLE.TEST", "").value();
  const krb5::Key& key = kdc.services.at(kService);
  entry.principal = service.view();
  entry.etype = static_cast<int32_t>(key.etype());
  entry.key = key.view();
  entry.set_kvno(1);
  InitiatorConfig initiator;
  initiator.tickets = tickets;
  initiator.target = kService;
  AcceptorConfig acceptor;
  acceptor.host = "mail.example.test";
  acceptor.keys = read_service_keys(krb5::write_keytab({&entry, 1}).value()).value();
  acceptor.replay_cache = make_replay_cache(clock).value();
  for (const MechanismKind kind : {MechanismKind::kSpnego, MechanismKind::kKerberos}) {
    auto client = make_initiator(runtime, kind, initiator).value();
    auto server = make_acceptor(runtime, kind, acceptor).value();
    auto token = std::get<Continue>(client->step({}).value()).token;
    const auto answer = server->step(token);
    ASSERT_TRUE(answer.has_value()) << describe(answer.error());
    ASSERT_TRUE(client->step(*std::get<Established>(answer.value()).token).has_value());
    EXPECT_TRUE(client->established());
    EXPECT_EQ(server->info().initiator_name, "alice@EXAMPLE.TEST");
  }
}

}  // namespace
}  // namespace pocketgss
