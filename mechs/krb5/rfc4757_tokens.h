// Per-message tokens under keys of etype 23: RFC 4757 7, which is RFC 1964 1.2 with other
// algorithms (quirk D17).
#ifndef PGSS_MECHS_KRB5_RFC4757_TOKENS_H_
#define PGSS_MECHS_KRB5_RFC4757_TOKENS_H_

#include "mechs/krb5/message_tokens.h"

namespace pocketgss::mechs::krb5 {

// Rfc4757Tokens makes and takes tokens in the frame of RFC 2743 3.1. Sequence numbers have 32 bits.
// A wrap token ends in one octet of padding, encrypted or not.
class Rfc4757Tokens final : public MessageProtection {
 public:
  Rfc4757Tokens(Runtime&, MessageKeys);

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
  struct SecretHash : SecretArray<16> {};

  void seal_sequence(uint32_t sequence, ByteView checksum, MutableBytes out);
  Result<uint32_t> open_sequence(ByteView sealed, ByteView checksum, MessageToken);
  void crypt(uint32_t sequence, MutableBytes data);
  Result<uint64_t> check_mic(ByteView message, ByteView mic);
  uint64_t widen(uint32_t sequence) const;

  crypto::Workspace* crypto_;
  RandomSource* random_;
  MessageKeys keys_;
  uint32_t send_sequence_;
  SequenceWindow window_;
  ChecksumKey sign_, seal_;  // by the salts of GSS_GetMIC and of GSS_Wrap
  SecretHash sequence_key_;  // HMAC(Kss, 0)
  SecretHash crypt_key_;     // HMAC(Klocal, 0)
};

}  // namespace pocketgss::mechs::krb5

#endif  // PGSS_MECHS_KRB5_RFC4757_TOKENS_H_
