// MailSession: the library's SMTP client over a connection.
#include "tests/tools/support/mail_session.h"

namespace pocketgss::tools::testing {
namespace {

constexpr std::chrono::seconds kPatience(20);

InitiatorConfig initiator_config(Runtime& runtime, const SessionOptions& options) {
  InitiatorConfig config;
  config.flags = options.flags;
  config.target = options.target;
  config.policy.level = options.level;
  config.policy.channel_binding = options.binding;
  if (options.tickets != nullptr) {
    config.tickets = options.tickets;
    return config;
  }
  config.credential = Credential::from_password(runtime, AccountName::parse(options.user).value(),
                                                SecretBytes(options.password))
                          .value();
  config.policy.inner = {InnerMechanism::kNtlm};
  return config;
}

}  // namespace

MailSession::MailSession(SessionOptions options)
    : options_(std::move(options)), runtime_(Runtime::create().value()) {
  contexts_ = std::make_unique<InitiatorContexts>(runtime_, initiator_config(runtime_, options_));
  client_.emplace(*contexts_, options_.smtp);
}

bool MailSession::flush() {
  const Bytes out = client_->take_output();
  return out.empty() || transport_->write(out, deadline_in(kPatience)).has_value();
}

bool MailSession::start_tls() {
  const auto started =
      transport_->start_tls(options_.trust.value(), "localhost", deadline_in(kPatience));
  if (!started.has_value()) {
    transport_failure_ = started.failure().message;
    return false;
  }
  return client_->tls_started(TlsChannel{client_bindings(*transport_->tls_session())}).has_value();
}

// next returns the next event but StartTls, which it does; none: the connection broke.
std::optional<SmtpClient::Event> MailSession::next() {
  for (;;) {
    if (auto event = client_->next_event()) {
      if (!std::holds_alternative<SmtpClient::StartTls>(*event)) return event;
      if (!flush() || !start_tls()) return std::nullopt;
      continue;
    }
    if (!flush()) return std::nullopt;
    const auto bytes = transport_->read(deadline_in(kPatience));
    if (!bytes.has_value()) {
      transport_failure_ = bytes.failure().message;
      return std::nullopt;
    }
    if (bytes.value().empty()) {
      client_->closed();
    } else {
      client_->receive(bytes.value());
    }
  }
}

bool MailSession::login() {
  auto connected = ClientTransport::connect(options_.host, options_.port, kPatience);
  if (!connected.has_value()) {
    transport_failure_ = connected.failure().message;
    return false;
  }
  transport_.emplace(std::move(connected).value());
  const auto event = next();
  if (!event) return false;
  if (const auto* failed = std::get_if<SmtpClient::Failed>(&*event)) failure_ = failed->failure;
  if (const auto* ready = std::get_if<SmtpClient::Ready>(&*event)) report_ = ready->login;
  return std::holds_alternative<SmtpClient::Ready>(*event);
}

int MailSession::reply() {
  const auto event = next();
  if (!event) return 0;
  if (const auto* failed = std::get_if<SmtpClient::Failed>(&*event)) {
    failure_ = failed->failure;
    return failed->failure.reply.code;
  }
  const auto* reply = std::get_if<SmtpClient::Reply>(&*event);
  return reply == nullptr ? 0 : reply->reply.code;
}

int MailSession::begin(const std::string& content, const std::string& from, const std::string& to) {
  static_cast<void>(client_->mail(from, {}));
  static_cast<void>(client_->rcpt(to));
  static_cast<void>(client_->data());
  for (const int expected : {250, 250, 354}) {
    if (const int code = reply(); code != expected) return code;
  }
  static_cast<void>(client_->write_data(as_bytes(content)));
  return flush() ? 354 : 0;
}

int MailSession::finish() {
  static_cast<void>(client_->finish_data());
  return reply();
}

int MailSession::submit(const std::string& content, const std::string& from,
                        const std::string& to) {
  const int code = begin(content, from, to);
  return code == 354 ? finish() : code;
}

void MailSession::quit() {
  static_cast<void>(client_->quit());
  static_cast<void>(reply());
  transport_->close();
}

}  // namespace pocketgss::tools::testing
