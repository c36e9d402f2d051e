// A device that logs in by SASL, in a protocol of its own, with a user name and a password: NTLM
// inside SPNEGO, bound to the TLS channel. It is linked to be weighed (script/bench --check).
#include <pocketgss/sasl.h>

#include "bench/size/connection.h"

int main(int, char** argv) {
  using namespace pocketgss;
  Runtime runtime = Runtime::create().value();
  const AccountName name = AccountName::parse(argv[1]).value();
  InitiatorConfig config;
  config.credential =
      Credential::from_password(runtime, name, SecretBytes(as_bytes(argv[2]))).value();
  config.target = argv[3];
  config.policy.inner = {InnerMechanism::kNtlm};
  size::Connection server(argv[4]);
  // Of a certificate that Ed25519 signed there is none, and Policy::channel_binding says what then.
  auto binding = ChannelBinding::tls_server_end_point(server.certificate());
  if (binding.has_value()) config.channel_binding = std::move(binding).value();
  InitiatorContexts contexts(runtime, config);
  const auto client = make_sasl_client(SaslMechanism::kGssapi, contexts, {}).value();
  while (true) {
    const ByteView challenge = server.read();
    if (server.done()) break;  // the server says that the login is over
    auto step = client->step(challenge);
    if (!step.has_value()) {
      server.log(describe(step.error()));
      return 1;
    }
    if (const auto* response = std::get_if<SaslClient::Response>(&step.value())) {
      server.write(response->token);
    }
  }
  return client->success().has_value() ? 0 : 1;
}
