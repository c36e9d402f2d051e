// The one file that knows every mechanism: it makes contexts of configurations.
#include <array>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/guard.h"
#include "base/utf16.h"
#include "lib/credential_secrets.h"
#include "lib/kerberos.h"
#include "lib/mechanism_context.h"
#include "lib/reflection_guard.h"
#include "mechs/ntlm/acceptor.h"
#include "mechs/ntlm/initiator.h"
#include "mechs/oids.h"
#include "mechs/spnego/acceptor.h"
#include "mechs/spnego/initiator.h"

namespace pocketgss {
namespace {

using asn1::Oid;
using mechs::Mechanism;
using mechs::MechanismEntry;
using mechs::MicNeed;
namespace ntlm = mechs::ntlm;
namespace spnego = mechs::spnego;
using MadeMechanism = Result<std::unique_ptr<Mechanism>>;

constexpr size_t kMaxNetbiosName = 15;  // [MS-NLMP] 2.2.2.1: MsvAvNbComputerName; characters

// Inline, each is two constants in registers.
[[gnu::always_inline]] inline Error misuse(const char* field) {
  return Error{Errc::kApiMisuse, field, 0, 0};
}
[[gnu::always_inline]] inline Error needs(const char* field) {
  return Error{Errc::kNeedsCredential, field, 0, 0};
}

constexpr MechanismEntry kNtlmEntry{mechs::kNtlmOid, std::nullopt, nullptr, ntlm::recognises};
// Under both of its OIDs (quirk B8).
constexpr MechanismEntry kKerberosEntry{mechs::kKerberosOid, mechs::kMicrosoftKerberosOid, nullptr,
                                        kerberos::recognises};

// ConfiguredContext offers SPNEGO the mechanisms that its configuration allows, or runs one of them
// without it.
class ConfiguredContext : public MechanismContext, protected mechs::MechanismSource {
 public:
  explicit ConfiguredContext(Runtime& runtime) : runtime_(runtime) {}

  // begin reads the configuration and gives the context its mechanism.
  Result<void> begin(MechanismKind kind) {
    PGSS_CHECK(set_up(kind));
    PGSS_TRY(auto&& mechanism, make_kind(kind, MicNeed::kNone));
    start(std::move(mechanism));
    return {};
  }

 protected:
  // set_up offers what there is, or says why that is nothing.
  virtual Result<void> set_up(MechanismKind) = 0;
  virtual MadeMechanism make_kind(MechanismKind, MicNeed) = 0;

  // offer adds a mechanism, once.
  void offer(InnerMechanism mechanism) {
    bool& offers = mechanism == InnerMechanism::kNtlm ? offers_ntlm_ : offers_kerberos_;
    if (offers) return;
    offers = true;
    MechanismEntry& entry = entries_[size_++];
    entry = mechanism == InnerMechanism::kNtlm ? kNtlmEntry : kKerberosEntry;
    entry.source = this;
  }
  bool offers_kerberos() const { return offers_kerberos_; }
  // offers_any: is there a mechanism that this kind of context may speak?
  bool offers_any(MechanismKind kind) const {
    return (kind != MechanismKind::kKerberos && offers_ntlm_) ||
           (kind != MechanismKind::kNtlm && offers_kerberos_);
  }
  std::span<const MechanismEntry> offered() const { return std::span(entries_).first(size_); }

  // check_binding_is_there refuses a context that could only be refused later (row P5).
  static Result<void> check_binding_is_there(const Policy& policy, bool there) {
    if (policy.channel_binding != BindingRequirement::kRequire || there) return {};
    return Error{Errc::kPolicy, "P5: channel binding required", 0, 0};
  }

  Runtime& runtime_;

 private:
  Result<void> make(Oid oid, MicNeed need, std::unique_ptr<mechs::Mechanism>& out) final {
    const bool ntlm = oid == mechs::kNtlmOid;
    PGSS_TRY(out, make_kind(ntlm ? MechanismKind::kNtlm : MechanismKind::kKerberos, need));
    return {};
  }

  std::array<MechanismEntry, 2> entries_;  // room for every mechanism that there is
  size_t size_ = 0;
  bool offers_ntlm_ = false, offers_kerberos_ = false;
};

// begun gives the context its mechanism.
Result<std::unique_ptr<Context>> begun(std::unique_ptr<ConfiguredContext> context,
                                       MechanismKind kind) {
  PGSS_CHECK(context->begin(kind));
  return std::unique_ptr<Context>(std::move(context));
}

// InitiatorContext owns what its mechanisms borrow and the configuration does not hold.
class InitiatorContext final : public ConfiguredContext {
 public:
  InitiatorContext(Runtime& runtime, const InitiatorConfig& config)
      : ConfiguredContext(runtime), config_(config), ntlm_() {}
  ~InitiatorContext() override { end(); }

 private:
  Result<void> set_up(MechanismKind kind) override {
    for (const InnerMechanism mechanism : config_.policy.inner) {
      if (usable(mechanism)) offer(mechanism);
    }
    if (!offers_any(kind)) return why_nothing(kind);
    set_ntlm();
    return check_binding_is_there(config_.policy, config_.channel_binding.has_value());
  }

  // usable: there is what it logs in with; Kerberos needs to know to whom, too.
  bool usable(InnerMechanism mechanism) const {
    return mechanism == InnerMechanism::kNtlm ? config_.credential.has_value()
                                              : kerberos::usable(config_);
  }

  // why_nothing says why there is no mechanism that this kind of context may speak.
  Error why_nothing(MechanismKind kind) const {
    const Policy& policy = config_.policy;
    if (policy.inner.empty()) return misuse("Policy::inner");
    const bool names_ntlm = policy.names(InnerMechanism::kNtlm);
    if (kind == MechanismKind::kNtlm && !names_ntlm) {
      return Error{Errc::kPolicy, "P1: NTLM, which Policy::inner does not name", 0, 0};
    }
    if (kind == MechanismKind::kKerberos && !policy.names(InnerMechanism::kKerberos)) {
      return Error{Errc::kPolicy, "P1: Kerberos, which Policy::inner does not name", 0, 0};
    }
    if (kind != MechanismKind::kKerberos && names_ntlm) return needs("InitiatorConfig.credential");
    if (config_.tickets != nullptr) return misuse("InitiatorConfig.target");
    return needs("InitiatorConfig.tickets");
  }

  void set_ntlm() {
    if (config_.credential) set_credential(config_.credential->secrets());
    ntlm_.workstation = config_.workstation;
    ntlm_.target_name = config_.target;
    const BindingRequirement binding = config_.policy.channel_binding;
    if (config_.channel_binding && binding != BindingRequirement::kOff) {
      ntlm_.channel_binding = config_.channel_binding->application_data;
    }
    ntlm_.require_channel_binding = binding == BindingRequirement::kRequire;
    ntlm_.level = config_.policy.level;
    ntlm_.flags = config_.flags;
    ntlm_.guard = config_.guard.get();
  }
  void set_credential(const Credential::Secrets& secrets) {
    ntlm_.nt_hash = &secrets.nt_hash;
    if (secrets.name.form == AccountName::Form::kPrincipal) {
      ntlm_.user = secrets.principal;  // quirk C11: a UPN is the user, and the domain is empty
    } else {
      ntlm_.user = secrets.name.user;
      ntlm_.domain = secrets.name.domain;
    }
  }

  MadeMechanism make_kind(MechanismKind kind, MicNeed need) override {
    if (kind == MechanismKind::kSpnego) {
      return spnego::make_initiator(runtime_, {offered(), ntlm_.level});
    }
    if (kind == MechanismKind::kNtlm) {
      return ntlm::make_initiator(runtime_, ntlm_, need != MicNeed::kNone);
    }
    return kerberos::make_initiator(runtime_, config_, ntlm_.channel_binding, need);
  }

  const InitiatorConfig& config_;
  ntlm::InitiatorConfig ntlm_;
};

class AcceptorContext final : public ConfiguredContext {
 public:
  AcceptorContext(Runtime& runtime, const AcceptorConfig& config)
      : ConfiguredContext(runtime), config_(config), ntlm_() {}
  ~AcceptorContext() override { end(); }

  // It is the acceptor whose success is reported.
  Result<ContextStep> peer_done() override {
    if (is_negotiating()) return misuse("peer_done() of an acceptor");
    return MechanismContext::peer_done();
  }

 private:
  Result<void> set_up(MechanismKind kind) override {
    if (kerberos::usable(config_)) offer(InnerMechanism::kKerberos);
    if (config_.ntlm) offer(InnerMechanism::kNtlm);
    if (!offers_any(kind)) {
      return needs(kind == MechanismKind::kKerberos ? "AcceptorConfig.keys"
                                                    : "AcceptorConfig.ntlm");
    }
    if (kind != MechanismKind::kNtlm && offers_kerberos() && config_.replay_cache == nullptr) {
      return misuse("AcceptorConfig.replay_cache");
    }
    PGSS_CHECK(set_host());
    set_bindings();
    ntlm_.target_name_check = config_.policy.target_name_check;
    ntlm_.binding_requirement = config_.policy.channel_binding;
    ntlm_.level = config_.policy.level;
    ntlm_.guard = config_.guard.get();
    return check_binding_is_there(config_.policy, !config_.channel_bindings.empty());
  }

  // set_host makes NTLM's names of the host's. The NetBIOS name is the first label in upper case, 15
  // characters at most; it stands for the domain, too, as a server says that is in none.
  [[gnu::noinline]] Result<void> set_host() {
    const std::string_view host = config_.host;
    const std::string_view label = host.substr(0, host.find('.'));
    netbios_name_.reserve(label.size());
    if (label.empty() || !append_upcased(netbios_name_, label, "").has_value()) {
      return misuse("AcceptorConfig.host");
    }
    size_t characters = 0;
    for (size_t i = 0; i < netbios_name_.size(); ++i) {
      if (begins_character(netbios_name_[i]) && ++characters > kMaxNetbiosName) {
        netbios_name_.resize(i);
      }
    }
    ntlm_.netbios_computer = ntlm_.netbios_domain = netbios_name_;
    ntlm_.dns_computer = host;
    if (label.size() != host.size()) ntlm_.dns_domain = host.substr(label.size() + 1);
    ntlm_.target_names = config_.targets;
    // Policy row P18: both service classes of the host, unless the configuration lists others.
    if (config_.targets.empty()) {
      default_targets_[0].append("smtp/").append(config_.host);
      default_targets_[1].append("SMTPSVC/").append(config_.host);
      ntlm_.target_names = default_targets_;
    }
    return {};
  }

  // set_bindings: none where the policy does not look at them (row P5).
  void set_bindings() {
    if (config_.policy.channel_binding == BindingRequirement::kOff) return;
    const size_t count = config_.channel_bindings.size();
    if (count == 0) return;
    bindings_ = std::make_unique<ByteView[]>(count);
    for (size_t i = 0; i < count; ++i) bindings_[i] = config_.channel_bindings[i].application_data;
    ntlm_.channel_bindings = {bindings_.get(), count};
  }

  MadeMechanism make_kind(MechanismKind kind, MicNeed) override {
    if (kind == MechanismKind::kSpnego) {
      return spnego::make_acceptor(runtime_, {offered(), ntlm_.level});
    }
    if (kind == MechanismKind::kNtlm) return ntlm::make_acceptor(runtime_, ntlm_);
    return kerberos::make_acceptor(runtime_, config_, ntlm_.channel_bindings);
  }

  const AcceptorConfig& config_;
  std::string netbios_name_;
  std::array<std::string, 2> default_targets_;
  std::unique_ptr<ByteView[]> bindings_;
  ntlm::AcceptorConfig ntlm_;
};

}  // namespace

Result<std::unique_ptr<Context>> make_initiator(Runtime& runtime, MechanismKind kind,
                                                const InitiatorConfig& config) {
  return guarded("make_initiator", [&]() -> Result<std::unique_ptr<Context>> {
    return begun(std::make_unique<InitiatorContext>(runtime, config), kind);
  });
}

Result<std::unique_ptr<Context>> make_acceptor(Runtime& runtime, MechanismKind kind,
                                               const AcceptorConfig& config) {
  return guarded("make_acceptor", [&]() -> Result<std::unique_ptr<Context>> {
    return begun(std::make_unique<AcceptorContext>(runtime, config), kind);
  });
}

}  // namespace pocketgss
