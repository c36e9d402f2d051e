// The oracles of the fuzz targets over the vectors, and over what a few changed octets make of them.
#include "fuzz/oracles_krb5.h"

#include <gtest/gtest.h>

#include <random>

#include "fuzz/mutate_der.h"
#include "tests/support/vector_file.h"

namespace pocketgss::fuzz {
namespace {

using Check = void (*)(ByteView);
constexpr Check kChecks[] = {
    check_krb_kdc_req, check_krb_as_rep, check_krb_tgs_rep, check_krb_error_padata,
    check_krb_ap_req,  check_krb_ap_rep, check_pac};

std::vector<Bytes> inputs() {
  std::vector<Bytes> out;
  for (const auto& [file, attribute] :
       {std::pair{"krb5/mit_reference_encodings.vec", "Der"},
        std::pair{"krb5/kdc_exchanges.vec", "Message"}, std::pair{"krb5/pac.vec", "Pac"}}) {
    for (testing::VectorBlock block : testing::load_vectors(file)) {
      out.push_back(block.bytes(attribute));
      block.ignore_unread();
    }
  }
  return out;
}

TEST(Krb5Oracles, HoldOverTheVectors) {
  for (const Bytes& input : inputs()) {
    for (const Check check : kChecks) check(input);
  }
}

TEST(Krb5Oracles, HoldWhereABitIsFlipped) {
  for (Bytes input : inputs()) {
    if (input.size() > 400) continue;
    for (size_t bit = 0; bit < 8 * input.size(); ++bit) {
      const auto mask = static_cast<uint8_t>(1U << bit % 8);
      input[bit / 8] ^= mask;
      for (const Check check : kChecks) check(input);
      input[bit / 8] ^= mask;
    }
  }
}

TEST(Krb5Oracles, HoldWhereTheTreeOfElementsIsEdited) {
  const auto flip = [](uint8_t* data, size_t size, size_t) {
    if (size > 0) data[size / 2] ^= 0x11;
    return size;
  };
  for (const Bytes& input : inputs()) {
    for (unsigned seed = 0; seed < 40; ++seed) {
      Bytes edited = input;
      edited.resize(input.size() + 256);
      edited.resize(mutate_der(edited.data(), input.size(), edited.size(), seed, flip));
      for (const Check check : kChecks) check(edited);
    }
  }
}

// The oracles of contexts over octets that nobody chose.
TEST(Krb5Oracles, HoldOverRandomScripts) {
  std::mt19937 random(1);
  for (int i = 0; i < 3000; ++i) {
    Bytes script(random() % 40);
    for (uint8_t& octet : script) octet = static_cast<uint8_t>(random());
    check_krb_cfx_wrap(script);
    check_krb_cfx_mic(script);
    check_krb_rfc4757(script);
    check_krb_ap_session(script);
  }
}

}  // namespace
}  // namespace pocketgss::fuzz
