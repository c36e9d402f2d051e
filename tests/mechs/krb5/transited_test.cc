// The paths between realms that an acceptor takes without a KDC's word.
#include "mechs/krb5/transited.h"

#include <gtest/gtest.h>

#include <string>

#include "fuzz/oracles_krb5_files.h"
#include "tests/support/vector_file.h"

namespace pocketgss::mechs::krb5 {
namespace {

using testing::run_vectors;
using testing::VectorBlock;

void expect_path(VectorBlock& block, bool expected) {
  const std::string contents = block.text("Contents"), client = block.text("Client"),
                    server = block.text("Server");
  EXPECT_EQ(is_hierarchical_path(as_bytes(contents), client, server), expected) << contents;
  EXPECT_EQ(is_hierarchical_path(as_bytes(contents), server, client), expected) << contents;
}

TEST(KrbTransited, P13_ReadsTheVectors) {
  run_vectors("krb5/transited.vec",
              {{"Path", [](VectorBlock& block) { expect_path(block, true); }},
               {"Other", [](VectorBlock& block) { expect_path(block, false); }}});
}

TEST(KrbTransited, P13_BoundsRealms) {
  const std::string longest = std::string(250, 'A') + ".TEST";
  EXPECT_TRUE(is_hierarchical_path(as_bytes(longest), "X." + longest, "EXAMPLE.TEST"));
  EXPECT_FALSE(is_hierarchical_path(as_bytes("A" + longest), "A" + longest, "EXAMPLE.TEST"));
  std::string grows = "TEST";
  for (int i = 0; i < 64; ++i) grows += ",AAAA.";
  std::string client = "TEST";
  for (int i = 0; i < 64; ++i) client = "AAAA." + client;
  EXPECT_FALSE(is_hierarchical_path(as_bytes(grows), client, client));
}

TEST(KrbTransited, OracleHoldsForAnyText) {
  uint32_t random = 1;
  const std::string_view alphabet = "AB.,\\/ \n";
  for (int i = 0; i < 20000; ++i) {
    std::string input;
    for (uint32_t left = (random >> 20) % 24; left > 0; --left) {
      random = random * 1664525 + 1013904223;
      input += alphabet[(random >> 16) % alphabet.size()];
    }
    random = random * 1664525 + 1013904223;
    fuzz::check_transited(as_bytes(input));
  }
}

}  // namespace
}  // namespace pocketgss::mechs::krb5
