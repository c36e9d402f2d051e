// The two examples of README.md, compiled and run against each other over a pipe in memory.
// README.md has the text between the markers; script/check_docs compares.
#include <gtest/gtest.h>
#include <pocketgss/smtp_client.h>
#include <pocketgss/smtp_server.h>

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace pocketgss {
namespace {

// Pipe is one direction of a connection.
class Pipe {
 public:
  void write(ByteView bytes) {
    const std::lock_guard lock(mutex_);
    append(bytes_, bytes);
    changed_.notify_all();
  }
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }
  // read waits for bytes; empty: closed.
  Bytes read() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return closed_ || !bytes_.empty(); });
    return std::exchange(bytes_, Bytes());
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  Bytes bytes_;
  bool closed_ = false;
};

// Connection is what a program has of its own: a socket, and TLS on it. Here TLS is only played.
class Connection {
 public:
  Connection(Pipe& in, Pipe& out) : in_(in), out_(out) {}
  ~Connection() { out_.close(); }

  // read_into waits for bytes and gives them to the machine, or tells it that there will be none.
  template <typename Machine>
  void read_into(Machine& smtp) {
    const Bytes bytes = in_.read();
    bytes.empty() ? smtp.closed() : smtp.receive(bytes);
  }
  void write(ByteView bytes) { out_.write(bytes); }
  // start_tls is the server's end of the handshake, connect_tls the client's, which finds `host` in
  // the certificate, or nothing.
  TlsChannel start_tls() {
    tls_ = true;
    return {{ChannelBinding{as_bytes("tls-server-end-point:hash of the certificate").to_bytes()}}};
  }
  std::optional<TlsChannel> connect_tls(std::string_view host) {
    if (host != certificate) return std::nullopt;
    return start_tls();
  }
  bool tls() const { return tls_; }

  std::string certificate = "mail.example.test";  // whose it is

 private:
  Pipe& in_;
  Pipe& out_;
  bool tls_ = false;
};

// Accounts is a program's own user data base: names and NT hashes.
class Accounts {
 public:
  void add(const std::string& name, std::string_view password) {
    Runtime runtime = Runtime::create().value();
    hashes_.emplace(name, nt_hash_of_password(runtime, as_bytes(password)).value());
  }
  // find: an unknown name gives no account, and takes the same path as a wrong password.
  AccountAnswer find(const std::string& name) const {
    const auto found = hashes_.find(name);
    if (found == hashes_.end()) return {};
    return {Account{name, found->second.clone()}};
  }

 private:
  std::map<std::string, SecretBytes> hashes_;
};

// [client]
// Logs in over `net`, whose calls block. Returns why it could not, or nothing.
std::string log_in(Connection& net, const std::string& user, SecretBytes password) {
  Runtime runtime = Runtime::create().value();
  const auto name = AccountName::parse(user);
  if (!name.has_value()) return "the user name cannot be used";
  auto credential = Credential::from_password(runtime, name.value(), std::move(password));
  if (!credential.has_value()) return credential.error().where;  // "password is empty"
  InitiatorConfig login;
  login.credential = std::move(credential).value();
  login.target = "smtp/mail.example.test";
  login.policy.inner = {InnerMechanism::kNtlm};  // SPNEGO offers NTLM only where it is named
  InitiatorContexts contexts(runtime, login);
  SmtpClient smtp(contexts, {.ehlo_name = "laptop.example.test"});
  for (auto event = smtp.next_event();; event = smtp.next_event()) {
    net.write(smtp.take_output());
    if (!event) {
      net.read_into(smtp);
      continue;
    }
    if (holds_alternative<SmtpClient::StartTls>(*event)) {
      auto tls = net.connect_tls("mail.example.test");  // none: no TLS, or another's certificate
      (tls ? smtp.tls_started(std::move(*tls)) : smtp.tls_failed()).value();
    }
    if (holds_alternative<SmtpClient::Exchange>(*event)) smtp.resume({}).value();  // no KDC here
    if (auto* failed = get_if<SmtpClient::Failed>(&*event)) return failed->failure.message;
    if (holds_alternative<SmtpClient::Ready>(*event)) return "";  // now mail(), rcpt() and data()
  }
}
// [/client]

// [server]
void serve(Runtime& runtime, Connection& net, Accounts& accounts, Bytes& mail) {
  AcceptorConfig acceptor;
  acceptor.ntlm = true;
  acceptor.host = "mail.example.test";
  AcceptorContexts contexts(runtime, acceptor);
  const SmtpServerConfig config{.hostname = acceptor.host};
  SmtpServer smtp(contexts, config);
  for (auto event = smtp.next_event();; event = smtp.next_event()) {
    net.write(smtp.take_output());
    if (!event) {
      net.read_into(smtp);
      continue;
    }
    if (holds_alternative<SmtpServer::StartTls>(*event)) smtp.tls_started(net.start_tls()).value();
    if (auto* account = get_if<SmtpServer::Account>(&*event))
      smtp.resume(accounts.find(account->need.user)).value();
    if (auto* content = get_if<SmtpServer::Content>(&*event)) append(mail, content->bytes);
    if (holds_alternative<SmtpServer::Aborted>(*event)) mail.clear();  // the message broke off
    if (smtp.wants_reply()) smtp.accept().value();  // MAIL, RCPT, DATA, and a message that is whole
    if (holds_alternative<SmtpServer::Closed>(*event)) return;
  }
}
// [/server]

struct Outcome {
  std::string result;
  bool client_had_tls = false, server_had_tls = false;
};

Outcome log_in_with(std::string_view password, const std::string& user = "EXAMPLE\\alice",
                    std::string_view certificate = "mail.example.test") {
  Outcome out;
  Pipe to_server, to_client;
  std::thread serving([&] {
    Connection net(to_server, to_client);
    Accounts accounts;
    accounts.add("alice", "Password1");
    Runtime runtime = Runtime::create().value();
    Bytes mail;
    serve(runtime, net, accounts, mail);
    out.server_had_tls = net.tls();
  });
  {
    Connection net(to_client, to_server);
    net.certificate = certificate;
    out.result = log_in(net, user, SecretBytes(password));
    out.client_had_tls = net.tls();
  }
  serving.join();
  return out;
}

TEST(Readme, TheClientLogsInAtTheServer) {
  const Outcome outcome = log_in_with("Password1");
  EXPECT_EQ(outcome.result, "");
  EXPECT_TRUE(outcome.client_had_tls && outcome.server_had_tls);
}

TEST(Readme, TheClientTellsWhyItCannot) {
  const Outcome outcome = log_in_with("wrong");
  EXPECT_NE(outcome.result.find("the server refused the login"), std::string::npos)
      << outcome.result;
  EXPECT_NE(outcome.result.find("535"), std::string::npos) << outcome.result;
}

TEST(Readme, TheClientSaysThatTheCertificateIsAnothers) {
  const Outcome outcome = log_in_with("Password1", "alice", "other.example.test");
  EXPECT_NE(outcome.result.find("TLS with the server"), std::string::npos) << outcome.result;
  EXPECT_FALSE(outcome.client_had_tls);
}

TEST(Readme, TheClientRefusesWhatCannotBeALogin) {
  EXPECT_NE(log_in_with("Password1", "").result, "");
  EXPECT_NE(log_in_with("").result, "");
}

}  // namespace
}  // namespace pocketgss
