// poll() before every call that could wait.
#include "lib/platform/sockets.h"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

namespace pocketgss {

std::vector<SocketAddress> addresses_of(const std::string& host, uint16_t port, int type,
                                        Lookup lookup) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = type;
  hints.ai_flags = AI_NUMERICSERV | (lookup == Lookup::kNone ? AI_NUMERICHOST : 0);
  addrinfo* list = nullptr;
  if (::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list) != 0) return {};
  std::vector<SocketAddress> out;
  for (const addrinfo* each = list; each != nullptr; each = each->ai_next) {
    SocketAddress address;
    if (each->ai_addrlen > sizeof address.storage) continue;
    std::memcpy(&address.storage, each->ai_addr, each->ai_addrlen);
    address.size = each->ai_addrlen;
    out.push_back(address);
  }
  ::freeaddrinfo(list);
  return out;
}

bool wait_for(const Socket& socket, short events, SteadyTime end) {
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    pollfd entry{socket.fd(), events, 0};
    const int ready = ::poll(&entry, 1, static_cast<int>(std::min<int64_t>(left.count(), INT_MAX)));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

std::optional<Socket> connected(const SocketAddress& address, int type, SteadyTime end) {
  Socket socket(::socket(address.storage.ss_family, type, 0));
  if (!socket.open()) return std::nullopt;
  const int flags = ::fcntl(socket.fd(), F_GETFL);
  if (flags < 0 || ::fcntl(socket.fd(), F_SETFL, flags | O_NONBLOCK) < 0 ||
      ::fcntl(socket.fd(), F_SETFD, FD_CLOEXEC) < 0)
    return std::nullopt;
  const auto* where = reinterpret_cast<const sockaddr*>(&address.storage);
  if (::connect(socket.fd(), where, address.size) == 0) return socket;
  if (errno != EINPROGRESS || !wait_for(socket, POLLOUT, end)) return std::nullopt;
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0)
    return std::nullopt;
  return socket;
}

bool send_all(const Socket& socket, ByteView octets, SteadyTime end) {
  while (!octets.empty()) {
    if (!wait_for(socket, POLLOUT, end)) return false;
    const ssize_t sent = ::send(socket.fd(), octets.data(), octets.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      octets = octets.from(static_cast<size_t>(sent));
    } else if (sent < 0 && errno != EINTR && errno != EAGAIN) {
      return false;
    }
  }
  return true;
}

std::optional<Bytes> receive_some(const Socket& socket, size_t at_most, SteadyTime end) {
  Bytes out(at_most);
  for (;;) {
    if (!wait_for(socket, POLLIN, end)) return std::nullopt;
    const ssize_t size = ::recv(socket.fd(), out.data(), out.size(), 0);
    if (size >= 0) {
      out.resize(static_cast<size_t>(size));
      return out;
    }
    if (errno != EINTR && errno != EAGAIN) return std::nullopt;
  }
}

}  // namespace pocketgss
