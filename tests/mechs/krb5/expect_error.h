// expect_error: an exchange ended as it should, and says why.
#ifndef PGSS_TESTS_MECHS_KRB5_EXPECT_ERROR_H_
#define PGSS_TESTS_MECHS_KRB5_EXPECT_ERROR_H_

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pocketgss/result.h>

namespace pocketgss::mechs::krb5::testing {

inline void expect_error(const Result<void>& result, Errc code, const std::string& where) {
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, code) << result.error().where;
  EXPECT_THAT(result.error().where, ::testing::HasSubstr(where));
}

}  // namespace pocketgss::mechs::krb5::testing

#endif  // PGSS_TESTS_MECHS_KRB5_EXPECT_ERROR_H_
