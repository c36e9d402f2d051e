// What base/crypto.h has for Kerberos alone.
#include <gtest/gtest.h>

#include <string>

#include "base/crypto.h"
#include "tests/support/hex.h"
#include "tests/support/vector_file.h"

namespace pocketgss::crypto {
namespace {

using testing::hex;
using testing::run_vectors;
using testing::VectorBlock;

std::unique_ptr<Workspace> workspace() {
  return Workspace::create().value();
}

TEST(Workspace, ComputesHmacOfTheHashesOfKerberos) {
  const auto crypto = workspace();
  const auto compute = [&](HmacHash hash) {
    return [&crypto, hash](VectorBlock& block) {
      const Bytes expected = block.bytes("Digest"), data = block.bytes("Data");
      Bytes digest(expected.size());
      const ByteView front = ByteView(data).prefix(data.size() / 3);
      crypto->hmac(hash, block.bytes("Key"), {front, ByteView(data).from(front.size())}, digest);
      EXPECT_EQ(hex(digest), hex(expected));
      digest.resize(12);
      crypto->hmac(hash, block.bytes("Key"), {data}, digest);
      EXPECT_EQ(hex(digest), hex(expected).substr(0, 24));
    };
  };
  run_vectors("krb5/hmac.vec", {{"HMAC-SHA1", compute(HmacHash::kSha1)},
                                {"HMAC-SHA256", compute(HmacHash::kSha256)},
                                {"HMAC-SHA384", compute(HmacHash::kSha384)}});
}

// The schedules that stay must never be those of another key.
TEST(Workspace, EncryptsWithTheKeyThatItIsGiven) {
  const auto crypto = workspace();
  const auto encrypted = [&](ByteView key) {
    FixedBytes<16> block{}, chain{};
    crypto->aes_cbc_encrypt(key, chain, block);
    EXPECT_EQ(hex(chain), hex(block));
    FixedBytes<16> back;
    crypto->aes_decrypt_blocks(key, block, back);
    EXPECT_EQ(hex(back), std::string(32, '0'));
    return hex(block);
  };
  const Bytes zeros(32), ones(32, 1);
  for (int round = 0; round < 2; ++round) {  // zeros under zeros: as OpenSSL has it
    EXPECT_EQ(encrypted(ByteView(zeros).prefix(16)), "66e94bd4ef8a2c3b884cfa59ca342b2e");
    EXPECT_EQ(encrypted(zeros), "dc95c078a2408989ad48a21492842087");
    const std::string short_one = encrypted(ByteView(ones).prefix(16)), long_one = encrypted(ones);
    EXPECT_EQ(encrypted(ByteView(ones).prefix(16)), short_one);
    crypto->aes_forget(ByteView(ones).prefix(16));
    crypto->aes_forget(ones);
    EXPECT_EQ(encrypted(ByteView(ones).prefix(16)), short_one);
    EXPECT_EQ(encrypted(ones), long_one);
    EXPECT_NE(short_one, long_one);
  }
}

TEST(Workspace, RefusesPbkdf2WithoutIterations) {
  Bytes out(16, 0xee);
  EXPECT_EQ(workspace()->pbkdf2(HmacHash::kSha1, as_bytes("p"), as_bytes("s"), 0, out).error().code,
            Errc::kApiMisuse);
}

// Python 3.11, hashlib.pbkdf2_hmac.
TEST(Workspace, Pbkdf2TakesAnEmptyPasswordAndAnEmptySalt) {
  Bytes out(16);
  ASSERT_TRUE(workspace()->pbkdf2(HmacHash::kSha256, {}, {}, 3, out).has_value());
  EXPECT_EQ(hex(out), "b372796454d37ac042a195b62eeb7cfe");
}

}  // namespace
}  // namespace pocketgss::crypto
