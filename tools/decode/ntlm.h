// The messages of [MS-NLMP] as trees.
#ifndef PGSS_TOOLS_DECODE_NTLM_H_
#define PGSS_TOOLS_DECODE_NTLM_H_

#include <pocketgss/result.h>

#include "tools/decode/fields.h"

namespace pocketgss::tools {

// Each returns the message's fields in wire order, then its payload. Errors: those of the parser;
// kMalformed where the message is of another type.
Result<Children> decode_negotiate(ByteView message, const DecodeContext&);
Result<Children> decode_challenge(ByteView message, const DecodeContext&);
Result<Children> decode_authenticate(ByteView message, const DecodeContext&);

}  // namespace pocketgss::tools

#endif  // PGSS_TOOLS_DECODE_NTLM_H_
