// The program in a child process that was prepared for it.
#include "tests/tools/support/prepared.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/tools/support/temp_folder.h"

namespace pocketgss::tools::testing {

int end_of_child(const std::function<void()>& action) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(60);  // a program that does not end is ended
    action();
    ::_exit(0);
  }
  int status = -1;
  return child > 0 && ::waitpid(child, &status, 0) == child ? status : -1;
}

Outcome run_prepared(const Arguments& arguments, const std::function<void()>& prepare,
                     const std::string& input) {
  const TempFolder folder;
  const std::string files[] = {folder.write("in", input), folder.write("out", ""),
                               folder.write("error", "")};
  const int status = end_of_child([&] {
    ::setsid();
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
      ::dup2(::open(files[fd].c_str(), O_RDWR | O_CLOEXEC), fd);
    prepare();
    exec_program(arguments);
  });
  const int code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return {status < 0 ? -1 : code, content_of(files[1]), content_of(files[2])};
}

}  // namespace pocketgss::tools::testing
