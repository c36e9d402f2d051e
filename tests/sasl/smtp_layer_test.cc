// SMTP sessions within a security layer (RFC 4954 4), each side alone and one against the other.
#include <gmock/gmock.h>

#include "tests/sasl/harness.h"
#include "tests/sasl/pair.h"

namespace pocketgss {
namespace {

using testing::b64;
using testing::b64_wrapped;
using testing::ClientSession;
using testing::FakeScript;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;
using testing::Pair;
using testing::ServerSession;
using Kind = SmtpFailure::Kind;
using Tls = SmtpClientConfig::Tls;

constexpr SecurityLayer kBoth = kIntegrityLayer | kConfidentialityLayer;
constexpr SecurityLayer kAny = kNoLayer | kBoth;

// --- with SPNEGO and NTLM inside ---

void set_up(Pair& pair, SecurityLayer client, SecurityLayer server, Tls tls = Tls::kNone) {
  pair.client_config.tls = tls;
  pair.client_config.layer.layers = client;
  pair.server_config.layer.layers = server;
  pair.server_config.auth_in_clear = true;
}

void expect_delivered(const Pair& pair, SecurityLayer layer) {
  ASSERT_FALSE(pair.failure.has_value()) << pair.failure->message;
  ASSERT_TRUE(pair.client_login && pair.server_login);
  EXPECT_EQ(pair.delivered, pair.message);
  EXPECT_EQ(pair.client_login->layer, layer);
  EXPECT_EQ(pair.server_login->layer, layer);
  EXPECT_EQ(pair.from_client.find("MAIL FROM") == std::string::npos, layer != kNoLayer);
  EXPECT_EQ(pair.from_server.find("354 ") == std::string::npos, layer != kNoLayer);
  EXPECT_THAT(pair.from_server, HasSubstr("235 2.7.0"));
}

TEST(SmtpLayerPair, SSEAN_W1_DeliversWithinALayerHoweverTheBytesAreCut) {
  for (const SaslMechanism mechanism : {SaslMechanism::kGssapi, SaslMechanism::kGssSpnego}) {
    for (const SecurityLayer layer : {kIntegrityLayer, kConfidentialityLayer}) {
      for (const size_t piece : {0u, 1u, 3u, 17u, 1000u}) {
        Pair pair;
        set_up(pair, layer, layer);
        pair.client_config.mechanism = mechanism;
        pair.message = "Subject: x\r\n\r\n" + std::string(3'000, 'y') + "\r\n.\r\n";
        pair.run(piece);
        ASSERT_NO_FATAL_FAILURE(expect_delivered(pair, layer)) << sasl_name(mechanism) << piece;
      }
    }
  }
}

TEST(SmtpLayerPair, SSEAN_W1_DeliversWhatNeedsManyBuffers) {
  Pair pair;
  set_up(pair, kBoth, kBoth);
  pair.client_config.layer.max_receive = pair.server_config.layer.max_receive = 40;
  for (int i = 0; i < 500; ++i) pair.message += "line " + std::to_string(i) + "\r\n";
  pair.run();
  expect_delivered(pair, kConfidentialityLayer);
}

TEST(SmtpLayerPair, SSEAN_W1_NothingChangesByDefault) {
  Pair pair;
  set_up(pair, kNoLayer, kNoLayer);
  pair.run();
  ASSERT_NO_FATAL_FAILURE(expect_delivered(pair, kNoLayer));
  EXPECT_FALSE(pair.client_login->layer_step);
  EXPECT_THAT(pair.from_client, MatchesRegex("EHLO [^\r]*\r\nAUTH (.|\r|\n)*\r\nMAIL (.|\r|\n)*"));
}

TEST(SmtpLayerPair, SSEAN_W1_P25_EveryWishMeetsEveryOffer) {
  for (int client = 1; client < 8; ++client) {
    for (int server = 1; server < 8; ++server) {
      Pair pair;
      set_up(pair, static_cast<SecurityLayer>(client), static_cast<SecurityLayer>(server));
      pair.run();
      const int both = client & server;
      if (both != 0) {
        const int layer = both >= 4 ? 4 : both >= 2 ? 2 : 1;
        ASSERT_NO_FATAL_FAILURE(expect_delivered(pair, static_cast<SecurityLayer>(layer)))
            << client << " and " << server;
        continue;
      }
      EXPECT_TRUE(pair.failure.has_value()) << client << " and " << server;
      EXPECT_FALSE(pair.client_login.has_value());
      EXPECT_EQ(pair.delivered, "");
    }
  }
}

TEST(SmtpLayerPair, SSEAN_W1_P25_QuirkA22_WithinTlsALayerRunsOnlyWhereItIsRequired) {
  for (const Tls tls : {Tls::kStartTls, Tls::kImplicit}) {
    for (const SaslMechanism mechanism : {SaslMechanism::kGssapi, SaslMechanism::kGssSpnego}) {
      Pair allowed, required;
      set_up(allowed, kAny, kAny, tls);
      set_up(required, kBoth, kBoth, tls);
      for (Pair* pair : {&allowed, &required}) {
        pair->client_config.mechanism = mechanism;
        pair->server_config.implicit_tls = tls == Tls::kImplicit;
        pair->run();
      }
      ASSERT_NO_FATAL_FAILURE(expect_delivered(allowed, kNoLayer));
      ASSERT_NO_FATAL_FAILURE(expect_delivered(required, kConfidentialityLayer));
      EXPECT_TRUE(required.server_login->context.channel_bound);
    }
  }
}

TEST(SmtpLayerPair, SSEAN_W1_P25_ARequiredLayerThatIsNotGivenEndsTheSession) {
  Pair pair;
  set_up(pair, kBoth, kNoLayer);
  pair.run();
  ASSERT_TRUE(pair.failure.has_value());
  EXPECT_EQ(pair.failure->kind, Kind::kLocal);
  EXPECT_THAT(pair.failure->message, HasSubstr("P25: security layer required"));
  EXPECT_THAT(pair.from_client, Not(HasSubstr("MAIL")));
}

// Quirk A22: the flags are the wish, and NTLM's are set by SPNEGO's own need: a server that takes
// layers there cannot serve a client that means none.
TEST(SmtpLayerPair, SSEAN_W1_QuirkA22_UnderGssSpnegoTheFlagsOfAClientWithoutALayerMislead) {
  Pair pair;
  set_up(pair, kNoLayer, kAny);
  pair.client_config.mechanism = SaslMechanism::kGssSpnego;
  pair.run();
  ASSERT_TRUE(pair.closed.has_value());
  EXPECT_STREQ(pair.closed->where, "security layer buffer: size");
  EXPECT_EQ(pair.delivered, "");
}

TEST(SmtpLayerPair, SSEAN_W1_AnAlteredBufferEndsTheSessionOfEitherSide) {
  for (const bool from_client : {true, false}) {
    for (size_t at = 0; at < 4 + 16 + 8; ++at) {
      Pair pair;
      set_up(pair, kBoth, kBoth);
      bool within = false;
      bool altered = false;
      bool waits = false;  // a length that became greater waits for more
      const auto alter = [&](Bytes& bytes) {
        if (std::exchange(altered, true)) return;
        waits = (at == 2 || at == 3) && (bytes.at(at) & 0x10) == 0;
        bytes.at(at) = static_cast<uint8_t>(bytes.at(at) ^ 0x10);
      };
      // The client's second EHLO is the first thing that is wrapped, its answer the second.
      pair.alter_server = [&](Bytes& bytes) {
        if (within && !from_client) alter(bytes);
        within |= as_text(bytes).starts_with("235 ");
      };
      pair.alter_client = [&](Bytes& bytes) {
        if (within && from_client) alter(bytes);
      };
      pair.run();
      ASSERT_TRUE(altered);
      EXPECT_EQ(pair.delivered, "");
      EXPECT_FALSE(pair.client_login.has_value()) << at;
      if (from_client) {
        ASSERT_EQ(pair.closed.has_value(), !waits) << at;
        if (pair.closed) {
          EXPECT_NE(pair.closed->code, Errc::kUnreachable);
        }
      } else {
        ASSERT_EQ(pair.failure.has_value(), !waits) << at;
        if (pair.failure) {
          EXPECT_EQ(pair.failure->kind, Kind::kLayer) << pair.failure->message;
        }
      }
    }
  }
}

// --- the client alone ---

std::string message(int layer, uint32_t size) {
  return {static_cast<char>(layer), static_cast<char>(size >> 16), static_cast<char>(size >> 8),
          static_cast<char>(size)};
}
std::string buffer(std::string_view content) {
  std::string token = "WRAP";
  for (const char c : content) token.push_back(static_cast<char>(~c));
  return std::string{0, 0, static_cast<char>(token.size() >> 8), static_cast<char>(token.size())} +
         token;
}

struct LayeredClient : ClientSession {
  LayeredClient() {
    config.layer = {kBoth, 0x200};
    contexts.scripts.push_back(FakeScript().ends(std::nullopt, "only").protects());
    greet("GSSAPI");
    EXPECT_EQ(server("334 " + b64_wrapped(message(4, 0x10000)) + "\r\n"),
              b64_wrapped(message(4, 0x200)) + "\r\n");
  }
};

TEST(SmtpClientLayer, SSEAN_W1_SaysEhloAgainAndForgetsWhatTheServerSaidBefore) {
  LayeredClient session;
  EXPECT_EQ(session.server("235 2.7.0 ok\r\n"), buffer("EHLO client.example.test\r\n"));
  EXPECT_EQ(session.report(), nullptr);
  EXPECT_TRUE(session.client->capabilities().auth.empty());
  EXPECT_EQ(session.server(buffer("250-mail\r\n250 SIZE 10\r\n")), "");
  ASSERT_NE(session.report(), nullptr);
  EXPECT_EQ(session.report()->layer, kConfidentialityLayer);
  EXPECT_EQ(session.report()->max_send, 0x10000u);
  EXPECT_EQ(session.report()->max_receive, 0x200u);
  EXPECT_TRUE(session.client->capabilities().auth.empty());
  EXPECT_EQ(session.client->capabilities().size, 10u);
  ASSERT_TRUE(session.client->quit().has_value());
  EXPECT_EQ(session.sent(), buffer("QUIT\r\n"));
}

TEST(SmtpClientLayer, SSEAN_W1_ReadsAReplyThatIsCutAcrossBuffersAndPieces) {
  const std::string wire = "235 ok\r\n" + buffer("250-ma") + buffer("il\r\n25") + buffer("") +
                           buffer("0 PIPELINING\r\n");
  for (size_t cut = 1; cut < wire.size(); ++cut) {
    LayeredClient session;
    session.server(wire.substr(0, cut));
    session.server(wire.substr(cut));
    ASSERT_NE(session.report(), nullptr) << cut;
    EXPECT_TRUE(session.client->capabilities().pipelining);
  }
}

TEST(SmtpClientLayer, SSEAN_W1_SMT_2_RefusesClearTextBehindThe235) {
  LayeredClient session;
  session.server("235 2.7.0 ok\r\n250 AUTH PLAIN\r\n");
  ASSERT_NE(session.failure(), nullptr);
  EXPECT_EQ(session.failure()->kind, Kind::kLayer);
  EXPECT_THAT(session.failure()->message, HasSubstr("security layer buffer: size"));
  EXPECT_EQ(session.report(), nullptr);
}

TEST(SmtpClientLayer, SSEAN_W1_RefusesABufferAboveItsMaximumAndAWrongOne) {
  LayeredClient big, wrong;
  big.server("235 ok\r\n");
  big.server(std::string("\0\0\2\1", 4));
  ASSERT_NE(big.failure(), nullptr);
  EXPECT_STREQ(big.failure()->error.where, "security layer buffer: size");
  wrong.server("235 ok\r\n");
  wrong.server(std::string("\0\0\0\5wrong", 9));
  ASSERT_NE(wrong.failure(), nullptr);
  EXPECT_STREQ(wrong.failure()->error.where, "FakeContext: unwrap");
}

TEST(SmtpClientLayer, SSEAN_W1_StaysInClearWhereTheServerRefusesTheLogin) {
  LayeredClient session;
  EXPECT_EQ(session.server("535 5.7.8 no\r\n"), "");
  ASSERT_NE(session.failure(), nullptr);
  EXPECT_EQ(session.failure()->kind, Kind::kRefused);
}

TEST(SmtpClientLayer, SSEAN_W1_EndsWhereTheSecondEhloIsRefused) {
  LayeredClient session;
  session.server("235 ok\r\n");
  session.server(buffer("421 no\r\n"));
  ASSERT_NE(session.failure(), nullptr);
  EXPECT_EQ(session.failure()->kind, Kind::kEhlo);
  EXPECT_EQ(session.contexts.alive, 0);
}

// --- the server alone ---

struct LayeredServer : ServerSession {
  LayeredServer() {
    config.layer = {kBoth, 0x200};
    greet();
    contexts.scripts.push_back(FakeScript().ends().protects());
    EXPECT_EQ(client("AUTH GSSAPI " + b64("token") + "\r\n"),
              "334 " + b64_wrapped(message(6, 0x200)) + "\r\n");
  }
  // choose answers the offer, with `more` behind it.
  std::string choose(std::string_view more = "") {
    return client(b64_wrapped(message(4, 0x10000)) + "\r\n" + std::string(more));
  }
};
constexpr std::string_view kSuccess = "235 2.7.0 Authentication successful\r\n";

TEST(SmtpServerLayer, SSEAN_W1_BeginsBehindThe235AndForgetsWhatTheClientSaidBefore) {
  LayeredServer session;
  EXPECT_EQ(session.choose(), kSuccess);
  EXPECT_EQ(session.server->ehlo_name(), "");
  ASSERT_NE(session.server->login(), nullptr);
  EXPECT_EQ(session.server->login()->layer, kConfidentialityLayer);
  EXPECT_EQ(session.client(buffer("MAIL FROM:<a@b>\r\n")), buffer("503 5.5.1 EHLO first\r\n"));
  EXPECT_EQ(session.client(buffer("AUTH GSSAPI\r\n")), buffer("503 5.5.1 EHLO first\r\n"));
  session.client(buffer("EHLO again\r\n"));
  EXPECT_EQ(session.server->ehlo_name(), "again");
  EXPECT_EQ(session.client(buffer("AUTH GSSAPI\r\n")),
            buffer("503 5.5.1 Already authenticated\r\n"));
  EXPECT_EQ(session.client(buffer("QUIT\r\n")), buffer("221 2.0.0 Bye\r\n"));
  EXPECT_TRUE(session.closed());
}

TEST(SmtpServerLayer, SSEAN_W1_OffersNoTlsWithinALayer) {
  LayeredServer session;
  session.choose();
  const std::string reply = session.client(buffer("EHLO again\r\n"));
  std::string text;
  for (const char c : reply.substr(8)) text.push_back(static_cast<char>(~c));
  EXPECT_THAT(text, HasSubstr("250-AUTH GSSAPI"));
  EXPECT_THAT(text, Not(HasSubstr("STARTTLS")));
  EXPECT_EQ(session.client(buffer("STARTTLS\r\n")),
            buffer("503 5.5.1 STARTTLS comes after EHLO and before AUTH\r\n"));
}

TEST(SmtpServerLayer, SSEAN_W1_SMT_1_RefusesClearTextBehindTheLastResponse) {
  LayeredServer session;
  EXPECT_EQ(session.choose("EHLO x\r\nMAIL FROM:<a@b>\r\n"), kSuccess);
  ASSERT_TRUE(session.closed());
  EXPECT_STREQ(session.find<SmtpServer::Closed>()->error.where, "security layer buffer: size");
  EXPECT_EQ(session.find<SmtpServer::Mail>(), nullptr);
}

TEST(SmtpServerLayer, SSEAN_W1_TakesBuffersBehindTheLastResponse) {
  LayeredServer session;
  const std::string out = session.choose(buffer("NOOP\r\n"));
  EXPECT_EQ(out, std::string(kSuccess) + buffer("250 2.0.0 OK\r\n"));
}

TEST(SmtpServerLayer, SSEAN_W1_ReadsAMessageThatIsCutAtAnyOctetAndWaitsForAnswers) {
  const std::string wire = buffer("EHLO x\r\nMAIL FROM:<a@b>\r\nRC") +
                           buffer("PT TO:<c@d>\r\nDATA\r\nSubj") + buffer("ect: x\r\n\r\n..\r") +
                           buffer("\n.\r\nQUIT\r\n");
  for (size_t cut = 0; cut <= wire.size(); ++cut) {
    LayeredServer session;
    session.choose();
    for (const std::string& part : {wire.substr(0, cut), wire.substr(cut)}) {
      session.client(part);
      while (session.server->wants_reply()) session.accept();
    }
    EXPECT_EQ(session.content(), "Subject: x\r\n\r\n.\r\n") << cut;
    ASSERT_TRUE(session.closed()) << cut;
    EXPECT_STREQ(session.find<SmtpServer::Closed>()->error.where, "QUIT");
  }
}

TEST(SmtpServerLayer, SSEAN_W1_AWrongBufferWithinAMessageAbortsIt) {
  LayeredServer session;
  session.choose(buffer("EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nSubject"));
  while (session.server->wants_reply()) session.accept();
  EXPECT_EQ(session.client(std::string("\0\0\2\1", 4)), "");
  ASSERT_TRUE(session.closed());
  ASSERT_NE(session.find<SmtpServer::Aborted>(), nullptr);
  EXPECT_STREQ(session.find<SmtpServer::Aborted>()->error.where, "security layer buffer: size");
  EXPECT_EQ(session.contexts.alive, 0);
}

TEST(SmtpServerLayer, SSEAN_W1_AFailedChoiceLeavesTheSessionInClear) {
  LayeredServer session;
  EXPECT_EQ(session.client(b64_wrapped(message(1, 0)) + "\r\n"),
            "535 5.7.8 Authentication credentials invalid\r\n");
  EXPECT_EQ(session.client("NOOP\r\n"), "250 2.0.0 OK\r\n");
}

TEST(SmtpServerLayer, SSEAN_W1_TellsATimeoutWithinTheLayer) {
  LayeredServer session;
  session.server->tick(0);
  session.choose();
  session.server->tick(session.config.idle_time);
  EXPECT_EQ(session.sent(), buffer("421 4.4.2 Timeout\r\n"));
}

}  // namespace
}  // namespace pocketgss
