// Random bytes in advance.
#include "base/random_pool.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/support/fixed_random.h"
#include "tests/support/hex.h"

namespace pocketgss {
namespace {

using testing::FixedRandom;
using testing::hex;

Bytes pool_of(size_t size) {
  Bytes out(size);
  for (size_t i = 0; i < size; ++i) out[i] = static_cast<uint8_t>(i % 256);
  return out;
}

TEST(RandomPool, GivesEachByteOnce) {
  FixedRandom source(pool_of(256));
  RandomPool pool(source);
  std::set<uint8_t> seen;
  for (int i = 0; i < 16; ++i) {
    FixedBytes<16> out;
    ASSERT_TRUE(pool.fill(out).has_value());
    seen.insert(out.begin(), out.end());
  }
  EXPECT_EQ(seen.size(), 256u);
  EXPECT_EQ(source.left(), 0u);
}

TEST(RandomPool, AsksItsSourceOnlyWhenItIsEmpty) {
  FixedRandom source(pool_of(512));
  RandomPool pool(source);
  FixedBytes<24> out;
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(pool.fill(out).has_value());  // 240 of 256
  EXPECT_EQ(source.left(), 256u);
  ASSERT_TRUE(pool.fill(out).has_value());
  EXPECT_EQ(source.left(), 0u);
}

TEST(RandomPool, PassesLargeRequestsOn) {
  FixedRandom source(pool_of(33));
  RandomPool pool(source);
  Bytes out(33);
  ASSERT_TRUE(pool.fill(out).has_value());
  EXPECT_EQ(hex(out), hex(pool_of(33)));
}

TEST(RandomPool, ReportsTheErrorOfItsSourceEachTime) {
  FixedRandom source(pool_of(300));
  RandomPool pool(source);
  FixedBytes<32> out;
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(pool.fill(out).has_value());
  EXPECT_EQ(pool.fill(out).error().code, Errc::kInternal);
  EXPECT_EQ(pool.fill(out).error().code, Errc::kInternal);
}

TEST(RandomPool, TakesAnEmptyRequest) {
  FixedRandom source;
  EXPECT_TRUE(RandomPool(source).fill({}).has_value());
}

}  // namespace
}  // namespace pocketgss
