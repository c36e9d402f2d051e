// Carries the messages of NeedExchange to a KDC, over the sockets of POSIX. Optional: a program may
// do so in its own way (KdcExchange), and a device without POSIX must.
#ifndef POCKETGSS_KDC_TRANSPORT_H_
#define POCKETGSS_KDC_TRANSPORT_H_

#include <pocketgss/kdc_exchange.h>
#include <pocketgss/kdcs.h>
#include <pocketgss/result.h>
#include <pocketgss/step.h>

#include <chrono>
#include <list>
#include <optional>
#include <string>
#include <vector>

PGSS_EXPORT_BEGIN
namespace pocketgss {

struct KdcTransportConfig {
  // UDP first, and TCP where the request or the reply does not fit, or nothing comes back. Otherwise
  // TCP only: a reply of Active Directory does not fit in a datagram anyway (quirk D6).
  bool udp_first = false;
  // One KDC that does not answer costs no more, whatever it does (quirk D19).
  std::chrono::milliseconds per_kdc{3'000};
  // All exchanges of one login together.
  std::chrono::milliseconds overall{15'000};
};

// KdcTransport carries the messages of one login, one after the other, and blocks: `overall` counts
// from the first message. The next login takes another, or begin_login() first. Names of hosts are looked up by
// KdcResolver::hosts() within the KDC's time, and by the system, where there is none, in a time of
// its own: where that matters, give addresses. A KDC that answered is asked first the next time, and
// one that did not, last; that is known of the 32 realms that were asked last, however many a KDC
// refers the client to.
class KdcTransport final : public KdcExchange {
 public:
  // The resolver outlives the transport.
  explicit KdcTransport(KdcResolver& resolver, const KdcTransportConfig& config = {});

  // exchange asks the KDCs of `need.realm` in turn until one answers. No reply where none does, or
  // the time is over. KDC_ERR_SVC_UNAVAILABLE makes it ask the next (quirk D25). Errors: kNoMemory.
  Result<ExchangeAnswer> exchange(const NeedExchange& need) override;

  // begin_login: the messages that follow are another login's, with a time of their own. Which KDCs
  // answered stays known.
  void begin_login() { end_.reset(); }

  // resolver_error is why the last exchange had no KDC to ask; nothing where there was one.
  const std::optional<Error>& resolver_error() const { return resolver_error_; }

 private:
  using Clock = std::chrono::steady_clock;
  struct Known {
    KdcAddress address;
    bool answered;
  };
  struct KnownRealm {
    std::string name;
    std::list<Known> kdcs;  // the one that was asked last at the end
  };

  std::list<KnownRealm>::const_iterator find(const std::string& realm) const;
  ExchangeAnswer carry(const NeedExchange& need);
  std::vector<KdcAddress> in_order(const std::string& realm, std::vector<KdcAddress> kdcs) const;
  void remember(const std::string& realm, const KdcAddress& address, bool answered);
  std::optional<Bytes> ask(const KdcAddress& kdc, const NeedExchange& need,
                           Clock::time_point end) const;

  KdcResolver& resolver_;
  KdcTransportConfig config_;
  std::optional<Error> resolver_error_;
  std::optional<Clock::time_point> end_;  // from the first exchange on
  std::list<KnownRealm> known_;           // the one that was asked last at the end
};

}  // namespace pocketgss
PGSS_EXPORT_END

#endif  // POCKETGSS_KDC_TRANSPORT_H_
