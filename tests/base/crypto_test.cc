#include "base/crypto.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/hex.h"
#include "tests/support/vector_file.h"

namespace pocketgss::crypto {
namespace {

using testing::hex;
using testing::run_vectors;
using testing::unhex;
using testing::VectorBlock;

Bytes rc4(ByteView key, ByteView in) {
  Bytes out(in.size());
  Rc4(key).apply(in, out);
  return out;
}

std::unique_ptr<Workspace> workspace() {
  return Workspace::create().value();
}

TEST(Rc4, GivesThePublishedMessagesAndKeyStreams) {
  run_vectors("ntlm/rc4.vec", {{"RC4",
                                [](VectorBlock& block) {
                                  EXPECT_EQ(hex(rc4(block.bytes("Key"), block.bytes("Plaintext"))),
                                            hex(block.bytes("Ciphertext")));
                                }},
                               {"RC4 keystream", [](VectorBlock& block) {
                                  const Bytes stream = rc4(block.bytes("Key"), Bytes(4112));
                                  for (size_t at = 0; at <= 4096; at += 16) {
                                    const auto expected =
                                        block.optional_bytes("At" + std::to_string(at));
                                    if (!expected) continue;
                                    EXPECT_EQ(hex(ByteView(stream).sub(at, 16)), hex(*expected));
                                  }
                                }}});
}

TEST(Rc4, GoesOnFromCallToCall) {
  Rc4 cipher(as_bytes("Key"));
  const ByteView text = as_bytes("Plaintext");
  Bytes out(text.size());
  for (size_t i = 0; i < text.size(); ++i)
    cipher.apply(text.sub(i, 1), MutableBytes(out).subspan(i, 1));
  EXPECT_EQ(hex(out), "bbf316e8d940af0ad3");
}

TEST(Rc4, StartsAgainWithTheKey) {
  Rc4 cipher(as_bytes("Key"));
  Bytes out(9);
  cipher.apply(Bytes(9), out);
  cipher.set_key(as_bytes("Key"));
  cipher.apply(as_bytes("Plaintext"), out);
  EXPECT_EQ(hex(out), "bbf316e8d940af0ad3");
}

TEST(Rc4, WorksInPlace) {
  Bytes text = as_bytes("Plaintext").to_bytes();
  Rc4(as_bytes("Key")).apply(text, text);
  EXPECT_EQ(hex(text), "bbf316e8d940af0ad3");
}

TEST(Rc4, GoesOnAfterAMove) {
  Rc4 first(as_bytes("Key"));
  Bytes out(9);
  first.apply(as_bytes("Plain"), out);
  Rc4 second(std::move(first));
  second.apply(as_bytes("text"), MutableBytes(out).subspan(5));
  EXPECT_EQ(hex(out), "bbf316e8d940af0ad3");
}

TEST(Rc4, TakesAnEmptyKeyAsAZeroByte) {
  EXPECT_EQ(rc4({}, Bytes(16)), rc4(unhex("00"), Bytes(16)));
}

TEST(Rc4, UsesTheFirst256BytesOfALongerKey) {
  Bytes key(300);
  for (size_t i = 0; i < key.size(); ++i) key[i] = static_cast<uint8_t>(i * 7);
  EXPECT_EQ(rc4(key, Bytes(16)), rc4(ByteView(key).prefix(256), Bytes(16)));
}

TEST(Workspace, ComputesMd4) {
  const auto crypto = workspace();
  run_vectors("ntlm/md4.vec", {{"MD4", [&](VectorBlock& block) {
                                  FixedBytes<16> digest;
                                  crypto->md4({block.bytes("Message")}, digest);
                                  EXPECT_EQ(hex(digest), hex(block.bytes("Digest")));
                                }}});
}

TEST(Workspace, ComputesHmacMd5) {
  const auto crypto = workspace();
  run_vectors("ntlm/hmac_md5.vec", {{"HMAC-MD5", [&](VectorBlock& block) {
                                       FixedBytes<16> digest;
                                       crypto->hmac_md5(block.bytes("Key"), {block.bytes("Data")},
                                                        digest);
                                       EXPECT_EQ(hex(digest), hex(block.bytes("Digest")));
                                     }}});
}

TEST(Workspace, HashesPartsAsOneMessage) {
  const auto crypto = workspace();
  FixedBytes<16> digest;
  crypto->md5({as_bytes("a"), ByteView(), as_bytes("bc")}, digest);
  EXPECT_EQ(hex(digest), "900150983cd24fb0d6963f7d28e17f72");  // RFC 1321 A.5
}

std::string sha2(HashAlgorithm algorithm, std::string_view text) {
  FixedBytes<kMaxHashSize> digest;
  const Result<size_t> size = hash(algorithm, as_bytes(text), digest);
  return size.has_value() ? hex(ByteView(digest).prefix(size.value())) : name(size.error().code);
}

TEST(Hash, ComputesEachOfTheSha2Family) {  // FIPS 180-4, the examples for "abc"
  EXPECT_EQ(sha2(HashAlgorithm::kSha224, "abc"),
            "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7");
  EXPECT_EQ(sha2(HashAlgorithm::kSha256, "abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(
      sha2(HashAlgorithm::kSha384, "abc"),
      "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca1"
      "34c825a7");
  EXPECT_EQ(
      sha2(HashAlgorithm::kSha512, "abc"),
      "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23"
      "a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
}

TEST(SystemRandom, GivesDifferentBytesEachTime) {
  FixedBytes<32> a{};
  FixedBytes<32> b{};
  ASSERT_TRUE(system_random_fill(a).has_value());
  ASSERT_TRUE(system_random_fill(b).has_value());
  EXPECT_NE(a, b);
}

}  // namespace
}  // namespace pocketgss::crypto
