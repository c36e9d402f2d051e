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

// realm_of is that of the user, as `send` and `kinit` take it from his name; empty where only a key
// table or a cache knows.
std::string realm_of(const KerberosOptions& options, const std::string& user,
                     const std::optional<Krb5Conf>& conf) {
  if (!options.realm.empty()) return options.realm;
  if (const size_t at = user.rfind('@'); at != std::string::npos) {
    std::string realm = user.substr(at + 1);
    for (char& c : realm) {
      if (c >= 'a' && c <= 'z') c = static_cast<char>(c - ('a' - 'A'));
    }
    return realm;
  }
  return conf ? conf->default_realm : std::string();
}

}  // namespace

#ifdef PGSS_DNS
const char* const kWhereKdcsAre = "those of --krb5-conf, else what DNS says";
#else
const char* const kWhereKdcsAre = "those of --krb5-conf; this build does not ask DNS";
#endif

Fallible<Kdcs> Kdcs::create(const KerberosOptions& options, const std::string& user) {
  const auto conf = read_conf(options.krb5_conf);
  if (!conf.has_value()) return conf.failure();
  const std::string realm = realm_of(options, user, conf.value());
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
  if (conf.value()) conf.value()->add_to(*out.configured_);
  std::vector<KdcResolver*> in_turn = {out.configured_.get()};
  if (out.dns_ != nullptr) in_turn.push_back(out.dns_.get());
  if (!out.of_any_realm_->empty()) in_turn.push_back(out.of_any_realm_.get());
  out.resolver_ = std::make_unique<KdcResolversInTurn>(std::move(in_turn));
  return out;
}

Fallible<std::string> default_realm(const KerberosOptions& options) {
  const auto conf = read_conf(options.krb5_conf);
  if (!conf.has_value()) return conf.failure();
  return conf.value() ? conf.value()->default_realm : std::string();
}

}  // namespace pocketgss::tools
