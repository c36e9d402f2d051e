// Adding keys to a key table.
#include "tools/krb5/keytab_update.h"

#include "mechs/krb5/client_secret.h"
#include "mechs/krb5/crypto.h"
#include "tools/krb5/files.h"
#include "tools/krb5/names.h"
#include "tools/text.h"
#include "tools/update_file.h"

namespace pocketgss::tools {
namespace {

using mechs::krb5::Key;
using mechs::krb5::Keytab;
using mechs::krb5::KeytabEntry;

Fallible<std::vector<Key>> keys_of(const NewKeys& wanted, const SecretBytes& password) {
  auto runtime = Runtime::create();
  if (!runtime.has_value()) return Failure{ExitCode::kSoftware, describe(runtime.error())};
  const std::string salt = wanted.salt.value_or(mechs::krb5::default_salt(wanted.principal.view()));
  std::vector<Key> out;
  for (const int32_t number : wanted.etypes) {
    const auto etype = mechs::krb5::known_etype(number);
    if (!etype)
      return Failure{ExitCode::kConfig, etype_name(number) + " is not part of this build"};
    auto key = mechs::krb5::string_to_key(runtime.value().crypto(), *etype, password.view(),
                                          as_bytes(salt), mechs::krb5::default_iterations(*etype));
    if (!key.has_value()) {
      return Failure{ExitCode::kDataError,
                     "no key for " + etype_name(number) +
                         " can be made of the password: " + describe(key.error())};
    }
    out.push_back(std::move(key).value());
  }
  return out;
}

// holds: an entry of that very principal, etype and key version.
bool holds(const Keytab& keytab, const KeytabEntry& wanted) {
  for (const KeytabEntry& entry : keytab) {
    if (entry.etype == wanted.etype && entry.kvno() == wanted.kvno() &&
        same_principal(entry.principal, wanted.principal))
      return true;
  }
  return false;
}

KeytabEntry entry_of(const NewKeys& wanted, const Key& key) {
  KeytabEntry entry;
  entry.principal = wanted.principal.view();
  entry.timestamp = wanted.timestamp;
  entry.etype = static_cast<int32_t>(key.etype());
  entry.key = key.view();
  entry.set_kvno(wanted.kvno);
  return entry;
}

Fallible<SecretBytes> appended(SecretBytes file, const std::string& path, const NewKeys& wanted,
                               const std::vector<Key>& keys) {
  for (const Key& key : keys) {
    const KeytabEntry entry = entry_of(wanted, key);
    if (!file.empty() && holds(mechs::krb5::parse_keytab(file.view()).value(), entry)) {
      return Failure{ExitCode::kDataError,
                     tools::quoted(path) + " holds a key of that principal for " +
                         etype_name(entry.etype) + " with key version " +
                         std::to_string(entry.kvno()) + " already; nothing was changed"};
    }
    auto next = append_entry(file.view(), entry);
    if (!next.has_value())
      return Failure{ExitCode::kDataError, "the key cannot be added: " + describe(next.error())};
    file = std::move(next).value();
  }
  return file;
}

}  // namespace

Fallible<Nothing> add_keys(const std::string& path, const NewKeys& wanted,
                           const SecretBytes& password) {
  const auto keys = keys_of(wanted, password);
  if (!keys.has_value()) return keys.failure();
  return update_file(
      path, "key table", [&](const std::string& target, bool exists) -> Fallible<SecretBytes> {
        if (!exists) return appended({}, target, wanted, keys.value());
        auto current = load_keytab(target);
        if (!current.has_value()) return current.failure();
        return appended(std::move(current.value().octets), target, wanted, keys.value());
      });
}

}  // namespace pocketgss::tools
