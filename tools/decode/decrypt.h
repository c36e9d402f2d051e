// What `decode` can decrypt: the keys that it was given, and those that it found.
#ifndef PGSS_TOOLS_DECODE_DECRYPT_H_
#define PGSS_TOOLS_DECODE_DECRYPT_H_

#include <deque>
#include <functional>
#include <optional>
#include <string_view>

#include <pocketgss/env.h>
#include <pocketgss/secret.h>

#include "mechs/krb5/crypto.h"
#include "mechs/krb5/keytab.h"
#include "mechs/krb5/message_tokens.h"
#include "mechs/krb5/messages.h"
#include "mechs/spnego/token.h"

namespace pocketgss::tools {

// Decryptor keeps long-term keys, and the session keys and sub-keys that stood in what it has
// decrypted, so that a later token of the same session opens too. It lives as long as the tokens of
// one run of `decode`.
class Decryptor {
 public:
  // At most so many keys that were found are kept; the oldest go first.
  static constexpr size_t kMaxFound = 32;

  explicit Decryptor(Runtime& runtime) : runtime_(runtime) {}

  // Keys of an etype that we do not know are passed over.
  void add(const mechs::krb5::Keytab& keytab);
  // The password of the user of whom an AS-REQ or an AS-REP speaks.
  void set_password(SecretBytes password) { password_ = std::move(password); }

  // learn makes the user's key of the password, with the salt that the reply names, or that of RFC
  // 4120 4.
  void learn(const mechs::krb5::KdcReq& request);
  void learn(const mechs::krb5::KdcRep& reply);

  // Opened is the plaintext and the kind of token that it is.
  struct Opened {
    std::string_view kind;
    SecretBytes plaintext;
  };
  // open tries every key of that etype under every use that a part of a message has; what opens has
  // been authenticated, so it is that.
  std::optional<Opened> open(int32_t etype, ByteView cipher);

  // Unwrapped is what a wrap token holds, and who made it.
  struct Unwrapped {
    SecretBytes message;
    mechs::krb5::Role sender;
  };
  // unwrap opens and verifies a wrap token with the keys that were found; its number is not looked
  // at.
  std::optional<Unwrapped> unwrap(ByteView token);

  // saw keeps the mechTypes of a NegTokenInit, which a mechListMIC is over (RFC 4178 5).
  void saw(const mechs::spnego::MechTypeList& list);
  enum class MicVerdict : uint8_t { kVerified, kNoKey, kNoMessage, kNoMatch };
  // verify_mic tries the keys that were found over the mechTypes that were seen.
  MicVerdict verify_mic(ByteView token);

 private:
  // So many mechTypes are kept, none longer than that: a MIC is tried over each, under each key.
  static constexpr size_t kMaxLists = 4, kMaxListSize = 4096;

  void learn(const mechs::krb5::PrincipalName& name, std::string_view realm,
             const mechs::krb5::MethodData& hints, std::optional<int32_t> only);
  void keep(const mechs::krb5::EncryptionKey& key);
  void look_into(const Opened& opened);
  // as_receiver calls `take` with what either receiver would have of a token's form, under each key,
  // until it returns true.
  bool as_receiver(
      ByteView token,
      const std::function<bool(mechs::MessageProtection&, mechs::krb5::Role sender)>& take);
  std::optional<Opened> open_with(const mechs::krb5::Key& key, ByteView cipher);

  Runtime& runtime_;
  SecretBytes password_;
  std::deque<mechs::krb5::Key> given_, found_;
  std::deque<Bytes> lists_;
};

}  // namespace pocketgss::tools

#endif  // PGSS_TOOLS_DECODE_DECRYPT_H_
