// How a verb tells the user about a failure.
#include "tools/pocketgss/report.h"

#include <iostream>

namespace pocketgss::tools {

ExitCode report(std::string_view verb, const Failure& failure) {
  std::cerr << "pocketgss " << verb << ": " << failure.message << std::endl;
  return failure.exit_code;
}

}  // namespace pocketgss::tools
