// An SMTP client that logs in and submits mail, as a machine without I/O.
#include <pocketgss/smtp_client.h>

#include <list>

#include <pocketgss/base64.h>

#include "base/guard.h"
#include "lib/text.h"
#include "sasl/data_stream.h"
#include "sasl/ehlo.h"
#include "sasl/layer.h"
#include "sasl/line.h"
#include "sasl/login_dialogue.h"
#include "sasl/smtp_failure.h"
#include "sasl/text.h"

namespace pocketgss {
namespace {

using sasl::LoginDialogue;
using Kind = SmtpFailure::Kind;

constexpr size_t kReplyLine =
    4'096;  // octets of a reply line outside AUTH; RFC 5321 4.5.3.1.5 asks for 512
constexpr size_t kReplyCodeSize = 4;  // "334 "

Error misuse(const char* where) {
  return Error{Errc::kApiMisuse, where, 0, 0};
}

// in_group: RFC 2920 3.1: what may stand before other commands of a group.
bool in_group(std::string_view verb) {
  for (const std::string_view word : {"MAIL", "RCPT", "RSET"}) {
    if (sasl::equal_ignoring_case(verb, word)) return true;
  }
  return false;
}

bool is_reserved(std::string_view verb) {
  for (const std::string_view word :
       {"AUTH", "STARTTLS", "DATA", "BDAT", "EHLO", "HELO", "TURN", "ETRN", "QUIT"}) {
    if (sasl::equal_ignoring_case(verb, word)) return true;
  }
  return false;
}

}  // namespace

//   AwaitTls --> Greeting --220--> Ehlo --250--> StartTls --220--> AwaitTls --> Ehlo --> Login
//   --235--> Ready --> Quitting
// With a security layer the 235 leads to Ehlo once more (RFC 4954 4), and then to Ready. With STARTTLS the first EHLO's answer is good for one thing, to see STARTTLS in it. Failed from
// everywhere.
class SmtpClient::Impl {
 public:
  Impl(ContextProvider& contexts, SmtpClientConfig config)
      : contexts_(contexts), config_(std::move(config)), reader_(kReplyLine) {
    if (config_.ehlo_name.empty() || !sasl::is_printable_ascii(config_.ehlo_name) ||
        config_.ehlo_name.find(' ') != std::string::npos) {
      fail(sasl::failure_of_error(misuse("ehlo_name")));
    } else if (config_.tls == SmtpClientConfig::Tls::kImplicit)
      await_tls();
  }

  template <typename Body>
  Result<void> run(Body&& body);
  Result<void> ended(Result<void> result);

  Result<void> receive(ByteView bytes) {
    while (!over()) {
      const Result<ByteView*> next = stream_.next(bytes);
      if (!next.has_value()) {
        if (next.error().code == Errc::kNoMemory) return next.error();
        fail(sasl::failure_of_kind(Kind::kLayer, next.error()));
        break;
      }
      if (next.value()->empty()) break;
      if (state_ == State::kAwaitTls) {
        fail_injection();
        break;
      }
      const Result<bool> whole = reader_.take(*next.value());
      if (!whole.has_value()) {
        fail_reading(whole.error());
      } else if (whole.value()) {
        on_reply();
        reader_.clear();
      }
    }
    return {};
  }

  Result<void> closed() {
    const bool bade_farewell = state_ == State::kQuitting && in_flight_.empty();
    if (!over() && !bade_farewell) {
      SmtpFailure closed = sasl::failure_of_kind(Kind::kClosed);
      fail(login_ ? login_->to_tell(std::move(closed)) : std::move(closed));
    }
    return {};
  }

  std::optional<Event> next_event() {
    if (broken_) return Failed{*std::exchange(broken_, std::nullopt)};
    if (events_.empty()) return std::nullopt;
    Event event = std::move(events_.front());
    events_.pop_front();
    return event;
  }

  Bytes take_output() {
    Result<Bytes> out = stream_.protect(output_);
    if (!out.has_value()) {
      give_up(out.error());
      return {};
    }
    if (over()) stream_ = {};
    return std::move(out).value();
  }

  Result<void> tls_started(TlsChannel channel) {
    if (state_ != State::kAwaitTls || !events_.empty()) return misuse("tls_started()");
    bindings_ = std::move(channel.bindings);
    over_tls_ = true;
    if ((config_.layer.layers & kNoLayer) != 0) config_.layer.layers = kNoLayer;
    // RFC 3207 4.2: what the server said before TLS is thrown away.
    capabilities_ = {};
    if (config_.tls == SmtpClientConfig::Tls::kImplicit) {
      state_ = State::kGreeting;
    } else {
      send_ehlo();
    }
    return {};
  }

  Result<void> tls_failed(std::string_view why) {
    if (state_ != State::kAwaitTls || !events_.empty()) return misuse("tls_failed()");
    fail(sasl::failure_of_kind(Kind::kTlsFailed, sanitise_text(why)));
    output_.clear();
    return {};
  }

  Result<void> resume(ExchangeAnswer answer) {
    if (!exchange_open_ || state_ != State::kLogin || !events_.empty()) return misuse("resume()");
    exchange_open_ = false;
    perform(login_->resume(std::move(answer)));
    return {};
  }

  Result<void> mail(std::string_view reverse_path, const MailOptions& options) {
    std::string line = sasl::concat({"MAIL FROM:<", reverse_path, ">"});
    if (options.size && capabilities_.size)
      line += sasl::concat({" SIZE=", sasl::decimal(*options.size)});
    if (options.eight_bit && capabilities_.eight_bit_mime) line += " BODY=8BITMIME";
    const bool utf8 = options.smtp_utf8 && capabilities_.smtp_utf8;
    if (utf8) line += " SMTPUTF8";
    PGSS_CHECK(enqueue_path("MAIL", reverse_path, utf8, std::move(line)));
    utf8_ = utf8;
    return {};
  }

  Result<void> rcpt(std::string_view forward_path) {
    return enqueue_path("RCPT", forward_path, utf8_,
                        sasl::concat({"RCPT TO:<", forward_path, ">"}));
  }

  Result<void> enqueue(std::string_view verb, std::string line) {
    if (state_ != State::kReady || quit_) return misuse("no command may be given now");
    if (data_ != Data::kNone) return misuse("DATA is under way");
    if (has_control(line)) return misuse("control character in a command");
    if (verb == "DATA") data_ = Data::kAsked;
    if (verb == "QUIT") quit_ = true;
    queue_.push_back({std::string(verb), std::move(line)});
    pump();
    return {};
  }

  Result<void> command(std::string_view line) {
    const std::string verb = sasl::to_ascii_upper(line.substr(0, line.find(' ')));
    if (verb.empty() || is_reserved(verb)) return misuse("command() is not for this one");
    PGSS_CHECK(enqueue(verb, std::string(line)));
    if (verb == "RSET" || verb == "MAIL") utf8_ = false;
    return {};
  }

  Result<void> write_data(ByteView content) {
    if (state_ != State::kReady || data_ != Data::kWriting)
      return misuse("write_data() without a 354");
    stuffer_.write(content, output_);
    return {};
  }

  Result<void> finish_data() {
    if (state_ != State::kReady || data_ != Data::kWriting)
      return misuse("finish_data() without a 354");
    stuffer_.finish(output_);
    data_ = Data::kNone;
    in_flight_.push_back(".");
    show(SmtpParty::kClient, ".");
    return {};
  }

  const SmtpCapabilities& capabilities() const { return capabilities_; }
  bool over_tls() const { return over_tls_; }

 private:
  enum class State : uint8_t {
    kAwaitTls,
    kGreeting,
    kEhlo,
    kStartTls,
    kLogin,
    kReady,
    kQuitting,
    kMessageRefused,  // before its end
    kFailed
  };
  enum class Data : uint8_t { kNone, kAsked, kWriting };
  struct Command {
    std::string verb;
    std::string line;
  };

  // over: no more is sent, and what comes is not read.
  bool over() const { return state_ == State::kFailed || state_ == State::kMessageRefused; }

  // --- replies ---

  void on_reply() {
    if (state_ != State::kLogin) show_reply();
    switch (state_) {
      case State::kGreeting:
        return on_greeting();
      case State::kEhlo:
        return on_ehlo();
      case State::kStartTls:
        return on_starttls();
      case State::kLogin:
        return on_login();
      case State::kReady:
      case State::kQuitting:
        return on_command_reply();
      case State::kAwaitTls:
      case State::kMessageRefused:
      case State::kFailed:
        return;
    }
  }

  void on_greeting() {
    if (reader_.code() != 220) return fail_reply(Kind::kGreeting);
    send_ehlo();
  }

  void on_ehlo() {
    if (reader_.code() != 250) return fail_reply(Kind::kEhlo);
    capabilities_ = sasl::parse_ehlo(reader_);
    if (report_) return become_ready(std::move(report_));
    const bool want_tls = config_.tls == SmtpClientConfig::Tls::kStartTls && !over_tls_;
    if (!want_tls) return log_in();
    // Policy row P7: required, never opportunistic.
    if (!capabilities_.starttls) return fail(sasl::failure_of_kind(Kind::kTlsUnavailable));
    state_ = State::kStartTls;
    send_line("STARTTLS");
  }

  void on_starttls() {
    if (reader_.code() != 220) return fail_reply(Kind::kTlsUnavailable);
    await_tls();
  }

  void log_in() {
    if (!config_.login) return become_ready(std::nullopt);
    state_ = State::kLogin;
    reader_.set_limit(kReplyCodeSize + std::max(sasl::kLeastAuthLine, config_.limits.auth_line));
    login_.emplace(contexts_, config_, bindings_);
    perform(login_->start(capabilities_));
  }

  void on_login() {
    std::optional<ByteView> token;
    const std::string text =
        sanitise_text(reader_.last_text_view());  // before it is decoded in place
    const SaslMechanism mechanism = login_->mechanism();
    LoginDialogue::Action action = login_->on_reply(reader_, token);
    if (!token) {
      show_reply(text);
    } else if (config_.transcript) {
      config_.transcript->token(SmtpParty::kServer, "334 ", mechanism, *token);
    }
    perform(std::move(action));
  }

  // perform does what the dialogue says. A dialogue that says "send" always waits for a reply.
  void perform(LoginDialogue::Action&& action) {
    if (auto* send = std::get_if<LoginDialogue::Send>(&action)) return send_login(*send);
    if (auto* need = std::get_if<NeedExchange>(&action)) {
      exchange_open_ = true;
      events_.emplace_back(Exchange{std::move(*need)});
      return;
    }
    if (auto* report = std::get_if<SaslReport>(&action)) return on_logged_in(std::move(*report));
    auto& failed = std::get<LoginDialogue::Fail>(action);
    if (failed.cancel) send_line("*");
    fail(std::move(failed.failure));
  }

  // RFC 4954 4: a layer takes effect behind the 235, and what the server said before is forgotten.
  void on_logged_in(SaslReport&& report) {
    stream_.start(login_->take_layer(), output_);
    if (!stream_.protected_now()) return become_ready(std::move(report));
    report_.emplace(std::move(report));
    login_.reset();
    capabilities_ = {};
    send_ehlo();
  }

  void become_ready(std::optional<SaslReport>&& login) {
    state_ = State::kReady;
    login_.reset();
    reader_.set_limit(kReplyLine);
    events_.emplace_back(Ready{std::move(login)});
  }

  void on_command_reply() {
    const bool refused = reader_.code() >= 400 && reader_.code() != 421;
    // Also where the end is written but has not been taken to be sent.
    const bool at_the_end = !in_flight_.empty() && in_flight_.front() == "." && !output_.empty();
    if (refused && (data_ == Data::kWriting || at_the_end)) return on_early_refusal();
    if (in_flight_.empty())
      return fail_reply(reader_.code() == 421 ? Kind::kTemporary : Kind::kProtocol);
    const std::string verb = std::move(in_flight_.front());
    in_flight_.pop_front();
    const bool intermediate = reader_.code() >= 300 && reader_.code() < 400;
    if (intermediate && (verb != "DATA" || reader_.code() != 354))
      return fail_reply(Kind::kProtocol);
    if (verb == "DATA") {
      if (reader_.code() < 300) return fail_reply(Kind::kProtocol);
      data_ = intermediate ? Data::kWriting : Data::kNone;
    }
    events_.emplace_back(Reply{verb, sasl::to_reply(reader_)});
    pump();
  }

  // on_early_refusal: the server knows before the end of the message that it does not take it. It may
  // read on to that end, or take what comes for commands; the session is of no more use.
  void on_early_refusal() {
    state_ = State::kMessageRefused;
    data_ = Data::kNone;
    output_.clear();
    events_.emplace_back(Reply{".", sasl::to_reply(reader_)});
  }

  // --- output ---

  void send_ehlo() {
    state_ = State::kEhlo;
    send_line(sasl::concat({"EHLO ", config_.ehlo_name}));
  }

  void send_line(std::string_view line) {
    show(SmtpParty::kClient, line);
    append(output_, as_bytes(line));
    append(output_, as_bytes("\r\n"));
  }

  void send_login(const LoginDialogue::Send& send) {
    if (!send.token) return send_line(send.prefix);
    if (config_.transcript)
      config_.transcript->token(SmtpParty::kClient, send.prefix, login_->mechanism(), *send.token);
    append(output_, as_bytes(send.prefix));
    base64_append(output_, *send.token);
    append(output_, as_bytes("\r\n"));
  }

  // enqueue_path: `utf8`: the transaction's MAIL has the parameter SMTPUTF8 (RFC 6531 3.4).
  Result<void> enqueue_path(std::string_view verb, std::string_view path, bool utf8,
                            std::string line) {
    if (path.find_first_of("<> ") != path.npos || has_control(path)) {
      return misuse("angle bracket, space or control character in a path");
    }
    if (!utf8 && !sasl::is_printable_ascii(path)) {
      if (capabilities_.smtp_utf8) return misuse("SMTPUTF8: not asked for in mail()");
      return Error{Errc::kPeerIncompatible, "SMTPUTF8: the server does not take this address", 0,
                   0};
    }
    return enqueue(verb, std::move(line));
  }

  // pump sends what may be sent now (RFC 2920 3.1).
  void pump() {
    while (!queue_.empty() && may_send()) {
      Command next = std::move(queue_.front());
      queue_.pop_front();
      send_line(next.line);
      if (next.verb == "QUIT") state_ = State::kQuitting;
      in_flight_.push_back(std::move(next.verb));
    }
  }

  bool may_send() const {
    if (in_flight_.empty()) return true;
    return capabilities_.pipelining && in_group(in_flight_.back());
  }

  void await_tls() {
    state_ = State::kAwaitTls;
    events_.emplace_back(StartTls{});
  }

  // --- ends ---

  // give_up ends the session without a single allocation.
  void give_up(const Error& error) {
    state_ = State::kFailed;
    SmtpFailure& failure = broken_.emplace();
    failure.kind = Kind::kLocal;
    failure.party = SmtpFailure::Party::kCaller;
    failure.error = error;
    // Short enough to need none.
    failure.message = error.code == Errc::kNoMemory ? "out of memory" : "internal error";
    if (login_) login_->tell(failure);
    login_.reset();
    queue_.clear();
    output_.clear();
    stream_ = {};
    events_.clear();
  }

  void fail(SmtpFailure&& failure) {
    if (login_) {
      login_->tell(failure);
      login_->tell_earlier(failure);
    }
    events_.emplace_back(Failed{std::move(failure)});  // first: where that fails, run() knows
    state_ = State::kFailed;
    login_.reset();
    queue_.clear();
  }

  void fail_reply(Kind kind) { fail(sasl::failure_of_reply(kind, sasl::to_reply(reader_))); }

  void fail_reading(const Error& error) {
    const Kind kind = error.code == Errc::kPeerMisbehaved ? Kind::kTooMuch : Kind::kProtocol;
    SmtpFailure failure = sasl::failure_of_kind(kind, error.where);
    failure.error = error;
    fail(std::move(failure));
  }

  // CVE-2021-22947: what comes in clear after the 220 must not be taken for an answer within TLS.
  void fail_injection() {
    if (!events_.empty() && std::holds_alternative<StartTls>(events_.back())) events_.pop_back();
    fail(sasl::failure_of_kind(Kind::kTlsInjection));
  }

  // --- transcript ---

  void show(SmtpParty from, std::string_view line) {
    if (config_.transcript) config_.transcript->line(from, sanitise_text(line));
  }

  void show_reply() { show_reply(reader_.last_text_view()); }

  void show_reply(std::string_view last_text) {
    if (config_.transcript == nullptr) return;
    const std::string code = sasl::decimal(static_cast<unsigned>(reader_.code()));
    for (const std::string& line : reader_.earlier_lines())
      show(SmtpParty::kServer, sasl::concat({code, "-", line}));
    show(SmtpParty::kServer, last_text.empty() ? code : sasl::concat({code, " ", last_text}));
  }

  ContextProvider& contexts_;
  SmtpClientConfig config_;
  sasl::ReplyReader reader_;
  State state_ = State::kGreeting;
  std::vector<ChannelBinding> bindings_;
  bool over_tls_ = false;
  SmtpCapabilities capabilities_;
  std::optional<LoginDialogue> login_;
  std::optional<SaslReport> report_;  // of a login whose second EHLO is under way
  sasl::LayeredStream stream_;
  bool exchange_open_ = false;

  std::list<Command> queue_;          // given, not yet sent
  std::list<std::string> in_flight_;  // verbs that wait for their reply
  Data data_ = Data::kNone;
  bool utf8_ = false;  // the last mail() asked for SMTPUTF8, and got it
  bool quit_ = false;
  sasl::DotStuffer stuffer_;

  Bytes output_;
  std::list<Event> events_;
  std::optional<SmtpFailure> broken_;  // to be told by next_event()
};

SmtpClient::SmtpClient(ContextProvider& contexts, SmtpClientConfig config)
    : impl_(std::make_unique<Impl>(contexts, std::move(config))) {}
SmtpClient::~SmtpClient() = default;

template <typename Body>
Result<void> SmtpClient::Impl::run(Body&& body) {
  return ended(guarded("SMTP client", std::forward<Body>(body)));
}

// Where an allocation fails in the middle, what stands in the output may be half a line: the
// session ends there.
Result<void> SmtpClient::Impl::ended(Result<void> result) {
  const bool broken = !result.has_value() && (result.error().code == Errc::kNoMemory ||
                                              result.error().code == Errc::kInternal);
  if (broken && state_ != State::kFailed) give_up(result.error());
  return result;
}

void SmtpClient::receive(ByteView bytes) {
  (void)impl_->run([&] { return impl_->receive(bytes); });
}
void SmtpClient::closed() {
  (void)impl_->run([&] { return impl_->closed(); });
}
std::optional<SmtpClient::Event> SmtpClient::next_event() {
  return impl_->next_event();
}
Bytes SmtpClient::take_output() {
  return impl_->take_output();
}
Result<void> SmtpClient::tls_started(TlsChannel channel) {
  return impl_->run([&] { return impl_->tls_started(std::move(channel)); });
}
Result<void> SmtpClient::tls_failed(std::string_view why) {
  return impl_->run([&] { return impl_->tls_failed(why); });
}
Result<void> SmtpClient::resume(ExchangeAnswer answer) {
  return impl_->run([&] { return impl_->resume(std::move(answer)); });
}
Result<void> SmtpClient::mail(std::string_view path, MailOptions options) {
  return impl_->run([&] { return impl_->mail(path, options); });
}
Result<void> SmtpClient::rcpt(std::string_view path) {
  return impl_->run([&] { return impl_->rcpt(path); });
}
Result<void> SmtpClient::data() {
  return impl_->run([&] { return impl_->enqueue("DATA", "DATA"); });
}
Result<void> SmtpClient::quit() {
  return impl_->run([&] { return impl_->enqueue("QUIT", "QUIT"); });
}
Result<void> SmtpClient::command(std::string_view line) {
  return impl_->run([&] { return impl_->command(line); });
}
Result<void> SmtpClient::write_data(ByteView content) {
  return impl_->run([&] { return impl_->write_data(content); });
}
Result<void> SmtpClient::finish_data() {
  return impl_->run([&] { return impl_->finish_data(); });
}
const SmtpCapabilities& SmtpClient::capabilities() const {
  return impl_->capabilities();
}
bool SmtpClient::over_tls() const {
  return impl_->over_tls();
}

}  // namespace pocketgss
