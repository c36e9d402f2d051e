// The values that others computed, for each encryption type that is built.
#include <gtest/gtest.h>

#include "mechs/krb5/crypto.h"
#include "mechs/krb5/cts.h"
#include "mechs/krb5/profile.h"
#include "tests/mechs/krb5/fx_cf2.h"
#include "tests/support/fixed_random.h"
#include "tests/support/hex.h"
#include "tests/support/vector_file.h"

namespace pocketgss::mechs::krb5 {
namespace {

using pocketgss::testing::FixedRandom;
using pocketgss::testing::hex;
using pocketgss::testing::run_vectors;
using pocketgss::testing::VectorBlock;

class Krb5CryptoVectors : public ::testing::Test {
 protected:
  // etype_of is the block's encryption type; none where it was not built, and the block is done.
  static std::optional<Etype> etype_of(VectorBlock& block) {
    const auto etype = known_etype(static_cast<int32_t>(block.number("Etype")));
    if (!etype) block.ignore_unread();
    return etype;
  }
  static Key key_of(Etype etype, const Bytes& content) {
    return Key::create(static_cast<int32_t>(etype), content).value();
  }

  void derived(VectorBlock& block) {
    const auto etype = etype_of(block);
    if (!etype) return;
    const Key key = key_of(*etype, block.bytes("Key"));
    const Profile& profile = key.profile();
    const Bytes constant = block.bytes("Constant");
    uint32_t usage = 0;
    for (size_t i = 0; i < 4; ++i) usage = usage << 8 | constant[i];
    FixedBytes<kMaxKeySize> kc{}, ke{}, ki{};
    profile.derive_checksum(*crypto_, profile, key.view(), usage, kc);
    profile.derive_cipher(*crypto_, profile, key.view(), usage, ke, ki);
    const Bytes expected = block.bytes("Derived");
    const ByteView actual(constant[4] == 0x99 ? kc : constant[4] == 0xaa ? ke : ki);
    EXPECT_EQ(hex(actual.prefix(expected.size())), hex(expected));
    EXPECT_EQ(hex(actual.from(expected.size())), hex(Bytes(kMaxKeySize - expected.size())));
  }

  void password(VectorBlock& block) {
    const auto etype = etype_of(block);
    if (!etype) return;
    const Bytes salt = block.optional_bytes("Salt").value_or(Bytes());
    const auto iterations = static_cast<uint32_t>(block.optional_number("Iterations").value_or(0));
    const auto key = string_to_key(*crypto_, *etype, block.bytes("Password"), salt, iterations);
    EXPECT_EQ(hex(key.value().view()), hex(block.bytes("Key")));
    EXPECT_EQ(key.value().etype(), *etype);
  }

  void pbkdf2(VectorBlock& block) {
    const Bytes expected = block.bytes("Out");
    Bytes out(expected.size());
    const auto iterations = static_cast<uint32_t>(block.number("Iterations"));
    ASSERT_TRUE(crypto_
                    ->pbkdf2(crypto::HmacHash::kSha1, block.bytes("Password"), block.bytes("Salt"),
                             iterations, out)
                    .has_value());
    EXPECT_EQ(hex(out), hex(expected));
  }

  // Decrypts; then encrypts again with the confounder that was in it, which gives the same bytes.
  void ciphertext(VectorBlock& block) {
    const auto etype = etype_of(block);
    if (!etype) return;
    const Key key = key_of(*etype, block.bytes("Key"));
    const auto usage = static_cast<KeyUsage>(block.number("Usage"));
    const Bytes cipher = block.bytes("Ciphertext"), expected = block.bytes("Plaintext");
    Bytes out(cipher.size());
    const auto size = decrypt(*crypto_, key, usage, cipher, out);
    ASSERT_TRUE(size.has_value());
    EXPECT_EQ(hex(ByteView(out).prefix(size.value())), hex(expected));
    EXPECT_EQ(ciphertext_size(*etype, expected.size()), cipher.size());
    EXPECT_EQ(plaintext_size(*etype, cipher.size()), expected.size());

    FixedRandom random(confounder_of(key, usage, cipher));
    Bytes again(cipher.size());
    ASSERT_TRUE(encrypt(*crypto_, random, key, usage, {expected}, again).has_value());
    EXPECT_EQ(hex(again), hex(cipher));
    EXPECT_EQ(random.left(), 0u);
  }

  // confounder_of is what the ciphertext was made with.
  Bytes confounder_of(const Key& key, KeyUsage usage, const Bytes& cipher) {
    const Profile& profile = key.profile();
    FixedBytes<kMaxKeySize> ke{}, ki{};
    profile.derive_cipher(*crypto_, profile, key.view(), static_cast<uint32_t>(usage), ke, ki);
    if (profile.confounder_at != 0) {  // RFC 4757 5
      FixedBytes<16> k3;
      crypto_->hmac_md5(ByteView(ki).prefix(16), {ByteView(cipher).prefix(16)}, k3);
      Bytes out(8);
      crypto::Rc4(k3).apply(ByteView(cipher).sub(16, 8), out);
      return out;
    }
    Bytes confounder(16), rest(cipher.size() - profile.checksum_size - 16);
    cts_decrypt(*crypto_, ByteView(ke).prefix(profile.key_size),
                ByteView(cipher).prefix(cipher.size() - profile.checksum_size),
                MutableBytes(confounder).first<16>(), rest);
    return confounder;
  }

  void keyed_checksum(VectorBlock& block) {
    const auto etype = etype_of(block);
    if (!etype) return;
    const Key key = key_of(*etype, block.bytes("Key"));
    const int32_t type = std::stoi(block.word("Type"));
    const auto usage = static_cast<KeyUsage>(block.number("Usage"));
    const Bytes data = block.bytes("Data"), expected = block.bytes("Checksum");
    EXPECT_EQ(static_cast<int32_t>(checksum_type(*etype)), type);
    FixedBytes<kMaxChecksumSize> out;
    const auto size = checksum(*crypto_, key, usage, {data}, out);
    EXPECT_EQ(hex(ByteView(out).prefix(size.value())), hex(expected));
    EXPECT_TRUE(verify_checksum(*crypto_, key, usage, type, {data}, expected).has_value());
  }

  // refused is a checksum of another type than the key's; one without a key is so for every key.
  void refused(VectorBlock& block) {
    const auto etype = static_cast<int32_t>(
        block.optional_number("Etype").value_or(static_cast<uint64_t>(Etype::kAes256CtsHmacSha1)));
    const Bytes content = block.optional_bytes("Key").value_or(Bytes(32));
    const auto usage = static_cast<KeyUsage>(block.optional_number("Usage").value_or(0));
    const int32_t type = std::stoi(block.word("Type"));
    const Bytes data = block.bytes("Data"), sum = block.bytes("Checksum");
    if (!known_etype(etype)) return block.ignore_unread();
    const Key key = Key::create(etype, content).value();
    block.expect_error(verify_checksum(*crypto_, key, usage, type, {data}, sum));
  }

  void rsa_md5(VectorBlock& block) {
    FixedBytes<16> digest;
    crypto_->md5({block.bytes("Data")}, digest);
    EXPECT_EQ(hex(digest), hex(block.bytes("Checksum")));
  }
  void sha1(VectorBlock& block) {
    FixedBytes<20> digest;
    crypto_->sha1({block.bytes("Data")}, digest);
    EXPECT_EQ(hex(digest), hex(block.bytes("Checksum")));
  }

  void pseudo_random(VectorBlock& block) {
    const auto etype = etype_of(block);
    if (!etype) return;
    FixedBytes<kMaxPrfSize> out;
    const auto size = prf(*crypto_, key_of(*etype, block.bytes("Key")), block.bytes("In"), out);
    EXPECT_EQ(hex(ByteView(out).prefix(size.value())), hex(block.bytes("Out")));
  }

  void cf2(VectorBlock& block) {
    const auto etype = etype_of(block);
    if (!etype) return;
    const auto made = [&](const char* password, const char* salt, const char* expected) {
      Key key = string_to_key(*crypto_, *etype, block.bytes(password), block.bytes(salt),
                              default_iterations(*etype))
                    .value();
      EXPECT_EQ(hex(key.view()), hex(block.bytes(expected)));
      return key;
    };
    const Key first = made("Password1", "Salt1", "Key1");
    const Key second = made("Password2", "Salt2", "Key2");
    const Key key =
        krb_fx_cf2(*crypto_, first, block.bytes("Pepper1"), second, block.bytes("Pepper2"));
    EXPECT_EQ(hex(key.view()), hex(block.bytes("Key")));
  }

  std::unique_ptr<crypto::Workspace> crypto_ = crypto::Workspace::create().value();
};

TEST_F(Krb5CryptoVectors, DerivedKeys) {
  run_vectors("krb5/derived_keys.vec",
              {{"Derived key", [&](VectorBlock& block) { derived(block); }}});
}

TEST_F(Krb5CryptoVectors, KeysFromPasswords) {
  run_vectors("krb5/string_to_key.vec",
              {{"string-to-key", [&](VectorBlock& block) { password(block); }},
               {"PBKDF2-HMAC-SHA1", [&](VectorBlock& block) { pbkdf2(block); }},
               {"s2kparams", pocketgss::testing::read_elsewhere}});
}

TEST_F(Krb5CryptoVectors, Ciphertexts) {
  run_vectors("krb5/decrypt.vec", {{"Ciphertext", [&](VectorBlock& block) { ciphertext(block); }}});
}

TEST_F(Krb5CryptoVectors, Checksums) {
  run_vectors("krb5/checksum.vec",
              {{"Checksum", [&](VectorBlock& block) { keyed_checksum(block); }},
               {"Refused", [&](VectorBlock& block) { refused(block); }},
               {"RSA-MD5", [&](VectorBlock& block) { rsa_md5(block); }},
               {"SHA-1", [&](VectorBlock& block) { sha1(block); }}});
}

TEST_F(Krb5CryptoVectors, PseudoRandomFunctionAndCombinedKeys) {
  run_vectors("krb5/prf.vec", {{"PRF", [&](VectorBlock& block) { pseudo_random(block); }},
                               {"KRB-FX-CF2", [&](VectorBlock& block) { cf2(block); }}});
}

}  // namespace
}  // namespace pocketgss::mechs::krb5
