// NTLMv2's computations over the crypto workspace.
#include "mechs/ntlm/crypto.h"

#include <string_view>

#include "base/cursor.h"
#include "mechs/ntlm/messages.h"

namespace pocketgss::mechs::ntlm {
namespace {

// derive hashes the key and a constant of [MS-NLMP] 3.4.5.2 or 3.4.5.3, such as "session key to
// client-to-server signing key magic constant"; it ends in a zero octet.
void derive(crypto::Workspace& crypto, const ExportedSessionKey& key, Sender sender,
            std::string_view purpose, std::span<uint8_t, 16> out) noexcept {
  using namespace std::string_view_literals;
  const auto direction = sender == Sender::kInitiator ? "client-to-server"sv : "server-to-client"sv;
  crypto.md5({key.view(), as_bytes("session key to "), as_bytes(direction), as_bytes(purpose),
              as_bytes(" key magic constant\0"sv)},
             out);
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
  derive(crypto, key, sender, " signing", out.mutable_view());
  return out;
}

SealingKey seal_key(crypto::Workspace& crypto, const ExportedSessionKey& key,
                    Sender sender) noexcept {
  SealingKey out;
  derive(crypto, key, sender, " sealing", out.mutable_view());
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
