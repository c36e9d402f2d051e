// What the two sides of a negotiation have in common: the states, the mechanism inside, what is sent, and
// the proof of the list (RFC 4178 5).
#ifndef PGSS_MECHS_SPNEGO_NEGOTIATION_H_
#define PGSS_MECHS_SPNEGO_NEGOTIATION_H_

#include <array>
#include <utility>

#include "mechs/mechanism.h"
#include "mechs/spnego/mech_list.h"
#include "mechs/spnego/token.h"

namespace pocketgss::mechs::spnego {

Error misbehaved(const char* where);  // kPeerMisbehaved
Error refused(const char* where);     // kAuthFailed

// is_present: an empty token stands for none (quirk B13).
bool is_present(const std::optional<ByteView>& token);

// Mic is a mechListMIC, or none, kept where no allocation is needed. That of NTLM has 16 bytes, those of
// Kerberos 28 to 40.
class Mic {
 public:
  static constexpr size_t kMaxSize = 64;

  // keep: kAuthFailed where `mic` is longer than any of ours can be.
  Result<void> keep(const std::optional<ByteView>& mic);
  // make: the errors of MessageProtection, whose MICs have kMaxSize octets at most.
  Result<void> make(MessageProtection&, ByteView list);
  void clear() { present_ = false; }

  bool present() const { return present_; }
  ByteView view() const { return ByteView(bytes_).prefix(size_); }

 private:
  bool present_ = false;
  size_t size_ = 0;
  std::array<uint8_t, kMaxSize> bytes_;
};

enum class State : uint8_t {
  kStart,
  kAwaitAnswer,     // the mechanism asked for something
  kAwaitInit,       // acceptor: we spoke first
  kAwaitToken,      // acceptor: the mechanism is not complete
  kAwaitMic,        // acceptor: it is; the initiator's mechListMIC is outstanding
  kBare,            // acceptor: a mechanism without SPNEGO around it
  kAwaitReply,      // initiator: the mechanism is not complete
  kAwaitLastReply,  // initiator: it is
  kEstablished,
  kFailed,
};

// Negotiation is one side. What a call means in each state is for Initiator and Acceptor to say.
class Negotiation : public Mechanism {
 public:
  // Out of line once, for the destructors of both sides.
  [[gnu::noinline]] ~Negotiation() override;
  Result<void> step(ByteView peer_token, Step& next) final;
  Result<void> resume(Answer&& answer, Step& next) final;
  const char* state_name() const final;

 protected:
  explicit Negotiation(const char* name) : failure_{Errc::kNoMemory, name} {}

  virtual Result<void> take(State, ByteView token, Step& next) = 0;
  virtual Result<void> take_answer(State, Answer&&, Step& next) = 0;
  // Whatever ends a call, also an allocation that fails, leaves the state kFailed.
  State leave_state();
  Result<void> ended(Result<void>);
  // refuse answers a call that the state does not take.
  Error refuse(State) const;

  // stepped looks back on a call to the mechanism: what it has proven, and whether it is complete.
  Result<void> stepped(Result<void>, Step& next);
  Result<void> step_inner(ByteView token, Step& next);

  // read parses a token; a mechListMIC that is none is left out (quirk B9).
  Result<void> read(ByteView token, NegTokenResp&);
  // enclose puts a NegTokenResp in the place of the mechanism's token, which may be inside of it. A
  // mechListMIC that was made, and the name of the mechanism, go along once.
  enum class Inside : uint8_t { kNothing, kToken };
  Result<void> enclose(std::optional<NegState>, Inside, Bytes& token);
  // send does so in `next`. Where it leads to kEstablished, this is our last token.
  Result<void> send(std::optional<NegState>, Inside, State then, Step& next);
  // establish, without a last token.
  Result<void> establish(Step& next);

  // mic_required: policy row P8. The exchange of mechListMICs is obligatory on re-selection and
  // request-mic; also where the mechanism wants it, as far as it has integrity.
  bool mic_required() const;
  // check_mic_possible: kPeerIncompatible where a demanded exchange cannot be had without integrity.
  Result<void> check_mic_possible() const;
  // make_mic makes ours, which goes into what is sent next, and prove does where it is required.
  // verify_mic verifies the peer's. Each does its half of the exchange once, and tells the mechanism so.
  // Errors: kAuthFailed, kInternal; those of MessageProtection and of check_mic_possible.
  Result<void> make_mic();
  Result<void> prove();
  Result<void> verify_mic(ByteView mic);

  State state_ = State::kStart;
  bool proof_sent_ = false;
  // The negotiation itself makes the exchange of mechListMICs obligatory, because the mechanism is not
  // the initiator's first choice or because of request-mic.
  bool mic_demanded_ = false;
  bool mic_made_ = false;
  bool mic_verified_ = false;

  // What the exchange carries from token to token.
  std::unique_ptr<Mechanism> inner_;  // once that is complete there is protection_
  // MechTypeList as it was sent: a mechListMIC covers these very bytes (RFC 4178 5 a; quirk B2).
  Bytes mech_types_;
  asn1::Oid supported_mech_;  // acceptor: what our first token names; of mech_types_, none later
  Mic own_mic_;               // of the next token
  Mic peer_mic_;              // of the token that is being answered

 private:
  Error failure_;  // of kFailed
};

}  // namespace pocketgss::mechs::spnego

#endif  // PGSS_MECHS_SPNEGO_NEGOTIATION_H_
