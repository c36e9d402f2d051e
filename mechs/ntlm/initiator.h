// The client of [MS-NLMP], NTLMv2 only.
#ifndef PGSS_MECHS_NTLM_INITIATOR_H_
#define PGSS_MECHS_NTLM_INITIATOR_H_

#include <string>

#include "mechs/mechanism.h"
#include "mechs/ntlm/crypto.h"

namespace pocketgss::mechs::ntlm {

// InitiatorConfig outlives the mechanism; all of it is only read.
struct InitiatorConfig {
  std::string
      user;  // UTF-8; with an empty domain it may be a UPN (quirk C11); 1 to 256 UTF-16 units
  std::string domain;               // UTF-8, as sent and as keyed (quirk C10); may be empty
  std::string workstation;          // UTF-8; empty: none is sent
  const NtHash* nt_hash = nullptr;  // NTOWFv1 of the password ([MS-NLMP] 3.3.1); required
  std::string target_name;          // MsvAvTargetName, "smtp/host"; empty: none is sent
  ByteView channel_binding;  // application data ("tls-server-end-point:" and the hash); empty: none
  bool require_channel_binding = false;
  PolicyLevel level = PolicyLevel::kDefault;
  ContextFlags flags =
      kIntegFlag;  // what the caller wants; kConfFlag asks for SEAL, kIntegFlag for SIGN
  FixedBytes<32> machine_id{};  // MsvAvSingleHost; all zero: the pair is left out
};

// make_initiator starts one exchange: step("") gives NEGOTIATE, step(CHALLENGE) gives Complete with
// AUTHENTICATE.
//
//   Start --step("")--> AwaitChallenge --CHALLENGE--> Complete      any refusal --> Failed
Result<std::unique_ptr<Mechanism>> make_initiator(Runtime&, const InitiatorConfig&,
                                                  bool integrity_needed);

}  // namespace pocketgss::mechs::ntlm

#endif  // PGSS_MECHS_NTLM_INITIATOR_H_
