// Mechanisms of Kerberos, made of the configuration of a context.
#include "lib/kerberos.h"

#include <string_view>
#include <utility>
#include <vector>

#include "lib/replay_cache.h"
#include "lib/service_keys.h"
#include "lib/ticket_source.h"
#include "mechs/krb5/acceptor.h"
#include "mechs/krb5/gss_token.h"
#include "mechs/krb5/initiator.h"

namespace pocketgss::kerberos {
namespace {

using mechs::Mechanism;
using mechs::MicNeed;
namespace krb5 = mechs::krb5;

std::vector<std::string_view> views(const std::vector<std::string>& texts) {
  return std::vector<std::string_view>(texts.begin(), texts.end());
}

}  // namespace

bool usable(const InitiatorConfig& config) {
  return config.tickets != nullptr && !config.target.empty();
}

bool usable(const AcceptorConfig& config) {
  return config.keys != nullptr;
}

Result<std::unique_ptr<Mechanism>> make_initiator(Runtime& runtime, const InitiatorConfig& config,
                                                  ByteView channel_binding, MicNeed need) {
  krb5::InitiatorConfig kerberos;
  kerberos.channel_binding = channel_binding;
  kerberos.require_channel_binding = config.policy.channel_binding == BindingRequirement::kRequire;
  kerberos.flags = config.flags;
  // Where a mechListMIC is certain integrity is asked for: MIT's acceptor makes none without, and the
  // negotiation could not end. Elsewhere Kerberos can make one unasked, and the flag may be taken for
  // the wish for a layer (quirk A22).
  if (need == MicNeed::kCertain) kerberos.flags = kerberos.flags | kIntegFlag;
  kerberos.allow_rc4 = config.policy.allow_rc4;
  PGSS_TRY(auto&& source, config.tickets->start(runtime, config.target));
  return krb5::make_initiator(runtime, kerberos, std::move(source));
}

Result<std::unique_ptr<Mechanism>> make_acceptor(Runtime& runtime, const AcceptorConfig& config,
                                                 std::span<const ByteView> channel_bindings) {
  krb5::AcceptorConfig kerberos;
  kerberos.keytab = &config.keys->keytab();
  kerberos.replay_cache = config.replay_cache.get();
  kerberos.services = views(config.targets);
  kerberos.client_realms = views(config.client_realms);
  kerberos.channel_bindings.assign(channel_bindings.begin(), channel_bindings.end());
  kerberos.binding_requirement = config.policy.channel_binding;
  kerberos.allow_rc4 = config.policy.allow_rc4;
  return krb5::make_acceptor(runtime, std::move(kerberos));
}

bool recognises(ByteView first_token) {
  return krb5::recognises(first_token);
}

}  // namespace pocketgss::kerberos
