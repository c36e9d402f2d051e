// Oracles of base and lib: text conversion, account names, certificates. They abort where something
// does not hold.
#ifndef PGSS_FUZZ_ORACLES_LIB_H_
#define PGSS_FUZZ_ORACLES_LIB_H_

#include <pocketgss/bytes.h>

namespace pocketgss::fuzz {

// check_utf8: what converts to UTF-16LE comes back as the very bytes; upper-casing is the same in
// both forms and changes nothing the second time; passwords convert alike; an account name that
// parses gives its text back.
void check_utf8(ByteView text);

// check_utf16: what converts to UTF-8 comes back as the very bytes; upper-casing keeps well-formed
// text well-formed.
void check_utf16(ByteView utf16le);

// check_certificate: a binding has the hash of the whole input under its prefix, by SHA-2; no
// proper prefix and no longer input gives one too.
void check_certificate(ByteView der);

}  // namespace pocketgss::fuzz

#endif  // PGSS_FUZZ_ORACLES_LIB_H_
