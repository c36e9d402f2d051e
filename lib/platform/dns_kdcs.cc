// Which KDCs the answers name.
#include <pocketgss/dns_kdcs.h>

#include <algorithm>

#include "base/guard.h"
#include "lib/platform/dns_query.h"
#include "lib/platform/srv.h"

namespace pocketgss {
namespace {

using std::chrono::milliseconds;

constexpr size_t kMaxName = 253;  // RFC 1035 2.3.4, without the root's octet and the first length
constexpr size_t kMaxKdcs = 16;
constexpr size_t kMaxHostAddresses = 8;

// Words are what can come of a query, as Error::where says it.
struct Words {
  const char* no_domain;
  const char* none;
  const char* says_none;
  const char* refused;
  const char* silent;
  const char* malformed;
  const char* too_much;
  const char* unusable;
};
#define PGSS_DNS_WORDS(query)                             \
  {query ": not asked, the name is not that of a domain", \
   query ": there is no such record",                     \
   query ": the realm says that it has none",             \
   query ": the name server refuses or fails",            \
   query ": no answer in time",                           \
   query ": the answer is malformed",                     \
   query ": the answer is larger than is taken",          \
   query ": no record that can be used"}
constexpr Words kByTcp = PGSS_DNS_WORDS("DNS SRV _kerberos._tcp");
constexpr Words kByUdp = PGSS_DNS_WORDS("DNS SRV _kerberos._udp");
constexpr Words kAddress = PGSS_DNS_WORDS("DNS A, AAAA of a KDC");
#undef PGSS_DNS_WORDS

Error unreachable(const char* where) {
  return Error{Errc::kUnreachable, where, 0, 0};
}

Error error_of(DnsStatus status, const Words& words) {
  switch (status) {
    case DnsStatus::kPending:
      return unreachable(words.silent);
    case DnsStatus::kNone:
      return unreachable(words.none);
    case DnsStatus::kMalformed:
      return unreachable(words.malformed);
    case DnsStatus::kTooMuch:
      return unreachable(words.too_much);
    case DnsStatus::kNoMemory:
      return Error{Errc::kNoMemory, words.refused, 0, 0};
    case DnsStatus::kRefused:
    case DnsStatus::kAnswered:
      break;
  }
  return unreachable(words.refused);
}

DnsStatus status_of(SrvFault fault) {
  if (fault == SrvFault::kNoMemory) return DnsStatus::kNoMemory;
  return fault == SrvFault::kTooMuch ? DnsStatus::kTooMuch : DnsStatus::kMalformed;
}

Result<std::vector<KdcAddress>> kdcs_of(const SrvQuery& query, const Words& words,
                                        RandomSource& random) {
  if (query.status != DnsStatus::kAnswered) return error_of(query.status, words);
  SrvAnswer answer = parse_srv_answer(query.answer);
  if (answer.fault) return error_of(status_of(*answer.fault), words);
  if (answer.records.empty()) return unreachable(words.none);
  // RFC 2782: a target of "." says that the service is decidedly not there.
  if (std::erase_if(answer.records, [](const SrvRecord& each) { return each.target.empty(); }) >
          0 &&
      answer.records.empty())
    return unreachable(words.says_none);
  std::erase_if(answer.records, [](const SrvRecord& each) {
    return each.port == 0 || !is_domain_name(each.target, kMaxName);
  });
  if (answer.records.empty()) return unreachable(words.unusable);
  PGSS_TRY(std::vector<SrvRecord> records, in_srv_order(std::move(answer.records), random));
  std::vector<KdcAddress> out;
  for (SrvRecord& record : records) out.push_back({std::move(record.target), record.port});
  return out;
}

Result<std::vector<KdcAddress>> both(Result<std::vector<KdcAddress>> by_tcp,
                                     const Result<std::vector<KdcAddress>>& by_udp,
                                     const DnsStatus tcp_status) {
  if (!by_tcp.has_value() && !by_udp.has_value()) {
    // What is wrong says more than what is not there.
    return by_tcp.error().code == Errc::kUnreachable && tcp_status == DnsStatus::kNone
               ? by_udp.error()
               : by_tcp.error();
  }
  std::vector<KdcAddress> out;
  for (const auto* each : {&std::as_const(by_tcp), &by_udp}) {
    if (!each->has_value()) continue;
    for (const KdcAddress& kdc : each->value()) {
      if (out.size() < kMaxKdcs && std::find(out.begin(), out.end(), kdc) == out.end())
        out.push_back(kdc);
    }
  }
  return out;
}

}  // namespace

Result<std::vector<KdcAddress>> DnsKdcs::kdcs(std::string_view realm, milliseconds within) {
  return guarded("KDCs by DNS", [&]() -> Result<std::vector<KdcAddress>> {
    const std::string by_tcp = "_kerberos._tcp.", by_udp = "_kerberos._udp.";
    if (!is_domain_name(realm, kMaxName - by_tcp.size())) return unreachable(kByTcp.no_domain);
    within = std::min(within, config_.at_most);
    const auto end = std::chrono::steady_clock::now() + within;
    SrvQuery tcp, udp;
    PGSS_TRY(DnsChannel channel, DnsChannel::open(config_.servers, within, false));
    const std::string name = std::string(realm) + ".";
    channel.ask_srv(by_tcp + name, tcp);
    channel.ask_srv(by_udp + name, udp);
    channel.run(end, [&] { return tcp.status == DnsStatus::kAnswered; });
    RandomSource& random = config_.random != nullptr ? *config_.random : system_random();
    auto first = kdcs_of(tcp, kByTcp, random);
    return both(std::move(first), kdcs_of(udp, kByUdp, random), tcp.status);
  });
}

Result<std::vector<std::string>> DnsKdcs::addresses(std::string_view host, milliseconds within) {
  return guarded("addresses by DNS", [&]() -> Result<std::vector<std::string>> {
    std::string_view name = host;
    if (name.ends_with('.')) name.remove_suffix(1);
    if (!is_domain_name(name, kMaxName)) return unreachable(kAddress.no_domain);
    within = std::min(within, config_.at_most);
    const auto end = std::chrono::steady_clock::now() + within;
    const bool complete = host.find('.') == std::string_view::npos;
    AddressQuery v4, v6;
    PGSS_TRY(DnsChannel channel, DnsChannel::open(config_.servers, within, complete));
    channel.ask_addresses(std::string(name), AF_INET, v4);
    channel.ask_addresses(std::string(name), AF_INET6, v6);
    channel.run(end, [&] {
      return v4.status == DnsStatus::kAnswered || v6.status == DnsStatus::kAnswered;
    });
    // All addresses of a KDC share its time, and IPv6 that leads nowhere is the likelier fault.
    std::vector<std::string> out = std::move(v4.addresses);
    out.insert(out.end(), v6.addresses.begin(), v6.addresses.end());
    if (out.empty())
      return error_of(v4.status == DnsStatus::kNone ? v6.status : v4.status, kAddress);
    out.resize(std::min(out.size(), kMaxHostAddresses));
    return out;
  });
}

}  // namespace pocketgss
