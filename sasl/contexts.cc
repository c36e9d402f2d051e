// The default providers of contexts, over make_initiator() and make_acceptor().
#include <pocketgss/sasl.h>

namespace pocketgss {

InitiatorContexts::InitiatorContexts(Runtime& runtime, InitiatorConfig config)
    : runtime_(runtime), config_(std::move(config)), flags_(config_.flags) {}

Result<std::unique_ptr<Context>> InitiatorContexts::make(const ContextRequest& request) {
  config_.channel_binding.reset();
  if (!request.bindings.empty()) config_.channel_binding = request.bindings.front();
  // Replay and sequence detection are for protected messages: NTLM signs for either of them.
  constexpr uint32_t kLayerFlags = kIntegFlag | kConfFlag | kReplayFlag | kSequenceFlag;
  config_.flags = request.no_layer ? static_cast<ContextFlags>(flags_ & ~kLayerFlags) : flags_;
  return make_initiator(runtime_, request.kind, config_);
}

AcceptorContexts::AcceptorContexts(Runtime& runtime, AcceptorConfig config)
    : runtime_(runtime), config_(std::move(config)) {}

Result<std::unique_ptr<Context>> AcceptorContexts::make(const ContextRequest& request) {
  config_.channel_bindings.assign(request.bindings.begin(), request.bindings.end());
  return make_acceptor(runtime_, request.kind, config_);
}

}  // namespace pocketgss
