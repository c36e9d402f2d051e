// The program pocketgss.
#include <csignal>

#include "tools/exit_codes.h"
#include "tools/pocketgss/cli.h"
#include "tools/pocketgss/standard_files.h"

int main(int argc, char** argv) {
  using namespace pocketgss::tools;
  if (!open_standard_files()) return static_cast<int>(ExitCode::kOsError);
  std::signal(SIGXFSZ, SIG_IGN);  // a file size limit is a failed write, not the end
  return run_cli(argc, argv);
}
