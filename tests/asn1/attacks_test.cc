// The rows DER-1 to DER-11 of the known attacks: depth, time, memory, and machine-made bad DER.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <initializer_list>
#include <vector>

#include "asn1/dump.h"
#include "asn1/reader.h"
#include "asn1/writer.h"
#include "tests/support/allocations.h"
#include "tests/support/der_negatives.h"
#include "tests/support/hex.h"
#include "tests/support/sanitized.h"
#include "tests/support/vector_file.h"

namespace pocketgss::asn1 {
namespace {

using testing::AllocationWatch;
using testing::unhex;

// walk visits every element, nested ones by a list of its own, and counts them. It is what a parser
// without a grammar would do; returns false where the bytes are no DER.
bool walk(ByteView der, size_t& elements) {
  std::vector<Reader> open{Reader(der)};
  while (!open.empty()) {
    if (open.back().at_end()) {
      open.pop_back();
      continue;
    }
    const Result<Reader::Element> e = open.back().any("element");
    if (!e.has_value()) return false;
    ++elements;
    if (e.value().tag.constructed())
      open.emplace_back(e.value().contents, e.value().contents_offset);
  }
  return true;
}

Bytes repeated(const char* hex, size_t count) {
  const Bytes once = unhex(hex);
  Bytes out;
  for (size_t i = 0; i < count; ++i) append(out, once);
  return out;
}

TEST(DerReader, DER_1_RefusesIndefiniteLengthsAtTheFirst) {
  for (const char* pair : {"3080", "a080", "a0803080"}) {
    for (const size_t count : {33U, 100000U}) {
      const Bytes der = repeated(pair, count);
      Reader reader{ByteView(der)};
      EXPECT_EQ(reader.enter(Tag{der[0]}, "field").error(),
                (Error{Errc::kMalformed, "field", 1, 0}));
      size_t elements = 0;
      EXPECT_FALSE(walk(der, elements));
      EXPECT_EQ(elements, 0U);
    }
  }
}

// Nested definite SEQUENCEs, the longest that fit into `size` bytes.
Bytes nested_sequences(size_t size) {
  Bytes backwards;
  for (size_t inner = 0; inner + 6 <= size; inner = backwards.size()) {
    Bytes header{0x30};
    if (inner < 0x80) {
      header.push_back(static_cast<uint8_t>(inner));
    } else if (inner < 0x100) {
      header.insert(header.end(), {0x81, static_cast<uint8_t>(inner)});
    } else if (inner < 0x10000) {
      header.insert(header.end(),
                    {0x82, static_cast<uint8_t>(inner >> 8), static_cast<uint8_t>(inner)});
    } else {
      header.insert(header.end(), {0x83, static_cast<uint8_t>(inner >> 16),
                                   static_cast<uint8_t>(inner >> 8), static_cast<uint8_t>(inner)});
    }
    backwards.insert(backwards.end(), header.rbegin(), header.rend());
  }
  return Bytes(backwards.rbegin(), backwards.rend());
}

// Runs `body` on a stack of 16 KiB with an inaccessible page below it: more is a crash.
class SmallStack {
 public:
  static constexpr size_t kSize = 16 * 1024;

  SmallStack() {
    block_ =
        mmap(nullptr, kPage + kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block_ == MAP_FAILED || mprotect(block_, kPage, PROT_NONE) != 0) std::abort();
  }
  ~SmallStack() { munmap(block_, kPage + kSize); }
  SmallStack(const SmallStack&) = delete;
  SmallStack& operator=(const SmallStack&) = delete;

  void run(void (*body)()) {
    ucontext_t caller;
    ucontext_t callee;
    if (getcontext(&callee) != 0) std::abort();
    callee.uc_stack.ss_sp = static_cast<uint8_t*>(block_) + kPage;
    callee.uc_stack.ss_size = kSize;
    callee.uc_link = &caller;
    makecontext(&callee, body, 0);
    if (swapcontext(&caller, &callee) != 0) std::abort();
  }

 private:
  static constexpr size_t kPage = 65536;  // as large as any page
  void* block_;
};

// The body runs without gtest on its stack; what it finds goes through these.
const Bytes* g_input = nullptr;
size_t g_elements = 0;
bool g_accepted = false;
std::string* g_dump = nullptr;

TEST(DerReader, DER_1_WalksDeepNestingOnSixteenKibOfStack) {
  const Bytes deep = nested_sequences(64 * 1024);
  g_input = &deep;
  g_elements = 0;
  SmallStack().run([] { g_accepted = walk(*g_input, g_elements); });
  EXPECT_TRUE(g_accepted);
  EXPECT_GT(g_elements, 16000U);
}

TEST(DerDump, DER_1_NeedsNoMoreThanSixteenKibOfStack) {
  if (pocketgss::testing::kSanitized) GTEST_SKIP() << "stack frames are larger under a sanitizer";
  const Bytes deep = nested_sequences(64 * 1024);
  std::string text;
  g_input = &deep;
  g_dump = &text;
  SmallStack().run([] { *g_dump = dump(*g_input); });
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), kMaxDumpDepth);
}

// DER-2 by counting steps, not by the clock: an element costs one call of any(), which looks at its
// header alone, so the steps of a walk are its elements.
TEST(DerReader, DER_2_TakesStepsInProportionToTheInput) {
  for (const bool deep : {false, true}) {
    size_t once = 0;
    size_t twice = 0;
    const auto input = [deep](size_t size) {
      return deep ? nested_sequences(size) : repeated("0500", size / 2);
    };
    EXPECT_TRUE(walk(input(32 * 1024), once));
    EXPECT_TRUE(walk(input(64 * 1024), twice));
    EXPECT_LT(static_cast<double>(twice) / static_cast<double>(once), 2.5);
    EXPECT_LE(twice, 64U * 1024 / 2);
  }
}

// And such a step does not touch the contents: here they cannot be read at all.
TEST(DerReader, DER_2_SkipsContentsWithoutLookingAtThem) {
  constexpr size_t kPage = 65536;
  void* const block =
      mmap(nullptr, 2 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(block, MAP_FAILED);
  uint8_t* const contents = static_cast<uint8_t*>(block) + kPage;
  const std::array<uint8_t, 4> header = {0x30, 0x82, 0xff, 0xff};
  std::copy(header.begin(), header.end(), contents - header.size());
  ASSERT_EQ(mprotect(contents, kPage, PROT_NONE), 0);
  const ByteView der(contents - header.size(), header.size() + 0xffff);
  const auto reader = [&der] { return Reader(der); };
  EXPECT_TRUE(reader().skip("f").has_value());
  EXPECT_TRUE(reader().any("f").has_value());
  EXPECT_TRUE(reader().enter(kSequence, "f").has_value());
  EXPECT_TRUE(reader().element(kSequence, "f").has_value());
  munmap(block, 2 * kPage);
}

TEST(DerDump, DER_2_PrintsInProportionToTheInput) {
  for (const bool deep : {false, true}) {
    const auto printed = [deep](size_t size) {
      return dump(deep ? nested_sequences(size) : repeated("0500", size / 2)).size();
    };
    EXPECT_LT(static_cast<double>(printed(64 * 1024)) / static_cast<double>(printed(32 * 1024)),
              2.5);
  }
}

// DER-3: the length that is claimed against the octets that are there, for every type of read.
TEST(DerReader, DER_3_RefusesALengthPastTheEndInEveryRead) {
  for (const uint8_t tag :
       std::initializer_list<uint8_t>{0x01, 0x02, 0x03, 0x04, 0x06, 0x0a, 0x1b, 0x30, 0x60, 0xa0}) {
    for (const char* length : {"05", "7f", "8180", "82ffff", "847fffffff", "84ffffffff",
                               "84fffffffa", "888000000000000000", "88ffffffffffffffff"}) {
      Bytes der{tag};
      append(der, unhex(length));
      append(der, unhex("01020304"));
      testing::with_exact_copy(der, [&](ByteView in) {
        Reader r(in);
        const Error expected{Errc::kMalformed, "f", 1, 0};
        EXPECT_EQ(r.contents(Tag{tag}, "f").error(), expected);
        EXPECT_EQ(r.element(Tag{tag}, "f").error(), expected);
        EXPECT_EQ(r.enter(Tag{tag}, "f").error(), expected);
        EXPECT_EQ(r.enter_optional(Tag{tag}, "f").error(), expected);
        EXPECT_EQ(r.any("f").error(), expected);
        EXPECT_EQ(r.skip("f").error(), expected);
        EXPECT_EQ(r.skip_extensions("f").error(), expected);
        EXPECT_EQ(r.int32("f", Tag{tag}).error(), expected);
        EXPECT_EQ(r.uint32("f", Tag{tag}).error(), expected);
        EXPECT_EQ(r.general_string("f", Tag{tag}).error(), expected);
        EXPECT_EQ(r.offset(), 0U);
        EXPECT_EQ(r.rest().data(), in.data());
      });
    }
  }
}

// DER-4: nothing is allocated by what a length says; reading allocates nothing at all.
TEST(DerReader, DER_4_AllocatesNothing) {
  const Bytes good = unhex("3009 0101ff 020180 0a0101");
  const Bytes bad = unhex("3084ffffffff");
  const AllocationWatch watch;
  Reader token{ByteView(good)};
  Reader seq = token.enter(kSequence, "s").value();
  EXPECT_TRUE(seq.boolean("b").has_value());
  EXPECT_TRUE(seq.int32("i").has_value());
  EXPECT_TRUE(seq.enumerated("e").has_value());
  EXPECT_FALSE(Reader{ByteView(bad)}.enter(kSequence, "s").has_value());
  EXPECT_EQ(watch.count(), 0U);
}

// 2^32 + 128 and 2^56 + 128 in front of 128 octets: what is left of them in 32 bits would fit.
TEST(DerReader, DER_4_RefusesALengthThatWouldWrap) {
  for (const char* length : {"850100000080", "880100000000000080"}) {
    Bytes der{kOctetString.octet};
    append(der, unhex(length));
    der.resize(der.size() + 128);
    EXPECT_EQ(Reader{ByteView(der)}.octet_string("f").error(),
              (Error{Errc::kMalformed, "f", 1, 0}));
  }
}

TEST(DerDump, DER_4_AllocatesInProportionToTheInput) {
  const Bytes bad = unhex("3084ffffffff");
  const AllocationWatch watch;
  dump(bad);
  EXPECT_LE(watch.largest(), 256U);
}

// DER-5: a type whose contents may not be empty.
TEST(DerReader, DER_5_RefusesEmptyContentsOfEachTypeThatNeedsSome) {
  const auto at_length = [](const auto& result) {
    return !result.has_value() && result.error() == Error{Errc::kMalformed, "f", 1, 0};
  };
  const auto reader = [](const Bytes& der) { return Reader{ByteView(der)}; };
  const Bytes boolean = unhex("0100"), integer = unhex("0200"), bits = unhex("0300");
  const Bytes oid = unhex("0600"), enumerated = unhex("0a00");
  EXPECT_TRUE(at_length(reader(boolean).boolean("f")));
  EXPECT_TRUE(at_length(reader(integer).int32("f")));
  EXPECT_TRUE(at_length(reader(integer).uint32("f")));
  EXPECT_TRUE(at_length(reader(bits).bit_string("f")));
  EXPECT_TRUE(at_length(reader(oid).oid("f")));
  EXPECT_TRUE(at_length(reader(enumerated).enumerated("f")));
}

// DER-8 and the negatives of every DER token in vectors/spnego: none walks as DER but one whose tag
// was changed to another that is well formed.
TEST(DerReader, DER_8_RefusesEveryDefectMadeByMachine) {
  size_t tried = 0;
  for (testing::VectorBlock& block : testing::load_vectors("spnego/constructed.vec")) {
    const Bytes token = block.bytes("Token");
    size_t elements = 0;
    ASSERT_TRUE(walk(token, elements)) << block.where();
    const auto any_tag = [](size_t, uint8_t) { return true; };
    for (const testing::DerNegative& bad : testing::der_negatives(token, any_tag)) {
      testing::with_exact_copy(bad.der, [&](ByteView in) {
        Reader reader(in);
        // One element and nothing else, as every token of ours is read.
        size_t seen = 0;
        const bool accepted = reader.skip("token").has_value() && reader.at_end() && walk(in, seen);
        EXPECT_FALSE(accepted) << block.where() << ": " << bad.what;
        ++tried;
      });
    }
  }
  EXPECT_GT(tried, 500U);
}

TEST(DerReader, RefusesEveryOtherTag) {
  for (unsigned tag = 0; tag < 256; ++tag) {
    if (tag == kOctetString.octet) continue;
    const std::array<uint8_t, 3> der = {static_cast<uint8_t>(tag), 1, 0};
    Reader reader{ByteView(der)};
    EXPECT_EQ(reader.octet_string("f").error(), (Error{Errc::kMalformed, "f", 0, 0})) << tag;
  }
}

TEST(DerReader, DER_9_RefusesAnEmptyInputInEveryRead) {
  Reader r{ByteView()};
  const Error expected{Errc::kMalformed, "f", 0, 0};
  EXPECT_EQ(r.enter(kSequence, "f").error(), expected);
  EXPECT_EQ(r.element(kSequence, "f").error(), expected);
  EXPECT_EQ(r.contents(kSequence, "f").error(), expected);
  EXPECT_EQ(r.any("f").error(), expected);
  EXPECT_EQ(r.skip("f").error(), expected);
  EXPECT_EQ(r.boolean("f").error(), expected);
  EXPECT_EQ(r.int32("f").error(), expected);
  EXPECT_EQ(r.uint32("f").error(), expected);
  EXPECT_EQ(r.enumerated("f").error(), expected);
  EXPECT_EQ(r.octet_string("f").error(), expected);
  EXPECT_EQ(r.oid("f").error(), expected);
  EXPECT_EQ(r.bit_string("f").error(), expected);
  EXPECT_EQ(r.general_string("f").error(), expected);
  EXPECT_FALSE(r.enter_optional(kSequence, "f").value().has_value());
  EXPECT_TRUE(r.finish("f").has_value());
  EXPECT_TRUE(r.skip_extensions("f").has_value());
  EXPECT_FALSE(r.next_is(kSequence));
}

TEST(DerReader, DER_10_KeepsNulBytesInStrings) {
  const Bytes cut = unhex("1b050041414141"), whole = unhex("1b0441414141");
  Reader a{ByteView(cut)};
  Reader b{ByteView(whole)};
  const std::string_view with_nul = a.general_string("f").value();
  EXPECT_EQ(with_nul.size(), 5U);
  EXPECT_NE(with_nul, b.general_string("f").value());
}

TEST(DerReader, SkipExtensionsRefusesWhatIsNoDerAndMovesNothing) {
  const Bytes der = unhex("0500 0500 0480");
  Reader reader{ByteView(der)};
  EXPECT_EQ(reader.skip_extensions("f").error(), (Error{Errc::kMalformed, "f", 5, 0}));
  EXPECT_EQ(reader.offset(), 0U);
}

}  // namespace
}  // namespace pocketgss::asn1
