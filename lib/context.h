// Security contexts in the model of GSS-API (RFC 2743): made from a configuration, stepped until
// established, then protecting messages.
//
//   auto context = make_initiator(runtime, MechanismKind::kSpnego, config);
//   auto step = context.value()->step({});  // then with each of the peer's tokens
#ifndef POCKETGSS_CONTEXT_H_
#define POCKETGSS_CONTEXT_H_

#include <pocketgss/channel_bindings.h>
#include <pocketgss/credential.h>
#include <pocketgss/env.h>
#include <pocketgss/policy.h>
#include <pocketgss/result.h>
#include <pocketgss/step.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

PGSS_EXPORT_BEGIN
namespace pocketgss {

// kMaxPseudoRandomSize bounds the output of pseudo_random(), in bytes (RFC 4401 2 lets us).
inline constexpr size_t kMaxPseudoRandomSize = size_t{1} << 20;

// Context is one side of one security context. It belongs to one thread; it does not throw, and
// what it calls (clock, random source, reflection guard) must not throw either.
//
// After an error of step(), resume() or peer_done() the context has failed; but not after kApiMisuse
// of a call, or an answer, that was not due, which changes nothing. Every later call that returns a
// Result returns that same error, and it can only be destroyed. What a failed or established context
// no longer needs (keys, passwords, tokens) is wiped at once.
class Context {
 public:
  virtual ~Context() = default;

  // step takes the peer's token; an initiator's first call takes an empty one. Errors:
  //   kMalformed, kPeerMisbehaved   the peer's token: close the connection
  //   kPeerIncompatible             nothing in common: tell the user which sides offer what
  //   kAuthFailed                   a wrong name, password, MIC or binding; which, is not told (P23)
  //   kPolicy                       `where` begins with the row: tell the user, who may change it
  //   kNeedsCredential, kExpired, kUnreachable   see Errc
  //   kApiMisuse                    on an established context, or resume() was due: nothing has
  //                                 changed; else a name that cannot be sent
  //   kNoMemory, kInternal
  virtual Result<ContextStep> step(ByteView peer_token) = 0;

  // resume takes the answer to NeedExchange or NeedAccount; to NeedAccount anything else is as if
  // there were no account. Errors: as step(); kApiMisuse where nothing was asked, or an exchange and
  // not an account: nothing has changed.
  virtual Result<ContextStep> resume(Answer answer) = 0;

  // peer_done: the protocol above reports success though a last token of the peer's was expected
  // (the 235 of SSEAN-W2). Gives Established without a token; on a context that is established
  // already too. Errors: kPolicy (row P8) where the policy does not take that, kPeerMisbehaved
  // where this side was not done; kApiMisuse where resume() was due, or on an acceptor: nothing has
  // changed.
  virtual Result<ContextStep> peer_done() = 0;

  // take_error_token: what to send to the peer after step() or resume() failed, so that it can tell
  // its user why; empty where there is nothing to send. Once. Acceptors have one where Kerberos was
  // refused: a KRB-ERROR (RFC 4120 3.2.3), inside SPNEGO in a NegTokenResp that rejects. It says what
  // kind of refusal it is, but not which policy row, nor that of a binding. The context has failed
  // either way, and the peer believes nobody: send it where the protocol has a place for it. SASL
  // under SMTP has none (policy row P23).
  virtual Bytes take_error_token() = 0;

  virtual bool established() const = 0;
  // proof_sent: bytes derived from the credential have left, so nothing weaker may be tried after a
  // failure (policy row P8). Valid in a failed context too.
  virtual bool proof_sent() const = 0;
  // state_name is for logs and test failures; static text.
  virtual const char* state_name() const = 0;
  // mechanism_name is ContextInfo::mechanism, told by our initiators as soon as they run one, and in a
  // failed context too: inside SPNEGO the one that was tried last. Static text; empty: none was begun.
  virtual const char* mechanism_name() const { return info().mechanism; }

  // info describes an established context; before that, and after a failure, it is empty.
  virtual const ContextInfo& info() const = 0;

  // The calls below are for established contexts: on one that is not, the sizes are 0 and the
  // others kApiMisuse, or the error that it failed with. Messages must be unwrapped and verified in
  // the order in which they were protected.

  // wrap_size is what wrap() needs at most, in bytes; 0 where nothing can be wrapped.
  virtual size_t wrap_size(size_t message_size) const = 0;
  // mic_size is the exact size of a MIC, in bytes; 0 where there is no integrity.
  virtual size_t mic_size() const = 0;

  // wrap writes the protected message to `out` (wrap_size() bytes) and returns its size. NTLM
  // encrypts whether asked or not (quirk A6). `message` and `out` do not overlap. Errors:
  // kApiMisuse (`out` too small, no integrity negotiated).
  virtual Result<size_t> wrap(ByteView message, bool confidential, MutableBytes out) = 0;

  using Unwrapped = pocketgss::Unwrapped;
  // unwrap writes the message to the start of `out` (token.size() bytes suffice); `token` and `out` do not
  // overlap. Errors: kMalformed, kAuthFailed, kExpired (replayed or out of sequence): close the
  // connection; `out` then holds nothing of the message. Those of step(), where a token is the peer's
  // account of why it refuses what this side has sent last. kApiMisuse (`out` too small).
  virtual Result<Unwrapped> unwrap(ByteView token, MutableBytes out) = 0;

  // mic writes the MIC of `message` to `out` (mic_size() bytes) and returns its size. Errors: as
  // wrap().
  virtual Result<size_t> mic(ByteView message, MutableBytes out) = 0;
  // verify_mic: errors as unwrap().
  virtual Result<void> verify_mic(ByteView message, ByteView mic) = 0;

  // pseudo_random fills `out` with GSS_Pseudo_random (RFC 4401 2; of Kerberos RFC 7802 2): octets
  // that nobody else can know, the same on both sides for the same key and `input`, for keys of
  // other protocols. A prefix of a longer output is the shorter one, so let different uses differ
  // in `input`, which may have any size. `out` is up to kMaxPseudoRandomSize bytes and is filled
  // whole; it does not overlap `input`. Nothing is used up, and nothing allocated. Without an
  // acceptor's sub-key (Kerberos without mutual authentication) the two keys are one. Errors:
  //   kPeerIncompatible   the mechanism agreed on has none: NTLM, also inside SPNEGO; `out` is as it
  //                       was
  //   kApiMisuse          `out` too large
  virtual Result<void> pseudo_random(PrfKey key, ByteView input, MutableBytes out) = 0;

  // session_key is the key that both sides hold, valid as long as the context. Never send or log
  // it.
  virtual Result<ByteView> session_key() const = 0;
};

// MechanismKind is the outermost mechanism of a context.
enum class MechanismKind : uint8_t { kSpnego, kNtlm, kKerberos };

// ReflectionGuard remembers the challenges that acceptors of this program have open, 8 bytes each
// and the latest 4,096 at most, so that its initiators never answer one (policy row P19). One
// object serves all threads of a program.
class ReflectionGuard;
// make_reflection_guard takes 32 KiB. It may throw std::bad_alloc; try_make_reflection_guard returns
// kNoMemory instead.
std::shared_ptr<ReflectionGuard> make_reflection_guard();
Result<std::shared_ptr<ReflectionGuard>> try_make_reflection_guard();

// TicketSource is where initiators get their Kerberos tickets from: <pocketgss/tickets.h>.
class TicketSource;

// ServiceKeys is a key table: the keys of a Kerberos service. Immutable; it may be shared by
// threads, and its keys are wiped with the last of its owners.
class ServiceKeys;
// read_service_keys takes the contents of a keytab file. Errors: kMalformed (`where` names the
// field), kPeerIncompatible (a library without Kerberos), kNoMemory.
Result<std::shared_ptr<const ServiceKeys>> read_service_keys(SecretBytes keytab_file);

// ReplayCache remembers the Kerberos authenticators that acceptors of this program have taken, so
// that none is taken twice (policy row P17). One object serves all threads of a program. It lives
// in memory: for five minutes after it was made clients that do not ask for mutual authentication in
// the GSS checksum are refused (for ten, those whose clock is five minutes slow), because they might
// be replays from before; where the clock was set back, so they are until it is as late again. The
// clock outlives the cache, which asks it from any thread.
class ReplayCache;
// make_replay_cache takes 40 bytes for each of `capacity` authenticators at once; each is kept for
// ten minutes. When it is full, and later for what was sent while it was, only clients that ask for
// mutual authentication so are let in. The clock is that of the acceptors' Runtimes: the cache
// compares with it the times that they have taken by theirs.
// Errors: kApiMisuse (no capacity, or above 2^24), kPeerIncompatible (a library without Kerberos),
// kNoMemory.
inline constexpr size_t kDefaultReplayCapacity = 4096;
// EarlierLogins: kNone says that no acceptor has ever held the service's keys before, so that there
// is nothing to replay and nobody has to wait. It is true once in the life of a key.
enum class EarlierLogins : uint8_t { kPossible, kNone };
Result<std::shared_ptr<ReplayCache>> make_replay_cache(
    Clock&, size_t capacity = kDefaultReplayCapacity,
    EarlierLogins earlier = EarlierLogins::kPossible);

// InitiatorConfig is only read. It stays as it is and outlives every context made from it.
struct InitiatorConfig {
  std::optional<Credential> credential;   // for NTLM; none: it is not offered
  std::shared_ptr<TicketSource> tickets;  // for Kerberos; none: it is not offered
  std::string target;  // SPN, "smtp/mail.example.test"; empty: none is named, Kerberos not offered
  std::optional<ChannelBinding> channel_binding;  // of the TLS channel, where there is one
  ContextFlags flags =
      kMutualFlag | kReplayFlag | kSequenceFlag | kIntegFlag;  // wanted, not required
  std::string workstation;                 // NTLM's Workstation field; empty: not sent
  std::shared_ptr<ReflectionGuard> guard;  // the one of this program's acceptors; may be empty
  Policy policy;
};

// AcceptorConfig is only read. It stays as it is and outlives every context made from it.
struct AcceptorConfig {
  bool ntlm = false;  // accept NTLM; accounts come by NeedAccount
  // Accept Kerberos with these keys; the cache is required then.
  std::shared_ptr<const ServiceKeys> keys;
  std::shared_ptr<ReplayCache> replay_cache;
  // Realms whose users may log in by Kerberos; empty: whoever the service's KDC vouches for.
  std::vector<std::string> client_realms;
  // This server's DNS name. NTLM's names are made of it: the computer's is the first label in upper
  // case, 15 characters at most, the DNS domain what follows the first dot.
  std::string host;
  // SPNs that are ours. Empty: for NTLM smtp/host and SMTPSVC/host, for Kerberos every smtp/... and
  // SMTPSVC/... of the key table.
  std::vector<std::string> targets;
  std::vector<ChannelBinding> channel_bindings;  // of the TLS channel, every type that can be had
  std::shared_ptr<ReflectionGuard> guard;        // may be empty
  Policy policy;
};

// make_initiator and make_acceptor start one context. Errors:
//   kApiMisuse         a configuration that cannot work; `where` names the field. Of kKerberos also
//                      a target that is no "service/host"; inside SPNEGO step() tells that
//   kPeerIncompatible  of kKerberos: the host of the target is an IP address, which has no services;
//                      SPNEGO offers what else there is
//   kNeedsCredential   `where` = "InitiatorConfig.credential" or "InitiatorConfig.tickets",
//                      "AcceptorConfig.keys", or "AcceptorConfig.ntlm" where no mechanism is enabled
//   kPolicy            `where` = "P1: ..." (bare NTLM that the policy does not name), "P5: ..." (a
//                      channel binding is required and there is none)
//   kNoMemory, kInternal
Result<std::unique_ptr<Context>> make_initiator(Runtime&, MechanismKind, const InitiatorConfig&);
Result<std::unique_ptr<Context>> make_initiator(Runtime&, MechanismKind,
                                                const InitiatorConfig&&) = delete;
Result<std::unique_ptr<Context>> make_acceptor(Runtime&, MechanismKind, const AcceptorConfig&);
Result<std::unique_ptr<Context>> make_acceptor(Runtime&, MechanismKind,
                                               const AcceptorConfig&&) = delete;

}  // namespace pocketgss
PGSS_EXPORT_END

#endif  // POCKETGSS_CONTEXT_H_
