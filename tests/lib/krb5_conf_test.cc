// krb5.conf: what is read, what is refused and where.
#include <gtest/gtest.h>
#include <pocketgss/krb5_conf.h>

#include "fuzz/oracles_krb5_conf.h"
#include "tests/support/vector_file.h"

namespace pocketgss {
namespace {

using testing::run_vectors;
using testing::VectorBlock;

constexpr char kVectors[] = "krb5/krb5_conf.vec";

std::vector<std::string> texts(VectorBlock& block, std::string_view name) {
  std::vector<std::string> out;
  for (const Bytes& each : block.bytes_list(name)) out.emplace_back(as_text(each));
  return out;
}

Krb5Conf conf(std::string_view text) {
  auto parsed = Krb5Conf::parse(text);
  EXPECT_TRUE(parsed.has_value()) << (parsed.has_value() ? "" : parsed.error().where);
  return parsed.has_value() ? std::move(parsed).value() : Krb5Conf{};
}

TEST(Krb5Conf, ReadsAndRefusesAsTheVectorsSay) {
  run_vectors(kVectors,
              {{"Conf",
                [](VectorBlock& block) {
                  const Krb5Conf read = conf(block.text("Text"));
                  std::vector<std::string> kdcs, domains, left_out;
                  for (const auto& [realm, list] : read.kdcs) {
                    for (const KdcAddress& kdc : list)
                      kdcs.push_back(realm + " " + kdc.host + ":" + std::to_string(kdc.port));
                  }
                  for (const auto& [name, realm] : read.domain_realm)
                    domains.push_back(name + " " + realm);
                  for (const auto& [what, offset] : read.left_out)
                    left_out.push_back(std::to_string(offset) + " " + what);
                  EXPECT_EQ(read.default_realm, block.text("DefaultRealm"));
                  EXPECT_EQ(kdcs, texts(block, "Kdc")) << block.where();
                  EXPECT_EQ(domains, texts(block, "Domain")) << block.where();
                  EXPECT_EQ(left_out, texts(block, "LeftOut")) << block.where();
                }},
               {"Refused", [](VectorBlock& block) {
                  block.expect_error(Krb5Conf::parse(block.text("Text")));
                }}});
}

TEST(Krb5Conf, TheOracleHoldsForTheVectors) {
  const auto check = [](VectorBlock& block) {
    fuzz::check_krb5_conf(as_bytes(block.text("Text")));
    block.ignore_unread();
  };
  run_vectors(kVectors, {{"Conf", check}, {"Refused", check}});
}

TEST(Krb5Conf, TheLineOfAnErrorIsFound) {
  const std::string_view text = "[a]\nb = c\n d\n";
  const auto parsed = Krb5Conf::parse(text);
  ASSERT_FALSE(parsed.has_value());
  EXPECT_EQ(line_of(text, parsed.error().offset), 3u);
  EXPECT_EQ(line_of(text, 0), 1u);
  EXPECT_EQ(line_of(text, 3), 1u) << "the end of a line belongs to it";
  EXPECT_EQ(line_of(text, 1'000), 4u);
}

TEST(Krb5Conf, RefusesANulOctet) {
  const auto parsed = Krb5Conf::parse(std::string_view("[a]\nb = \0c\n", 11));
  ASSERT_FALSE(parsed.has_value());
  EXPECT_EQ(parsed.error(), (Error{Errc::kMalformed, "krb5.conf: a NUL octet", 8, 0}));
}

TEST(Krb5Conf, RefusesAFileThatIsTooLarge) {
  EXPECT_TRUE(Krb5Conf::parse(std::string(kMaxKrb5Conf, '#')).has_value());
  const auto parsed = Krb5Conf::parse(std::string(kMaxKrb5Conf + 1, '#'));
  ASSERT_FALSE(parsed.has_value());
  EXPECT_STREQ(parsed.error().where, "krb5.conf: more than 256 KiB");
}

TEST(Krb5Conf, SubsectionsMayBeDeep) {
  std::string text = "[realms]\n";
  for (int i = 0; i < 20'000; ++i) text += "a = {\n";
  for (int i = 0; i < 20'000; ++i) text += "}\n";
  EXPECT_TRUE(conf(text).kdcs.empty());
}

TEST(Krb5Conf, TheNearestDomainSaysTheRealm) {
  const Krb5Conf read = conf(
      "[domain_realm]\n"
      "mail.example.test = HOST\n.example.test = DOTTED\nexample.test = PLAIN\ntest = TOP\n");
  EXPECT_EQ(read.realm_of_host("mail.example.test"), "HOST");
  EXPECT_EQ(read.realm_of_host("MAIL.Example.Test."), "HOST");
  EXPECT_EQ(read.realm_of_host("www.example.test"), "DOTTED");
  EXPECT_EQ(read.realm_of_host("a.mail.example.test"), "HOST");
  EXPECT_EQ(read.realm_of_host("example.test"), "PLAIN");
  EXPECT_EQ(read.realm_of_host("notexample.test"), "TOP");
  EXPECT_EQ(read.realm_of_host("example.invalid"), std::nullopt);
  EXPECT_EQ(read.realm_of_host(""), std::nullopt);
}

TEST(Krb5Conf, AnIpAddressIsInNoRealm) {
  const Krb5Conf read = conf("[domain_realm]\n1 = R\n.1 = R\n192.0.2.1 = R\n2001:db8::1 = R\n");
  EXPECT_EQ(read.realm_of_host("192.0.2.1"), std::nullopt);
  EXPECT_EQ(read.realm_of_host("2001:db8::1"), std::nullopt);
}

TEST(Krb5Conf, GivesItsKdcsToConfiguredKdcs) {
  ConfiguredKdcs configured;
  conf("[realms]\nA = {\nkdc = one\nkdc = two:89\n}\nB = {\nkdc = three\n}\n").add_to(configured);
  EXPECT_EQ(configured.kdcs("A", {}).value(), (std::vector<KdcAddress>{{"one", 88}, {"two", 89}}));
  EXPECT_EQ(configured.kdcs("B", {}).value(), (std::vector<KdcAddress>{{"three", 88}}));
  EXPECT_EQ(configured.kdcs("C", {}).error().code, Errc::kUnreachable);
}

}  // namespace
}  // namespace pocketgss
