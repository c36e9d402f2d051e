// Clients that go away at each step of the dialogue (SMT-15): nothing of them may stay. PGSS_SOAK_ABORTS
// is how many there are in each of the tests; script/soak runs 100,000.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <thread>
#include <vector>

#include <pocketgss/base64.h>
#include <pocketgss/sasl.h>

#include "tests/fakes/kerberos_login.h"
#include "tests/soak/counted_serve.h"

namespace pocketgss::tools {
namespace {

using testing::CountedServe;
using testing::Held;
using testing::RawClient;

constexpr int kThreads = 8;

int aborts() {
  const char* asked = std::getenv("PGSS_SOAK_ABORTS");
  return asked == nullptr ? 2'000 : std::atoi(asked);
}

// bob logs in by NTLM.
InitiatorConfig bob() {
  Runtime runtime = Runtime::create().value();
  InitiatorConfig config;
  config.credential = Credential::from_password(runtime, AccountName::parse("bob").value(),
                                                SecretBytes(std::string_view("password")))
                          .value();
  config.policy.inner = {InnerMechanism::kNtlm};
  return config;
}

// Shared is what the clients of one thread use again and again.
struct Shared {
  InitiatorConfig login;
  Runtime runtime = Runtime::create().value();
  TrustStore trust = TrustStore::from_file(PGSS_TEST_DATA "/ca.pem").value();
};

// A Step takes a connection as far as its name says; false: it did not come so far.
struct Step {
  const char* name;
  std::function<bool(RawClient&, Shared&)> go;
};

bool says(RawClient& client, const std::string& line, std::string_view code) {
  return client.command(line).starts_with(code);
}

bool greeted(RawClient& client) {
  return client.reply().starts_with("220 ") && says(client, "EHLO c", "250");
}

// authenticates goes through a login up to its `challenges`th 334, or to the 235 where there are no
// more; `half` sends half of the line that comes next.
bool authenticates(RawClient& client, Shared& shared, SaslMechanism mechanism, int challenges,
                   bool half = false) {
  InitiatorContexts contexts(shared.runtime, shared.login);
  const auto sasl = make_sasl_client(mechanism, contexts, {}).value();
  Bytes challenge;  // the text of the first 334 is none (quirk A12)
  std::string reply = client.command("AUTH " + std::string(sasl_name(mechanism)));
  for (int seen = 1; reply.starts_with("334"); ++seen) {
    const auto step = sasl->step(challenge);
    if (!step.has_value()) return false;
    const std::string line = base64_encode(std::get<SaslClient::Response>(step.value()).token);
    if (seen == challenges) {
      if (half) client.send(line.substr(0, line.size() / 2));
      return true;
    }
    reply = client.command(line);
    if (!reply.starts_with("334 ")) break;
    auto decoded = base64_decode(std::string_view(reply).substr(4, reply.size() - 6));
    if (!decoded.has_value()) return false;
    challenge = std::move(decoded).value();
  }
  return challenges == 0 && reply.starts_with("235 ");
}

bool logs_in(RawClient& client, Shared& shared) {
  return authenticates(client, shared, SaslMechanism::kGssapi, 0);
}

bool begins_mail(RawClient& client, Shared& shared) {
  return greeted(client) && logs_in(client, shared) && says(client, "MAIL FROM:<a@b.test>", "250");
}

bool begins_data(RawClient& client, Shared& shared) {
  return begins_mail(client, shared) && says(client, "RCPT TO:<c@d.test>", "250") &&
         says(client, "DATA", "354");
}

bool sends(RawClient& client, std::string_view text) {
  client.send(text);
  return true;
}

// add_login_steps adds a step for each of a login's 334s, and for the half of each answer.
void add_login_steps(std::vector<Step>& steps, const char* name, SaslMechanism mechanism,
                     int challenges) {
  for (int i = 1; i <= challenges; ++i) {
    for (const bool half : {false, true}) {
      steps.push_back({name, [=](RawClient& client, Shared& shared) {
                         return greeted(client) &&
                                authenticates(client, shared, mechanism, i, half);
                       }});
    }
  }
}

// The server runs the layer step too: GSSAPI has a 334 for the command alone, the CHALLENGE, the last
// NegTokenResp and the layers.
std::vector<Step> steps_in_clear() {
  std::vector<Step> steps = {
      {"connection", [](RawClient&, Shared&) { return true; }},
      {"greeting", [](RawClient& c, Shared&) { return c.reply().starts_with("220 "); }},
      {"half an EHLO",
       [](RawClient& c, Shared&) { return c.reply().starts_with("220 ") && sends(c, "EHLO c"); }},
      {"EHLO", [](RawClient& c, Shared&) { return greeted(c); }},
      {"half an AUTH",
       [](RawClient& c, Shared&) { return greeted(c) && sends(c, "AUTH GSSAPI YII"); }},
      {"a cancelled AUTH",
       [](RawClient& c, Shared&) {
         return greeted(c) && says(c, "AUTH GSSAPI", "334") && says(c, "*", "501");
       }},
      {"235", [](RawClient& c, Shared& s) { return greeted(c) && logs_in(c, s); }},
      {"MAIL", begins_mail},
      {"RCPT", [](RawClient& c,
                  Shared& s) { return begins_mail(c, s) && says(c, "RCPT TO:<c@d.test>", "250"); }},
      {"DATA", begins_data},
      {"half a message",
       [](RawClient& c, Shared& s) {
         return begins_data(c, s) && sends(c, "Subject: hello\r\n\r\n" + std::string(5'000, 'x'));
       }},
      {"the end of a message",
       [](RawClient& c, Shared& s) {
         return begins_data(c, s) && sends(c, "Subject: hello\r\n\r\ntext\r\n.\r\n");
       }},
  };
  add_login_steps(steps, "a challenge of GSSAPI", SaslMechanism::kGssapi, 4);
  add_login_steps(steps, "a challenge of GSS-SPNEGO", SaslMechanism::kGssSpnego, 4);
  add_login_steps(steps, "a challenge of NTLM", SaslMechanism::kNtlm, 2);
  return steps;
}

// Inside SPNEGO the AP-REP comes with the last NegTokenResp; bare, the layers follow an empty answer.
std::vector<Step> steps_of_kerberos() {
  std::vector<Step> steps = {
      {"235 by Kerberos", [](RawClient& c, Shared& s) { return greeted(c) && logs_in(c, s); }}};
  add_login_steps(steps, "a challenge of Kerberos in SPNEGO", SaslMechanism::kGssapi, 3);
  add_login_steps(steps, "a challenge of bare Kerberos", SaslMechanism::kGssapiKrb5, 3);
  return steps;
}

bool asks_for_tls(RawClient& client) {
  return greeted(client) && says(client, "STARTTLS", "220");
}

bool has_tls(RawClient& client, Shared& shared) {
  return asks_for_tls(client) && client.start_tls(shared.trust);
}

// client_hello gives the first octets of a handshake.
Bytes client_hello(const Shared& shared) {
  return make_tls_client(shared.trust, "localhost").value()->take_output();
}

std::vector<Step> steps_over_tls() {
  return {
      {"STARTTLS", [](RawClient& c, Shared&) { return asks_for_tls(c); }},
      {"half a ClientHello",
       [](RawClient& c, Shared& s) {
         const Bytes hello = client_hello(s);
         return asks_for_tls(c) && sends(c, as_text(ByteView(hello).prefix(hello.size() / 2)));
       }},
      {"ClientHello",
       [](RawClient& c, Shared& s) {
         return asks_for_tls(c) && sends(c, as_text(client_hello(s)));
       }},
      {"ServerHello",
       [](RawClient& c, Shared& s) {
         return asks_for_tls(c) && sends(c, as_text(client_hello(s))) && c.receives();
       }},
      {"a ClientHello that is none",
       [](RawClient& c, Shared&) {
         return asks_for_tls(c) && sends(c, "EHLO c\r\n") && (c.receives() || true);
       }},
      {"TLS", has_tls},
      {"EHLO within TLS",
       [](RawClient& c, Shared& s) { return has_tls(c, s) && says(c, "EHLO c", "250"); }},
      {"half a record",
       [](RawClient& c, Shared& s) {
         if (!has_tls(c, s)) return false;
         static_cast<void>(c.tls()->send(as_bytes("EHLO c\r\n")));
         const Bytes record = c.tls()->take_output();
         c.send_raw(ByteView(record).prefix(record.size() / 2));
         return true;
       }},
      {"a challenge within TLS",
       [](RawClient& c, Shared& s) {
         return has_tls(c, s) && says(c, "EHLO c", "250") &&
                authenticates(c, s, SaslMechanism::kNtlm, 2);
       }},
      {"the end of TLS within AUTH",
       [](RawClient& c, Shared& s) {
         if (!has_tls(c, s) || !says(c, "EHLO c", "250") ||
             !authenticates(c, s, SaslMechanism::kNtlm, 2))
           return false;
         c.tls()->close();
         c.send_raw(c.tls()->take_output());
         return true;
       }},
  };
}

// run_aborts has `count` clients go away, a step after the other, in every second round of
// the steps by a reset.
void run_aborts(uint16_t port, const std::vector<Step>& steps, const InitiatorConfig& login,
                int count) {
  std::atomic<int> next{0};
  std::vector<std::atomic<int>> failed(steps.size());
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      Shared shared{login};
      for (int n = 0; (n = next.fetch_add(1)) < count;) {
        const size_t step = static_cast<size_t>(n) % steps.size();
        RawClient client(port);
        if (!steps[step].go(client, shared)) ++failed[step];
        if (static_cast<size_t>(n) / steps.size() % 2 == 0) client.reset();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  for (size_t i = 0; i < steps.size(); ++i)
    EXPECT_EQ(failed[i], 0) << "times the dialogue did not come to: " << steps[i].name;
}

void expect_nothing_stays(CountedServe& counted, const std::vector<Step>& steps,
                          const InitiatorConfig& login) {
  const size_t idle = counted.held().descriptors;
  const auto after = [&](int count) {
    run_aborts(counted.serve.port(), steps, login, count);
    return counted.held(idle + 1);  // the random source opens its file once
  };
  const int many = aborts();
  after(std::max(many / 4, static_cast<int>(4 * steps.size())));
  const Held before = after(static_cast<int>(2 * steps.size()));
  const Held end = after(many);
  std::printf(
      "[ FIGURES  ] %d aborts at %zu steps: RSS %ld KiB, before them %ld KiB; live blocks "
      "%lld and %lld\n",
      many, steps.size(), end.resident_kib, before.resident_kib, static_cast<long long>(end.blocks),
      static_cast<long long>(before.blocks));
  EXPECT_EQ(end.descriptors, before.descriptors);
  // Of each socket that is open at once Asio keeps a block for the next one; a block for each client at
  // one of the steps would be more.
  EXPECT_LT(end.blocks - before.blocks, 32);
  EXPECT_LT((end.resident_kib - before.resident_kib) * 50, before.resident_kib);
  EXPECT_EQ(counted.serve.temporary_files(), 0u);
}

TEST(SoakAborts, SMT_15_NothingStaysOfAnyStepInClear) {
  CountedServe counted;
  ASSERT_TRUE(counted.start(false, {"--layer-step", "always"})) << counted.serve.log();
  expect_nothing_stays(counted, steps_in_clear(), bob());
}

TEST(SoakAborts, SMT_15_NothingStaysOfAnyStepOfTls) {
  CountedServe counted;
  ASSERT_TRUE(counted.start(true)) << counted.serve.log();
  expect_nothing_stays(counted, steps_over_tls(), bob());
}

TEST(SoakAborts, SMT_15_NothingStaysOfAnyStepOfKerberos) {
  CountedServe counted;
  const pocketgss::testing::KerberosLogin kerberos;
  const std::string keytab =
      counted.serve.folder.write("keytab", as_text(kerberos.keytab().view()));
  ASSERT_TRUE(counted.start(false, {"--layer-step", "always", "--keytab", keytab}))
      << counted.serve.log();
  expect_nothing_stays(counted, steps_of_kerberos(), kerberos.initiator());
}

}  // namespace
}  // namespace pocketgss::tools
