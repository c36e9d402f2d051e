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

// InitiatorContext owns what its mechanisms borrow and the configuration does not hold.
class InitiatorContext final : public MechanismContext {
 public:
  InitiatorContext(Runtime& runtime, const InitiatorConfig& config) : runtime_(runtime) {
    set_name(config.credential->name());
    ntlm_.nt_hash = &config.credential->secrets().nt_hash;
    ntlm_.workstation = config.workstation;
    ntlm_.target_name = config.target;
    if (config.channel_binding && config.policy.channel_binding != BindingRequirement::kOff) {
      ntlm_.channel_binding = config.channel_binding->application_data;
    }
    ntlm_.require_channel_binding = config.policy.channel_binding == BindingRequirement::kRequire;
    ntlm_.level = config.policy.level;
    ntlm_.flags = config.flags;
    ntlm_.guard = config.guard.get();
    ntlm_entry_.oid = mechs::kNtlmOid;
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
  void set_name(const AccountName& name) {
    if (name.form == AccountName::Form::kPrincipal) {
      principal_ = name.text();
      ntlm_.user = principal_;  // quirk C11: a UPN is the user, and the domain is empty
    } else {
      ntlm_.user = name.user;
      ntlm_.domain = name.domain;
    }
  }
  MadeMechanism make_ntlm(bool integrity_needed) {
    return ntlm::make_initiator(runtime_, ntlm_, integrity_needed);
  }
  MadeMechanism make_spnego() {
    return spnego::make_initiator(runtime_, {std::span(&ntlm_entry_, 1), ntlm_.level});
  }

  Runtime& runtime_;
  std::string principal_;
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

class AcceptorContext final : public MechanismContext {
 public:
  AcceptorContext(Runtime& runtime, const AcceptorConfig& config, std::string netbios)
      : runtime_(runtime), netbios_name_(std::move(netbios)) {
    ntlm_.netbios_computer = netbios_name_;
    ntlm_.netbios_domain = netbios_name_;  // as a server that is in no domain says
    ntlm_.dns_computer = config.host;
    ntlm_.dns_domain = dns_domain(config.host);
    set_targets(config);
    ntlm_.target_name_check = target_name_check(config.policy.target_name_check);
    if (config.policy.channel_binding != BindingRequirement::kOff) set_bindings(config);
    ntlm_.binding_requirement = config.policy.channel_binding;
    ntlm_.level = config.policy.level;
    ntlm_.guard = config.guard.get();
    ntlm_entry_.oid = mechs::kNtlmOid;
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
  // Policy row P18: both service classes of the host, unless the configuration lists others.
  void set_targets(const AcceptorConfig& config) {
    ntlm_.target_names.assign(config.targets.begin(), config.targets.end());
    if (!config.targets.empty()) return;
    static constexpr std::string_view kSmtp = "smtp/", kSmtpSvc = "SMTPSVC/";
    const size_t size = kSmtp.size() + config.host.size();
    default_targets_.reserve(size + kSmtpSvc.size() + config.host.size());
    default_targets_.append(kSmtp).append(config.host).append(kSmtpSvc).append(config.host);
    const std::string_view both = default_targets_;
    ntlm_.target_names = {both.substr(0, size), both.substr(size)};
  }
  void set_bindings(const AcceptorConfig& config) {
    ntlm_.channel_bindings.reserve(config.channel_bindings.size());
    for (const ChannelBinding& binding : config.channel_bindings) {
      ntlm_.channel_bindings.push_back(binding.application_data);
    }
  }
  MadeMechanism make_ntlm() { return ntlm::make_acceptor(runtime_, ntlm_); }
  MadeMechanism make_spnego() {
    return spnego::make_acceptor(runtime_, {std::span(&ntlm_entry_, 1), ntlm_.level});
  }

  Runtime& runtime_;
  std::string netbios_name_;
  std::string default_targets_;  // one after the other
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
    PGSS_TRY(std::string netbios, netbios_name(config.host));
    auto context = std::make_unique<AcceptorContext>(runtime, config, std::move(netbios));
    PGSS_CHECK(context->start_mechanism(kind));
    return std::unique_ptr<Context>(std::move(context));
  });
}

}  // namespace pocketgss
