// An SMTP submission server as a machine without I/O: bytes, time, answers and ends.
#include <pocketgss/smtp_server.h>

#include <algorithm>
#include <limits>

#include "base/any_of.h"
#include "base/guard.h"
#include "sasl/smtp_server_impl.h"
#include "sasl/text.h"

namespace pocketgss {
namespace {

constexpr size_t kPendingLimit = 64 * 1024;  // what a caller may add while wants_input() is false

Error misuse(const char* where) {
  return Error{Errc::kApiMisuse, where, 0, 0};
}

// later: a time beyond what can be counted never comes.
Micros later(Micros at, Micros by) {
  constexpr Micros kForEver = std::numeric_limits<Micros>::max();
  return at > 0 && by > kForEver - at ? kForEver : at + by;
}

}  // namespace

SmtpServer::Impl::Impl(ContextProvider& contexts, const SmtpServerConfig& config,
                       SmtpTranscript* transcript)
    : contexts_(contexts),
      config_(config),
      transcript_(transcript),
      line_(std::max(sasl::kLeastAuthLine, config.limits.auth_line),
            sasl::LineBuffer::OnLong::kSkip) {
  if (config_.implicit_tls) {
    state_ = State::kAwaitTls;
    events_.emplace_back(StartTls{});
  } else {
    reply(220, "", sasl::concat({config_.hostname, " ", config_.greeting}));
  }
}

// --- input ---

bool SmtpServer::Impl::waiting() const {
  return state_ == State::kAwaitTls || state_ == State::kAwaitAccount ||
         state_ == State::kAwaitAuthorisation || state_ == State::kAwaitReply;
}

void SmtpServer::Impl::receive(ByteView bytes) {
  if (state_ == State::kClosed || bytes.empty()) return;
  active_ = now_;
  if (state_ == State::kAwaitTls) {
    // Policy row P7, CVE-2011-0411: nothing that came in clear may run as if it had come within
    // TLS.
    if (!events_.empty() && std::holds_alternative<StartTls>(events_.back())) events_.pop_back();
    return close({Errc::kPeerMisbehaved, "clear text after STARTTLS", 0, 0});
  }
  if (waiting()) {
    if (pending_.size() > kPendingLimit) return close(misuse("receive() without wants_input()"));
    append(pending_, bytes);
    return;
  }
  process(bytes);
  pending_ = bytes.to_bytes();
}

void SmtpServer::Impl::process(ByteView& input) {
  while (!waiting() && state_ != State::kClosed) {
    const Result<ByteView*> next = stream_.next(input);
    if (!next.has_value()) {
      next.error().code == Errc::kNoMemory ? give_up(next.error()) : close(next.error());
      break;
    }
    if (next.value()->empty()) break;
    if (state_ == State::kContent) {
      read_content(*next.value());
    } else {
      read_line(*next.value());
    }
  }
  if (state_ == State::kClosed) input = ByteView();
  if (state_ == State::kAwaitTls && !input.empty()) {
    receive(input);
    input = ByteView();
  }
}

void SmtpServer::Impl::read_line(ByteView& input) {
  using Outcome = sasl::LineBuffer::Outcome;
  const Outcome outcome = line_.take(input);
  if (outcome == Outcome::kMore) return;
  if (outcome == Outcome::kLine) {
    on_line();
  } else if (outcome == Outcome::kTooLong) {
    on_long_line();
  } else if (outcome == Outcome::kFlood) {
    close_with(421, "4.7.0", "Line too long", {Errc::kPeerMisbehaved, "SMTP line length", 0, 0});
  } else {
    // RFC 5321 2.3.8, CVE-2023-51764: servers that differ on this can be played off against each
    // other.
    const char* where =
        outcome == Outcome::kBareLf ? "bare LF in a command" : "bare CR in a command";
    refuse(500, "5.5.2", "Lines end in CRLF");
    close({Errc::kPeerMisbehaved, where, 0, 0});
  }
  line_.clear();
}

void SmtpServer::Impl::on_long_line() {
  const SmtpReply too_long{500, "5.5.6", "Line too long"};
  if (state_ == State::kAuth)
    return refuse_login(too_long, {Errc::kPeerMisbehaved, "AUTH line length", 0, 0});
  refuse(too_long);
}

void SmtpServer::Impl::read_content(ByteView& input) {
  using Outcome = sasl::DotUnstuffer::Outcome;
  Bytes content;
  const Outcome outcome = unstuffer_.read(input, content);
  if (outcome == Outcome::kBareCr || outcome == Outcome::kBareLf) {
    const char* where =
        outcome == Outcome::kBareLf ? "bare LF in the message" : "bare CR in the message";
    if (!dropping_) drop_message({Errc::kPeerMisbehaved, where, 0, 0});
    reply(550, "5.6.0", "Bare CR or LF in the message");
    return close({Errc::kPeerMisbehaved, where, 0, 0});
  }
  content_size_ += content.size();
  if (!dropping_ && config_.message_size != 0 && content_size_ > config_.message_size) {
    drop_message({Errc::kPeerMisbehaved, "message size", 0, 0});
  }
  if (!dropping_ && !content.empty()) events_.emplace_back(Content{std::move(content)});
  if (outcome != Outcome::kEnd) return;
  show(SmtpParty::kClient, ".");
  if (!dropping_) return ask(Asked::kEnd, End{});
  reset_transaction();
  state_ = State::kCommand;
  reply(552, "5.3.4", "Message too big");
  if (stopping_) stop();
}

void SmtpServer::Impl::drop_message(const Error& error) {
  dropping_ = true;
  events_.emplace_back(Aborted{error});
}

// go_on takes up what waited while an answer was due.
void SmtpServer::Impl::go_on() {
  active_ = now_;
  if (stopping_) stop();
  const Bytes waiting_bytes = std::exchange(pending_, Bytes());
  ByteView input = waiting_bytes;
  process(input);
  pending_ = input.to_bytes();
}

// --- output ---

void SmtpServer::Impl::reply(int code, std::string_view enhanced, std::string_view text) {
  const std::string_view space = enhanced.empty() ? "" : " ";
  const std::string line =
      sasl::concat({sasl::decimal(static_cast<unsigned>(code)), " ", enhanced, space, text});
  show(SmtpParty::kServer, line);
  append(output_, as_bytes(line));
  append(output_, as_bytes("\r\n"));
}

// refuse replies to a command that should not have come, and ends the session when there are too
// many of them.
void SmtpServer::Impl::refuse(int code, std::string_view enhanced, std::string_view text) {
  reply(code, enhanced, text);
  if (++bad_commands_ < config_.bad_commands) return;
  close_with(421, "4.7.0", "Too many errors",
             {Errc::kPeerMisbehaved, "too many bad commands", 0, 0});
}

void SmtpServer::Impl::close_with(int code, std::string_view enhanced, std::string_view text,
                                  const Error& error) {
  if (state_ == State::kClosed) return;
  reply(code, enhanced, text);
  close(error);
}

void SmtpServer::Impl::close(const Error& error) {
  if (state_ == State::kClosed) return;
  const bool in_message =
      state_ == State::kContent || (state_ == State::kAwaitReply && asked_ == Asked::kEnd);
  if (in_message && !dropping_) drop_message(error);
  // First: where that fails, run() finds the session open.
  if (session_) tell_refusal(error);
  events_.emplace_back(Closed{error});
  state_ = State::kClosed;
  session_.reset();
  pending_ = Bytes();
  line_.clear();
}

void SmtpServer::Impl::show(SmtpParty from, std::string_view line) {
  if (transcript_ != nullptr) transcript_->line(from, sanitise_text(line));
}

Bytes SmtpServer::Impl::take_output() {
  Result<Bytes> out = stream_.protect(output_);
  if (!out.has_value()) {
    give_up(out.error());
    return {};
  }
  if (state_ == State::kClosed) stream_ = {};
  return std::move(out).value();
}

std::optional<SmtpServer::Event> SmtpServer::Impl::next_event() {
  if (broken_) return Closed{*std::exchange(broken_, std::nullopt)};
  if (events_.empty()) return std::nullopt;
  Event event = std::move(events_.front());
  events_.pop_front();
  return event;
}

// --- answers ---

Result<void> SmtpServer::Impl::tls_started(TlsChannel channel) {
  if (state_ != State::kAwaitTls || !events_.empty()) return misuse("tls_started()");
  over_tls_ = true;
  bindings_ = std::move(channel.bindings);
  login_.reset();
  forget_client();
  state_ = State::kCommand;
  active_ = now_;
  if (config_.implicit_tls) reply(220, "", sasl::concat({config_.hostname, " ", config_.greeting}));
  return {};
}

// forget_client: RFC 3207 4.2, RFC 4954 4: what the client said before TLS or a security layer is
// forgotten.
void SmtpServer::Impl::forget_client() {
  ehlo_name_.clear();
  extended_ = false;
  reset_transaction();
}

Result<void> SmtpServer::Impl::resume(AccountAnswer answer) {
  if (state_ != State::kAwaitAccount || !events_.empty()) return misuse("resume()");
  perform(session_->resume(std::move(answer)));
  go_on();
  return {};
}

Result<void> SmtpServer::Impl::authorise(AuthorisationAnswer answer) {
  if (state_ != State::kAwaitAuthorisation || !events_.empty()) return misuse("authorise()");
  perform(session_->authorise(answer));
  go_on();
  return {};
}

void SmtpServer::Impl::ask(Asked asked, Event event) {
  asked_ = asked;
  state_ = State::kAwaitReply;
  events_.emplace_back(std::move(event));
}

Result<void> SmtpServer::Impl::accept() {
  switch (asked_) {
    case Asked::kMail:
      return answer({250, "2.1.0", "OK"});
    case Asked::kRcpt:
      return answer({250, "2.1.5", "OK"});
    case Asked::kData:
      return answer({354, "", "End data with <CR><LF>.<CR><LF>"});
    case Asked::kEnd:
      break;
  }
  return answer({250, "2.0.0", "OK"});
}

Result<void> SmtpServer::Impl::answer(const SmtpReply& given) {
  if (!wants_reply()) return misuse("reply()");
  const int expected = asked_ == Asked::kData ? 354 : 250;
  if (given.code != expected && (given.code < 400 || given.code > 599)) return misuse("reply code");
  if (!sasl::is_printable_ascii(given.enhanced) || !sasl::is_printable_ascii(given.text))
    return misuse("reply text");
  reply(given);
  apply_answer(given.code);
  go_on();
  return {};
}

void SmtpServer::Impl::apply_answer(int code) {
  const bool positive = code < 400;
  state_ = State::kCommand;
  switch (asked_) {
    case Asked::kMail:
      in_mail_ = positive;
      return;
    case Asked::kRcpt:
      if (positive) ++recipients_;
      return;
    case Asked::kData:
      if (!positive) return reset_transaction();
      state_ = State::kContent;
      unstuffer_ = sasl::DotUnstuffer();
      content_size_ = 0;
      dropping_ = false;
      return;
    case Asked::kEnd:
      return reset_transaction();
  }
}

void SmtpServer::Impl::reset_transaction() {
  in_mail_ = false;
  recipients_ = 0;
}

// --- time and ends ---

void SmtpServer::Impl::tick(Micros now) {
  if (!started_) {
    started_ = now;
    active_ = now;
  }
  now_ = std::max(now_, now);
  // While the application is at work the client cannot be idle.
  if (waiting() && state_ != State::kAwaitTls) active_ = now_;
  if (state_ == State::kClosed || now_ < deadline()) return;
  const Error error{Errc::kUnreachable, "timeout", 0, 0};
  if (state_ == State::kAwaitTls)
    return close(error);  // a reply in clear would disturb the handshake
  close_with(421, "4.4.2", "Timeout", error);
}

Micros SmtpServer::Impl::deadline() const {
  if (!started_ || state_ == State::kClosed) return std::numeric_limits<Micros>::max();
  Micros out = later(active_, config_.idle_time);
  if (login_missing()) out = std::min(out, later(*started_, config_.handshake_time));
  return out;
}

void SmtpServer::Impl::connection_closed() {
  close({Errc::kUnreachable, "connection closed", 0, 0});
}

void SmtpServer::Impl::stop() {
  stopping_ = true;
  const Error error{Errc::kUnreachable, "server stops", 0, 0};
  if (state_ == State::kContent || (waiting() && state_ != State::kAwaitTls)) return;
  if (state_ == State::kAwaitTls) return close(error);
  close_with(421, "4.3.2", "Server is shutting down", error);
}

void SmtpServer::Impl::stop_now() {
  const Error error{Errc::kUnreachable, "server stops", 0, 0};
  if (waiting()) return close(error);
  close_with(421, "4.3.2", "Server is shutting down", error);
}

SmtpServer::SmtpServer(ContextProvider& contexts, const SmtpServerConfig& config,
                       SmtpTranscript* transcript)
    : impl_(std::make_unique<Impl>(contexts, config, transcript)) {}
SmtpServer::~SmtpServer() = default;

// Where an allocation fails in the middle, what stands in the output may be half a line: the
// session ends there, and nothing more is sent.
template <typename Body>
Result<void> SmtpServer::Impl::run(Body&& body) {
  const Result<void> result = guarded("SMTP server", std::forward<Body>(body));
  const bool broken = !result.has_value() && (result.error().code == Errc::kNoMemory ||
                                              result.error().code == Errc::kInternal);
  if (broken && state_ != State::kClosed) give_up(result.error());
  return result;
}

template <typename Body>
void SmtpServer::Impl::run_quietly(Body&& body) {
  (void)run([&]() -> Result<void> {
    std::forward<Body>(body)();
    return {};
  });
}

void SmtpServer::Impl::give_up(const Error& error) {
  state_ = State::kClosed;
  session_.reset();
  pending_.clear();
  output_.clear();
  stream_ = {};
  events_.clear();
  broken_ = error;
}

void SmtpServer::receive(ByteView bytes) {
  impl_->run_quietly([&] { impl_->receive(bytes); });
}
bool SmtpServer::wants_input() const {
  return impl_->wants_input();
}
void SmtpServer::closed() {
  impl_->run_quietly([&] { impl_->connection_closed(); });
}
void SmtpServer::stop() {
  impl_->run_quietly([&] { impl_->stop(); });
}
void SmtpServer::stop_now() {
  impl_->run_quietly([&] { impl_->stop_now(); });
}
std::optional<SmtpServer::Event> SmtpServer::next_event() {
  return impl_->next_event();
}
Bytes SmtpServer::take_output() {
  return impl_->take_output();
}
bool SmtpServer::wants_reply() const {
  return impl_->wants_reply();
}
void SmtpServer::tick(Micros now) {
  impl_->run_quietly([&] { impl_->tick(now); });
}
Micros SmtpServer::deadline() const {
  return impl_->deadline();
}
Result<void> SmtpServer::tls_started(TlsChannel channel) {
  return impl_->run([&] { return impl_->tls_started(std::move(channel)); });
}
Result<void> SmtpServer::resume(AccountAnswer answer) {
  return impl_->run([&] { return impl_->resume(std::move(answer)); });
}
Result<void> SmtpServer::authorise(AuthorisationAnswer answer) {
  return impl_->run([&] { return impl_->authorise(answer); });
}
Result<void> SmtpServer::accept() {
  return impl_->run([&] { return impl_->accept(); });
}
Result<void> SmtpServer::reply(const SmtpReply& reply) {
  return impl_->run([&] { return impl_->answer(reply); });
}
bool SmtpServer::over_tls() const {
  return impl_->over_tls();
}
const SaslReport* SmtpServer::login() const {
  return impl_->login();
}
const std::string& SmtpServer::ehlo_name() const {
  return impl_->ehlo_name();
}

}  // namespace pocketgss
