// A blocking connection to a server: POSIX sockets with poll(), and a TLS engine on request.
#include "tools/net/client_transport.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "tools/files.h"
#include "tools/net/endpoint.h"
#include "tools/text.h"

namespace pocketgss::tools {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr size_t kReadSize = 16 * 1024;
constexpr std::chrono::milliseconds kGoodbye(200);  // for the last words of TLS

// in_time: the deadline is not over; else false, errno set.
bool in_time(Deadline deadline) {
  if (SteadyClock::now() < deadline) return true;
  errno = ETIMEDOUT;
  return false;
}

// wait polls until the socket is ready (true), or the deadline has passed or poll() failed (false,
// errno set).
bool wait(int fd, short events, Deadline deadline) {
  while (in_time(deadline)) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - SteadyClock::now())
            .count();
    pollfd entry{fd, events, 0};
    const int ready = ::poll(&entry, 1, left > 0 ? static_cast<int>(left) + 1 : 1);
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
  return false;
}

// --- resolving and connecting ---

struct AddressList {
  addrinfo* first = nullptr;
  ~AddressList() {
    if (first != nullptr) ::freeaddrinfo(first);
  }
};

Failure resolver_failure(const std::string& host, int code) {
  const bool later = code == EAI_AGAIN || code == EAI_MEMORY || code == EAI_SYSTEM;
  return Failure{
      later ? ExitCode::kTempFail : ExitCode::kNoHost,
      "cannot find the server " + quoted(host) + ": " + ::gai_strerror(code) +
          (later ? "; try again later" : "; check the name, and this machine's name service")};
}

// connect_one returns 0 with the socket in `out`, or an errno value.
int connect_one(const addrinfo& address, Deadline deadline, Descriptor& out) {
  Descriptor fd(::socket(address.ai_family, address.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                         address.ai_protocol));
  if (!fd.valid()) return errno;
  if (::connect(fd.get(), address.ai_addr, address.ai_addrlen) != 0) {
    if (errno != EINPROGRESS) return errno;
    if (!wait(fd.get(), POLLOUT, deadline)) return errno;
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
    if (error != 0) return error;
  }
  const int on = 1;  // requests are small and each waits for an answer
  static_cast<void>(::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
  out = std::move(fd);
  return 0;
}

Failure connect_failure(const std::string& host, uint16_t port, int error) {
  const std::string where = "cannot connect to " + to_text(Endpoint{host, port}) + ": ";
  if (error == ECONNREFUSED) {
    return Failure{ExitCode::kUnavailable, where + "no server listens there; check the port"};
  }
  if (error == ETIMEDOUT)
    return Failure{ExitCode::kTempFail,
                   where + "no answer in time; try again later, and check for a firewall"};
  return Failure{ExitCode::kTempFail, where + system_error_text(error)};
}

size_t count(const addrinfo* list) {
  size_t n = 0;
  for (; list != nullptr; list = list->ai_next) ++n;
  return n;
}

// telling ranks errors of connect(), the most telling last.
int telling(int error) {
  switch (error) {
    case 0:
      return 0;
    case ENETUNREACH:
    case EAFNOSUPPORT:
    case EADDRNOTAVAIL:
      return 1;  // this machine has no way to such addresses
    case ETIMEDOUT:
      return 3;
    case ECONNREFUSED:
      return 4;
    default:
      return 2;
  }
}

// connect_any tries the addresses in order; each gets an equal share of the time that is left.
Fallible<Descriptor> connect_any(const addrinfo* list, const std::string& host, uint16_t port,
                                 Deadline deadline) {
  int error = 0;
  for (; list != nullptr; list = list->ai_next) {
    const auto share = (deadline - SteadyClock::now()) / static_cast<int64_t>(count(list));
    Descriptor fd;
    const int failed = connect_one(*list, SteadyClock::now() + share, fd);
    if (failed == 0) return fd;
    error = more_telling(error, failed);
  }
  return connect_failure(host, port, error == 0 ? ETIMEDOUT : error);
}

// --- bytes ---

Failure io_failure(const char* what, int error) {
  if (error == ETIMEDOUT) {
    return Failure{ExitCode::kTempFail,
                   std::string("the server did not ") + what + " in time; try again later"};
  }
  return Failure{ExitCode::kIoError,
                 "the connection to the server broke: " + system_error_text(error)};
}

Fallible<Nothing> socket_write(int fd, ByteView bytes, Deadline deadline) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes = bytes.from(static_cast<size_t>(sent));
    } else if (errno != EINTR && (errno != EAGAIN || !wait(fd, POLLOUT, deadline))) {
      return io_failure("take what was sent", errno);
    }
  }
  return Nothing{};
}

Fallible<Bytes> socket_read(int fd, Deadline deadline) {
  Bytes buffer(kReadSize);
  // Before each recv(): a peer that always has more to give must not hold a caller who wants
  // something of it.
  while (in_time(deadline)) {
    const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (got >= 0) {
      buffer.resize(static_cast<size_t>(got));
      return buffer;
    }
    if (errno != EINTR && (errno != EAGAIN || !wait(fd, POLLIN, deadline))) break;
  }
  return io_failure("answer", errno);
}

// socket_read_waiting waits for nothing; none: nothing has come.
Fallible<std::optional<Bytes>> socket_read_waiting(int fd) {
  Bytes buffer(kReadSize);
  for (;;) {
    const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got >= 0) {
      buffer.resize(static_cast<size_t>(got));
      return std::optional(std::move(buffer));
    }
    if (errno == EAGAIN) return std::optional<Bytes>();
    if (errno != EINTR) return io_failure("answer", errno);
  }
}

}  // namespace

int more_telling(int first, int second) {
  return telling(first) < telling(second) ? second : first;
}

struct ClientTransport::State {
  Descriptor socket;
  std::unique_ptr<TlsEngine> tls;

  // flush sends what the engine has made.
  Fallible<Nothing> flush(Deadline deadline) {
    return socket_write(socket.get(), tls->take_output(), deadline);
  }

  // feed gives the engine what it made of the socket; an alert of ours still goes out.
  Fallible<Nothing> feed(ByteView bytes, Deadline deadline) {
    auto received = tls->receive(bytes);
    auto flushed = flush(deadline);
    return received.has_value() ? flushed : received;
  }

  Fallible<Nothing> handshake(Deadline deadline);
  Fallible<Bytes> read_plaintext(Deadline deadline);
  Fallible<std::optional<Bytes>> read_waiting_plaintext();
};

Fallible<Nothing> ClientTransport::State::handshake(Deadline deadline) {
  if (auto flushed = flush(deadline); !flushed.has_value()) return flushed;
  while (!tls->established()) {
    auto bytes = socket_read(socket.get(), deadline);
    if (!bytes.has_value()) return bytes.failure();
    if (bytes.value().empty() || tls->peer_closed()) {
      return Failure{ExitCode::kProtocol,
                     "the server closed the connection during the TLS handshake"};
    }
    // What a server says with the end of its handshake is heard, though it may take nothing more.
    if (auto fed = feed(bytes.value(), deadline); !fed.has_value() && !tls->established())
      return fed;
  }
  return Nothing{};
}

Fallible<Bytes> ClientTransport::State::read_plaintext(Deadline deadline) {
  for (;;) {
    Bytes plaintext = tls->take_plaintext();
    if (!plaintext.empty() || tls->peer_closed()) return plaintext;
    auto bytes = socket_read(socket.get(), deadline);
    if (!bytes.has_value() || bytes.value().empty()) return bytes;
    const auto fed = feed(bytes.value(), deadline);
    plaintext = tls->take_plaintext();  // there is some only where it was TLS's that came
    if (!plaintext.empty()) return plaintext;
    if (!fed.has_value()) return fed.failure();
  }
}

Fallible<std::optional<Bytes>> ClientTransport::State::read_waiting_plaintext() {
  for (;;) {
    Bytes plaintext = tls->take_plaintext();
    if (!plaintext.empty() || tls->peer_closed()) return std::optional(std::move(plaintext));
    auto bytes = socket_read_waiting(socket.get());
    if (!bytes.has_value() || !bytes.value() || bytes.value()->empty()) return bytes;
    if (auto read = tls->receive(*bytes.value()); !read.has_value()) return read.failure();
    // What we say to it (of a close_notify, say) may not reach a peer that has closed.
    static_cast<void>(flush(deadline_in(kGoodbye)));
  }
}

ClientTransport::ClientTransport(std::unique_ptr<State> state) : state_(std::move(state)) {}
ClientTransport::ClientTransport(ClientTransport&&) noexcept = default;
ClientTransport& ClientTransport::operator=(ClientTransport&&) noexcept = default;
ClientTransport::~ClientTransport() = default;

Fallible<ClientTransport> ClientTransport::connect(const std::string& host, uint16_t port,
                                                   std::chrono::milliseconds timeout) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  AddressList list;
  int code = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list.first);
  if (code != 0) {  // RFC 3493 6.1: loopback addresses do not count as configured, so ask again
                    // without the flag
    hints.ai_flags = 0;
    code = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list.first);
  }
  if (code != 0) return resolver_failure(host, code);
  auto socket = connect_any(list.first, host, port, deadline_in(timeout));
  if (!socket.has_value()) return socket.failure();
  return ClientTransport(std::make_unique<State>(State{std::move(socket).value(), nullptr}));
}

Fallible<Nothing> ClientTransport::start_tls(const TrustStore& trust, const std::string& host,
                                             Deadline deadline, Clock& clock) {
  auto engine = make_tls_client(trust, host, clock);
  if (!engine.has_value()) return engine.failure();
  state_->tls = std::move(engine).value();
  return state_->handshake(deadline);
}

Fallible<Nothing> ClientTransport::write(ByteView bytes, Deadline deadline) {
  if (state_->tls == nullptr) return socket_write(state_->socket.get(), bytes, deadline);
  if (auto sent = state_->tls->send(bytes); !sent.has_value()) return sent;
  return state_->flush(deadline);
}

Fallible<Bytes> ClientTransport::read(Deadline deadline) {
  if (state_->tls == nullptr) return socket_read(state_->socket.get(), deadline);
  return state_->read_plaintext(deadline);
}

Fallible<std::optional<Bytes>> ClientTransport::read_waiting() {
  if (state_->tls == nullptr) return socket_read_waiting(state_->socket.get());
  return state_->read_waiting_plaintext();
}

void ClientTransport::close() {
  if (state_->tls != nullptr) {
    state_->tls->close();
    static_cast<void>(state_->flush(deadline_in(kGoodbye)));
  }
  state_->socket.reset();
}

const TlsSession* ClientTransport::tls_session() const {
  return state_->tls == nullptr ? nullptr : state_->tls->session();
}

}  // namespace pocketgss::tools
