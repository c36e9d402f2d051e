// Error and Result: what they hold, and what they cannot be made to hold.
#include <gtest/gtest.h>
#include <pocketgss/result.h>

#include <limits>
#include <memory>
#include <string>
#include <variant>

namespace pocketgss {
namespace {

static_assert(sizeof(Error) == sizeof(const char*) + 8);
static_assert(sizeof(Result<void>) == sizeof(Error));
static_assert(std::is_trivially_copyable_v<Result<void>>);  // may come back in registers

constexpr Error kShort{Errc::kMalformed, "NegTokenResp.negState", 7};

Result<int> half(int n) {
  if (n % 2 != 0) return Error{Errc::kApiMisuse, "odd", static_cast<uint32_t>(n)};
  return n / 2;
}
Result<std::string> quarter(int n) {
  PGSS_TRY(const int once, half(n));
  PGSS_TRY(const int twice, half(once));
  return std::to_string(twice);
}
Result<void> check(int n) {
  PGSS_CHECK(quarter(n));
  return {};
}

TEST(Error, HoldsWhatItIsMadeOf) {
  EXPECT_EQ(kShort.code, Errc::kMalformed);
  EXPECT_STREQ(kShort.where, "NegTokenResp.negState");
  EXPECT_EQ(kShort.offset, 7u);
  EXPECT_EQ(kShort.peer_status, 0);
  EXPECT_EQ(Error().code, Errc::kInternal);
  EXPECT_EQ(describe(kShort), "not a valid encoding: NegTokenResp.negState (at byte 7)");
}

TEST(Error, TellsAStatusOfMoreThan16BitsAsTheNearest) {
  const auto status = [](int32_t code) {
    return Error{Errc::kPeerIncompatible, "KRB-ERROR", 0, code}.peer_status;
  };
  EXPECT_EQ(status(0), 0);
  EXPECT_EQ(status(24), 24);
  EXPECT_EQ(status(-1), -1);
  EXPECT_EQ(status(32767), 32767);
  EXPECT_EQ(status(-32768), -32768);
  EXPECT_EQ(status(32768), 32767);
  EXPECT_EQ(status(65536), 32767);  // its low 16 bits are those of none
  EXPECT_EQ(status(-32769), -32768);
  EXPECT_EQ(status(std::numeric_limits<int32_t>::min()), -32768);
}

TEST(Error, DescribesNumbersInDecimal) {
  const auto described = [](uint32_t offset, int32_t status) {
    return describe(Error{Errc::kMalformed, "x", offset, status});
  };
  EXPECT_EQ(described(0, 0), "not a valid encoding: x (at byte 0)");
  EXPECT_EQ(described(4294967295, 0), "not a valid encoding: x (at byte 4294967295)");
  EXPECT_EQ(described(10, 24), "not a valid encoding: x (at byte 10) (status 24)");
  EXPECT_EQ(described(109, -32768), "not a valid encoding: x (at byte 109) (status -32768)");
}

TEST(Error, ComparesEveryField) {
  EXPECT_EQ(kShort, (Error{Errc::kMalformed, std::string("NegTokenResp.negState").c_str(), 7}));
  EXPECT_FALSE(kShort == (Error{Errc::kPolicy, "NegTokenResp.negState", 7}));
  EXPECT_FALSE(kShort == (Error{Errc::kMalformed, "NegTokenResp", 7}));
  EXPECT_FALSE(kShort == (Error{Errc::kMalformed, "NegTokenResp.negState", 8}));
  EXPECT_FALSE(kShort == (Error{Errc::kMalformed, "NegTokenResp.negState", 7, 1}));
}

TEST(Result, PassesAnErrorOnAsItIs) {
  ASSERT_TRUE(quarter(12).has_value());
  EXPECT_EQ(quarter(12).value(), "3");
  EXPECT_EQ(quarter(3).error(), (Error{Errc::kApiMisuse, "odd", 3}));
  EXPECT_EQ(quarter(6).error(), (Error{Errc::kApiMisuse, "odd", 3}));
  EXPECT_TRUE(check(12).has_value());
  EXPECT_EQ(check(10).error(), (Error{Errc::kApiMisuse, "odd", 5}));
}

TEST(Result, MovesWhatCannotBeCopied) {
  Result<std::unique_ptr<int>> made = std::make_unique<int>(3);
  Result<std::unique_ptr<int>> moved = std::move(made);
  ASSERT_TRUE(moved.has_value());
  EXPECT_EQ(*moved.value(), 3);
  moved = Error{Errc::kNoMemory, "gone"};
  EXPECT_FALSE(moved.has_value());
  moved = std::make_unique<int>(4);
  ASSERT_TRUE(moved.has_value());
  EXPECT_EQ(*std::move(moved).value(), 4);
}

TEST(Result, OfACodeThatIsNoneHasNoValue) {
  const Result<std::string> result = Error{Errc{0}, "made of nothing"};
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error(), (Error{Errc::kInternal, "made of nothing"}));
}

TEST(Result, IsCopiedAndAssigned) {
  const std::string text = "longer than what a string holds in itself";
  Result<std::string> first = text;
  Result<std::string> second = first;
  EXPECT_EQ(first.value(), text);
  EXPECT_EQ(second.value(), text);
  second = std::string("another value");
  EXPECT_EQ(second.value(), "another value");
  Result<std::string>& same = second;
  second = std::move(same);
  EXPECT_EQ(second.value(), "another value");
  second = kShort;
  first = second;
  EXPECT_EQ(first.error(), kShort);
  Result<int> plain = 3;
  const Result<int> copy = plain;
  plain = kShort;
  EXPECT_EQ(copy.value(), 3);
  EXPECT_EQ(plain.error(), kShort);
}

TEST(Result, TakesOneOfTheTypesOfAVariant) {
  const Result<std::variant<int, std::string>> result = std::string("text");
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(std::get<std::string>(result.value()), "text");
}

TEST(ResultDeathTest, EndsTheProgramWhereTheOtherIsAskedFor) {
  EXPECT_DEATH(static_cast<void>(half(1).value()), "");
  EXPECT_DEATH(static_cast<void>(half(2).error()), "");
}

}  // namespace
}  // namespace pocketgss
