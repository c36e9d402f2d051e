// NTLMv2's computations over the crypto workspace.
#include "mechs/ntlm/crypto.h"

#include <string_view>

#include "base/cursor.h"
#include "mechs/ntlm/messages.h"

namespace pocketgss::mechs::ntlm {
namespace {

// [MS-NLMP] 3.4.5.2, 3.4.5.3: the constants end in a zero octet.
using MagicConstant = char[59];
constexpr MagicConstant kInitiatorSigning =
    "session key to client-to-server signing key magic constant";
constexpr MagicConstant kAcceptorSigning =
    "session key to server-to-client signing key magic constant";
constexpr MagicConstant kInitiatorSealing =
    "session key to client-to-server sealing key magic constant";
constexpr MagicConstant kAcceptorSealing =
    "session key to server-to-client sealing key magic constant";

void derive(crypto::Workspace& crypto, const ExportedSessionKey& key, const MagicConstant& constant,
            std::span<uint8_t, 16> out) noexcept {
  crypto.md5({key.view(), as_bytes(std::string_view(constant, sizeof constant))}, out);
}

constexpr FixedBytes<16> kZeros{};

}  // namespace

NtHash ntowf_v1(crypto::Workspace& crypto, ByteView password_utf16le) noexcept {
  NtHash hash;
  crypto.md4({password_utf16le}, hash.mutable_view());
  return hash;
}

ResponseKey ntowf_v2(crypto::Workspace& crypto, FixedView<16> nt_hash, ByteView upper_user,
                     ByteView domain) noexcept {
  ResponseKey key;
  crypto.hmac_md5(nt_hash, {upper_user, domain}, key.mutable_view());
  return key;
}

NtProofStr nt_proof_str(crypto::Workspace& crypto, const ResponseKey& key,
                        FixedView<8> server_challenge, ByteView temp) noexcept {
  NtProofStr proof;
  crypto.hmac_md5(key.view(), {server_challenge, temp}, proof);
  return proof;
}

SessionBaseKey session_base_key(crypto::Workspace& crypto, const ResponseKey& key,
                                FixedView<16> nt_proof_str) noexcept {
  SessionBaseKey out;
  crypto.hmac_md5(key.view(), {nt_proof_str}, out.mutable_view());
  return out;
}

void exchange_key(crypto::Workspace& crypto, const SessionBaseKey& key, FixedView<16> in,
                  std::span<uint8_t, 16> out) noexcept {
  crypto.rc4(key.view(), in, out);
}

SigningKey sign_key(crypto::Workspace& crypto, const ExportedSessionKey& key,
                    Sender sender) noexcept {
  SigningKey out;
  derive(crypto, key, sender == Sender::kInitiator ? kInitiatorSigning : kAcceptorSigning,
         out.mutable_view());
  return out;
}

SealingKey seal_key(crypto::Workspace& crypto, const ExportedSessionKey& key,
                    Sender sender) noexcept {
  SealingKey out;
  derive(crypto, key, sender == Sender::kInitiator ? kInitiatorSealing : kAcceptorSealing,
         out.mutable_view());
  return out;
}

Mic mic(crypto::Workspace& crypto, const ExportedSessionKey& key, ByteView negotiate,
        ByteView challenge, ByteView authenticate) noexcept {
  Mic out;
  crypto.hmac_md5(key.view(),
                  {negotiate, challenge, authenticate.prefix(AuthenticateMessage::kMicAt),
                   ByteView(kZeros), authenticate.from(AuthenticateMessage::kWithMicSize)},
                  out);
  return out;
}

}  // namespace pocketgss::mechs::ntlm
