// Wrap and MIC tokens of Kerberos as trees.
#ifndef PGSS_TOOLS_DECODE_KRB5_TOKENS_H_
#define PGSS_TOOLS_DECODE_KRB5_TOKENS_H_

#include <string_view>

#include <pocketgss/result.h>

#include "tools/decode/fields.h"

namespace pocketgss::tools {

// Each takes a token of either form: of RFC 4121 4.2.6, bare, or of RFC 1964 1.2 with the algorithms
// of RFC 4757, in the frame of RFC 2743 3.1. A wrap token is opened, and a MIC over the mechTypes of
// SPNEGO verified, where the decryptor has found the key of the context. Errors: kMalformed: no key
// could make the library take it.
Result<Children> decode_wrap(ByteView token, const DecodeContext&);
Result<Children> decode_mic(ByteView token, const DecodeContext&);

// message_token_kind is "krb5.Wrap" or "krb5.MIC", as TOK_ID says, or "".
std::string_view message_token_kind(ByteView token);

// may_be_cfx_wrap: `input` begins as wrap tokens of RFC 4121 4.2.6.2 do, no unknown bit in Flags. A
// credential cache of version 4 can begin so too, with a header of at least 255 octets, which no
// program writes.
bool may_be_cfx_wrap(ByteView input);

}  // namespace pocketgss::tools

#endif  // PGSS_TOOLS_DECODE_KRB5_TOKENS_H_
