// Exchange: an initiator and an acceptor of ours in one process, with the messages between them
// open to the test.
#ifndef PGSS_TESTS_MECHS_NTLM_EXCHANGE_H_
#define PGSS_TESTS_MECHS_NTLM_EXCHANGE_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/utf16.h"
#include "mechs/ntlm/acceptor.h"
#include "mechs/ntlm/initiator.h"
#include "mechs/ntlm/messages.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fixed_random.h"
#include "tests/support/mechanism_step.h"

namespace pocketgss::mechs::ntlm::testing {

using pocketgss::testing::CountingRandom;
using pocketgss::testing::FakeClock;

inline NtHash hash_of(Runtime& runtime, std::string_view password) {
  return ntowf_v1(runtime.crypto(),
                  password_to_utf16le(as_bytes(password), "password").value().view());
}

inline Bytes utf16(std::string_view utf8) {
  Bytes out;
  utf8_to_utf16le(utf8, "test", out).value();
  return out;
}

// pairs_of returns the AV pairs of an AUTHENTICATE; they borrow from it.
inline AvPairs pairs_of(ByteView authenticate) {
  const AuthenticateMessage message = parse_authenticate(authenticate).value();
  return parse_ntlm_v2_response(message.nt_response, 0).value().av_pairs;
}

// A test changes the configurations and then takes the steps one by one, or all of them by run().
struct Exchange {
  Exchange(const Exchange&) = delete;  // its parts point at each other
  Exchange& operator=(const Exchange&) = delete;
  Exchange() {
    initiator.user = "alice";
    initiator.domain = "EXAMPLE";
    initiator.nt_hash = &nt_hash;
    initiator.target_name = "smtp/mail.example.test";
    initiator.flags = kIntegFlag | kConfFlag;
    acceptor.netbios_computer = "MAIL";
    acceptor.netbios_domain = "EXAMPLE";
    acceptor.dns_computer = "mail.example.test";
    acceptor.dns_domain = "example.test";
    acceptor.target_names = targets;
  }

  // bind gives the acceptor what its channel binds.
  void bind(std::vector<ByteView> to) {
    bindings = std::move(to);
    acceptor.channel_bindings = bindings;
  }

  void strict() { initiator.level = acceptor.level = PolicyLevel::kStrict; }

  void start() {
    client = make_initiator(runtime, initiator, integrity_needed).value();
    server = make_acceptor(runtime, acceptor).value();
  }

  Result<void> make_negotiate() {
    PGSS_TRY(MechanismStep taken, step(*client, {}));
    negotiate = std::get<Continue>(taken).token;
    return {};
  }
  Result<void> make_challenge() {
    PGSS_TRY(MechanismStep taken, step(*server, negotiate));
    challenge = std::get<Continue>(taken).token;
    return {};
  }
  Result<void> make_authenticate() {
    PGSS_TRY(MechanismStep taken, step(*client, challenge));
    client_done = std::move(std::get<Complete>(taken));
    authenticate = client_done.token.value();
    return {};
  }
  // verdict steps the acceptor with AUTHENTICATE and answers its question by `account`.
  Result<void> verdict() {
    PGSS_TRY(MechanismStep asked, step(*server, authenticate));
    question = std::get<NeedAccount>(asked);
    PGSS_TRY(MechanismStep taken, resume(*server, AccountAnswer{account()}));
    server_done = std::move(std::get<Complete>(taken));
    return {};
  }

  // until_challenge, until_authenticate: everything before the acceptor's verdict; the messages may
  // then be changed.
  Result<void> until_challenge() {
    start();
    PGSS_CHECK(make_negotiate());
    return make_challenge();
  }
  Result<void> until_authenticate() {
    PGSS_CHECK(until_challenge());
    return make_authenticate();
  }
  Result<void> run() {
    PGSS_CHECK(until_authenticate());
    return verdict();
  }

  FakeClock clock;
  CountingRandom random;
  Runtime runtime = Runtime::create(clock, random).value();
  NtHash nt_hash = hash_of(runtime, "Password1");
  NtHash server_hash = hash_of(runtime, "Password1");
  InitiatorConfig initiator;
  std::vector<std::string> targets = {"smtp/mail.example.test", "SMTPSVC/mail.example.test"};
  std::vector<ByteView> bindings;
  AcceptorConfig acceptor;
  bool integrity_needed = false;
  std::function<std::optional<Account>()> account = [this] {
    return Account{"alice", SecretBytes(ByteView(server_hash.view()))};
  };

  std::unique_ptr<Mechanism> client, server;
  Bytes negotiate, challenge, authenticate;
  Complete client_done, server_done;
  NeedAccount question;
};

}  // namespace pocketgss::mechs::ntlm::testing

#endif  // PGSS_TESTS_MECHS_NTLM_EXCHANGE_H_
