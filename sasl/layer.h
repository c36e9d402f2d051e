// Security layers: the step of RFC 2222 7.2 and RFC 4752 3.1, 3.2 that agrees on one (the server's
// offer and the client's choice, both wrapped), and the stream of a connection that has one.
#ifndef PGSS_SASL_LAYER_H_
#define PGSS_SASL_LAYER_H_

#include <string_view>

#include <pocketgss/bytes.h>
#include <pocketgss/sasl.h>

namespace pocketgss::sasl {

//   [0]    security layers, bit mask
//   [1-3]  maximum size of a protected message that the sender of this takes, big-endian
struct LayerOffer {
  SecurityLayer layers = kNoLayer;
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
  SecurityLayer layer = kNoLayer;
  uint32_t max_size = 0;
  std::string_view authzid;  // of one that was read: in the message
};

// parse_layer_choice: one NUL after the authorisation identity is dropped (quirk A3). Errors:
// kMalformed, `where` = "security layer choice" (short) or "authzid" (a control character).
Result<LayerChoice> parse_layer_choice(ByteView message);
Bytes encode(const LayerChoice& choice);

// protect and unprotect wrap and unwrap such a message. Sealing::kRefused: one that comes encrypted
// is not taken. Errors: kPeerIncompatible (the context has no integrity); kPeerMisbehaved with
// `where` = "security layer step: encrypted"; those of Context::wrap() and unwrap().
enum class Sealing : uint8_t { kTaken, kRefused };
Result<Bytes> protect(Context& context, ByteView message);
Result<Bytes> unprotect(Context& context, ByteView token, Sealing sealing);
// sealing_of: RFC 4752 3.1 wraps with conf_flag FALSE. NTLM encrypts whether asked or not (quirk
// A6), so it is asked of bare Kerberos alone.
Sealing sealing_of(SaslMechanism mechanism);

// check: kApiMisuse where the options are out of range.
Result<void> check(const LayerOptions& options);
// available: the layers that a context gives (RFC 4752 3.1), kNoLayer among them.
SecurityLayer available_layers(const Context& context);
// strongest of a set; an empty set gives 0.
SecurityLayer strongest(SecurityLayer layers);
// agreed_by_flags is what the flags of a GSS-SPNEGO context say (quirk A22): never a layer that `options` do
// not name. Errors: kPolicy (row P25).
Result<SecurityLayer> agreed_by_flags(const LayerOptions& options, const Context& context);
// check_without_layer: kPolicy (row P25) where a layer is required, for a mechanism that has none.
Result<void> check_without_layer(const LayerOptions& options);
// set_layer writes to the report what was agreed on; `peer_max` is what the peer takes, where it
// says that. Errors: kPeerMisbehaved (no room for a single octet).
Result<void> set_layer(SaslReport& report, SecurityLayer layer, const Context& context,
                       std::optional<uint32_t> peer_max, const LayerOptions& options);
// take_layer moves the context into the layer that the report tells of; null: none.
std::unique_ptr<SaslLayer> take_layer(std::unique_ptr<Context>& context, const SaslReport& report);

// LayeredStream stands between a machine and its connection: clear until start().
class LayeredStream {
 public:
  // start: from here on everything goes through `layer`, which may be null, but for what stands in
  // `output`.
  void start(std::unique_ptr<SaslLayer> layer, Bytes& output);
  bool protected_now() const { return layer_ != nullptr; }
  // next gives the octets to be read next, to be taken off its front: `input` itself; or within a
  // layer what is left of one buffer. Empty: there are no more as yet. Errors: those of
  // SaslLayer::unwrap().
  Result<ByteView*> next(ByteView& input);
  // protect takes all output, and returns it as it goes over the wire. Errors: kNoMemory,
  // kInternal.
  Result<Bytes> protect(Bytes& output);

 private:
  std::unique_ptr<SaslLayer> layer_;
  ByteView rest_;  // of layer_->content()
  Bytes clear_;    // output from before start()
};

}  // namespace pocketgss::sasl

#endif  // PGSS_SASL_LAYER_H_
