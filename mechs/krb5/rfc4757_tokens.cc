// The tokens of RFC 4757 7. Left out where PGSS_RC4_HMAC is off.
#include "mechs/krb5/rfc4757_tokens.h"

#include <algorithm>

#include "base/cursor.h"
#include "base/rc4.h"
#include "mechs/gss_token.h"
#include "mechs/oids.h"

namespace pocketgss::mechs::krb5 {
namespace {

using namespace rfc4757;  // NOLINT: the form is all that this file fills in

constexpr uint8_t kPad = 1;

// RFC 4757 7.2, 7.3: "salts" of the two kinds, in the place of key usages.
constexpr KeyUsage kWrapSalt{13}, kMicSalt{15};

Error not_authentic(MessageToken token) {
  return Error{Errc::kAuthFailed, name(token), 0, 0};
}

// --- the frame ---

constexpr size_t kOidElement = 2 + kKerberosDer.size();

// length_octets is the size of a DER length.
constexpr size_t length_octets(size_t length) {
  size_t out = 1;
  if (length >= 0x80) {
    for (; length != 0; length >>= 8) ++out;
  }
  return out;
}

constexpr size_t frame_size(size_t inner) {
  return 1 + length_octets(kOidElement + inner) + kOidElement;
}

// write_frame writes what stands before an innerToken of that size.
void write_frame(size_t inner, MutableBytes out) {
  const size_t length = kOidElement + inner;
  const size_t octets = length_octets(length);
  size_t at = 0;
  out[at++] = 0x60;
  if (octets == 1) {
    out[at++] = static_cast<uint8_t>(length);
  } else {
    out[at++] = static_cast<uint8_t>(0x80 | (octets - 1));
    for (size_t i = octets - 1; i-- > 0;) out[at++] = static_cast<uint8_t>(length >> (8 * i));
  }
  out[at++] = 0x06;
  out[at++] = static_cast<uint8_t>(kKerberosDer.size());
  std::copy(kKerberosDer.begin(), kKerberosDer.end(),
            out.begin() + static_cast<std::ptrdiff_t>(at));
}

}  // namespace

// Sequence numbers are widened to 64 bits, so that the window has no end to care about.
Rfc4757Tokens::Rfc4757Tokens(Runtime& runtime, MessageKeys keys)
    : crypto_(&runtime.crypto()),
      random_(&runtime.random()),
      keys_(std::move(keys)),
      send_sequence_(keys_.send_sequence),
      window_(keys_.flags, (uint64_t{1} << 32) + keys_.receive_sequence),
      sign_(*crypto_, keys_.key, kMicSalt),
      seal_(*crypto_, keys_.key, kWrapSalt) {
  constexpr FixedBytes<4> kZero{};
  constexpr uint8_t kLocal = 0xf0;  // RFC 4757 7.3: Klocal
  crypto_->hmac_md5(keys_.key.view(), {kZero}, sequence_key_.mutable_view());
  SecretHash local;
  std::transform(keys_.key.view().begin(), keys_.key.view().end(), local.mutable_view().begin(),
                 [](uint8_t octet) { return static_cast<uint8_t>(octet ^ kLocal); });
  crypto_->hmac_md5(local.view(), {kZero}, crypt_key_.mutable_view());
}

size_t Rfc4757Tokens::mic_size() const {
  return frame_size(kHeadSize) + kHeadSize;
}

size_t Rfc4757Tokens::wrap_size(size_t message_size) const {
  const size_t inner = kHeadSize + kConfounderSize + message_size + kPadSize;
  return frame_size(inner) + inner;
}

// RFC 4757 7.2: SND_SEQ is the number, big-endian, and four octets for the sender, encrypted under a
// key made of the checksum.
void Rfc4757Tokens::seal_sequence(uint32_t sequence, ByteView checksum, MutableBytes out) {
  store_u32be(out.data(), sequence);
  std::fill_n(out.begin() + 4, 4, keys_.self == Role::kInitiator ? uint8_t{0x00} : uint8_t{0xff});
  SecretHash key;
  crypto_->hmac_md5(sequence_key_.view(), {checksum}, key.mutable_view());
  crypto::Rc4(key.view()).apply(out, out);
}

Result<uint32_t> Rfc4757Tokens::open_sequence(ByteView sealed, ByteView checksum,
                                              MessageToken token) {
  FixedBytes<kSequenceSize> open;
  SecretHash key;
  crypto_->hmac_md5(sequence_key_.view(), {checksum}, key.mutable_view());
  crypto::Rc4(key.view()).apply(sealed, open);
  FixedBytes<4> sender;
  sender.fill(keys_.self == Role::kInitiator ? uint8_t{0xff} : uint8_t{0x00});
  // Row KRA-7: our own tokens name us.
  if (!ct_equal(ByteView(open).from(4), sender)) return not_authentic(token);
  return ByteReader(open).u32be(name(token));
}

// RFC 4757 7.3: Kcrypt = HMAC(HMAC(Klocal, 0), seq_num), the number big-endian.
void Rfc4757Tokens::crypt(uint32_t sequence, MutableBytes data) {
  FixedBytes<4> number;
  store_u32be(number.data(), sequence);
  SecretHash key;
  crypto_->hmac_md5(crypt_key_.view(), {number}, key.mutable_view());
  crypto::Rc4(key.view()).apply(data, data);
}

// widen finds the number of 64 bits that is nearest to the next one.
uint64_t Rfc4757Tokens::widen(uint32_t sequence) const {
  const auto distance = static_cast<int32_t>(sequence - static_cast<uint32_t>(window_.next()));
  return window_.next() + static_cast<uint64_t>(int64_t{distance});
}

Result<size_t> Rfc4757Tokens::mic(ByteView message, MutableBytes out) {
  const size_t size = mic_size();
  if (out.size() < size) return Error{Errc::kApiMisuse, "output buffer is too small", 0, 0};
  const Fixed fixed = fixed_part(kMicId, kNone);
  FixedBytes<kMaxChecksumSize> checksum;
  PGSS_CHECK(sign_.make({fixed, message}, checksum));
  write_frame(kHeadSize, out);
  const MutableBytes inner = out.subspan(size - kHeadSize, kHeadSize);
  std::copy(fixed.begin(), fixed.end(), inner.begin());
  std::copy_n(checksum.begin(), kChecksumSize, inner.begin() + kFixedSize + kSequenceSize);
  seal_sequence(send_sequence_, ByteView(checksum).prefix(kChecksumSize),
                inner.subspan(kFixedSize, kSequenceSize));
  ++send_sequence_;
  return size;
}

Result<uint64_t> Rfc4757Tokens::check_mic(ByteView message, ByteView mic) {
  PGSS_TRY(const Token token, parse(mic, MessageToken::kMic));
  PGSS_TRY(const uint32_t sequence,
           open_sequence(token.sequence, token.checksum, MessageToken::kMic));
  FixedBytes<kMaxChecksumSize> checksum;
  PGSS_CHECK(sign_.make({token.fixed, message}, checksum));
  if (!ct_equal(ByteView(checksum).prefix(kChecksumSize), token.checksum)) {
    return not_authentic(MessageToken::kMic);
  }
  return widen(sequence);
}

Result<void> Rfc4757Tokens::verify_mic(ByteView message, ByteView mic) {
  PGSS_TRY(const uint64_t sequence, check_mic(message, mic));
  return window_.take(sequence, "MIC token.SND_SEQ");
}

Result<void> Rfc4757Tokens::verify_mech_list_mic(ByteView list, ByteView mic) {
  PGSS_TRY(const uint64_t sequence, check_mic(list, mic));
  window_.take_if_next(sequence);
  return {};
}

Result<size_t> Rfc4757Tokens::wrap(ByteView message, bool confidential, MutableBytes out) {
  const size_t body_size = kConfounderSize + message.size() + kPadSize;
  const size_t inner_size = kHeadSize + body_size;
  const size_t size = frame_size(inner_size) + inner_size;
  if (out.size() < size) return Error{Errc::kApiMisuse, "output buffer is too small", 0, 0};
  const MutableBytes inner = out.subspan(size - inner_size, inner_size);
  const MutableBytes body = inner.subspan(kHeadSize);
  PGSS_CHECK(random_->fill(body.first(kConfounderSize)));
  std::copy(message.begin(), message.end(), body.begin() + kConfounderSize);
  body.back() = kPad;

  const Fixed fixed = fixed_part(kWrapId, confidential ? kRc4 : kNone);
  FixedBytes<kMaxChecksumSize> checksum;
  PGSS_CHECK(seal_.make({fixed, body}, checksum));
  write_frame(inner_size, out);
  std::copy(fixed.begin(), fixed.end(), inner.begin());
  std::copy_n(checksum.begin(), kChecksumSize, inner.begin() + kFixedSize + kSequenceSize);
  seal_sequence(send_sequence_, ByteView(checksum).prefix(kChecksumSize),
                inner.subspan(kFixedSize, kSequenceSize));
  if (confidential) crypt(send_sequence_, body);
  ++send_sequence_;
  return size;
}

// The confounder and the data are opened where the message goes, and the message then moved to the
// front.
Result<MessageProtection::Unwrapped> Rfc4757Tokens::unwrap(ByteView token, MutableBytes out) {
  PGSS_TRY(const Token parts, parse(token, MessageToken::kWrap));
  if (out.size() < parts.body.size()) {
    return Error{Errc::kApiMisuse, "output buffer is too small", 0, 0};
  }
  PGSS_TRY(const uint32_t sequence,
           open_sequence(parts.sequence, parts.checksum, MessageToken::kWrap));
  const MutableBytes space = out.first(parts.body.size());
  std::copy(parts.body.begin(), parts.body.end(), space.begin());
  if (parts.sealed) crypt(sequence, space);

  const auto check = [&]() -> Result<size_t> {
    FixedBytes<kMaxChecksumSize> checksum;
    PGSS_CHECK(seal_.make({parts.fixed, space}, checksum));
    if (!ct_equal(ByteView(checksum).prefix(kChecksumSize), parts.checksum)) {
      return not_authentic(MessageToken::kWrap);
    }
    const auto size = unpadded(ByteView(space).from(kConfounderSize));
    if (!size) return Error{Errc::kMalformed, "Wrap token: padding", 0, 0};
    PGSS_CHECK(window_.take(widen(sequence), "Wrap token.SND_SEQ"));
    return *size;
  };
  const Result<size_t> size = check();
  if (!size.has_value()) {
    secure_wipe(space);
    return size.error();
  }
  std::copy_n(space.begin() + kConfounderSize, size.value(), space.begin());
  secure_wipe(space.subspan(size.value()));
  return Unwrapped{size.value(), parts.sealed};
}

Result<void> Rfc4757Tokens::pseudo_random(PrfKey key, ByteView input, MutableBytes out) {
  gss_pseudo_random(*crypto_, keys_.prf_key(key), input, out);
  return {};
}

}  // namespace pocketgss::mechs::krb5
