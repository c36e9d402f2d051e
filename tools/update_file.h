// Replacing a file that holds secrets: under a lock, atomically, and durable.
#ifndef PGSS_TOOLS_UPDATE_FILE_H_
#define PGSS_TOOLS_UPDATE_FILE_H_

#include <functional>
#include <string>

#include <pocketgss/secret.h>

#include "tools/fallible.h"

namespace pocketgss::tools {

// FileChange makes the next content of the file at `path`, which may not exist.
using FileChange = std::function<Fallible<SecretBytes>(const std::string& path, bool exists)>;

// update_file asks `change` for the next content under a lock of the file (of the folder, where
// there is none yet), and puts that in the file's place atomically, mode 0600, owned as the file was.
// A symbolic link is followed, also to a file that is not there yet. A crash leaves the old version
// or the new one. `what` the file is, for messages. Failures: those of `change`, kCantCreate,
// kTempFail (another program holds the lock for five seconds).
Fallible<Nothing> update_file(const std::string& path, const char* what, const FileChange& change);

// write_private_file puts `text` into a file of this user's own at `path`, mode 0600, in the place of
// what was there and at once; a device, a pipe or a socket stays. For a folder where everybody may write, as /tmp: a link that somebody
// has put at `path` is replaced and not followed, an owner is not taken over, no lock is waited for;
// where the file is another user's and the folder is sticky, it fails. Failure: kCantCreate.
Fallible<Nothing> write_private_file(const std::string& path, const char* what, ByteView text);

}  // namespace pocketgss::tools

#endif  // PGSS_TOOLS_UPDATE_FILE_H_
