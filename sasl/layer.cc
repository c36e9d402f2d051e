// The security-layer step of RFC 2222 7.2 and RFC 4752 3.1, 3.2, and the buffers of RFC 4422 3.7.
#include "sasl/layer.h"

#include <algorithm>

#include "base/cursor.h"
#include "base/guard.h"
#include "lib/text.h"

namespace pocketgss::sasl {
namespace {

constexpr size_t kOfferSize = 4;
constexpr uint32_t kLargestSize = 0xffffff;   // three octets say it
constexpr uint32_t kLargestSent = 16 * 1024;  // whatever more the peer takes
constexpr size_t kKeptCapacity = 4096;        // what an idle connection may go on holding

// empty takes a buffer's contents, and its memory where that is more than may be kept.
void empty(Bytes& buffer) {
  buffer.clear();
  if (buffer.capacity() > kKeptCapacity) buffer = Bytes();
}

uint32_t load_u32be(const uint8_t* in) {
  return uint32_t{in[0]} << 24 | uint32_t{in[1]} << 16 | uint32_t{in[2]} << 8 | in[3];
}

void read_layers(ByteView message, LayerMessage& out) {
  out.layers = static_cast<SecurityLayer>(message[0]);
  out.max_size = load_u32be(message.data()) & kLargestSize;
}

}  // namespace

void resize(Bytes& buffer, size_t size) {
  buffer.resize(size);
}

Result<void> parse_layer_offer(ByteView message, LayerMessage& out) {
  if (message.size() != kOfferSize) return Error{Errc::kMalformed, "security layer offer", 0, 0};
  read_layers(message, out);
  return {};
}

Result<void> parse_layer_choice(ByteView message, LayerMessage& out) {
  if (message.size() < kOfferSize) return Error{Errc::kMalformed, "security layer choice", 0, 0};
  std::string_view authzid = as_text(message.from(kOfferSize));
  if (!authzid.empty() && authzid.back() == '\0') authzid.remove_suffix(1);
  if (has_control(authzid)) return Error{Errc::kMalformed, "authzid", kOfferSize, 0};
  read_layers(message, out);
  out.authzid = authzid;
  return {};
}

void encode(const LayerMessage& message, Bytes& out) {
  resize(out, kOfferSize + message.authzid.size());
  store_u32be(out.data(), uint32_t{message.layers} << 24 | (message.max_size & kLargestSize));
  std::copy(message.authzid.begin(), message.authzid.end(), out.begin() + kOfferSize);
}

Result<void> wrap_at(Context& context, ByteView message, bool confidential, Bytes& out, size_t at) {
  resize(out, at + context.wrap_size(message.size()));
  PGSS_TRY(const size_t size, context.wrap(message, confidential, MutableBytes(out).subspan(at)));
  resize(out, at + size);
  return {};
}

Result<void> unwrap_to(Context& context, ByteView token, Bytes& out, bool& confidential) {
  resize(out, token.size());
  PGSS_TRY(const Unwrapped unwrapped, context.unwrap(token, out));
  resize(out, unwrapped.size);
  confidential = unwrapped.confidential;
  return {};
}

Result<void> check(const LayerOptions& options) {
  constexpr SecurityLayer kAll = kNoLayer | kIntegrityLayer | kConfidentialityLayer;
  if (options.layers == 0 || (options.layers & kAll) != options.layers ||
      options.max_receive == 0 || options.max_receive > kLargestSize) {
    return Error{Errc::kApiMisuse, "LayerOptions", 0, 0};
  }
  return {};
}

SecurityLayer strongest(SecurityLayer layers) {
  for (const SecurityLayer layer : {kConfidentialityLayer, kIntegrityLayer}) {
    if ((layers & layer) != 0) return layer;
  }
  return layers & kNoLayer;
}

Result<void> check_without_layer(const LayerOptions& options) {
  if ((options.layers & kNoLayer) != 0) return {};
  return Error{Errc::kPolicy, "P25: security layer required, and this mechanism has none", 0, 0};
}

// RFC 4752 3.3: the sizes that were agreed on count wrapped messages.
size_t largest_message(const Context& context, uint32_t peer_max) {
  const size_t max_size = std::min(peer_max, kLargestSent);
  size_t size = max_size;
  while (size > 0 && context.wrap_size(size) > max_size) {
    size -= std::min(size, context.wrap_size(size) - max_size);
  }
  return size;
}

void LayeredStream::start(std::unique_ptr<SaslLayer> layer, Bytes& output) {
  if (layer == nullptr) return;
  layer_ = std::move(layer);
  clear_ = std::exchange(output, Bytes());
}

Result<ByteView*> LayeredStream::next(ByteView& input) {
  if (layer_ == nullptr) return &input;
  while (rest_.empty()) {
    PGSS_TRY(const bool whole, layer_->unwrap(input));
    if (!whole) break;
    rest_ = layer_->content();
  }
  return &rest_;
}

Result<Bytes> LayeredStream::protect(Bytes& output) {
  if (layer_ == nullptr) return std::exchange(output, Bytes());
  Bytes out = std::exchange(clear_, Bytes());
  PGSS_CHECK(layer_->wrap(std::exchange(output, Bytes()), out));
  return out;
}

}  // namespace pocketgss::sasl

namespace pocketgss {

SaslLayer::SaslLayer(std::unique_ptr<Context> context, SecurityLayer layer, uint32_t max_send,
                     uint32_t max_receive)
    : context_(std::move(context)),
      layer_(layer),
      max_receive_(max_receive),
      largest_message_(
          sasl::largest_message(*context_, max_send == 0 ? sasl::kLargestSent : max_send)) {}

SaslLayer::~SaslLayer() = default;

Result<void> SaslLayer::wrap(ByteView message, Bytes& out) {
  if (wrapped_.has_value()) {
    wrapped_ = guarded("security layer", [&]() -> Result<void> {
      while (!message.empty()) PGSS_CHECK(put(message, out));
      return {};
    });
  }
  return wrapped_;
}

Result<void> SaslLayer::put(ByteView& message, Bytes& out) {
  const ByteView piece = message.prefix(std::min(message.size(), largest_message_));
  if (piece.empty()) {
    return Error{Errc::kPeerIncompatible, "security layer: the peer's maximum size", 0, 0};
  }
  const size_t at = out.size() + length_.size();
  // RFC 4752 3.3: conf_flag is FALSE for integrity and TRUE for confidentiality.
  PGSS_CHECK(sasl::wrap_at(*context_, piece, layer_ == kConfidentialityLayer, out, at));
  store_u32be(out.data() + at - length_.size(), static_cast<uint32_t>(out.size() - at));
  message = message.from(piece.size());
  return {};
}

Result<bool> SaslLayer::unwrap(ByteView& input) {
  bool whole = false;
  if (unwrapped_.has_value()) {
    unwrapped_ = guarded("security layer", [&] { return take(input, whole); });
    if (!unwrapped_.has_value()) content_.clear();
  }
  PGSS_CHECK(unwrapped_);
  return whole;
}

Result<void> SaslLayer::take(ByteView& input, bool& whole) {
  if (input.empty()) sasl::empty(content_);
  while (length_octets_ < length_.size()) {
    if (input.empty()) return {};
    length_[length_octets_++] = input[0];
    input = input.from(1);
  }
  const size_t size = sasl::load_u32be(length_.data());
  if (size > max_receive_) {
    return Error{Errc::kPeerMisbehaved, "security layer buffer: size", 0, 0};
  }
  const ByteView piece = input.prefix(std::min(input.size(), size - token_.size()));
  input = input.from(piece.size());
  ByteView token = piece;  // not copied where it came whole
  if (piece.size() < size) {
    append(token_, piece);
    if (token_.size() < size) return {};
    token = token_;
  }
  bool confidential = false;
  PGSS_CHECK(sasl::unwrap_to(*context_, token, content_, confidential));
  if (layer_ == kConfidentialityLayer && !confidential) {
    return Error{Errc::kPeerMisbehaved, "security layer buffer: not encrypted", 0, 0};
  }
  length_octets_ = 0;
  sasl::empty(token_);
  whole = true;
  return {};
}

}  // namespace pocketgss
