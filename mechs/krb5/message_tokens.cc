// The tokens of RFC 4121 4.2.
#include "mechs/krb5/message_tokens.h"

#include <algorithm>

#include "base/cursor.h"
#include "mechs/krb5/rfc4757_tokens.h"

namespace pocketgss::mechs::krb5 {
namespace {

using cfx_flag::kAcceptorSubkey, cfx_flag::kSealed, cfx_flag::kSentByAcceptor;

constexpr char kTooSmall[] = "output buffer is too small";

// One error for whatever is wrong with a token that looks like one.
Error not_authentic(MessageToken token) {
  return Error{Errc::kAuthFailed, name(token), 0, 0};
}

Error wrong_size(MessageToken token) {
  return Error{Errc::kMalformed, name(token), kMessageHeaderSize, 0};
}

using HeaderBytes = FixedBytes<kMessageHeaderSize>;

HeaderBytes make_header(uint16_t id, uint8_t flags, uint16_t ec, uint16_t rrc, uint64_t sequence) {
  HeaderBytes out{};
  out[0] = static_cast<uint8_t>(id >> 8);
  out[1] = static_cast<uint8_t>(id);
  out[kCfxFlagsAt] = flags;
  out[kCfxFillerAt] = kCfxFiller;
  out[kCfxEcAt] = static_cast<uint8_t>(ec >> 8);
  out[kCfxEcAt + 1] = static_cast<uint8_t>(ec);
  out[kCfxRrcAt] = static_cast<uint8_t>(rrc >> 8);
  out[kCfxRrcAt + 1] = static_cast<uint8_t>(rrc);
  store_u32be(out.data() + kCfxSequenceAt, static_cast<uint32_t>(sequence >> 32));
  store_u32be(out.data() + kCfxSequenceAt + 4, static_cast<uint32_t>(sequence));
  return out;
}

// unrotate undoes RFC 4121 4.2.5: "a right rotation of RRC octets", of any number.
void unrotate(ByteView body, size_t rrc, MutableBytes out) {
  const auto first = body.begin() + static_cast<std::ptrdiff_t>(rrc % body.size());
  std::rotate_copy(body.begin(), first, body.end(), out.begin());
}

}  // namespace

Result<void> SequenceWindow::take(uint64_t number, const char* field) {
  const Error out_of_turn{Errc::kExpired, field, 0, 0};
  if (has(flags_, kSequenceFlag)) {
    if (number != next_) return out_of_turn;
  } else if (has(flags_, kReplayFlag) && number < next_) {
    const uint64_t behind = next_ - 1 - number;
    if (behind >= kWindow || ((seen_ >> behind) & 1) != 0) return out_of_turn;
  }
  mark(number);
  return {};
}

void SequenceWindow::mark(uint64_t number) {
  if (number < next_) {
    const uint64_t behind = next_ - 1 - number;
    if (behind < kWindow) seen_ |= uint64_t{1} << behind;
    return;
  }
  const uint64_t ahead = number - next_ + 1;
  seen_ = ahead < kWindow ? seen_ << ahead : 0;
  seen_ |= 1;
  next_ = number + 1;
}

Result<std::unique_ptr<MessageProtection>> make_message_protection(Runtime& runtime,
                                                                   MessageKeys keys) {
  if (keys.key.etype() == Etype::kRc4Hmac) {
#ifdef PGSS_RC4_HMAC
    return std::unique_ptr<MessageProtection>(
        std::make_unique<Rfc4757Tokens>(runtime, std::move(keys)));
#else
    return Error{Errc::kPeerIncompatible, "etype 23 is not built", 0, 0};
#endif
  }
  return std::unique_ptr<MessageProtection>(std::make_unique<CfxTokens>(runtime, std::move(keys)));
}

CfxTokens::CfxTokens(Runtime& runtime, MessageKeys keys)
    : crypto_(&runtime.crypto()),
      random_(&runtime.random()),
      keys_(std::move(keys)),
      send_sequence_(keys_.send_sequence),
      window_(keys_.flags, keys_.receive_sequence) {}

size_t CfxTokens::mic_size() const {
  return kMessageHeaderSize + checksum_size(keys_.key.etype());
}

size_t CfxTokens::wrap_size(size_t message_size) const {
  return kMessageHeaderSize + ciphertext_size(keys_.key.etype(), message_size + kMessageHeaderSize);
}

Role CfxTokens::peer() const {
  return keys_.self == Role::kInitiator ? Role::kAcceptor : Role::kInitiator;
}

const CipherKey& CfxTokens::seal_key(Role sender) {
  std::optional<CipherKey>& key = keys_of(sender).seal;
  if (!key) {
    key.emplace(*crypto_, keys_.key,
                sender == Role::kInitiator ? KeyUsage::kInitiatorSeal : KeyUsage::kAcceptorSeal);
  }
  return *key;
}

// RFC 4121 4.2.4: a wrap token's checksum has the usage of its encryption.
const ChecksumKey& CfxTokens::seal_checksum_key(Role sender) {
  std::optional<ChecksumKey>& key = keys_of(sender).seal_checksum;
  if (!key) {
    key.emplace(*crypto_, keys_.key,
                sender == Role::kInitiator ? KeyUsage::kInitiatorSeal : KeyUsage::kAcceptorSeal);
  }
  return *key;
}

const ChecksumKey& CfxTokens::sign_key(Role sender) {
  std::optional<ChecksumKey>& key = keys_of(sender).sign;
  if (!key) {
    key.emplace(*crypto_, keys_.key,
                sender == Role::kInitiator ? KeyUsage::kInitiatorSign : KeyUsage::kAcceptorSign);
  }
  return *key;
}

uint8_t CfxTokens::flags_of(Role sender) const {
  return static_cast<uint8_t>((sender == Role::kAcceptor ? kSentByAcceptor : 0) |
                              (keys_.acceptor_subkey ? kAcceptorSubkey : 0));
}

// parse_header also refuses this side's own tokens (row KRA-7), and those under another key.
Result<CfxHeader> CfxTokens::parse_header(ByteView token, MessageToken kind) const {
  PGSS_TRY(const CfxHeader out, parse_cfx_header(token, kind));
  if ((out.flags & (kSentByAcceptor | kAcceptorSubkey)) != flags_of(peer())) {
    return not_authentic(kind);
  }
  return out;
}

// RFC 4121 4.2.4: the checksum is over the message and the header.
Result<size_t> CfxTokens::mic(ByteView message, MutableBytes out) {
  const size_t size = mic_size();
  if (out.size() < size) return Error{Errc::kApiMisuse, kTooSmall, 0, 0};
  const HeaderBytes header =
      make_header(kCfxMicId, flags_of(keys_.self), kCfxMicFiller, kCfxMicFiller, send_sequence_);
  PGSS_CHECK(sign_key(keys_.self).make({message, header}, out.subspan(kMessageHeaderSize)));
  std::copy(header.begin(), header.end(), out.begin());
  ++send_sequence_;
  return size;
}

// check_mic returns the number of a MIC that is right.
Result<uint64_t> CfxTokens::check_mic(ByteView message, ByteView mic) {
  PGSS_TRY(const CfxHeader header, parse_header(mic, MessageToken::kMic));
  if ((header.flags & kSealed) != 0) return not_authentic(MessageToken::kMic);
  if (mic.size() != mic_size()) return wrong_size(MessageToken::kMic);
  if (!sign_key(peer())
           .verify({message, mic.prefix(kMessageHeaderSize)}, mic.from(kMessageHeaderSize))
           .has_value()) {
    return not_authentic(MessageToken::kMic);
  }
  return header.sequence;
}

Result<void> CfxTokens::verify_mic(ByteView message, ByteView mic) {
  PGSS_TRY(const uint64_t sequence, check_mic(message, mic));
  return window_.take(sequence, "MIC token.SND_SEQ");
}

Result<void> CfxTokens::verify_mech_list_mic(ByteView list, ByteView mic) {
  PGSS_TRY(const uint64_t sequence, check_mic(list, mic));
  window_.take_if_next(sequence);
  return {};
}

// RFC 4121 4.2.4: sealed is { message | filler | header }, encrypted, the header with EC and RRC 0
// inside as outside; else { message | checksum }, EC being the checksum's size, which is counted as
// 0 in the header that the checksum is over (quirk A9).
Result<size_t> CfxTokens::wrap(ByteView message, bool confidential, MutableBytes out) {
  const Etype etype = keys_.key.etype();
  const size_t body_size = confidential
                               ? ciphertext_size(etype, message.size() + kMessageHeaderSize)
                               : message.size() + checksum_size(etype);
  if (out.size() < kMessageHeaderSize || out.size() - kMessageHeaderSize < body_size) {
    return Error{Errc::kApiMisuse, kTooSmall, 0, 0};
  }
  const MutableBytes body = out.subspan(kMessageHeaderSize, body_size);
  const uint8_t flags =
      static_cast<uint8_t>(flags_of(keys_.self) | (confidential ? kSealed : uint8_t{0}));
  HeaderBytes header = make_header(kCfxWrapId, flags, 0, 0, send_sequence_);
  if (confidential) {
    PGSS_CHECK(seal_key(keys_.self).encrypt(*random_, {message, header}, body));
  } else {
    std::copy(message.begin(), message.end(), body.begin());
    PGSS_CHECK(seal_checksum_key(keys_.self)
                   .make({message, header}, body.subspan(message.size(), checksum_size(etype))));
    header[kCfxEcAt + 1] = static_cast<uint8_t>(checksum_size(etype));
  }
  std::copy(header.begin(), header.end(), out.begin());
  ++send_sequence_;
  return kMessageHeaderSize + body_size;
}

Result<MessageProtection::Unwrapped> CfxTokens::unwrap(ByteView token, MutableBytes out) {
  PGSS_TRY(const CfxHeader header, parse_header(token, MessageToken::kWrap));
  const ByteView body = token.from(kMessageHeaderSize);
  if (out.size() < body.size()) return Error{Errc::kApiMisuse, kTooSmall, 0, 0};
  const MutableBytes space = out.first(body.size());
  unrotate(body, header.rrc, space);
  Result<Unwrapped> message = (header.flags & kSealed) != 0 ? unseal(header, body, space)
                                                            : check_plain(header, body, space);
  if (message.has_value()) {
    const Result<void> turn = window_.take(header.sequence, "Wrap token.SND_SEQ");
    if (!turn.has_value()) {
      secure_wipe(space);
      return turn.error();
    }
  }
  secure_wipe(message.has_value() ? space.subspan(message.value().size) : space);
  return message;
}

// The header inside is the one outside with RRC 0, so that nothing of what is not encrypted can
// have been changed (row KRA-1); RRC itself, where it was, gives another ciphertext.
Result<MessageProtection::Unwrapped> CfxTokens::unseal(const CfxHeader& header, ByteView body,
                                                       MutableBytes out) {
  const Error wrong = not_authentic(MessageToken::kWrap);
  if (!plaintext_size(keys_.key.etype(), body.size())) return wrong;
  const Result<size_t> plaintext = seal_key(peer()).decrypt(out, out);
  if (!plaintext.has_value()) return wrong;
  const size_t around = kMessageHeaderSize + header.ec;
  if (plaintext.value() < around) return wrong;
  const HeaderBytes expected = make_header(kCfxWrapId, header.flags, header.ec, 0, header.sequence);
  const ByteView inside =
      ByteView(out).sub(plaintext.value() - kMessageHeaderSize, kMessageHeaderSize);
  if (!ct_equal(expected, inside)) return wrong;
  return Unwrapped{plaintext.value() - around, true};
}

Result<MessageProtection::Unwrapped> CfxTokens::check_plain(const CfxHeader& header, ByteView body,
                                                            MutableBytes out) {
  const size_t checksum = checksum_size(keys_.key.etype());
  if (header.ec != checksum) return Error{Errc::kMalformed, "Wrap token.EC", kCfxEcAt, 0};
  if (body.size() < checksum) return wrong_size(MessageToken::kWrap);
  const size_t size = body.size() - checksum;
  const HeaderBytes counted = make_header(kCfxWrapId, header.flags, 0, 0, header.sequence);
  const ByteView all(out);
  if (!seal_checksum_key(peer()).verify({all.prefix(size), counted}, all.from(size)).has_value()) {
    return not_authentic(MessageToken::kWrap);
  }
  return Unwrapped{size, false};
}

Result<void> CfxTokens::pseudo_random(PrfKey key, ByteView input, MutableBytes out) {
  gss_pseudo_random(*crypto_, keys_.prf_key(key), input, out);
  return {};
}

}  // namespace pocketgss::mechs::krb5
