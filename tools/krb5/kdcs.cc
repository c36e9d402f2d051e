// What says where KDCs are.
#include "tools/krb5/kdcs.h"

#include <utility>
#include <vector>

#ifdef PGSS_DNS
#include <pocketgss/dns_kdcs.h>
#endif

#include "tools/text.h"

namespace pocketgss::tools {

#ifdef PGSS_DNS
const char* const kWhereKdcsAre = "those of --krb5-conf, else what DNS says";
#else
const char* const kWhereKdcsAre = "those of --krb5-conf; this build does not ask DNS";
#endif

Fallible<Kdcs> Kdcs::create(const KerberosOptions& options, const std::string& realm,
                            const std::optional<Krb5Conf>& conf) {
  Kdcs out;
  HostResolver* hosts = nullptr;
#ifdef PGSS_DNS
  auto dns = std::make_unique<DnsKdcs>();
  hosts = dns.get();
  out.dns_ = std::move(dns);
#endif
  out.configured_ = std::make_unique<ConfiguredKdcs>(hosts);
  out.of_any_realm_ = std::make_unique<ConfiguredKdcs>(hosts);
  for (const std::string& text : options.kdcs) {
    const auto address = parse_kdc_address(text);
    if (!address.has_value()) {
      return Failure{ExitCode::kUsage,
                     "--kdc takes HOST, HOST:PORT or [IPV6]:PORT, not " + tools::quoted(text)};
    }
    out.configured_->add(realm, address.value());
    out.of_any_realm_->add("", address.value());
  }
  if (conf) conf->add_to(*out.configured_);
  std::vector<KdcResolver*> in_turn = {out.configured_.get()};
  if (out.dns_ != nullptr) in_turn.push_back(out.dns_.get());
  if (!out.of_any_realm_->empty()) in_turn.push_back(out.of_any_realm_.get());
  out.resolver_ = std::make_unique<RememberingKdcs>(std::move(in_turn));
  return out;
}

}  // namespace pocketgss::tools
