// The one file that knows every mechanism: it makes contexts of configurations.
#include <algorithm>
#include <array>
#include <string_view>

#include "base/guard.h"
#include "base/utf16.h"
#include "lib/credential_secrets.h"
#include "lib/mechanism_context.h"
#include "lib/reflection_guard.h"
#include "mechs/ntlm/acceptor.h"
#include "mechs/ntlm/initiator.h"
#include "mechs/oids.h"
#include "mechs/spnego/acceptor.h"
#include "mechs/spnego/initiator.h"

namespace pocketgss {
namespace {

using mechs::Mechanism;
using mechs::MechanismEntry;
namespace ntlm = mechs::ntlm;
namespace spnego = mechs::spnego;
using MadeMechanism = Result<std::unique_ptr<Mechanism>>;

constexpr Error kNoKerberos{Errc::kPeerIncompatible, "Kerberos is not built in yet", 0, 0};
constexpr Error kNoBinding{Errc::kPolicy, "P5: channel binding required", 0, 0};

constexpr size_t kMaxNetbiosName = 15;  // [MS-NLMP] 2.2.2.1: MsvAvNbComputerName; characters

Error misuse(const char* field) {
  return Error{Errc::kApiMisuse, field, 0, 0};
}

// --- initiator ---

bool names(const Policy& policy, InnerMechanism mechanism) {
  return std::find(policy.inner.begin(), policy.inner.end(), mechanism) != policy.inner.end();
}

// check_offer: is there a mechanism that this kind of context may speak?
Result<void> check_offer(MechanismKind kind, const Policy& policy) {
  if (kind == MechanismKind::kKerberos) return kNoKerberos;
  if (names(policy, InnerMechanism::kNtlm)) return {};
  if (kind == MechanismKind::kNtlm) {
    return Error{Errc::kPolicy, "P1: NTLM, which Policy::inner does not name", 0, 0};
  }
  return policy.inner.empty() ? misuse("Policy::inner") : kNoKerberos;
}

Result<void> check(MechanismKind kind, const InitiatorConfig& config) {
  PGSS_CHECK(check_offer(kind, config.policy));
  if (!config.credential) {
    return Error{Errc::kNeedsCredential, "InitiatorConfig.credential", 0, 0};
  }
  if (config.policy.channel_binding == BindingRequirement::kRequire && !config.channel_binding) {
    return kNoBinding;
  }
  return {};
}

ntlm::InitiatorConfig ntlm_config(const InitiatorConfig& config) {
  const Credential::Secrets& secrets = config.credential->secrets();
  ntlm::InitiatorConfig out;
  if (secrets.name.form == AccountName::Form::kPrincipal) {
    out.user = secrets.name.text();  // quirk C11: a UPN is the user, and the domain is empty
  } else {
    out.user = secrets.name.user;
    out.domain = secrets.name.domain;
  }
  out.workstation = config.workstation;
  out.nt_hash = &secrets.nt_hash;
  out.target_name = config.target;
  if (config.channel_binding && config.policy.channel_binding != BindingRequirement::kOff) {
    out.channel_binding = config.channel_binding->application_data;
  }
  out.require_channel_binding = config.policy.channel_binding == BindingRequirement::kRequire;
  out.level = config.policy.level;
  out.flags = config.flags;
  out.guard = config.guard.get();
  return out;
}

// InitiatorContext owns what its mechanisms borrow.
class InitiatorContext final : public MechanismContext {
 public:
  InitiatorContext(Runtime& runtime, const InitiatorConfig& config)
      : runtime_(runtime), ntlm_(ntlm_config(config)) {
    ntlm_entry_.oids = {mechs::kNtlmOid};
    ntlm_entry_.make = [this](bool integrity_needed) { return make_ntlm(integrity_needed); };
    ntlm_entry_.recognises = ntlm::recognises;
  }
  ~InitiatorContext() override { end(); }

  Result<void> start_mechanism(MechanismKind kind) {
    PGSS_TRY(auto mechanism, kind == MechanismKind::kNtlm ? make_ntlm(false) : make_spnego());
    start(std::move(mechanism));
    return {};
  }

 private:
  MadeMechanism make_ntlm(bool integrity_needed) {
    return ntlm::make_initiator(runtime_, ntlm_, integrity_needed);
  }
  MadeMechanism make_spnego() {
    return spnego::make_initiator(runtime_, {std::span(&ntlm_entry_, 1), ntlm_.level});
  }

  Runtime& runtime_;
  ntlm::InitiatorConfig ntlm_;
  MechanismEntry ntlm_entry_;
};

// --- acceptor ---

Result<void> check(MechanismKind kind, const AcceptorConfig& config) {
  if (kind == MechanismKind::kKerberos) return kNoKerberos;
  if (!config.ntlm) return Error{Errc::kNeedsCredential, "AcceptorConfig.ntlm", 0, 0};
  if (config.host.empty()) return misuse("AcceptorConfig.host");
  if (config.policy.channel_binding == BindingRequirement::kRequire &&
      config.channel_bindings.empty()) {
    return kNoBinding;
  }
  return {};
}

// netbios_name is the first label in upper case, 15 characters at most.
Result<std::string> netbios_name(std::string_view host) {
  const std::string_view label = host.substr(0, host.find('.'));
  Result<std::string> name = simple_upcase(label, "AcceptorConfig.host");
  if (!name.has_value() || name.value().empty()) return misuse("AcceptorConfig.host");
  std::string& text = name.value();
  size_t characters = 0;
  const auto end = std::find_if(text.begin(), text.end(), [&](char c) {
    const bool starts_one = (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    return starts_one && ++characters > kMaxNetbiosName;
  });
  text.erase(end, text.end());
  return name;
}

std::string_view dns_domain(std::string_view host) {
  const size_t dot = host.find('.');
  return dot == host.npos ? std::string_view() : host.substr(dot + 1);
}

ntlm::TargetNameCheck target_name_check(Policy::TargetNameCheck check) {
  switch (check) {
    case Policy::TargetNameCheck::kOff:
      return ntlm::TargetNameCheck::kOff;
    case Policy::TargetNameCheck::kIfPresent:
      return ntlm::TargetNameCheck::kIfPresent;
    case Policy::TargetNameCheck::kRequired:
      break;
  }
  return ntlm::TargetNameCheck::kRequired;
}

Result<ntlm::AcceptorConfig> ntlm_config(const AcceptorConfig& config) {
  ntlm::AcceptorConfig out;
  PGSS_TRY(out.netbios_computer, netbios_name(config.host));
  out.netbios_domain = out.netbios_computer;  // as a server that is in no domain says
  out.dns_computer = config.host;
  out.dns_domain = dns_domain(config.host);
  out.target_names = config.targets;
  if (out.target_names.empty())
    out.target_names = {"smtp/" + config.host, "SMTPSVC/" + config.host};
  out.target_name_check = target_name_check(config.policy.target_name_check);
  if (config.policy.channel_binding != BindingRequirement::kOff) {
    for (const ChannelBinding& binding : config.channel_bindings) {
      out.channel_bindings.push_back(binding.application_data);
    }
  }
  out.binding_requirement = config.policy.channel_binding;
  out.level = config.policy.level;
  out.guard = config.guard.get();
  return out;
}

class AcceptorContext final : public MechanismContext {
 public:
  AcceptorContext(Runtime& runtime, ntlm::AcceptorConfig config)
      : runtime_(runtime), ntlm_(std::move(config)) {
    ntlm_entry_.oids = {mechs::kNtlmOid};
    ntlm_entry_.make = [this](bool) { return make_ntlm(); };
    ntlm_entry_.recognises = ntlm::recognises;
  }
  ~AcceptorContext() override { end(); }

  Result<void> start_mechanism(MechanismKind kind) {
    PGSS_TRY(auto mechanism, kind == MechanismKind::kNtlm ? make_ntlm() : make_spnego());
    start(std::move(mechanism));
    return {};
  }

 private:
  MadeMechanism make_ntlm() { return ntlm::make_acceptor(runtime_, ntlm_); }
  MadeMechanism make_spnego() {
    return spnego::make_acceptor(runtime_, {std::span(&ntlm_entry_, 1), ntlm_.level});
  }

  Runtime& runtime_;
  ntlm::AcceptorConfig ntlm_;
  MechanismEntry ntlm_entry_;
};

}  // namespace

Result<std::unique_ptr<Context>> make_initiator(Runtime& runtime, MechanismKind kind,
                                                const InitiatorConfig& config) {
  return guarded("make_initiator", [&]() -> Result<std::unique_ptr<Context>> {
    PGSS_CHECK(check(kind, config));
    auto context = std::make_unique<InitiatorContext>(runtime, config);
    PGSS_CHECK(context->start_mechanism(kind));
    return std::unique_ptr<Context>(std::move(context));
  });
}

Result<std::unique_ptr<Context>> make_acceptor(Runtime& runtime, MechanismKind kind,
                                               const AcceptorConfig& config) {
  return guarded("make_acceptor", [&]() -> Result<std::unique_ptr<Context>> {
    PGSS_CHECK(check(kind, config));
    PGSS_TRY(ntlm::AcceptorConfig ntlm, ntlm_config(config));
    auto context = std::make_unique<AcceptorContext>(runtime, std::move(ntlm));
    PGSS_CHECK(context->start_mechanism(kind));
    return std::unique_ptr<Context>(std::move(context));
  });
}

}  // namespace pocketgss
