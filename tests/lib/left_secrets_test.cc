// What logins leave behind (MEM-1, MEM-2): no block that was given back, and nothing of the stack that
// the library's calls ran on, holds a secret. kerberos_failure_test.cc has the kinds of login that
// need Kerberos.
#include <gtest/gtest.h>
#include <pocketgss/context.h>

#include <algorithm>
#include <cstdint>

#include "base/utf16.h"
#include "tests/lib/support/login.h"
#include "tests/lib/support/ntlm_login.h"
#include "tests/lib/support/pair.h"
#include "tests/support/allocations.h"
#include "tests/support/sanitized.h"

namespace Botan {
uint32_t version_major();  // of the one that is linked
}

namespace pocketgss {

using testing::FreedSecrets;
using testing::LeftSecretsTest;
using testing::Login;
using testing::LoginKind;
using testing::PaintedStack;

namespace testing {
INSTANTIATE_TEST_SUITE_P(Ntlm, LeftSecretsTest, ::testing::ValuesIn(kNtlmLogins), name_of);
}  // namespace testing

namespace {

// Known is what a login that goes well tells of all others of its kind.
struct Known {
  explicit Known(const LoginKind& kind) {
    const auto setting = kind.make();
    Login login(*setting);
    login.on_token = [](size_t, Bytes&) {};
    login.run();
    EXPECT_TRUE(login.established()) << describe(*login.error);
    if (login.established()) secrets = setting->secrets(login);
    tokens = login.tokens.size();
  }

  std::vector<Bytes> secrets;  // the session key first
  size_t tokens = 0;
};

enum class End : uint8_t { kGood, kWrongKey, kLastTokenChanged };
constexpr End kEnds[] = {End::kGood, End::kWrongKey, End::kLastTokenChanged};

void run(Login& login, const Known& known, End end) {
  if (end == End::kWrongKey) login.setting.spoil();
  if (end == End::kLastTokenChanged) {
    login.on_token = [&known](size_t index, Bytes& token) {
      if (index + 1 == known.tokens) token.back() ^= 1;
    };
  }
  login.run();
  EXPECT_EQ(login.established(), end == End::kGood);
  if (login.established()) {
    EXPECT_EQ(login.initiator->session_key().value(), known.secrets.at(0)) << "other keys";
  }
}

TEST_P(LeftSecretsTest, MEM_1_MEM_2_P22_NoFreedBlockHoldsASecret) {
  const Known known(GetParam());
  for (const End end : kEnds) {
    const FreedSecrets freed(known.secrets);
    {
      const auto setting = GetParam().make();
      Login login(*setting);
      run(login, known, end);
    }
    EXPECT_EQ(freed.found(), 0u) << "end " << static_cast<int>(end);
    EXPECT_GT(freed.looked(), 10u);
  }
}

TEST_P(LeftSecretsTest, MEM_1_P22_TheStackHoldsNoSecret) {
  if (testing::kSanitized) GTEST_SKIP() << "the frames are the sanitizer's";
  if (Botan::version_major() != 2)
    GTEST_SKIP() << "the cryptography leaves keys on the stack itself";
  const Known known(GetParam());
  for (const End end : kEnds) {
    PaintedStack stack;
    const auto look = [&](const char* when) {
      for (size_t i = 0; i < known.secrets.size(); ++i) {
        EXPECT_FALSE(stack.holds(known.secrets[i]))
            << "secret " << i << ", " << when << ", end " << static_cast<int>(end);
      }
    };
    const auto setting = GetParam().make();
    Login login(*setting);
    login.stack = &stack;
    login.on_return = [&] { look("after a call"); };
    run(login, known, end);
    stack.run([&] {
      login.initiator.reset();
      login.acceptor.reset();
    });
    look("after the contexts");
    if (HasFailure()) return;
  }
}

TEST(LeftSecrets, MEM_1_TheWatchFindsWhatWasNotWiped) {
  const std::vector<Bytes> secrets = {as_bytes("not wiped").to_bytes()};
  const FreedSecrets freed(secrets);
  delete new std::string("a text that is not wiped, and on the heap");
  EXPECT_EQ(freed.found(), 1u);
}

TEST(LeftSecrets, MEM_1_TheStackShowsWhatWasNotWiped) {
  if (testing::kSanitized) GTEST_SKIP() << "the frames are the sanitizer's";
  PaintedStack stack;
  const Bytes secret = as_bytes("not wiped, on the stack").to_bytes();
  stack.run([&] {
    uint8_t copy[32] = {};
    std::copy(secret.begin(), secret.end(), copy);
    __asm__ __volatile__("" : : "r"(copy) : "memory");
  });
  EXPECT_TRUE(stack.holds(secret));
}

TEST(LeftSecrets, MEM_2_ARefusedPasswordIsWipedToo) {
  const std::string text = "a password that is no UTF-8 \xff";
  const std::vector<Bytes> secrets = {
      as_bytes("a password").to_bytes(),
      password_to_utf16le(as_bytes("a password"), "password").value().view().to_bytes()};
  const FreedSecrets freed(secrets);
  EXPECT_FALSE(Credential::from_password(testing::runtime(), AccountName::parse("user").value(),
                                         SecretBytes(text))
                   .has_value());
  EXPECT_EQ(freed.found(), 0u);
}

}  // namespace
}  // namespace pocketgss
