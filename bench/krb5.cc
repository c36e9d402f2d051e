// Kerberos: the cryptography of one message, and keys from passwords. bench/floor.cc has the same
// over Botan's bare objects.
#include "mechs/krb5/crypto.h"

#include <benchmark/benchmark.h>

#include "base/random_pool.h"
#include "bench/alloc_counter.h"

namespace pocketgss::bench {
namespace {

using namespace mechs::krb5;  // NOLINT(google-build-using-namespace): this file is about it

constexpr auto kUsage = KeyUsage::kInitiatorSeal;
constexpr FixedBytes<16> kHeader{};  // of a token, which is encrypted or checked with the message

// ConstantRandom: the floor has no random bytes either.
class ConstantRandom final : public RandomSource {
 public:
  Result<void> fill(MutableBytes out) override {
    std::fill(out.begin(), out.end(), uint8_t{0x77});
    return {};
  }
};

struct Setting {
  explicit Setting(Etype etype) : key(Key::random(etype, random).value()) {}

  std::unique_ptr<crypto::Workspace> crypto = crypto::Workspace::create().value();
  ConstantRandom random;
  Key key;
};

void run_encrypt(benchmark::State& state, Etype etype, RandomSource& random) {
  Setting setting(etype);
  const CipherKey key(*setting.crypto, setting.key, kUsage);
  const Bytes message(static_cast<size_t>(state.range(0)), 0x5a);
  Bytes out(ciphertext_size(etype, message.size() + kHeader.size()));
  const AllocCounter counter;
  for (auto _ : state) {
    auto done = key.encrypt(random, {ByteView(message), ByteView(kHeader)}, out);
    benchmark::DoNotOptimize(done);
    benchmark::ClobberMemory();
  }
  counter.report(state);
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

void run_decrypt(benchmark::State& state, Etype etype) {
  Setting setting(etype);
  const CipherKey key(*setting.crypto, setting.key, kUsage);
  const Bytes message(static_cast<size_t>(state.range(0)) + kHeader.size(), 0x5a);
  Bytes sealed(ciphertext_size(etype, message.size())), out(message.size());
  if (!key.encrypt(setting.random, {message}, sealed).has_value())
    return state.SkipWithError("refused");
  const AllocCounter counter;
  for (auto _ : state) {
    if (!key.decrypt(sealed, out).has_value()) return state.SkipWithError("refused");
    benchmark::ClobberMemory();
  }
  counter.report(state);
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

void run_checksum(benchmark::State& state, Etype etype) {
  Setting setting(etype);
  const ChecksumKey key(*setting.crypto, setting.key, kUsage);
  const Bytes message(static_cast<size_t>(state.range(0)), 0x5a);
  FixedBytes<kMaxChecksumSize> out;
  const AllocCounter counter;
  for (auto _ : state) {
    auto size = key.make({ByteView(message), ByteView(kHeader)}, out);
    benchmark::DoNotOptimize(size);
    benchmark::ClobberMemory();
  }
  counter.report(state);
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

void BM_Krb5Encrypt(benchmark::State& state) {
  ConstantRandom random;
  run_encrypt(state, Etype::kAes256CtsHmacSha1, random);
}
void BM_Krb5EncryptWithRandom(benchmark::State& state) {
  RandomPool random(system_random());
  run_encrypt(state, Etype::kAes256CtsHmacSha1, random);
}
void BM_Krb5EncryptSha2(benchmark::State& state) {
  ConstantRandom random;
  run_encrypt(state, Etype::kAes256CtsHmacSha384, random);
}
void BM_Krb5Decrypt(benchmark::State& state) {
  run_decrypt(state, Etype::kAes256CtsHmacSha1);
}
void BM_Krb5DecryptSha2(benchmark::State& state) {
  run_decrypt(state, Etype::kAes256CtsHmacSha384);
}
void BM_Krb5Checksum(benchmark::State& state) {
  run_checksum(state, Etype::kAes256CtsHmacSha1);
}
void BM_Krb5ChecksumSha2(benchmark::State& state) {
  run_checksum(state, Etype::kAes256CtsHmacSha384);
}
BENCHMARK(BM_Krb5Encrypt)->Arg(64)->Arg(1024)->Arg(16384);
BENCHMARK(BM_Krb5EncryptWithRandom)->Arg(64);
BENCHMARK(BM_Krb5EncryptSha2)->Arg(64)->Arg(1024)->Arg(16384);
BENCHMARK(BM_Krb5Decrypt)->Arg(64)->Arg(1024)->Arg(16384);
BENCHMARK(BM_Krb5DecryptSha2)->Arg(64)->Arg(1024)->Arg(16384);
BENCHMARK(BM_Krb5Checksum)->Arg(64)->Arg(1024)->Arg(16384);
BENCHMARK(BM_Krb5ChecksumSha2)->Arg(64)->Arg(1024)->Arg(16384);

// Two contexts of one thread in turns: each message sets the AES key up again.
void BM_Krb5EncryptInTurns(benchmark::State& state) {
  Setting setting(Etype::kAes256CtsHmacSha1);
  const CipherKey first(*setting.crypto, setting.key, KeyUsage::kInitiatorSeal);
  const CipherKey second(*setting.crypto, setting.key, KeyUsage::kAcceptorSeal);
  const Bytes message(static_cast<size_t>(state.range(0)) + kHeader.size(), 0x5a);
  Bytes out(ciphertext_size(Etype::kAes256CtsHmacSha1, message.size()));
  bool turn = false;
  for (auto _ : state) {
    turn = !turn;
    auto done = (turn ? first : second).encrypt(setting.random, {message}, out);
    benchmark::DoNotOptimize(done);
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_Krb5EncryptInTurns)->Arg(64)->Arg(1024);

// The cryptography of an AP exchange, both sides: the authenticator (216 bytes) and the AP-REP (116)
// encrypted and decrypted, the ticket (449) decrypted, their keys derived each time.
void BM_Krb5ApExchange(benchmark::State& state) {
  Setting setting(Etype::kAes256CtsHmacSha1);
  const Key service = Key::create(18, Bytes(32, 9)).value();
  const auto sized = [](size_t size) { return ciphertext_size(Etype::kAes256CtsHmacSha1, size); };
  const Bytes authenticator(216, 1), ap_rep(116, 2), ticket(449, 3);
  Bytes sealed_authenticator(sized(216)), sealed_ap_rep(sized(116)), sealed_ticket(sized(449));
  Bytes out(449);
  auto& crypto = *setting.crypto;
  bool done = encrypt(crypto, setting.random, service, KeyUsage::kTicket, {ticket}, sealed_ticket)
                  .has_value();
  const AllocCounter counter;
  for (auto _ : state) {
    done &= encrypt(crypto, setting.random, setting.key, KeyUsage::kApReqAuthenticator,
                    {authenticator}, sealed_authenticator)
                .has_value();
    done &= decrypt(crypto, service, KeyUsage::kTicket, sealed_ticket, out).has_value();
    done &= decrypt(crypto, setting.key, KeyUsage::kApReqAuthenticator, sealed_authenticator, out)
                .has_value();
    done &= encrypt(crypto, setting.random, setting.key, KeyUsage::kApRepEncPart, {ap_rep},
                    sealed_ap_rep)
                .has_value();
    done &= decrypt(crypto, setting.key, KeyUsage::kApRepEncPart, sealed_ap_rep, out).has_value();
    if (!done) return state.SkipWithError("refused");
    benchmark::ClobberMemory();
  }
  counter.report(state);
}
BENCHMARK(BM_Krb5ApExchange);

void run_string_to_key(benchmark::State& state, Etype etype) {
  const auto crypto = crypto::Workspace::create().value();
  const Bytes salt(24);
  const AllocCounter counter;
  for (auto _ : state) {
    auto key =
        string_to_key(*crypto, etype, as_bytes("Password1"), salt, default_iterations(etype));
    benchmark::DoNotOptimize(key);
  }
  counter.report(state);
}
void BM_Krb5StringToKey(benchmark::State& state) {
  run_string_to_key(state, Etype::kAes256CtsHmacSha1);
}
void BM_Krb5StringToKeySha2(benchmark::State& state) {
  run_string_to_key(state, Etype::kAes256CtsHmacSha384);
}
BENCHMARK(BM_Krb5StringToKey);
BENCHMARK(BM_Krb5StringToKeySha2);

}  // namespace
}  // namespace pocketgss::bench
