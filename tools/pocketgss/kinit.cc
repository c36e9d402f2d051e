// The verb `kinit`: gets tickets and puts them into a credential cache.
#include <iostream>
#include <memory>
#include <variant>
#include <vector>

#include <CLI/CLI.hpp>

#include <pocketgss/tickets.h>

#include "tools/krb5/files.h"
#include "tools/krb5/tickets.h"
#include "tools/pocketgss/password.h"
#include "tools/pocketgss/report.h"
#include "tools/pocketgss/verbs.h"
#include "tools/text.h"
#include "tools/update_file.h"

namespace pocketgss::tools {
namespace {

struct Options {
  std::string user, password_file, ccache;
  std::vector<std::string> services;
  KerberosOptions kerberos;
  bool verbose = false;
};

Fallible<SecretBytes> password_of(const Options& options) {
  const bool other = !options.kerberos.keytab.empty() || !options.kerberos.nt_hash_file.empty();
  if (other && options.password_file.empty()) return SecretBytes();
  if (options.user.empty())
    return Failure{ExitCode::kUsage, "name the user: alice@EXAMPLE.TEST, or give --keytab"};
  return read_password(options.password_file, "Password for " + options.user + ": ");
}

Fallible<Nothing> kinit(const Options& options) {
  const auto path = ccache_path(options.ccache);
  if (!path.has_value()) return path.failure();
  auto runtime = Runtime::create();
  if (!runtime.has_value()) return Failure{ExitCode::kSoftware, describe(runtime.error())};
  auto password = password_of(options);
  if (!password.has_value()) return password.failure();
  Whom whom{options.user, std::move(password).value(), {}, {}};
  if (options.kerberos.keytab.empty()) {
    auto hash = read_nt_hash(options.kerberos.nt_hash_file);
    if (!hash.has_value()) return hash.failure();
    whom.nt_hash = std::move(hash).value();
  }
  const auto conf = read_krb5_conf(options.kerberos.krb5_conf);
  if (!conf.has_value()) return conf.failure();
  const auto made = read_tickets(options.kerberos, conf.value(), std::move(whom));
  if (const auto* failed = std::get_if<TicketFailure>(&made)) return failed->failure;
  const auto& tickets = std::get<std::shared_ptr<TicketSource>>(made);
  auto kdcs = KdcAccess::create(options.kerberos, conf.value(), *tickets);
  if (!kdcs.has_value()) return kdcs.failure();
  std::vector<std::string> wanted = {""};
  wanted.insert(wanted.end(), options.services.begin(), options.services.end());
  for (const std::string& service : wanted) {
    const auto got = kdcs.value().fetch(runtime.value(), tickets, service);
    if (const auto* failed = std::get_if<TicketFailure>(&got)) return failed->failure;
    if (options.verbose) std::cerr << ticket_text(std::get<Ticket>(got)) << '\n';
  }
  const auto cache = write_ccache(*tickets);
  if (!cache.has_value()) return Failure{ExitCode::kSoftware, describe(cache.error())};
  return write_private_file(path.value(), "credential cache", cache.value().view());
}

ExitCode run_kinit(const Options& options) {
  const auto done = kinit(options);
  return done.has_value() ? ExitCode::kOk : report("kinit", done.failure());
}

}  // namespace

void add_kinit(CLI::App& app, Run& run) {
  CLI::App* verb = app.add_subcommand("kinit", "Get Kerberos tickets into a credential cache");
  const auto options = std::make_shared<Options>();
  verb->add_option(
      "USER", options->user,
      "The user: alice@EXAMPLE.TEST, or alice with --realm (default: whom the key table "
      "names first)");
  verb->add_option(
          "--password-file", options->password_file,
          "File with the password; one line end at its end is dropped (default: ask on the "
          "terminal)")
      ->type_name("FILE");
  verb->add_option("--ccache", options->ccache,
                   "The cache to write; default: KRB5CCNAME, else /tmp/krb5cc_UID")
      ->type_name("FILE");
  verb->add_option("--service", options->services,
                   "Get a ticket for this service too; may be given more than once")
      ->type_name("SERVICE/HOST")
      ->allow_extra_args(false);
  add_kerberos_options(*verb, options->kerberos);
  verb->add_flag("-v,--verbose", options->verbose, "Say which tickets were got");
  verb->footer("The cache is replaced as a whole, mode 0600; other Kerberos programs read it too.");
  verb->callback([options, &run] { run = [options] { return run_kinit(*options); }; });
}

}  // namespace pocketgss::tools
