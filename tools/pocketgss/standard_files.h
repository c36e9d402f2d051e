// What a process may have been given wrongly by the one that started it.
#ifndef PGSS_TOOLS_POCKETGSS_STANDARD_FILES_H_
#define PGSS_TOOLS_POCKETGSS_STANDARD_FILES_H_

namespace pocketgss::tools {

// open_standard_files opens those of standard input, output and error that are closed, so that no
// other file and no connection gets their numbers. Reading or writing them is an error as before.
// False: that was not possible.
bool open_standard_files();

}  // namespace pocketgss::tools

#endif  // PGSS_TOOLS_POCKETGSS_STANDARD_FILES_H_
