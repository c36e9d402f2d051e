// Whole exchanges in memory, through the public interface: both sides, made and destroyed each
// time; configurations, credentials and the look-up's answer are made once.
#include <benchmark/benchmark.h>

#include <pocketgss/context.h>
#include <pocketgss/tickets.h>
#include <algorithm>

#include <cstdio>
#include <cstdlib>

#include "bench/alloc_counter.h"
#include "mechs/krb5/ticket_cache.h"
#include "tests/mechs/krb5/exchange.h"

namespace pocketgss::bench {
namespace {

constexpr std::string_view kPassword = "Password-of-16ch";

[[noreturn]] void stop(const Error& error) {
  std::fprintf(stderr, "handshake: %s\n", describe(error).c_str());
  std::exit(1);
}

template <typename T>
T taken(Result<T> result) {
  if (!result.has_value()) stop(result.error());
  return std::move(result).value();
}

struct Setup {
  Setup()
      : runtime(taken(Runtime::create())),
        nt_hash(taken(nt_hash_of_password(runtime, as_bytes(kPassword)))) {
    initiator.credential = taken(Credential::from_password(
        runtime, taken(AccountName::parse("EXAMPLE\\user")), SecretBytes(kPassword)));
    initiator.target = "smtp/mail.example.test";
    initiator.policy.inner = {InnerMechanism::kNtlm};
    initiator.channel_binding = ChannelBinding::tls_unique(as_bytes("bench"));
    acceptor.ntlm = true;
    acceptor.host = "mail.example.test";
    acceptor.channel_bindings = {*initiator.channel_binding};
  }

  Runtime runtime;
  SecretBytes nt_hash;
  InitiatorConfig initiator;
  AcceptorConfig acceptor;
};

// KerberosSetup has a ticket in a credential cache and the key of its service; the acceptor's replay
// cache is on.
struct KerberosSetup : Setup {
  KerberosSetup() {
    maker.clock.set(system_clock().now());
    maker.issue();
    mechs::krb5::TicketCache cache;
    cache.add(maker.credential->client, maker.credential->server, *maker.credential);
    TicketSettings settings;
    settings.ccache = taken(cache.write(maker.credential->client.view()));
    initiator.tickets = taken(make_tickets(std::move(settings)));
    initiator.credential.reset();
    initiator.policy.inner = {InnerMechanism::kKerberos};
    mechs::krb5::KeytabEntry entry;
    entry.principal = maker.ticket.service.view();
    entry.etype = static_cast<int32_t>(maker.service_key.etype());
    entry.key = maker.service_key.view();
    entry.set_kvno(maker.ticket.kvno);
    acceptor.ntlm = false;
    acceptor.keys = taken(read_service_keys(taken(mechs::krb5::write_keytab({&entry, 1}))));
    acceptor.replay_cache = taken(make_replay_cache(system_clock(), size_t{1} << 20));
  }

  mechs::krb5::testing::Exchange maker;
};

struct Contexts {
  std::unique_ptr<Context> initiator, acceptor;
};

// exchange runs one login to its end and returns both contexts.
Contexts exchange(Setup& setup, MechanismKind kind) {
  Contexts c{taken(make_initiator(setup.runtime, kind, setup.initiator)),
             taken(make_acceptor(setup.runtime, kind, setup.acceptor))};
  std::optional<Bytes> token;
  bool to_acceptor = false;
  ContextStep step = taken(c.initiator->step({}));
  while (true) {
    if (std::holds_alternative<NeedAccount>(step)) {
      step = taken(c.acceptor->resume(AccountAnswer{Account{"user", setup.nt_hash.clone()}}));
      continue;
    }
    if (auto* next = std::get_if<Continue>(&step)) token = std::move(next->token);
    if (auto* last = std::get_if<Established>(&step)) token = std::move(last->token);
    if (!token) break;
    to_acceptor = !to_acceptor;
    step = taken((to_acceptor ? c.acceptor : c.initiator)->step(*token));
    token.reset();
  }
  if (!c.initiator->established() || !c.acceptor->established()) std::abort();
  return c;
}

// held_by_larger is what the one of the two contexts holds that holds more.
int64_t held_by_larger(Setup& setup, MechanismKind kind) {
  const HeapWatch watch;
  Contexts held = exchange(setup, kind);
  const int64_t both = watch.held_bytes();
  held.initiator.reset();
  const int64_t acceptor = watch.held_bytes();
  return std::max(both - acceptor, acceptor);
}

// The number of allocations is that of the exchange with its making, less the one of the look-up's
// copy of the key, which is the caller's.
void handshake(benchmark::State& state, MechanismKind kind, Setup& setup) {
  exchange(setup, kind);
  state.counters["held/side"] = static_cast<double>(held_by_larger(setup, kind));
  AllocCounter counter;
  for (auto _ : state) benchmark::DoNotOptimize(exchange(setup, kind));
  counter.report(state);
}

void BM_HandshakeNtlm(benchmark::State& state) {
  Setup setup;
  handshake(state, MechanismKind::kNtlm, setup);
}
BENCHMARK(BM_HandshakeNtlm);

void BM_HandshakeSpnegoNtlm(benchmark::State& state) {
  Setup setup;
  handshake(state, MechanismKind::kSpnego, setup);
}
BENCHMARK(BM_HandshakeSpnegoNtlm);

void BM_HandshakeKerberos(benchmark::State& state) {
  KerberosSetup setup;
  handshake(state, MechanismKind::kKerberos, setup);
}
BENCHMARK(BM_HandshakeKerberos);

void BM_HandshakeSpnegoKerberos(benchmark::State& state) {
  KerberosSetup setup;
  handshake(state, MechanismKind::kSpnego, setup);
}
BENCHMARK(BM_HandshakeSpnegoKerberos);

// Per message, both ends: protected by one side and taken by the other, in sequence.
void BM_ContextWrapUnwrap(benchmark::State& state) {
  Setup setup;
  const Contexts c = exchange(setup, MechanismKind::kSpnego);
  const Bytes message(static_cast<size_t>(state.range(0)), 'm');
  Bytes token(c.initiator->wrap_size(message.size()));
  Bytes out(token.size());
  AllocCounter counter;
  for (auto _ : state) {
    const size_t size = taken(c.initiator->wrap(message, true, token));
    benchmark::DoNotOptimize(taken(c.acceptor->unwrap(ByteView(token).prefix(size), out)));
  }
  counter.report(state);
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_ContextWrapUnwrap)->ArgsProduct({{64, 1024, 16384}});

void BM_ContextMicVerify(benchmark::State& state) {
  Setup setup;
  const Contexts c = exchange(setup, MechanismKind::kSpnego);
  const Bytes message(static_cast<size_t>(state.range(0)), 'm');
  Bytes mic(c.initiator->mic_size());
  AllocCounter counter;
  for (auto _ : state) {
    taken(c.initiator->mic(message, mic));
    const Result<void> verified = c.acceptor->verify_mic(message, mic);
    if (!verified.has_value()) stop(verified.error());
  }
  counter.report(state);
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_ContextMicVerify)->ArgsProduct({{64, 1024, 16384}});

}  // namespace
}  // namespace pocketgss::bench
