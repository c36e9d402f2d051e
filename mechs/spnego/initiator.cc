// The initiator: the offer, the acceptor's choice, the mechanism's tokens, and the proof of the
// list.
#include "mechs/spnego/initiator.h"

#include <utility>

#include "mechs/fall_back.h"
#include "mechs/spnego/negotiation.h"

namespace pocketgss::mechs::spnego {
namespace {

constexpr const char* kNegState = "NegTokenResp.negState";
constexpr const char* kSupportedMech = "NegTokenResp.supportedMech";
constexpr const char* kResponseToken = "NegTokenResp.responseToken";
constexpr const char* kMechListMic = "NegTokenResp.mechListMIC";

//   Start --step("")--> AwaitReply | AwaitLastReply           (NegTokenInit; AwaitAnswer before it,
//                                                              where the mechanism asks)
//   AwaitReply --NegTokenResp--> AwaitReply | AwaitLastReply | Established
//   AwaitReply --NegTokenResp--> AwaitAnswer --resume()--> the same three
//   AwaitLastReply --NegTokenResp--> Established | AwaitReply (re-selection) | AwaitLastReply
//                                                             (request-mic for a one-token
//                                                             mechanism)
//   AwaitLastReply --peer_done()--> Established
//   any refusal --> Failed
class Initiator final : public Negotiation {
 public:
  explicit Initiator(const InitiatorConfig& config)
      : Negotiation("SPNEGO initiator"), config_(config) {}

  Result<void> peer_done(Step& next) override;
  const char* mechanism_name() const override { return mechanism_name_; }
  bool proof_sent() const override { return proof_sent_; }

 private:
  Result<void> take(State, ByteView token, Step& next) override;
  Result<void> take_answer(State, Answer&&, Step& next) override;
  Result<void> take_peer_done(State, Step& next);

  Result<void> start(ByteView token, Step& next);
  Result<void> start_inner(const MechanismEntry&, MicNeed, Step& next);

  Result<void> offer(size_t first, Result<void> why, Step& next);
  bool may_go_on(const Error&) const;
  Result<void> send_init(Step& next);

  Result<void> take_reply(ByteView token, Step& next);
  Result<void> read_choice(const NegTokenResp&, const MechanismEntry*& other);
  Result<void> read_first_reply(const NegTokenResp&, const MechanismEntry*& other);
  Result<void> reselect(const MechanismEntry&, Step& next);
  Result<void> rejected(const NegTokenResp&, const Error& otherwise, Step& next);

  Result<void> after_inner(Step& next);
  Result<void> send_reply(Step& next);
  Result<void> conclude(Step& next);

  bool strict() const { return config_.level == PolicyLevel::kStrict; }

  const InitiatorConfig config_;
  const char* mechanism_name_ = "";  // of the inner mechanism that was started last

  // What the exchange carries from token to token, beside that of both sides.
  MechanismEntries offered_;           // what mech_types_ lists; the first is the preferred one
  std::optional<NegState> neg_state_;  // of the reply that is being answered
  bool answered_ = false;  // the acceptor's first reply, which names the mechanism, was taken
};

Result<void> Initiator::peer_done(Step& next) {
  return ended(take_peer_done(leave_state(), next));
}

Result<void> Initiator::take(State state, ByteView token, Step& next) {
  switch (state) {
    case State::kStart:
      return start(token, next);
    case State::kAwaitReply:
    case State::kAwaitLastReply:
      return take_reply(token, next);
    default:
      return refuse(state);
  }
}

// [MS-SPNG] 3.2.5.2: an acceptor that speaks first sends a NegTokenInit2. Nobody has authenticated
// its list, so the offer does not depend on it (policy row P8).
Result<void> check_hints(ByteView token) {
  NegTokenInit2 hints;
  return token.empty() ? Result<void>() : parse_neg_token_init2(token, hints);
}

Result<void> Initiator::start(ByteView token, Step& next) {
  PGSS_CHECK(check_hints(token));
  return offer(0, {}, next);
}

// may_go_on: a mechanism that cannot be used is left out, as long as nothing was proven to anybody
// (policy row P8).
bool Initiator::may_go_on(const Error& error) const {
  return can_fall_back(error.code, proof_sent_);
}

// offer starts the first of the mechanisms from `first` on that can be started. Where none can, the
// error is that of the first that could not: `why`, if there is one already.
Result<void> Initiator::offer(size_t first, Result<void> why, Step& next) {
  for (size_t i = first; i < config_.mechanisms.size(); ++i) {
    offered_ = config_.mechanisms.subspan(i);
    // Whether there will be a mechListMIC is not known yet.
    const auto started = start_inner(offered_.front(), MicNeed::kPossible, next);
    if (started.has_value()) return after_inner(next);
    if (why.has_value()) why = started;
    if (!may_go_on(started.error())) break;
  }
  return why;
}

// RFC 4178 4.2.1: the list, and the optimistic token of its first mechanism. A mechanism that needs
// no more than that token may already give its mechListMIC.
Result<void> Initiator::send_init(Step& next) {
  PGSS_CHECK(encode_mech_types(offered_, Aliases::kLeaveOut, mech_types_));
  const Bytes mech_token = std::move(next.token);
  NegTokenInit init;
  init.mech_types = MechTypeList::written(mech_types_);
  if (!mech_token.empty()) init.mech_token = mech_token;
  const bool complete = protection_ != nullptr;
  if (complete) PGSS_CHECK(prove());
  if (own_mic_.present()) init.mech_list_mic = own_mic_.view();
  PGSS_CHECK(encode_to(init, next.token));
  own_mic_.clear();
  next.kind = Step::Kind::kContinue;
  state_ = complete ? State::kAwaitLastReply : State::kAwaitReply;
  return {};
}

Result<void> Initiator::take_answer(State state, Answer&& answer, Step& next) {
  if (state != State::kAwaitAnswer) return refuse(state);
  const auto resumed = stepped(inner_->resume(std::move(answer), next), next);
  if (resumed.has_value()) return after_inner(next);
  if (answered_ || !may_go_on(resumed.error())) return resumed;
  return offer(config_.mechanisms.size() - offered_.size() + 1, resumed, next);
}

// take_reply: what an acceptor says before the mechanism is complete on this side, and after.
Result<void> Initiator::take_reply(ByteView token, Step& next) {
  // Policy row P8: an acceptor that answers, whatever it says, has had the optimistic token. (To go on
  // with another mechanism inside SPNEGO is no other login.)
  proof_sent_ |= inner_->token_is_proof();
  NegTokenResp resp;
  PGSS_CHECK(read(token, resp));
  if (resp.neg_state == NegState::kReject) return rejected(resp, refused(kNegState), next);
  const MechanismEntry* other = nullptr;
  PGSS_CHECK(read_choice(resp, other));
  if (other != nullptr) return reselect(*other, next);
  const bool complete = protection_ != nullptr;
  if (is_present(resp.response_token) == complete) {
    return rejected(resp, misbehaved(kResponseToken), next);
  }
  neg_state_ = resp.neg_state;
  PGSS_CHECK(peer_mic_.keep(resp.mech_list_mic));
  if (complete) return conclude(next);
  PGSS_CHECK(step_inner(*resp.response_token, next));
  return after_inner(next);
}

// rejected: a responseToken beside reject is the mechanism's own account of why (quirk B16). A complete
// mechanism has no use for a token, but may know such an account (quirk D22).
Result<void> Initiator::rejected(const NegTokenResp& resp, const Error& otherwise, Step& next) {
  if (!is_present(resp.response_token)) return otherwise;
  if (protection_ != nullptr) return inner_->peer_error(*resp.response_token).value_or(otherwise);
  PGSS_CHECK(step_inner(*resp.response_token, next));
  return otherwise;
}

// SSEAN-W2, policy row P8: an early 235 has no room for the acceptor's mechListMIC. What it would
// prove is that nobody changed the list, which matters least where the first choice won.
Result<void> Initiator::take_peer_done(State state, Step& next) {
  if (state == State::kFailed) return refuse(state);
  if (state != State::kAwaitLastReply)
    return misbehaved("success before the exchange was complete");
  if (!answered_) return misbehaved("success before a mechanism was chosen");
  if (strict()) {
    return Error{Errc::kPolicy, "P8: success before the acceptor's last NegTokenResp", 0, 0};
  }
  if (mic_demanded_) {
    return Error{Errc::kPolicy, "P8: success before the acceptor's mechListMIC", 0, 0};
  }
  return establish(next);
}

// read_choice says which mechanism the acceptor chose in place of the one that was started, if it did.
Result<void> Initiator::read_choice(const NegTokenResp& resp, const MechanismEntry*& other) {
  if (!std::exchange(answered_, true)) return read_first_reply(resp, other);
  // RFC 4178 4.2.2: both only in the first reply (quirk B7).
  if (resp.supported_mech) return misbehaved(kSupportedMech);
  if (resp.neg_state == NegState::kRequestMic) return misbehaved(kNegState);
  return {};
}

// RFC 4178 4.2.2: negState and supportedMech are required in the first reply. Acceptors as of RFC
// 2478, Java's among them, leave them out and mean the first choice (quirk B5). Who takes them out on
// the way could as well have written them, so nothing is lost.
Result<void> Initiator::read_first_reply(const NegTokenResp& resp, const MechanismEntry*& other) {
  if (strict() && (!resp.neg_state || !resp.supported_mech)) {
    return Error{Errc::kPolicy, "P8: first reply without negState or supportedMech", 0, 0};
  }
  const bool request_mic = resp.neg_state == NegState::kRequestMic;
  if (!resp.supported_mech) {
    if (request_mic) return misbehaved(kSupportedMech);
    return {};
  }
  const MechanismEntry* const chosen = find_mechanism(offered_, *resp.supported_mech);
  if (chosen == nullptr) return misbehaved(kSupportedMech);  // never offered
  mic_demanded_ = mic_demanded_ || request_mic;
  if (chosen == &offered_.front()) return {};

  // RFC 4178 4.2.2: another mechanism than the preferred one comes with request-mic. Windows 2003
  // sends accept-incomplete (quirk B6); the mechListMIC is required all the same.
  mic_demanded_ = true;
  if (!resp.neg_state || resp.neg_state == NegState::kAcceptCompleted) return misbehaved(kNegState);
  if (strict() && !request_mic) {
    return Error{Errc::kPolicy, "P8: another mechanism without request-mic", 0, 0};
  }
  if (is_present(resp.response_token)) return misbehaved(kResponseToken);
  if (resp.mech_list_mic) return misbehaved(kMechListMic);
  other = chosen;
  return {};
}

Result<void> Initiator::reselect(const MechanismEntry& entry, Step& next) {
  PGSS_CHECK(start_inner(entry, MicNeed::kCertain, next));
  neg_state_ = NegState::kAcceptIncomplete;
  return after_inner(next);
}

// after_inner: the mechanism needs an answer before there is a token, or its token goes out.
Result<void> Initiator::after_inner(Step& next) {
  if (next.kind == Step::Kind::kExchange || next.kind == Step::Kind::kAccount) {
    state_ = State::kAwaitAnswer;
    return {};
  }
  return answered_ ? send_reply(next) : send_init(next);
}

// send_reply sends what the mechanism has. RFC 4178 5 c: beside its last token goes our mechListMIC.
Result<void> Initiator::send_reply(Step& next) {
  const bool complete = protection_ != nullptr;
  if (complete && next.token.empty()) return conclude(next);
  if (neg_state_ == NegState::kAcceptCompleted) return misbehaved(kNegState);
  if (peer_mic_.present()) return misbehaved(kMechListMic);
  if (complete) PGSS_CHECK(prove());
  return send(std::nullopt, Inside::kToken, complete ? State::kAwaitLastReply : State::kAwaitReply,
              next);
}

// conclude takes what the acceptor says once the mechanism is complete on this side. An absent
// negState is inferred from that (RFC 4178 4.2.2): accept-completed, but beside a mechListMIC before
// ours accept-incomplete, because the acceptor waits for ours (RFC 4178 5 b I).
Result<void> Initiator::conclude(Step& next) {
  PGSS_CHECK(check_mic_possible());
  if (peer_mic_.present()) PGSS_CHECK(verify_mic(peer_mic_.view()));
  const bool owes_mic = mic_verified_ && !mic_made_;
  const NegState inferred = owes_mic ? NegState::kAcceptIncomplete : NegState::kAcceptCompleted;
  if (neg_state_.value_or(inferred) == NegState::kAcceptCompleted) {
    // RFC 4178 5 b IV: a required mechListMIC that is missing ends the negotiation (B10, B24).
    if (!mic_verified_ && mic_required()) return refused(kMechListMic);
    return establish(next);
  }
  // It waits for our mechListMIC: after its own, or, after request-mic, before it.
  const bool waits_for_mic = mic_verified_ || neg_state_ == NegState::kRequestMic;
  if (mic_made_ || !waits_for_mic) return misbehaved(kNegState);
  PGSS_CHECK(make_mic());
  return mic_verified_
             ? send(NegState::kAcceptCompleted, Inside::kNothing, State::kEstablished, next)
             : send(std::nullopt, Inside::kNothing, State::kAwaitLastReply, next);
}

Result<void> Initiator::start_inner(const MechanismEntry& entry, MicNeed need, Step& next) {
  protection_.reset();
  PGSS_CHECK(entry.make(need, inner_));
  mechanism_name_ = inner_->mechanism_name();
  next.reset();
  return step_inner({}, next);
}

}  // namespace

Result<std::unique_ptr<Mechanism>> make_initiator(Runtime&, const InitiatorConfig& config) {
  PGSS_CHECK(check_mechanisms(config.mechanisms));
  return std::unique_ptr<Mechanism>(std::make_unique<Initiator>(config));
}

}  // namespace pocketgss::mechs::spnego
