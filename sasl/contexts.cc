// The default providers of contexts, over make_initiator() and make_acceptor().
#include <pocketgss/sasl.h>

#include <span>
#include <type_traits>

#include "base/any_of.h"
#include "base/guard.h"

namespace pocketgss {
namespace {

Error misuse(const char* where) {
  return Error{Errc::kApiMisuse, where, 0, 0};
}

// has_all: each of `some` is among `all`.
bool has_all(std::span<const ChannelBinding> all, std::span<const ChannelBinding> some) {
  return !any_of(some, [&](const ChannelBinding& one) { return !contains(all, one); });
}

bool same(std::span<const ChannelBinding> a, std::span<const ChannelBinding> b) {
  return has_all(a, b) && has_all(b, a);
}

}  // namespace

static_assert(std::is_nothrow_move_constructible_v<InitiatorConfig> &&
              std::is_nothrow_move_constructible_v<AcceptorConfig>);

InitiatorContexts::InitiatorContexts(Runtime& runtime, InitiatorConfig config) noexcept
    : runtime_(runtime),
      config_(std::move(config)),
      flags_(config_.flags),
      binding_(std::move(config_.channel_binding)) {}

Result<std::unique_ptr<Context>> InitiatorContexts::make(const ContextRequest& request) {
  return guarded("InitiatorContexts", [&] { return make_guarded(request); });
}

// Policy row P5: what was configured is never dropped, and of two that differ one is of another
// channel.
Result<std::unique_ptr<Context>> InitiatorContexts::make_guarded(const ContextRequest& request) {
  const ChannelBinding* used = binding_ ? &*binding_ : nullptr;
  if (!request.bindings.empty()) {
    if (used != nullptr && *used != request.bindings.front())
      return misuse("InitiatorConfig.channel_binding: not the channel's");
    used = &request.bindings.front();
  }
  config_.channel_binding.reset();
  if (used != nullptr) config_.channel_binding.emplace(*used);
  // Replay and sequence detection are for protected messages: NTLM signs for either of them.
  constexpr ContextFlags kIntegrity = kIntegFlag | kReplayFlag | kSequenceFlag;
  config_.flags = flags_;
  if (request.exact_layers) {
    config_.flags = flags_ & static_cast<ContextFlags>(~(kIntegrity | kConfFlag));
  }
  if (request.layers != kNoLayer) config_.flags = config_.flags | kIntegrity;
  // RFC 4752 3.1: the layer step is wrapped; "if the client will be requesting a security layer, it
  // MUST also supply [...] a mutual_req_flag of TRUE".
  if (request.kind == MechanismKind::kKerberos) {
    config_.flags = config_.flags | kIntegFlag;
    if (request.layers != kNoLayer) config_.flags = config_.flags | kMutualFlag;
  }
  if ((request.layers & kConfidentialityLayer) != 0) config_.flags = config_.flags | kConfFlag;
  return make_initiator(runtime_, request.kind, config_);
}

AcceptorContexts::AcceptorContexts(Runtime& runtime, AcceptorConfig config) noexcept
    : runtime_(runtime),
      config_(std::move(config)),
      bindings_(std::move(config_.channel_bindings)) {}

bool AcceptorContexts::offers(MechanismKind kind) const {
  const bool ntlm = config_.ntlm && kind != MechanismKind::kKerberos;
  return ntlm || (config_.keys != nullptr && kind != MechanismKind::kNtlm);
}

Result<std::unique_ptr<Context>> AcceptorContexts::make(const ContextRequest& request) {
  return guarded("AcceptorContexts", [&] { return make_guarded(request); });
}

Result<std::unique_ptr<Context>> AcceptorContexts::make_guarded(const ContextRequest& request) {
  std::span<const ChannelBinding> used = request.bindings;
  if (used.empty()) {
    used = bindings_;
  } else if (!bindings_.empty() && !same(used, bindings_)) {
    return misuse("AcceptorConfig.channel_bindings: not the channel's");
  }
  config_.channel_bindings = std::vector(used.begin(), used.end());
  return make_acceptor(runtime_, request.kind, config_);
}

}  // namespace pocketgss
