#include "tests/lib/support/ntlm_login.h"

#include <algorithm>

#include "base/utf16.h"
#include "mechs/ntlm/crypto.h"
#include "mechs/ntlm/messages.h"
#include "tests/lib/support/pair.h"

namespace pocketgss::testing {
namespace {

namespace ntlm = mechs::ntlm;

// authenticate_of finds the AUTHENTICATE_MESSAGE in a token, bare or in SPNEGO.
ByteView authenticate_of(ByteView token) {
  static constexpr std::string_view kStart("NTLMSSP\0\3\0\0\0", 12);
  const auto found = std::search(token.begin(), token.end(), kStart.begin(), kStart.end());
  return token.from(static_cast<size_t>(found - token.begin()));
}

}  // namespace

NtlmSetting::NtlmSetting(MechanismKind of)
    : account_key_(nt_hash_of_password(runtime, as_bytes(kPassword)).value()) {
  kind = of;
  initiator.credential =
      Credential::from_password(runtime, AccountName::parse("EXAMPLE\\user").value(),
                                SecretBytes(kPassword))
          .value();
  initiator.target = kTarget;
  initiator.policy.inner = {InnerMechanism::kNtlm};
  initiator.channel_binding = ChannelBinding::tls_unique(as_bytes("channel"));
  acceptor.ntlm = true;
  acceptor.host = kHost;
  acceptor.channel_bindings = {*initiator.channel_binding};
}

AccountAnswer NtlmSetting::account(const NeedAccount&) {
  return {Account{"user", account_key_.clone()}};
}

std::vector<Bytes> NtlmSetting::secrets(const Login& login) {
  crypto::Workspace& crypto = runtime.crypto();
  const ntlm::ResponseKey response_key =
      ntlm::ntowf_v2(crypto, FixedView<16>(account_key_.view().first(16)),
                     as_bytes(std::string_view("U\0S\0E\0R\0", 8)),
                     as_bytes(std::string_view("E\0X\0A\0M\0P\0L\0E\0", 14)));
  const ntlm::AuthenticateMessage message =
      ntlm::parse_authenticate(authenticate_of(login.tokens.at(2))).value();
  const ntlm::SessionBaseKey base_key =
      ntlm::session_base_key(crypto, response_key, FixedView<16>(message.nt_response.first(16)));
  const ByteView exported = login.initiator->session_key().value();
  std::vector<Bytes> out = {
      exported.to_bytes(),
      as_bytes(kPassword).to_bytes(),
      password_to_utf16le(as_bytes(kPassword), "password").value().view().to_bytes(),
      account_key_.view().to_bytes(),
      ByteView(response_key.view()).to_bytes(),
      ByteView(base_key.view()).to_bytes(),
  };
  const ntlm::ExportedSessionKey key{FixedView<16>(exported.first(16))};
  for (const ntlm::Sender sender : {ntlm::Sender::kInitiator, ntlm::Sender::kAcceptor}) {
    out.push_back(ByteView(ntlm::sign_key(crypto, key, sender).view()).to_bytes());
    out.push_back(ByteView(ntlm::seal_key(crypto, key, sender).view()).to_bytes());
  }
  return out;
}

}  // namespace pocketgss::testing
