// A library that is built without Kerberos (PGSS_KERBEROS).
#include <gtest/gtest.h>
#include <pocketgss/context.h>
#include <pocketgss/tickets.h>

namespace pocketgss {
namespace {

TEST(WithoutKerberos, AKeyTableIsNotTaken) {
  const auto keys = read_service_keys(SecretBytes());
  ASSERT_FALSE(keys.has_value());
  EXPECT_EQ(keys.error().code, Errc::kPeerIncompatible);
  EXPECT_STREQ(keys.error().where, "Kerberos: this library is built without it");
}

TEST(WithoutKerberos, ThereIsNoReplayCache) {
  EXPECT_EQ(make_replay_cache(system_clock()).error().code, Errc::kPeerIncompatible);
}

TEST(WithoutKerberos, ThereAreNoTickets) {
  const auto tickets = make_tickets({});
  ASSERT_FALSE(tickets.has_value());
  EXPECT_EQ(tickets.error().code, Errc::kPeerIncompatible);
  EXPECT_TRUE(may_fall_back(tickets.error(), false));
}

TEST(WithoutKerberos, AContextLacksWhatItNeeds) {
  auto runtime = Runtime::create();
  ASSERT_TRUE(runtime.has_value());
  InitiatorConfig initiator;
  initiator.target = "smtp/mail.example.test";
  const auto client = make_initiator(runtime.value(), MechanismKind::kKerberos, initiator);
  ASSERT_FALSE(client.has_value());
  EXPECT_EQ(client.error(), (Error{Errc::kNeedsCredential, "InitiatorConfig.tickets", 0, 0}));
  AcceptorConfig acceptor;
  acceptor.host = "mail.example.test";
  acceptor.ntlm = true;
  const auto server = make_acceptor(runtime.value(), MechanismKind::kKerberos, acceptor);
  ASSERT_FALSE(server.has_value());
  EXPECT_EQ(server.error(), (Error{Errc::kNeedsCredential, "AcceptorConfig.keys", 0, 0}));
}

}  // namespace
}  // namespace pocketgss
