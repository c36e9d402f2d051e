// The verb `keytab`: lists a key table, and adds keys to it.
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>

#include <pocketgss/env.h>

#include "asn1/time.h"
#include "tools/decode/hex.h"
#include "tools/krb5/files.h"
#include "tools/krb5/keytab_update.h"
#include "tools/krb5/names.h"
#include "tools/option_values.h"
#include "tools/pocketgss/password.h"
#include "tools/pocketgss/report.h"
#include "tools/pocketgss/verbs.h"
#include "tools/text.h"

namespace pocketgss::tools {
namespace {

using mechs::krb5::KeytabEntry;

struct Options {
  std::string keytab;
  bool show_keys = false;
  std::string principal, password_file;
  std::optional<std::string> salt;
  uint32_t kvno = 0;
  std::vector<std::string> etypes;
};

ExitCode run_list(const Options& options) {
  const auto path = keytab_path(options.keytab);
  if (!path.has_value()) return report("keytab list", path.failure());
  const auto loaded = load_keytab(path.value());
  if (!loaded.has_value()) return report("keytab list", loaded.failure());
  for (const KeytabEntry& entry : loaded.value().keytab) {
    std::cout << entry.kvno() << "  " << asn1::iso_text({entry.timestamp}) << "  "
              << printable(mechs::krb5::principal_text(entry.principal)) << "  "
              << etype_name(entry.etype);
    if (options.show_keys) std::cout << "  " << to_hex(entry.key);
    std::cout << '\n';
  }
  return ExitCode::kOk;
}

Fallible<mechs::krb5::Principal> principal_of(const std::string& text) {
  auto principal = mechs::krb5::parse_principal(text, "");
  if (!principal.has_value())
    return Failure{ExitCode::kUsage, tools::quoted(text) + " is not a principal"};
  if (principal.value().realm().empty())
    return Failure{ExitCode::kUsage, tools::quoted(text) + " names no realm; write NAME@REALM"};
  return std::move(principal).value();
}

Fallible<Nothing> add(const Options& options) {
  const auto path = keytab_path(options.keytab);
  if (!path.has_value()) return path.failure();
  auto principal = principal_of(options.principal);
  if (!principal.has_value()) return principal.failure();
  NewKeys keys{std::move(principal).value(),
               options.kvno,
               {},
               options.salt,
               static_cast<uint32_t>(system_clock().now() / 1000000)};
  for (const std::string& name : options.etypes) keys.etypes.push_back(*etype_of_name(name));
  const auto password = read_password(options.password_file,
                                      "Password of " + tools::quoted(options.principal) + ": ");
  if (!password.has_value()) return password.failure();
  return add_keys(path.value(), keys, password.value());
}

ExitCode run_add(const Options& options) {
  const auto done = add(options);
  return done.has_value() ? ExitCode::kOk : report("keytab add", done.failure());
}

std::string known_etype_name(const std::string& name) {
  return etype_of_name(name) ? "" : "no encryption type of ours: " + tools::quoted(name);
}

std::string etypes_help() {
  std::string text = "Encryption type; may be given more than once. Default:";
  for (const std::string& name : etypes_with_aes()) text += " " + name;
  return etype_of_name("rc4-hmac") ? text + "; also rc4-hmac" : text;
}

void add_keytab_option(CLI::App* verb, const std::shared_ptr<Options>& options) {
  verb->add_option("--keytab", options->keytab,
                   "The key table; default: KRB5_KTNAME, else /etc/krb5.keytab")
      ->type_name("FILE");
}

void add_list(CLI::App* keytab, Run& run) {
  CLI::App* verb = keytab->add_subcommand("list", "List the keys of a key table");
  const auto options = std::make_shared<Options>();
  add_keytab_option(verb, options);
  verb->add_flag("--show-keys", options->show_keys, "Show the keys themselves, in hex");
  verb->footer(
      "A line a key: key version, time when it was added (UTC), principal, encryption "
      "type.");
  verb->callback([options, &run] { run = [options] { return run_list(*options); }; });
}

void add_add(CLI::App* keytab, Run& run) {
  CLI::App* verb = keytab->add_subcommand("add", "Add the keys of a password to a key table");
  const auto options = std::make_shared<Options>();
  options->etypes = etypes_with_aes();
  add_keytab_option(verb, options);
  verb->add_option("--principal", options->principal, "Whose keys: SERVICE/HOST@REALM")
      ->type_name("NAME")
      ->required();
  verb->add_option("--kvno", options->kvno, "The key version, as the KDC counts it")
      ->type_name("NUMBER")
      ->transform(decimal(1, UINT32_MAX))
      ->required();
  verb->add_option("--etype", options->etypes, etypes_help())
      ->type_name("ETYPE")
      ->allow_extra_args(false)
      ->check(CLI::Validator(known_etype_name, ""));
  verb->add_option("--salt", options->salt,
                   "The salt; default: the realm and then each part of the name (RFC 4120 4)")
      ->type_name("TEXT");
  verb->add_option("--password-file", options->password_file,
                   "Read the password from this file (one trailing line end is dropped) and not "
                   "from the terminal")
      ->type_name("FILE");
  verb->footer(
      "The file is made if it is not there, its mode is 0600, and it is replaced "
      "atomically.");
  verb->callback([options, &run] { run = [options] { return run_add(*options); }; });
}

}  // namespace

void add_keytab(CLI::App& app, Run& run) {
  CLI::App* verb = app.add_subcommand("keytab", "List a Kerberos key table, or add keys to it");
  verb->require_subcommand(1);
  verb->footer("`pocketgss keytab list --help` and `pocketgss keytab add --help` tell more.");
  add_list(verb, run);
  add_add(verb, run);
}

}  // namespace pocketgss::tools
