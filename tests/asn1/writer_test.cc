// Writer: the encodings that X.690 asks for, and what an error does.
#include "asn1/writer.h"

#include <gtest/gtest.h>

#include <array>
#include <random>

#include "tests/support/allocations.h"
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

TEST(DerWriter, ReusesABufferWithoutAllocating) {
  Bytes buffer(64, 0xee);
  const testing::AllocationWatch watch;
  Writer writer(std::move(buffer));
  writer.nest(kSequence, [](Writer& seq) { seq.int32(5); });
  buffer = std::move(writer).take().value();
  EXPECT_EQ(watch.count(), 0U);
  EXPECT_EQ(hex(buffer), "3003020105");
}

TEST(DerWriter, WritesIntoMemoryOfTheCallersAndNowhereElse) {
  const auto write = [](Writer& w) {
    w.nest(kSequence, [](Writer& seq) {
      seq.nest(context(0), [](Writer& tagged) { tagged.octet_string(Bytes(150, 7)); });
      seq.int32(5);
    });
  };
  const std::string expected = written(write);
  const size_t needed = expected.size() / 2;
  for (size_t size = 0; size < needed + 300; ++size) {
    Bytes buffer(size, 0xee);
    const testing::AllocationWatch watch;
    Writer writer{MutableBytes(buffer)};
    const std::array<uint8_t, 150> octets{7, 7, 7};
    writer.nest(kSequence, [&](Writer& seq) {
      seq.nest(context(0), [&](Writer& tagged) { tagged.octet_string(ByteView(octets)); });
      seq.int32(5);
    });
    const auto result = std::move(writer).written();
    EXPECT_EQ(watch.count(), 0U);
    ASSERT_EQ(result.has_value(), size >= needed) << size;
    if (result.has_value()) {
      EXPECT_EQ(result.value(), needed);
    } else {
      EXPECT_EQ(result.error().code, Errc::kApiMisuse);
    }
  }
}

TEST(DerWriter, AllocatesOnceWhereTheExpectedSizeSuffices) {
  const Bytes contents(300, 1);
  const testing::AllocationWatch watch;
  Writer writer(315);
  writer.nest(kSequence, [&](Writer& outer) {
    outer.int32(5);
    outer.nest(context(0), [&](Writer& inner) { inner.octet_string(contents); });
  });
  const Result<Bytes> der = std::move(writer).take();
  EXPECT_EQ(watch.count(), 1U);
  EXPECT_EQ(der.value().size(), 315U);
}

// A tree of elements from a small random generator: nested to `depth`, with contents of many sizes.
void write_tree(Writer& writer, std::minstd_rand& random, int depth) {
  const size_t children = 1 + random() % 3;
  for (size_t i = 0; i < children; ++i) {
    if (depth == 0 || random() % 3 == 0) {
      static constexpr size_t kSizes[] = {0, 1, 2, 60, 120, 123, 125, 126, 127, 128, 250, 253, 256};
      static constexpr std::array<uint8_t, 300> kContents{};
      writer.octet_string(ByteView(kContents.data(), kSizes[random() % std::size(kSizes)]));
    } else {
      writer.nest(kSequence, [&](Writer& inner) { write_tree(inner, random, depth - 1); });
    }
  }
}

TEST(DerWriter, NeedsNoSecondAllocationWhateverTheShape) {
  for (unsigned seed = 1; seed <= 2000; ++seed) {
    std::minstd_rand random(seed);
    Writer unhinted;
    write_tree(unhinted, random, 5);
    const Bytes expected = std::move(unhinted).take().value();
    random.seed(seed);
    const testing::AllocationWatch watch;
    Writer hinted(expected.size());
    write_tree(hinted, random, 5);
    const Result<Bytes> der = std::move(hinted).take();
    EXPECT_EQ(watch.count(), 1U) << "seed " << seed << ", " << expected.size() << " bytes";
    EXPECT_EQ(der.value(), expected);
  }
}

TEST(DerWriter, MEM_3_ReportsAFailedAllocation) {
  const Bytes contents(300, 1);
  for (size_t n = 1;; ++n) {
    ASSERT_LT(n, 20U);
    const testing::FailingAllocations failing(n);
    Writer writer;
    writer.nest(kSequence, [&](Writer& outer) {
      outer.int32(5);
      outer.nest(context(0), [&](Writer& inner) { inner.octet_string(contents); });
    });
    const Result<Bytes> der = std::move(writer).take();
    if (!failing.reached()) {
      EXPECT_TRUE(der.has_value());
      break;
    }
    ASSERT_FALSE(der.has_value()) << n;
    EXPECT_EQ(der.error().code, Errc::kNoMemory);
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
