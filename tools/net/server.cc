// The event loop of `serve`.
#include "tools/net/server.h"

#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <list>
#include <set>
#include <thread>
#include <utility>

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/ip/v6_only.hpp>
#include <asio/post.hpp>
#include <asio/signal_set.hpp>
#include <asio/steady_timer.hpp>
#include <asio/thread_pool.hpp>

#include "base/ascii.h"
#include "tools/krb5/service_keytab.h"
#include "tools/net/connection.h"
#include "tools/net/log.h"
#include "tools/text.h"

namespace pocketgss::tools {
namespace {

using asio::ip::tcp;

constexpr size_t kDiskThreads = 4;
constexpr size_t kReadBuffer = 16 * 1024;
constexpr uint16_t kDefaultPort = 587;
constexpr auto kAcceptPause =
    std::chrono::milliseconds(100);  // after an error such as "too many open files"

Failure clear_text_refused(const Endpoint& endpoint) {
  return Failure{
      ExitCode::kConfig,
      "logins on " + to_text(endpoint) +
          " would be in clear text: give a certificate with --tls-cert and --tls-key, listen on a "
          "loopback address, or say --allow-cleartext (policy row P6)"};
}

Failure cannot_listen(const Endpoint& endpoint, const asio::error_code& error) {
  const bool in_use = error == asio::error::address_in_use;
  return Failure{in_use ? ExitCode::kUnavailable : ExitCode::kOsError,
                 "cannot listen on " + to_text(endpoint) + ": " + error.message() +
                     (in_use ? "; choose another port" : "")};
}

// raise_file_limit makes room for `connections` sockets and their files, as far as the system lets
// us.
void raise_file_limit(unsigned connections) {
  rlimit limit{};
  const rlim_t wanted = 2 * rlim_t{connections} + 64;
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return;
  limit.rlim_cur = std::min(wanted, limit.rlim_max);
  static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));
}

// check_addresses: they are addresses, and what policy row P6 asks of them.
Fallible<Nothing> check_addresses(const ServerConfig& config) {
  const bool clear = config.certificate_file.empty() && !config.allow_cleartext;
  for (const Endpoint& endpoint : config.listen) {
    asio::error_code error;
    const auto address = asio::ip::make_address(endpoint.host, error);
    if (error) {
      return Failure{ExitCode::kUsage,
                     "--listen needs an address such as 127.0.0.1:587 or [::1]:587, and " +
                         quoted(endpoint.host) + " is none"};
    }
    if (clear && !address.is_loopback()) return clear_text_refused(endpoint);
  }
  return Nothing{};
}

Fallible<std::optional<ServerIdentity>> load_identity(const ServerConfig& config) {
  if (config.certificate_file.empty()) return std::optional<ServerIdentity>();
  auto identity = ServerIdentity::load(config.certificate_file, config.key_file);
  if (!identity.has_value()) return identity.failure();
  return std::optional<ServerIdentity>(std::move(identity).value());
}

Fallible<std::shared_ptr<const UserFile>> load_users(const ServerConfig& config) {
  if (config.users_file.empty()) return std::shared_ptr<const UserFile>();
  auto users = UserFile::load(config.users_file);
  if (!users.has_value()) return users.failure();
  return std::shared_ptr<const UserFile>(
      std::make_shared<const UserFile>(std::move(users).value()));
}

bool is_mail_service(std::string_view name) {
  const std::string_view service = name.substr(0, name.find('/'));
  return same_ignoring_case(service, "smtp") || same_ignoring_case(service, "SMTPSVC");
}

// Kerberos is what a key table changes in the AcceptorConfig.
struct Kerberos {
  std::shared_ptr<const ServiceKeys> keys;
  std::vector<std::string> realms, targets;
  size_t size = 0;
};

// earlier_logins: row KRA-11. The option may have been left in a file that starts this program at
// every boot; then it must not count.
EarlierLogins earlier_logins(const ServerConfig& config, const Maildir& maildir) {
  if (!config.first_start) return EarlierLogins::kPossible;
  if (maildir.made()) return EarlierLogins::kNone;
  log_line(system_clock(), "--first-start does not count: the Maildir was there already");
  return EarlierLogins::kPossible;
}

// load_kerberos: policy row P13: our services are those of the configuration and, unless the
// operator named them, the key table's own; our users those of its realms.
Fallible<Kerberos> load_kerberos(const ServerConfig& config) {
  const AcceptorConfig& acceptor = config.acceptor;
  Kerberos out{nullptr, acceptor.client_realms, acceptor.targets, 0};
  if (config.keytab_file.empty()) return out;
  auto loaded = load_service_keytab(config.keytab_file);
  if (!loaded.has_value()) return loaded.failure();
  ServiceKeytab keytab = std::move(loaded).value();
  if (out.realms.empty()) out.realms = std::move(keytab.realms);
  bool any = false;
  for (const std::string& service : keytab.services) {
    const bool ours =
        std::any_of(out.targets.begin(), out.targets.end(),
                    [&](const std::string& name) { return same_ignoring_case(name, service); });
    const bool added = !ours && config.targets_of_keytab && is_mail_service(service);
    if (added) out.targets.push_back(service);
    any |= ours || added;
  }
  if (!any) {
    return Failure{ExitCode::kConfig, "the key table " + quoted(config.keytab_file) +
                                          " has no key of this server's services, such as " +
                                          (out.targets.empty() ? "smtp/HOST" : out.targets[0]) +
                                          ": add one, or name its service with --spn"};
  }
  out.keys = std::move(keytab.keys);
  out.size = keytab.size;
  return out;
}

void set_kerberos(AcceptorConfig& acceptor, Kerberos kerberos) {
  acceptor.keys = std::move(kerberos.keys);
  acceptor.client_realms = std::move(kerberos.realms);
  acceptor.targets = std::move(kerberos.targets);
}

// Waiting marks that an operation is under way. The mark goes where its handler begins, and where
// the handler is destroyed without a call, as for want of memory.
class Waiting {
 public:
  explicit Waiting(std::shared_ptr<bool> mark) : mark_(std::move(mark)) { *mark_ = true; }
  Waiting(Waiting&&) noexcept = default;
  Waiting& operator=(Waiting&&) = delete;
  ~Waiting() { end(); }
  void end() {
    if (mark_ != nullptr) *std::exchange(mark_, nullptr) = false;
  }

 private:
  std::shared_ptr<bool> mark_;
};

}  // namespace

class Server::Impl {
 public:
  // Parts are what open() has read.
  struct Parts {
    Maildir maildir;
    std::shared_ptr<const UserFile> users;
    Kerberos kerberos;
    std::shared_ptr<ReplayCache> replay_cache;
    std::optional<ServerIdentity> identity;
  };
  Impl(ServerConfig config, Runtime runtime, Parts parts);

  // listen also keeps the Maildir: from then on somebody may have been told of the server.
  Fallible<Nothing> listen();
  std::vector<Endpoint> addresses() const;
  void catch_signals();
  ExitCode run();
  void stop();
  void reload();
  asio::io_context& loop() { return loop_; }
  size_t connection_count() const { return count_; }

 private:
  // Listener is one address that is listened on, and its own pause after an error.
  struct Listener {
    tcp::acceptor acceptor;
    asio::steady_timer pause;
    // For a connection, or for the end of the pause.
    std::shared_ptr<bool> waiting = std::make_shared<bool>(false);
  };
  Fallible<Nothing> listen_on(const Endpoint& endpoint);
  void accept(Listener& listener);
  void pause(Listener& listener, const asio::error_code& error);
  void accepted(tcp::socket socket);
  void wait_for_signal();
  void resume();
  void log_quietly(const std::exception& failed) noexcept;
  void forget(Connection& connection);
  void finish_if_idle();
  void cut_all();
  void abandon_all();
  void log(const std::string& text) { log_line(runtime_.clock(), text); }
  Service make_service(Parts parts);
  void reload_users();
  void reload_keytab();
  void reload_identity();

  ServerConfig config_;
  Runtime runtime_;
  asio::io_context loop_{1};
  asio::thread_pool disk_{kDiskThreads};
  Bytes read_buffer_ = Bytes(kReadBuffer);
  Service service_;
  std::list<Listener> listeners_;
  asio::signal_set signals_{loop_};
  asio::steady_timer stop_timer_{loop_};
  std::set<std::shared_ptr<Connection>> connections_;
  std::atomic<size_t> count_{0};
  std::shared_ptr<bool> signal_awaited_ = std::make_shared<bool>(false);
  bool stop_wanted_ = false, stopping_ = false;
};

Server::Impl::Impl(ServerConfig config, Runtime runtime, Parts parts)
    : config_(std::move(config)),
      runtime_(std::move(runtime)),
      service_(make_service(std::move(parts))) {}

Service Server::Impl::make_service(Parts parts) {
  SmtpServerConfig smtp = config_.smtp;
  smtp.starttls = parts.identity.has_value() && !smtp.implicit_tls;
  smtp.auth_in_clear = false;
  SmtpServerConfig smtp_auth_clear = smtp;
  smtp_auth_clear.auth_in_clear = true;
  AcceptorConfig acceptor = config_.acceptor;
  acceptor.ntlm = parts.users != nullptr;
  acceptor.guard = make_reflection_guard();
  acceptor.replay_cache = std::move(parts.replay_cache);
  set_kerberos(acceptor, std::move(parts.kerberos));
  return Service{runtime_,
                 std::move(acceptor),
                 std::move(smtp),
                 std::move(smtp_auth_clear),
                 config_.allow_cleartext,
                 config_.verbose,
                 std::move(parts.maildir),
                 std::move(parts.users),
                 std::move(parts.identity),
                 disk_,
                 MutableBytes(read_buffer_),
                 [this](Connection& connection) { forget(connection); }};
}

// --- listening ---

Fallible<Nothing> Server::Impl::listen() {
  for (const Endpoint& endpoint : config_.listen) {
    if (auto listening = listen_on(endpoint); !listening.has_value()) return listening;
  }
  service_.maildir.keep();
  return Nothing{};
}

Fallible<Nothing> Server::Impl::listen_on(const Endpoint& endpoint) {
  asio::error_code error;
  const auto address = asio::ip::make_address(endpoint.host, error);
  const tcp::endpoint local(address, endpoint.port.value_or(kDefaultPort));
  tcp::acceptor acceptor(loop_);
  acceptor.open(local.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error && address.is_v6()) acceptor.set_option(asio::ip::v6_only(true), error);
  if (!error) acceptor.bind(local, error);
  if (!error) acceptor.listen(tcp::acceptor::max_listen_connections, error);
  if (error) return cannot_listen(endpoint, error);
  listeners_.push_back(Listener{std::move(acceptor), asio::steady_timer(loop_)});
  return Nothing{};
}

std::vector<Endpoint> Server::Impl::addresses() const {
  std::vector<Endpoint> out;
  for (const Listener& listener : listeners_) {
    asio::error_code ignored;
    const tcp::endpoint local = listener.acceptor.local_endpoint(ignored);
    out.push_back(Endpoint{local.address().to_string(), local.port()});
  }
  return out;
}

void Server::Impl::accept(Listener& listener) {
  listener.acceptor.async_accept([this, &listener, waiting = Waiting(listener.waiting)](
                                     const asio::error_code& error, tcp::socket socket) mutable {
    waiting.end();
    if (stopping_) return;
    if (error) return pause(listener, error);
    accept(listener);  // first: the others come in whatever becomes of this one
    accepted(std::move(socket));
  });
}

void Server::Impl::pause(Listener& listener, const asio::error_code& error) {
  listener.pause.expires_after(kAcceptPause);
  listener.pause.async_wait([this, &listener, waiting = Waiting(listener.waiting)](
                                const asio::error_code& cancelled) mutable {
    waiting.end();
    if (!cancelled && !stopping_) accept(listener);
  });
  log("a connection could not be accepted: " + error.message());
}

void Server::Impl::accepted(tcp::socket socket) {
  asio::error_code ignored;
  socket.non_blocking(true, ignored);
  socket.set_option(tcp::no_delay(true), ignored);
  if (connections_.size() >= config_.max_connections) {
    log("connection refused: " + std::to_string(connections_.size()) + " are open");
    const std::string reply =
        "421 4.3.2 " + config_.smtp.hostname + " Too many connections, try again later\r\n";
    if (!config_.smtp.implicit_tls) socket.write_some(asio::buffer(reply), ignored);
    return;
  }
  const auto connection = std::make_shared<Connection>(std::move(socket), service_);
  connections_.insert(connection);
  count_ = connections_.size();
  connection->start();
}

void Server::Impl::forget(Connection& connection) {
  connections_.erase(connection.shared_from_this());
  count_ = connections_.size();
  finish_if_idle();
}

// --- signals, stopping and reloading ---

void Server::Impl::wait_for_signal() {
  signals_.async_wait([this, waiting = Waiting(signal_awaited_)](const asio::error_code& error,
                                                                 int number) mutable {
    waiting.end();
    if (error) return;
    if (number != SIGHUP && !stopping_) stop_wanted_ = true;  // whatever fails from here on
    wait_for_signal();  // first: the next one counts whatever becomes of this one
    if (number == SIGHUP) {
      reload();
    } else if (stopping_) {
      abandon_all();
    } else {
      stop();
    }
    finish_if_idle();
  });
}

// stop begins with what can fail, and resume() calls it again where that did.
void Server::Impl::stop() {
  if (stopping_) return;
  stop_wanted_ = true;
  stop_timer_.expires_after(std::chrono::microseconds(config_.stop_time));
  stop_timer_.async_wait([this](const asio::error_code& cancelled) {
    if (!cancelled) cut_all();
  });
  stopping_ = true;
  const size_t open = connections_.size();
  asio::error_code ignored;
  for (Listener& listener : listeners_) {
    listener.acceptor.close(ignored);
    listener.pause.cancel();
  }
  for (auto next = connections_.begin(); next != connections_.end();) {
    const auto connection = *next++;  // which may leave the set
    connection->stop();
  }
  finish_if_idle();
  log("stopping: " + std::to_string(open) + " connections are open");
}

void Server::Impl::cut_all() {
  for (auto next = connections_.begin(); next != connections_.end();) {
    const auto connection = *next++;  // which may leave the set
    connection->cut();
  }
}

void Server::Impl::abandon_all() {
  while (!connections_.empty()) {
    const auto connection = *connections_.begin();
    connection->abandon();  // and it leaves the set
  }
  finish_if_idle();
}

// finish_if_idle takes away what keeps the loop running.
void Server::Impl::finish_if_idle() {
  if (!stopping_ || !connections_.empty()) return;
  asio::error_code ignored;
  stop_timer_.cancel();
  signals_.cancel(ignored);
}

// Each of them is read again whatever becomes of the others.
void Server::Impl::reload() {
  const auto try_to = [this](void (Impl::*read_again)()) {
    try {
      (this->*read_again)();
    } catch (const std::exception& failed) {
      log_quietly(failed);
    }
  };
  if (service_.users != nullptr) try_to(&Impl::reload_users);
  if (service_.acceptor.keys != nullptr) try_to(&Impl::reload_keytab);
  if (service_.identity) try_to(&Impl::reload_identity);
}

void Server::Impl::reload_users() {
  auto users = load_users(config_);
  if (!users.has_value()) {
    return log("users NOT read again, the old ones stay: " + users.failure().message);
  }
  service_.users = std::move(users).value();
  log("users read again: " + std::to_string(service_.users->size()) + " accounts");
}

// Connections that are open go on with the old keys, which each of them holds.
void Server::Impl::reload_keytab() {
  auto kerberos = load_kerberos(config_);
  if (!kerberos.has_value()) {
    return log("key table NOT read again, the old one stays: " + kerberos.failure().message);
  }
  log("key table read again: " + std::to_string(kerberos.value().size) + " keys");
  set_kerberos(service_.acceptor, std::move(kerberos).value());
}

void Server::Impl::reload_identity() {
  auto identity = load_identity(config_);
  if (identity.has_value()) {
    service_.identity = std::move(identity).value();
  } else {
    log("certificate NOT read again, the old one stays: " + identity.failure().message);
  }
}

// catch_signals comes before anybody can know that the server is there: a signal that arrives before
// run() waits for it.
void Server::Impl::catch_signals() {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a file size limit is a failed write, not the end
  asio::error_code error;
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) signals_.add(number, error);
  wait_for_signal();
}

// resume starts what does not wait, though it should: at first all of it, later what an exception
// took away.
void Server::Impl::resume() {
  if (stop_wanted_) stop();
  if (!stopping_) {
    for (Listener& listener : listeners_) {
      if (!*listener.waiting) accept(listener);
    }
  }
  if (!*signal_awaited_ && !(stopping_ && connections_.empty())) wait_for_signal();
  finish_if_idle();
}

ExitCode Server::Impl::run() {
  for (;;) {
    try {
      resume();
      loop_.run();
      break;
    } catch (const std::exception& failed) {
      // One step is lost, most likely for want of memory; all others go on.
      log_quietly(failed);
    }
  }
  disk_.join();
  return ExitCode::kOk;
}

// log_quietly also gives others the time to give memory back.
void Server::Impl::log_quietly(const std::exception& failed) noexcept {
  try {
    log(std::string("one step was given up: ") + failed.what());
  } catch (const std::exception&) {
    std::this_thread::sleep_for(kAcceptPause);
  }
}

// --- the public face ---

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;

Fallible<std::unique_ptr<Server>> Server::open(ServerConfig config) {
  if (auto checked = check_addresses(config); !checked.has_value()) return checked.failure();
  raise_file_limit(config.max_connections);
  auto users = load_users(config);
  if (!users.has_value()) return users.failure();
  auto kerberos = load_kerberos(config);
  if (!kerberos.has_value()) return kerberos.failure();
  auto identity = load_identity(config);
  if (!identity.has_value()) return identity.failure();
  auto runtime = Runtime::create();
  if (!runtime.has_value()) return Failure{ExitCode::kSoftware, describe(runtime.error())};
  auto maildir = Maildir::open(config.maildir, config.smtp.hostname);
  if (!maildir.has_value()) return maildir.failure();
  // Policy row P17: one for the process, whatever key table is in force.
  auto replay_cache = make_replay_cache(runtime.value().clock(), kDefaultReplayCapacity,
                                        earlier_logins(config, maildir.value()));
  if (!replay_cache.has_value()) {
    return Failure{ExitCode::kSoftware, describe(replay_cache.error())};
  }
  Impl::Parts parts{std::move(maildir).value(), std::move(users).value(),
                    std::move(kerberos).value(), std::move(replay_cache).value(),
                    std::move(identity).value()};
  auto impl =
      std::make_unique<Impl>(std::move(config), std::move(runtime).value(), std::move(parts));
  impl->catch_signals();
  if (auto listening = impl->listen(); !listening.has_value()) return listening.failure();
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

std::vector<Endpoint> Server::addresses() const {
  return impl_->addresses();
}
ExitCode Server::run() {
  return impl_->run();
}
void Server::stop() {
  asio::post(impl_->loop(), [impl = impl_.get()] { impl->stop(); });
}
void Server::reload() {
  asio::post(impl_->loop(), [impl = impl_.get()] { impl->reload(); });
}
size_t Server::connection_count() const {
  return impl_->connection_count();
}

}  // namespace pocketgss::tools
