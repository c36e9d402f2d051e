// RawClient: a TCP client that sends exactly what a test says.
#include "tests/tools/support/raw_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>

namespace pocketgss::tools::testing {
namespace {

Descriptor connect_to(const sockaddr* address, socklen_t size, int family) {
  Descriptor fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval limit{5, 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (::connect(fd.get(), address, size) != 0) fd.reset();
  return fd;
}

Descriptor connect_to(const std::string& address, uint16_t port) {
  sockaddr_in6 v6{};
  if (::inet_pton(AF_INET6, address.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    return connect_to(reinterpret_cast<const sockaddr*>(&v6), sizeof v6, AF_INET6);
  }
  sockaddr_in v4{};
  ::inet_pton(AF_INET, address.c_str(), &v4.sin_addr);
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  return connect_to(reinterpret_cast<const sockaddr*>(&v4), sizeof v4, AF_INET);
}

// reply_end: where the last line of a reply ends ("250 OK", not "250-more"); npos: it is not all
// there.
size_t reply_end(const std::string& text) {
  for (size_t begin = 0;;) {
    const size_t end = text.find("\r\n", begin);
    if (end == std::string::npos) return end;
    if (end < begin + 4 || text[begin + 3] != '-') return end + 2;
    begin = end + 2;
  }
}

}  // namespace

RawClient::RawClient(uint16_t port, const std::string& address)
    : socket_(connect_to(address, port)) {}

void RawClient::send_raw(ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes = bytes.from(static_cast<size_t>(sent));
  }
}

void RawClient::send(std::string_view text) {
  if (tls_ == nullptr) return send_raw(as_bytes(text));
  static_cast<void>(tls_->send(as_bytes(text)));
  send_raw(tls_->take_output());
}

bool RawClient::receive_raw(Bytes& out) {
  out.resize(16 * 1024);
  const ssize_t got = ::recv(socket_.get(), out.data(), out.size(), 0);
  out.resize(got > 0 ? static_cast<size_t>(got) : 0);
  return got > 0;
}

bool RawClient::receive() {
  Bytes bytes;
  if (!receive_raw(bytes)) return false;
  if (tls_ == nullptr) {
    received_.append(as_text(bytes));
    return true;
  }
  const bool well = tls_->receive(bytes).has_value() && !tls_->peer_closed();
  const Bytes plaintext = tls_->take_plaintext();  // perhaps with the close_notify behind it
  received_.append(as_text(plaintext));
  return well || !plaintext.empty();
}

std::string RawClient::reply() {
  size_t end = 0;
  while ((end = reply_end(received_)) == std::string::npos) {
    if (!receive()) return "";
  }
  const std::string text = received_.substr(0, end);
  received_.erase(0, end);
  return text;
}

bool RawClient::start_tls(const TrustStore& trust, const std::string& host) {
  return start_tls(make_tls_client(trust, host).value());
}

bool RawClient::start_tls(std::unique_ptr<TlsEngine> engine) {
  tls_ = std::move(engine);
  send_raw(tls_->take_output());
  while (!tls_->established()) {
    Bytes bytes;
    if (!receive_raw(bytes) || !tls_->receive(bytes).has_value()) return false;
    send_raw(tls_->take_output());
  }
  return true;
}

bool RawClient::receives() {
  Bytes bytes;
  return receive_raw(bytes);
}

bool RawClient::at_end() {
  std::array<char, 1> byte{};
  return received_.empty() && ::recv(socket_.get(), byte.data(), byte.size(), 0) == 0;
}

bool RawClient::at_end_but_for_an_alert() {
  std::array<char, 7> alert{};  // TLS 1.2: type, version, length and two octets
  size_t size = 0;
  while (size <= alert.size()) {
    char octet = 0;
    const ssize_t received = ::recv(socket_.get(), &octet, 1, 0);
    if (received == 0) return size == 0 || (size == alert.size() && alert[0] == 0x15);
    if (received < 0 || size == alert.size()) return false;
    alert[size++] = octet;
  }
  return false;
}

void RawClient::reset() {
  const linger at_once{1, 0};
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  socket_.reset();
}

void RawClient::shut_down_sending() {
  ::shutdown(socket_.get(), SHUT_WR);
}

}  // namespace pocketgss::tools::testing
