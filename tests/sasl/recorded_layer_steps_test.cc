// The security layer step as other clients and servers said it; that its messages unwrap is
// tests/mechs/krb5/recorded_exchanges_test.cc's.
#include <gtest/gtest.h>

#include "sasl/layer.h"
#include "tests/support/vector_file.h"

namespace pocketgss::sasl {
namespace {

using pocketgss::testing::VectorBlock;

TEST(RecordedLayerSteps, OffersAndChoicesAreReadAndWrittenBack) {
  int offers = 0, choices = 0;
  for (VectorBlock& block : pocketgss::testing::load_vectors("krb5/exchanges_smtp.vec")) {
    if (!block.has("Layers")) continue;
    SCOPED_TRACE(block.where());
    const Bytes message = block.bytes("Plaintext");
    if (block.word("From") == "acceptor") {
      const LayerOffer offer = parse_layer_offer(message).value();
      EXPECT_EQ(offer.layers, block.number("Layers"));
      EXPECT_EQ(offer.max_size, block.number("MaximumSize"));
      EXPECT_EQ(encode(offer), message);
      ++offers;
    } else {
      const LayerChoice choice = parse_layer_choice(message).value();
      EXPECT_EQ(choice.layer, block.number("Layers"));
      EXPECT_EQ(choice.max_size, block.number("MaximumSize"));
      EXPECT_EQ(choice.authzid, block.text("AuthorizationIdentity"));
      EXPECT_EQ(encode(choice), message);
      ++choices;
    }
  }
  EXPECT_EQ(offers, 4);
  EXPECT_EQ(choices, 4);
}

}  // namespace
}  // namespace pocketgss::sasl
