// The command line: finds the verb, runs it, and turns every outcome into an exit code.
#ifndef PGSS_TOOLS_POCKETGSS_CLI_H_
#define PGSS_TOOLS_POCKETGSS_CLI_H_

namespace pocketgss::tools {

// run_cli is main() without the process: it returns the exit code and lets no exception out.
int run_cli(int argc, const char* const* argv);

}  // namespace pocketgss::tools

#endif  // PGSS_TOOLS_POCKETGSS_CLI_H_
