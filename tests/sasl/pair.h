// An SMTP client and an SMTP server, one against the other in memory, with the real mechanisms.
#ifndef PGSS_TESTS_SASL_PAIR_H_
#define PGSS_TESTS_SASL_PAIR_H_

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <pocketgss/smtp_client.h>
#include <pocketgss/smtp_server.h>

#include "tests/support/fixed_random.h"

namespace pocketgss::testing {

inline ChannelBinding binding_of(std::string_view hash) {
  const std::string data = "tls-server-end-point:" + std::string(hash);
  return ChannelBinding{as_bytes(data).to_bytes()};
}

// Pair logs in as alice and sends one message. TLS is played: both are told that it is there.
class Pair {
 public:
  Pair() {
    initiator.target = "smtp/mail.example.test";
    initiator.policy.inner = {InnerMechanism::kNtlm};
    acceptor.ntlm = true;
    acceptor.host = "mail.example.test";
    client_config.ehlo_name = "client.example.test";
    server_config.hostname = "mail.example.test";
    set_user("EXAMPLE\\alice", "Password1");
  }

  void set_user(std::string_view name, std::string_view password) {
    initiator.credential =
        Credential::from_password(runtime, AccountName::parse(name).value(), SecretBytes(password))
            .value();
  }

  // run goes on until neither side has anything to say.
  void run(size_t piece = 0) {
    InitiatorContexts client_contexts(runtime, initiator);
    AcceptorContexts server_contexts(runtime, acceptor);
    client.emplace(client_contexts, client_config);
    server.emplace(server_contexts, server_config, transcript);
    while (step(piece)) {
    }
    client.reset();
    server.reset();
  }

  CountingRandom random;
  Runtime runtime = Runtime::create(system_clock(), random).value();
  InitiatorConfig initiator;
  AcceptorConfig acceptor;
  SmtpClientConfig client_config;
  SmtpServerConfig server_config;
  SmtpTranscript* transcript = nullptr;
  ChannelBinding client_binding = binding_of("one");
  ChannelBinding server_binding = binding_of("one");
  std::function<void(Bytes&)> alter_client, alter_server;  // what they send, on its way
  bool store_down = false;                                 // no account can be looked up
  AuthorisationAnswer verdict = AuthorisationAnswer::kYes;
  std::string message = "Subject: x\r\n\r\n.\r\nhello\r\n";

  // What happened.
  std::optional<SaslReport> authorisation;  // that was asked for
  std::optional<SaslReport> client_login, server_login;
  std::optional<SmtpFailure> failure;
  std::vector<SmtpServer::LoginRefused> refused;
  std::optional<Error> closed;  // the server's last word
  std::string delivered;
  std::string from_client, from_server;  // every octet sent

 private:
  bool step(size_t piece) {
    bool busy = client_events();
    while (auto event = server->next_event()) {
      on_server(std::move(*event));
      busy = true;
    }
    busy |= pass(server->take_output(), from_server, alter_server, piece,
                 [&](ByteView bytes) { client->receive(bytes); });
    busy |= client_events();
    busy |= pass(client->take_output(), from_client, alter_client, piece,
                 [&](ByteView bytes) { server->receive(bytes); });
    return busy;
  }

  bool client_events() {
    bool busy = false;
    while (auto event = client->next_event()) {
      on_client(std::move(*event));
      busy = true;
    }
    return busy;
  }

  template <typename Take>
  static bool pass(Bytes output, std::string& log, const std::function<void(Bytes&)>& alter,
                   size_t piece, Take take) {
    log += as_text(output);
    if (alter) alter(output);
    ByteView rest = output;
    while (!rest.empty()) {
      const ByteView part = rest.prefix(piece == 0 ? rest.size() : std::min(piece, rest.size()));
      take(part);
      rest = rest.from(part.size());
    }
    return !output.empty();
  }

  void on_server(SmtpServer::Event event) {
    if (std::holds_alternative<SmtpServer::StartTls>(event)) {
      EXPECT_TRUE(server->tls_started({{server_binding}}).has_value());
    } else if (auto* account = std::get_if<SmtpServer::Account>(&event)) {
      AccountAnswer answer;
      answer.unavailable = store_down;
      if (account->need.user == "alice" || account->need.user == "alice@example.test") {
        answer.account =
            Account{"alice", nt_hash_of_password(runtime, as_bytes("Password1")).value()};
      }
      EXPECT_TRUE(server->resume(std::move(answer)).has_value());
    } else if (auto* asked = std::get_if<SmtpServer::Authorisation>(&event)) {
      authorisation = asked->need.report;
      EXPECT_FALSE(server_login.has_value());
      EXPECT_TRUE(server->authorise(verdict).has_value());
    } else if (auto* login = std::get_if<SmtpServer::LoggedIn>(&event)) {
      server_login = login->report;
    } else if (auto* no = std::get_if<SmtpServer::LoginRefused>(&event)) {
      refused.push_back(*no);
    } else if (auto* content = std::get_if<SmtpServer::Content>(&event)) {
      delivered += as_text(content->bytes);
    } else if (const auto* last = std::get_if<SmtpServer::Closed>(&event)) {
      closed = last->error;
    } else if (!std::holds_alternative<SmtpServer::Aborted>(event)) {
      EXPECT_TRUE(server->accept().has_value());
    }
  }

  void on_client(SmtpClient::Event event) {
    if (std::holds_alternative<SmtpClient::StartTls>(event)) {
      EXPECT_TRUE(client->tls_started({{client_binding}}).has_value());
    } else if (auto* ready = std::get_if<SmtpClient::Ready>(&event)) {
      client_login = ready->login;
      EXPECT_TRUE(client->mail("alice@example.test", {.size = message.size()}).has_value());
      EXPECT_TRUE(client->rcpt("bob@example.test").has_value());
      EXPECT_TRUE(client->data().has_value());
    } else if (auto* reply = std::get_if<SmtpClient::Reply>(&event)) {
      EXPECT_TRUE(reply->reply.positive()) << reply->verb << " " << reply->reply.text;
      if (reply->reply.code == 354) {
        EXPECT_TRUE(client->write_data(as_bytes(message)).has_value());
        EXPECT_TRUE(client->finish_data().has_value());
      } else if (reply->verb == ".") {
        EXPECT_TRUE(client->quit().has_value());
      }
    } else if (auto* failed = std::get_if<SmtpClient::Failed>(&event)) {
      failure = failed->failure;
    }
  }

  std::optional<SmtpClient> client;
  std::optional<SmtpServer> server;
};

}  // namespace pocketgss::testing

#endif  // PGSS_TESTS_SASL_PAIR_H_
