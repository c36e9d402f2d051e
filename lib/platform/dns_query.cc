// The loop around c-ares.
#include "lib/platform/dns_query.h"

#include <netdb.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <climits>
#include <type_traits>

#include "lib/platform/srv.h"

namespace pocketgss {
namespace {

using std::chrono::milliseconds;

constexpr int kTries = 3;  // of each server; c-ares waits longer each time
constexpr milliseconds kFirstTry{1'000};
// How long the rest may take once there is enough.
constexpr milliseconds kGrace{250};
constexpr size_t kMaxAddresses = 8;

DnsStatus status_of(int ares) {
  switch (ares) {
    case ARES_SUCCESS:
      return DnsStatus::kAnswered;
    case ARES_ENODATA:
    case ARES_ENOTFOUND:
    case ARES_EBADNAME:
      return DnsStatus::kNone;
    case ARES_EBADRESP:
      return DnsStatus::kMalformed;
    case ARES_ETIMEOUT:
    case ARES_ECANCELLED:
    case ARES_EDESTRUCTION:
      return DnsStatus::kPending;
    case ARES_ENOMEM:
      return DnsStatus::kNoMemory;
    default:
      return DnsStatus::kRefused;
  }
}

// What c-ares calls; nothing may be thrown through it.
void on_srv(void* argument, int status, int /*timeouts*/, unsigned char* answer,
            int size) noexcept {
  SrvQuery& query = *static_cast<SrvQuery*>(argument);
  query.status = status_of(status);
  if (query.status != DnsStatus::kAnswered) return;
  const ByteView view(answer, static_cast<size_t>(size));
  if (view.size() > kMaxSrvAnswer) {
    query.status = DnsStatus::kTooMuch;
    return;
  }
  try {
    query.answer = view.to_bytes();
  } catch (const std::bad_alloc&) {
    query.status = DnsStatus::kNoMemory;
  }
}

void on_addresses(void* argument, int status, int /*timeouts*/, ares_addrinfo* found) noexcept {
  AddressQuery& query = *static_cast<AddressQuery*>(argument);
  query.status = status_of(status);
  const std::unique_ptr<ares_addrinfo, decltype(&ares_freeaddrinfo)> freed(found,
                                                                           &ares_freeaddrinfo);
  if (query.status != DnsStatus::kAnswered || found == nullptr) return;
  try {
    for (const ares_addrinfo_node* node = found->nodes; node != nullptr; node = node->ai_next) {
      std::array<char, NI_MAXHOST> text{};
      if (query.addresses.size() == kMaxAddresses ||
          ::getnameinfo(node->ai_addr, node->ai_addrlen, text.data(), text.size(), nullptr, 0,
                        NI_NUMERICHOST) != 0)
        continue;
      query.addresses.emplace_back(text.data());
    }
    if (query.addresses.empty()) query.status = DnsStatus::kNone;
  } catch (const std::bad_alloc&) {
    query.addresses.clear();
    query.status = DnsStatus::kNoMemory;
  }
}

int set_servers(ares_channel channel, const std::vector<DnsServer>& servers) {
  std::vector<ares_addr_port_node> nodes(servers.size());
  for (size_t i = 0; i < servers.size(); ++i) {
    ares_addr_port_node& node = nodes[i];
    node = {};
    node.next = i + 1 < servers.size() ? &nodes[i + 1] : nullptr;
    node.family = servers[i].address.find(':') == std::string::npos ? AF_INET : AF_INET6;
    node.udp_port = node.tcp_port = servers[i].port;
    if (servers[i].port == 0 ||
        ares_inet_pton(node.family, servers[i].address.c_str(), &node.addr) != 1)
      return ARES_EBADSTR;
  }
  return ares_set_servers_ports(channel, nodes.data());
}

Error no_channel(int status) {
  return Error{status == ARES_ENOMEM ? Errc::kNoMemory : Errc::kInternal, "DNS: c-ares", 0, 0};
}

}  // namespace

Result<DnsChannel> DnsChannel::open(const std::vector<DnsServer>& servers, milliseconds within,
                                    bool complete_names) {
  static const int initialised = ares_library_init(ARES_LIB_INIT_ALL);
  if (initialised != ARES_SUCCESS) return no_channel(initialised);
  char file_then_dns[] = "fb";
  ares_options options{};
  int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS;
  options.flags = ARES_FLAG_NOALIASES;
  options.timeout =
      static_cast<int>(std::clamp(within / kTries, milliseconds(50), kFirstTry).count());
  options.tries = kTries;
  options.lookups = file_then_dns;
  if (!complete_names) {
    options.flags |= ARES_FLAG_NOSEARCH;
    mask |= ARES_OPT_DOMAINS;  // none
  }
  ares_channel made = nullptr;
  const int status = ares_init_options(&made, &options, mask);
  Channel channel(made);
  if (status != ARES_SUCCESS) return no_channel(status);
  if (!servers.empty()) {
    const int set = set_servers(made, servers);
    if (set == ARES_EBADSTR)
      return Error{Errc::kApiMisuse, "DnsKdcsConfig.servers: not an address and a port", 0, 0};
    if (set != ARES_SUCCESS) return no_channel(set);
  }
  return DnsChannel(std::move(channel));
}

void DnsChannel::ask_srv(const std::string& name, SrvQuery& query) {
  constexpr int kIn = 1, kSrv = 33;  // RFC 1035 3.2.4, RFC 2782
  ares_query(channel_.get(), name.c_str(), kIn, kSrv, on_srv, &query);
}

void DnsChannel::ask_addresses(const std::string& host, int family, AddressQuery& query) {
  ares_addrinfo_hints hints{};
  hints.ai_family = family;
  hints.ai_socktype = SOCK_STREAM;
  ares_getaddrinfo(channel_.get(), host.c_str(), nullptr, &hints, on_addresses, &query);
}

void DnsChannel::run(SteadyTime end, const std::function<bool()>& enough) {
  bool short_of_it = true;
  while (wait(end)) {
    if (short_of_it && enough()) {
      short_of_it = false;
      end = std::min(end, std::chrono::steady_clock::now() + kGrace);
    }
  }
  ares_cancel(channel_.get());
}

// wait takes one step; false where nothing is left to wait for, or no time.
bool DnsChannel::wait(SteadyTime end) {
  ares_channel channel = channel_.get();
  std::array<ares_socket_t, ARES_GETSOCK_MAXNUM> sockets{};
  const auto wanted = static_cast<unsigned>(
      ares_getsock(channel, sockets.data(), static_cast<int>(sockets.size())));
  std::array<pollfd, ARES_GETSOCK_MAXNUM> entries{};
  nfds_t count = 0;
  for (unsigned i = 0; i < sockets.size(); ++i) {
    short events = 0;
    if (ARES_GETSOCK_READABLE(wanted, i)) events |= POLLIN;
    if (ARES_GETSOCK_WRITABLE(wanted, i)) events |= POLLOUT;
    if (events != 0) entries[count++] = {sockets[i], events, 0};
  }
  if (count == 0) return false;

  const auto left = std::chrono::ceil<milliseconds>(end - std::chrono::steady_clock::now());
  if (left.count() <= 0) return false;
  const auto most = std::min<int64_t>(left.count(), INT_MAX);
  timeval longest{};
  longest.tv_sec = static_cast<time_t>(most / 1'000);
  longest.tv_usec = static_cast<suseconds_t>(most % 1'000 * 1'000);
  timeval next{};
  const timeval* until = ares_timeout(channel, &longest, &next);
  const int64_t pause = until->tv_sec * int64_t{1'000} + (until->tv_usec + 999) / 1'000;
  if (::poll(entries.data(), count, static_cast<int>(pause)) <= 0) {
    ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);  // somebody's try is over
    return true;
  }
  for (nfds_t i = 0; i < count; ++i) {
    const bool readable = (entries[i].revents & (POLLIN | POLLERR | POLLHUP)) != 0;
    const bool writable = (entries[i].revents & POLLOUT) != 0;
    if (!readable && !writable) continue;
    ares_process_fd(channel, readable ? entries[i].fd : ARES_SOCKET_BAD,
                    writable ? entries[i].fd : ARES_SOCKET_BAD);
  }
  return true;
}

}  // namespace pocketgss
