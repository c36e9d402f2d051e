#include <pocketgss/secret.h>

#include <gtest/gtest.h>

#include <memory>
#include <new>
#include <sstream>

#include "tests/support/allocations.h"

namespace pocketgss {
namespace {

TEST(SecretBytes, P22_PrintsNothingOfItself) {
  std::ostringstream out;
  out << SecretBytes("Password1");
  EXPECT_EQ(out.str(), "<secret>");
}

TEST(SecretBytes, IsEmptyAfterAMove) {
  SecretBytes a("abc");
  SecretBytes b(std::move(a));
  EXPECT_TRUE(a.empty());  // NOLINT(bugprone-use-after-move): that is the promise under test
  EXPECT_EQ(as_text(b.view()), "abc");
}

TEST(SecretBytes, ACopyCanBeHadWithoutAnException) {
  const Bytes content = {1, 2, 3};
  EXPECT_EQ(SecretBytes::copy_of(content).value().view(), ByteView(content));
  EXPECT_TRUE(SecretBytes::copy_of({}).value().empty());
  const testing::FailingAllocations failing(1);
  EXPECT_EQ(SecretBytes::copy_of(content).error().code, Errc::kNoMemory);
}

TEST(SecretArray, P22_WipesTheSourceOfAMove) {
  const FixedBytes<4> content = {1, 2, 3, 4};
  SecretArray<4> a{FixedView<4>(content)};
  SecretArray<4> b(std::move(a));
  EXPECT_EQ(ByteView(a.view()), ByteView(FixedBytes<4>{}));  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(ByteView(b.view()), ByteView(content));
}

TEST(SecretArray, P22_WipesItselfAtItsEnd) {
  const FixedBytes<5> content = {1, 2, 3, 4, 5};
  FixedBytes<5> memory{};
  static_assert(sizeof(SecretArray<5>) == sizeof(memory));
  auto* const secret = new (memory.data()) SecretArray<5>{FixedView<5>(content)};
  EXPECT_EQ(ByteView(secret->view()), ByteView(content));
  std::destroy_at(secret);
  EXPECT_EQ(ByteView(memory), ByteView(FixedBytes<5>{}));
}

TEST(CtEqual, ComparesContentAndSize) {
  EXPECT_TRUE(ct_equal(as_bytes("abc"), as_bytes("abc")));
  EXPECT_FALSE(ct_equal(as_bytes("abc"), as_bytes("abd")));
  EXPECT_FALSE(ct_equal(as_bytes("abc"), as_bytes("ab")));
  EXPECT_TRUE(ct_equal({}, {}));
}

}  // namespace
}  // namespace pocketgss
