// Encodings of what is not built (FAST, SPAKE, PKINIT and the rest): strict DER all of them, and as
// PA-DATA carried on unchanged.
#include <gtest/gtest.h>

#include "asn1/reader.h"
#include "asn1/writer.h"
#include "mechs/krb5/messages.h"
#include "mechs/krb5/padata.h"
#include "tests/mechs/krb5/fast.h"
#include "tests/support/hex.h"
#include "tests/support/vector_file.h"

namespace pocketgss::mechs::krb5 {
namespace {

using pocketgss::testing::hex;
using pocketgss::testing::load_vectors;
using pocketgss::testing::VectorBlock;

// copy reads every element down to the last and writes it anew.
Result<void> copy(asn1::Reader in, asn1::Writer& out) {
  while (!in.at_end()) {
    PGSS_TRY(const asn1::Reader::Element element, in.any("element"));
    if (!element.tag.constructed()) {
      out.element(element.tag, element.contents);
      continue;
    }
    Result<void> inside;
    out.nest(element.tag, [&](asn1::Writer& contents) {
      inside = copy(asn1::Reader(element.contents, element.contents_offset), contents);
    });
    PGSS_CHECK(std::move(inside));
  }
  return {};
}

void carried_on(ByteView der) {
  asn1::Writer copied;
  const auto read = copy(asn1::Reader(der), copied);
  ASSERT_TRUE(read.has_value()) << describe(read.error());
  EXPECT_EQ(hex(std::move(copied).take().value()), hex(der));

  constexpr int32_t kUnassigned = 9999;
  const std::array<PaData, 2> entries = {
      {{padata_type::kFxCookie, as_bytes("before")}, {kUnassigned, der}}};
  const Bytes hints = encode(MethodData(std::span(entries))).value();
  const MethodData parsed = parse_method_data(hints).value();
  EXPECT_EQ(hex(find(parsed, kUnassigned).value()), hex(der));
  EXPECT_EQ(hex(encode(parsed).value()), hex(hints));
  ASSERT_TRUE(parse_e_data(hints).method_data.has_value());

  KdcReq request;
  request.padata = MethodData(std::span(entries));
  request.req_body.realm = "EXAMPLE.TEST";
  request.req_body.till = KerberosTime{0};
  const Bytes message = encode(request).value();
  const KdcReq again = parse_as_req(message).value();
  EXPECT_EQ(hex(find(*again.padata, kUnassigned).value()), hex(der));
  EXPECT_EQ(hex(encode(again).value()), hex(message));
}

// carried_on_all returns how many there were.
size_t carried_on_all(const std::string& file, const std::string& instruction,
                      const std::vector<const char*>& attributes) {
  size_t count = 0;
  for (VectorBlock& block : load_vectors(file)) {
    if (block.instruction() != instruction) continue;
    SCOPED_TRACE(block.where());
    for (const char* name : attributes) {
      const auto der = block.optional_bytes(name);
      if (!der) continue;
      carried_on(*der);
      ++count;
    }
  }
  return count;
}

TEST(PadataNotRead, ReferenceEncodingsOfWhatIsNotBuiltAreCarriedOnUnchanged) {
  EXPECT_EQ(carried_on_all("krb5/mit_reference_encodings.vec", "OutOfScope", {"Der"}), 33U);
  EXPECT_EQ(carried_on_all("krb5/pkinit_encodings.vec", "PKINIT", {"Der"}), 8U);
}

TEST(PadataNotRead, SpakesMessagesAreCarriedOnUnchanged) {
  EXPECT_EQ(carried_on_all("krb5/spake.vec", "SPAKE", {"Support", "Challenge", "Body"}), 26U);
}

// The tables that recordings are opened with (fast.h) are those of MIT's encodings.
TEST(PadataNotRead, FastsReferenceEncodingsAreReadAndWrittenToTheSameBytes) {
  size_t count = 0;
  for (VectorBlock& block : load_vectors("krb5/mit_reference_encodings.vec")) {
    const std::string name = block.text("Name");
    const Bytes der = block.bytes("Der");
    if (name == "fast_response") {
      const auto response = decode<FastResponse>(der, "KrbFastResponse");
      EXPECT_EQ(hex(encode_new(response.value(), 0).value()), hex(der));
      ++count;
    }
    if (name == "pa_fx_fast_reply") {
      const auto reply = testing::parse_fast_reply(der);
      EXPECT_EQ(as_text(reply.value().enc_fast_rep.cipher), "krbASN.1 test message");
      ++count;
    }
  }
  EXPECT_EQ(count, 2U);
}

}  // namespace
}  // namespace pocketgss::mechs::krb5
