// Oracles of key tables, credential caches, the text form of principals and paths of realms. They abort where
// something does not hold.
#ifndef PGSS_FUZZ_ORACLES_KRB5_FILES_H_
#define PGSS_FUZZ_ORACLES_KRB5_FILES_H_

#include <pocketgss/bytes.h>

namespace pocketgss::fuzz {

// check_keytab and check_ccache read a file in either order of octets. A refusal names an octet of
// the file. Of one that is taken every view lies inside it; there are no more entries than there is
// room for; what was read is written to equal fields, and where the format is canonical to the same
// octets; and what is in it is found, also when a TicketCache has taken it. A key table with one entry
// more at its end reads the same.
void check_keytab(ByteView file);
void check_ccache(ByteView file);

// check_principal_text: what is read is written to a text from which the same is read, and which is
// then written the same.
void check_principal_text(ByteView input);

// check_transited takes three lines: contents, client, server. What is no path does not become one
// by more realms, nor is a path one with a stranger in it; it is the same in either direction; and
// it is what a reader says that first expands all names.
void check_transited(ByteView input);

}  // namespace pocketgss::fuzz

#endif  // PGSS_FUZZ_ORACLES_KRB5_FILES_H_
