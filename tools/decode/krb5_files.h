// Key tables and credential caches as trees.
#ifndef PGSS_TOOLS_DECODE_KRB5_FILES_H_
#define PGSS_TOOLS_DECODE_KRB5_FILES_H_

#include <pocketgss/result.h>

#include "tools/decode/fields.h"

namespace pocketgss::tools {

// Keys are left out ("<secret>") unless the context says otherwise. Errors: those of the parsers.
Result<Children> decode_keytab(ByteView file, const DecodeContext&);
Result<Children> decode_ccache(ByteView file, const DecodeContext&);

// krb5_file_kind tells by the two octets of the version: "krb5.keytab" of 1 and 2, "krb5.ccache" of
// 3 and 4; caches of the versions 1 and 2 look like key tables. Empty where it is neither.
std::string_view krb5_file_kind(ByteView file);

}  // namespace pocketgss::tools

#endif  // PGSS_TOOLS_DECODE_KRB5_FILES_H_
