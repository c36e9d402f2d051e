// What must hold for the parsers of the program: the user file and subjectAltName.
#ifndef PGSS_FUZZ_ORACLES_TOOLS_H_
#define PGSS_FUZZ_ORACLES_TOOLS_H_

#include <pocketgss/bytes.h>

namespace pocketgss::fuzz {

// check_user_file: a refusal names a line of the text; a file that is taken is taken again after an
// account was added, changed and deleted, and deleting what was added gives the old text back.
void check_user_file(ByteView text);

// check_subject_names: the names lie inside the input, and each plain one names itself as a host.
void check_subject_names(ByteView extension_value);

}  // namespace pocketgss::fuzz

#endif  // PGSS_FUZZ_ORACLES_TOOLS_H_
