// The verbs of the program: one function a verb, each in a file of its own.
#ifndef PGSS_TOOLS_POCKETGSS_VERBS_H_
#define PGSS_TOOLS_POCKETGSS_VERBS_H_

#include <functional>

#include "tools/exit_codes.h"

namespace CLI {
class App;
}

namespace pocketgss::tools {

// Run is set by the verb that the user chose and called once the command line is known to be right.
using Run = std::function<ExitCode()>;

// add_<verb> adds the verb's subcommand and options to `app`; its callback sets `run`. To add a
// verb: write its function in a file of its own, declare it here, list it in cli.cc.
void add_send(CLI::App& app, Run& run);
void add_serve(CLI::App& app, Run& run);
void add_passwd(CLI::App& app, Run& run);
void add_decode(CLI::App& app, Run& run);
void add_keytab(CLI::App& app, Run& run);
void add_kinit(CLI::App& app, Run& run);
void add_klist(CLI::App& app, Run& run);
void add_kdestroy(CLI::App& app, Run& run);

}  // namespace pocketgss::tools

#endif  // PGSS_TOOLS_POCKETGSS_VERBS_H_
