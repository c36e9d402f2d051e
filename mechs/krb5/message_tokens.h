// Per-message tokens: RFC 4121 4.2, and RFC 4757 7 under keys of etype 23.
#ifndef PGSS_MECHS_KRB5_MESSAGE_TOKENS_H_
#define PGSS_MECHS_KRB5_MESSAGE_TOKENS_H_

#include <optional>

#include "mechs/krb5/crypto.h"
#include "mechs/krb5/token_forms.h"
#include "mechs/mechanism.h"

namespace pocketgss::mechs::krb5 {

enum class Role : uint8_t { kInitiator, kAcceptor };

// SequenceWindow says whether a message that is authentic came in its turn (RFC 2743 1.2.3). With
// sequence detection only the very next number will do; with replay detection any number that is
// new, up to 64 behind the highest; with neither, any.
class SequenceWindow {
 public:
  SequenceWindow(ContextFlags flags, uint64_t first) : flags_(flags), next_(first) {}

  // take marks the number as used. Errors: kExpired; the window is then as it was.
  Result<void> take(uint64_t number, const char* field);
  // take_if_next is for a mechListMIC, whose number is not enforced (quirk B4).
  void take_if_next(uint64_t number) {
    if (number == next_) mark(number);
  }
  uint64_t next() const { return next_; }

 private:
  static constexpr uint64_t kWindow = 64;
  void mark(uint64_t number);

  ContextFlags flags_;
  uint64_t next_;                 // one above the highest that was taken
  uint64_t seen_ = ~uint64_t{0};  // bit n: next_ - 1 - n was taken, or came before the first
};

// What a context's messages are protected with, once both sides have agreed.
struct MessageKeys {
  Key key;  // the acceptor's sub-key, else the initiator's, else the ticket's session key
  Role self = Role::kInitiator;
  bool acceptor_subkey = false;  // it is the acceptor's
  uint32_t send_sequence = 0;    // the first number of either direction
  uint32_t receive_sequence = 0;
  ContextFlags flags = kNoContextFlags;  // kReplayFlag, kSequenceFlag
  // What `key` would be without the acceptor's sub-key, where there is one: for pseudo_random().
  std::optional<Key> partial = std::nullopt;

  // prf_key: RFC 7802 2.
  const Key& prf_key(PrfKey which) const {
    return which == PrfKey::kPartial && partial ? *partial : key;
  }
};

// make_message_protection chooses the tokens by the key's etype. Errors: kPeerIncompatible (etype
// 23, which is not built).
Result<std::unique_ptr<MessageProtection>> make_message_protection(Runtime&, MessageKeys);

// kMaxMicSize is that of a MIC token of etype 20.
inline constexpr size_t kMaxMicSize = kMessageHeaderSize + kMaxChecksumSize;

// CfxTokens makes and takes the tokens of RFC 4121 4.2. Sequence numbers have 64 bits and begin
// with the 32 that were exchanged.
//
// Received tokens: any RRC; EC only where it counts (of a sealed token the filler's size, else the
// checksum's); SentByAcceptor and AcceptorSubkey must be as agreed; unknown flags are ignored, as
// RFC 4121 4.2.2 demands, but cannot have been added on the way. Sent tokens have RRC 0, and EC 0
// where they are sealed.
class CfxTokens final : public MessageProtection {
 public:
  CfxTokens(Runtime&, MessageKeys);

  bool can_mic() const override { return true; }
  size_t mic_size() const override;
  size_t wrap_size(size_t message_size) const override;

  Result<size_t> mic(ByteView message, MutableBytes out) override;
  Result<void> verify_mic(ByteView message, ByteView mic) override;
  Result<void> verify_mech_list_mic(ByteView list, ByteView mic) override;
  Result<size_t> wrap(ByteView message, bool confidential, MutableBytes out) override;
  Result<Unwrapped> unwrap(ByteView token, MutableBytes out) override;
  Result<void> pseudo_random(PrfKey, ByteView input, MutableBytes out) override;
  ByteView session_key() const override { return keys_.key.view(); }

 private:
  // Keys of one direction, derived when they are first needed: most contexts need one of them.
  struct DirectionKeys {
    std::optional<CipherKey> seal;
    std::optional<ChecksumKey> seal_checksum, sign;
  };

  Role peer() const;
  const CipherKey& seal_key(Role sender);
  const ChecksumKey& seal_checksum_key(Role sender);
  const ChecksumKey& sign_key(Role sender);
  DirectionKeys& keys_of(Role sender) { return sender == keys_.self ? sending_ : receiving_; }

  uint8_t flags_of(Role sender) const;
  Result<CfxHeader> parse_header(ByteView token, MessageToken) const;
  Result<uint64_t> check_mic(ByteView message, ByteView mic);
  Result<Unwrapped> unseal(const CfxHeader&, ByteView body, MutableBytes out);
  Result<Unwrapped> check_plain(const CfxHeader&, ByteView body, MutableBytes out);

  crypto::Workspace* crypto_;
  RandomSource* random_;
  MessageKeys keys_;
  uint64_t send_sequence_;
  SequenceWindow window_;
  DirectionKeys sending_, receiving_;
};

}  // namespace pocketgss::mechs::krb5

#endif  // PGSS_MECHS_KRB5_MESSAGE_TOKENS_H_
