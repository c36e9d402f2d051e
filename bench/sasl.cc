// SASL: a security layer over SPNEGO with NTLM. BM_NtlmWrap has the protection alone.
#include <benchmark/benchmark.h>

#include <pocketgss/sasl.h>

#include "bench/alloc_counter.h"

namespace pocketgss::bench {
namespace {

// Layers are both ends of one login.
struct Layers {
  Layers() {
    initiator.credential = Credential::from_password(runtime, AccountName::parse("alice").value(),
                                                     SecretBytes(std::string_view("Password1")))
                               .value();
    initiator.policy.inner = {InnerMechanism::kNtlm};
    acceptor.ntlm = true;
    acceptor.host = "mail.example.test";
    clients.emplace(runtime, initiator);
    servers.emplace(runtime, acceptor);
    const LayerOptions layer{kConfidentialityLayer};
    auto one = make_sasl_client(SaslMechanism::kGssSpnego, *clients, {}, {.layer = layer}).value();
    auto other =
        make_sasl_server(SaslMechanism::kGssSpnego, *servers, {}, {.layer = layer}).value();
    Bytes challenge;
    for (;;) {
      auto response = one->step(challenge).value();
      auto answer = other->step(std::get<SaslClient::Response>(response).token).value();
      if (std::holds_alternative<NeedAccount>(answer)) {
        auto hash = nt_hash_of_password(runtime, as_bytes("Password1")).value();
        answer = other->resume({Account{"alice", std::move(hash)}}).value();
      }
      if (std::holds_alternative<SaslServer::Success>(answer)) break;
      challenge = std::get<SaslServer::Challenge>(answer).token;
    }
    (void)one->success().value();
    client = one->take_layer();
    server = other->take_layer();
  }

  Runtime runtime = Runtime::create().value();
  InitiatorConfig initiator;
  AcceptorConfig acceptor;
  std::optional<InitiatorContexts> clients;
  std::optional<AcceptorContexts> servers;
  std::unique_ptr<SaslLayer> client, server;
};

void BM_SaslLayer(benchmark::State& state) {
  Layers layers;
  const Bytes message(static_cast<size_t>(state.range(0)), 'x');
  Bytes wire;
  const AllocCounter counter;
  for (auto _ : state) {
    wire.clear();
    if (!layers.client->wrap(message, wire).has_value()) return state.SkipWithError("wrap");
    for (ByteView rest = wire; !rest.empty();) {
      const Result<bool> whole = layers.server->unwrap(rest);
      if (!whole.has_value() || !whole.value()) return state.SkipWithError("unwrap");
    }
    benchmark::DoNotOptimize(layers.server->content().data());
  }
  counter.report(state);
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_SaslLayer)->Arg(64)->Arg(16 * 1024)->Arg(256 * 1024);

}  // namespace
}  // namespace pocketgss::bench
