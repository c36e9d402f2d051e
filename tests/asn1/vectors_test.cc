// Every typed read over vectors/asn1, and that a refusal leaves the reader as it was.
#include <gtest/gtest.h>

#include "asn1/reader.h"
#include "asn1/writer.h"
#include "tests/support/hex.h"
#include "tests/support/vector_file.h"

namespace pocketgss::asn1 {
namespace {

using testing::hex;
using testing::run_vectors;
using testing::VectorBlock;
using testing::VectorHandlers;

constexpr const char kField[] = "Field";

// refuses checks one read of the block's Der: the error, and that nothing was consumed.
template <typename Read>
void refuses(VectorBlock& block, Read&& read) {
  block.optional_word("Id");
  const Bytes der = block.bytes("Der");
  Reader reader{ByteView(der), 1000};
  const auto result = read(reader);
  EXPECT_EQ(reader.offset(), 1000U);
  EXPECT_EQ(reader.rest().data(), der.data());
  EXPECT_EQ(reader.rest().size(), der.size());
  ASSERT_FALSE(result.has_value());
  Error error = result.error();
  EXPECT_STREQ(error.where, kField);
  error.offset -= 1000;
  block.expect_error(error);
}

TEST(DerReader, DER_3_4_5_8_9_RefusesEveryRefusedVectorAtItsByte) {
  run_vectors(
      "asn1/refused.vec",
      VectorHandlers{
          {"Element", [](VectorBlock& b) { refuses(b, [](Reader& r) { return r.any(kField); }); }},
          {"Boolean",
           [](VectorBlock& b) { refuses(b, [](Reader& r) { return r.boolean(kField); }); }},
          {"Int32", [](VectorBlock& b) { refuses(b, [](Reader& r) { return r.int32(kField); }); }},
          {"Uint32",
           [](VectorBlock& b) { refuses(b, [](Reader& r) { return r.uint32(kField); }); }},
          {"Enumerated",
           [](VectorBlock& b) { refuses(b, [](Reader& r) { return r.enumerated(kField); }); }},
          {"BitString",
           [](VectorBlock& b) { refuses(b, [](Reader& r) { return r.bit_string(kField); }); }},
          {"OctetString",
           [](VectorBlock& b) { refuses(b, [](Reader& r) { return r.octet_string(kField); }); }},
          {"Oid", [](VectorBlock& b) { refuses(b, [](Reader& r) { return r.oid(kField); }); }},
          {"GeneralString",
           [](VectorBlock& b) { refuses(b, [](Reader& r) { return r.general_string(kField); }); }},
      });
}

// takes reads the block's Der to its end, and writes the value again.
template <typename Read, typename Write>
void takes(VectorBlock& block, Read&& read, Write&& write) {
  const Bytes der = block.bytes("Der");
  Reader reader{ByteView(der)};
  const auto result = read(reader);
  ASSERT_TRUE(result.has_value()) << describe(result.error());
  EXPECT_TRUE(reader.at_end());
  EXPECT_EQ(reader.offset(), der.size());
  Writer writer;
  write(writer, result.value());
  EXPECT_EQ(hex(std::move(writer).take().value()), hex(der));
}

void takes_boolean(VectorBlock& block) {
  const bool expected = block.word("Value") == "true";
  takes(
      block, [](Reader& r) { return r.boolean(kField); },
      [&](Writer& w, bool value) {
        EXPECT_EQ(value, expected);
        w.boolean(value);
      });
}

void takes_int32(VectorBlock& block) {
  const auto expected = static_cast<int32_t>(block.number("Value"));
  takes(
      block, [](Reader& r) { return r.int32(kField); },
      [&](Writer& w, int32_t value) {
        EXPECT_EQ(value, expected);
        w.int32(value);
      });
}

void takes_uint32(VectorBlock& block) {
  const uint64_t expected = block.number("Value");
  takes(
      block, [](Reader& r) { return r.uint32(kField); },
      [&](Writer& w, uint32_t value) {
        EXPECT_EQ(value, expected);
        w.uint32(value);
      });
}

void takes_enumerated(VectorBlock& block) {
  const uint64_t expected = block.number("Value");
  takes(
      block, [](Reader& r) { return r.enumerated(kField); },
      [&](Writer& w, uint32_t value) {
        EXPECT_EQ(value, expected);
        w.enumerated(value);
      });
}

void takes_bit_string(VectorBlock& block) {
  const Bytes octets = block.bytes("Octets");
  const uint64_t unused_bits = block.number("UnusedBits");
  takes(
      block, [](Reader& r) { return r.bit_string(kField); },
      [&](Writer& w, const Reader::BitString& value) {
        EXPECT_EQ(hex(value.octets), hex(octets));
        EXPECT_EQ(value.unused_bits, unused_bits);
        w.bit_string(value.octets, value.unused_bits);
      });
}

void takes_octet_string(VectorBlock& block) {
  const Bytes octets = block.bytes("Octets");
  takes(
      block, [](Reader& r) { return r.octet_string(kField); },
      [&](Writer& w, ByteView value) {
        EXPECT_EQ(hex(value), hex(octets));
        w.octet_string(value);
      });
}

void takes_general_string(VectorBlock& block) {
  const std::string text = block.text("Text");
  takes(
      block, [](Reader& r) { return r.general_string(kField); },
      [&](Writer& w, std::string_view value) {
        EXPECT_EQ(value, text);
        w.general_string(value);
      });
}

void takes_oid(VectorBlock& block) {
  const std::string text = block.text("Text");
  takes(
      block, [](Reader& r) { return r.oid(kField); },
      [&](Writer& w, Oid value) {
        EXPECT_EQ(dotted(value), text);
        w.oid(value);
      });
}

void takes_element(VectorBlock& block) {
  const Bytes tag = block.bytes("Tag");
  const Bytes contents = block.bytes("Contents");
  takes(
      block, [](Reader& r) { return r.any(kField); },
      [&](Writer& w, const Reader::Element& value) {
        EXPECT_EQ(Bytes{value.tag.octet}, tag);
        EXPECT_EQ(hex(value.contents), hex(contents));
        EXPECT_EQ(value.whole.from(value.contents_offset).data(), value.contents.data());
        w.element(value.tag, value.contents);
      });
}

TEST(DerReader, DER_8_10_TakesEveryAcceptedVectorAndWritesItBack) {
  run_vectors("asn1/accepted.vec", VectorHandlers{{"Boolean", takes_boolean},
                                                  {"Int32", takes_int32},
                                                  {"Uint32", takes_uint32},
                                                  {"Enumerated", takes_enumerated},
                                                  {"BitString", takes_bit_string},
                                                  {"OctetString", takes_octet_string},
                                                  {"GeneralString", takes_general_string},
                                                  {"Oid", takes_oid},
                                                  {"Element", takes_element}});
}

}  // namespace
}  // namespace pocketgss::asn1
