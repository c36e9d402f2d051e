// The list of the collections that the vectors come from: each entry is in a file or left out for a
// reason, and no file is of unknown origin.
#include <gtest/gtest.h>

#include <charconv>
#include <filesystem>
#include <map>
#include <set>

#include "tests/support/vector_file.h"

namespace pocketgss::mechs::krb5 {
namespace {

using pocketgss::testing::load_vectors;
using pocketgss::testing::run_vectors;
using pocketgss::testing::VectorBlock;

std::vector<std::string> texts(VectorBlock& block, const char* name) {
  std::vector<std::string> out;
  for (const Bytes& text : block.bytes_list(name)) out.emplace_back(as_text(text));
  return out;
}

// Place is "krb5/checksum.vec RSA-MD5 1": file, kind of block, how many.
struct Place {
  std::string file, kind;
  size_t count = 0;
};
Place place_of(const std::string& text) {
  const size_t first = text.find(' '), last = text.rfind(' ');
  Place out{text.substr(0, first), text.substr(first + 1, last - first - 1), 0};
  const auto [end, error] =
      std::from_chars(text.data() + last + 1, text.data() + text.size(), out.count);
  EXPECT_TRUE(error == std::errc() && end == text.data() + text.size()) << text;
  return out;
}

using Counts = std::map<std::string, std::map<std::string, size_t>>;  // by file and kind

class Sources : public ::testing::Test {
 protected:
  void set(VectorBlock& block) {
    const std::string name = block.text("Name");
    EXPECT_FALSE(block.text("Origin").empty());
    EXPECT_TRUE(entries_.emplace(name, block.number("Entries")).second) << name;
    accounted_[name] = places(block);
  }
  void again(VectorBlock& block) { places(block); }
  void others(VectorBlock& block) {
    EXPECT_FALSE(block.text("Origin").empty());
    places(block);
  }
  void left_out(VectorBlock& block) {
    EXPECT_FALSE(block.text("Reason").empty());
    const std::string set = block.text("Set");
    ASSERT_EQ(entries_.count(set), 1U) << set;
    const size_t names = texts(block, "Name").size();
    EXPECT_GE(names, 1U);
    accounted_[set] += names;
  }
  void partly(VectorBlock& block) {
    EXPECT_FALSE(block.text("Reason").empty());
    const std::string set = block.text("Set");
    ASSERT_EQ(accounted_.count(set), 1U) << set;
    const size_t names = texts(block, "Name").size();
    EXPECT_GE(names, 1U);
    EXPECT_LE(names, accounted_.at(set)) << set;
  }

  // places notes what the block says is where, and returns how much.
  size_t places(VectorBlock& block) {
    size_t sum = 0;
    for (const std::string& text : texts(block, "In")) {
      const Place place = place_of(text);
      claimed_[place.file][place.kind] += place.count;
      sum += place.count;
    }
    return sum;
  }

  static Counts blocks_of(const std::set<std::string>& files) {
    Counts out;
    for (const std::string& file : files) {
      for (const VectorBlock& block : load_vectors(file)) ++out[file][block.instruction()];
    }
    return out;
  }

  void compare(const std::string& file, const std::map<std::string, size_t>& kinds) {
    if (const auto whole = kinds.find("*"); whole != kinds.end()) {
      EXPECT_EQ(kinds.size(), 1U) << file;
      EXPECT_EQ(load_vectors(file).size(), whole->second) << file;
      return;
    }
    EXPECT_EQ(kinds, blocks_of({file})[file]) << file;
  }

  std::map<std::string, size_t> entries_, accounted_;
  Counts claimed_;
};

TEST_F(Sources, EveryEntryOfEverySetIsInAFileOrLeftOutForAReason) {
  run_vectors("krb5/sources.vec", {{"Set", [&](VectorBlock& block) { set(block); }},
                                   {"Again", [&](VectorBlock& block) { again(block); }},
                                   {"Others", [&](VectorBlock& block) { others(block); }},
                                   {"LeftOut", [&](VectorBlock& block) { left_out(block); }},
                                   {"Partly", [&](VectorBlock& block) { partly(block); }}});
  EXPECT_EQ(accounted_, entries_);
  size_t sum = 0;
  for (const auto& [name, count] : entries_) sum += count;
  EXPECT_EQ(entries_.size(), 20U);
  EXPECT_EQ(sum, 462U);

  for (const auto& [file, kinds] : claimed_) compare(file, kinds);
  const std::filesystem::path root = PGSS_VECTORS_DIR;
  for (const auto& entry : std::filesystem::directory_iterator(root / "krb5")) {
    const std::string file = "krb5/" + entry.path().filename().string();
    EXPECT_EQ(claimed_.count(file), file == "krb5/sources.vec" ? 0U : 1U) << file;
  }
}

}  // namespace
}  // namespace pocketgss::mechs::krb5
