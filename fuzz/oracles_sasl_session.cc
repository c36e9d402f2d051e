// Whole SMTP sessions against scripted contexts, whole and octet by octet.
#include <pocketgss/smtp_client.h>
#include <pocketgss/smtp_server.h>

#include <string>
#include <vector>

#include "fuzz/check.h"
#include "fuzz/oracles_sasl.h"
#include "tests/fakes/fake_context.h"

namespace pocketgss::fuzz {
namespace {

using testing::FakeContexts;
using testing::FakeScript;

constexpr uint8_t kPieceEnd = 0x1e;
constexpr uint8_t kWrapped = 0x1d;
constexpr size_t kMaxInput = 16 * 1024;
constexpr size_t kFixedOutput = 64 * 1024;  // EHLO replies before the login, a message, 421
constexpr size_t kOutputPerOctet = 64;

// script_of is one of the ways in which a context may go.
FakeScript script_of(unsigned choice) {
  switch (choice % 8) {
    case 0:
      return FakeScript().sends("token").ends(std::nullopt, "last");
    case 1:
      return FakeScript().sends("token").sends("more").early_success_allowed();
    case 2:
      return FakeScript()
          .sends("token")
          .asks_account(std::nullopt, "alice", "EX")
          .ends(std::nullopt, "final");
    case 3:
      return FakeScript().sends("token").fails(Errc::kAuthFailed, "fuzz");
    case 4:
      return FakeScript().ends();
    case 5:
      return FakeScript().asks_kdc("request").sends("token").ends();
    case 6:
      return FakeScript().sends(std::string(600, 'x')).ends(std::nullopt, "");
    default: {
      FakeScript script;
      for (int i = 0; i < 20; ++i) script.sends("again");
      return script;
    }
  }
}

// on_wire is a piece as it comes: what stands behind each 0x1d is wrapped as a buffer of its own.
Bytes on_wire(ByteView piece) {
  Bytes out;
  size_t start = 0;  // of the buffer that is open
  for (const uint8_t octet : piece) {
    if (octet == kWrapped) {
      start = out.size() + 4;
      append(out, as_bytes(std::string_view("\0\0\0\4WRAP", 8)));
    } else if (start == 0) {
      out.push_back(octet);
    } else {
      out.push_back(static_cast<uint8_t>(~octet));
      const size_t size = out.size() - start;
      out[start - 2] = static_cast<uint8_t>(size >> 8);
      out[start - 1] = static_cast<uint8_t>(size);
    }
  }
  return out;
}

// Session is what both kinds have in common.
struct Session {
  Session(ByteView input, bool by_octet_)
      : settings(input[0]), scripts(input[1]), by_octet(by_octet_) {
    contexts.make_script = [this](const ContextRequest& request) {
      PGSS_FUZZ_CHECK(contexts.counts.alive == 0);
      FakeScript script = script_of(scripts + made++).protects();
      // Bare Kerberos takes no layer step that is encrypted, and the others do.
      script.encrypts = request.kind != MechanismKind::kKerberos || has(0x80);
      return script;
    };
    contexts.policy_value.inner = {InnerMechanism::kNtlm};
    if (has(0x20)) contexts.policy_value.level = PolicyLevel::kStrict;
  }
  bool has(unsigned bit) const { return (settings & bit) != 0; }
  LayerOptions layer() const {
    if ((scripts & 0x40) != 0) return {};
    const bool required = (scripts & 0x10) != 0;
    return {required ? kIntegrityLayer : kNoLayer | kConfidentialityLayer, 300};
  }
  // check_report: never a layer that was not named.
  void check_report(const SaslReport& report) {
    PGSS_FUZZ_CHECK((layer().layers & report.layer) != 0);
    // RFC 4752 3.1: no login by bare Kerberos without the layer step: no context here is mutual.
    const bool bare = report.mechanism == SaslMechanism::kGssapiKrb5;
    PGSS_FUZZ_CHECK(bare == (contexts.asked.back().kind == MechanismKind::kKerberos));
    PGSS_FUZZ_CHECK(!bare || (report.layer_step && !report.early_success && !has(0x80)));
    layered |= report.layer != kNoLayer;
  }
  // check_output: within a layer nothing leaves in clear. Clear SMTP has no NUL, buffers begin with
  // one.
  void check_output() const {
    ByteView rest = as_bytes(std::string_view(out).substr(std::min(out.find('\0'), out.size())));
    PGSS_FUZZ_CHECK(layered || rest.empty() || layer().layers != kNoLayer);
    FakeContexts other;
    other.scripts.push_back(FakeScript().ends());
    auto context = other.make({}).value();
    PGSS_FUZZ_CHECK(context->step({}).has_value());
    SaslLayer reader(std::move(context), kConfidentialityLayer, 0, 16 * 1024);
    bool whole = true;
    while (!rest.empty()) {
      const Result<bool> result = reader.unwrap(rest);
      PGSS_FUZZ_CHECK(result.has_value());
      whole = result.value();
    }
    PGSS_FUZZ_CHECK(whole);
  }

  // play gives the pieces to `receive`, and calls `settle` after each.
  template <typename Receive, typename Settle>
  void play(ByteView script, Receive receive, Settle settle) {
    settle();
    while (!script.empty()) {
      size_t end = 0;
      while (end < script.size() && script[end] != kPieceEnd) ++end;
      const Bytes piece = on_wire(script.prefix(end));
      if (by_octet) {
        for (const uint8_t& octet : piece) receive(ByteView(&octet, 1));
      } else {
        receive(piece);
      }
      settle();
      script = script.from(std::min(script.size(), end + 1));
    }
  }

  void told(const std::string& event) {
    PGSS_FUZZ_CHECK(!ended);
    log += event + "\n";
  }
  void sent(const Bytes& output) { out += as_text(output); }

  uint8_t settings;
  unsigned scripts;
  bool by_octet;
  unsigned made = 0;
  FakeContexts contexts;
  std::string log, out;
  bool ended = false;
  bool layered = false;
};

// --- client ---

struct ClientSession : Session {
  ClientSession(ByteView input, bool octets)
      : Session(input, octets), client(std::in_place, contexts, config()) {
    play(input.from(2), [this](ByteView bytes) { client->receive(bytes); }, [this] { settle(); });
    client->closed();
    settle();
    PGSS_FUZZ_CHECK(ended || !must_end);
    client.reset();
    PGSS_FUZZ_CHECK(contexts.counts.alive == 0);
    check_output();
  }

  SmtpClientConfig config() const {
    SmtpClientConfig out_config;
    out_config.tls = static_cast<SmtpClientConfig::Tls>((settings & 3) % 3);
    out_config.initial_response =
        static_cast<SmtpClientConfig::InitialResponse>((settings >> 2 & 3) % 3);
    out_config.login = !has(0x10);
    out_config.layer = layer();
    if ((scripts & 0x20) != 0) out_config.mechanism = SaslMechanism::kNtlm;
    if ((scripts & 0x80) != 0) out_config.mechanism = SaslMechanism::kGssapiKrb5;
    return out_config;
  }

  void settle() {
    while (auto event = client->next_event()) {
      handle(*event);
      PGSS_FUZZ_CHECK(contexts.counts.alive <= 1);
    }
    sent(client->take_output());
    PGSS_FUZZ_CHECK(!ended || contexts.counts.alive == 0);
  }

  void handle(SmtpClient::Event& event) {
    if (std::holds_alternative<SmtpClient::StartTls>(event)) {
      told("StartTls");
      PGSS_FUZZ_CHECK(client->tls_started({}).has_value());
    } else if (std::holds_alternative<SmtpClient::Exchange>(event)) {
      told("Exchange");
      ExchangeAnswer answer;
      if (made % 2 == 0) answer.reply = testing::text_bytes("reply");
      answered(client->resume(std::move(answer)));
    } else if (auto* ready = std::get_if<SmtpClient::Ready>(&event)) {
      on_ready(*ready);
    } else if (auto* reply = std::get_if<SmtpClient::Reply>(&event)) {
      on_reply(*reply);
    } else {
      on_failed(std::get<SmtpClient::Failed>(event).failure);
    }
  }

  // answered: an answer is refused only where the session has failed since the question.
  void answered(const Result<void>& result) { must_end |= !result.has_value(); }

  void on_ready(const SmtpClient::Ready& ready) {
    told(ready.login ? "Ready, logged in" : "Ready");
    const SmtpClientConfig wanted = config();
    PGSS_FUZZ_CHECK(ready.login.has_value() == wanted.login);
    PGSS_FUZZ_CHECK(!ready.login || contexts.counts.established > 0);
    PGSS_FUZZ_CHECK(client->over_tls() == (wanted.tls != SmtpClientConfig::Tls::kNone));
    if (ready.login) check_report(*ready.login);
    PGSS_FUZZ_CHECK(contexts.counts.alive == (layered ? 1 : 0));
    (void)client->mail("a@example.test", {});
    (void)client->rcpt("b@example.test");
    (void)client->data();
  }

  void on_reply(const SmtpClient::Reply& reply) {
    told("Reply " + reply.verb + " " + std::to_string(reply.reply.code) + " " +
         reply.reply.enhanced + " " + reply.reply.text);
    if (reply.reply.code == 354) {
      answered(client->write_data(as_bytes("x\n.\ny")));
      const Result<void> finished = client->finish_data();
      answered(finished);
      message_sent = finished.has_value();
    } else if (reply.verb == "." && !message_sent) {
      ended = true;  // refused before its end: nothing more is said
      PGSS_FUZZ_CHECK(!client->quit().has_value());
    } else if (reply.verb == "." || reply.verb == "DATA") {
      (void)client->quit();
    }
  }

  void on_failed(const SmtpFailure& failure) {
    told("Failed " + std::to_string(static_cast<int>(failure.kind)) + " " + failure.message);
    for (const char c : failure.message) PGSS_FUZZ_CHECK(c >= 0x20 && c < 0x7f);
    ended = true;
  }

  std::optional<SmtpClient> client;
  bool must_end = false, message_sent = false;
};

// --- server ---

SmtpServerConfig server_config(uint8_t settings) {
  SmtpServerConfig config;
  config.auth_in_clear = (settings & 1) != 0;
  config.early_success = (settings & 2) != 0;
  config.layer_step = (settings & 4) != 0 ? LayerStep::kAlways : LayerStep::kKerberos;
  config.require_auth = (settings & 8) == 0;
  config.implicit_tls = (settings & 0x10) != 0;
  config.ask_authorisation = (settings & 0x40) == 0;
  config.message_size = 200;
  config.recipients = 2;
  config.limits.token = 3'000;
  return config;
}

struct ServerSession : Session {
  ServerSession(ByteView input, bool octets)
      : Session(input, octets), config(server_config(settings)), server() {
    config.layer = layer();
    server.emplace(contexts, config);
    server->tick(0);
    play(input.from(2), [this](ByteView bytes) { server->receive(bytes); }, [this] { settle(); });
    server->closed();
    settle();
    PGSS_FUZZ_CHECK(ended);
    server.reset();
    PGSS_FUZZ_CHECK(contexts.counts.alive == 0);
    check_output();
  }

  void settle() {
    while (auto event = server->next_event()) {
      handle(*event);
      PGSS_FUZZ_CHECK(contexts.counts.alive <= 1);
    }
    sent(server->take_output());
    PGSS_FUZZ_CHECK(!ended || contexts.counts.alive == 0);
    flush_content();
    server->tick(now += 20'000'000);
    while (auto event = server->next_event()) handle(*event);
    sent(server->take_output());
  }

  void handle(SmtpServer::Event& event) {
    if (auto* content = std::get_if<SmtpServer::Content>(&event)) {
      PGSS_FUZZ_CHECK(!ended);
      content_ += as_text(content->bytes);
      return;
    }
    // How much of an aborted message came out before depends on the pieces, and does not matter.
    if (std::holds_alternative<SmtpServer::Aborted>(event)) content_.clear();
    flush_content();
    if (std::holds_alternative<SmtpServer::StartTls>(event)) {
      told("StartTls");
      PGSS_FUZZ_CHECK(server->tls_started({}).has_value());
    } else if (auto* account = std::get_if<SmtpServer::Account>(&event)) {
      on_account(*account);
    } else if (auto* asked = std::get_if<SmtpServer::Authorisation>(&event)) {
      on_authorisation(asked->need.report);
    } else if (auto* login = std::get_if<SmtpServer::LoggedIn>(&event)) {
      told("LoggedIn " + login->report.authzid);
      PGSS_FUZZ_CHECK(contexts.counts.established > 0);
      PGSS_FUZZ_CHECK(server->over_tls() || config.auth_in_clear);
      PGSS_FUZZ_CHECK(authorised == config.ask_authorisation);
      check_report(login->report);
      logged_in = true;
    } else if (auto* refused = std::get_if<SmtpServer::LoginRefused>(&event)) {
      told(std::string("LoginRefused ") + refused->error.where + " " + refused->claimed +
           (refused->context_complete ? " complete" : ""));
      PGSS_FUZZ_CHECK(!refused->context_complete || contexts.counts.established > 0);
      authorised = false;
    } else if (auto* closed = std::get_if<SmtpServer::Closed>(&event)) {
      told(std::string("Closed ") + closed->error.where);
      ended = true;
    } else {
      on_mail(event);
    }
  }

  void on_account(const SmtpServer::Account& account) {
    told("Account " + account.need.user);
    AccountAnswer answer;
    if (made % 2 != 0) answer.account = Account{"alice", SecretBytes("alice")};
    answer.unavailable = made % 5 == 4;
    PGSS_FUZZ_CHECK(server->resume(std::move(answer)).has_value());
  }

  // on_authorisation: whom the client has proven to be is known, and nothing was said of a success.
  void on_authorisation(const SaslReport& report) {
    told("Authorisation " + report.authzid);
    PGSS_FUZZ_CHECK(config.ask_authorisation && !authorised && !logged_in);
    PGSS_FUZZ_CHECK(contexts.counts.established > 0 && server->login() == nullptr);
    sent(server->take_output());
    PGSS_FUZZ_CHECK(out.find("\r\n235 ") == out.npos);
    const AuthorisationAnswer answer = static_cast<AuthorisationAnswer>(made % 3);
    authorised = answer == AuthorisationAnswer::kYes;
    PGSS_FUZZ_CHECK(server->authorise(answer).has_value());
  }

  void on_mail(const SmtpServer::Event& event) {
    if (const auto* mail = std::get_if<SmtpServer::Mail>(&event))
      told("Mail " + mail->reverse_path + " " + mail->auth);
    if (const auto* rcpt = std::get_if<SmtpServer::Rcpt>(&event))
      told("Rcpt " + rcpt->forward_path);
    if (const auto* aborted = std::get_if<SmtpServer::Aborted>(&event)) {
      told(std::string("Aborted ") + aborted->error.where);
      return;
    }
    if (std::holds_alternative<SmtpServer::Data>(event)) told("Data");
    if (std::holds_alternative<SmtpServer::End>(event)) told("End");
    PGSS_FUZZ_CHECK(logged_in || !config.require_auth);
    const bool refuse = ++answers % 5 == 0;
    const Result<void> done = refuse ? server->reply({451, "4.3.0", "Not now"}) : server->accept();
    PGSS_FUZZ_CHECK(done.has_value());
  }

  void flush_content() {
    if (content_.empty()) return;
    PGSS_FUZZ_CHECK(logged_in || !config.require_auth);
    log += "Content " + std::exchange(content_, std::string()) + "\n";
  }

  SmtpServerConfig config;
  std::optional<SmtpServer> server;
  bool logged_in = false, authorised = false;
  unsigned answers = 0;
  Micros now = 0;
  std::string content_;
};

template <typename Kind>
std::string check_session(ByteView input) {
  if (input.size() < 2 || input.size() > kMaxInput) return "";
  const Kind whole(input, false), octets(input, true);
  if (whole.log != octets.log)
    std::fprintf(stderr, "whole:\n%s\nby octet:\n%s\n", whole.log.c_str(), octets.log.c_str());
  PGSS_FUZZ_CHECK(whole.log == octets.log);
  PGSS_FUZZ_CHECK(whole.out == octets.out);
  PGSS_FUZZ_CHECK(whole.out.size() <= kFixedOutput + kOutputPerOctet * input.size());
  return whole.log;
}

}  // namespace

std::string check_smtp_client_session(ByteView input) {
  return check_session<ClientSession>(input);
}
std::string check_smtp_server_session(ByteView input) {
  return check_session<ServerSession>(input);
}

}  // namespace pocketgss::fuzz
