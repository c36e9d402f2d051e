// What is said in a login to the SMTP client, and what it says.
#ifndef PGSS_TESTS_SASL_LOGIN_LINES_H_
#define PGSS_TESTS_SASL_LOGIN_LINES_H_

#include "tests/sasl/harness.h"

namespace pocketgss::testing {

inline std::string auth(std::string_view mechanism, std::string_view token) {
  return "AUTH " + std::string(mechanism) + " " + b64(token) + "\r\n";
}
inline std::string challenge(std::string_view token) {
  return "334 " + b64(token) + "\r\n";
}
inline std::string line(std::string_view token) {
  return b64(token) + "\r\n";
}
inline constexpr char kSuccess[] = "235 2.7.0 Authentication successful\r\n";

// two_legs: a context of two tokens, then complete.
inline FakeScript two_legs() {
  return FakeScript().sends("init").ends("challenge", "answer");
}

#define EXPECT_FAILED(session, expected_kind)                                            \
  do {                                                                                   \
    ASSERT_NE((session).failure(), nullptr);                                             \
    EXPECT_EQ((session).failure()->kind, expected_kind) << (session).failure()->message; \
  } while (false)

}  // namespace pocketgss::testing

#endif  // PGSS_TESTS_SASL_LOGIN_LINES_H_
