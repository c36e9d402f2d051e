// Allocations that fail in the SMTP machines, each in turn (MEM-3): whatever fails, the end of a
// session is told, once.
#include <functional>

#include "tests/sasl/harness.h"
#include "tests/support/allocations.h"

namespace pocketgss {
namespace {

using testing::b64;
using testing::ClientSession;
using testing::FailingAllocations;
using testing::FakeScript;
using testing::ServerSession;

// failing runs `body` with the n-th allocation failing, and says whether it came so far.
bool failing(size_t n, const std::function<void()>& body) {
  const FailingAllocations fail(n);
  body();
  return fail.reached();
}

// Each of these ends a session of a server that has greeted.
void expect_server_closes(const char* what, const std::function<void(SmtpServer&)>& body) {
  size_t n = 1;
  for (bool reached = true; reached; ++n) {
    ASSERT_LT(n, 1000U) << what;
    ServerSession session;
    session.client("");
    session.server->tick(1);
    session.greet();
    ASSERT_FALSE(session.closed());
    reached = failing(n, [&] { body(*session.server); });
    session.sent();
    EXPECT_EQ(session.count<SmtpServer::Closed>(), 1U) << what << ", allocation " << n;
  }
  EXPECT_GT(n, 2U) << what << " allocates nothing";
}

TEST(SmtpServer, MEM_3_TellsItsEndWhicheverAllocationFails) {
  expect_server_closes("the client's end", [](SmtpServer& server) { server.closed(); });
  expect_server_closes("the deadline", [](SmtpServer& server) { server.tick(server.deadline()); });
  expect_server_closes("QUIT", [](SmtpServer& server) { server.receive(as_bytes("QUIT\r\n")); });
}

// Each of these is the end of a login that has begun.
void expect_client_fails(const char* what, const std::function<void(SmtpClient&)>& body) {
  size_t n = 1;
  for (bool reached = true; reached; ++n) {
    ASSERT_LT(n, 1000U) << what;
    ClientSession session;
    session.server("220 mail.example.test ESMTP\r\n");
    ASSERT_EQ(session.failure(), nullptr);
    reached = failing(n, [&] { body(*session.client); });
    session.sent();
    size_t failures = 0;
    for (const auto& event : session.events) {
      failures += std::holds_alternative<SmtpClient::Failed>(event) ? 1 : 0;
    }
    EXPECT_EQ(failures, 1U) << what << ", allocation " << n;
  }
  EXPECT_GT(n, 2U) << what << " allocates nothing";
}

TEST(SmtpClient, MEM_3_TellsItsEndWhicheverAllocationFails) {
  expect_client_fails("the server's end", [](SmtpClient& client) { client.closed(); });
  expect_client_fails("a refusal",
                      [](SmtpClient& client) { client.receive(as_bytes("554 no\r\n")); });
  expect_client_fails("nonsense",
                      [](SmtpClient& client) { client.receive(as_bytes("nonsense\r\n")); });
}

TEST(SmtpClient, MEM_3_TellsThatAProofHadLeftThoughAnAllocationFailed) {
  ClientSession session;
  session.contexts.scripts = {FakeScript().sends("init").ends("challenge", "answer").proof()};
  session.greet("GSSAPI");
  session.server("334 " + b64("challenge") + "\r\n");
  failing(1, [&] { session.client->closed(); });
  session.sent();
  ASSERT_NE(session.failure(), nullptr);
  EXPECT_EQ(session.failure()->error.code, Errc::kNoMemory);
  EXPECT_EQ(session.failure()->mechanism, SaslMechanism::kGssapi);
  EXPECT_TRUE(session.failure()->proof_sent);
}

}  // namespace
}  // namespace pocketgss
