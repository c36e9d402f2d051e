#include <gtest/gtest.h>
#include <pocketgss/credential.h>

#include "tests/support/hex.h"

namespace pocketgss {
namespace {

using testing::hex;
using testing::unhex;
using Form = AccountName::Form;

Runtime& runtime() {
  static Runtime instance = Runtime::create().value();
  return instance;
}

AccountName parsed(std::string_view text) {
  const Result<AccountName> name = AccountName::parse(text);
  EXPECT_TRUE(name.has_value()) << text;
  return name.has_value() ? name.value() : AccountName{};
}

const Error kBadName{Errc::kApiMisuse, "user name", 0, 0};

void expect_refused(std::string_view text) {
  const Result<AccountName> name = AccountName::parse(text);
  ASSERT_FALSE(name.has_value()) << text;
  EXPECT_EQ(name.error(), kBadName);
}

TEST(AccountName, TakesAPlainName) {
  EXPECT_EQ(parsed("user"), (AccountName{Form::kPlain, "user", ""}));
}

TEST(AccountName, TakesADownLevelName) {
  EXPECT_EQ(parsed("DOMAIN\\user"), (AccountName{Form::kDownLevel, "user", "DOMAIN"}));
}

TEST(AccountName, TakesAPrincipalName) {
  EXPECT_EQ(parsed("user@example.test"), (AccountName{Form::kPrincipal, "user", "example.test"}));
}

TEST(AccountName, QuirkC11_KeepsTheAtOfADownLevelName) {
  EXPECT_EQ(parsed("DOMAIN\\u@x"), (AccountName{Form::kDownLevel, "u@x", "DOMAIN"}));
}

TEST(AccountName, SplitsAtTheLastAt) {
  EXPECT_EQ(parsed("u@x@example.test"), (AccountName{Form::kPrincipal, "u@x", "example.test"}));
}

TEST(AccountName, SplitsAtTheFirstBackslash) {
  EXPECT_EQ(parsed("D\\u\\x"), (AccountName{Form::kDownLevel, "u\\x", "D"}));
}

TEST(AccountName, TakesAnEmptyDownLevelDomain) {
  EXPECT_EQ(parsed("\\user"), (AccountName{Form::kDownLevel, "user", ""}));
}

TEST(AccountName, GivesItsTextBack) {
  for (const char* text : {"user", "D\\user", "\\user", "user@d", "u@x@d", "D\\u@x"}) {
    EXPECT_EQ(parsed(text).text(), text);
  }
}

TEST(AccountName, RefusesAnEmptyUser) {
  expect_refused("");
  expect_refused("D\\");
  expect_refused("@d");
}

TEST(AccountName, RefusesAnEmptyPrincipalDomain) {
  expect_refused("user@");
}

TEST(AccountName, RefusesControlCharacters) {
  expect_refused("us\rer");
  expect_refused("us\ner");
  expect_refused(std::string_view("us\0er", 5));
  expect_refused("D\x7f\\user");
}

TEST(AccountName, RefusesWhatIsNoUtf8) {
  expect_refused("us\xff");
  expect_refused("\xc0\x80\\user");
}

TEST(AccountName, TakesAUserOf256Units) {
  EXPECT_EQ(parsed(std::string(256, 'u')).user.size(), 256u);
  std::string wide;
  for (int i = 0; i < 128; ++i) wide += "\U0001F600";
  EXPECT_EQ(parsed(wide).user, wide);
}

TEST(AccountName, RefusesAUserOf257Units) {
  expect_refused(std::string(257, 'u'));
  expect_refused("D\\" + std::string(257, 'u'));
}

TEST(AccountName, RefusesADomainOf257Units) {
  expect_refused(std::string(257, 'D') + "\\user");
}

TEST(AccountName, RefusesAPrincipalOf257Units) {
  EXPECT_EQ(parsed(std::string(127, 'u') + "@" + std::string(128, 'd')).text().size(), 256u);
  expect_refused(std::string(128, 'u') + "@" + std::string(128, 'd'));
}

TEST(NtHashOfPassword, IsTheOneOfTheSpecification) {  // [MS-NLMP] 4.2.2.1.2
  const Result<SecretBytes> hash = nt_hash_of_password(runtime(), as_bytes("Password"));
  ASSERT_TRUE(hash.has_value());
  EXPECT_EQ(hex(hash.value().view()), "a4f49c406510bdcab6824ee7c30fd852");
}

TEST(NtHashOfPassword, P20_RefusesTheEmptyPassword) {
  EXPECT_EQ(nt_hash_of_password(runtime(), {}).error(),
            (Error{Errc::kApiMisuse, "password is empty", 0, 0}));
}

TEST(NtHashOfPassword, RefusesWhatIsNoUtf8) {
  EXPECT_EQ(nt_hash_of_password(runtime(), unhex("61ff")).error(),
            (Error{Errc::kMalformed, "password", 1, 0}));
}

TEST(NtHashOfPassword, QuirkC23_TakesALoneSurrogate) {
  EXPECT_TRUE(nt_hash_of_password(runtime(), unhex("61eda08062")).has_value());
}

TEST(NtHashOfPassword, NTP_5_TakesEveryLengthOrRefusesIt) {
  for (const size_t size : {1u, 14u, 15u, 127u, 128u, 255u, 256u, 511u, 512u, 513u, 1024u}) {
    const Bytes password(size, 'p');
    EXPECT_TRUE(nt_hash_of_password(runtime(), password).has_value()) << size;
  }
  for (const size_t size : {1025u, 4096u, 1u << 20}) {
    const Bytes password(size, 'p');
    EXPECT_EQ(nt_hash_of_password(runtime(), password).error(),
              (Error{Errc::kApiMisuse, "password is too long", 0, 0}));
  }
}

TEST(NtHashOfPassword, NTP_6_HashesALongPasswordLikeAnyOther) {
  // MD4 of 513 times "p" in UTF-16LE, and of 32 hex digits, computed by OpenSSL 3.0.
  const Bytes longer(513, 'p');
  EXPECT_EQ(hex(nt_hash_of_password(runtime(), longer).value().view()),
            "90d31e15f6389751ca1ee62c5524fbbc");
  EXPECT_EQ(hex(nt_hash_of_password(runtime(), as_bytes("a4f49c406510bdcab6824ee7c30fd852"))
                    .value()
                    .view()),
            "20c8891a540894ef82a53f75b16db03d");
}

TEST(Credential, KeepsItsName) {
  const auto credential =
      Credential::from_password(runtime(), parsed("D\\user"), SecretBytes("Password"));
  ASSERT_TRUE(credential.has_value());
  EXPECT_EQ(credential.value().name(), parsed("D\\user"));
}

TEST(Credential, SharesItsSecretAmongCopies) {
  const Credential first =
      Credential::from_password(runtime(), parsed("user"), SecretBytes("Password")).value();
  const Credential second = first;  // NOLINT: the copy is the test
  EXPECT_EQ(&first.secrets(), &second.secrets());
}

TEST(Credential, RefusesANameThatWasNotParsed) {
  const FixedBytes<16> hash{};
  EXPECT_EQ(Credential::from_nt_hash(AccountName{}, hash).error(), kBadName);
  EXPECT_EQ(Credential::from_nt_hash({Form::kPlain, "user", "D"}, hash).error(), kBadName);
  EXPECT_EQ(Credential::from_nt_hash({Form::kPlain, "us\ner", ""}, hash).error(), kBadName);
}

TEST(Credential, P20_RefusesTheEmptyPassword) {
  EXPECT_EQ(Credential::from_password(runtime(), parsed("user"), SecretBytes()).error().code,
            Errc::kApiMisuse);
}

}  // namespace
}  // namespace pocketgss
