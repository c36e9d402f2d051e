// The security-layer step of RFC 2222 7.2 and RFC 4752 3.1, 3.2: the server's offer and the
// client's choice, both wrapped.
#ifndef PGSS_SASL_LAYER_H_
#define PGSS_SASL_LAYER_H_

#include <string>

#include <pocketgss/bytes.h>
#include <pocketgss/context.h>
#include <pocketgss/result.h>

namespace pocketgss::sasl {

// SecurityLayer has the values of the offer's bit mask.
enum SecurityLayer : uint8_t { kNoLayer = 1, kIntegrityLayer = 2, kConfidentialityLayer = 4 };

//   [0]    security layers, bit mask
//   [1-3]  maximum size of a protected message that the sender of this takes, big-endian
struct LayerOffer {
  uint8_t layers = kNoLayer;
  uint32_t max_size = 0;  // any value goes with "no layer": Exchange offers 01 00 bb 80 (quirk A4)
};

// parse_layer_offer: four octets exactly (quirk A2). Errors: kMalformed, `where` = "security layer
// offer".
Result<LayerOffer> parse_layer_offer(ByteView message);
Bytes encode(const LayerOffer& offer);

//   [0]    the security layer chosen, one bit
//   [1-3]  as above
//   [4-]   authorisation identity, UTF-8, not terminated
struct LayerChoice {
  uint8_t layer = kNoLayer;
  uint32_t max_size = 0;
  std::string authzid;
};

// parse_layer_choice: one NUL after the authorisation identity is dropped (quirk A3). Errors:
// kMalformed, `where` = "security layer choice" (short) or "authzid" (a control character).
Result<LayerChoice> parse_layer_choice(ByteView message);
Bytes encode(const LayerChoice& choice);

// protect and unprotect wrap and unwrap such a message. Errors: kPeerIncompatible (the context has
// no integrity); those of Context::wrap() and unwrap().
Result<Bytes> protect(Context& context, ByteView message);
Result<Bytes> unprotect(Context& context, ByteView token);

}  // namespace pocketgss::sasl

#endif  // PGSS_SASL_LAYER_H_
