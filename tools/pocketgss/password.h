// Where a verb gets a password from: a file, or the terminal.
#ifndef PGSS_TOOLS_POCKETGSS_PASSWORD_H_
#define PGSS_TOOLS_POCKETGSS_PASSWORD_H_

#include <string>

#include <pocketgss/secret.h>

#include "tools/fallible.h"

namespace pocketgss::tools {

inline constexpr size_t kMaxPassword = 1024;  // octets of UTF-8

// read_password reads `file`, of which one line end (LF or CR LF) at the end is dropped; with an
// empty `file` it asks on the controlling terminal, without echo. Standard input is never read,
// because a message may come there. No copy of the password is left behind. Failures: kNoInput (the
// file), kDataError (empty, or over kMaxPassword), kUsage (no file and no terminal).
Fallible<SecretBytes> read_password(const std::string& file, const std::string& prompt);

}  // namespace pocketgss::tools

#endif  // PGSS_TOOLS_POCKETGSS_PASSWORD_H_
