// The acceptor: the choice from the initiator's list, the mechanism's tokens, and the proof of the
// list.
#include "mechs/spnego/acceptor.h"

#include <utility>

#include "mechs/spnego/negotiation.h"

namespace pocketgss::mechs::spnego {
namespace {

constexpr const char* kMechTypes = "NegTokenInit.mechTypes";
constexpr const char* kNegState = "NegTokenResp.negState";
constexpr const char* kSupportedMech = "NegTokenResp.supportedMech";
constexpr const char* kResponseToken = "NegTokenResp.responseToken";
constexpr const char* kMechListMic = "mechListMIC";

//   Start --""--> AwaitInit                                         (NegTokenInit2)
//   Start, AwaitInit --NegTokenInit--> AwaitToken | AwaitAnswer | AwaitMic | Established
//   Start, AwaitInit --a mechanism's own token--> Bare --...--> Established
//   AwaitToken --NegTokenResp--> AwaitToken | AwaitAnswer | AwaitMic | Established
//   AwaitAnswer --resume()--> the same four
//   AwaitMic --NegTokenResp--> Established
//   any refusal --> Failed
class Acceptor final : public Negotiation {
 public:
  explicit Acceptor(const AcceptorConfig& config)
      : Negotiation("SPNEGO acceptor"), config_(config) {}

  Bytes take_error_token() override;
  bool proof_sent() const override { return false; }  // an acceptor has nothing to fall back to

 private:
  Result<void> take(State, ByteView token, Step& next) override;
  Result<void> take_answer(State, Answer&&, Step& next) override;

  Result<void> send_hints(Step& next);
  Result<void> take_init(ByteView token, Step& next);
  Result<void> take_response(State, ByteView token, Step& next);
  Result<void> start_bare(ByteView token, const Error& not_spnego, Step& next);
  Result<void> after_bare(Result<void>, Step& next);
  Result<void> choose();

  Result<void> give(ByteView token, const std::optional<ByteView>& mech_list_mic, Step& next);
  Result<void> after_inner(Step& next);
  Result<void> after_own_last(Step& next);
  Result<void> after_peer_last(Step& next);
  Result<void> answer_mic(ByteView, Step& next);

  const AcceptorConfig config_;
  bool bare_ = false;
};

Result<void> Acceptor::take(State state, ByteView token, Step& next) {
  switch (state) {
    case State::kStart:
      return token.empty() ? send_hints(next) : take_init(token, next);
    case State::kAwaitInit:
      return take_init(token, next);
    case State::kAwaitToken:
    case State::kAwaitMic:
      return take_response(state, token, next);
    case State::kBare:
      return after_bare(inner_->step(token, next), next);
    default:
      return refuse(state);
  }
}

Result<void> Acceptor::take_answer(State state, Answer&& answer, Step& next) {
  if (state != State::kAwaitAnswer && state != State::kBare) return refuse(state);
  const auto resumed = inner_->resume(std::move(answer), next);
  if (state == State::kBare) return after_bare(resumed, next);
  PGSS_CHECK(stepped(resumed, next));
  return after_inner(next);
}

// Quirk B16: what a mechanism that refuses has for the initiator goes beside the reject.
Bytes Acceptor::take_error_token() {
  Bytes token = inner_ != nullptr ? inner_->take_error_token() : Bytes();
  if (token.empty() || bare_) return token;
  supported_mech_ = {};
  if (!enclose(NegState::kReject, Inside::kToken, token).has_value()) token.clear();
  return token;
}

// [MS-SPNG] 3.2.5.2: the list of all that is accepted, and hints that mean nothing (quirk B14).
Result<void> Acceptor::send_hints(Step& next) {
  PGSS_CHECK(encode_mech_types(config_.mechanisms, Aliases::kInclude, mech_types_));
  NegTokenInit2 hints;
  hints.mech_types = MechTypeList::written(mech_types_);
  hints.neg_hints.emplace().hint_name = "not_defined_in_RFC4178@please_ignore";
  PGSS_CHECK(encode_to(hints, next.token));
  state_ = State::kAwaitInit;
  return {};
}

Result<void> Acceptor::take_init(ByteView token, Step& next) {
  NegTokenInit init;
  const auto parsed = parse_neg_token_init(token, init);
  if (!parsed.has_value()) return start_bare(token, parsed.error(), next);

  mech_types_.clear();
  append(mech_types_, init.mech_types.der());
  PGSS_CHECK(choose());
  // RFC 4178 4.2.2: the optimistic token is the first choice's; of another mechanism nobody looks
  // into it (P9).
  if (mic_demanded_ || !is_present(init.mech_token)) {
    if (init.mech_list_mic) return misbehaved(kMechListMic);
    return send(mic_demanded_ ? NegState::kRequestMic : NegState::kAcceptIncomplete,
                Inside::kNothing, State::kAwaitToken, next);
  }
  return give(*init.mech_token, init.mech_list_mic, next);
}

// choose starts the first mechanism of the list in mech_types_ that is ours and can be started; what names
// it there stays there. Where it is not the one that the initiator prefers, mechListMICs are demanded.
Result<void> Acceptor::choose() {
  Result<void> why;
  const MechanismEntry* preferred = nullptr;
  bool at_front = true;
  for (const asn1::Oid mech : MechTypeList::written(mech_types_)) {
    const MechanismEntry* const entry = find_mechanism(config_.mechanisms, mech);
    if (std::exchange(at_front, false)) preferred = entry;
    if (entry == nullptr) continue;
    mic_demanded_ = entry != preferred;
    const auto made = entry->make(mic_demanded_ ? MicNeed::kCertain : MicNeed::kPossible, inner_);
    if (made.has_value()) {
      supported_mech_ = mech;
      return {};
    }
    if (why.has_value()) why = made;
  }
  if (why.has_value()) why = Error{Errc::kPeerIncompatible, kMechTypes, 0, 0};
  return why;
}

// give: the mechanism takes a token. A mechListMIC beside it is kept until then.
Result<void> Acceptor::give(ByteView token, const std::optional<ByteView>& mech_list_mic,
                            Step& next) {
  PGSS_CHECK(peer_mic_.keep(mech_list_mic));
  PGSS_CHECK(step_inner(token, next));
  return after_inner(next);
}

// Quirk B17: WinPR, and others with one mechanism only, send its token bare. A token in SPNEGO's
// own frame is never taken for one.
Result<void> Acceptor::start_bare(ByteView token, const Error& not_spnego, Step& next) {
  if (is_framed(token)) return not_spnego;
  for (const MechanismEntry& entry : config_.mechanisms) {
    if (entry.recognises == nullptr || !entry.recognises(token)) continue;
    if (!config_.bare_tokens) {
      return Error{Errc::kPeerIncompatible, "a mechanism's token without SPNEGO", 0, 0};
    }
    PGSS_CHECK(entry.make(MicNeed::kNone, inner_));
    bare_ = true;
    return after_bare(inner_->step(token, next), next);
  }
  return not_spnego;
}

Result<void> Acceptor::after_bare(Result<void> result, Step& next) {
  PGSS_CHECK(stepped(result, next));
  state_ = protection_ != nullptr ? State::kEstablished : State::kBare;
  return {};
}

// check_response: what an initiator's NegTokenResp may not say (RFC 4178 4.2.2; quirk B7).
Result<void> check_response(const NegTokenResp& resp) {
  if (resp.supported_mech) return misbehaved(kSupportedMech);
  if (resp.neg_state == NegState::kRequestMic) return misbehaved(kNegState);
  if (resp.neg_state == NegState::kReject) return refused(kNegState);
  return {};
}

// take_response: before the mechanism is complete a token of its is awaited, and after that the
// initiator's mechListMIC.
Result<void> Acceptor::take_response(State state, ByteView token, Step& next) {
  NegTokenResp resp;
  PGSS_CHECK(read(token, resp));
  PGSS_CHECK(check_response(resp));
  const bool complete = state == State::kAwaitMic;
  if (is_present(resp.response_token) == complete) return misbehaved(kResponseToken);
  if (!complete) return give(*resp.response_token, resp.mech_list_mic, next);
  if (!resp.mech_list_mic) return refused(kMechListMic);
  return answer_mic(*resp.mech_list_mic, next);
}

Result<void> Acceptor::after_inner(Step& next) {
  if (next.kind == Step::Kind::kEstablished) {
    const bool own_last = !next.token.empty();
    // An initiator that lacks the mechanism's last token cannot have made a mechListMIC.
    if (own_last && peer_mic_.present()) return misbehaved(kMechListMic);
    PGSS_CHECK(check_mic_possible());
    return own_last ? after_own_last(next) : after_peer_last(next);
  }
  if (next.kind == Step::Kind::kContinue) {
    if (peer_mic_.present()) return misbehaved(kMechListMic);
    return send(NegState::kAcceptIncomplete, Inside::kToken, State::kAwaitToken, next);
  }
  state_ = State::kAwaitAnswer;
  return {};
}

// RFC 4178 5 b: this side sends the mechanism's last token. A required mechListMIC goes beside it,
// and the initiator's is then awaited.
Result<void> Acceptor::after_own_last(Step& next) {
  PGSS_CHECK(prove());
  return mic_made_ ? send(NegState::kAcceptIncomplete, Inside::kToken, State::kAwaitMic, next)
                   : send(NegState::kAcceptCompleted, Inside::kToken, State::kEstablished, next);
}

// RFC 4178 5 c: the initiator sent the mechanism's last token, and its mechListMIC beside it. A MIC
// is always answered by a MIC (quirk B22).
Result<void> Acceptor::after_peer_last(Step& next) {
  if (peer_mic_.present()) return answer_mic(peer_mic_.view(), next);
  if (!mic_required()) {
    next.token_replaceable = true;
    return send(NegState::kAcceptCompleted, Inside::kNothing, State::kEstablished, next);
  }
  // c IV: where that token was the first one too, the initiator could not know.
  if (!supported_mech_.der.empty()) {
    return send(NegState::kRequestMic, Inside::kNothing, State::kAwaitMic, next);
  }
  return refused(kMechListMic);
}

// answer_mic ends the exchange: the initiator's mechListMIC is right, and has, or gets, its answer.
Result<void> Acceptor::answer_mic(ByteView mic, Step& next) {
  PGSS_CHECK(verify_mic(mic));
  next.token_replaceable = true;
  if (mic_made_) return establish(next);
  PGSS_CHECK(make_mic());
  return send(NegState::kAcceptCompleted, Inside::kNothing, State::kEstablished, next);
}

}  // namespace

Result<std::unique_ptr<Mechanism>> make_acceptor(Runtime&, const AcceptorConfig& config) {
  PGSS_CHECK(check_mechanisms(config.mechanisms));
  return std::unique_ptr<Mechanism>(std::make_unique<Acceptor>(config));
}

}  // namespace pocketgss::mechs::spnego
