// The security-layer step of RFC 2222 7.2 and RFC 4752 3.1, 3.2.
#include "sasl/layer.h"

#include "sasl/text.h"

namespace pocketgss::sasl {
namespace {

constexpr size_t kOfferSize = 4;

uint32_t read_size(ByteView message) {
  return uint32_t{message[1]} << 16 | uint32_t{message[2]} << 8 | message[3];
}

Bytes message_of(uint8_t layers, uint32_t max_size, std::string_view rest) {
  Bytes out;
  out.reserve(4 + rest.size());
  out.push_back(layers);
  for (const int shift : {16, 8, 0}) out.push_back(static_cast<uint8_t>(max_size >> shift));
  append(out, as_bytes(rest));
  return out;
}

}  // namespace

Result<LayerOffer> parse_layer_offer(ByteView message) {
  if (message.size() != kOfferSize) return Error{Errc::kMalformed, "security layer offer", 0, 0};
  return LayerOffer{message[0], read_size(message)};
}

Bytes encode(const LayerOffer& offer) {
  return message_of(offer.layers, offer.max_size, {});
}

Result<LayerChoice> parse_layer_choice(ByteView message) {
  if (message.size() < kOfferSize) return Error{Errc::kMalformed, "security layer choice", 0, 0};
  std::string_view authzid = as_text(message.from(kOfferSize));
  if (!authzid.empty() && authzid.back() == '\0') authzid.remove_suffix(1);
  if (has_control(authzid)) return Error{Errc::kMalformed, "authzid", kOfferSize, 0};
  return LayerChoice{message[0], read_size(message), std::string(authzid)};
}

Bytes encode(const LayerChoice& choice) {
  return message_of(choice.layer, choice.max_size, choice.authzid);
}

Result<Bytes> protect(Context& context, ByteView message) {
  const size_t size = context.wrap_size(message.size());
  if (size == 0)
    return Error{Errc::kPeerIncompatible, "security layer: no integrity was negotiated", 0, 0};
  Bytes out(size);
  // RFC 4752 3.1: conf_flag is FALSE here.
  PGSS_TRY(const size_t written, context.wrap(message, false, out));
  out.resize(written);
  return out;
}

Result<Bytes> unprotect(Context& context, ByteView token) {
  Bytes out(token.size());
  PGSS_TRY(const Context::Unwrapped unwrapped, context.unwrap(token, out));
  out.resize(unwrapped.size);
  return out;
}

}  // namespace pocketgss::sasl
