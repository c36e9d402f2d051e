// Sockets that never wait longer than they are told. Internal to lib/platform.
#ifndef PGSS_LIB_PLATFORM_SOCKETS_H_
#define PGSS_LIB_PLATFORM_SOCKETS_H_

#include <pocketgss/bytes.h>

#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pocketgss {

using SteadyTime = std::chrono::steady_clock::time_point;

class Socket {
 public:
  Socket() = default;
  explicit Socket(int fd) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }
  int fd() const { return fd_; }
  bool open() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// SocketAddress is one address of a host.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

// addresses_of reads an IP address, and asks the system's resolver for a name where it may.
enum class Lookup { kNone, kBySystem };
std::vector<SocketAddress> addresses_of(const std::string& host, uint16_t port, int type,
                                        Lookup lookup);

// connected is a socket that does not block, connected to that address alone; for UDP, datagrams of
// others do not arrive. Nothing where that fails, or is not done before `end`.
std::optional<Socket> connected(const SocketAddress&, int type, SteadyTime end);

// wait_for waits for `events` of poll(); false where the time is over first.
bool wait_for(const Socket&, short events, SteadyTime end);

// send_all and receive_some: false, or nothing, where the connection fails or the time is over; an
// empty reply is the end of the stream.
bool send_all(const Socket&, ByteView octets, SteadyTime end);
std::optional<Bytes> receive_some(const Socket&, size_t at_most, SteadyTime end);

}  // namespace pocketgss

#endif  // PGSS_LIB_PLATFORM_SOCKETS_H_
