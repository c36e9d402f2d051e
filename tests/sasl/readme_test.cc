// The examples of README.md, compiled and run against each other over a pipe in memory, with a KDC in
// memory.
// README.md has the text between the markers; script/check_docs compares.
#include <gtest/gtest.h>
#include <pocketgss/kdc_exchange.h>
#include <pocketgss/smtp_client.h>
#include <pocketgss/smtp_server.h>
#include <pocketgss/tickets.h>

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "mechs/krb5/keytab.h"
#include "tests/fakes/fake_kdc.h"

namespace pocketgss {
namespace {

namespace krb5 = mechs::krb5;

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
  std::optional<TlsChannel> start_tls() {
    if (broken_tls) return std::nullopt;
    tls_ = true;
    return TlsChannel{
        {ChannelBinding{as_bytes("tls-server-end-point:hash of the certificate").to_bytes()}}};
  }
  std::optional<TlsChannel> connect_tls(std::string_view host) {
    if (host != certificate) return std::nullopt;
    return start_tls();
  }
  bool tls() const { return tls_; }

  std::string certificate = "mail.example.test";  // whose it is
  bool broken_tls = false;

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

// Mailbox is where a program puts what it has taken.
struct Mailbox {
  void store(Bytes message) { messages.push_back(std::move(message)); }
  std::vector<Bytes> messages;
};

// [kerberos]
// A login by Kerberos, of "alice@EXAMPLE.TEST". The KDC is asked in the middle of it, behind TLS.
Result<InitiatorConfig> by_kerberos(const std::string& user, SecretBytes password) {
  TicketSettings settings;
  settings.user = user;
  settings.password = std::move(password);
  InitiatorConfig login;
  PGSS_TRY(login.tickets, make_tickets(std::move(settings)));
  return login;
}
// [/kerberos]

// [ntlm]
// A login by NTLM, which is offered only where it is named.
Result<InitiatorConfig> by_ntlm(Runtime& runtime, const std::string& user, SecretBytes password) {
  PGSS_TRY(const AccountName name, AccountName::parse(user));
  InitiatorConfig login;
  PGSS_TRY(login.credential, Credential::from_password(runtime, name, std::move(password)));
  login.policy.inner = {InnerMechanism::kNtlm};
  return login;
}
// [/ntlm]

// [client]
// Logs in over `net`, whose calls block. `kdcs` carries messages to KDCs: a KdcTransport, whose
// begin_login() comes before each login, or your own. Returns the reason of a failure, or an empty string. A call that fails
// (for want of memory, say) needs no answer here: the event Failed comes next.
std::string log_in(Runtime& runtime, Connection& net, KdcExchange& kdcs, InitiatorConfig login) {
  login.target = "smtp/mail.example.test";
  InitiatorContexts contexts(runtime, std::move(login));
  SmtpClient smtp(contexts, {.ehlo_name = "scanner.example.test"});
  for (auto event = smtp.next_event();; event = smtp.next_event()) {
    net.write(smtp.take_output());
    if (!event) {
      net.read_into(smtp);
      continue;
    }
    if (holds_alternative<SmtpClient::StartTls>(*event)) {
      auto tls = net.connect_tls("mail.example.test");  // none: no TLS, or another's certificate
      (void)(tls ? smtp.tls_started(std::move(*tls)) : smtp.tls_failed());
    }
    if (auto* exchange = get_if<SmtpClient::Exchange>(&*event)) {
      auto answer = kdcs.exchange(exchange->need);  // none: no KDC answers
      (void)smtp.resume(answer.has_value() ? std::move(answer).value() : ExchangeAnswer());
    }
    if (auto* failed = get_if<SmtpClient::Failed>(&*event)) return failed->failure.message;
    if (holds_alternative<SmtpClient::Ready>(*event)) return "";  // now mail(), rcpt() and data()
  }
}
// [/client]

// [acceptor]
// Logins by Kerberos, with the keys of a keytab file for smtp/mail.example.test, and by NTLM. Call it
// once: all threads share what it returns.
Result<AcceptorConfig> by_both(Runtime& runtime, SecretBytes keytab) {
  AcceptorConfig acceptor;
  acceptor.host = "mail.example.test";
  PGSS_TRY(acceptor.keys, read_service_keys(std::move(keytab)));
  PGSS_TRY(acceptor.replay_cache, make_replay_cache(runtime.clock()));
  acceptor.ntlm = true;
  return acceptor;
}
// [/acceptor]

// [server]
// Where a call fails, the event Closed comes next.
void serve(Runtime& runtime, Connection& net, const AcceptorConfig& acceptor, Accounts& accounts,
           Mailbox& mailbox) {
  Bytes mail;  // the message under way
  AcceptorContexts contexts(runtime, acceptor);
  const SmtpServerConfig config{.hostname = acceptor.host};
  SmtpServer smtp(contexts, config);
  for (auto event = smtp.next_event();; event = smtp.next_event()) {
    net.write(smtp.take_output());
    if (!event) {
      net.read_into(smtp);
      continue;
    }
    if (holds_alternative<SmtpServer::StartTls>(*event)) {
      auto tls = net.start_tls();  // none: the handshake failed
      tls ? (void)smtp.tls_started(std::move(*tls)) : smtp.closed();
    }
    if (auto* account = get_if<SmtpServer::Account>(&*event))
      (void)smtp.resume(accounts.find(account->need.user));
    if (auto* content = get_if<SmtpServer::Content>(&*event)) append(mail, content->bytes);
    if (holds_alternative<SmtpServer::Aborted>(*event)) mail.clear();  // the message broke off
    if (holds_alternative<SmtpServer::End>(*event)) mailbox.store(std::exchange(mail, {}));
    if (smtp.wants_reply()) (void)smtp.accept();  // MAIL, RCPT, DATA, and a message that is stored
    if (holds_alternative<SmtpServer::Closed>(*event)) return;
  }
}
// [/server]

// Carrier takes what it is given to a KDC in memory.
class Carrier final : public KdcExchange {
 public:
  Carrier() {
    kdc_.add_user("alice", "Password1");
    realms_.add(kdc_);
  }
  // keytab is the mail server's.
  SecretBytes keytab() {
    const auto service = krb5::parse_principal("smtp/mail.example.test@EXAMPLE.TEST", "").value();
    krb5::KeytabEntry entry;
    entry.principal = service.view();
    entry.etype = static_cast<int32_t>(key_.etype());
    entry.key = key_.view();
    entry.set_kvno(1);
    return krb5::write_keytab(std::span(&entry, 1)).value();
  }
  Result<ExchangeAnswer> exchange(const NeedExchange& need) override {
    if (silent) return ExchangeAnswer();
    return ExchangeAnswer{realms_.carry(need.realm, need.request)};
  }

  bool silent = false;

 private:
  Runtime runtime_ = Runtime::create().value();
  testing::FakeKdc kdc_{runtime_, "EXAMPLE.TEST"};
  krb5::Key& key_ = kdc_.add_service("smtp/mail.example.test");
  testing::FakeRealms realms_;
};

struct Outcome {
  std::string result;
  bool client_had_tls = false, server_had_tls = false;
};

enum class By : uint8_t { kKerberos, kNtlm };

struct Login {
  By by = By::kKerberos;
  std::string user = by == By::kKerberos ? "alice@EXAMPLE.TEST" : "EXAMPLE\\alice";
  std::string password = "Password1";
  std::string certificate = "mail.example.test";
  bool silent_kdc = false, broken_tls = false;
};

Outcome log_in_with(const Login& login) {
  Outcome out;
  Carrier kdcs;
  kdcs.silent = login.silent_kdc;
  Pipe to_server, to_client;
  std::thread serving([&, keytab = kdcs.keytab()]() mutable {
    Connection net(to_server, to_client);
    Accounts accounts;
    accounts.add("alice", "Password1");
    Runtime runtime = Runtime::create().value();
    const AcceptorConfig acceptor = by_both(runtime, std::move(keytab)).value();
    Mailbox mailbox;
    net.broken_tls = login.broken_tls;
    serve(runtime, net, acceptor, accounts, mailbox);
    out.server_had_tls = net.tls();
  });
  {
    Connection net(to_client, to_server);
    net.certificate = login.certificate;
    Runtime runtime = Runtime::create().value();
    SecretBytes password(std::string_view(login.password));
    auto config = login.by == By::kKerberos ? by_kerberos(login.user, std::move(password))
                                            : by_ntlm(runtime, login.user, std::move(password));
    out.result = config.has_value() ? log_in(runtime, net, kdcs, std::move(config).value())
                                    : describe(config.error());
    out.client_had_tls = net.tls();
  }
  serving.join();
  return out;
}

constexpr By kBoth[] = {By::kKerberos, By::kNtlm};

TEST(Readme, TheClientLogsInAtTheServer) {
  for (const By by : kBoth) {
    const Outcome outcome = log_in_with({.by = by});
    EXPECT_EQ(outcome.result, "");
    EXPECT_TRUE(outcome.client_had_tls && outcome.server_had_tls);
  }
}

TEST(Readme, TheClientTellsWhyItCannot) {
  const Outcome kerberos = log_in_with({.by = By::kKerberos, .password = "wrong"});
  EXPECT_NE(kerberos.result.find("Kerberos gave no ticket"), std::string::npos) << kerberos.result;
  const Outcome silent = log_in_with({.by = By::kKerberos, .silent_kdc = true});
  EXPECT_NE(silent.result.find("Kerberos gave no ticket"), std::string::npos) << silent.result;
  EXPECT_NE(silent.result, kerberos.result);
  const Outcome ntlm = log_in_with({.by = By::kNtlm, .password = "wrong"});
  EXPECT_NE(ntlm.result.find("the server refused the login"), std::string::npos) << ntlm.result;
  EXPECT_NE(ntlm.result.find("535"), std::string::npos) << ntlm.result;
}

TEST(Readme, TheClientSaysThatTheCertificateIsAnothers) {
  const Outcome outcome = log_in_with({.certificate = "other.example.test"});
  EXPECT_NE(outcome.result.find("TLS with the server"), std::string::npos) << outcome.result;
  EXPECT_FALSE(outcome.client_had_tls);
}

TEST(Readme, TheServerEndsWhereTlsFails) {
  const Outcome outcome = log_in_with({.broken_tls = true});
  EXPECT_NE(outcome.result, "");
  EXPECT_FALSE(outcome.server_had_tls);
}

// What a client that has logged in sends: two messages, and half of a third.
TEST(Readme, TheServerStoresEachMessageByItself) {
  Pipe to_server, to_client;
  Mailbox mailbox;
  Carrier kdcs;
  std::thread serving([&, keytab = kdcs.keytab()]() mutable {
    Connection net(to_server, to_client);
    Accounts accounts;
    Runtime runtime = Runtime::create().value();
    const AcceptorConfig acceptor = by_both(runtime, std::move(keytab)).value();
    serve(runtime, net, acceptor, accounts, mailbox);
  });
  Runtime runtime = Runtime::create().value();
  InitiatorConfig login =
      by_kerberos("alice@EXAMPLE.TEST", SecretBytes(std::string_view("Password1"))).value();
  login.target = "smtp/mail.example.test";
  InitiatorContexts contexts(runtime, std::move(login));
  SmtpClient smtp(contexts, {.ehlo_name = "scanner.example.test"});
  {
    Connection net(to_client, to_server);
    int replies = 0;
    const auto send = [&](std::string_view text, bool whole) {
      ASSERT_TRUE(smtp.mail("a@example.test", {}).has_value());
      ASSERT_TRUE(smtp.rcpt("b@example.test").has_value());
      ASSERT_TRUE(smtp.data().has_value());
      for (const int last = replies + 3; replies < last;) {
        net.write(smtp.take_output());
        const auto event = smtp.next_event();
        if (!event) net.read_into(smtp);
        if (event && holds_alternative<SmtpClient::Reply>(*event)) ++replies;
      }
      ASSERT_TRUE(smtp.write_data(as_bytes(text)).has_value());
      if (!whole) return net.write(smtp.take_output());
      ASSERT_TRUE(smtp.finish_data().has_value());
      for (bool answered = false; !answered;) {
        net.write(smtp.take_output());
        const auto event = smtp.next_event();
        if (!event) net.read_into(smtp);
        answered = event && holds_alternative<SmtpClient::Reply>(*event);
      }
    };
    for (bool ready = false; !ready;) {
      auto event = smtp.next_event();
      net.write(smtp.take_output());
      if (!event) {
        net.read_into(smtp);
      } else if (holds_alternative<SmtpClient::StartTls>(*event)) {
        ASSERT_TRUE(smtp.tls_started(*net.start_tls()).has_value());
      } else if (auto* exchange = get_if<SmtpClient::Exchange>(&*event)) {
        ASSERT_TRUE(smtp.resume(kdcs.exchange(exchange->need).value()).has_value());
      } else {
        ready = holds_alternative<SmtpClient::Ready>(*event);
        ASSERT_TRUE(ready);
      }
    }
    send("one\r\n", true);
    send("two\r\n", true);
    send("three\r\n", false);
  }
  serving.join();
  ASSERT_EQ(mailbox.messages.size(), 2u);
  EXPECT_EQ(as_text(mailbox.messages[0]), "one\r\n");
  EXPECT_EQ(as_text(mailbox.messages[1]), "two\r\n");
}

TEST(Readme, TheClientRefusesWhatCannotBeALogin) {
  for (const By by : kBoth) {
    EXPECT_NE(log_in_with({.by = by, .user = ""}).result, "");
    EXPECT_NE(log_in_with({.by = by, .password = ""}).result, "");
  }
}

}  // namespace
}  // namespace pocketgss
