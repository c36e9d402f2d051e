// The floor under an NTLMv2 handshake: the cryptography that any correct implementation must do on
// both sides, over Botan's objects made once, and nothing else: no parsing, no copies, no random
// bytes.
#include <benchmark/benchmark.h>
#include <botan/hash.h>
#include <botan/mac.h>
#include <botan/stream_cipher.h>

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace pocketgss::bench {
namespace {

using View = std::span<const uint8_t>;
using Block = std::array<uint8_t, 16>;

struct BotanObjects {
  std::unique_ptr<Botan::HashFunction> md4 = Botan::HashFunction::create_or_throw("MD4");
  std::unique_ptr<Botan::HashFunction> md5 = Botan::HashFunction::create_or_throw("MD5");
  std::unique_ptr<Botan::MessageAuthenticationCode> hmac =
      Botan::MessageAuthenticationCode::create_or_throw("HMAC(MD5)");
  std::unique_ptr<Botan::StreamCipher> rc4 = Botan::StreamCipher::create_or_throw("RC4");

  void hash(Botan::HashFunction& function, View in, Block& out) {
    function.update(in.data(), in.size());
    function.final(out.data());
  }
  void hmac_md5(const Block& key, View in, Block& out) {
    hmac->set_key(key.data(), key.size());
    hmac->update(in.data(), in.size());
    hmac->final(out.data());
  }
  void rc4_once(const Block& key, View in, uint8_t* out) {
    rc4->set_key(key.data(), key.size());
    rc4->cipher(in.data(), out, in.size());
  }
};

// The sizes are those of a usual login.
constexpr size_t kPassword = 32, kUserAndDomain = 24, kChallengeAndTemp = 208, kMessages = 500,
                 kKeyAndMagic = 75;
constexpr size_t kSequenceAndMechTypes = 4 + 14;

const std::array<uint8_t, kMessages> kInput = [] {
  std::array<uint8_t, kMessages> input{};
  for (size_t i = 0; i < input.size(); ++i) input[i] = static_cast<uint8_t>(i * 7);
  return input;
}();
View input(size_t size) {
  return View(kInput).first(size);
}

// one_side: MD4 of the password, NTOWFv2, NTProofStr, session base key, RC4 of the exported key,
// MIC, four keys.
void one_side(BotanObjects& botan, Block& out) {
  Block hash, key, proof, base, exported;
  botan.hash(*botan.md4, input(kPassword), hash);
  botan.hmac_md5(hash, input(kUserAndDomain), key);
  botan.hmac_md5(key, input(kChallengeAndTemp), proof);
  botan.hmac_md5(key, proof, base);
  botan.rc4_once(base, proof, exported.data());
  botan.hmac_md5(exported, input(kMessages), out);
  for (int i = 0; i < 4; ++i) {
    Block direction;
    botan.hash(*botan.md5, input(kKeyAndMagic), direction);
    benchmark::DoNotOptimize(direction);
  }
}

// mech_list_mic: made by one side and checked by the other, so twice for each of the two.
void mech_list_mic(BotanObjects& botan, const Block& key) {
  Block digest;
  botan.hmac_md5(key, input(kSequenceAndMechTypes), digest);
  botan.rc4_once(key, View(digest).first(8), digest.data());
  benchmark::DoNotOptimize(digest);
}

void handshake(BotanObjects& botan, bool spnego) {
  Block out;
  for (int side = 0; side < 2; ++side) {
    one_side(botan, out);
    benchmark::DoNotOptimize(out);
    if (spnego) {
      mech_list_mic(botan, out);
      mech_list_mic(botan, out);
    }
  }
}

void BM_FloorNtlm(benchmark::State& state) {
  BotanObjects botan;
  for (auto _ : state) handshake(botan, false);
}
BENCHMARK(BM_FloorNtlm);

void BM_FloorNtlmInSpnego(benchmark::State& state) {
  BotanObjects botan;
  for (auto _ : state) handshake(botan, true);
}
BENCHMARK(BM_FloorNtlmInSpnego);

// The floor of a protected message: HMAC-MD5 over sequence number and message, RC4 over the message
// and the checksum.
void BM_FloorNtlmWrap(benchmark::State& state) {
  BotanObjects botan;
  const Block key{1, 2, 3};
  std::vector<uint8_t> message(4 + static_cast<size_t>(state.range(0)), 0x5a), out(message.size());
  botan.hmac->set_key(key.data(), key.size());
  botan.rc4->set_key(key.data(), key.size());
  Block digest;
  for (auto _ : state) {
    botan.hmac->update(message.data(), message.size());
    botan.hmac->final(digest.data());
    botan.rc4->cipher(message.data() + 4, out.data(), message.size() - 4);
    botan.rc4->cipher(digest.data(), digest.data(), 8);
    benchmark::DoNotOptimize(digest);
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_FloorNtlmWrap)->Arg(64)->Arg(1024)->Arg(16384);

void BM_FloorNtlmMic(benchmark::State& state) {
  BotanObjects botan;
  const Block key{1, 2, 3};
  const std::vector<uint8_t> message(4 + static_cast<size_t>(state.range(0)), 0x5a);
  botan.hmac->set_key(key.data(), key.size());
  botan.rc4->set_key(key.data(), key.size());
  Block digest;
  for (auto _ : state) {
    botan.hmac->update(message.data(), message.size());
    botan.hmac->final(digest.data());
    botan.rc4->cipher(digest.data(), digest.data(), 8);
    benchmark::DoNotOptimize(digest);
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_FloorNtlmMic)->Arg(64)->Arg(1024)->Arg(16384);

}  // namespace
}  // namespace pocketgss::bench
