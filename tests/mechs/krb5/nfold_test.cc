// n-fold, and the table that replaces it.
#include "mechs/krb5/nfold.h"

#include <gtest/gtest.h>

#include <array>

#include "tests/support/hex.h"
#include "tests/support/vector_file.h"

namespace pocketgss::mechs::krb5 {
namespace {

using pocketgss::testing::hex;
using pocketgss::testing::run_vectors;
using pocketgss::testing::VectorBlock;

TEST(NFold, GivesThePublishedValues) {
  run_vectors("krb5/n_fold.vec", {{"n-fold", [](VectorBlock& block) {
                                     const Bytes expected = block.bytes("Out");
                                     Bytes out(expected.size(), 0xee);
                                     n_fold(block.bytes("In"), out);
                                     EXPECT_EQ(hex(out), hex(expected));
                                   }}});
}

TEST(NFold, OfTheSameSizeChangesNothing) {
  const FixedBytes<4> in = {0x12, 0x34, 0x56, 0x78};
  FixedBytes<4> out;
  n_fold(in, out);
  EXPECT_EQ(out, in);
}

FixedBytes<16> folded_at_length(uint32_t usage, uint8_t octet) {
  FixedBytes<5> constant;
  for (size_t i = 0; i < 4; ++i) constant[i] = static_cast<uint8_t>(usage >> (24 - 8 * i));
  constant[4] = octet;
  FixedBytes<16> out;
  n_fold(constant, out);
  return out;
}

TEST(NFold, TheTableGivesWhatTheDefinitionGives) {
  for (const uint8_t octet : std::to_array<uint8_t>({0x55, 0x99, 0xaa})) {
    for (uint32_t usage = 0; usage < 2048; ++usage)
      ASSERT_EQ(n_fold_usage(usage, octet), folded_at_length(usage, octet)) << usage;
  }
}

// Carries run all the way round only with many bits set.
TEST(NFold, TheTableCarriesRound) {
  for (const uint8_t octet : std::to_array<uint8_t>({0x00, 0x01, 0x80, 0xff})) {
    for (const uint32_t usage : {0xffffffffu, 0x80000000u, 0x7fffffffu, 0xdeadbeefu, 0x55555555u})
      EXPECT_EQ(n_fold_usage(usage, octet), folded_at_length(usage, octet)) << usage;
  }
  uint32_t usage = 1;
  for (int i = 0; i < 5000; ++i) {
    usage = usage * 1664525 + 1013904223;
    ASSERT_EQ(n_fold_usage(usage, 0x99), folded_at_length(usage, 0x99)) << usage;
  }
}

}  // namespace
}  // namespace pocketgss::mechs::krb5
