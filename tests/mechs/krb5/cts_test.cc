// Ciphertext stealing: the published values, and every size in both directions.
#include "mechs/krb5/cts.h"

#include <gtest/gtest.h>

#include <pocketgss/secret.h>

#include "tests/support/hex.h"
#include "tests/support/vector_file.h"

namespace pocketgss::mechs::krb5 {
namespace {

using pocketgss::testing::hex;
using pocketgss::testing::run_vectors;
using pocketgss::testing::unhex;
using pocketgss::testing::VectorBlock;

class Cts : public ::testing::Test {
 protected:
  // decrypted is the confounder and what follows it.
  Bytes decrypted(ByteView key, ByteView in) {
    Bytes out(in.size());
    cts_decrypt(*crypto_, key, in, MutableBytes(out).first<16>(), MutableBytes(out).subspan(16));
    return out;
  }

  std::unique_ptr<crypto::Workspace> crypto_ = crypto::Workspace::create().value();
};

Bytes message_of(size_t size) {
  Bytes message(size);
  for (size_t i = 0; i < size; ++i) message[i] = static_cast<uint8_t>(i * 29 + i / 16);
  return message;
}

TEST_F(Cts, GivesThePublishedValues) {
  run_vectors("krb5/cts.vec", {{"CTS", [&](VectorBlock& block) {
                                  const Bytes key = block.bytes("Key"),
                                              plaintext = block.bytes("Plaintext");
                                  EXPECT_EQ(hex(block.bytes("IV")), std::string(32, '0'));
                                  Bytes data = plaintext;
                                  cts_encrypt(*crypto_, key, data);
                                  EXPECT_EQ(hex(data), hex(block.bytes("Ciphertext")));
                                  EXPECT_EQ(hex(decrypted(key, data)), hex(plaintext));
                                  // The last whole block of CBC is the last but one as it is sent.
                                  const size_t tail = (data.size() - 1) % 16 + 1;
                                  EXPECT_EQ(hex(ByteView(data).sub(data.size() - tail - 16, 16)),
                                            hex(block.bytes("NextIV")));
                                }}});
}

// FIPS 197 C.1, C.3.
TEST_F(Cts, OfOneBlockIsTheBlockItself) {
  const Bytes key = unhex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
  const Bytes plaintext = unhex("00112233445566778899aabbccddeeff");
  Bytes data = plaintext;
  cts_encrypt(*crypto_, ByteView(key).prefix(16), data);
  EXPECT_EQ(hex(data), "69c4e0d86a7b0430d8cdb78070b4c55a");
  EXPECT_EQ(decrypted(ByteView(key).prefix(16), data), plaintext);
  data = plaintext;
  cts_encrypt(*crypto_, key, data);
  EXPECT_EQ(hex(data), "8ea2b7ca516745bfeafc49904b496089");
  EXPECT_EQ(decrypted(key, data), plaintext);
}

// By its definition: CBC over the padded message, the last two blocks exchanged, what pads cut off.
Bytes by_definition(crypto::Workspace& crypto, ByteView key, Bytes data) {
  const size_t size = data.size();
  data.resize((size + 15) / 16 * 16);
  FixedBytes<16> chain{};
  crypto.aes_cbc_encrypt(key, chain, data);
  if (data.size() > 16) {
    const auto last = data.end() - 16;
    std::swap_ranges(last - 16, last, last);
  }
  data.resize(size);
  return data;
}

TEST_F(Cts, EverySizeIsEncryptedByTheDefinitionAndComesBack) {
  for (const size_t key_size : {16u, 32u}) {
    const Bytes key(key_size, 0x42);
    for (size_t size = 16; size < 600; ++size) {
      const Bytes message = message_of(size);
      Bytes data = message;
      cts_encrypt(*crypto_, key, data);
      ASSERT_EQ(hex(data), hex(by_definition(*crypto_, key, message))) << size;
      ASSERT_EQ(decrypted(key, data), message) << size;
    }
  }
}

TEST_F(Cts, EverySizeIsDecryptedInPlace) {
  const Bytes key(32, 0x42);
  for (size_t size = 16; size < 600; ++size) {
    const Bytes message = message_of(size);
    Bytes data = message;
    cts_encrypt(*crypto_, key, data);
    FixedBytes<16> confounder;
    cts_decrypt(*crypto_, key, data, confounder, MutableBytes(data).first(size - 16));
    ASSERT_EQ(hex(confounder), hex(ByteView(message).prefix(16))) << size;
    ASSERT_EQ(hex(ByteView(data).prefix(size - 16)), hex(ByteView(message).from(16))) << size;
  }
}

}  // namespace
}  // namespace pocketgss::mechs::krb5
