// The one file that knows every mechanism: it makes contexts of configurations.
#include <array>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "base/any_of.h"
#include "base/guard.h"
#include "base/utf16.h"
#include "lib/credential_secrets.h"
#include "lib/mechanism_context.h"
#include "lib/reflection_guard.h"
#include "lib/replay_cache.h"
#include "lib/service_keys.h"
#include "lib/ticket_source.h"
#include "mechs/krb5/acceptor.h"
#include "mechs/krb5/gss_token.h"
#include "mechs/krb5/initiator.h"
#include "mechs/ntlm/acceptor.h"
#include "mechs/ntlm/initiator.h"
#include "mechs/oids.h"
#include "mechs/spnego/acceptor.h"
#include "mechs/spnego/initiator.h"

namespace pocketgss {
namespace {

using mechs::Mechanism;
using mechs::MechanismEntry;
using mechs::MicNeed;
namespace krb5 = mechs::krb5;
namespace ntlm = mechs::ntlm;
namespace spnego = mechs::spnego;
using MadeMechanism = Result<std::unique_ptr<Mechanism>>;

constexpr Error kNoBinding{Errc::kPolicy, "P5: channel binding required", 0, 0};

constexpr size_t kMaxNetbiosName = 15;  // [MS-NLMP] 2.2.2.1: MsvAvNbComputerName; characters

Error misuse(const char* field) {
  return Error{Errc::kApiMisuse, field, 0, 0};
}

Error needs(const char* field) {
  return Error{Errc::kNeedsCredential, field, 0, 0};
}

// ConfiguredContext offers SPNEGO the mechanisms that its configuration allows, or runs one of them
// without it.
class ConfiguredContext : public MechanismContext {
 public:
  explicit ConfiguredContext(Runtime& runtime) : runtime_(runtime) {}

  Result<void> start_mechanism(MechanismKind kind) {
    PGSS_TRY(auto&& mechanism, make(kind));
    start(std::move(mechanism));
    return {};
  }

 protected:
  virtual MadeMechanism make_spnego(std::span<const MechanismEntry> offered) = 0;
  virtual MadeMechanism make_kerberos(MicNeed need) = 0;
  virtual MadeMechanism make_ntlm(MicNeed need) = 0;

  // offer adds a mechanism, once.
  void offer(InnerMechanism mechanism) {
    const bool kerberos = mechanism == InnerMechanism::kKerberos;
    const asn1::Oid oid = kerberos ? mechs::kKerberosOid : mechs::kNtlmOid;
    if (any_of(offered(), [oid](const MechanismEntry& entry) { return entry.oid == oid; })) return;
    MechanismEntry& entry = entries_[size_++];
    entry.oid = oid;
    if (kerberos) entry.alias = mechs::kMicrosoftKerberosOid;  // quirk B8
    entry.recognises = kerberos ? krb5::recognises : ntlm::recognises;
    entry.make = [this, kerberos](MicNeed need) {
      return kerberos ? make_kerberos(need) : make_ntlm(need);
    };
  }

  Runtime& runtime_;

 private:
  MadeMechanism make(MechanismKind kind) {
    switch (kind) {
      case MechanismKind::kKerberos:
        return make_kerberos(MicNeed::kNone);
      case MechanismKind::kNtlm:
        return make_ntlm(MicNeed::kNone);
      case MechanismKind::kSpnego:
        break;
    }
    return make_spnego(offered());
  }
  std::span<const MechanismEntry> offered() const { return std::span(entries_).first(size_); }

  std::array<MechanismEntry, 2> entries_;  // room for every mechanism that there is
  size_t size_ = 0;
};

// started gives the context its mechanism.
Result<std::unique_ptr<Context>> started(std::unique_ptr<ConfiguredContext> context,
                                         MechanismKind kind) {
  PGSS_CHECK(context->start_mechanism(kind));
  return std::unique_ptr<Context>(std::move(context));
}

// --- initiator ---

// usable: the policy names it, and there is what it logs in with; Kerberos needs to know to whom, too.
bool usable(const InitiatorConfig& config, InnerMechanism mechanism) {
  return config.policy.names(mechanism) &&
         (mechanism == InnerMechanism::kKerberos
              ? config.tickets != nullptr && !config.target.empty()
              : config.credential.has_value());
}

// check_offer: is there a mechanism that this kind of context may speak?
Result<void> check_offer(MechanismKind kind, const InitiatorConfig& config) {
  const Policy& policy = config.policy;
  const bool ntlm = kind != MechanismKind::kKerberos && usable(config, InnerMechanism::kNtlm);
  const bool kerberos = kind != MechanismKind::kNtlm && usable(config, InnerMechanism::kKerberos);
  if (ntlm || kerberos) return {};
  if (policy.inner.empty()) return misuse("Policy::inner");
  if (kind == MechanismKind::kNtlm && !policy.names(InnerMechanism::kNtlm)) {
    return Error{Errc::kPolicy, "P1: NTLM, which Policy::inner does not name", 0, 0};
  }
  if (kind == MechanismKind::kKerberos && !policy.names(InnerMechanism::kKerberos)) {
    return Error{Errc::kPolicy, "P1: Kerberos, which Policy::inner does not name", 0, 0};
  }
  const bool of_kerberos = kind == MechanismKind::kKerberos || !policy.names(InnerMechanism::kNtlm);
  if (of_kerberos && config.tickets != nullptr) return misuse("InitiatorConfig.target");
  return needs(of_kerberos ? "InitiatorConfig.tickets" : "InitiatorConfig.credential");
}

Result<void> check(MechanismKind kind, const InitiatorConfig& config) {
  PGSS_CHECK(check_offer(kind, config));
  if (config.policy.channel_binding == BindingRequirement::kRequire && !config.channel_binding) {
    return kNoBinding;
  }
  return {};
}

// InitiatorContext owns what its mechanisms borrow and the configuration does not hold.
class InitiatorContext final : public ConfiguredContext {
 public:
  InitiatorContext(Runtime& runtime, const InitiatorConfig& config)
      : ConfiguredContext(runtime), config_(config) {
    if (config.credential) set_credential(*config.credential);
    ntlm_.workstation = config.workstation;
    ntlm_.target_name = config.target;
    if (config.channel_binding && config.policy.channel_binding != BindingRequirement::kOff) {
      ntlm_.channel_binding = config.channel_binding->application_data;
    }
    ntlm_.require_channel_binding = config.policy.channel_binding == BindingRequirement::kRequire;
    ntlm_.level = config.policy.level;
    ntlm_.flags = config.flags;
    ntlm_.guard = config.guard.get();
    kerberos_.channel_binding = ntlm_.channel_binding;
    kerberos_.require_channel_binding = ntlm_.require_channel_binding;
    kerberos_.flags = config.flags;
    kerberos_.allow_rc4 = config.policy.allow_rc4;
    for (const InnerMechanism mechanism : config.policy.inner) {
      if (usable(config, mechanism)) offer(mechanism);
    }
  }
  ~InitiatorContext() override { end(); }

 private:
  MadeMechanism make_spnego(std::span<const MechanismEntry> offered) override {
    return spnego::make_initiator(runtime_, {offered, ntlm_.level});
  }
  // Where a mechListMIC is certain integrity is asked for: MIT's acceptor makes none without, and the
  // negotiation could not end. Elsewhere Kerberos can make one unasked, and the flag may be taken for
  // the wish for a layer (quirk A22).
  MadeMechanism make_kerberos(MicNeed need) override {
    if (need == MicNeed::kCertain) kerberos_.flags = kerberos_.flags | kIntegFlag;
    PGSS_TRY(auto&& source, config_.tickets->start(runtime_, config_.target));
    return krb5::make_initiator(runtime_, kerberos_, std::move(source));
  }
  void set_credential(const Credential& credential) {
    set_name(credential.name());
    ntlm_.nt_hash = &credential.secrets().nt_hash;
  }
  void set_name(const AccountName& name) {
    if (name.form == AccountName::Form::kPrincipal) {
      principal_ = name.text();
      ntlm_.user = principal_;  // quirk C11: a UPN is the user, and the domain is empty
    } else {
      ntlm_.user = name.user;
      ntlm_.domain = name.domain;
    }
  }
  MadeMechanism make_ntlm(MicNeed need) override {
    return ntlm::make_initiator(runtime_, ntlm_, need != MicNeed::kNone);
  }

  const InitiatorConfig& config_;
  std::string principal_;
  ntlm::InitiatorConfig ntlm_;
  krb5::InitiatorConfig kerberos_;
};

// --- acceptor ---

Result<void> check(MechanismKind kind, const AcceptorConfig& config) {
  const bool kerberos = config.keys != nullptr && kind != MechanismKind::kNtlm;
  const bool ntlm = config.ntlm && kind != MechanismKind::kKerberos;
  if (!kerberos && !ntlm) {
    return needs(kind == MechanismKind::kKerberos ? "AcceptorConfig.keys" : "AcceptorConfig.ntlm");
  }
  if (kerberos && config.replay_cache == nullptr) return misuse("AcceptorConfig.replay_cache");
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
  for (size_t i = 0; i < text.size(); ++i) {
    const bool starts_one = (static_cast<unsigned char>(text[i]) & 0xc0) != 0x80;
    if (starts_one && ++characters > kMaxNetbiosName) text.resize(i);
  }
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

std::vector<std::string_view> views(const std::vector<std::string>& texts) {
  return std::vector<std::string_view>(texts.begin(), texts.end());
}

// binding_views: none where the policy does not look at them (row P5).
std::vector<ByteView> binding_views(const AcceptorConfig& config) {
  if (config.policy.channel_binding == BindingRequirement::kOff) return {};
  std::vector<ByteView> out(config.channel_bindings.size());
  for (size_t i = 0; i < out.size(); ++i) out[i] = config.channel_bindings[i].application_data;
  return out;
}

class AcceptorContext final : public ConfiguredContext {
 public:
  AcceptorContext(Runtime& runtime, const AcceptorConfig& config, std::string netbios)
      : ConfiguredContext(runtime), netbios_name_(std::move(netbios)) {
    ntlm_.netbios_computer = netbios_name_;
    ntlm_.netbios_domain = netbios_name_;  // as a server that is in no domain says
    ntlm_.dns_computer = config.host;
    ntlm_.dns_domain = dns_domain(config.host);
    set_targets(config);
    ntlm_.target_name_check = target_name_check(config.policy.target_name_check);
    ntlm_.channel_bindings = binding_views(config);
    ntlm_.binding_requirement = config.policy.channel_binding;
    ntlm_.level = config.policy.level;
    ntlm_.guard = config.guard.get();
    if (config.keys != nullptr) {
      set_kerberos(config);
      offer(InnerMechanism::kKerberos);
    }
    if (config.ntlm) offer(InnerMechanism::kNtlm);
  }
  ~AcceptorContext() override { end(); }

  // It is the acceptor whose success is reported.
  Result<ContextStep> peer_done() override {
    if (is_negotiating()) return misuse("peer_done() of an acceptor");
    return MechanismContext::peer_done();
  }

 private:
  void set_kerberos(const AcceptorConfig& config) {
    kerberos_.keytab = &config.keys->keytab();
    kerberos_.replay_cache = config.replay_cache.get();
    kerberos_.services = views(config.targets);
    kerberos_.client_realms = views(config.client_realms);
    kerberos_.channel_bindings = binding_views(config);
    kerberos_.binding_requirement = config.policy.channel_binding;
    kerberos_.allow_rc4 = config.policy.allow_rc4;
  }
  // Policy row P18: both service classes of the host, unless the configuration lists others.
  void set_targets(const AcceptorConfig& config) {
    ntlm_.target_names = views(config.targets);
    if (!config.targets.empty()) return;
    static constexpr std::string_view kSmtp = "smtp/", kSmtpSvc = "SMTPSVC/";
    const size_t size = kSmtp.size() + config.host.size();
    default_targets_.reserve(size + kSmtpSvc.size() + config.host.size());
    default_targets_.append(kSmtp).append(config.host).append(kSmtpSvc).append(config.host);
    const std::string_view both = default_targets_;
    ntlm_.target_names = std::vector{both.substr(0, size), both.substr(size)};
  }
  MadeMechanism make_spnego(std::span<const MechanismEntry> offered) override {
    return spnego::make_acceptor(runtime_, {offered, ntlm_.level});
  }
  MadeMechanism make_kerberos(MicNeed) override { return krb5::make_acceptor(runtime_, kerberos_); }
  MadeMechanism make_ntlm(MicNeed) override { return ntlm::make_acceptor(runtime_, ntlm_); }

  std::string netbios_name_;
  std::string default_targets_;  // one after the other
  ntlm::AcceptorConfig ntlm_;
  krb5::AcceptorConfig kerberos_;
};

}  // namespace

Result<std::unique_ptr<Context>> make_initiator(Runtime& runtime, MechanismKind kind,
                                                const InitiatorConfig& config) {
  return guarded("make_initiator", [&]() -> Result<std::unique_ptr<Context>> {
    PGSS_CHECK(check(kind, config));
    return started(std::make_unique<InitiatorContext>(runtime, config), kind);
  });
}

Result<std::unique_ptr<Context>> make_acceptor(Runtime& runtime, MechanismKind kind,
                                               const AcceptorConfig& config) {
  return guarded("make_acceptor", [&]() -> Result<std::unique_ptr<Context>> {
    PGSS_CHECK(check(kind, config));
    PGSS_TRY(auto&& netbios, netbios_name(config.host));
    return started(std::make_unique<AcceptorContext>(runtime, config, std::move(netbios)), kind);
  });
}

}  // namespace pocketgss
