// Kerberos contexts: the AP exchange of both sides, made and destroyed each time, and messages.
#include <benchmark/benchmark.h>

#include "bench/alloc_counter.h"
#include "tests/mechs/krb5/exchange.h"

namespace pocketgss::bench {
namespace {

using namespace mechs;        // NOLINT(google-build-using-namespace): this file is about it
using namespace mechs::krb5;  // NOLINT(google-build-using-namespace)
using mechs::krb5::testing::Exchange;

// NoCache: what a cache costs is lib's, and a table that grows would be measured otherwise.
class NoCache final : public ReplayCache {
 public:
  Verdict add(const AuthenticatorTag&, UnixMicros, UnixMicros) override { return Verdict::kNew; }
};

void run_exchange(benchmark::State& state, Etype etype, ContextFlags flags) {
  Exchange x(etype);
  NoCache cache;
  x.acceptor.replay_cache = &cache;
  x.initiator.flags = flags;
  x.issue();
  const AllocCounter counter;
  for (auto _ : state) {
    if (!x.run().has_value()) return state.SkipWithError("refused");
  }
  counter.report(state);
}

constexpr ContextFlags kMutual = kMutualFlag | kReplayFlag | kSequenceFlag | kIntegFlag;

void BM_KerberosHandshake(benchmark::State& state) {
  run_exchange(state, static_cast<Etype>(state.range(0)), kMutual);
}
BENCHMARK(BM_KerberosHandshake)->DenseRange(17, 20);

void BM_KerberosHandshakeWithoutMutual(benchmark::State& state) {
  run_exchange(state, static_cast<Etype>(state.range(0)), kIntegFlag);
}
BENCHMARK(BM_KerberosHandshakeWithoutMutual)->Arg(18);

// Messages under aes256-cts-hmac-sha1-96, the etype that is used most, where no other is named.
struct Sides {
  explicit Sides(Etype etype = Etype::kAes256CtsHmacSha1) : x(etype) {
    if (!x.run().has_value()) std::abort();
  }
  MessageProtection& sender() { return *x.client_done.protection; }
  MessageProtection& receiver() { return *x.server_done.protection; }
  Exchange x;
};

void run_wrap(benchmark::State& state, bool confidential, Etype etype = Etype::kAes256CtsHmacSha1) {
  Sides sides(etype);
  const Bytes message(static_cast<size_t>(state.range(0)), 0x5a);
  Bytes token(sides.sender().wrap_size(message.size()));
  const AllocCounter counter;
  for (auto _ : state) {
    benchmark::DoNotOptimize(sides.sender().wrap(message, confidential, token));
    benchmark::ClobberMemory();
  }
  counter.report(state);
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
void BM_KerberosWrap(benchmark::State& state) {
  run_wrap(state, true);
}
void BM_KerberosWrapIntegrity(benchmark::State& state) {
  run_wrap(state, false);
}
// The tokens of RFC 4757, where etype 23 is built.
void BM_KerberosWrapRc4(benchmark::State& state) {
  if (!known_etype(23)) return state.SkipWithError("etype 23 is not built");
  run_wrap(state, true, Etype::kRc4Hmac);
}
BENCHMARK(BM_KerberosWrapRc4)->Arg(1024);
BENCHMARK(BM_KerberosWrap)->Arg(64)->Arg(1024)->Arg(16384);
BENCHMARK(BM_KerberosWrapIntegrity)->Arg(64)->Arg(1024)->Arg(16384);

// Wrap and unwrap: a token is taken once, so each needs its own.
void BM_KerberosWrapUnwrap(benchmark::State& state) {
  Sides sides;
  const Bytes message(static_cast<size_t>(state.range(0)), 0x5a);
  Bytes token(sides.sender().wrap_size(message.size())), out(token.size());
  const AllocCounter counter;
  for (auto _ : state) {
    const auto size = sides.sender().wrap(message, true, token);
    if (!sides.receiver().unwrap(ByteView(token).prefix(size.value()), out).has_value()) {
      return state.SkipWithError("refused");
    }
  }
  counter.report(state);
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_KerberosWrapUnwrap)->Arg(64)->Arg(1024)->Arg(16384);

// Unwrap alone: without sequence detection a token is taken again and again.
void BM_KerberosUnwrap(benchmark::State& state) {
  Exchange x;
  x.initiator.flags = kMutualFlag | kIntegFlag | kConfFlag;
  if (!x.run().has_value()) return state.SkipWithError("no context");
  const Bytes message(static_cast<size_t>(state.range(0)), 0x5a);
  MessageProtection& sender = *x.client_done.protection;
  Bytes token(sender.wrap_size(message.size()));
  token.resize(sender.wrap(message, true, token).value());
  Bytes out(token.size());
  const AllocCounter counter;
  for (auto _ : state) {
    if (!x.server_done.protection->unwrap(token, out).has_value()) {
      return state.SkipWithError("refused");
    }
    benchmark::ClobberMemory();
  }
  counter.report(state);
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_KerberosUnwrap)->Arg(64)->Arg(1024)->Arg(16384);

void BM_KerberosMic(benchmark::State& state) {
  Sides sides;
  const Bytes message(static_cast<size_t>(state.range(0)), 0x5a);
  Bytes mic(sides.sender().mic_size());
  const AllocCounter counter;
  for (auto _ : state) {
    benchmark::DoNotOptimize(sides.sender().mic(message, mic));
    benchmark::ClobberMemory();
  }
  counter.report(state);
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_KerberosMic)->Arg(64)->Arg(1024)->Arg(16384);

}  // namespace
}  // namespace pocketgss::bench
