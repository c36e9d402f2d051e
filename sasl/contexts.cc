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
[[gnu::noinline]] bool has_all(std::span<const ChannelBinding> all,
                               std::span<const ChannelBinding> some) {
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
      bound_(config_.channel_binding.has_value()) {}

Result<std::unique_ptr<Context>> InitiatorContexts::make(const ContextRequest& request) {
  return guarded("InitiatorContexts", [&] { return make_guarded(request); });
}

// Policy row P5: what was configured is never dropped, and of two that differ one is of another
// channel.
Result<std::unique_ptr<Context>> InitiatorContexts::make_guarded(const ContextRequest& request) {
  if (!bound_) {
    config_.channel_binding.reset();
    if (!request.bindings.empty()) config_.channel_binding.emplace(request.bindings.front());
  } else if (!request.bindings.empty() && *config_.channel_binding != request.bindings.front()) {
    return misuse("InitiatorConfig.channel_binding: not the channel's");
  }
  // Replay and sequence detection are for protected messages: NTLM signs for either of them.
  constexpr ContextFlags kIntegrity = kIntegFlag | kReplayFlag | kSequenceFlag;
  ContextFlags flags = flags_;
  if (request.exact_layers) flags = flags & static_cast<ContextFlags>(~(kIntegrity | kConfFlag));
  if (request.layers != kNoLayer) flags = flags | kIntegrity;
  // RFC 4752 3.1: the layer step is wrapped; "if the client will be requesting a security layer, it
  // MUST also supply [...] a mutual_req_flag of TRUE".
  if (request.kind == MechanismKind::kKerberos) {
    flags = flags | kIntegFlag;
    if (request.layers != kNoLayer) flags = flags | kMutualFlag;
  }
  if ((request.layers & kConfidentialityLayer) != 0) flags = flags | kConfFlag;
  config_.flags = flags;
  return make_initiator(runtime_, request.kind, config_);
}

AcceptorContexts::AcceptorContexts(Runtime& runtime, AcceptorConfig config) noexcept
    : runtime_(runtime), config_(std::move(config)), bound_(!config_.channel_bindings.empty()) {}

bool AcceptorContexts::offers(MechanismKind kind) const {
  const bool ntlm = config_.ntlm && kind != MechanismKind::kKerberos;
  return ntlm || (config_.keys != nullptr && kind != MechanismKind::kNtlm);
}

Result<std::unique_ptr<Context>> AcceptorContexts::make(const ContextRequest& request) {
  return guarded("AcceptorContexts", [&] { return make_guarded(request); });
}

Result<std::unique_ptr<Context>> AcceptorContexts::make_guarded(const ContextRequest& request) {
  const std::span<const ChannelBinding> bindings = request.bindings;
  if (!bound_) {
    config_.channel_bindings = std::vector(bindings.begin(), bindings.end());
  } else if (!bindings.empty() && !same(bindings, config_.channel_bindings)) {
    return misuse("AcceptorConfig.channel_bindings: not the channel's");
  }
  return make_acceptor(runtime_, request.kind, config_);
}

}  // namespace pocketgss
