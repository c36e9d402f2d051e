// A TCP and a UDP socket of one port on loopback, for servers of the tests' own.
#ifndef PGSS_TESTS_LIB_SUPPORT_LOOPBACK_H_
#define PGSS_TESTS_LIB_SUPPORT_LOOPBACK_H_

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>

namespace pocketgss::testing {

struct LoopbackSockets {
  int tcp = -1, udp = -1;  // `tcp` listens; whoever has them closes them
  uint16_t port = 0;
};

inline LoopbackSockets loopback_sockets() {
  LoopbackSockets out;
  out.tcp = ::socket(AF_INET, SOCK_STREAM, 0);
  out.udp = ::socket(AF_INET, SOCK_DGRAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* where = reinterpret_cast<sockaddr*>(&address);
  EXPECT_EQ(::bind(out.tcp, where, size), 0);
  EXPECT_EQ(::getsockname(out.tcp, where, &size), 0);
  EXPECT_EQ(::bind(out.udp, where, size), 0);
  EXPECT_EQ(::listen(out.tcp, 8), 0);
  out.port = ntohs(address.sin_port);
  return out;
}

}  // namespace pocketgss::testing

#endif  // PGSS_TESTS_LIB_SUPPORT_LOOPBACK_H_
