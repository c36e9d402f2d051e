// What the client and the server of one exchange over a GSS context have in common.
#include "sasl/gss_exchange.h"

namespace pocketgss::sasl {
namespace {

// check_integrity: what a peer negotiated is no misuse by the caller, as the context would say.
Result<void> check_integrity(const Context& context) {
  if (context.wrap_size(1) != 0) return {};
  return Error{Errc::kPeerIncompatible, "security layer: no integrity was negotiated", 0, 0};
}

}  // namespace

GssExchange::GssExchange(SaslMechanism mechanism, const LayerOptions& layer) noexcept
    : layer_options_(layer), mechanism_(mechanism) {}

GssExchange::~GssExchange() = default;

Result<void> GssExchange::begin(ContextProvider& contexts, const ContextRequest& request) {
  PGSS_TRY(context_, contexts.make(request));
  return {};
}

Result<void> GssExchange::check_turn(bool due, const char* out_of_turn) const {
  if (due || !kept_.has_value()) return kept_;
  return Error{Errc::kApiMisuse, out_of_turn, 0, 0};
}

Result<void> GssExchange::send_layers(SecurityLayer layers, std::string_view authzid) {
  PGSS_CHECK(check_integrity(*context_));
  const uint32_t max_size = layers == kNoLayer ? 0 : layer_options_.max_receive;
  encode({layers, max_size, authzid}, message_);
  // RFC 4752 3.1: conf_flag is FALSE here.
  return wrap_at(*context_, message_, false, token_, 0);
}

// RFC 4752 3.1 wraps with conf_flag FALSE. NTLM encrypts whether asked or not (quirk A6), so it is
// asked of bare Kerberos alone.
Result<void> GssExchange::unwrap_layers(ByteView token) {
  PGSS_CHECK(check_integrity(*context_));
  bool confidential = false;
  PGSS_CHECK(unwrap_to(*context_, token, message_, confidential));
  if (confidential && mechanism_ == SaslMechanism::kGssapiKrb5) {
    return Error{Errc::kPeerMisbehaved, "security layer step: encrypted", 0, 0};
  }
  return {};
}

SecurityLayer GssExchange::available_layers() const {
  SecurityLayer out = kNoLayer;
  // RFC 4752 3.1: who wants a layer asks for the detection of sequences too; without it buffers could
  // be left out, or come twice.
  const ContextFlags flags = context_->info().flags;
  if (!has(flags, kIntegFlag | kSequenceFlag) || context_->wrap_size(1) == 0) return out;
  out = out | kIntegrityLayer;
  return has(flags, kConfFlag) ? out | kConfidentialityLayer : out;
}

SecurityLayer GssExchange::wanted_layers() const {
  return layer_options_.layers & available_layers();
}

Result<void> GssExchange::agree_by_flags() {
  if (layer_options_.layers == kNoLayer) return {};
  const SecurityLayer layer = strongest(available_layers());
  // The peer goes by INTEG and CONF alone: where it protects what it sends, so must we.
  const bool protects = (context_->info().flags & (kIntegFlag | kConfFlag)) != 0;
  const bool agreed = layer != kNoLayer || !protects || context_->wrap_size(1) == 0;
  if (!agreed || (layer_options_.layers & layer) == 0) {
    return Error{Errc::kPolicy, "P25: security layer by the context's flags, which was not named",
                 0, 0};
  }
  set_layer(layer, 0);
  return {};
}

Result<void> GssExchange::agree(SecurityLayer layer, uint32_t peer_max) {
  if (layer != kNoLayer && largest_message(*context_, peer_max) == 0) {
    return Error{Errc::kPeerMisbehaved, "security layer: the peer's maximum size", 0, 0};
  }
  set_layer(layer, peer_max);
  return {};
}

void GssExchange::set_layer(SecurityLayer layer, uint32_t max_send) {
  layer_ = layer;
  if (layer != kNoLayer) max_send_ = max_send;
}

void GssExchange::report(std::string_view authzid, SaslReport& out) const {
  out.mechanism = mechanism_;
  out.context = context_->info();
  out.authzid.append(authzid);
  out.layer_step = layer_step_run_;
  out.layer = layer_;
  out.max_send = max_send_;
  if (layer_ != kNoLayer) out.max_receive = layer_options_.max_receive;
  out.early_success = early_success_;
}

std::unique_ptr<SaslLayer> GssExchange::take_layer() {
  if (layer_ == kNoLayer || context_ == nullptr || !kept_.has_value()) return nullptr;
  return std::make_unique<SaslLayer>(std::move(context_), layer_, max_send_,
                                     layer_options_.max_receive);
}

}  // namespace pocketgss::sasl
