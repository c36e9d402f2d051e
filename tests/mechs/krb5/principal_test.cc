#include "mechs/krb5/principal.h"

#include <gtest/gtest.h>

#include <random>

#include "fuzz/oracles_krb5_files.h"
#include "tests/support/allocations.h"
#include "tests/support/vector_file.h"

namespace pocketgss::mechs::krb5 {
namespace {

using pocketgss::testing::run_vectors;
using pocketgss::testing::VectorBlock;

Principal parsed(std::string_view text) {
  auto out = parse_principal(text, "DEFAULT");
  EXPECT_TRUE(out.has_value()) << text;
  return out.has_value() ? std::move(out).value() : Principal();
}

void expect_as_mit(VectorBlock& block) {
  const auto read = parse_principal(block.text("Text"), "DEFAULT");
  ASSERT_TRUE(read.has_value()) << block.where();
  const PrincipalView principal = read.value().view();
  EXPECT_EQ(principal.realm, block.text("Realm")) << block.where();
  std::vector<std::string> components, expected;
  for (const std::string_view component : principal.components) components.emplace_back(component);
  for (const Bytes& component : block.bytes_list("Component"))
    expected.emplace_back(as_text(component));
  EXPECT_EQ(components, expected) << block.where();
  EXPECT_EQ(principal.name_type, static_cast<int32_t>(block.number("NameType"))) << block.where();
  EXPECT_EQ(principal_text(principal), block.text("Written")) << block.where();
}

// An enterprise name is made by client_names(); here it is only written.
void expect_written_as_mit(VectorBlock& block) {
  block.text("Text");
  Principal name(static_cast<int32_t>(block.number("NameType")), block.text("Realm"));
  for (const Bytes& component : block.bytes_list("Component")) name.add(as_text(component));
  EXPECT_EQ(name.view().name_type, name_type::kEnterprise) << block.where();
  EXPECT_EQ(principal_text(name.view()), block.text("Written")) << block.where();
}

TEST(KrbPrincipal, IsReadAndWrittenAsMitKrb5Does) {
  run_vectors("krb5/principal_text.vec",
              {{"Principal", expect_as_mit},
               {"Enterprise", expect_written_as_mit},
               {"Refused", [](VectorBlock& block) {
                  block.expect_error(parse_principal(block.text("Text"), "DEFAULT"));
                }}});
}

TEST(KrbPrincipal, HasAtMost32Components) {
  std::string text = "a";
  for (int i = 1; i < 32; ++i) text += "/a";
  EXPECT_TRUE(parse_principal(text, "R").has_value());
  const auto refused = parse_principal(text + "/a", "R");
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error(), (Error{Errc::kMalformed, "principal", 63, 0}));
}

TEST(KrbPrincipal, ComparesRealmAndComponentsAndNotTheType) {
  const Principal one = parsed("smtp/host@R"), other = parsed("smtp/host@R");
  PrincipalView view = other.view();
  view.name_type = 3;
  EXPECT_TRUE(same_principal(one.view(), view));
  for (const char* different : {"smtp/hosts@R", "smtp/HOST@R", "smtp/host@r", "smtp@R",
                                "smtp/host/@R", "smtp\\/host@R", "smtp/host\\0@R"})
    EXPECT_FALSE(same_principal(one.view(), parsed(different).view())) << different;
}

TEST(KrbPrincipal, QuirkA21_HostOfAServiceHasNoCase) {
  const Principal one = parsed("smtp/mail.example.test@R");
  EXPECT_TRUE(same_service(one.view(), parsed("smtp/MAIL.Example.Test@R").view()));
  EXPECT_TRUE(same_service(one.view(), one.view()));
  for (const char* different : {"SMTP/mail.example.test@R", "smtp/mail.example.test@r",
                                "smtp/mail.example.tess@R", "smtp/mail.example.test/x@R"})
    EXPECT_FALSE(same_service(one.view(), parsed(different).view())) << different;
}

TEST(KrbPrincipal, QuirkA21_ClassOfAServiceHasNoCaseWhereTheCallerSaysSo) {
  const Principal one = parsed("smtp/mail.example.test@R");
  EXPECT_TRUE(same_service(one.view(), parsed("SMTP/Mail.example.test@R").view(), true));
  for (const char* different : {"SMTPS/mail.example.test@R", "SMTP/mail.example.test@r"})
    EXPECT_FALSE(same_service(one.view(), parsed(different).view(), true)) << different;
}

TEST(KrbPrincipal, RealmOfATicketGrantingServiceHasACase) {
  EXPECT_TRUE(same_service(parsed("krbtgt/R@R").view(), parsed("krbtgt/R@R").view()));
  EXPECT_FALSE(same_service(parsed("krbtgt/R@R").view(), parsed("krbtgt/r@R").view()));
  EXPECT_FALSE(same_service(parsed("Alice@R").view(), parsed("alice@R").view()));
}

TEST(KrbPrincipal, KnowsTheTicketGrantingServiceOfARealm) {
  EXPECT_TRUE(is_tgs(parsed("krbtgt/A@A").view(), "A"));
  for (const char* other : {"krbtgt/B@A", "krbtgt/A@B", "krbtgt@A", "krbtgt/A/A@A", "smtp/A@A"})
    EXPECT_FALSE(is_tgs(parsed(other).view(), "A")) << other;
}

TEST(KrbPrincipal, ArraysAndFilesCompareEqual) {
  const std::string_view names[] = {"smtp", "host"};
  const PrincipalView of_array{name_type::kSrvInst, "R", Components(names)};
  EXPECT_TRUE(same_principal(of_array, parsed("smtp/host@R").view()));
  EXPECT_EQ(principal_text(of_array), "smtp/host@R");
}

TEST(KrbPrincipal, MEM_3_SurvivesEveryFailedAllocation) {
  const std::string text(200, 'a');
  for (size_t n = 1;; ++n) {
    testing::FailingAllocations failing(n);
    const auto read = parse_principal(text, "R");
    if (!failing.reached()) break;
    ASSERT_FALSE(read.has_value());
    EXPECT_EQ(read.error().code, Errc::kNoMemory);
  }
}

TEST(KrbPrincipal, OracleHoldsForRandomTexts) {
  std::minstd_rand random(3);
  constexpr std::string_view kOctets("ab/@\\n0tb\0\n\t\b", 13);
  for (int round = 0; round < 20000; ++round) {
    Bytes input(1 + random() % 12);
    for (uint8_t& octet : input) octet = static_cast<uint8_t>(kOctets[random() % kOctets.size()]);
    fuzz::check_principal_text(input);
  }
}

}  // namespace
}  // namespace pocketgss::mechs::krb5
