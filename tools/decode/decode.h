// Any token that we know, as a tree.
#ifndef PGSS_TOOLS_DECODE_DECODE_H_
#define PGSS_TOOLS_DECODE_DECODE_H_

#include <algorithm>
#include <array>
#include <string_view>

#include <pocketgss/result.h>

#include "tools/decode/fields.h"
#include "tools/decode/krb5.h"
#include "tools/decode/tree.h"

namespace pocketgss::tools {

// The kinds, as --as takes them and as the output names them.
inline constexpr auto kTokenKinds = [] {
  constexpr std::array<std::string_view, 8> kOthers = {
      "spnego.NegTokenInit", "spnego.NegTokenInit2", "spnego.NegTokenResp", "ntlm.Negotiate",
      "ntlm.Challenge",      "ntlm.Authenticate",    "krb5.keytab",         "krb5.ccache"};
  std::array<std::string_view, kOthers.size() + kKrb5Kinds.size()> all{};
  std::copy(kKrb5Kinds.begin(), kKrb5Kinds.end(),
            std::copy(kOthers.begin(), kOthers.end(), all.begin()));
  return all;
}();

// decode_token decodes a whole input with the library's own parsers. An empty `kind` is told from
// the first octets. What a parser refuses is refused, with the field and the offset; a nested token
// that its parser refuses stays octets, and a note says why. Policy is not applied, but noted (an
// NTLMv1 response). Keys of a key table or a credential cache, and those in parts that the decryptor
// opened, are left out unless `show_keys` is set. Errors: kMalformed; kApiMisuse where `kind` is none of kTokenKinds.
Result<DecodedToken> decode_token(ByteView token, std::string_view kind = {},
                                  bool show_keys = false, Decryptor* decryptor = nullptr);

}  // namespace pocketgss::tools

#endif  // PGSS_TOOLS_DECODE_DECODE_H_
