// Signing and sealing of messages ([MS-NLMP] 3.4), with extended session security.
#ifndef PGSS_MECHS_NTLM_SEALING_H_
#define PGSS_MECHS_NTLM_SEALING_H_

#include "base/crypto.h"
#include "mechs/mechanism.h"
#include "mechs/ntlm/crypto.h"
#include "mechs/ntlm/flags.h"

namespace pocketgss::mechs::ntlm {

// NTLMSSP_MESSAGE_SIGNATURE ([MS-NLMP] 2.2.2.9.2): [0-3] Version 1  [4-11] Checksum  [12-15]
// SeqNum, little-endian.
inline constexpr size_t kSignatureSize = 16;

inline constexpr char kMechanismName[] = "NTLM";

// context_flags: what a context of these flags gives in the terms of GSS-API.
ContextFlags context_flags(NegotiateFlags);

// SealingDirection is what protects the messages that one side sends: its keys, its sequence
// number, its RC4 handle.
class SealingDirection {
 public:
  SealingDirection(crypto::Workspace&, const ExportedSessionKey&, Sender,
                   bool key_exchange) noexcept;

  // sign writes the signature of `message` under the current sequence number, which it does not
  // advance.
  void sign(crypto::Workspace&, ByteView message, std::span<uint8_t, kSignatureSize> out) noexcept;
  // apply runs the RC4 handle over `in`.
  void apply(ByteView in, MutableBytes out) noexcept;
  void advance() { ++sequence_; }
  // rewind sets the handle back to its start, and leaves the sequence number (quirk B3).
  void rewind() { keyed_ = false; }

  uint32_t sequence() const { return sequence_; }

 private:
  SigningKey signing_key_;
  SealingKey sealing_key_;
  crypto::Rc4 handle_;
  uint32_t sequence_ = 0;
  bool key_exchange_;
  bool keyed_ = false;  // the key is set at first use: after a last mechListMIC there may be none
};

// MessageSecurity protects the messages of an established context. Wrapping always encrypts,
// whatever was asked (quirk A6), and puts the signature first (quirk A5). A message that fails with
// kAuthFailed leaves the receiving cipher out of step with the peer's, so every later call of that
// direction fails likewise; one that is out of sequence is not looked into and harms nothing.
class MessageSecurity final : public MessageProtection {
 public:
  MessageSecurity(crypto::Workspace&, NegotiateFlags, const ExportedSessionKey&, Sender self);

  bool can_mic() const override { return protects(flags_); }
  size_t mic_size() const override { return can_mic() ? kSignatureSize : 0; }
  size_t wrap_size(size_t message_size) const override;

  Result<size_t> mic(ByteView message, MutableBytes out) override;
  Result<void> verify_mic(ByteView message, ByteView mic) override;
  Result<size_t> wrap(ByteView message, bool confidential, MutableBytes out) override;
  Result<Unwrapped> unwrap(ByteView token, MutableBytes out) override;

  void mech_list_mic_done(Direction) override;
  ByteView session_key() const override { return key_.view(); }

 private:
  Result<void> open(ByteView token, MutableBytes out);
  Result<void> check_usable(size_t needed, MutableBytes out) const;
  Result<void> check_header(ByteView signature) const;
  Result<void> check_signature(ByteView message, ByteView signature) noexcept;

  crypto::Workspace* crypto_;
  NegotiateFlags flags_;
  ExportedSessionKey key_;
  SealingDirection sending_, receiving_;
  bool receiving_failed_ = false;
};

}  // namespace pocketgss::mechs::ntlm

#endif  // PGSS_MECHS_NTLM_SEALING_H_
