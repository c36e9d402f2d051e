// The command line: finds the verb, runs it, and turns every outcome into an exit code.
#include "tools/pocketgss/cli.h"

#include <algorithm>
#include <array>
#include <iostream>
#include <new>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/crypto.h"
#include "tools/option_values.h"
#include "tools/pocketgss/verbs.h"
#include "tools/text.h"

namespace pocketgss::tools {
namespace {

using AddVerb = void (*)(CLI::App&, Run&);

// In the order in which --help lists them.
std::vector<AddVerb> all_verbs() {
  return {add_send,  add_serve, add_passwd,   add_keytab,
          add_kinit, add_klist, add_kdestroy, add_decode};
}

std::string version_text() {
  return std::string("pocketgss " PGSS_VERSION " (Botan ") + crypto::library_version() + ")";
}

// add_exit_codes ends the help of every verb, and of what a verb has below it, with their table.
void add_exit_codes(CLI::App& app) {
  for (CLI::App* verb : app.get_subcommands({})) {
    verb->footer((verb->get_footer().empty() ? "" : verb->get_footer() + "\n\n") + kExitCodeHelp);
    add_exit_codes(*verb);
  }
}

bool takes_value(const CLI::Option& option) {
  return option.nonpositional() && option.get_items_expected_max() > 0;
}

// refuse_empty_values: a variable that a script forgot to set must not stand for the default. It would
// trust the system's certificates in place of those of --ca, or serve without TLS.
void refuse_empty_values(CLI::App& app) {
  constexpr std::array<std::string_view, 2> kMayBeEmpty = {"--from", "--salt"};
  for (CLI::Option* option : app.get_options()) {
    const bool may_be_empty =
        std::find(kMayBeEmpty.begin(), kMayBeEmpty.end(), option->get_name()) != kMayBeEmpty.end();
    if (takes_value(*option) && !may_be_empty) option->check(not_empty());
  }
  for (CLI::App* verb : app.get_subcommands({})) refuse_empty_values(*verb);
}

// has_option_with_value: some verb has an option of this long name that takes a value.
bool has_option_with_value(CLI::App& app, const std::string& name) {
  const CLI::Option* const option = app.get_option_no_throw(name);
  if (option != nullptr && takes_value(*option)) return true;
  const auto verbs = app.get_subcommands({});
  return std::any_of(verbs.begin(), verbs.end(),
                     [&](CLI::App* verb) { return has_option_with_value(*verb, name); });
}

// arguments_of gives "--ca=" as "--ca" and an empty value, which CLI11 would take from the next argument.
// They are in reverse, as CLI11 wants them.
std::vector<std::string> arguments_of(CLI::App& app, int argc, const char* const* argv) {
  std::vector<std::string> out;
  bool options_ended = false;
  for (int i = 1; i < argc; ++i) {
    std::string argument = argv[i];
    options_ended = options_ended || argument == "--";
    const bool empty_value = !options_ended && argument.starts_with("--") &&
                             argument.ends_with('=') &&
                             has_option_with_value(app, argument.substr(0, argument.size() - 1));
    if (empty_value) argument.pop_back();
    out.push_back(std::move(argument));
    if (empty_value) out.emplace_back();
  }
  std::reverse(out.begin(), out.end());
  return out;
}

void configure(CLI::App& app, Run& run) {
  app.set_version_flag("--version", version_text(), "Print the version and exit");
  app.set_help_flag("-h,--help", "Print this help and exit");
  app.require_subcommand(1);
  app.footer(std::string("`pocketgss VERB --help` tells more about a verb.\n\n") + kExitCodeHelp);
  for (const AddVerb add : all_verbs()) add(app, run);
  add_exit_codes(app);
  refuse_empty_values(app);
}

// usage_error names the verb where one was given, so that the hint leads to the right help.
ExitCode usage_error(const CLI::App& app, const CLI::ParseError& error) {
  std::string verb = "pocketgss";
  for (const CLI::App* at = &app; !at->get_subcommands().empty();) {
    at = at->get_subcommands().front();
    verb += " " + at->get_name();
  }
  std::cerr << verb << ": " << printable(error.what()) << "; see `" << verb << " --help`"
            << std::endl;
  return ExitCode::kUsage;
}

// with_output: what was printed counts as done once it is written.
ExitCode with_output(ExitCode code) {
  if (code != ExitCode::kOk || std::cout.flush()) return code;
  std::cerr << "pocketgss: the output cannot be written" << std::endl;
  return ExitCode::kIoError;
}

ExitCode run_verb(int argc, const char* const* argv) {
  CLI::App app(
      "SPNEGO, Kerberos and NTLM for SMTP: submit mail, serve, keep accounts, keys and tickets, "
      "read tokens.",
      "pocketgss");
  Run run;
  configure(app, run);
  try {
    app.parse(arguments_of(app, argc, argv));
  } catch (const CLI::Success& success) {  // --help and --version
    app.exit(success);
    return ExitCode::kOk;
  } catch (const CLI::ParseError& error) {
    return usage_error(app, error);
  }
  return run();
}

}  // namespace

int run_cli(int argc, const char* const* argv) {
  try {
    return static_cast<int>(with_output(run_verb(argc, argv)));
  } catch (const std::bad_alloc&) {
    std::cerr << "pocketgss: there is not enough memory" << std::endl;
    return static_cast<int>(ExitCode::kOsError);
  } catch (const std::system_error& error) {
    std::cerr << "pocketgss: the operating system refuses: " << printable(error.what())
              << std::endl;
    return static_cast<int>(ExitCode::kOsError);
  } catch (const std::exception& error) {
    std::cerr << "pocketgss: an error of this program, please report it: "
              << printable(error.what()) << std::endl;
    return static_cast<int>(ExitCode::kSoftware);
  }
}

}  // namespace pocketgss::tools
