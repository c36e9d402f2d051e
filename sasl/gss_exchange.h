// What the client and the server of one exchange over a GSS context have in common: the context, what is
// to be reported of it, the first error, and the security-layer step (RFC 2222 7.2; RFC 4752 3.1, 3.2).
#ifndef PGSS_SASL_GSS_EXCHANGE_H_
#define PGSS_SASL_GSS_EXCHANGE_H_

#include <memory>
#include <utility>

#include <pocketgss/sasl.h>

#include "sasl/layer.h"

namespace pocketgss::sasl {

class GssExchange {
 public:
  [[gnu::noinline]] GssExchange(SaslMechanism mechanism, const LayerOptions& layer) noexcept;

 protected:
  ~GssExchange();

  // begin makes the context. Errors: those of ContextProvider::make().
  Result<void> begin(ContextProvider& contexts, const ContextRequest& request);

  // check_turn gives the error that the exchange has ended with; where the call is not due, kApiMisuse,
  // with `out_of_turn` for `where`.
  Result<void> check_turn(bool due, const char* out_of_turn) const;
  // kept remembers an error, which every later call gives again.
  Result<void> kept(const Result<void>& result) {
    if (!result.has_value()) kept_ = result;
    return result;
  }

  // send_layers makes token_ of an offer or a choice, wrapped. Errors: kPeerIncompatible (the context has
  // no integrity); those of Context::wrap().
  Result<void> send_layers(SecurityLayer layers, std::string_view authzid);
  // unwrap_layers leaves in message_ what was in `token`. Errors: kPeerIncompatible, as above;
  // kPeerMisbehaved with `where` = "security layer step: encrypted"; those of Context::unwrap().
  Result<void> unwrap_layers(ByteView token);

  // wanted_layers: those of our options that the context gives (RFC 4752 3.1).
  SecurityLayer wanted_layers() const;
  // agree_by_flags goes by what the flags of a GSS-SPNEGO context say (quirk A22): never a layer that
  // the options do not name. Errors: kPolicy (row P25).
  Result<void> agree_by_flags();
  // agree writes to the report what was agreed on in the step; `peer_max` is what the peer takes.
  // Errors: kPeerMisbehaved (no room for a single octet).
  Result<void> agree(SecurityLayer layer, uint32_t peer_max);

  // report: of an established context, to an empty `out`. It may throw std::bad_alloc.
  void report(std::string_view authzid, SaslReport& out) const;
  // take_layer moves the context into the layer that was agreed on; null: none.
  std::unique_ptr<SaslLayer> take_layer();

  std::unique_ptr<Context> context_;
  Bytes token_;    // the next one to go to the peer
  Bytes message_;  // of the security-layer step, not wrapped
  const LayerOptions layer_options_;
  SaslMechanism mechanism_;
  bool early_success_ = false;  // these two as in SaslReport
  bool layer_step_run_ = false;

 private:
  SecurityLayer available_layers() const;
  void set_layer(SecurityLayer layer, uint32_t max_send);

  SecurityLayer layer_ = kNoLayer;
  uint32_t max_send_ = 0;
  Result<void> kept_;
};

}  // namespace pocketgss::sasl

#endif  // PGSS_SASL_GSS_EXCHANGE_H_
