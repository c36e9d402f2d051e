// The program in a child process that was prepared for it: files closed, limits set.
#ifndef PGSS_TESTS_TOOLS_SUPPORT_PREPARED_H_
#define PGSS_TESTS_TOOLS_SUPPORT_PREPARED_H_

#include <sys/types.h>

#include <functional>

#include "tests/tools/support/process.h"

namespace pocketgss::tools::testing {

// run_prepared is run(), where `prepare` is called in the child process before it becomes the program.
Outcome run_prepared(const Arguments& arguments, const std::function<void()>& prepare,
                     const std::string& input = "");

// end_of_child calls `action` in a child process and returns its status as waitpid() does; 0: it came to
// its end.
int end_of_child(const std::function<void()>& action);

}  // namespace pocketgss::tools::testing

#endif  // PGSS_TESTS_TOOLS_SUPPORT_PREPARED_H_
