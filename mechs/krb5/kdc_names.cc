// Names as they are typed.
#include "mechs/krb5/kdc_names.h"

#include <algorithm>
#include <string>

#include "base/ascii.h"
#include "base/guard.h"

namespace pocketgss::mechs::krb5 {
namespace {

constexpr size_t kMaxHost = 255;

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - ('a' - 'A'));
  }
  return out;
}

bool all_digits_and_dots(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c == '.' || (c >= '0' && c <= '9'); });
}

Result<std::vector<Principal>> client_names_of(std::string_view user, std::string_view realm) {
  std::vector<Principal> out;
  // What is behind the last "@", as parse_principal finds it.
  PGSS_TRY(Principal plain, parse_principal(user, ""));
  const std::string suffix = plain.realm();
  if (plain.view().components.front().empty())
    return Error{Errc::kNeedsCredential, "there is no user name", 0, 0};
  if (suffix.empty()) {
    if (realm.empty()) return Error{Errc::kNeedsCredential, "the user's realm is not known", 0, 0};
    plain.set_realm(realm);
    out.push_back(std::move(plain));
    return out;
  }
  const std::string chosen = realm.empty() ? upper(suffix) : std::string(realm);
  if (same_ignoring_case(suffix, chosen)) {
    plain.set_realm(chosen);
    out.push_back(plain);
  }
  // Only people have enterprise names.
  if (plain.view().components.size() == 1) {
    Principal enterprise(name_type::kEnterprise, chosen);
    enterprise.add(std::string(plain.view().components.front()) + "@" + suffix);
    out.push_back(std::move(enterprise));
  }
  if (out.empty()) {
    plain.set_realm(suffix);
    out.push_back(std::move(plain));
  }
  return out;
}

}  // namespace

Result<std::vector<Principal>> client_names(std::string_view user, std::string_view realm) {
  return guarded("client names", [&] { return client_names_of(user, realm); });
}

bool is_ip_literal(std::string_view host) {
  if (host.empty()) return false;
  if (host.front() == '[' || host.find(':') != std::string_view::npos) return true;
  return all_digits_and_dots(host);
}

Result<std::vector<Principal>> service_names(std::string_view service, std::string_view host,
                                             std::string_view realm) {
  return guarded("service names", [&]() -> Result<std::vector<Principal>> {
    if (!host.empty() && host.back() == '.') host.remove_suffix(1);
    if (service.empty() || host.empty() || host.size() > kMaxHost)
      return Error{Errc::kApiMisuse, "the service or its host has no name", 0, 0};
    if (is_ip_literal(host)) {
      return Error{Errc::kPeerIncompatible,
                   "Kerberos needs the name of the host, and this is an IP address", 0, 0};
    }
    std::vector<Principal> out;
    const auto add = [&](std::string_view name) {
      Principal principal(name_type::kSrvHst, realm);
      principal.add(name).add(ascii_lower(host));
      out.push_back(std::move(principal));
    };
    add(service);
    if (same_ignoring_case(service, "smtp")) add("SMTPSVC");
    return out;
  });
}

}  // namespace pocketgss::mechs::krb5
