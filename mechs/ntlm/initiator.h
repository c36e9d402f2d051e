// The client of [MS-NLMP], NTLMv2 only.
#ifndef PGSS_MECHS_NTLM_INITIATOR_H_
#define PGSS_MECHS_NTLM_INITIATOR_H_

#include <string_view>

#include "mechs/mechanism.h"
#include "mechs/ntlm/challenge_guard.h"
#include "mechs/ntlm/crypto.h"

namespace pocketgss::mechs::ntlm {

// InitiatorConfig outlives the mechanism; all of it, and what it borrows, is only read. Text is
// UTF-8.
struct InitiatorConfig {
  std::string_view user;  // with an empty domain it may be a UPN (quirk C11); 1 to 256 UTF-16 units
  std::string_view
      domain;  // as sent and as keyed (quirk C10); may be empty; at most 256 UTF-16 units
  std::string_view workstation;     // empty: none is sent; at most 256 UTF-16 units
  const NtHash* nt_hash = nullptr;  // NTOWFv1 of the password ([MS-NLMP] 3.3.1); required
  std::string_view
      target_name;  // MsvAvTargetName, "smtp/mail.example.test", sent as it is; empty: none is sent
  ByteView channel_binding;  // application data ("tls-server-end-point:" and the hash); empty: none
  bool require_channel_binding = false;
  PolicyLevel level = PolicyLevel::kDefault;
  ContextFlags flags =
      kIntegFlag;  // what the caller wants; kConfFlag asks for SEAL, the integrity flags for SIGN
  ContextFlags required_flags =
      kNoContextFlags;          // those without which the exchange fails; also asked for
  FixedBytes<32> machine_id{};  // MsvAvSingleHost; all zero: the pair is left out
  ChallengeGuard* guard =
      nullptr;  // optional: challenges that must not be answered (policy row P19)
};

// make_initiator starts one exchange: step("") sends NEGOTIATE, step(CHALLENGE) establishes, with
// AUTHENTICATE. `integrity_needed` asks for what a mechListMIC needs.
//
//   Start --step("")--> AwaitChallenge --CHALLENGE--> Established   any refusal --> Failed
//
// Errors of the exchange:
//   kMalformed         the bytes are no CHALLENGE; `where` names the field
//   kPeerIncompatible  the CHALLENGE lacks a flag or a pair that is required (P3, P4); `where`
//                      names it
//   kPeerMisbehaved    a token where none is due; the challenge is our own acceptor's (P19)
//   kPolicy            a channel binding is required and there is none (P5)
//   kApiMisuse         a call out of turn; a configuration that cannot work
Result<std::unique_ptr<Mechanism>> make_initiator(Runtime&, const InitiatorConfig&,
                                                  bool integrity_needed);

}  // namespace pocketgss::mechs::ntlm

#endif  // PGSS_MECHS_NTLM_INITIATOR_H_
