// The forms of per-message tokens, as far as they can be read without a key: RFC 4121 4.2.6, and RFC
// 1964 1.2 with the algorithms of RFC 4757 7.
#ifndef PGSS_MECHS_KRB5_TOKEN_FORMS_H_
#define PGSS_MECHS_KRB5_TOKEN_FORMS_H_

#include <optional>

#include <pocketgss/bytes.h>
#include <pocketgss/result.h>

namespace pocketgss::mechs::krb5 {

enum class MessageToken : uint8_t { kMic, kWrap };

// name is `where` of an error about the token as a whole: "MIC token" or "Wrap token".
const char* name(MessageToken);

// RFC 4121 4.2.6.1, 4.2.6.2:
//   [0-1] TOK_ID  [2] Flags  [3] Filler FF  [4-5] EC  [6-7] RRC  [8-15] SND_SEQ, big-endian
// A MIC token has Filler up to [7]. Behind it the checksum of a MIC token; of a wrap token, to the
// right by RRC, what is encrypted, or the message and a checksum of EC octets.
inline constexpr size_t kMessageHeaderSize = 16;
inline constexpr size_t kCfxFlagsAt = 2, kCfxFillerAt = 3, kCfxEcAt = 4, kCfxRrcAt = 6,
                        kCfxSequenceAt = 8;
inline constexpr uint16_t kCfxMicId = 0x0404, kCfxWrapId = 0x0504;
inline constexpr uint8_t kCfxFiller = 0xff;
inline constexpr uint16_t kCfxMicFiller = 0xffff;  // where a wrap token has EC, and RRC

// Bits of Flags (RFC 4121 4.2.2).
namespace cfx_flag {
inline constexpr uint8_t kSentByAcceptor = 0x1;
inline constexpr uint8_t kSealed = 0x2;
inline constexpr uint8_t kAcceptorSubkey = 0x4;
}  // namespace cfx_flag

struct CfxHeader {
  uint8_t flags = 0;
  uint16_t ec = 0, rrc = 0;  // of a MIC token filler
  uint64_t sequence = 0;
};
// parse_cfx_header takes a whole token. Errors: kMalformed with the field: another TOK_ID (rows
// KRA-4, KRA-6), a filler that is none, nothing behind the header. Bits of Flags that nobody knows
// are not looked at (RFC 4121 4.2.2).
Result<CfxHeader> parse_cfx_header(ByteView token, MessageToken);

// RFC 4757 7.2, 7.3; the checksum's size is that of its first half:
//   [0-1] TOK_ID  [2-3] SGN_ALG 11 00  [4-5] SEAL_ALG 10 00, or FF FF  [6-7] Filler FF FF
//   [8-15] SND_SEQ  [16-23] SGN_CKSUM
//   of a wrap token: [24-31] Confounder, then the data and their padding
// A MIC token has Filler where a wrap token has SEAL_ALG.
namespace rfc4757 {
inline constexpr uint16_t kMicId = 0x0101, kWrapId = 0x0201;
inline constexpr uint16_t kHmacMd5 = 0x1100, kRc4 = 0x1000, kNone = 0xffff;
inline constexpr size_t kFixedSize = 8, kSequenceSize = 8, kChecksumSize = 8, kConfounderSize = 8;
inline constexpr size_t kHeadSize = kFixedSize + kSequenceSize + kChecksumSize;
inline constexpr size_t kPadSize = 1;  // what RFC 4757 7.3 makes of RFC 1964 1.2.2.3

using Fixed = FixedBytes<kFixedSize>;
Fixed fixed_part(uint16_t id, uint16_t seal_alg);

// Token is an innerToken taken apart. It borrows.
struct Token {
  ByteView fixed, sequence, checksum, body;
  bool sealed = false;
  uint32_t offset = 0;  // of the innerToken, from the start of the token
};
// parse takes a token in the frame of RFC 2743 3.1. Errors: kMalformed with the field: the frame,
// another OID, TOK_ID or algorithm, a wrap token without data, octets behind a MIC token.
Result<Token> parse(ByteView token, MessageToken);

// unpadded returns how long the data of a wrap token are without their padding (RFC 1964 1.2.2.3): 1
// to 8 octets, each saying how many; nothing where they are not.
std::optional<size_t> unpadded(ByteView data);
}  // namespace rfc4757

}  // namespace pocketgss::mechs::krb5

#endif  // PGSS_MECHS_KRB5_TOKEN_FORMS_H_
