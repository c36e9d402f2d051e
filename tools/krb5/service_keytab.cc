// The key table of a server.
#include "tools/krb5/service_keytab.h"

#include <algorithm>

#include "mechs/krb5/keytab.h"
#include "tools/files.h"
#include "tools/krb5/files.h"
#include "tools/text.h"

namespace pocketgss::tools {
namespace {

Failure bad(const std::string& path, const Error& error) {
  return Failure{ExitCode::kDataError,
                 quoted(path) + " is not a valid key table: " + describe(error)};
}

template <typename List>
void add(List& list, std::string_view item) {
  if (std::find(list.begin(), list.end(), item) == list.end()) list.emplace_back(item);
}

// read_names: a service has two components (RFC 4120 6.2.1).
void read_names(const mechs::krb5::Keytab& keytab, ServiceKeytab& out) {
  for (const mechs::krb5::KeytabEntry& entry : keytab) {
    ++out.size;
    add(out.realms, entry.principal.realm);
    if (entry.principal.components.size() != 2) continue;
    auto component = entry.principal.components.begin();
    const std::string service(*component++);
    add(out.services, service + "/" + std::string(*component));
  }
}

}  // namespace

Fallible<ServiceKeytab> load_service_keytab(const std::string& path) {
  const auto file = open_private(path, "the key table", "; make it with `pocketgss keytab add`");
  if (!file.has_value()) return file.failure();
  auto octets = read_descriptor(file.value().get(), path, kMaxKrb5File);
  if (!octets.has_value()) return octets.failure();
  const auto keytab = mechs::krb5::parse_keytab(octets.value().view());
  if (!keytab.has_value()) return bad(path, keytab.error());
  ServiceKeytab out;
  read_names(keytab.value(), out);
  if (out.services.empty()) {
    return Failure{ExitCode::kConfig,
                   "the key table " + quoted(path) + " has no key of a service such as smtp/HOST"};
  }
  auto keys = read_service_keys(std::move(octets).value());
  if (!keys.has_value()) return bad(path, keys.error());
  out.keys = std::move(keys).value();
  return out;
}

}  // namespace pocketgss::tools
