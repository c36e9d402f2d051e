// The server of [MS-NLMP], NTLMv2 only; NTLMv1, LM and anonymous are recognised and refused.
#ifndef PGSS_MECHS_NTLM_ACCEPTOR_H_
#define PGSS_MECHS_NTLM_ACCEPTOR_H_

#include <span>
#include <string>
#include <string_view>

#include "mechs/mechanism.h"
#include "mechs/ntlm/challenge_guard.h"
#include "mechs/ntlm/crypto.h"

namespace pocketgss::mechs::ntlm {

// AcceptorConfig outlives the mechanism; all of it, and what it borrows, is only read. Text is
// UTF-8.
struct AcceptorConfig {
  std::string_view netbios_computer =
      "SERVER";  // MsvAvNbComputerName, upper case, at most 15 characters
  std::string_view netbios_domain = "SERVER";  // MsvAvNbDomainName
  std::string_view dns_computer;               // MsvAvDnsComputerName; empty: the pair is left out
  std::string_view dns_domain;                 // MsvAvDnsDomainName; empty: the pair is left out
  // MsvAvTargetName values that are ours ("smtp/host", "SMTPSVC/host"); compared without case. With
  // none, a client that names a target is refused unless the check is off.
  std::span<const std::string> target_names;
  TargetNameCheck target_name_check = TargetNameCheck::kIfPresent;
  // Application data of each type that the TLS channel gives; empty: no TLS, and a client that
  // binds is refused (P5).
  std::span<const ByteView> channel_bindings;
  BindingRequirement binding_requirement = BindingRequirement::kWhenSupported;
  PolicyLevel level = PolicyLevel::kDefault;
  int64_t challenge_life_micros = 120'000'000;  // by Clock::steady()
  ChallengeGuard* guard = nullptr;              // optional
};

// make_acceptor starts one exchange: step(NEGOTIATE) sends CHALLENGE, step(AUTHENTICATE) asks for the
// account, resume() establishes, without a token.
//
//   Start --NEGOTIATE--> AwaitAuthenticate --AUTHENTICATE--> AwaitAccount --resume()--> Established
//   any refusal --> Failed
//
// Errors of the exchange:
//   kMalformed         the bytes are no such message; `where` names the field
//   kPeerIncompatible  flags without which nothing can be agreed on (P3)
//   kPolicy            refused whatever the password is: NTLMv1, LM, anonymous, a policy row that
//                      `where` names
//   kExpired           the AUTHENTICATE came after the challenge's life
//   kAuthFailed        user, password or MIC is wrong (one and the same error), or a channel
//                      binding is not of this channel
//   kPeerMisbehaved    valid bytes in a broken order
//   kUnreachable       the account could not be looked up (P20)
//   kApiMisuse         a call out of turn; a configuration that cannot work
Result<std::unique_ptr<Mechanism>> make_acceptor(Runtime&, const AcceptorConfig&);

// recognises: the token begins as an NTLM message does ("NTLMSSP\0").
bool recognises(ByteView first_token);

}  // namespace pocketgss::mechs::ntlm

#endif  // PGSS_MECHS_NTLM_ACCEPTOR_H_
