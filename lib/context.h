// Security contexts in the model of GSS-API (RFC 2743): made from a configuration, stepped until established, then protecting
// messages.
#ifndef POCKETGSS_CONTEXT_H_
#define POCKETGSS_CONTEXT_H_

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <pocketgss/channel_bindings.h>
#include <pocketgss/credential.h>
#include <pocketgss/env.h>
#include <pocketgss/policy.h>
#include <pocketgss/result.h>
#include <pocketgss/step.h>

namespace pocketgss PGSS_EXPORT {

// Established: both sides are done as far as this side can tell. `token`, where there is one, must still go to the peer.
struct Established {
  std::optional<Bytes> token;
};

// ContextStep is what one call to step() or resume() asks of the caller.
using ContextStep = std::variant<Continue, NeedExchange, NeedAccount, Established>;

// Context is one side of one security context. It belongs to one thread. After an error every later call returns that same
// error, so a failed context can only be destroyed.
class Context {
 public:
  virtual ~Context() = default;

  // step takes the peer's token; an initiator's first call takes an empty one. Errors are those of the mechanism
  // (docs/errors.md); kApiMisuse on an established context.
  virtual Result<ContextStep> step(ByteView peer_token) = 0;
  // resume takes the answer to NeedExchange or NeedAccount. Errors: as step(); kApiMisuse where nothing was asked.
  virtual Result<ContextStep> resume(Answer answer) = 0;
  // peer_done: the protocol above reports success though a last token of the peer's was expected. Errors: kPolicy (row P8)
  // where the policy does not take that, kPeerMisbehaved.
  virtual Result<ContextStep> peer_done() = 0;

  virtual bool established() const = 0;
  // proof_sent: bytes derived from the credential have left, so nothing weaker may be tried after a failure (policy row P8).
  virtual bool proof_sent() const = 0;
  virtual const char* state_name() const = 0;

  // info and the calls below are for established contexts; before that, info() is empty and the others are kApiMisuse.
  virtual const ContextInfo& info() const = 0;

  virtual size_t wrap_size(size_t message_size) const = 0;  // at most, in bytes; 0 where nothing can be wrapped
  virtual size_t mic_size() const = 0;                      // exact, in bytes; 0 where there is no integrity
  // wrap writes the protected message to `out` (wrap_size() bytes) and returns its size. NTLM encrypts whether asked or not
  // (quirk A6). Errors: kApiMisuse (`out` too small, no integrity negotiated).
  virtual Result<size_t> wrap(ByteView message, bool confidential, MutableBytes out) = 0;
  struct Unwrapped {
    size_t size;        // of the message, at the start of `out`
    bool confidential;  // it was encrypted
  };
  // unwrap writes the message to `out` (token.size() bytes suffice). Errors: kMalformed, kAuthFailed, kExpired (replayed or out
  // of sequence); `out` then holds nothing of the message.
  virtual Result<Unwrapped> unwrap(ByteView token, MutableBytes out) = 0;
  virtual Result<size_t> mic(ByteView message, MutableBytes out) = 0;
  virtual Result<void> verify_mic(ByteView message, ByteView mic) = 0;
  // session_key is the key that both sides hold, valid as long as the context. Never send or log it.
  virtual Result<ByteView> session_key() const = 0;
};

// MechanismKind is the outermost mechanism of a context.
enum class MechanismKind : uint8_t { kSpnego, kNtlm, kKerberos };

// InitiatorConfig is only read, and outlives every context made from it.
struct InitiatorConfig {
  std::optional<Credential> credential;             // none: kNeedsCredential
  std::string target;                               // SPN, "smtp/mail.example.test"; empty: none is named
  std::optional<ChannelBinding> channel_binding;    // of the TLS channel, where there is one
  ContextFlags flags = kMutualFlag | kReplayFlag | kSequenceFlag | kIntegFlag;
  std::string workstation;                          // NTLM's Workstation field; empty: not sent
  Policy policy;
};

// ReflectionGuard remembers the challenges that acceptors of this program have open, so that its initiators never answer one
// (policy row P19). One object serves all threads of a program.
class ReflectionGuard;
std::shared_ptr<ReflectionGuard> make_reflection_guard();

// AcceptorConfig is only read, and outlives every context made from it.
struct AcceptorConfig {
  bool ntlm = false;                                // accept NTLM; accounts come by NeedAccount
  std::string host;                                 // this server's DNS name; NTLM's names and the default targets derive from it
  std::vector<std::string> targets;                 // SPNs that are ours; empty: smtp/host and SMTPSVC/host
  std::vector<ChannelBinding> channel_bindings;     // of the TLS channel, every type that can be had
  std::shared_ptr<ReflectionGuard> guard;           // may be empty
  Policy policy;
};

// make_initiator and make_acceptor: kApiMisuse (a configuration that cannot work; `where` names the field), kNeedsCredential,
// kPeerIncompatible ("kerberos" where this build has none), kNoMemory.
Result<std::unique_ptr<Context>> make_initiator(Runtime&, MechanismKind, const InitiatorConfig&);
Result<std::unique_ptr<Context>> make_acceptor(Runtime&, MechanismKind, const AcceptorConfig&);

}  // namespace pocketgss

#endif  // POCKETGSS_CONTEXT_H_
