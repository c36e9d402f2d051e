// Where key tables and credential caches are, and how they are read.
#include "tools/krb5/files.h"

#include <unistd.h>

#include <cctype>
#include <cstdlib>
#include <initializer_list>
#include <string_view>

#include "tools/files.h"
#include "tools/text.h"

namespace pocketgss::tools {
namespace {

// has_kind tells "KIND:rest" from a path: at least two letters, for "C:" is a drive elsewhere.
bool has_kind(std::string_view name) {
  const size_t colon = name.find(':');
  if (colon == std::string_view::npos || colon < 2) return false;
  for (const char c : name.substr(0, colon)) {
    if (!std::isalpha(static_cast<unsigned char>(c))) return false;
  }
  return true;
}

Fallible<std::string> path_of(std::string_view name, std::initializer_list<std::string_view> kinds,
                              const char* what) {
  for (const std::string_view kind : kinds) {
    if (name.substr(0, kind.size()) == kind) return std::string(name.substr(kind.size()));
  }
  if (!has_kind(name)) return std::string(name);
  return Failure{ExitCode::kConfig, std::string("the ") + what + " " + tools::quoted(name) +
                                        " is not a file; only FILE: is supported"};
}

// chosen is `given`, or what the environment says, or the default.
std::string chosen(const std::string& given, const char* variable, const std::string& otherwise) {
  if (!given.empty()) return given;
  const char* const value = std::getenv(variable);
  return value != nullptr && *value != '\0' ? value : otherwise;
}

Failure not_valid(const std::string& path, const char* what, const Error& error) {
  return Failure{ExitCode::kDataError,
                 tools::quoted(path) + " is not a valid " + what + ": " + describe(error)};
}

}  // namespace

Fallible<std::string> keytab_path(const std::string& given) {
  return path_of(chosen(given, "KRB5_KTNAME", "/etc/krb5.keytab"), {"FILE:", "WRFILE:"},
                 "key table");
}

Fallible<std::string> ccache_path(const std::string& given) {
  return path_of(chosen(given, "KRB5CCNAME", "/tmp/krb5cc_" + std::to_string(::getuid())),
                 {"FILE:"}, "credential cache");
}

Fallible<LoadedKeytab> load_keytab(const std::string& path) {
  auto octets = read_file(path, kMaxKrb5File);
  if (!octets.has_value()) return octets.failure();
  const auto keytab = mechs::krb5::parse_keytab(octets.value().view());
  if (!keytab.has_value()) return not_valid(path, "key table", keytab.error());
  return LoadedKeytab{std::move(octets).value(), keytab.value()};
}

Fallible<LoadedCcache> load_ccache(const std::string& path) {
  auto octets = read_file(path, kMaxKrb5File);
  if (!octets.has_value()) return octets.failure();
  const auto ccache = mechs::krb5::parse_ccache(octets.value().view());
  if (!ccache.has_value()) return not_valid(path, "credential cache", ccache.error());
  return LoadedCcache{std::move(octets).value(), ccache.value()};
}

}  // namespace pocketgss::tools
