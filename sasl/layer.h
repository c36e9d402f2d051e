// Security layers: the step of RFC 2222 7.2 and RFC 4752 3.1, 3.2 that agrees on one (the server's
// offer and the client's choice, both wrapped), and the stream of a connection that has one.
#ifndef PGSS_SASL_LAYER_H_
#define PGSS_SASL_LAYER_H_

#include <string_view>

#include <pocketgss/bytes.h>
#include <pocketgss/sasl.h>

namespace pocketgss::sasl {

// LayerMessage is the server's offer or the client's choice:
//   [0]    security layers: of the offer a bit mask, of the choice one bit
//   [1-3]  maximum size of a protected message that the sender of this takes, big-endian
//   [4-]   the choice alone: authorisation identity, UTF-8, not terminated
struct LayerMessage {
  SecurityLayer layers = kNoLayer;
  uint32_t max_size = 0;  // any value goes with "no layer": Exchange offers 01 00 bb 80 (quirk A4)
  std::string_view authzid;  // of one that was read: in the message
};

// parse_layer_offer: four octets exactly (quirk A2). Errors: kMalformed, `where` = "security layer
// offer".
Result<void> parse_layer_offer(ByteView message, LayerMessage& out);
// parse_layer_choice: one NUL after the authorisation identity is dropped (quirk A3). Errors:
// kMalformed, `where` = "security layer choice" (short) or "authzid" (a control character).
Result<void> parse_layer_choice(ByteView message, LayerMessage& out);
// encode: `message` has nothing in `out`.
void encode(const LayerMessage& message, Bytes& out);

// resize: std::vector's, in one place.
[[gnu::noinline]] void resize(Bytes& buffer, size_t size);

// wrap_at wraps `message` into `out` from `at` on, which is its new end. Errors: those of
// Context::wrap().
Result<void> wrap_at(Context&, ByteView message, bool confidential, Bytes& out, size_t at);
// unwrap_to leaves in `out` the message alone. Errors: those of Context::unwrap().
Result<void> unwrap_to(Context&, ByteView token, Bytes& out, bool& confidential);

// check: kApiMisuse where the options are out of range.
Result<void> check(const LayerOptions& options);
// check_without_layer: kPolicy (row P25) where a layer is required, for a mechanism that has none.
Result<void> check_without_layer(const LayerOptions& options);
// strongest of a set; an empty set gives 0.
SecurityLayer strongest(SecurityLayer layers);
// largest_message is the largest that we send to a peer that takes `peer_max`, in octets; 0: it has no
// room for a single one.
size_t largest_message(const Context& context, uint32_t peer_max);

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
