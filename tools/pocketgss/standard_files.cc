// Standard input, output and error are open.
#include "tools/pocketgss/standard_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <initializer_list>

namespace pocketgss::tools {

bool open_standard_files() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) >= 0) continue;
    // The wrong way round: who reads or writes is told so.
    const int mode = fd == STDIN_FILENO ? O_WRONLY : O_RDONLY;
    if (::open("/dev/null", mode) != fd) return false;  // the lowest number that is free
  }
  return true;
}

}  // namespace pocketgss::tools
