// Carries the messages of NeedExchange to a KDC, over the sockets of POSIX. Optional: a program may
// do so in its own way, and a device without POSIX must.
#ifndef POCKETGSS_KDC_TRANSPORT_H_
#define POCKETGSS_KDC_TRANSPORT_H_

#include <pocketgss/result.h>
#include <pocketgss/step.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pocketgss PGSS_EXPORT {

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
  // add appends one to the KDCs of `realm`; of an empty realm: to those of each that has no others.
  void add(std::string_view realm, KdcAddress kdc);
  bool empty() const { return kdcs_.empty(); }
  Result<std::vector<KdcAddress>> kdcs(std::string_view realm, std::chrono::milliseconds) override;
  HostResolver* hosts() override { return hosts_; }

 private:
  HostResolver* hosts_;
  std::map<std::string, std::vector<KdcAddress>, std::less<>> kdcs_;
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

struct KdcTransportConfig {
  // UDP first, and TCP where the request or the reply does not fit, or nothing comes back. Otherwise
  // TCP only: a reply of Active Directory does not fit in a datagram anyway (quirk D6).
  bool udp_first = false;
  // One KDC that does not answer costs no more, whatever it does (quirk D19).
  std::chrono::milliseconds per_kdc{3'000};
  // All exchanges of one login together.
  std::chrono::milliseconds overall{15'000};
};

// KdcTransport carries the messages of one login, one after the other, and blocks. The next login
// takes another: `overall` counts from the first message. Names of hosts are looked up by
// KdcResolver::hosts() within the KDC's time, and by the system, where there is none, in a time of
// its own: where that matters, give addresses. A KDC that answered is asked first the next time, and
// one that did not, last.
class KdcTransport {
 public:
  // The resolver outlives the transport.
  explicit KdcTransport(KdcResolver& resolver, const KdcTransportConfig& config = {});

  // exchange asks the KDCs of `need.realm` in turn until one answers. No reply where none does, or
  // the time is over. KDC_ERR_SVC_UNAVAILABLE makes it ask the next (quirk D25). Errors: kNoMemory.
  Result<ExchangeAnswer> exchange(const NeedExchange& need);

  // resolver_error is why the last exchange had no KDC to ask; nothing where there was one.
  const std::optional<Error>& resolver_error() const { return resolver_error_; }

 private:
  using Clock = std::chrono::steady_clock;
  struct Known {
    KdcAddress address;
    bool answered;
  };

  ExchangeAnswer carry(const NeedExchange& need);
  std::vector<KdcAddress> in_order(const std::string& realm, std::vector<KdcAddress> kdcs) const;
  void remember(const std::string& realm, const KdcAddress& address, bool answered);
  std::optional<Bytes> ask(const KdcAddress& kdc, const NeedExchange& need,
                           Clock::time_point end) const;

  KdcResolver& resolver_;
  KdcTransportConfig config_;
  std::optional<Error> resolver_error_;
  std::optional<Clock::time_point> end_;  // from the first exchange on
  std::map<std::string, std::vector<Known>> known_;
};

}  // namespace pocketgss

#endif  // POCKETGSS_KDC_TRANSPORT_H_
