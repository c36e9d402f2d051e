// NTLM: whole handshakes, both sides in one process with credentials acquired once; messages read
// and written; messages protected. bench/floor.cc has the bare cryptography to compare with.
#include <benchmark/benchmark.h>

#include <optional>
#include <string>
#include <vector>

#include "base/utf16.h"
#include "bench/alloc_counter.h"
#include "mechs/ntlm/acceptor.h"
#include "mechs/ntlm/initiator.h"
#include "mechs/ntlm/messages.h"
#include "mechs/ntlm/sealing.h"

namespace pocketgss::bench {
namespace {

using namespace mechs;  // NOLINT(google-build-using-namespace): this file is about nothing else
using namespace mechs::ntlm;  // NOLINT(google-build-using-namespace)

NtHash password_hash(Runtime& runtime) {
  return ntowf_v1(runtime.crypto(),
                  password_to_utf16le(as_bytes("Password1"), "password").value().view());
}

// MechanismPair: the mechanism alone, without a context around it.
struct MechanismPair {
  MechanismPair() {
    initiator.user = "alice";
    initiator.domain = "EXAMPLE";
    initiator.nt_hash = &hash;
    initiator.target_name = "smtp/mail.example.test";
    acceptor.netbios_computer = "MAIL";
    acceptor.dns_computer = "mail.example.test";
    acceptor.dns_domain = "example.test";
    acceptor.target_names = targets;
  }

  struct Done {
    Bytes negotiate, challenge, authenticate;
    std::unique_ptr<MessageProtection> initiator, acceptor;
  };

  std::optional<Done> run() {
    const auto client = mechs::ntlm::make_initiator(runtime, initiator, false).value();
    const auto server = mechs::ntlm::make_acceptor(runtime, acceptor).value();
    Step negotiate, challenge, authenticate, question, verdict;
    Answer answer = AccountAnswer{Account{"alice", SecretBytes(ByteView(hash.view()))}};
    if (!client->step({}, negotiate).has_value() ||
        !server->step(negotiate.token, challenge).has_value() ||
        !client->step(challenge.token, authenticate).has_value() ||
        !server->step(authenticate.token, question).has_value() ||
        !server->resume(std::move(answer), verdict).has_value()) {
      return std::nullopt;
    }
    return Done{std::move(negotiate.token), std::move(challenge.token),
                std::move(authenticate.token), client->take_protection(),
                server->take_protection()};
  }

  Runtime runtime = Runtime::create().value();
  NtHash hash = password_hash(runtime);
  mechs::ntlm::InitiatorConfig initiator;
  const std::vector<std::string> targets = {"smtp/mail.example.test", "SMTPSVC/mail.example.test"};
  mechs::ntlm::AcceptorConfig acceptor;
};

void BM_NtlmMechanismHandshake(benchmark::State& state) {
  MechanismPair pair;
  const AllocCounter counter;
  for (auto _ : state) {
    auto done = pair.run();
    if (!done) return state.SkipWithError("refused");
    benchmark::DoNotOptimize(done);
  }
  counter.report(state);
}
BENCHMARK(BM_NtlmMechanismHandshake);

// --- Messages ---

template <typename Parse>
void run_decode(benchmark::State& state, const Bytes& message, Parse parse) {
  const AllocCounter counter;
  for (auto _ : state) {
    ByteView in(message);
    benchmark::DoNotOptimize(in);
    auto parsed = parse(in);
    if (!parsed.has_value()) return state.SkipWithError("refused");
    benchmark::DoNotOptimize(parsed);
  }
  counter.report(state);
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(message.size()));
}

void BM_NtlmDecodeNegotiate(benchmark::State& state) {
  run_decode(state, MechanismPair().run()->negotiate, parse_negotiate);
}
BENCHMARK(BM_NtlmDecodeNegotiate);

void BM_NtlmDecodeChallenge(benchmark::State& state) {
  run_decode(state, MechanismPair().run()->challenge, parse_challenge);
}
BENCHMARK(BM_NtlmDecodeChallenge);

void BM_NtlmDecodeAuthenticate(benchmark::State& state) {
  run_decode(state, MechanismPair().run()->authenticate, parse_authenticate);
}
BENCHMARK(BM_NtlmDecodeAuthenticate);

// Messages that grow to the bound: time per byte must not. What a name has for octets is not read here.
void BM_NtlmDecodeNegotiateOfSize(benchmark::State& state) {
  const Bytes name(static_cast<size_t>(state.range(0)), 'N');
  NegotiateMessage message;
  message.flags = flag::kUnicode | flag::kOem | flag::kOemDomainSupplied;
  message.domain_name = name;
  run_decode(state, encode(message).value(), parse_negotiate);
}
BENCHMARK(BM_NtlmDecodeNegotiateOfSize)->Arg(500)->Arg(7000);

Bytes pairs_of_size(size_t size) {
  Bytes list;
  for (uint16_t id = 100; id < 131; ++id) {
    append_av_pair(list, static_cast<AvId>(id), Bytes(size / 31));
  }
  append_av_eol(list);
  return list;
}

void BM_NtlmDecodeChallengeOfSize(benchmark::State& state) {
  ChallengeMessage message;
  message.flags = flag::kTargetInfo | flag::kUnicode;
  const Bytes list = pairs_of_size(static_cast<size_t>(state.range(0)));
  message.target_info = list;
  run_decode(state, encode(message).value(), parse_challenge);
}
BENCHMARK(BM_NtlmDecodeChallengeOfSize)->Arg(500)->Arg(2000)->Arg(7000);

// With the response in it, where its pairs are.
void BM_NtlmDecodeAuthenticateOfSize(benchmark::State& state) {
  Bytes response(44);
  response[16] = response[17] = 1;  // RespType, HiRespType
  append(response, pairs_of_size(static_cast<size_t>(state.range(0))));
  response.resize(response.size() + 4);
  AuthenticateMessage message;
  message.flags = flag::kUnicode;
  message.nt_response = response;
  run_decode(state, encode(message).value(), [](ByteView in) -> Result<NtlmV2Response> {
    PGSS_TRY(const AuthenticateMessage parsed, parse_authenticate(in));
    return parse_ntlm_v2_response(parsed.nt_response, 0);
  });
}
BENCHMARK(BM_NtlmDecodeAuthenticateOfSize)->Arg(500)->Arg(7000);

void BM_NtlmEncodeAuthenticate(benchmark::State& state) {
  const Bytes message = MechanismPair().run()->authenticate;
  const AuthenticateMessage parsed = parse_authenticate(message).value();
  const AllocCounter counter;
  for (auto _ : state) {
    auto written = encode(parsed);
    benchmark::DoNotOptimize(written);
  }
  counter.report(state);
}
BENCHMARK(BM_NtlmEncodeAuthenticate);

// --- Protected messages ---

void BM_NtlmWrap(benchmark::State& state) {
  MechanismPair pair;
  auto done = pair.run();
  MessageProtection& initiator = *done->initiator;
  const Bytes message(static_cast<size_t>(state.range(0)), 0x5a);
  Bytes token(initiator.wrap_size(message.size()));
  const AllocCounter counter;
  for (auto _ : state) {
    auto size = initiator.wrap(message, true, token);
    benchmark::DoNotOptimize(size);
    benchmark::ClobberMemory();
  }
  counter.report(state);
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_NtlmWrap)->Arg(64)->Arg(1024)->Arg(16384);

void BM_NtlmWrapAndUnwrap(benchmark::State& state) {
  MechanismPair pair;
  auto done = pair.run();
  const Bytes message(static_cast<size_t>(state.range(0)), 0x5a);
  Bytes token(done->initiator->wrap_size(message.size())), out(token.size());
  const AllocCounter counter;
  for (auto _ : state) {
    if (!done->initiator->wrap(message, true, token).has_value() ||
        !done->acceptor->unwrap(token, out).has_value()) {
      return state.SkipWithError("refused");
    }
    benchmark::ClobberMemory();
  }
  counter.report(state);
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_NtlmWrapAndUnwrap)->Arg(64)->Arg(1024)->Arg(16384);

void BM_NtlmMic(benchmark::State& state) {
  MechanismPair pair;
  auto done = pair.run();
  const Bytes message(static_cast<size_t>(state.range(0)), 0x5a);
  FixedBytes<kSignatureSize> code;
  const AllocCounter counter;
  for (auto _ : state) {
    auto size = done->initiator->mic(message, code);
    benchmark::DoNotOptimize(size);
    benchmark::ClobberMemory();
  }
  counter.report(state);
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_NtlmMic)->Arg(64)->Arg(1024)->Arg(16384);

}  // namespace
}  // namespace pocketgss::bench
