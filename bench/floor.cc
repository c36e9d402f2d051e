// The floor under an NTLMv2 handshake and under messages of both mechanisms: the cryptography that
// any correct implementation must do, over Botan's objects made once, and nothing else: no parsing,
// no copies, no random bytes.
#include <benchmark/benchmark.h>
#include <botan/block_cipher.h>
#include <botan/cipher_mode.h>
#include <botan/hash.h>
#include <botan/mac.h>
#include <botan/pwdhash.h>
#include <botan/secmem.h>
#include <botan/stream_cipher.h>

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
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

// --- Kerberos ---

// Botan 2 and 3 spell the names of these apart.
constexpr auto kEncrypt = static_cast<Botan::Cipher_Dir>(0);
constexpr auto kDecrypt = static_cast<Botan::Cipher_Dir>(1);

// What encrypts and checks messages of one key, its derived keys set: etype 18, or 20.
struct KerberosObjects {
  KerberosObjects(Botan::Cipher_Dir direction, const char* hash)
      : cts(Botan::Cipher_Mode::create_or_throw("AES-256/CBC/CTS", direction)),
        hmac(Botan::MessageAuthenticationCode::create_or_throw("HMAC(" + std::string(hash) + ")")) {
    const std::array<uint8_t, 32> key{1, 2, 3};
    cts->set_key(key.data(), key.size());
    hmac->set_key(key.data(), key.size());
  }

  // RFC 8009 5 checks the IV too, 16 zeros.
  void check(View in, bool with_iv) {
    if (with_iv) hmac->update(kZeroIv.data(), kZeroIv.size());
    hmac->update(in.data(), in.size());
    hmac->final(digest.data());
    benchmark::DoNotOptimize(digest);
  }
  // In place, over what is there: the time does not depend on the bytes.
  void cipher(Botan::secure_vector<uint8_t>& data) {
    cts->start(kZeroIv.data(), kZeroIv.size());
    cts->finish(data);
    benchmark::DoNotOptimize(data.data());
    benchmark::ClobberMemory();
  }

  static constexpr Block kZeroIv{};
  std::unique_ptr<Botan::Cipher_Mode> cts;
  std::unique_ptr<Botan::MessageAuthenticationCode> hmac;
  std::array<uint8_t, 48> digest;
};

// A wrap token encrypts a confounder, the message and the token's header (RFC 4121 4.2.4).
constexpr size_t kAroundMessage = 16 + 16, kHeader = 16;

void run_floor_krb5(benchmark::State& state, Botan::Cipher_Dir direction, const char* hash) {
  KerberosObjects botan(direction, hash);
  const bool with_iv = hash != std::string_view("SHA-1");
  Botan::secure_vector<uint8_t> data(kAroundMessage + static_cast<size_t>(state.range(0)), 0x5a);
  for (auto _ : state) {
    botan.check(data, with_iv);
    botan.cipher(data);
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
void BM_FloorKrb5Encrypt(benchmark::State& state) {
  run_floor_krb5(state, kEncrypt, "SHA-1");
}
void BM_FloorKrb5Decrypt(benchmark::State& state) {
  run_floor_krb5(state, kDecrypt, "SHA-1");
}
void BM_FloorKrb5EncryptSha2(benchmark::State& state) {
  run_floor_krb5(state, kEncrypt, "SHA-384");
}
void BM_FloorKrb5DecryptSha2(benchmark::State& state) {
  run_floor_krb5(state, kDecrypt, "SHA-384");
}
BENCHMARK(BM_FloorKrb5Encrypt)->Arg(64)->Arg(1024)->Arg(16384);
BENCHMARK(BM_FloorKrb5Decrypt)->Arg(64)->Arg(1024)->Arg(16384);
BENCHMARK(BM_FloorKrb5EncryptSha2)->Arg(64)->Arg(1024)->Arg(16384);
BENCHMARK(BM_FloorKrb5DecryptSha2)->Arg(64)->Arg(1024)->Arg(16384);

void run_floor_krb5_checksum(benchmark::State& state, const char* hash) {
  KerberosObjects botan(kEncrypt, hash);
  const std::vector<uint8_t> message(kHeader + static_cast<size_t>(state.range(0)), 0x5a);
  for (auto _ : state) botan.check(message, false);
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
void BM_FloorKrb5Checksum(benchmark::State& state) {
  run_floor_krb5_checksum(state, "SHA-1");
}
void BM_FloorKrb5ChecksumSha2(benchmark::State& state) {
  run_floor_krb5_checksum(state, "SHA-384");
}
BENCHMARK(BM_FloorKrb5Checksum)->Arg(64)->Arg(1024)->Arg(16384);
BENCHMARK(BM_FloorKrb5ChecksumSha2)->Arg(64)->Arg(1024)->Arg(16384);

// The floor of an AP exchange, both sides: the derived keys of the session key for authenticator and
// AP-REP, with n-fold tabulated; authenticator and AP-REP encrypted and decrypted; the ticket
// decrypted, under a service key whose derived keys are there.
struct ApSide {
  static constexpr size_t kKeySize = 32;

  // derive gives Ke and Ki of one usage to the objects.
  void derive(KerberosObjects& objects) {
    std::array<uint8_t, 2 * kKeySize> derived{};
    for (size_t at = 0; at < derived.size(); at += 16)
      base->encrypt_n(derived.data(), derived.data() + at, 1);
    objects.cts->set_key(derived.data(), kKeySize);
    objects.hmac->set_key(derived.data() + kKeySize, kKeySize);
  }

  std::unique_ptr<Botan::BlockCipher> base = Botan::BlockCipher::create_or_throw("AES-256");
};

void BM_FloorKrb5ApExchange(benchmark::State& state) {
  ApSide side;
  KerberosObjects encrypting(kEncrypt, "SHA-1"), decrypting(kDecrypt, "SHA-1"),
      of_service(kDecrypt, "SHA-1");
  Botan::secure_vector<uint8_t> authenticator(16 + 216), ap_rep(16 + 116), ticket(16 + 449);
  const std::array<uint8_t, ApSide::kKeySize> session_key{4, 5, 6};
  const auto run = [&](KerberosObjects& objects, Botan::secure_vector<uint8_t>& data) {
    objects.check(data, false);
    objects.cipher(data);
  };
  for (auto _ : state) {
    run(of_service, ticket);
    for (int i = 0; i < 2; ++i) {  // each side has the session key once
      side.base->set_key(session_key.data(), session_key.size());
      for (KerberosObjects* const objects : {&encrypting, &decrypting}) side.derive(*objects);
    }
    run(encrypting, authenticator);
    run(decrypting, authenticator);
    run(encrypting, ap_rep);
    run(decrypting, ap_rep);
  }
}
BENCHMARK(BM_FloorKrb5ApExchange);

void run_floor_pbkdf2(benchmark::State& state, const char* hash, size_t iterations) {
  const auto pbkdf2 =
      Botan::PasswordHashFamily::create_or_throw("PBKDF2(HMAC(" + std::string(hash) + "))")
          ->from_params(iterations);
  std::array<uint8_t, 32> key;
  const std::array<uint8_t, 24> salt{};
  for (auto _ : state) {
    pbkdf2->derive_key(key.data(), key.size(), "Password1", 9, salt.data(), salt.size());
    benchmark::DoNotOptimize(key);
  }
}
void BM_FloorKrb5StringToKey(benchmark::State& state) {
  run_floor_pbkdf2(state, "SHA-1", 4096);
}
void BM_FloorKrb5StringToKeySha2(benchmark::State& state) {
  run_floor_pbkdf2(state, "SHA-384", 32768);
}
BENCHMARK(BM_FloorKrb5StringToKey);
BENCHMARK(BM_FloorKrb5StringToKeySha2);

}  // namespace
}  // namespace pocketgss::bench
