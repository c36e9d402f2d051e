// KdcServer: a KDC of the tests' own on loopback.
#ifndef PGSS_TESTS_TOOLS_SUPPORT_KDC_SERVER_H_
#define PGSS_TESTS_TOOLS_SUPPORT_KDC_SERVER_H_

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>

#include "lib/kdc_framing.h"
#include "tests/fakes/fake_kdc.h"
#include "tests/lib/support/loopback.h"

namespace pocketgss::tools::testing {

// KdcServer serves a FakeKdc by TCP, one connection after the other, and by UDP.
class KdcServer {
 public:
  explicit KdcServer(pocketgss::testing::FakeKdc& kdc)
      : kdc_(kdc), sockets_(pocketgss::testing::loopback_sockets()) {
    thread_ = std::thread([this] { serve(); });
  }
  ~KdcServer() {
    stop_ = true;
    thread_.join();
    ::close(sockets_.tcp);
    ::close(sockets_.udp);
  }
  KdcServer(const KdcServer&) = delete;
  KdcServer& operator=(const KdcServer&) = delete;

  std::string address() const { return "127.0.0.1:" + std::to_string(sockets_.port); }
  std::atomic<int> by_tcp = 0, by_udp = 0;  // answered
  int answered() const { return by_tcp + by_udp; }

 private:
  void serve() {
    while (!stop_) {
      pollfd entries[] = {{sockets_.tcp, POLLIN, 0}, {sockets_.udp, POLLIN, 0}};
      if (::poll(entries, 2, 10) <= 0) continue;
      if ((entries[0].revents & POLLIN) != 0) stream();
      if ((entries[1].revents & POLLIN) != 0) datagram();
    }
  }
  void stream() {
    const int connection = ::accept(sockets_.tcp, nullptr, nullptr);
    KdcFrameReader reader;
    Bytes piece(4096);
    for (;;) {
      const ssize_t size = ::recv(connection, piece.data(), piece.size(), 0);
      if (size <= 0) break;
      const auto whole = reader.feed(ByteView(piece).prefix(static_cast<size_t>(size)));
      if (!whole.has_value()) break;
      if (!whole.value()) continue;
      const Bytes reply = frame(kdc_.handle(*whole.value()));
      ++by_tcp;
      ::send(connection, reply.data(), reply.size(), MSG_NOSIGNAL);
      break;
    }
    ::close(connection);
  }
  void datagram() {
    Bytes request(65535);
    sockaddr_in from{};
    socklen_t size = sizeof from;
    auto* where = reinterpret_cast<sockaddr*>(&from);
    const ssize_t got = ::recvfrom(sockets_.udp, request.data(), request.size(), 0, where, &size);
    if (got <= 0) return;
    const Bytes reply = kdc_.handle(ByteView(request).prefix(static_cast<size_t>(got)));
    ++by_udp;
    ::sendto(sockets_.udp, reply.data(), reply.size(), 0, where, size);
  }

  pocketgss::testing::FakeKdc& kdc_;
  pocketgss::testing::LoopbackSockets sockets_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

}  // namespace pocketgss::tools::testing

#endif  // PGSS_TESTS_TOOLS_SUPPORT_KDC_SERVER_H_
