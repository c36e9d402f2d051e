// Comparisons of secrets do not branch on them. valgrind is told that the secrets are undefined and
// counts each decision that is made on them; without valgrind there is nothing to see, and the
// tests are skipped.
#include <gtest/gtest.h>
#include <pocketgss/secret.h>
#include <valgrind/memcheck.h>

#include <cstring>
#include <string>

namespace pocketgss {
namespace {

// decisions counts the branches on undefined bytes that `compare` makes, for equal and for
// different secrets.
template <typename Compare>
unsigned decisions(const Compare& compare) {
  unsigned count = 0;
  for (const size_t first_difference : {0u, 7u, 15u, 16u}) {
    Bytes a(16, 0x5a), b(16, 0x5a);
    if (first_difference < b.size()) b[first_difference] ^= 1;
    VALGRIND_MAKE_MEM_UNDEFINED(a.data(), a.size());
    VALGRIND_MAKE_MEM_UNDEFINED(b.data(), b.size());
    const unsigned before = VALGRIND_COUNT_ERRORS;
    bool equal = compare(a, b);
    count += VALGRIND_COUNT_ERRORS - before;
    VALGRIND_MAKE_MEM_DEFINED(&equal, sizeof equal);
    VALGRIND_MAKE_MEM_DEFINED(a.data(), a.size());
    VALGRIND_MAKE_MEM_DEFINED(b.data(), b.size());
    EXPECT_EQ(equal, first_difference == a.size());
  }
  return count;
}

class ConstantTime : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!RUNNING_ON_VALGRIND) GTEST_SKIP() << "valgrind is what counts";
  }
};

TEST_F(ConstantTime, TIM_1_P21_CtEqualDecidesNothingOnSecrets) {
  EXPECT_EQ(decisions([](ByteView a, ByteView b) { return ct_equal(a, b); }), 0u);
}

// The yardstick itself: a comparison that ends early is noticed.
TEST_F(ConstantTime, NoticesAComparisonThatEndsEarly) {
  EXPECT_GT(decisions([](ByteView a, ByteView b) { return a == b; }), 0u);
}

}  // namespace
}  // namespace pocketgss
