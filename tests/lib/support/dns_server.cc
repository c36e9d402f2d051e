// Messages as RFC 1035 4.1 writes them, without compression.
#include "tests/lib/support/dns_server.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cursor.h"
#include "tests/lib/support/loopback.h"

namespace pocketgss::testing {
namespace {

constexpr size_t kHeader = 12;

Bytes wire_name(std::string_view name) {
  Bytes out;
  while (!name.empty()) {
    const std::string_view label = name.substr(0, name.find('.'));
    out.push_back(static_cast<uint8_t>(label.size()));
    append(out, as_bytes(label));
    name.remove_prefix(std::min(label.size() + 1, name.size()));
  }
  out.push_back(0);
  return out;
}

// The end of the question: its name, type and class.
size_t question_size(ByteView query) {
  size_t at = kHeader;
  while (at < query.size() && query[at] != 0) at += size_t{1} + query[at];
  return at + 5 - kHeader;
}

}  // namespace

DnsMessage& DnsMessage::id_plus(uint16_t difference) {
  id_difference_ = difference;
  return *this;
}

DnsMessage& DnsMessage::rcode(uint8_t code) {
  rcode_ = code;
  return *this;
}

DnsMessage& DnsMessage::truncated() {
  truncated_ = true;
  return *this;
}

DnsMessage& DnsMessage::srv(uint16_t priority, uint16_t weight, uint16_t port,
                            std::string_view target) {
  Bytes data;
  ByteWriter writer(data);
  for (const uint16_t each : {priority, weight, port}) writer.u16be(each);
  append(data, wire_name(target));
  return record("", kSrv, data);
}

DnsMessage& DnsMessage::a(ByteView address) {
  return record("", address.size() == 4 ? kA : kAaaa, address);
}

DnsMessage& DnsMessage::cname(std::string_view owner, std::string_view target) {
  return record(owner, kCname, wire_name(target));
}

// An empty owner is the name that was asked for.
DnsMessage& DnsMessage::record(std::string_view owner, uint16_t type, ByteView data) {
  ByteWriter writer(answers_);
  if (owner.empty()) {
    writer.u16be(0xc000 | kHeader);
  } else {
    append(answers_, wire_name(owner));
  }
  writer.u16be(type);
  writer.u16be(1);
  writer.u32be(60);
  writer.u16be(static_cast<uint16_t>(data.size()));
  append(answers_, data);
  ++records_;
  return *this;
}

Bytes DnsMessage::bytes() const {
  Bytes out;
  ByteWriter writer(out);
  ByteReader reader(query_);
  writer.u16be(static_cast<uint16_t>(reader.u16be("id").value() + id_difference_));
  writer.u16be(static_cast<uint16_t>(0x8180 | (truncated_ ? 0x0200 : 0) | rcode_));
  writer.u16be(1);
  writer.u16be(records_);
  writer.u32be(0);
  append(out, query_.sub(kHeader, question_size(query_)));
  append(out, answers_);
  return out;
}

ScriptedDns::ScriptedDns(Answer answer) : answer_(std::move(answer)) {
  const LoopbackSockets sockets = loopback_sockets();
  tcp_ = sockets.tcp;
  udp_ = sockets.udp;
  port_ = sockets.port;
  thread_ = std::thread([this] { serve(); });
}

ScriptedDns::~ScriptedDns() {
  stop_ = true;
  thread_.join();
  ::close(tcp_);
  ::close(udp_);
}

std::vector<std::string> ScriptedDns::asked() {
  const std::lock_guard lock(mutex_);
  return asked_;
}

void ScriptedDns::serve() {
  while (!stop_) {
    pollfd entries[] = {{tcp_, POLLIN, 0}, {udp_, POLLIN, 0}};
    if (::poll(entries, 2, 20) <= 0) continue;
    if ((entries[0].revents & POLLIN) != 0) stream();
    if ((entries[1].revents & POLLIN) != 0) datagram();
  }
}

void ScriptedDns::datagram() {
  Bytes query(65'535);
  sockaddr_in from{};
  socklen_t size = sizeof from;
  auto* where = reinterpret_cast<sockaddr*>(&from);
  const ssize_t got = ::recvfrom(udp_, query.data(), query.size(), 0, where, &size);
  if (got < static_cast<ssize_t>(kHeader)) return;
  for (const Bytes& each : answers_to(ByteView(query).prefix(static_cast<size_t>(got)), false))
    ::sendto(udp_, each.data(), each.size(), 0, where, size);
}

// One query of one connection.
void ScriptedDns::stream() {
  const int connection = ::accept(tcp_, nullptr, nullptr);
  const timeval patience{1, 0};
  ::setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  Bytes prefix(2);
  if (::recv(connection, prefix.data(), 2, MSG_WAITALL) == 2) {
    Bytes query(static_cast<size_t>(prefix[0] << 8 | prefix[1]));
    if (::recv(connection, query.data(), query.size(), MSG_WAITALL) ==
        static_cast<ssize_t>(query.size())) {
      for (const Bytes& each : answers_to(query, true)) {
        Bytes framed;
        ByteWriter(framed).u16be(static_cast<uint16_t>(each.size()));
        append(framed, each);
        ::send(connection, framed.data(), framed.size(), MSG_NOSIGNAL);
      }
    }
  }
  ::shutdown(connection, SHUT_WR);
  ::recv(connection, prefix.data(), 2, 0);
  ::close(connection);
}

std::vector<Bytes> ScriptedDns::answers_to(ByteView octets, bool by_tcp) {
  Query query{octets.to_bytes(), "", 0, by_tcp};
  size_t at = kHeader;
  while (at < octets.size() && octets[at] != 0) {
    if (!query.name.empty()) query.name += '.';
    query.name += as_text(octets.sub(at + 1, octets[at]));
    at += size_t{1} + octets[at];
  }
  query.type = static_cast<uint16_t>(octets[at + 1] << 8 | octets[at + 2]);
  {
    const std::lock_guard lock(mutex_);
    asked_.push_back(std::to_string(query.type) + " " + query.name + (by_tcp ? " by TCP" : ""));
  }
  return answer_(query);
}

}  // namespace pocketgss::testing
