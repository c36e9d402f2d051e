// Our initiator and our acceptor with each other.
#include "tests/mechs/ntlm/exchange.h"

#include <gtest/gtest.h>

#include "tests/support/hex.h"

namespace pocketgss::mechs::ntlm {
namespace {

using pocketgss::testing::hex;
using testing::Exchange;

TEST(NtlmExchange, BothSidesEstablishOneKey) {
  Exchange e;
  ASSERT_TRUE(e.run().has_value());
  EXPECT_EQ(hex(e.client_done.protection->session_key()),
            hex(e.server_done.protection->session_key()));
  const ContextInfo& info = e.server_done.protection->info;
  EXPECT_STREQ(info.mechanism, "NTLM");
  EXPECT_EQ(info.initiator_name, "EXAMPLE\\alice");
  EXPECT_EQ(info.account_name, "alice");
  EXPECT_EQ(info.target_name, "smtp/mail.example.test");
  EXPECT_TRUE(info.mic_verified);
  EXPECT_FALSE(info.channel_bound);
  EXPECT_EQ(info.flags, kIntegFlag | kReplayFlag | kSequenceFlag | kConfFlag);
  EXPECT_EQ(info.flags, e.client_done.protection->info.flags);
  EXPECT_FALSE(e.server_done.token.has_value());
}

TEST(NtlmExchange, TheInitiatorHasTheLastToken) {
  Exchange e;
  ASSERT_TRUE(e.until_challenge().has_value());
  Step authenticate, question, last;
  ASSERT_TRUE(e.client->step(e.challenge, authenticate).has_value());
  EXPECT_EQ(authenticate.kind, Step::Kind::kEstablished);
  EXPECT_TRUE(authenticate.has_token);
  ASSERT_TRUE(e.server->step(authenticate.token, question).has_value());
  EXPECT_EQ(question.kind, Step::Kind::kAccount);
  EXPECT_TRUE(question.token.empty());
  ASSERT_TRUE(e.server->resume(AccountAnswer{e.account()}, last).has_value());
  EXPECT_EQ(last.kind, Step::Kind::kEstablished);
  EXPECT_FALSE(last.has_token);
  EXPECT_TRUE(last.token.empty());
}

TEST(NtlmExchange, EachSideGivesItsProtectionOnce) {
  Exchange e;
  ASSERT_TRUE(e.until_authenticate().has_value());
  EXPECT_NE(e.client_done.protection, nullptr);
  EXPECT_EQ(e.client->take_protection(), nullptr);
  EXPECT_EQ(e.server->take_protection(), nullptr);
  ASSERT_TRUE(e.verdict().has_value());
  EXPECT_NE(e.server_done.protection, nullptr);
  EXPECT_EQ(e.server->take_protection(), nullptr);
}

TEST(NtlmExchange, MessagesGoBothWays) {
  Exchange e;
  ASSERT_TRUE(e.run().has_value());
  MessageProtection& client = *e.client_done.protection;
  MessageProtection& server = *e.server_done.protection;
  Bytes token(client.wrap_size(5)), out(64);
  ASSERT_TRUE(client.wrap(as_bytes("hello"), true, token).has_value());
  EXPECT_EQ(server.unwrap(token, out).value().size, 5u);
  ASSERT_TRUE(server.wrap(as_bytes("world"), true, token).has_value());
  EXPECT_EQ(client.unwrap(token, out).value().size, 5u);
  EXPECT_EQ(as_text(ByteView(out).prefix(5)), "world");
}

TEST(NtlmExchange, RefusesAWrongPassword) {
  Exchange e;
  e.nt_hash = testing::hash_of(e.runtime, "Password2");
  EXPECT_EQ(e.run().error(), (Error{Errc::kAuthFailed, "wrong user, password or MIC", 0, 0}));
}

TEST(NtlmExchange, WorksAtStrict) {
  Exchange e;
  e.strict();
  EXPECT_TRUE(e.run().has_value());
}

}  // namespace
}  // namespace pocketgss::mechs::ntlm
