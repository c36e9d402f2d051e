// The server of [MS-NLMP], NTLMv2 only; NTLMv1, LM and anonymous are recognised and refused.
#ifndef PGSS_MECHS_NTLM_ACCEPTOR_H_
#define PGSS_MECHS_NTLM_ACCEPTOR_H_

#include <span>
#include <string>

#include "mechs/mechanism.h"
#include "mechs/ntlm/crypto.h"

namespace pocketgss::mechs::ntlm {

enum class TargetNameCheck : uint8_t { kOff, kIfPresent, kRequired };  // policy row P18

// ChallengeGuard keeps the ServerChallenges of acceptors that wait, so that an initiator of the
// same program refuses to answer one (reflection, policy row P19). Safe to call from several
// threads.
class ChallengeGuard {
 public:
  virtual ~ChallengeGuard() = default;
  virtual void add(FixedView<8> challenge) = 0;
  virtual void remove(FixedView<8> challenge) = 0;
  virtual bool contains(FixedView<8> challenge) = 0;
};

// AcceptorConfig outlives the mechanism; all of it is only read.
struct AcceptorConfig {
  std::string netbios_computer =
      "SERVER";                           // MsvAvNbComputerName, upper case, at most 15 characters
  std::string netbios_domain = "SERVER";  // MsvAvNbDomainName
  std::string dns_computer;               // MsvAvDnsComputerName; empty: the pair's value is empty
  std::string dns_domain;
  std::vector<std::string> target_names;  // MsvAvTargetName that are ours ("smtp/host",
                                          // "SMTPSVC/host"); compared without case
  TargetNameCheck target_name_check = TargetNameCheck::kIfPresent;
  std::vector<ByteView>
      channel_bindings;  // application data of each type that TLS gives; empty: no TLS
  BindingRequirement binding_requirement = BindingRequirement::kWhenSupported;
  PolicyLevel level = PolicyLevel::kDefault;
  int64_t challenge_life_micros = 120'000'000;
  ChallengeGuard* guard = nullptr;
};

// make_acceptor starts one exchange: step(NEGOTIATE) gives Continue with CHALLENGE,
// step(AUTHENTICATE) gives NeedAccount, resume() gives Complete without a token. A wrong user,
// password, MIC or binding is one and the same kAuthFailed.
//
//   Start --NEGOTIATE--> AwaitAuthenticate --AUTHENTICATE--> AwaitAccount --resume()--> Complete
//   any refusal --> Failed
Result<std::unique_ptr<Mechanism>> make_acceptor(Runtime&, const AcceptorConfig&,
                                                 bool integrity_needed);

// recognises: the token begins as an NTLM message does ("NTLMSSP\0").
bool recognises(ByteView first_token);

}  // namespace pocketgss::mechs::ntlm

#endif  // PGSS_MECHS_NTLM_ACCEPTOR_H_
