// What must hold for the parsers of the program: the user file, subjectAltName, and `decode`.
#ifndef PGSS_FUZZ_ORACLES_TOOLS_H_
#define PGSS_FUZZ_ORACLES_TOOLS_H_

#include <pocketgss/bytes.h>

namespace pocketgss::fuzz {

// check_user_file: a refusal names a line of the text; a file that is taken is taken again after an
// account was added, changed and deleted, and deleting what was added gives the old text back.
void check_user_file(ByteView text);

// check_subject_names: the names lie inside the input, and each plain one names itself as a host.
void check_subject_names(ByteView extension_value);

// check_decode: the first octet chooses the kind, 0 meaning none, the rest is the token. `decode
// --json` writes one object of the shape that docs/cli/decode.md states, of a size linear in the
// token; each field lies inside the token; what it takes and refuses, the parser of that kind does
// (of a wrap or MIC token: what it takes, for the sizes of the etypes are looked at too); the text
// moves no cursor.
void check_decode(ByteView input);

}  // namespace pocketgss::fuzz

#endif  // PGSS_FUZZ_ORACLES_TOOLS_H_
