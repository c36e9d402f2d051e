// The interface of a mechanism: one step in, one step out. SPNEGO implements it and consumes it; it
// names no mechanism.
#ifndef PGSS_MECHS_MECHANISM_H_
#define PGSS_MECHS_MECHANISM_H_

#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include <pocketgss/bytes.h>
#include <pocketgss/env.h>
#include <pocketgss/result.h>
#include <pocketgss/secret.h>
#include <pocketgss/step.h>

#include "asn1/oid.h"

namespace pocketgss::mechs {

// Direction of a token, seen from this side.
enum class Direction : uint8_t { kSent, kReceived };

inline constexpr Error kNoPseudoRandom{Errc::kPeerIncompatible,
                                       "the mechanism has no GSS_Pseudo_random", 0, 0};

// MessageProtection is what an established context protects messages with, and what is known of that
// context. It exists only then. The calls allocate nothing and do not throw; `out` must not overlap what
// is read.
class MessageProtection {
 public:
  virtual ~MessageProtection() = default;

  ContextInfo info;
  // As Mechanism::peer_error(), for who keeps no mechanism: null where there are no such tokens.
  std::optional<Error> (*peer_error)(ByteView) = nullptr;

  // can_mic: integrity was negotiated, so mic() and verify_mic() work.
  virtual bool can_mic() const = 0;
  virtual size_t mic_size() const = 0;                      // exact, in bytes
  virtual size_t wrap_size(size_t message_size) const = 0;  // at most, in bytes

  // mic writes the MIC of `message` and returns its size. Errors: kApiMisuse (`out` too small, no
  // integrity), kInternal.
  virtual Result<size_t> mic(ByteView message, MutableBytes out) = 0;
  // verify_mic: kAuthFailed where it does not match, kMalformed where it is no MIC, kExpired where
  // it is out of sequence.
  virtual Result<void> verify_mic(ByteView message, ByteView mic) = 0;
  // verify_mech_list_mic is what SPNEGO verifies a mechListMIC with. A mechanism whose peers number
  // theirs in ways of their own overrides it (quirk B4); nothing but the number may be overlooked.
  virtual Result<void> verify_mech_list_mic(ByteView list, ByteView mic) {
    return verify_mic(list, mic);
  }

  // wrap writes the protected message and returns its size; `confidential` asks for encryption.
  virtual Result<size_t> wrap(ByteView message, bool confidential, MutableBytes out) = 0;
  using Unwrapped = pocketgss::Unwrapped;
  // unwrap writes the message; `out` needs token.size() bytes. Nothing of a message that fails is
  // left in `out`.
  virtual Result<Unwrapped> unwrap(ByteView token, MutableBytes out) = 0;

  // mech_list_mic_done is called by SPNEGO after each mechListMIC made (kSent) or verified
  // (kReceived): NTLM then sets the cipher of that direction back to its start ([MS-SPNG] 3.2.5.1,
  // 3.3.5.1).
  virtual void mech_list_mic_done(Direction) {}

  // pseudo_random fills `out` with GSS_Pseudo_random (RFC 4401 2): the same octets on both sides for
  // the same key and `input`. Errors: kPeerIncompatible where the mechanism has none.
  virtual Result<void> pseudo_random(PrfKey, ByteView, MutableBytes) { return kNoPseudoRandom; }

  // session_key returns the key that both sides hold, for binding other protocols and for tests.
  virtual ByteView session_key() const = 0;
};

// Step is what a call to a mechanism asks for. It is filled where it stands, and the context makes a
// ContextStep of it. What does not belong to its kind means nothing.
struct Step {
  enum class Kind : uint8_t {
    kContinue,     // `token` goes to the peer, who will answer
    kExchange,     // `exchange` is asked for
    kAccount,      // `account` is asked for
    kEstablished,  // take_protection(); `token` goes to the peer where has_token says so
  };
  Kind kind = Kind::kContinue;
  bool has_token = false;
  bool token_replaceable = false;  // as in Established
  Bytes token;                     // empty before a call
  NeedExchange exchange;
  NeedAccount account;  // its names are empty before a call

  // reset makes it fit for another mechanism, whatever one that failed has left in it.
  void reset() {
    kind = Kind::kContinue;
    has_token = token_replaceable = false;
    token.clear();
    account = {};
  }
};

// Mechanism is one side of one exchange. A call that succeeds says in `next` what is to be done; after
// one that fails `next` means nothing, and every later call returns that same error.
class Mechanism {
 public:
  virtual ~Mechanism() = default;

  // step takes the peer's token; an initiator's first call has an empty one.
  virtual Result<void> step(ByteView peer_token, Step& next) = 0;
  // resume takes what NeedExchange or NeedAccount asked for. Errors: kApiMisuse where nothing was
  // asked.
  virtual Result<void> resume(Answer&& answer, Step& next) = 0;
  // peer_done: the protocol above says that the peer is satisfied, though a last token of its was
  // expected (the early 235 of SSEAN-W2). kEstablished where that is allowed; else kPolicy (row P8),
  // kPeerMisbehaved.
  virtual Result<void> peer_done(Step&) {
    return Error{Errc::kPeerMisbehaved, "success before the exchange was complete", 0, 0};
  }
  // take_protection gives, once after kEstablished, what protects the messages; never null.
  std::unique_ptr<MessageProtection> take_protection() { return std::move(protection_); }
  // take_error_token: what the peer may still be sent after a step that failed, so that it can tell
  // its user why; empty where there is nothing. Once.
  virtual Bytes take_error_token() { return {}; }
  // state_name is for logs and test failures; static text.
  virtual const char* state_name() const = 0;
  // mechanism_name is what ContextInfo::mechanism will be; static text. SPNEGO's initiator tells that
  // of the mechanism that it runs. Acceptors need not tell.
  virtual const char* mechanism_name() const { return ""; }

  // proof_sent: bytes derived from a credential have left this side, so no other mechanism may be
  // tried (policy row P8).
  virtual bool proof_sent() const = 0;
  // token_is_proof: what was sent to the peer so far is derived from a credential. A peer that
  // refuses unread what comes first (501, 504, 535) leaves the next mechanism to be tried; once it
  // has answered, even if only what is around this mechanism, proof_sent() holds (policy row P8).
  virtual bool token_is_proof() const { return false; }
  // peer_error: what a token means that comes though the mechanism is complete on this side, where
  // it is the peer's account of why it refuses (quirks B16, D22); none where it is another token.
  virtual std::optional<Error> peer_error(ByteView) const { return std::nullopt; }
  // wants_mech_list_mic: this exchange makes the mechListMIC obligatory, whatever was chosen (NTLM
  // with a MIC claimed). Valid once the mechanism is complete.
  virtual bool wants_mech_list_mic() const { return false; }

 protected:
  std::unique_ptr<MessageProtection> protection_;  // set where the step is kEstablished
};

// MicNeed: is there to be a mechListMIC, for which a mechanism needs integrity?
enum class MicNeed : uint8_t { kNone, kPossible, kCertain };

// MechanismSource makes the mechanisms of one side. It outlives them.
class MechanismSource {
 public:
  // make starts one exchange of the mechanism whose entry has this OID; `out` is what it was after an
  // error.
  virtual Result<void> make(asn1::Oid, MicNeed, std::unique_ptr<Mechanism>& out) = 0;

 protected:
  ~MechanismSource() = default;
};

// MechanismEntry is how SPNEGO is given a mechanism: as data.
struct MechanismEntry {
  // The OID by which it goes, and another one (Microsoft's Kerberos OID). Static memory.
  asn1::Oid oid;
  std::optional<asn1::Oid> alias;
  MechanismSource* source = nullptr;
  // recognises: a first token that came bare, without SPNEGO, is this mechanism's.
  bool (*recognises)(ByteView first_token) = nullptr;

  Result<void> make(MicNeed need, std::unique_ptr<Mechanism>& out) const {
    return source->make(oid, need, out);
  }
};

}  // namespace pocketgss::mechs

#endif  // PGSS_MECHS_MECHANISM_H_
