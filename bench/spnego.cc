// SPNEGO tokens of 74 and 749 bytes: decode and encode, beside the least that any decoder and
// encoder must do.
#include <benchmark/benchmark.h>

#include <cstring>

#include "bench/alloc_counter.h"
#include "mechs/oids.h"
#include "mechs/spnego/token.h"

namespace pocketgss::mechs::spnego {
namespace {

// The sizes are those of the peers' figures: NegTokenInit with NTLM's NEGOTIATE of 40 bytes, and
// NegTokenResp with a token of 700 and a MIC of 16 bytes.
constexpr std::array<uint8_t, 12> kMechTypes = {0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04,
                                                0x01, 0x82, 0x37, 0x02, 0x02, 0x0a};

Bytes init_token() {
  Bytes sequence = {0x30, 0x0c};
  append(sequence, kMechTypes);
  const Bytes mech_token(40, 0x5a);
  NegTokenInit init;
  init.mech_types = MechTypeList::parse(sequence).value();
  init.mech_token = mech_token;
  return encode(init).value();
}

Bytes resp_token() {
  const Bytes response(700, 0x5a);
  const Bytes mic(16, 0xa5);
  return encode(NegTokenResp{NegState::kAcceptIncomplete, std::nullopt, response, mic}).value();
}

// Bare is a bounded DER walk and no more: every length is compared with what is left, and the
// fields that a caller needs are remembered.
struct Bare {
  const uint8_t* at;
  const uint8_t* end;

  bool open(uint8_t tag, size_t& length) {
    if (end - at < 2 || *at != tag) return false;
    length = at[1];
    at += 2;
    if (length >= 0x80) {
      const size_t octets = length & 0x7f;
      if (octets == 0 || octets > 4 || static_cast<size_t>(end - at) < octets) return false;
      length = 0;
      for (size_t i = 0; i < octets; ++i) length = length << 8 | *at++;
    }
    return static_cast<size_t>(end - at) >= length;
  }
};

struct BareInit {
  const uint8_t* mech;
  size_t mech_size;
  const uint8_t* token;
  size_t token_size;
};

[[gnu::noinline]] bool bare_decode_init(const uint8_t* in, size_t size, BareInit& out) {
  Bare b{in, in + size};
  size_t n;
  if (!b.open(0x60, n) || !b.open(0x06, n)) return false;
  if (n != kSpnegoDer.size() || std::memcmp(b.at, kSpnegoDer.data(), n) != 0) return false;
  b.at += n;
  if (!b.open(0xa0, n) || !b.open(0x30, n) || !b.open(0xa0, n) || !b.open(0x30, n)) return false;
  if (!b.open(0x06, out.mech_size)) return false;
  out.mech = b.at;
  b.at += out.mech_size;
  if (!b.open(0xa2, n) || !b.open(0x04, out.token_size)) return false;
  out.token = b.at;
  return b.at + out.token_size == b.end;
}

struct BareResp {
  uint8_t state;
  const uint8_t* token;
  size_t token_size;
  const uint8_t* mic;
  size_t mic_size;
};

[[gnu::noinline]] bool bare_decode_resp(const uint8_t* in, size_t size, BareResp& out) {
  Bare b{in, in + size};
  size_t n;
  if (!b.open(0xa1, n) || !b.open(0x30, n) || !b.open(0xa0, n) || !b.open(0x0a, n)) return false;
  if (n != 1) return false;
  out.state = *b.at++;
  if (!b.open(0xa2, n) || !b.open(0x04, out.token_size)) return false;
  out.token = b.at;
  b.at += out.token_size;
  if (!b.open(0xa3, n) || !b.open(0x04, out.mic_size)) return false;
  out.mic = b.at;
  return b.at + out.mic_size == b.end;
}

size_t header_size(size_t length) {
  return length < 0x80 ? 2 : length < 0x100 ? 3 : 4;
}

uint8_t* put_header(uint8_t* at, uint8_t tag, size_t length) {
  *at++ = tag;
  if (length < 0x80) {
    *at++ = static_cast<uint8_t>(length);
  } else if (length < 0x100) {
    *at++ = 0x81;
    *at++ = static_cast<uint8_t>(length);
  } else {
    *at++ = 0x82;
    *at++ = static_cast<uint8_t>(length >> 8);
    *at++ = static_cast<uint8_t>(length);
  }
  return at;
}

[[gnu::noinline]] size_t bare_encode_resp(uint8_t* out, size_t room, uint8_t state, ByteView token,
                                          ByteView mic) {
  const size_t token_element = header_size(token.size()) + token.size();
  const size_t mic_element = header_size(mic.size()) + mic.size();
  const size_t body =
      5 + header_size(token_element) + token_element + header_size(mic_element) + mic_element;
  const size_t sequence = header_size(body) + body;
  if (header_size(sequence) + sequence > room) return 0;
  uint8_t* at = put_header(out, 0xa1, sequence);
  at = put_header(at, 0x30, body);
  at = put_header(at, 0xa0, 3);
  at = put_header(at, 0x0a, 1);
  *at++ = state;
  at = put_header(at, 0xa2, token_element);
  at = put_header(at, 0x04, token.size());
  std::memcpy(at, token.data(), token.size());
  at += token.size();
  at = put_header(at, 0xa3, mic_element);
  at = put_header(at, 0x04, mic.size());
  std::memcpy(at, mic.data(), mic.size());
  return static_cast<size_t>(at + mic.size() - out);
}

[[gnu::noinline]] size_t bare_encode_init(uint8_t* out, size_t room, ByteView mechs,
                                          ByteView token) {
  const size_t list = header_size(mechs.size()) + mechs.size();
  const size_t token_element = header_size(token.size()) + token.size();
  const size_t body = header_size(list) + list + header_size(token_element) + token_element;
  const size_t sequence = header_size(body) + body;
  const size_t inner = 2 + kSpnegoDer.size() + header_size(sequence) + sequence;
  if (header_size(inner) + inner > room) return 0;
  uint8_t* at = put_header(out, 0x60, inner);
  at = put_header(at, 0x06, kSpnegoDer.size());
  std::memcpy(at, kSpnegoDer.data(), kSpnegoDer.size());
  at = put_header(at + kSpnegoDer.size(), 0xa0, sequence);
  at = put_header(at, 0x30, body);
  at = put_header(at, 0xa0, list);
  at = put_header(at, 0x30, mechs.size());
  std::memcpy(at, mechs.data(), mechs.size());
  at = put_header(at + mechs.size(), 0xa2, token_element);
  at = put_header(at, 0x04, token.size());
  std::memcpy(at, token.data(), token.size());
  return static_cast<size_t>(at + token.size() - out);
}

using bench::AllocCounter;

void report(benchmark::State& state, const AllocCounter& allocations, size_t size) {
  allocations.report(state);
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) * static_cast<int64_t>(size));
}

void BM_SpnegoMemcpy(benchmark::State& state) {
  const Bytes token = state.range(0) == 74 ? init_token() : resp_token();
  Bytes out(token.size());
  const AllocCounter allocations;
  for (auto _ : state) {
    std::memcpy(out.data(), token.data(), token.size());
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
  report(state, allocations, token.size());
}
BENCHMARK(BM_SpnegoMemcpy)->Arg(74)->Arg(749);

void BM_SpnegoDecodeInitBare(benchmark::State& state) {
  const Bytes token = init_token();
  const AllocCounter allocations;
  for (auto _ : state) {
    BareInit out;
    benchmark::DoNotOptimize(bare_decode_init(token.data(), token.size(), out));
    benchmark::DoNotOptimize(out);
  }
  report(state, allocations, token.size());
}
BENCHMARK(BM_SpnegoDecodeInitBare);

void BM_SpnegoDecodeInit(benchmark::State& state) {
  const Bytes token = init_token();
  const AllocCounter allocations;
  for (auto _ : state) {
    auto out = parse_neg_token_init(token);
    benchmark::DoNotOptimize(out);
  }
  report(state, allocations, token.size());
}
BENCHMARK(BM_SpnegoDecodeInit);

void BM_SpnegoDecodeRespBare(benchmark::State& state) {
  const Bytes token = resp_token();
  const AllocCounter allocations;
  for (auto _ : state) {
    BareResp out;
    benchmark::DoNotOptimize(bare_decode_resp(token.data(), token.size(), out));
    benchmark::DoNotOptimize(out);
  }
  report(state, allocations, token.size());
}
BENCHMARK(BM_SpnegoDecodeRespBare);

void BM_SpnegoDecodeResp(benchmark::State& state) {
  const Bytes token = resp_token();
  const AllocCounter allocations;
  for (auto _ : state) {
    auto out = parse_neg_token_resp(token);
    benchmark::DoNotOptimize(out);
  }
  report(state, allocations, token.size());
}
BENCHMARK(BM_SpnegoDecodeResp);

void BM_SpnegoEncodeInitBare(benchmark::State& state) {
  const Bytes token(40, 0x5a);
  uint8_t out[1024];
  const AllocCounter allocations;
  for (auto _ : state) {
    benchmark::DoNotOptimize(bare_encode_init(out, sizeof out, kMechTypes, token));
    benchmark::ClobberMemory();
  }
  report(state, allocations, init_token().size());
}
BENCHMARK(BM_SpnegoEncodeInitBare);

void BM_SpnegoEncodeInit(benchmark::State& state) {
  const Bytes wire = init_token();
  const NegTokenInit token = parse_neg_token_init(wire).value();
  Bytes storage;
  const AllocCounter allocations;
  for (auto _ : state) {
    benchmark::DoNotOptimize(encode_to(token, storage).has_value());
    benchmark::ClobberMemory();
  }
  report(state, allocations, wire.size());
}
BENCHMARK(BM_SpnegoEncodeInit);

void BM_SpnegoEncodeRespBare(benchmark::State& state) {
  const Bytes token(700, 0x5a);
  const Bytes mic(16, 0xa5);
  uint8_t out[1024];
  const AllocCounter allocations;
  for (auto _ : state) {
    benchmark::DoNotOptimize(bare_encode_resp(out, sizeof out, 1, token, mic));
    benchmark::ClobberMemory();
  }
  report(state, allocations, resp_token().size());
}
BENCHMARK(BM_SpnegoEncodeRespBare);

void BM_SpnegoEncodeResp(benchmark::State& state) {
  const Bytes wire = resp_token();
  const NegTokenResp token = parse_neg_token_resp(wire).value();
  Bytes storage;
  const AllocCounter allocations;
  for (auto _ : state) {
    benchmark::DoNotOptimize(encode_to(token, storage).has_value());
    benchmark::ClobberMemory();
  }
  report(state, allocations, wire.size());
}
BENCHMARK(BM_SpnegoEncodeResp);

// With its one allocation, as a handshake calls it.
void BM_SpnegoEncodeRespAllocating(benchmark::State& state) {
  const Bytes wire = resp_token();
  const NegTokenResp token = parse_neg_token_resp(wire).value();
  const AllocCounter allocations;
  for (auto _ : state) {
    auto out = encode(token);
    benchmark::DoNotOptimize(out);
  }
  report(state, allocations, wire.size());
}
BENCHMARK(BM_SpnegoEncodeRespAllocating);

}  // namespace
}  // namespace pocketgss::mechs::spnego
