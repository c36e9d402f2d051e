// One end of an SMTP session under test: bytes as text in, bytes as text out, events kept.
#ifndef PGSS_TESTS_SASL_HARNESS_H_
#define PGSS_TESTS_SASL_HARNESS_H_

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include <pocketgss/base64.h>
#include <pocketgss/smtp_client.h>
#include <pocketgss/smtp_server.h>

#include "tests/fakes/fake_context.h"

namespace pocketgss::testing {

inline std::string b64(std::string_view text) {
  return base64_encode(as_bytes(text));
}

// wrapped is `message` as FakeContext wraps it, in base64.
inline std::string b64_wrapped(std::string_view message) {
  std::string out = "WRAP";
  for (const char c : message) out.push_back(static_cast<char>(~c));
  return b64(out);
}

inline ChannelBinding a_binding() {
  return ChannelBinding{text_bytes("tls-server-end-point:hash")};
}

// Transcript keeps a session as the tools print it: tokens as text in brackets.
class Transcript final : public SmtpTranscript {
 public:
  void line(SmtpParty from, std::string_view shown) override { add(from, std::string(shown)); }
  void token(SmtpParty from, std::string_view prefix, SaslMechanism, ByteView token) override {
    add(from, std::string(prefix) + "[" + std::string(as_text(token)) + "]");
  }

  std::string text;

 private:
  void add(SmtpParty from, const std::string& shown) {
    text += (from == SmtpParty::kClient ? "C: " : "S: ") + shown + "\n";
  }
};

class ClientSession {
 public:
  // The usual case of a test: no TLS, everything listed, and NTLM named.
  ClientSession() {
    config.tls = SmtpClientConfig::Tls::kNone;
    config.ehlo_name = "client.example.test";
    contexts.policy_value.inner = {InnerMechanism::kNtlm};
  }

  // server feeds what the server says (whole, or octet by octet), and returns what the client
  // sends.
  std::string server(std::string_view text) {
    if (!client) client.emplace(contexts, config);
    if (by_octet) {
      for (const char& c : text) client->receive(as_bytes(std::string_view(&c, 1)));
    } else {
      client->receive(as_bytes(text));
    }
    return sent();
  }
  // greet goes as far as the EHLO reply, which lists `auth`.
  std::string greet(std::string_view auth = "GSSAPI GSS-SPNEGO NTLM") {
    server("220 mail.example.test ESMTP\r\n");
    return server("250-mail.example.test\r\n250 AUTH " + std::string(auth) + "\r\n");
  }
  std::string sent() {
    if (!client) client.emplace(contexts, config);
    while (auto event = client->next_event()) events.push_back(std::move(*event));
    return std::string(as_text(client->take_output()));
  }

  template <typename T>
  const T* find() const {
    for (const auto& event : events) {
      if (const auto* found = std::get_if<T>(&event)) return found;
    }
    return nullptr;
  }
  const SmtpFailure* failure() const {
    const auto* failed = find<SmtpClient::Failed>();
    return failed == nullptr ? nullptr : &failed->failure;
  }
  const SaslReport* report() const {
    const auto* ready = find<SmtpClient::Ready>();
    return ready == nullptr || !ready->login ? nullptr : &*ready->login;
  }

  FakeContexts contexts;
  SmtpClientConfig config;
  std::optional<SmtpClient> client;
  std::vector<SmtpClient::Event> events;
  bool by_octet = false;
};

class ServerSession {
 public:
  ServerSession() {
    config.hostname = "mail.example.test";
    config.auth_in_clear = true;
  }

  std::string client(std::string_view text) {
    start();
    if (by_octet) {
      for (const char& c : text) server->receive(as_bytes(std::string_view(&c, 1)));
    } else {
      server->receive(as_bytes(text));
    }
    return sent();
  }
  std::string greet() {
    client("");
    return client("EHLO client.example.test\r\n");
  }
  // log_in runs AUTH GSSAPI with one token; it needs a script that ends with it.
  std::string log_in() {
    contexts.scripts.push_back(FakeScript().ends());
    return client("AUTH GSSAPI " + b64("token") + "\r\n");
  }
  std::string sent() {
    start();
    while (auto event = server->next_event()) events.push_back(std::move(*event));
    return std::string(as_text(server->take_output()));
  }
  std::string answer(const SmtpReply& reply) {
    EXPECT_TRUE(server->reply(reply).has_value());
    return sent();
  }
  std::string accept() {
    EXPECT_TRUE(server->accept().has_value());
    return sent();
  }
  std::string account(std::optional<std::string> name, std::string_view key) {
    AccountAnswer answer;
    if (name) answer.account = Account{*name, SecretBytes(key)};
    EXPECT_TRUE(server->resume(std::move(answer)).has_value());
    return sent();
  }

  template <typename T>
  const T* find() const {
    for (const auto& event : events) {
      if (const auto* found = std::get_if<T>(&event)) return found;
    }
    return nullptr;
  }
  template <typename T>
  size_t count() const {
    size_t out = 0;
    for (const auto& event : events) out += std::holds_alternative<T>(event);
    return out;
  }
  // content is the message as it came, all pieces joined.
  std::string content() const {
    std::string out;
    for (const auto& event : events) {
      if (const auto* piece = std::get_if<SmtpServer::Content>(&event))
        out += as_text(piece->bytes);
    }
    return out;
  }
  bool closed() const { return find<SmtpServer::Closed>() != nullptr; }

  void start() {
    if (!server) server.emplace(contexts, config, transcript);
  }

  FakeContexts contexts;
  SmtpServerConfig config;
  SmtpTranscript* transcript = nullptr;
  std::optional<SmtpServer> server;
  std::vector<SmtpServer::Event> events;
  bool by_octet = false;
};

}  // namespace pocketgss::testing

#endif  // PGSS_TESTS_SASL_HARNESS_H_
