// The verb `klist`: what is in a credential cache.
#include <cstdlib>
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>

#include <pocketgss/env.h>

#include "asn1/time.h"
#include "mechs/krb5/times.h"
#include "tools/decode/krb5_names.h"
#include "tools/krb5/files.h"
#include "tools/krb5/names.h"
#include "tools/pocketgss/report.h"
#include "tools/pocketgss/verbs.h"
#include "tools/text.h"

namespace pocketgss::tools {
namespace {

using mechs::krb5::CcacheCredential;
using mechs::krb5::principal_text;
using mechs::krb5::PrincipalView;

struct Options {
  std::string ccache;
  bool all = false;
};

std::string shown(const PrincipalView& principal) {
  return printable(principal_text(principal));
}

// remark says why a credential is of no use now.
// `now` is the KDC's time; where its clock is a little ahead, a new ticket is good all the same.
std::string remark(const CcacheCredential& credential, int64_t now) {
  if (credential.removed()) return "  (removed)";
  if (credential.is_config()) return "  (a setting, no ticket)";
  if (credential.endtime <= now) return "  (expired)";
  if (credential.starttime > now + mechs::krb5::kMaxSkew / mechs::krb5::kSecond)
    return "  (not valid yet)";
  return "";
}

void print(const CcacheCredential& credential, int64_t now) {
  const uint32_t start = credential.starttime != 0 ? credential.starttime : credential.authtime;
  std::cout << asn1::iso_text({start}) << "  " << asn1::iso_text({credential.endtime}) << "  "
            << shown(credential.server) << remark(credential, now) << '\n';
  if (credential.is_config()) return;
  std::cout << "  key " << etype_name(credential.etype);
  if (credential.renew_till != 0)
    std::cout << ", renewable until " << asn1::iso_text({credential.renew_till});
  for (const std::string& flag : krb5_flag_names("EncTicketPart.flags", credential.ticket_flags))
    std::cout << ", " << flag;
  std::cout << '\n';
}

ExitCode run_klist(const Options& options) {
  const auto path = ccache_path(options.ccache);
  if (!path.has_value()) return report("klist", path.failure());
  const auto loaded = load_ccache(path.value());
  if (!loaded.has_value()) return report("klist", loaded.failure());
  const auto& offset = loaded.value().ccache.kdc_offset();
  const int64_t now = system_clock().now() / 1000000 + (offset ? offset->seconds : 0);
  std::cout << "cache:     " << printable(path.value())
            << "\nprincipal: " << shown(loaded.value().ccache.default_principal()) << '\n';
  if (offset && offset->seconds != 0) {
    std::cout << "clock:     the KDC's is " << std::abs(int64_t{offset->seconds}) << " seconds "
              << (offset->seconds > 0 ? "ahead of" : "behind") << " this device's\n";
  }
  for (const CcacheCredential& credential : loaded.value().ccache) {
    if (options.all || (!credential.removed() && !credential.is_config())) print(credential, now);
  }
  return ExitCode::kOk;
}

}  // namespace

void add_klist(CLI::App& app, Run& run) {
  CLI::App* verb = app.add_subcommand("klist", "List the tickets of a Kerberos credential cache");
  const auto options = std::make_shared<Options>();
  verb->add_option("--ccache", options->ccache,
                   "The cache; default: KRB5CCNAME, else /tmp/krb5cc_UID")
      ->type_name("FILE");
  verb->add_flag("--all", options->all, "Settings and removed tickets too");
  verb->footer(
      "Each ticket has two lines: start, end and service; then the type of its session "
      "key and its flags.\nTimes are UTC, by the KDC's clock. Keys are never shown.");
  verb->callback([options, &run] { run = [options] { return run_klist(*options); }; });
}

}  // namespace pocketgss::tools
