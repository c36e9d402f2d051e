// Queries by c-ares that end when they are told. Internal to lib/platform.
#ifndef PGSS_LIB_PLATFORM_DNS_QUERY_H_
#define PGSS_LIB_PLATFORM_DNS_QUERY_H_

#include <pocketgss/dns_kdcs.h>

#include <ares.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/platform/sockets.h"

namespace pocketgss {

enum class DnsStatus { kPending, kAnswered, kNone, kRefused, kMalformed, kTooMuch, kNoMemory };

// SrvQuery is what came of one query: the whole answer, where its status is kAnswered.
struct SrvQuery {
  DnsStatus status = DnsStatus::kPending;
  Bytes answer;
};

// AddressQuery is one family's addresses of a host, as text.
struct AddressQuery {
  DnsStatus status = DnsStatus::kPending;
  std::vector<std::string> addresses;
};

// DnsChannel carries a few queries at once. What it was given to fill outlives it. Its calls may
// throw std::bad_alloc.
class DnsChannel {
 public:
  // `complete_names`: the system's domains are tried behind a host's name.
  // Errors: kApiMisuse (the servers), kNoMemory, kInternal.
  static Result<DnsChannel> open(const std::vector<DnsServer>& servers,
                                 std::chrono::milliseconds within, bool complete_names);

  void ask_srv(const std::string& name, SrvQuery& query);
  void ask_addresses(const std::string& host, int family, AddressQuery& query);

  // run waits until all are answered or the time is over; from when `enough` holds, a little longer
  // alone. What is not answered then stays kPending.
  void run(SteadyTime end, const std::function<bool()>& enough);

 private:
  struct Destroy {
    void operator()(ares_channel channel) const { ares_destroy(channel); }
  };
  using Channel = std::unique_ptr<std::remove_pointer_t<ares_channel>, Destroy>;
  explicit DnsChannel(Channel channel) : channel_(std::move(channel)) {}

  bool wait(SteadyTime end);

  Channel channel_;
};

}  // namespace pocketgss

#endif  // PGSS_LIB_PLATFORM_DNS_QUERY_H_
