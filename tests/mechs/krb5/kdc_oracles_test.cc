// The oracles of the fuzz targets kdc_session and kdc_framing, over inputs that are made here.
#include "fuzz/oracles_kdc.h"

#include <gtest/gtest.h>

#include <random>

#include "lib/kdc_framing.h"

namespace pocketgss::fuzz {
namespace {

TEST(KdcOracles, HoldForHonestKdcs) {
  for (uint8_t settings = 0; settings < 16; ++settings)
    check_kdc_session(Bytes{settings, 0, 0, 0, 0, 0, 0});
}

TEST(KdcOracles, HoldForWhateverComes) {
  std::mt19937 random(1);  // the same inputs in each run
  for (int i = 0; i < 3000; ++i) {
    Bytes input(random() % 200);
    for (uint8_t& octet : input) octet = static_cast<uint8_t>(random());
    check_kdc_session(input);
    check_kdc_framing(input);
  }
}

TEST(KdcOracles, HoldForFrames) {
  check_kdc_framing(frame(Bytes(300, 'x')));
  check_kdc_framing(Bytes{});
  check_kdc_framing(Bytes{0, 4, 0, 1});
}

}  // namespace
}  // namespace pocketgss::fuzz
