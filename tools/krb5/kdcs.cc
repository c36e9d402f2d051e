// What says where KDCs are.
#include "tools/krb5/kdcs.h"

#include <optional>
#include <vector>

#include <pocketgss/krb5_conf.h>
#ifdef PGSS_DNS
#include <pocketgss/dns_kdcs.h>
#endif

#include "tools/files.h"
#include "tools/text.h"

namespace pocketgss::tools {
namespace {

// read_conf reads the file that the options point to.
Fallible<std::optional<Krb5Conf>> read_conf(const std::string& path) {
  if (path.empty()) return std::optional<Krb5Conf>();
  const auto octets = read_file(path, kMaxKrb5Conf);
  if (!octets.has_value()) return octets.failure();
  const std::string_view text = as_text(octets.value().view());
  auto conf = Krb5Conf::parse(text);
  if (!conf.has_value()) {
    return Failure{ExitCode::kDataError, tools::quoted(path) + ", line " +
                                             std::to_string(line_of(text, conf.error().offset)) +
                                             ": " + conf.error().where};
  }
  return std::optional<Krb5Conf>(std::move(conf).value());
}

}  // namespace

#ifdef PGSS_DNS
const char* const kWhereKdcsAre = "what DNS says";
#else
const char* const kWhereKdcsAre = "none; this build does not ask DNS";
#endif

Fallible<Kdcs> Kdcs::create(const KerberosOptions& options) {
  Kdcs out;
  HostResolver* hosts = nullptr;
#ifdef PGSS_DNS
  auto dns = std::make_unique<DnsKdcs>();
  hosts = dns.get();
  out.dns_ = std::move(dns);
#endif
  out.configured_ = std::make_unique<ConfiguredKdcs>(hosts);
  for (const std::string& text : options.kdcs) {
    auto address = parse_kdc_address(text);
    if (!address.has_value()) {
      return Failure{ExitCode::kUsage,
                     "--kdc takes HOST, HOST:PORT or [IPV6]:PORT, not " + tools::quoted(text)};
    }
    out.configured_->add("", std::move(address).value());
  }
  const auto conf = read_conf(options.krb5_conf);
  if (!conf.has_value()) return conf.failure();
  if (conf.value()) conf.value()->add_to(*out.configured_);
  if (out.configured_->empty() && out.dns_ == nullptr) {
    return Failure{ExitCode::kConfig,
                   "Kerberos: nothing says where the KDCs are: add --kdc HOST (this build does not "
                   "ask DNS)"};
  }
  out.resolver_ = out.configured_->empty() ? out.dns_.get() : out.configured_.get();
  if (!out.configured_->empty() && out.dns_ != nullptr) {
    out.both_ = std::make_unique<KdcResolversInTurn>(
        std::vector<KdcResolver*>{out.configured_.get(), out.dns_.get()});
    out.resolver_ = out.both_.get();
  }
  return out;
}

Fallible<std::string> default_realm(const KerberosOptions& options) {
  const auto conf = read_conf(options.krb5_conf);
  if (!conf.has_value()) return conf.failure();
  return conf.value() ? conf.value()->default_realm : std::string();
}

}  // namespace pocketgss::tools
