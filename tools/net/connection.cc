// One client's connection: the socket, TLS, the SMTP machine and the message under way.
#include "tools/net/connection.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <new>
#include <thread>

#include <asio/executor_work_guard.hpp>
#include <asio/post.hpp>
#include <asio/write.hpp>

#include "tools/text.h"

namespace pocketgss::tools {
namespace {

using asio::ip::tcp;

constexpr Micros kForEver = std::numeric_limits<Micros>::max();
constexpr Micros kEndTime = 5'000'000;    // for the last bytes of a session to go out
constexpr Micros kDrainTime = 2'000'000;  // for the client to close in its turn
constexpr auto kMemoryPause = std::chrono::milliseconds(50);
constexpr size_t kDrainLimit = 256 * 1024;  // bytes thrown away meanwhile

Micros now() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// normal writes an IPv4 address that came through an IPv6 socket as what it is.
asio::ip::address normal(const asio::ip::address& address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  }
  return address;
}

asio::ip::address remote_address(const tcp::socket& socket) {
  asio::error_code ignored;
  return normal(socket.remote_endpoint(ignored).address());
}

bool both_loopback(const tcp::socket& socket) {
  asio::error_code ignored;
  return remote_address(socket).is_loopback() &&
         normal(socket.local_endpoint(ignored).address()).is_loopback();
}

std::string peer_text(const tcp::socket& socket) {
  asio::error_code ignored;
  return "[" + remote_address(socket).to_string() +
         "]:" + std::to_string(socket.remote_endpoint(ignored).port());
}

// LogTranscript is what -v shows: the dialogue, of tokens and of what is no command only the size.
class LogTranscript final : public SmtpTranscript {
 public:
  LogTranscript(Clock& clock, std::string peer) : clock_(clock), peer_(std::move(peer)) {}

  void line(SmtpParty from, std::string_view text) override { show(from, std::string(text)); }
  void token(SmtpParty from, std::string_view prefix, SaslMechanism, ByteView token) override {
    show(from, std::string(prefix) + "(token of " + std::to_string(token.size()) + " bytes)");
  }

 private:
  void show(SmtpParty from, const std::string& text) {
    log_line(clock_, peer_ + (from == SmtpParty::kClient ? " C: " : " S: ") + text);
  }

  Clock& clock_;
  std::string peer_;
};

std::unique_ptr<SmtpTranscript> transcript_for(const Service& service, const std::string& peer) {
  if (!service.verbose) return nullptr;
  return std::make_unique<LogTranscript>(service.runtime.clock(), peer);
}

// Policy row P6: AUTH in clear on loopback, or where the operator said so.
const SmtpServerConfig& config_for(const Service& service, const tcp::socket& socket) {
  return service.allow_cleartext || both_loopback(socket) ? service.smtp_auth_clear : service.smtp;
}

// Commit is one message's way to the disk and back. Whatever is thrown there, a result is there.
struct Commit {
  explicit Commit(std::shared_ptr<Delivery> message) : delivery(std::move(message)) {}

  void run() {
    try {
      result = delivery->commit();
    } catch (const std::exception&) {
      // The failure that stands there already: to make one needs memory.
    }
    delivery.reset();
  }

  std::shared_ptr<Connection> connection;
  std::shared_ptr<Delivery> delivery;
  Fallible<Nothing> result =
      Failure{ExitCode::kIoError, "the message cannot be stored: out of memory"};
};

// post_patiently waits for memory: nobody is there on a disk's thread to tell of an error.
template <typename Executor, typename Handler>
void post_patiently(const Executor& loop, const Handler& handler) {
  for (;;) {
    try {
      return asio::post(loop, handler);
    } catch (const std::bad_alloc&) {
      std::this_thread::sleep_for(kMemoryPause);
    }
  }
}

}  // namespace

Connection::Connection(tcp::socket socket, Service& service)
    : socket_(std::move(socket)),
      timer_(socket_.get_executor()),
      service_(service),
      address_(remote_address(socket_).to_string()),
      peer_(peer_text(socket_)),
      transcript_(transcript_for(service, peer_)),
      contexts_(service.runtime, service.acceptor),
      smtp_(contexts_, config_for(service, socket_), transcript_.get()) {}

// Operation keeps the connection alive in the handler of one of its operations. Where the handler is
// destroyed without a call (no memory), nothing would ever go on: the connection ends.
class Connection::Operation {
 public:
  explicit Operation(Connection& connection) : connection_(connection.shared_from_this()) {}
  Operation(Operation&&) noexcept = default;
  Operation& operator=(Operation&&) = delete;
  ~Operation() {
    if (connection_ != nullptr) connection_->close();
  }
  std::shared_ptr<Connection> take() { return std::move(connection_); }

 private:
  std::shared_ptr<Connection> connection_;
};

// guarded runs one step of a connection. Where that throws (no memory), this connection ends and
// the others go on.
template <typename Step>
void Connection::guarded(Step step) {
  try {
    if (!closed_) step();
  } catch (const std::exception& failed) {
    close();  // first: a line for the log needs memory too
    log_quietly([&] { return "connection given up: from=" + peer_ + " reason: " + failed.what(); });
  }
}

// log_quietly does without a line where there is no memory for it.
template <typename Text>
void Connection::log_quietly(Text text) const noexcept {
  try {
    log(text());
  } catch (const std::exception&) {
    return;
  }
}

void Connection::start() {
  guarded([this] {
    smtp_.tick(now());
    pump();
  });
}

void Connection::stop() {
  guarded([this] {
    smtp_.stop();
    pump();
  });
}

void Connection::cut() {
  if (committing_ || ended_) return;  // it ends with what it waits for
  guarded([this] {
    cut_short();
    pump();
  });
}

void Connection::abandon() {
  guarded([this] {
    if (ended_) return;
    cut_short();
    if (writing_) return;
    asio::error_code ignored;
    socket_.write_some(asio::buffer(output_ = next_output()), ignored);
  });
  close();
}

void Connection::cut_short() {
  log("connection cut: the server stops; from=" + peer_ +
      (delivery_ == nullptr ? "" : " with a message under way"));
  smtp_.stop_now();
  handle_events();
}

void Connection::pump() {
  if (closed_) return;
  handle_events();
  wait_for_time();
  if (!flush()) return;
  handle_events();  // the session has ended where there was no memory for its output
  if (ended_) return drain();
  if (tls_wanted_) begin_tls();
  wait_for_input();
}

void Connection::handle_events() {
  while (auto event = smtp_.next_event()) {
    std::visit([this](auto& specific) { on(specific); }, *event);
  }
  if (message_whole_) begin_commit();
}

// --- output ---

// flush starts to send what there is; true: nothing is left to send.
bool Connection::flush() {
  if (writing_) return false;
  output_ = next_output();
  if (output_.empty()) return true;
  writing_ = true;
  asio::async_write(socket_, asio::buffer(output_),
                    [operation = Operation(*this)](const asio::error_code& error, size_t) mutable {
                      const auto self = operation.take();
                      self->writing_ = false;
                      self->guarded([&] { self->written(!error); });
                    });
  return false;
}

Bytes Connection::next_output() {
  Bytes plain = smtp_.take_output();
  if (tls_ == nullptr) return plain;
  // What cannot be sent leaves a hole: the session ends as if the client had gone.
  if (!plain.empty() && !tls_->send(plain).has_value()) smtp_.closed();
  if (ended_) tls_->close();
  return tls_->take_output();
}

void Connection::written(bool well) {
  output_ = Bytes();
  if (!well) return close();
  pump();
}

// --- input ---

void Connection::wait_for_input() {
  if (reading_ || writing_ || committing_ || closed_) return;
  if (!draining_ && !smtp_.wants_input()) return;
  reading_ = true;
  socket_.async_wait(tcp::socket::wait_read,
                     [operation = Operation(*this)](const asio::error_code& error) mutable {
                       const auto self = operation.take();
                       self->reading_ = false;
                       if (!error) self->guarded([&] { self->readable(); });
                     });
}

void Connection::readable() {
  asio::error_code error;
  const size_t size = socket_.read_some(
      asio::buffer(service_.read_buffer.data(), service_.read_buffer.size()), error);
  if (error == asio::error::would_block || error == asio::error::interrupted)
    return wait_for_input();
  if (draining_) {
    drained_ += size;
    return error || drained_ > kDrainLimit ? close() : wait_for_input();
  }
  smtp_.tick(now());
  if (error) {
    smtp_.closed();
  } else {
    take_input(ByteView(service_.read_buffer).prefix(size));
  }
  pump();
}

void Connection::take_input(ByteView bytes) {
  if (tls_ == nullptr) return smtp_.receive(bytes);
  if (!take_ciphertext(bytes)) return smtp_.closed();
  const Bytes plaintext = tls_->take_plaintext();
  if (!plaintext.empty()) smtp_.receive(plaintext);
  if (tls_->peer_closed()) smtp_.closed();
}

// take_ciphertext: false where TLS failed.
bool Connection::take_ciphertext(ByteView bytes) {
  const auto received = tls_->receive(bytes);
  if (!received.has_value()) {
    log("TLS failed: from=" + peer_ + " reason: " + received.failure().message);
    return false;
  }
  if (tls_->established() && !smtp_.over_tls()) {
    static_cast<void>(smtp_.tls_started(TlsChannel{server_bindings(*tls_->session())}));
  }
  return true;
}

void Connection::begin_tls() {
  tls_wanted_ = false;
  auto engine = make_tls_server(*service_.identity);
  if (engine.has_value()) {
    tls_ = std::move(engine).value();
    return;
  }
  log(engine.failure().message);
  close();
}

// --- time ---

Micros Connection::deadline() const {
  return ended_ ? end_time_ : smtp_.deadline();
}

// wait_for_time keeps one wait under way; a deadline that moved back is seen when it fires.
void Connection::wait_for_time() {
  const Micros due = deadline();
  if (due == kForEver || (armed_for_ != 0 && armed_for_ <= due)) return;
  armed_for_ = due;
  timer_.expires_at(std::chrono::steady_clock::time_point(std::chrono::microseconds(due)));
  timer_.async_wait([operation = Operation(*this)](const asio::error_code& error) mutable {
    const auto self = operation.take();
    if (!error) self->guarded([&] { self->time_came(); });
  });
}

void Connection::time_came() {
  armed_for_ = 0;
  if (ended_) return now() >= end_time_ ? close() : wait_for_time();
  smtp_.tick(now());
  pump();
}

// --- the end ---

// drain waits for the client to close, so that it reads our last reply and not a reset.
void Connection::drain() {
  if (!draining_) {
    draining_ = true;
    asio::error_code ignored;
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
    end_time_ = std::min(end_time_, now() + kDrainTime);
    wait_for_time();
  }
  wait_for_input();
}

void Connection::close() {
  if (closed_) return;
  closed_ = true;
  asio::error_code ignored;
  timer_.cancel();
  socket_.close(ignored);
  if (!committing_) delivery_.reset();
  service_.on_closed(*this);
}

// --- events ---

void Connection::on(SmtpServer::StartTls&) {
  tls_wanted_ = true;
}

void Connection::on(SmtpServer::Account& event) {
  AccountAnswer answer;
  if (service_.users != nullptr) answer.account = service_.users->find(event.need.user);
  static_cast<void>(smtp_.resume(std::move(answer)));
}

// Not asked for: whoever proves an account of the user file, or a ticket, may log in.
void Connection::on(SmtpServer::Authorisation&) {
  static_cast<void>(smtp_.authorise(AuthorisationAnswer::kNo));
}

void Connection::on(SmtpServer::LoggedIn& event) {
  log(login_text(event.report, peer()));
}

void Connection::on(SmtpServer::LoginRefused& event) {
  log(refusal_text(event, peer()));
}

void Connection::on(SmtpServer::Mail& event) {
  trace_ = Trace();
  trace_.reverse_path = event.reverse_path;
  static_cast<void>(smtp_.accept());
}

void Connection::on(SmtpServer::Rcpt& event) {
  trace_.recipients.push_back(event.forward_path);
  static_cast<void>(smtp_.accept());
}

void Connection::on(SmtpServer::Data&) {
  delivery_failure_.reset();
  const auto begun = begin_delivery();
  if (!begun.has_value()) return refuse_message(begun.failure());
  static_cast<void>(smtp_.accept());
}

Fallible<Nothing> Connection::begin_delivery() {
  Clock& clock = service_.runtime.clock();
  auto delivery = service_.maildir.begin(clock, service_.runtime.random());
  if (!delivery.has_value()) return delivery.failure();
  delivery_ = std::move(delivery).value();
  trace_.ehlo_name = smtp_.ehlo_name();
  trace_.client_address = address_;
  trace_.hostname = service_.smtp.hostname;
  trace_.id = delivery_->id();
  trace_.tls_version = tls_version();
  trace_.time = clock.now();
  if (smtp_.login() != nullptr) trace_.authenticated_name = smtp_.login()->context.account_name;
  return delivery_->write(as_bytes(trace_fields(trace_)));
}

void Connection::on(SmtpServer::Content& event) {
  if (delivery_failure_) return;
  const auto written = delivery_->write(event.bytes);
  if (!written.has_value()) delivery_failure_ = written.failure();
}

// The message is stored once it is known that the client is still there: what ended the session may
// have come with the last of it.
void Connection::on(SmtpServer::End&) {
  if (delivery_failure_) return refuse_message(*delivery_failure_);
  message_whole_ = true;
}

void Connection::begin_commit() {
  message_whole_ = false;
  const auto loop = socket_.get_executor();
  const auto commit = std::make_shared<Commit>(delivery_);
  commit->connection = shared_from_this();
  asio::post(service_.disk, [commit, loop, guard = asio::make_work_guard(loop)] {
    commit->run();
    post_patiently(loop, [commit] {
      const auto self = std::move(commit->connection);  // it ends on the loop's thread
      self->committed(commit->result);
    });
  });
  committing_ = true;
}

void Connection::committed(const Fallible<Nothing>& result) {
  committing_ = false;
  if (closed_) {
    if (result.has_value())
      log_quietly([this] { return "stored, not acknowledged" + message_text(); });
    return delivery_.reset();
  }
  guarded([&] { answer_message(result); });
}

void Connection::answer_message(const Fallible<Nothing>& result) {
  if (!result.has_value()) {
    refuse_message(result.failure());
  } else {
    delivery_.reset();
    const bool acknowledged = smtp_.accept().has_value();
    log_quietly(
        [&] { return (acknowledged ? "delivered" : "stored, not acknowledged") + message_text(); });
  }
  smtp_.tick(now());
  pump();
}

std::string Connection::message_text() const {
  return ": id=" + trace_.id + " user=" + quoted(trace_.authenticated_name) +
         " sender=" + quoted(trace_.reverse_path) +
         " recipients=" + std::to_string(trace_.recipients.size()) + " from=" + peer_;
}

void Connection::refuse_message(const Failure& failure) {
  log("not delivered: from=" + peer_ + " reason: " + failure.message);
  delivery_.reset();
  static_cast<void>(
      smtp_.reply(SmtpReply{451, "4.3.0", "The message could not be stored; try again later"}));
}

void Connection::on(SmtpServer::Aborted&) {
  message_whole_ = false;
  delivery_.reset();
}

void Connection::on(SmtpServer::Closed&) {
  message_whole_ = false;
  ended_ = true;
  tls_wanted_ = false;
  end_time_ = now() + kEndTime;
}

std::string_view Connection::tls_version() const {
  return tls_ != nullptr && tls_->session() != nullptr ? tls_->session()->version : "";
}

void Connection::log(const std::string& text) const {
  log_line(service_.runtime.clock(), text);
}

}  // namespace pocketgss::tools
