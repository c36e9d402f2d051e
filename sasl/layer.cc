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

// largest_message: RFC 4752 3.3: the sizes that were agreed on count wrapped messages.
size_t largest_message(const Context& context, uint32_t max_size) {
  size_t size = max_size;
  while (size > 0 && context.wrap_size(size) > max_size) {
    size -= std::min<size_t>(size, context.wrap_size(size) - max_size);
  }
  return size;
}

uint32_t load_u32be(const uint8_t* in) {
  return uint32_t{in[0]} << 24 | uint32_t{in[1]} << 16 | uint32_t{in[2]} << 8 | in[3];
}

uint32_t read_size(ByteView message) {
  return load_u32be(message.data()) & kLargestSize;
}

Bytes message_of(uint8_t layers, uint32_t max_size, std::string_view rest) {
  Bytes out(kOfferSize + rest.size());
  store_u32be(out.data(), uint32_t{layers} << 24 | (max_size & kLargestSize));
  std::copy(rest.begin(), rest.end(), out.begin() + kOfferSize);
  return out;
}

// check_integrity: what a peer negotiated is no misuse by the caller, as the context would say.
Result<void> check_integrity(const Context& context) {
  if (context.wrap_size(1) != 0) return {};
  return Error{Errc::kPeerIncompatible, "security layer: no integrity was negotiated", 0, 0};
}

}  // namespace

Result<LayerOffer> parse_layer_offer(ByteView message) {
  if (message.size() != kOfferSize) return Error{Errc::kMalformed, "security layer offer", 0, 0};
  return LayerOffer{static_cast<SecurityLayer>(message[0]), read_size(message)};
}

Bytes encode(const LayerOffer& offer) {
  return message_of(offer.layers, offer.max_size, {});
}

Result<LayerChoice> parse_layer_choice(ByteView message) {
  if (message.size() < kOfferSize) return Error{Errc::kMalformed, "security layer choice", 0, 0};
  std::string_view authzid = as_text(message.from(kOfferSize));
  if (!authzid.empty() && authzid.back() == '\0') authzid.remove_suffix(1);
  if (has_control(authzid)) return Error{Errc::kMalformed, "authzid", kOfferSize, 0};
  return LayerChoice{static_cast<SecurityLayer>(message[0]), read_size(message), authzid};
}

Bytes encode(const LayerChoice& choice) {
  return message_of(choice.layer, choice.max_size, choice.authzid);
}

Result<Bytes> protect(Context& context, ByteView message) {
  PGSS_CHECK(check_integrity(context));
  Bytes out(context.wrap_size(message.size()));
  // RFC 4752 3.1: conf_flag is FALSE here.
  PGSS_TRY(const size_t written, context.wrap(message, false, out));
  out.resize(written);
  return out;
}

Sealing sealing_of(SaslMechanism mechanism) {
  return mechanism == SaslMechanism::kGssapiKrb5 ? Sealing::kRefused : Sealing::kTaken;
}

Result<Bytes> unprotect(Context& context, ByteView token, Sealing sealing) {
  PGSS_CHECK(check_integrity(context));
  Bytes out(token.size());
  PGSS_TRY(const Context::Unwrapped unwrapped, context.unwrap(token, out));
  if (unwrapped.confidential && sealing == Sealing::kRefused) {
    return Error{Errc::kPeerMisbehaved, "security layer step: encrypted", 0, 0};
  }
  out.resize(unwrapped.size);
  return out;
}

Result<void> check(const LayerOptions& options) {
  constexpr SecurityLayer kAll = kNoLayer | kIntegrityLayer | kConfidentialityLayer;
  if (options.layers == 0 || (options.layers & kAll) != options.layers ||
      options.max_receive == 0 || options.max_receive > kLargestSize) {
    return Error{Errc::kApiMisuse, "LayerOptions", 0, 0};
  }
  return {};
}

SecurityLayer available_layers(const Context& context) {
  SecurityLayer out = kNoLayer;
  // RFC 4752 3.1: who wants a layer asks for the detection of sequences too; without it buffers could
  // be left out, or come twice.
  const ContextFlags flags = context.info().flags;
  if (!has(flags, kIntegFlag | kSequenceFlag) || context.wrap_size(1) == 0) return out;
  out = out | kIntegrityLayer;
  return has(flags, kConfFlag) ? out | kConfidentialityLayer : out;
}

SecurityLayer strongest(SecurityLayer layers) {
  for (const SecurityLayer layer : {kConfidentialityLayer, kIntegrityLayer}) {
    if ((layers & layer) != 0) return layer;
  }
  return layers & kNoLayer;
}

Result<SecurityLayer> agreed_by_flags(const LayerOptions& options, const Context& context) {
  if (options.layers == kNoLayer) return kNoLayer;
  const SecurityLayer layer = strongest(available_layers(context));
  // The peer goes by INTEG and CONF alone: where it protects what it sends, so must we.
  const bool protects =
      has(context.info().flags, kIntegFlag) || has(context.info().flags, kConfFlag);
  const bool agreed = layer != kNoLayer || !protects || context.wrap_size(1) == 0;
  if (agreed && (options.layers & layer) != 0) return layer;
  return Error{Errc::kPolicy, "P25: security layer by the context's flags, which was not named", 0,
               0};
}

Result<void> check_without_layer(const LayerOptions& options) {
  if ((options.layers & kNoLayer) != 0) return {};
  return Error{Errc::kPolicy, "P25: security layer required, and this mechanism has none", 0, 0};
}

Result<void> set_layer(SaslReport& report, SecurityLayer layer, const Context& context,
                       std::optional<uint32_t> peer_max, const LayerOptions& options) {
  if (layer == kNoLayer) return {};
  if (peer_max && largest_message(context, std::min(*peer_max, kLargestSent)) == 0) {
    return Error{Errc::kPeerMisbehaved, "security layer: the peer's maximum size", 0, 0};
  }
  report.layer = layer;
  report.max_send = peer_max.value_or(0);
  report.max_receive = options.max_receive;
  return {};
}

std::unique_ptr<SaslLayer> take_layer(std::unique_ptr<Context>& context, const SaslReport& report) {
  if (report.layer == kNoLayer || context == nullptr) return nullptr;
  return std::make_unique<SaslLayer>(std::move(context), report.layer, report.max_send,
                                     report.max_receive);
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
    : context_(std::move(context)), layer_(layer), max_receive_(max_receive) {
  const uint32_t limit =
      std::min(max_send == 0 ? sasl::kLargestSent : max_send, sasl::kLargestSent);
  largest_message_ = sasl::largest_message(*context_, limit);
}

SaslLayer::~SaslLayer() = default;

Result<void> SaslLayer::wrap(ByteView message, Bytes& out) {
  if (wrap_error_) return *wrap_error_;
  const auto result = guarded("security layer", [&]() -> Result<void> {
    while (!message.empty()) {
      const ByteView piece = message.prefix(std::min(message.size(), largest_message_));
      if (piece.empty()) {
        return Error{Errc::kPeerIncompatible, "security layer: the peer's maximum size", 0, 0};
      }
      const size_t at = out.size() + length_.size();
      out.resize(at + context_->wrap_size(piece.size()));
      // RFC 4752 3.3: conf_flag is FALSE for integrity and TRUE for confidentiality.
      PGSS_TRY(const size_t size, context_->wrap(piece, layer_ == kConfidentialityLayer,
                                                 MutableBytes(out).subspan(at)));
      out.resize(at + size);
      store_u32be(out.data() + at - length_.size(), static_cast<uint32_t>(size));
      message = message.from(piece.size());
    }
    return {};
  });
  if (!result.has_value()) wrap_error_ = result.error();
  return result;
}

Result<bool> SaslLayer::unwrap(ByteView& input) {
  if (unwrap_error_) return *unwrap_error_;
  const auto result = guarded("security layer", [&] { return take(input); });
  if (!result.has_value()) {
    unwrap_error_ = result.error();
    content_.clear();
  }
  return result;
}

Result<bool> SaslLayer::take(ByteView& input) {
  if (input.empty()) sasl::empty(content_);
  while (length_octets_ < length_.size()) {
    if (input.empty()) return false;
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
    if (token_.size() < size) return false;
    token = token_;
  }
  content_.resize(size);
  PGSS_TRY(const Context::Unwrapped unwrapped, context_->unwrap(token, content_));
  if (layer_ == kConfidentialityLayer && !unwrapped.confidential) {
    return Error{Errc::kPeerMisbehaved, "security layer buffer: not encrypted", 0, 0};
  }
  content_.resize(unwrapped.size);
  length_octets_ = 0;
  sasl::empty(token_);
  return true;
}

}  // namespace pocketgss
