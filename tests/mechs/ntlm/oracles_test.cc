// The oracles of the fuzz targets, over the vectors and over what a generator makes of them.
#include <gtest/gtest.h>

#include <random>

#include "fuzz/oracles_ntlm.h"
#include "mechs/ntlm/messages.h"
#include "tests/support/vector_file.h"

namespace pocketgss::mechs::ntlm {
namespace {

using pocketgss::testing::load_vectors;

void check(ByteView message) {
  fuzz::check_ntlm_negotiate(message);
  fuzz::check_ntlm_challenge(message);
  fuzz::check_ntlm_authenticate(message);
}

// check_near: the message, what is left of it at every length, and with every octet another.
void check_near(const Bytes& message) {
  check(message);
  for (size_t size = 0; size < message.size(); ++size) check(ByteView(message).prefix(size));
  for (size_t at = 0; at < message.size(); ++at) {
    for (const int flip : {0x01, 0x80, 0xff}) {
      Bytes other = message;
      other[at] ^= static_cast<uint8_t>(flip);
      check(other);
    }
  }
}

TEST(NtlmOracles, HoldNearEveryMessageOfTheVectors) {
  size_t messages = 0;
  for (const char* file : {"ntlm/ms_nlmp_4_2.vec", "ntlm/refused.vec"}) {
    for (auto& block : load_vectors(file)) {
      for (const char* attribute : {"Message", "Challenge"}) {
        if (!block.has(attribute)) continue;
        check_near(block.bytes(attribute));
        ++messages;
      }
      block.ignore_unread();
    }
  }
  EXPECT_GE(messages, 15u);
}

TEST(NtlmOracles, HoldForListsOfPairs) {
  std::minstd_rand random(1);
  for (int round = 0; round < 2000; ++round) {
    Bytes list;
    for (size_t n = random() % 5; n > 0; --n)
      append_av_pair(list, static_cast<AvId>(random() % 12), Bytes(random() % 20));
    append_av_eol(list);
    list.resize(list.size() + random() % 5);
    fuzz::check_ntlm_av_pairs(list);
  }
}

// The session oracle aborts where a side believes what it should not: M1 of the test methods, with
// NTL-1, NTL-4 and NTL-14.
TEST(NtlmOracles, NTL_1_NTL_4_NTL_14_HoldForExchangesWithAHandInBetween) {
  std::minstd_rand random(2);
  for (int round = 0; round < 4000; ++round) {
    Bytes script(random() % 60);
    for (uint8_t& octet : script)
      octet = random() % 3 == 0 ? static_cast<uint8_t>(random()) : uint8_t{0};
    fuzz::check_ntlm_session(script);
  }
}

}  // namespace
}  // namespace pocketgss::mechs::ntlm
