// What the sources of the library must not say.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <string>
#include <vector>

namespace pocketgss {
namespace {

using Layers = std::vector<const char*>;
const Layers kAllLayers = {"base", "asn1", "mechs", "lib", "sasl"};

std::vector<std::filesystem::path> sources(const Layers& layers) {
  const auto root = std::filesystem::path(PGSS_VECTORS_DIR).parent_path();
  std::vector<std::filesystem::path> files;
  for (const char* layer : layers) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root / layer)) {
      const auto extension = entry.path().extension();
      if (extension == ".cc" || extension == ".h") files.push_back(entry.path());
    }
  }
  return files;
}

// expect_nowhere: no line but those of `allowed` matches.
void expect_nowhere(const std::string& pattern, const std::vector<std::string>& allowed,
                    const Layers& layers = kAllLayers) {
  const std::regex forbidden(pattern);
  for (const auto& file : sources(layers)) {
    std::ifstream in(file);
    int number = 0;
    for (std::string line; std::getline(in, line);) {
      ++number;
      const std::string code = line.substr(0, line.find("//"));
      if (!std::regex_search(code, forbidden)) continue;
      const auto in_code = [&](const std::string& text) { return code.find(text) != code.npos; };
      if (std::any_of(allowed.begin(), allowed.end(), in_code)) continue;
      ADD_FAILURE() << file << ":" << number << ": " << line;
    }
  }
}

// ct_equal is the one way to compare what may be a secret: these stop at the first difference.
TEST(Sources, TIM_1_P21_CompareMemoryByCtEqualAlone) {
  ASSERT_GT(sources(kAllLayers).size(), 40u);
  expect_nowhere(R"(\b(memcmp|bcmp|strncmp|strcasecmp)\s*\()", {});
  expect_nowhere(R"(\bstrcmp\s*\()", {"std::strcmp(where, other.where)"});  // static text of errors
  // Names and lists of public things, in mechs/krb5.
  expect_nowhere(R"(\bstd::(ranges::)?(equal|mismatch|lexicographical_compare)\s*\()",
                 {"std::equal(a.begin(), a.end(), b.begin(), b.end(),",
                  "std::equal(begin(), end(), other.begin())", "a.components.begin()"},
                 {"mechs"});
}

// A secret's view compared by ==, which ByteView has for public bytes. (Both of those allowed are
// OIDs.) What `::` follows is the name of a type.
TEST(Sources, TIM_1_P21_CompareNoKeyOrMicByOperator) {
  expect_nowhere(
      R"(([Mm]ac|[Kk]ey|[Hh]ash|[Mm]ic|[Pp]roof|[Cc]hecksum)(_|\(\)|\.view\(\))*\s*[!=]= )"
      R"((expected|ours|sent|\w*([Kk]ey|[Hh]ash|[Mm]ic|[Pp]roof|[Cc]hecksum))(?!::))",
      {"hash == mask_hash"});
}

// whole gives a source in one piece, without its comments.
std::string whole(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::string out;
  for (std::string line; std::getline(in, line);) out += line.substr(0, line.find("//")) + "\n";
  return out;
}

// What the caller's own policy refuses begins with the row of docs/policy.md, so that a user finds
// what to change. `what` is policy()'s own, and its callers are looked at too.
TEST(Sources, WhatAPolicyRefusesBeginsWithItsRow) {
  const std::regex refusal(R"((?:Errc::kPolicy,|\bpolicy\((?=\s*"))\s*([^\s][^,]{0,6}))");
  const std::regex row(R"(^"P[1-9][0-9]?: .*)");
  size_t found = 0;
  for (const auto& file : sources({"base", "asn1", "mechs", "lib", "sasl", "tools"})) {
    const std::string text = whole(file);
    for (std::sregex_iterator it(text.begin(), text.end(), refusal), end; it != end; ++it) {
      const std::string words = (*it)[1];
      if (words == "what" || words.starts_with("\"policy")) continue;  // base/error.cc's table
      ++found;
      EXPECT_TRUE(std::regex_match(words, row)) << file << ": " << it->str();
    }
  }
  EXPECT_GT(found, 40u);
}

}  // namespace
}  // namespace pocketgss
