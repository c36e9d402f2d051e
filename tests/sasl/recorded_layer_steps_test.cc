// The security layer step as other clients and servers said it; that its messages unwrap is
// tests/mechs/krb5/recorded_exchanges_test.cc's.
#include <gtest/gtest.h>

#include "sasl/layer.h"
#include "tests/support/vector_file.h"

namespace pocketgss::sasl {
namespace {

using pocketgss::testing::VectorBlock;

Bytes written(const LayerMessage& message) {
  Bytes out;
  encode(message, out);
  return out;
}

TEST(RecordedLayerSteps, OffersAndChoicesAreReadAndWrittenBack) {
  int offers = 0, choices = 0;
  for (VectorBlock& block : pocketgss::testing::load_vectors("krb5/exchanges_smtp.vec")) {
    if (!block.has("Layers")) continue;
    SCOPED_TRACE(block.where());
    const Bytes message = block.bytes("Plaintext");
    if (block.word("From") == "acceptor") {
      LayerMessage offer;
      ASSERT_TRUE(parse_layer_offer(message, offer).has_value());
      EXPECT_EQ(offer.layers, block.number("Layers"));
      EXPECT_EQ(offer.max_size, block.number("MaximumSize"));
      EXPECT_EQ(written(offer), message);
      ++offers;
    } else {
      LayerMessage choice;
      ASSERT_TRUE(parse_layer_choice(message, choice).has_value());
      EXPECT_EQ(choice.layers, block.number("Layers"));
      EXPECT_EQ(choice.max_size, block.number("MaximumSize"));
      EXPECT_EQ(choice.authzid, block.text("AuthorizationIdentity"));
      EXPECT_EQ(written(choice), message);
      ++choices;
    }
  }
  EXPECT_EQ(offers, 4);
  EXPECT_EQ(choices, 4);
}

}  // namespace
}  // namespace pocketgss::sasl
