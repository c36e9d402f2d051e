// The KDCs of a realm by DNS (RFC 4120 7.2.3.2), and the addresses of hosts. Optional, and a library
// of its own (pocketgss::dns): it needs c-ares, which the rest does not.
#ifndef POCKETGSS_DNS_KDCS_H_
#define POCKETGSS_DNS_KDCS_H_

#include <pocketgss/env.h>
#include <pocketgss/kdcs.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

PGSS_EXPORT_BEGIN
namespace pocketgss {

// DnsServer is a name server: an IP address, without brackets.
struct DnsServer {
  std::string address;
  uint16_t port = 53;

  bool operator==(const DnsServer&) const = default;
};

struct DnsKdcsConfig {
  std::vector<DnsServer> servers;  // empty: those of the system
  // One call costs no more, however much time it is given.
  std::chrono::milliseconds at_most{5'000};
  // Chooses among records of one priority (RFC 2782); it outlives the resolver. nullptr: the
  // system's.
  RandomSource* random = nullptr;
};

// DnsKdcs asks for _kerberos._tcp.REALM and _kerberos._udp.REALM (quirk D26), and blocks. Nobody
// authenticates the answers: what stands in them says where to ask, and never whom to trust. At most
// 256 records are taken and the 16 to be asked first returned, of TCP before those of UDP alone.
// It keeps nothing between calls; one thread at a time.
class DnsKdcs final : public KdcResolver, public HostResolver {
 public:
  explicit DnsKdcs(DnsKdcsConfig config = {}) : config_(std::move(config)) {}

  // Errors, each `where` with the query: kUnreachable (the realm's name is no domain's, and is not
  // asked for; there is no such record; the realm says that it has no KDC; the name server refuses,
  // says nothing in time, or more than is taken), kApiMisuse (DnsKdcsConfig::servers), kInternal (no
  // random numbers, no sockets), kNoMemory.
  Result<std::vector<KdcAddress>> kdcs(std::string_view realm,
                                       std::chrono::milliseconds within) override;
  HostResolver* hosts() override { return this; }

  // addresses looks into the system's file of hosts, then asks for A and AAAA. A name without a dot
  // is completed as the system says, and no other. At most 8 are returned. Errors: as of kdcs().
  Result<std::vector<std::string>> addresses(std::string_view host,
                                             std::chrono::milliseconds within) override;

 private:
  DnsKdcsConfig config_;
};

}  // namespace pocketgss
PGSS_EXPORT_END

#endif  // POCKETGSS_DNS_KDCS_H_
