// Signing and sealing with the session's keys.
#include "mechs/ntlm/sealing.h"

#include <algorithm>
#include <utility>

#include "base/cursor.h"

namespace pocketgss::mechs::ntlm {
namespace {

constexpr uint32_t kSignatureVersion = 1;
constexpr size_t kChecksumAt = 4, kChecksumSize = 8, kSequenceAt = 12;

constexpr Sender other(Sender sender) {
  return sender == Sender::kInitiator ? Sender::kAcceptor : Sender::kInitiator;
}

const Error kWrongSignature{Errc::kAuthFailed, "NTLMSSP_MESSAGE_SIGNATURE", 0, 0};

}  // namespace

ContextFlags context_flags(NegotiateFlags flags) {
  if (!protects(flags)) return kNoContextFlags;
  const ContextFlags integrity = kIntegFlag | kReplayFlag | kSequenceFlag;
  return has_flag(flags, flag::kSeal) ? integrity | kConfFlag : integrity;
}

SealingDirection::SealingDirection(crypto::Workspace& crypto, const ExportedSessionKey& key,
                                   Sender sender, bool key_exchange) noexcept
    : signing_key_(sign_key(crypto, key, sender)),
      sealing_key_(seal_key(crypto, key, sender)),
      key_exchange_(key_exchange) {}

// [MS-NLMP] 3.4.4.2: Checksum = RC4(Handle, HMAC_MD5(SigningKey, SeqNum || Message)[0..7]); without
// key exchange it is not encrypted.
void SealingDirection::sign(crypto::Workspace& crypto, ByteView message,
                            std::span<uint8_t, kSignatureSize> out) noexcept {
  store_u32le(out.data(), kSignatureVersion);
  store_u32le(out.data() + kSequenceAt, sequence_);
  FixedBytes<crypto::kMd5Size> digest;
  crypto.hmac_md5(signing_key_.view(), {ByteView(out.subspan<kSequenceAt>()), message}, digest);

  const auto checksum = out.subspan<kChecksumAt, kChecksumSize>();
  std::copy_n(digest.begin(), kChecksumSize, checksum.begin());
  if (key_exchange_) apply(checksum, checksum);
}

void SealingDirection::apply(ByteView in, MutableBytes out) noexcept {
  if (!std::exchange(keyed_, true)) handle_.set_key(sealing_key_.view());
  handle_.apply(in, out);
}

MessageSecurity::MessageSecurity(crypto::Workspace& crypto, NegotiateFlags flags,
                                 const ExportedSessionKey& key, Sender self)
    : crypto_(&crypto),
      flags_(flags),
      key_(key.view()),
      sending_(crypto, key, self, has_flag(flags, flag::kKeyExchange)),
      receiving_(crypto, key, other(self), has_flag(flags, flag::kKeyExchange)) {
  info.mechanism = kMechanismName;
  info.flags = context_flags(flags);
}

size_t MessageSecurity::wrap_size(size_t message_size) const {
  return can_mic() ? kSignatureSize + message_size : 0;
}

Result<size_t> MessageSecurity::mic(ByteView message, MutableBytes out) {
  PGSS_CHECK(check_usable(kSignatureSize, out));
  sending_.sign(*crypto_, message, out.first<kSignatureSize>());
  sending_.advance();
  return kSignatureSize;
}

Result<void> MessageSecurity::verify_mic(ByteView message, ByteView mic) {
  if (!can_mic()) return Error{Errc::kApiMisuse, "no integrity was negotiated", 0, 0};
  if (mic.size() != kSignatureSize)
    return Error{Errc::kMalformed, "NTLMSSP_MESSAGE_SIGNATURE", 0, 0};
  PGSS_CHECK(check_header(mic));
  return check_signature(message, mic);
}

// [MS-NLMP] 3.4.3: the message goes through the handle first, then the checksum.
Result<size_t> MessageSecurity::wrap(ByteView message, bool /*confidential*/, MutableBytes out) {
  const size_t size = kSignatureSize + message.size();
  PGSS_CHECK(check_usable(size, out));
  const MutableBytes sealed = out.subspan(kSignatureSize, message.size());
  sending_.apply(message, sealed);
  sending_.sign(*crypto_, message, out.first<kSignatureSize>());
  sending_.advance();
  return size;
}

Result<MessageProtection::Unwrapped> MessageSecurity::unwrap(ByteView token, MutableBytes out) {
  PGSS_CHECK(open(token, out));
  return Unwrapped{token.size() - kSignatureSize, true};
}

Result<void> MessageSecurity::open(ByteView token, MutableBytes out) {
  if (token.size() < kSignatureSize)
    return Error{Errc::kMalformed, "NTLMSSP_MESSAGE_SIGNATURE", 0, 0};
  const ByteView sealed = token.from(kSignatureSize);
  PGSS_CHECK(check_usable(sealed.size(), out));
  PGSS_CHECK(check_header(token));
  const MutableBytes message = out.first(sealed.size());
  receiving_.apply(sealed, message);
  const auto checked = check_signature(message, token.prefix(kSignatureSize));
  if (!checked.has_value()) secure_wipe(message);
  return checked;
}

void MessageSecurity::mech_list_mic_done(Direction direction) {
  (direction == Direction::kSent ? sending_ : receiving_).rewind();
}

Result<void> MessageSecurity::check_usable(size_t needed, MutableBytes out) const {
  if (!can_mic()) return Error{Errc::kApiMisuse, "no integrity was negotiated", 0, 0};
  if (out.size() < needed) return Error{Errc::kApiMisuse, "output buffer is too small", 0, 0};
  return {};
}

// check_header looks at what can be told before the cipher moves.
Result<void> MessageSecurity::check_header(ByteView signature) const {
  if (receiving_failed_) return kWrongSignature;
  if (load_u32le(signature.data()) != kSignatureVersion) {
    return Error{Errc::kMalformed, "NTLMSSP_MESSAGE_SIGNATURE.Version", 0, 0};
  }
  if (load_u32le(signature.data() + kSequenceAt) != receiving_.sequence()) {
    return Error{Errc::kExpired, "NTLMSSP_MESSAGE_SIGNATURE.SeqNum", kSequenceAt, 0};
  }
  return {};
}

Result<void> MessageSecurity::check_signature(ByteView message, ByteView signature) noexcept {
  FixedBytes<kSignatureSize> expected;
  receiving_.sign(*crypto_, message, expected);
  if (!ct_equal(expected, signature)) {
    receiving_failed_ = true;
    return kWrongSignature;
  }
  receiving_.advance();
  return {};
}

}  // namespace pocketgss::mechs::ntlm
