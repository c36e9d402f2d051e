// The computations of [MS-NLMP] 3.3 and 3.4, each a free function with its formula. None can fail,
// none allocates. What is hashed in a row may come joined, as the first part.
#ifndef PGSS_MECHS_NTLM_CRYPTO_H_
#define PGSS_MECHS_NTLM_CRYPTO_H_

#include <pocketgss/bytes.h>
#include <pocketgss/secret.h>

#include "base/crypto.h"
#include "mechs/channel_binding.h"

namespace pocketgss::mechs::ntlm {

// Keys of one shape, 16 bytes, and each its own type.
struct NtHash : SecretArray<16> {
  using SecretArray::SecretArray;
};  // NTOWFv1, the stored form of a password
struct ResponseKey : SecretArray<16> {
  using SecretArray::SecretArray;
};  // NTOWFv2 = ResponseKeyNT
struct SessionBaseKey : SecretArray<16> {
  using SecretArray::SecretArray;
};  // with NTLMv2 also the KeyExchangeKey
struct ExportedSessionKey : SecretArray<16> {
  using SecretArray::SecretArray;
};
struct SigningKey : SecretArray<16> {
  using SecretArray::SecretArray;
};  // of one direction
struct SealingKey : SecretArray<16> {
  using SecretArray::SecretArray;
};  // of one direction

using NtProofStr = FixedBytes<16>;
using Mic = FixedBytes<16>;

// Sender of the messages of one direction: "client" and "server" of [MS-NLMP] 3.4.5.
enum class Sender : uint8_t { kInitiator, kAcceptor };

// ntowf_v1 ([MS-NLMP] 3.3.1): MD4(UNICODE(Passwd)); the password in UTF-16LE.
NtHash ntowf_v1(crypto::Workspace&, ByteView password_utf16le) noexcept;

// ntowf_v2 ([MS-NLMP] 3.3.2): HMAC_MD5(NTOWFv1, UNICODE(Uppercase(User) || UserDom)); both
// UTF-16LE, the user upper-cased by the caller, the domain as it is (quirk C10).
ResponseKey ntowf_v2(crypto::Workspace&, FixedView<16> nt_hash, ByteView upper_user,
                     ByteView domain) noexcept;

// nt_proof_str ([MS-NLMP] 3.3.2): HMAC_MD5(ResponseKeyNT, ServerChallenge || temp).
NtProofStr nt_proof_str(crypto::Workspace&, const ResponseKey&, FixedView<8> server_challenge,
                        ByteView temp) noexcept;

// session_base_key ([MS-NLMP] 3.3.2): HMAC_MD5(ResponseKeyNT, NTProofStr).
SessionBaseKey session_base_key(crypto::Workspace&, const ResponseKey&,
                                FixedView<16> nt_proof_str) noexcept;

// exchange_key ([MS-NLMP] 3.1.5.1.2, 3.2.5.1.2): RC4K(KeyExchangeKey, key), which makes
// EncryptedRandomSessionKey of ExportedSessionKey, and back. For NTLMv2 the KeyExchangeKey is the
// SessionBaseKey (3.4.5.1).
void exchange_key(crypto::Workspace&, const SessionBaseKey&, FixedView<16> in,
                  std::span<uint8_t, 16> out) noexcept;

// sign_key, seal_key ([MS-NLMP] 3.4.5.2, 3.4.5.3): MD5(ExportedSessionKey || the direction's magic
// constant), with extended session security and 128 bits, which policy row P3 requires of every
// context that protects messages.
SigningKey sign_key(crypto::Workspace&, const ExportedSessionKey&, Sender) noexcept;
SealingKey seal_key(crypto::Workspace&, const ExportedSessionKey&, Sender) noexcept;

// mic ([MS-NLMP] 3.1.5.1.2): HMAC_MD5(ExportedSessionKey, NEGOTIATE || CHALLENGE || AUTHENTICATE),
// the bytes as sent and as received (quirk C3), the MIC of the last counted as zeros.
// `authenticate` is at least 88 bytes.
Mic mic(crypto::Workspace&, const ExportedSessionKey&, ByteView negotiate, ByteView challenge,
        ByteView authenticate) noexcept;

}  // namespace pocketgss::mechs::ntlm

#endif  // PGSS_MECHS_NTLM_CRYPTO_H_
