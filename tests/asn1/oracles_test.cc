// The fuzz targets' oracles over every DER vector and over mutations of them; and the mutator
// itself.
#include <gtest/gtest.h>

#include "asn1/reader.h"
#include "fuzz/mutate_der.h"
#include "fuzz/oracles_asn1.h"
#include "tests/support/der_negatives.h"
#include "tests/support/vector_file.h"

namespace pocketgss::asn1 {
namespace {

using testing::VectorBlock;

std::vector<Bytes> der_vectors() {
  std::vector<Bytes> out;
  for (const char* file : {"asn1/accepted.vec", "asn1/refused.vec", "spnego/constructed.vec",
                           "spnego/refused.vec", "channel_bindings/tls_server_end_point.vec"}) {
    for (VectorBlock& block : testing::load_vectors(file)) {
      for (const char* name : {"Der", "Token", "Certificate"}) {
        if (block.has(name)) out.push_back(block.bytes(name));
      }
    }
  }
  return out;
}

TEST(DerOracles, HoldForEveryVectorAndItsNegatives) {
  const std::vector<Bytes> vectors = der_vectors();
  ASSERT_GT(vectors.size(), 100U);
  for (const Bytes& der : vectors) {
    testing::with_exact_copy(der, [](ByteView in) {
      fuzz::check_der_reader(in);
      fuzz::check_der_roundtrip(in);
      fuzz::check_der_against_botan(in);
    });
  }
  for (VectorBlock& block : testing::load_vectors("spnego/constructed.vec")) {
    for (const testing::DerNegative& bad : testing::der_negatives(block.bytes("Token"))) {
      testing::with_exact_copy(bad.der, fuzz::check_der_reader);
    }
  }
}

// Turns one bit over: enough for what the mutator asks.
size_t flip_a_bit(uint8_t* data, size_t size, size_t) {
  if (size != 0) data[size / 2] ^= 0x10;
  return size;
}

bool is_der(ByteView in) {
  Reader reader(in);
  while (!reader.at_end()) {
    const Result<Reader::Element> e = reader.any("");
    if (!e.has_value()) return false;
  }
  return true;
}

TEST(MutateDer, RepairsTheLengthsNineTimesInTen) {
  const Bytes token = testing::load_vectors("spnego/constructed.vec").front().bytes("Token");
  size_t changed = 0;
  size_t der = 0;
  constexpr unsigned kRuns = 2000;
  for (unsigned seed = 0; seed < kRuns; ++seed) {
    Bytes buffer = token;
    buffer.resize(token.size() + 400);
    const size_t size =
        fuzz::mutate_der(buffer.data(), token.size(), buffer.size(), seed, flip_a_bit);
    ASSERT_LE(size, buffer.size());
    const ByteView out(buffer.data(), size);
    if (out != ByteView(token)) ++changed;
    if (is_der(out)) ++der;
    testing::with_exact_copy(out, fuzz::check_der_reader);
  }
  EXPECT_GT(changed, kRuns * 7 / 10);
  EXPECT_GT(der, kRuns * 8 / 10);
  EXPECT_LT(der, kRuns * 99 / 100);
}

TEST(MutateDer, GivesTheSameForTheSameSeed) {
  const Bytes token = testing::load_vectors("spnego/constructed.vec").front().bytes("Token");
  Bytes first = token;
  Bytes second = token;
  first.resize(600);
  second.resize(600);
  const size_t size = fuzz::mutate_der(first.data(), token.size(), 600, 7, flip_a_bit);
  EXPECT_EQ(size, fuzz::mutate_der(second.data(), token.size(), 600, 7, flip_a_bit));
  EXPECT_EQ(first, second);
}

TEST(MutateDer, LeavesWhatIsNoDerToTheOtherMutator) {
  Bytes text = as_bytes("not DER").to_bytes();
  EXPECT_EQ(fuzz::mutate_der(text.data(), text.size(), text.size(), 1, flip_a_bit), text.size());
  EXPECT_EQ(text[3], ' ' ^ 0x10);
}

}  // namespace
}  // namespace pocketgss::asn1
