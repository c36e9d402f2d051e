// A name server of the tests' own, on loopback: it says what the test has written for it.
#ifndef PGSS_TESTS_LIB_SUPPORT_DNS_SERVER_H_
#define PGSS_TESTS_LIB_SUPPORT_DNS_SERVER_H_

#include <pocketgss/bytes.h>

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace pocketgss::testing {

// DnsMessage writes an answer to a query.
class DnsMessage {
 public:
  static constexpr uint16_t kA = 1, kCname = 5, kAaaa = 28, kSrv = 33;
  static constexpr uint8_t kServfail = 2, kNxdomain = 3, kRefused = 5;

  explicit DnsMessage(ByteView query) : query_(query) {}

  DnsMessage& id_plus(uint16_t difference);  // another id than the query's
  DnsMessage& rcode(uint8_t code);
  DnsMessage& truncated();
  DnsMessage& srv(uint16_t priority, uint16_t weight, uint16_t port, std::string_view target);
  DnsMessage& a(ByteView address);  // of 4 octets, or 16
  DnsMessage& cname(std::string_view owner, std::string_view target);
  DnsMessage& record(std::string_view owner, uint16_t type, ByteView data);
  Bytes bytes() const;

 private:
  ByteView query_;
  uint16_t id_difference_ = 0;
  uint8_t rcode_ = 0;
  bool truncated_ = false;
  uint16_t records_ = 0;
  Bytes answers_;
};

// ScriptedDns listens by UDP and TCP. `answer` is given each query and gives what is sent: datagrams,
// or, by TCP, messages.
class ScriptedDns {
 public:
  struct Query {
    Bytes octets;
    std::string name;  // without the root's dot
    uint16_t type = 0;
    bool by_tcp = false;
  };
  using Answer = std::function<std::vector<Bytes>(const Query&)>;

  explicit ScriptedDns(Answer answer);
  ~ScriptedDns();

  uint16_t port() const { return port_; }
  std::vector<std::string> asked();  // "TYPE NAME", and " by TCP"

 private:
  void serve();
  void datagram();
  void stream();
  std::vector<Bytes> answers_to(ByteView octets, bool by_tcp);

  Answer answer_;
  int tcp_ = -1, udp_ = -1;
  uint16_t port_ = 0;
  std::mutex mutex_;
  std::vector<std::string> asked_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

}  // namespace pocketgss::testing

#endif  // PGSS_TESTS_LIB_SUPPORT_DNS_SERVER_H_
