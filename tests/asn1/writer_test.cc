// Writer: the encodings that X.690 asks for, and what an error does.
#include "asn1/writer.h"

#include <gtest/gtest.h>

#include "tests/support/hex.h"

namespace pocketgss::asn1 {
namespace {

using testing::hex;

template <typename Body>
std::string written(Body&& body, size_t expected_size = 0) {
  Writer writer(expected_size);
  body(writer);
  return hex(std::move(writer).take().value());
}

TEST(DerWriter, WritesIntegersInTheFewestOctets) {
  const auto int32 = [](int32_t v) { return written([&](Writer& w) { w.int32(v); }); };
  EXPECT_EQ(int32(0), "020100");
  EXPECT_EQ(int32(127), "02017f");
  EXPECT_EQ(int32(128), "02020080");
  EXPECT_EQ(int32(-128), "020180");
  EXPECT_EQ(int32(-129), "0202ff7f");
  EXPECT_EQ(int32(INT32_MIN), "020480000000");
  EXPECT_EQ(written([](Writer& w) { w.uint32(UINT32_MAX); }), "020500ffffffff");
}

TEST(DerWriter, PutsLengthsInTheFewestOctetsWhateverSizeWasExpected) {
  for (const size_t size : {0U, 1U, 127U, 128U, 255U, 256U, 65535U, 65536U}) {
    const Bytes contents(size, 0x5a);
    const std::string flat = written([&](Writer& w) { w.element(kSequence, contents); });
    for (const size_t expected : {0U, 1U, 64U, 130U, 300U, 70000U}) {
      EXPECT_EQ(
          flat,
          written([&](Writer& w) { w.nest(kSequence, [&](Writer& seq) { seq.raw(contents); }); },
                  expected))
          << size << " expected " << expected;
    }
  }
}

TEST(DerWriter, ClearsUnusedBits) {
  const uint8_t octets[] = {0xff, 0xff};
  EXPECT_EQ(written([&](Writer& w) { w.bit_string(ByteView(octets), 3); }), "030303fff8");
}

TEST(DerWriter, RefusesEightUnusedBits) {
  Writer writer;
  writer.bit_string({}, 8);
  EXPECT_EQ(std::move(writer).take().error().code, Errc::kApiMisuse);
}

}  // namespace
}  // namespace pocketgss::asn1
