// Where the KDCs are, as the options of a verb say it: those that are named, a krb5.conf, then DNS.
#ifndef PGSS_TOOLS_KRB5_KDCS_H_
#define PGSS_TOOLS_KRB5_KDCS_H_

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <pocketgss/kdc_transport.h>
#include <pocketgss/krb5_conf.h>

#include "tools/fallible.h"
#include "tools/krb5/tickets.h"

namespace pocketgss::tools {

// kWhereKdcsAre is what --help says of those that are not named.
extern const char* const kWhereKdcsAre;

// RememberingKdcs asks resolvers in turn, and keeps the realm for what is told of a failure.
class RememberingKdcs final : public KdcResolver {
 public:
  explicit RememberingKdcs(std::vector<KdcResolver*> in_turn) : in_turn_(std::move(in_turn)) {}
  Result<std::vector<KdcAddress>> kdcs(std::string_view realm,
                                       std::chrono::milliseconds within) override {
    realm_ = realm;
    return in_turn_.kdcs(realm, within);
  }
  HostResolver* hosts() override { return in_turn_.hosts(); }
  const std::string& realm() const { return realm_; }

 private:
  KdcResolversInTurn in_turn_;
  std::string realm_;
};

class Kdcs {
 public:
  // Those that are named are of the user's realm, `realm`; of another realm they are asked last.
  // `conf` is only read here. Failure: kUsage (an address).
  static Fallible<Kdcs> create(const KerberosOptions& options, const std::string& realm,
                               const std::optional<Krb5Conf>& conf);

  KdcResolver& resolver() { return *resolver_; }
  // asked_realm is the last that KDCs were wanted of.
  const std::string& asked_realm() const { return resolver_->realm(); }

 private:
  std::unique_ptr<ConfiguredKdcs> configured_, of_any_realm_;
  std::unique_ptr<KdcResolver> dns_;  // null where this build has none
  std::unique_ptr<RememberingKdcs> resolver_;
};

}  // namespace pocketgss::tools

#endif  // PGSS_TOOLS_KRB5_KDCS_H_
