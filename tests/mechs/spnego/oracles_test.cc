// The oracles of the fuzz targets over the vectors, and sessions of pseudo-random scripts.
#include "fuzz/oracles_spnego.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/support/vector_file.h"

namespace pocketgss::fuzz {
namespace {

TEST(SpnegoOracles, HoldOverTheVectorsAndWhatASingleFlippedBitMakesOfThem) {
  for (const char* file : {"spnego/constructed.vec", "spnego/refused.vec"}) {
    for (testing::VectorBlock block : testing::load_vectors(file)) {
      Bytes token = block.bytes("Token");
      block.ignore_unread();
      for (size_t bit = 0; bit <= 8 * token.size(); ++bit) {
        if (bit > 0) token[(bit - 1) / 8] ^= static_cast<uint8_t>(1U << (bit - 1) % 8);
        check_gss_wrapper(token);
        check_spnego_init(token);
        check_spnego_resp(token);
        if (bit > 0) token[(bit - 1) / 8] ^= static_cast<uint8_t>(1U << (bit - 1) % 8);
      }
    }
  }
}

TEST(SpnegoOracles, HoldOverPseudoRandomSessions) {
  std::mt19937 random(4178);
  for (int i = 0; i < 20'000; ++i) {
    Bytes script(3 + random() % 24);
    for (uint8_t& byte : script) byte = static_cast<uint8_t>(random() % 3 == 0 ? random() : 0);
    for (size_t at = 0; at < 3; ++at) script[at] = static_cast<uint8_t>(random());
    check_spnego_session(script);
  }
}

}  // namespace
}  // namespace pocketgss::fuzz
