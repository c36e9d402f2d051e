// Takes per-message tokens apart.
#include "mechs/krb5/token_forms.h"

#include <algorithm>

#include "base/cursor.h"
#include "mechs/gss_token.h"
#include "mechs/oids.h"

namespace pocketgss::mechs::krb5 {

const char* name(MessageToken token) {
  return token == MessageToken::kMic ? "MIC token" : "Wrap token";
}

Result<CfxHeader> parse_cfx_header(ByteView token, MessageToken kind) {
  const char* const what = name(kind);
  const bool mic = kind == MessageToken::kMic;
  ByteReader in(token);
  CfxHeader out;
  PGSS_TRY(const uint16_t id, in.u16be(what));
  if (id != (mic ? kCfxMicId : kCfxWrapId)) return Error{Errc::kMalformed, "TOK_ID", 0, 0};
  PGSS_TRY(out.flags, in.u8(what));
  PGSS_TRY(const uint8_t filler, in.u8(what));
  PGSS_TRY(out.ec, in.u16be(what));
  PGSS_TRY(out.rrc, in.u16be(what));
  PGSS_TRY(out.sequence, in.u64be(what));
  if (filler != kCfxFiller) return Error{Errc::kMalformed, what, kCfxFillerAt, 0};
  // RFC 4121 4.2.6.1: five octets of filler; row KRA-3.
  if (mic && (out.ec != kCfxMicFiller || out.rrc != kCfxMicFiller)) {
    return Error{Errc::kMalformed, what, kCfxEcAt, 0};
  }
  if (in.at_end()) return Error{Errc::kMalformed, what, kMessageHeaderSize, 0};
  return out;
}

namespace rfc4757 {
namespace {

// check_fixed: no checksum covers what is not as it must be, so nothing may vary.
Result<void> check_fixed(const Token& token, MessageToken kind) {
  const bool mic = kind == MessageToken::kMic;
  const Fixed plain = fixed_part(mic ? kMicId : kWrapId, kNone);
  if (token.fixed == ByteView(plain) || (token.sealed && !mic)) return {};
  const auto differs = [&](size_t at) {
    return token.fixed.sub(at, 2) != ByteView(plain).sub(at, 2);
  };
  const auto wrong = [&](const char* field, uint32_t at) {
    return Error{Errc::kMalformed, field, token.offset + at, 0};
  };
  if (differs(0)) return wrong("TOK_ID", 0);
  if (differs(2)) return wrong(mic ? "MIC token.SGN_ALG" : "Wrap token.SGN_ALG", 2);
  if (differs(6)) return wrong(mic ? "MIC token.Filler" : "Wrap token.Filler", 6);
  return wrong(mic ? "MIC token.Filler" : "Wrap token.SEAL_ALG", 4);
}

}  // namespace

Fixed fixed_part(uint16_t id, uint16_t seal_alg) {
  const auto high = [](uint16_t n) { return static_cast<uint8_t>(n >> 8); };
  const auto low = [](uint16_t n) { return static_cast<uint8_t>(n); };
  return {high(id),       low(id),       high(kHmacMd5), low(kHmacMd5),
          high(seal_alg), low(seal_alg), 0xff,           0xff};
}

Result<Token> parse(ByteView token, MessageToken kind) {
  const char* const what = name(kind);
  PGSS_TRY(const InitialContextToken frame, parse_initial_context_token(token));
  // No checksum covers the frame, so nothing in it may vary: Microsoft's OID, for one, differs by a
  // bit (row KRA-3).
  if (frame.this_mech != kKerberosOid) {
    return Error{Errc::kMalformed, "InitialContextToken.thisMech", 0, 0};
  }
  ByteReader in(frame.inner_token, frame.inner_token_offset);
  Token out;
  out.offset = frame.inner_token_offset;
  PGSS_TRY(out.fixed, in.bytes(kFixedSize, what));
  PGSS_TRY(out.sequence, in.bytes(kSequenceSize, what));
  PGSS_TRY(out.checksum, in.bytes(kChecksumSize, what));
  out.body = in.rest();
  out.sealed = out.fixed == ByteView(fixed_part(kWrapId, kRc4));
  PGSS_CHECK(check_fixed(out, kind));
  const bool whole =
      kind == MessageToken::kMic ? out.body.empty() : out.body.size() >= kConfounderSize + kPadSize;
  if (!whole) return Error{Errc::kMalformed, what, in.offset(), 0};
  return out;
}

std::optional<size_t> unpadded(ByteView data) {
  if (data.empty()) return std::nullopt;
  constexpr size_t kMaxPad = 8;
  const size_t count = data[data.size() - 1];
  if (count == 0 || count > kMaxPad || count > data.size()) return std::nullopt;
  const ByteView pad = data.from(data.size() - count);
  if (std::any_of(pad.begin(), pad.end(), [&](uint8_t octet) { return octet != count; })) {
    return std::nullopt;
  }
  return data.size() - count;
}

}  // namespace rfc4757
}  // namespace pocketgss::mechs::krb5
