// The tokens of RFC 4178 and [MS-SPNG] as trees.
#ifndef PGSS_TOOLS_DECODE_SPNEGO_H_
#define PGSS_TOOLS_DECODE_SPNEGO_H_

#include <optional>
#include <string>
#include <string_view>

#include <pocketgss/result.h>

#include "tools/decode/fields.h"

namespace pocketgss::tools {

// Each takes a token with or without the GSS wrapper (RFC 2743 3.1). Errors: those of the parser.
Result<Children> decode_neg_token_init(ByteView token, const DecodeContext&);
Result<Children> decode_neg_token_init2(ByteView token, const DecodeContext&);
Result<Children> decode_neg_token_resp(ByteView token, const DecodeContext&);

// spnego_kind tells which of the three a token is. Errors: kMalformed: none of them, or not
// well-formed enough to tell.
Result<std::string_view> spnego_kind(ByteView token);

// decode_nested decodes octets that may hold a token, into `field`, and says why they did not
// decode (also: kMaxTokenDepth); none: they did, or there are none. `at` is where the octets stand.
// Defined in decode.cc.
std::optional<std::string> decode_nested(ByteView octets, Field& field, const DecodeContext& at);

}  // namespace pocketgss::tools

#endif  // PGSS_TOOLS_DECODE_SPNEGO_H_
