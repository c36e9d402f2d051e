// Names and meanings of the numbers.
#include "mechs/krb5/iana.h"

#include <gtest/gtest.h>

#include <string_view>

namespace pocketgss::mechs::krb5 {
namespace {

TEST(Krb5Numbers, QuirkD25_WhatAUserCanActOnHasWords) {
  for (const int32_t code :
       {1, 6, 7, 12, 14, 18, 21, 23, 24, 29, 31, 32, 33, 34, 35, 36, 37, 41, 44, 45, 52, 60, 68}) {
    const char* const text = error_text(code);
    ASSERT_NE(text, nullptr) << code;
    EXPECT_FALSE(std::string_view(text).ends_with('.')) << code;
    EXPECT_NE(error_name(code), nullptr) << code;
  }
}

TEST(Krb5Numbers, QuirkD25_AUserIsToldWordsBeforeANameAndNeverNothing) {
  EXPECT_STREQ(error_words(24), "the password is wrong");
  EXPECT_STREQ(error_words(25), "KDC_ERR_PREAUTH_REQUIRED");
  EXPECT_STREQ(error_words(99), "KRB-ERROR.error-code is not one that we know");
}

TEST(Krb5Numbers, CodesHaveTheirRegisteredNames) {
  EXPECT_STREQ(error_name(1), "KDC_ERR_NAME_EXP");
  EXPECT_STREQ(error_name(24), "KDC_ERR_PREAUTH_FAILED");
  EXPECT_STREQ(error_name(25), "KDC_ERR_PREAUTH_REQUIRED");
  EXPECT_STREQ(error_name(37), "KRB_AP_ERR_SKEW");
  EXPECT_STREQ(error_name(52), "KRB_ERR_RESPONSE_TOO_BIG");
  EXPECT_STREQ(error_name(68), "KDC_ERR_WRONG_REALM");
  EXPECT_STREQ(error_name(93), "KDC_ERR_UNKNOWN_CRITICAL_FAST_OPTIONS");
}

TEST(Krb5Numbers, UnknownCodesHaveNone) {
  for (const int32_t code : {INT32_MIN, -1, 0, 30, 43, 53, 92, 94, INT32_MAX}) {
    EXPECT_EQ(error_name(code), nullptr) << code;
    EXPECT_EQ(error_text(code), nullptr) << code;
  }
  EXPECT_EQ(error_text(25), nullptr);
}

TEST(Krb5Numbers, EtypesHaveTheirRegisteredNames) {
  EXPECT_STREQ(etype_name(17), "aes128-cts-hmac-sha1-96");
  EXPECT_STREQ(etype_name(18), "aes256-cts-hmac-sha1-96");
  EXPECT_STREQ(etype_name(19), "aes128-cts-hmac-sha256-128");
  EXPECT_STREQ(etype_name(20), "aes256-cts-hmac-sha384-192");
  EXPECT_STREQ(etype_name(23), "rc4-hmac");
  for (const int32_t etype : {0, 1, 3, 16, 24, 25, -128}) EXPECT_EQ(etype_name(etype), nullptr);
}

}  // namespace
}  // namespace pocketgss::mechs::krb5
