// What a program permits: one value, set once, read by every context.
#ifndef POCKETGSS_POLICY_H_
#define POCKETGSS_POLICY_H_

#include <vector>

#include <pocketgss/step.h>

namespace pocketgss PGSS_EXPORT {

// InnerMechanism: what SPNEGO may negotiate.
enum class InnerMechanism : uint8_t { kKerberos, kNtlm };

// Policy is a plain value. The defaults are the rows of docs/policy.md.
struct Policy {
  PolicyLevel level = PolicyLevel::kDefault;
  // P1: what an initiator offers, preferred first. NTLM only where the user names it.
  std::vector<InnerMechanism> inner = {InnerMechanism::kKerberos};
  // P5: channel bindings.
  BindingRequirement channel_binding = BindingRequirement::kWhenSupported;
  // P18: what an acceptor does with the initiator's target name.
  enum class TargetNameCheck : uint8_t { kOff, kIfPresent, kRequired };
  TargetNameCheck target_name_check = TargetNameCheck::kIfPresent;
};

}  // namespace pocketgss

#endif  // POCKETGSS_POLICY_H_
