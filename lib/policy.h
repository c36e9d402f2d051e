// What a program permits: one value, set once, read by every context.
#ifndef POCKETGSS_POLICY_H_
#define POCKETGSS_POLICY_H_

#include <pocketgss/step.h>

#include <cstdint>
#include <vector>

PGSS_EXPORT_BEGIN
namespace pocketgss {

// InnerMechanism: what an initiator may speak, inside SPNEGO or bare.
enum class InnerMechanism : uint8_t { kKerberos, kNtlm };

// Policy is a plain value. The defaults are the rows of docs/policy.md.
struct Policy {
  PolicyLevel level = PolicyLevel::kDefault;

  // P1: what an initiator speaks, preferred first; SPNEGO offers it in this order. NTLM only where
  // the user names it: a program that lets its user choose bare NTLM (MechanismKind::kNtlm) puts
  // kNtlm in here too, and without it make_initiator() refuses. Acceptors take what their
  // configuration enables.
  std::vector<InnerMechanism> inner = {InnerMechanism::kKerberos};
  bool names(InnerMechanism) const;  // it is in `inner`

  // P5: channel bindings. kRequire: no context without one. kWhenSupported: an initiator sends the
  // binding that it was given; an acceptor checks one that was sent. kOff: neither.
  BindingRequirement channel_binding = BindingRequirement::kWhenSupported;

  // P10: Kerberos keys of etype 23 (rc4-hmac), where the build has it: tickets, session keys and
  // sub-keys.
  bool allow_rc4 = false;

  // P18: what an acceptor does with the target name (SPN) that the initiator sent.
  using TargetNameCheck = pocketgss::TargetNameCheck;
  TargetNameCheck target_name_check = TargetNameCheck::kIfPresent;
};

}  // namespace pocketgss
PGSS_EXPORT_END

#endif  // POCKETGSS_POLICY_H_
