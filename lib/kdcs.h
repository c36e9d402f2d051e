// Where the KDCs of a realm are: addresses, and what knows them. Nothing is sent here.
#ifndef POCKETGSS_KDCS_H_
#define POCKETGSS_KDCS_H_

#include <pocketgss/result.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

PGSS_EXPORT_BEGIN
namespace pocketgss {

inline constexpr uint16_t kKdcPort = 88;  // RFC 4120 7.2

// KdcAddress is where one KDC listens. `host` is a name or an IP address, without brackets.
struct KdcAddress {
  std::string host;
  uint16_t port = kKdcPort;

  bool operator==(const KdcAddress&) const = default;
};

// parse_kdc_address reads "HOST", "HOST:PORT", "[IPv6]:PORT" and an IPv6 address without a port.
// Errors: kApiMisuse.
Result<KdcAddress> parse_kdc_address(std::string_view text);

// HostResolver gives the IP addresses of a host, as text, the first to be asked first. It does not
// throw.
class HostResolver {
 public:
  virtual ~HostResolver() = default;
  // Errors: kUnreachable (there are none, or not in that time).
  virtual Result<std::vector<std::string>> addresses(std::string_view host,
                                                     std::chrono::milliseconds within) = 0;
};

// KdcResolver says where the KDCs of a realm are, the first to be asked first. It does not throw.
class KdcResolver {
 public:
  virtual ~KdcResolver() = default;
  // Errors: kUnreachable (the realm has none that it knows of, or not in that time).
  virtual Result<std::vector<KdcAddress>> kdcs(std::string_view realm,
                                               std::chrono::milliseconds within) = 0;
  // hosts is what looks up the names of KDCs; nullptr: the system, which takes the time it wants.
  virtual HostResolver* hosts() { return nullptr; }
};

// ConfiguredKdcs are those that a user has written down.
class ConfiguredKdcs final : public KdcResolver {
 public:
  // What looks up their names, where it is not the system, outlives this.
  explicit ConfiguredKdcs(HostResolver* hosts = nullptr) : hosts_(hosts) {}
  // add appends one to the KDCs of `realm`; of an empty realm: to those of each that has no others. It
  // may throw std::bad_alloc.
  void add(std::string_view realm, KdcAddress kdc);
  bool empty() const { return kdcs_.empty(); }
  Result<std::vector<KdcAddress>> kdcs(std::string_view realm, std::chrono::milliseconds) override;
  HostResolver* hosts() override { return hosts_; }

 private:
  HostResolver* hosts_;
  std::multimap<std::string, KdcAddress, std::less<>> kdcs_;  // by realm
};

// KdcResolversInTurn asks one after the other until one knows a KDC of the realm: what a user has
// written down first, then DNS. The error is the last one's.
class KdcResolversInTurn final : public KdcResolver {
 public:
  // They outlive this; there is at least one.
  explicit KdcResolversInTurn(std::vector<KdcResolver*> resolvers)
      : resolvers_(std::move(resolvers)) {}
  Result<std::vector<KdcAddress>> kdcs(std::string_view realm,
                                       std::chrono::milliseconds within) override;
  // The first that any of them has: it looks up the names of all.
  HostResolver* hosts() override;

 private:
  std::vector<KdcResolver*> resolvers_;
};

}  // namespace pocketgss
PGSS_EXPORT_END

#endif  // POCKETGSS_KDCS_H_
