// The messages of Kerberos as trees.
#ifndef PGSS_TOOLS_DECODE_KRB5_H_
#define PGSS_TOOLS_DECODE_KRB5_H_

#include <array>
#include <optional>
#include <string_view>

#include <pocketgss/result.h>

#include "tools/decode/fields.h"

namespace pocketgss::tools {

// What krb5.X can be, X being the name in the specification. The messages of a context (AP-REQ,
// AP-REP, KRB-ERROR) may stand in the frame of RFC 2743 3.1, with the TOK_ID of RFC 4121 4.1.
inline constexpr std::array<std::string_view, 28> kKrb5Kinds = {"krb5.AS-REQ",
                                                                "krb5.AS-REP",
                                                                "krb5.TGS-REQ",
                                                                "krb5.TGS-REP",
                                                                "krb5.AP-REQ",
                                                                "krb5.AP-REP",
                                                                "krb5.KRB-ERROR",
                                                                "krb5.KRB-CRED",
                                                                "krb5.Ticket",
                                                                "krb5.EncTicketPart",
                                                                "krb5.Authenticator",
                                                                "krb5.EncKDCRepPart",
                                                                "krb5.EncAPRepPart",
                                                                "krb5.EncKrbCredPart",
                                                                "krb5.KDC-REQ-BODY",
                                                                "krb5.METHOD-DATA",
                                                                "krb5.TYPED-DATA",
                                                                "krb5.ETYPE-INFO",
                                                                "krb5.ETYPE-INFO2",
                                                                "krb5.EncryptedData",
                                                                "krb5.PA-ENC-TS-ENC",
                                                                "krb5.KERB-PA-PAC-REQUEST",
                                                                "krb5.PA-PAC-OPTIONS",
                                                                "krb5.KERB-ERROR-DATA",
                                                                "krb5.AuthorizationData",
                                                                "krb5.PAC",
                                                                "krb5.Wrap",
                                                                "krb5.MIC"};

// decode_krb5 decodes a token as one of kKrb5Kinds. Errors: those of the parser.
Result<Children> decode_krb5(std::string_view kind, ByteView token, const DecodeContext&);

// krb5_kind tells which a token is, if it is one that can be told: by its application tag, by the
// OID in its frame, by TOK_ID; METHOD-DATA and a PAC by being well-formed.
std::optional<std::string_view> krb5_kind(ByteView token);

}  // namespace pocketgss::tools

#endif  // PGSS_TOOLS_DECODE_KRB5_H_
