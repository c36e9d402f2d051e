// How a verb tells the user about a failure.
#ifndef PGSS_TOOLS_POCKETGSS_REPORT_H_
#define PGSS_TOOLS_POCKETGSS_REPORT_H_

#include <string_view>

#include "tools/fallible.h"

namespace pocketgss::tools {

// report prints "pocketgss <verb>: <message>" on standard error and returns the exit code.
ExitCode report(std::string_view verb, const Failure& failure);

}  // namespace pocketgss::tools

#endif  // PGSS_TOOLS_POCKETGSS_REPORT_H_
