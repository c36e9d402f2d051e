// Submitting one message: runs the SMTP client over a connection until the server has taken it.
#include "tools/mail/submission.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "tools/krb5/tickets.h"
#include "tools/text.h"

namespace pocketgss::tools {
namespace {

constexpr std::chrono::milliseconds kFarewell(3'000);  // for the end of a session

ExitCode exit_code(SmtpFailure::Kind kind) {
  using Kind = SmtpFailure::Kind;
  switch (kind) {
    case Kind::kGreeting:
    case Kind::kEhlo:
    case Kind::kTlsUnavailable:
    case Kind::kCommandRefused:
    case Kind::kNoMechanism:
      return ExitCode::kUnavailable;
    case Kind::kNeedsCredential:
      return ExitCode::kUsage;
    case Kind::kBindingRequired:
    case Kind::kTooWeak:
    case Kind::kNeedsTls:
      return ExitCode::kConfig;
    case Kind::kRefused:
    case Kind::kPasswordChange:
      return ExitCode::kNoPermission;
    case Kind::kTemporary:
      return ExitCode::kTempFail;
    case Kind::kClosed:
      return ExitCode::kIoError;
    case Kind::kLocal:
    case Kind::kKdc:  // by its error: see failure_of()
    case Kind::kTlsFailed:
    case Kind::kTlsInjection:
    case Kind::kServerNotProven:
    case Kind::kProtocol:
    case Kind::kLayer:
    case Kind::kTooMuch:
      break;
  }
  return ExitCode::kProtocol;
}

// is_refused_login: by the server's reply, or by a KRB-ERROR.
bool is_refused_login(const SmtpFailure& failure) {
  return failure.kind == SmtpFailure::Kind::kRefused || failure.error.peer_status != 0;
}

Failure failure_of(const SmtpFailure& failure, const std::string& login_advice) {
  // RFC 4954 6: 432 is a 4yz too, and does not pass by waiting.
  const bool later =
      failure.reply.transient() && failure.kind != SmtpFailure::Kind::kPasswordChange;
  ExitCode code = later ? ExitCode::kTempFail : exit_code(failure.kind);
  if (failure.kind == SmtpFailure::Kind::kLocal) {
    if (failure.error.code == Errc::kPolicy) code = ExitCode::kConfig;
    if (failure.error.code == Errc::kPeerIncompatible) code = ExitCode::kUnavailable;
  }
  if (failure.kind == SmtpFailure::Kind::kKdc) code = kerberos_exit_code(failure.error.code);
  std::string text = failure.message;
  if (is_refused_login(failure) && !login_advice.empty()) text.append(" ").append(login_advice);
  return Failure{code, std::move(text)};
}

// one_line: a failure is told in one line, so that a server cannot write lines of ours.
std::string one_line(std::string_view text) {
  std::string out;
  for (const char c : text) c == '\n' ? out.append(" / ") : out.append(1, c);
  return out;
}

std::string reply_text(const SmtpReply& reply) {
  return std::to_string(reply.code) + (reply.enhanced.empty() ? "" : " " + reply.enhanced) + " " +
         one_line(reply.text);
}

Failure refused(const std::string& what, const SmtpReply& reply, ExitCode permanent) {
  const ExitCode code = reply.transient() ? ExitCode::kTempFail : permanent;
  const char* next = reply.transient() ? "; try again later" : "";
  return Failure{code, "the server refuses " + what + ": " + reply_text(reply) + next};
}

// perhaps_taken: the whole message was sent, and no answer says what became of it.
Failure perhaps_taken(Failure failure) {
  if (failure.message.ends_with('.')) failure.message.pop_back();
  failure.message += "; the server may have taken the message, and would then get it twice";
  return failure;
}

bool has_eight_bit(ByteView bytes) {
  return std::any_of(bytes.begin(), bytes.end(), [](uint8_t octet) { return octet > 127; });
}

// needs_utf8: RFC 6531 3.4: one address beyond ASCII is enough.
bool needs_utf8(const Envelope& envelope) {
  const auto beyond = [](const std::string& path) { return has_eight_bit(as_bytes(path)); };
  return beyond(envelope.from) || std::any_of(envelope.to.begin(), envelope.to.end(), beyond);
}

class Submission {
 public:
  Submission(SmtpClient& client, ClientTransport& transport, const SubmissionConfig& config)
      : client_(client), transport_(transport), config_(config), wait_(config.timeout) {}

  Fallible<Submitted> run(const Envelope& envelope, MessageSource& message) {
    auto facts = message.facts();
    if (!facts.has_value()) return facts.failure();
    auto ready = next<SmtpClient::Ready>();
    if (!ready.has_value()) return ready.failure();
    note_login(ready.value().login);
    if (auto ended = early_end()) return *ended;
    auto checked = check_message(facts.value());
    if (!checked.has_value()) return leave(checked.failure());
    auto opened = open_transaction(envelope, facts.value());
    if (!opened.has_value()) return opened.failure();
    auto reply = send_content(message);
    if (!reply.has_value()) return reply.failure();
    say_goodbye();
    return Submitted{std::move(reply).value(), std::move(ready).value().login};
  }

 private:
  // next runs the client until an event of that type comes; any other one is either served here or
  // the end.
  template <typename Wanted>
  Fallible<Wanted> next() {
    await_answer();
    for (;;) {
      auto event = event_ ? std::exchange(event_, std::nullopt) : client_.next_event();
      if (!event) {
        if (closed_) return Failure{ExitCode::kIoError, "the server closed the connection"};
        auto moved = move_bytes();
        if (!moved.has_value()) return moved.failure();
        continue;
      }
      if (auto* wanted = std::get_if<Wanted>(&*event)) return std::move(*wanted);
      if (const auto* failed = std::get_if<SmtpClient::Failed>(&*event)) {
        wait_ = std::min(config_.timeout, kFarewell);
        (void)flush().has_value();  // a last QUIT or "*" is a courtesy
        return failure_of(failed->failure, config_.login_advice);
      }
      if (std::holds_alternative<SmtpClient::Exchange>(*event)) {
        // The ticket was there before the connection, and has ended since. Without a KDC the client
        // would go on to NTLM, though a proof of the password may have gone out for that ticket (policy
        // row P8).
        return Failure{ExitCode::kTempFail,
                       "Kerberos: the ticket has ended since it was got; try again"};
      }
      if (!std::holds_alternative<SmtpClient::StartTls>(*event)) {
        return Failure{ExitCode::kSoftware, "the SMTP client gave an event that was not due"};
      }
      auto started = start_tls();
      if (!started.has_value()) return started.failure();
    }
  }

  // early_end: what came behind an answer has ended the session (a 421, say), so that no further
  // command can be given.
  std::optional<Failure> early_end() {
    if (!event_) event_ = client_.next_event();
    const auto* failed = event_ ? std::get_if<SmtpClient::Failed>(&*event_) : nullptr;
    if (failed == nullptr) return std::nullopt;
    return failure_of(failed->failure, {});
  }

  // await_answer gives the server the whole time for what it has to do next.
  void await_answer() { deadline_ = deadline_in(wait_); }

  // flush sends what waits. The client sends nothing of a dialogue before the last answer is
  // complete, so that what it sends begins the wait for the next one.
  Fallible<Nothing> flush() {
    const Bytes output = client_.take_output();
    if (output.empty()) return Nothing{};
    await_answer();
    auto sent = transport_.write(output, deadline_);
    if (sent.has_value() || heard_refusal()) return Nothing{};
    return broken(sent.failure());
  }

  // broken: the connection ended in `failure`. What one login mechanism was refused for before says
  // more, and is then the next event.
  Fallible<Nothing> broken(Failure failure) {
    client_.closed();
    event_ = client_.next_event();
    const auto* failed = event_ ? std::get_if<SmtpClient::Failed>(&*event_) : nullptr;
    if (failed != nullptr && failed->failure.kind != SmtpFailure::Kind::kClosed) return Nothing{};
    return failure;
  }

  // heard_refusal: what could not be sent was refused before, which tells the user more. Anything
  // else that came before is no answer to it. The refusal is then the next event.
  bool heard_refusal() {
    const auto came = transport_.read_waiting();
    if (!came.has_value() || !came.value()) return false;
    client_.receive(*came.value());
    event_ = client_.next_event();
    return event_ && refusal(*event_) != nullptr;
  }

  // refusal: the reply by which the server refuses, or none.
  static const SmtpReply* refusal(const SmtpClient::Event& event) {
    const SmtpReply* reply = nullptr;
    if (const auto* answer = std::get_if<SmtpClient::Reply>(&event)) reply = &answer->reply;
    if (const auto* failed = std::get_if<SmtpClient::Failed>(&event))
      reply = &failed->failure.reply;
    return reply != nullptr && reply->code >= 400 ? reply : nullptr;
  }

  // move_bytes sends what waits and reads once.
  Fallible<Nothing> move_bytes() {
    auto sent = flush();
    if (!sent.has_value()) return sent.failure();
    if (event_) return Nothing{};
    auto received = transport_.read(deadline_);
    if (!received.has_value()) return broken(received.failure());
    if (received.value().empty()) {
      closed_ = true;
      client_.closed();
    } else {
      client_.receive(received.value());
    }
    return Nothing{};
  }

  Fallible<Nothing> start_tls() {
    auto sent = flush();
    if (!sent.has_value()) return sent.failure();
    auto trust = config_.trust();
    if (!trust.has_value()) return trust.failure();
    await_answer();
    auto started = transport_.start_tls(trust.value(), config_.host, deadline_, *config_.clock);
    if (!started.has_value()) return started.failure();
    await_answer();
    const TlsSession& session = *transport_.tls_session();
    note(std::string(session.version) + ", certificate of " + config_.host + " checked");
    if (!client_.tls_started(TlsChannel{client_bindings(session)}).has_value()) {
      return Failure{ExitCode::kSoftware, "the SMTP client did not ask for TLS"};
    }
    return Nothing{};
  }

  Fallible<Nothing> check_message(const std::optional<MessageFacts>& facts) const {
    if (!facts) return Nothing{};
    const SmtpCapabilities& can = client_.capabilities();
    if (can.size.value_or(0) != 0 && facts->size > *can.size) {
      return Failure{ExitCode::kDataError, "the message has " + std::to_string(facts->size) +
                                               " octets, and the server takes " +
                                               std::to_string(*can.size) +
                                               " at most; nothing was sent"};
    }
    if (facts->eight_bit && !can.eight_bit_mime) return eight_bit_refused();
    return Nothing{};
  }

  Fallible<Nothing> open_transaction(const Envelope& envelope,
                                     const std::optional<MessageFacts>& facts) {
    SmtpClient::MailOptions options;
    if (facts) options.size = facts->size;
    options.eight_bit =
        facts ? facts->eight_bit : true;  // what cannot be read twice may hold anything
    options.smtp_utf8 = needs_utf8(envelope);
    const auto mail = client_.mail(envelope.from, options);
    if (!mail.has_value()) return leave(bad_address("--from", envelope.from, mail.error()));
    for (const std::string& to : envelope.to) {
      const auto rcpt = client_.rcpt(to);
      if (!rcpt.has_value()) return leave(bad_address("--to", to, rcpt.error()));
    }
    auto sender = next<SmtpClient::Reply>();
    if (!sender.has_value()) return sender.failure();
    if (!sender.value().reply.positive()) {
      return leave(refused("the sender " + quoted(envelope.from), sender.value().reply,
                           ExitCode::kUnavailable));
    }
    return recipients(envelope.to);
  }

  Fallible<Nothing> recipients(const std::vector<std::string>& to) {
    std::optional<Failure> first;
    for (const std::string& address : to) {
      auto answer = next<SmtpClient::Reply>();
      if (!answer.has_value() && first) break;
      if (!answer.has_value()) return answer.failure();
      if (answer.value().reply.positive() || first) continue;
      first = refused("the recipient " + quoted(address), answer.value().reply, ExitCode::kNoUser);
    }
    if (!first) return Nothing{};
    if (to.size() > 1) first->message += "; the message was sent to none of the recipients";
    return leave(std::move(*first));
  }

  Fallible<SmtpReply> send_content(MessageSource& message) {
    if (auto ended = early_end()) return *ended;
    if (!client_.data().has_value()) return Failure{ExitCode::kSoftware, "DATA was not possible"};
    auto go_on = next<SmtpClient::Reply>();
    if (!go_on.has_value()) return go_on.failure();
    if (go_on.value().reply.code != 354) {
      return leave(refused("the message", go_on.value().reply, ExitCode::kUnavailable));
    }
    for (;;) {
      auto piece = message.read();
      if (!piece.has_value()) return piece.failure();  // the connection ends without the final dot
      if (piece.value().empty()) break;
      // RFC 6152 3; of a file it was known before the transaction.
      if (!client_.capabilities().eight_bit_mime && has_eight_bit(piece.value()))
        return eight_bit_refused();
      auto sent = send_piece(piece.value());
      if (!sent.has_value()) return sent.failure();
    }
    if (auto undisturbed = look_for_reply(); !undisturbed.has_value()) return undisturbed.failure();
    if (!client_.finish_data().has_value()) return lost();
    wait_ = config_.message_timeout;
    auto end = next<SmtpClient::Reply>();
    if (!end.has_value()) return perhaps_taken(end.failure());
    if (!end.value().reply.positive())
      return leave(refused("the message", end.value().reply, ExitCode::kUnavailable));
    return end.value().reply;
  }

  Fallible<Nothing> send_piece(ByteView piece) {
    if (auto undisturbed = look_for_reply(); !undisturbed.has_value()) return undisturbed;
    if (!client_.write_data(piece).has_value()) return lost();
    if (auto sent = flush(); !sent.has_value()) return sent;
    return look_for_reply();
  }

  // look_for_reply: a server need not wait for the end of a message to refuse it, or to close an
  // idle connection (RFC 5321 4.2.5, 4.5.3.2); what it says then is the answer to DATA.
  Fallible<Nothing> look_for_reply() {
    if (!event_) event_ = client_.next_event();  // with the 354
    if (!event_) {
      auto came = transport_.read_waiting();
      if (!came.has_value()) return came.failure();
      if (!came.value()) return Nothing{};
      if (came.value()->empty()) {
        client_.closed();
      } else {
        client_.receive(*came.value());
      }
      event_ = client_.next_event();
    }
    if (!event_) return Nothing{};
    if (const SmtpReply* reply = refusal(*event_))
      return refused("the message", *reply, ExitCode::kUnavailable);
    const auto* failed = std::get_if<SmtpClient::Failed>(&*event_);
    return failed == nullptr ? lost() : failure_of(failed->failure, {});
  }

  // say_goodbye is a courtesy (RFC 5321 4.1.1.10): the message is already taken or refused, whatever
  // happens now. What the rest of a group is answered comes before the answer to QUIT.
  void say_goodbye() {
    wait_ = std::min(config_.timeout, kFarewell);
    const Deadline end = deadline_in(wait_);
    bool over = !client_.quit().has_value();
    while (!over) {
      const auto answer = next<SmtpClient::Reply>();
      over = !answer.has_value() || answer.value().verb == "QUIT" ||
             std::chrono::steady_clock::now() >= end;
    }
    transport_.close();
  }

  Failure leave(Failure failure) {
    say_goodbye();
    return failure;
  }

  void note(const std::string& text) const {
    if (config_.note) config_.note(text);
  }

  void note_login(const std::optional<SaslReport>& login) const {
    if (!login) return;
    std::string text = "logged in by " + std::string(sasl_name(login->mechanism)) + ", " +
                       login->context.mechanism;
    if (login->context.channel_bound) text += ", bound to the TLS channel";
    if (login->layer != kNoLayer) {
      text += login->layer == kIntegrityLayer ? ", with the layer integrity"
                                              : ", with the layer confidentiality";
    }
    if (login->early_success)
      text += "; the server's last token (its MIC) was not sent, so not verified";
    note(text);
  }

  static Failure eight_bit_refused() {
    return Failure{ExitCode::kDataError,
                   "the message has 8-bit characters, which this server does not take; encode it "
                   "(quoted-printable or base64); no mail was sent"};
  }
  static Failure bad_address(const char* option, const std::string& address, const Error& error) {
    if (error.code == Errc::kPeerIncompatible) {
      return Failure{
          ExitCode::kUnavailable,
          "this server takes no addresses beyond ASCII (it has no SMTPUTF8): " + quoted(address)};
    }
    return Failure{ExitCode::kUsage, std::string("the address given to ") + option +
                                         " cannot stand in SMTP: " + quoted(address)};
  }
  static Failure lost() {
    return Failure{ExitCode::kIoError, "the server ended the session in the middle of the message"};
  }

  SmtpClient& client_;
  ClientTransport& transport_;
  const SubmissionConfig& config_;
  std::chrono::milliseconds wait_;          // for the next answer
  Deadline deadline_;                       // of the answer that is waited for
  std::optional<SmtpClient::Event> event_;  // the next one, where it is known already
  bool closed_ = false;                     // by the server
};

}  // namespace

Fallible<Submitted> submit(SmtpClient& client, ClientTransport& transport, const Envelope& envelope,
                           MessageSource& message, const SubmissionConfig& config) {
  return Submission(client, transport, config).run(envelope, message);
}

}  // namespace pocketgss::tools
