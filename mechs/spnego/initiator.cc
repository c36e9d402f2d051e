// The initiator: the offer, the acceptor's choice, the mechanism's tokens, and the proof of the
// list.
#include "mechs/spnego/initiator.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "mechs/fall_back.h"
#include "mechs/spnego/mech_list.h"
#include "mechs/spnego/token.h"

namespace pocketgss::mechs::spnego {
namespace {

constexpr const char* kNegState = "NegTokenResp.negState";
constexpr const char* kSupportedMech = "NegTokenResp.supportedMech";
constexpr const char* kResponseToken = "NegTokenResp.responseToken";
constexpr const char* kMechListMic = "NegTokenResp.mechListMIC";

Error misbehaved(const char* where) {
  return Error{Errc::kPeerMisbehaved, where, 0, 0};
}

Error refused(const char* where) {
  return Error{Errc::kAuthFailed, where, 0, 0};
}

// Reply is what outlives an acceptor's token, in case the mechanism needs an answer before it can
// go on.
struct Reply {
  std::optional<NegState> neg_state;
  std::optional<Mic> mic;
};

enum class State : uint8_t {
  kStart,
  kAwaitAnswer,     // the mechanism asked for something; nothing of it was sent yet
  kAwaitReply,      // the mechanism is not complete
  kAwaitLastReply,  // it is
  kEstablished,
  kFailed,
};

//   Start --step("")--> AwaitReply | AwaitLastReply           (NegTokenInit; AwaitAnswer before it,
//                                                              where the mechanism asks)
//   AwaitReply --NegTokenResp--> AwaitReply | AwaitLastReply | Established
//   AwaitReply --NegTokenResp--> AwaitAnswer --resume()--> the same three
//   AwaitLastReply --NegTokenResp--> Established | AwaitReply (re-selection) | AwaitLastReply
//                                                             (request-mic for a one-token
//                                                             mechanism)
//   AwaitLastReply --peer_done()--> Established
//   any refusal --> Failed
class Initiator final : public Mechanism {
 public:
  explicit Initiator(const InitiatorConfig& config) : config_(config) {}

  Result<void> step(ByteView peer_token, Step& next) override;
  Result<void> resume(Answer&& answer, Step& next) override;
  Result<void> peer_done(Step& next) override;
  const char* state_name() const override;
  const char* mechanism_name() const override { return mechanism_name_; }
  bool proof_sent() const override { return proof_sent_; }

 private:
  Result<void> take(State, ByteView token, Step& next);
  Result<void> take(State, Answer&&, Step& next);
  Result<void> take_peer_done(State, Step& next);
  // Whatever ends a call, also an allocation that fails, leaves the state kFailed.
  State leave_state() { return std::exchange(state_, State::kFailed); }
  Result<void> ended(const Result<void>&);
  Error refuse(State) const;

  Result<void> start(ByteView token, Step& next);

  Result<void> offer(size_t first, Result<void> why, Step& next);
  bool may_go_on(const Error&) const;
  Result<void> send_offer(Step& next);
  Result<void> send_init(ByteView mech_token, Step& next);

  Result<void> take_reply(ByteView token, Step& next);
  Result<NegTokenResp> read_reply(ByteView token);
  Result<const MechanismEntry*> read_choice(const NegTokenResp&);
  Result<const MechanismEntry*> read_first_reply(const NegTokenResp&);
  Result<void> reselect(const MechanismEntry&, Step& next);
  Result<void> rejected(const NegTokenResp&, Step& next);

  Result<void> after_inner(Step& next);
  Result<void> conclude(Step& next);
  Result<void> prove(Mic& memory, std::optional<ByteView>& mech_list_mic);
  template <typename Token>
  Result<void> send(const Token&, State, Step& next);
  Result<void> establish(const NegTokenResp* last, Step& next);

  Result<void> start_inner(const MechanismEntry&, MicNeed, Step& next);
  Result<void> step_inner(ByteView token, Step& next);
  Result<void> stepped(const Result<void>&, const Step& next);
  bool strict() const { return config_.level == PolicyLevel::kStrict; }

  const InitiatorConfig config_;
  State state_ = State::kStart;
  Error failure_{Errc::kNoMemory, "SPNEGO initiator"};  // of kFailed
  bool proof_sent_ = false;
  const char* mechanism_name_ = "";  // of the inner mechanism that was started last

  // What the exchange carries from token to token.
  std::unique_ptr<Mechanism> inner_;  // once that is complete there is protection_
  MechanismEntries offered_;          // what mech_types_ lists; the first is the preferred one
  Bytes mech_types_;  // MechTypeList as it is sent: a mechListMIC covers these very bytes
  MechListMic mic_;
  Reply reply_;
  bool answered_ = false;  // the acceptor's first reply, which names the mechanism, was taken
};

Result<void> Initiator::step(ByteView peer_token, Step& next) {
  return ended(take(leave_state(), peer_token, next));
}

Result<void> Initiator::resume(Answer&& answer, Step& next) {
  return ended(take(leave_state(), std::move(answer), next));
}

Result<void> Initiator::peer_done(Step& next) {
  return ended(take_peer_done(leave_state(), next));
}

// ended looks back on a call.
Result<void> Initiator::ended(const Result<void>& result) {
  if (result.has_value()) return result;
  failure_ = result.error();
  inner_.reset();
  protection_.reset();
  return result;
}

Result<void> Initiator::take(State state, ByteView token, Step& next) {
  switch (state) {
    case State::kStart:
      return start(token, next);
    case State::kAwaitReply:
    case State::kAwaitLastReply:
      return take_reply(token, next);
    case State::kAwaitAnswer:
    case State::kEstablished:
    case State::kFailed:
      break;
  }
  return refuse(state);
}

// refuse answers a call that `state` does not take.
Error Initiator::refuse(State state) const {
  if (state == State::kFailed) return failure_;
  return Error{Errc::kApiMisuse, "a call out of turn", 0, 0};
}

const char* Initiator::state_name() const {
  static constexpr const char* kNames[] = {"Start",          "AwaitAnswer", "AwaitReply",
                                           "AwaitLastReply", "Established", "Failed"};
  return kNames[static_cast<size_t>(state_)];
}

// [MS-SPNG] 3.2.5.2: an acceptor that speaks first sends a NegTokenInit2. Nobody has authenticated
// its list, so the offer does not depend on it (policy row P8).
Result<void> check_hints(ByteView token) {
  if (!token.empty()) PGSS_CHECK(parse_neg_token_init2(token));
  return {};
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
    if (started.has_value()) return send_offer(next);
    if (why.has_value()) why = started;
    if (!may_go_on(started.error())) break;
  }
  return why;
}

// asks: the mechanism needs an answer before there is a token.
bool asks(const Step& step) {
  return step.kind == Step::Kind::kExchange || step.kind == Step::Kind::kAccount;
}

Result<void> Initiator::send_offer(Step& next) {
  if (asks(next)) {
    state_ = State::kAwaitAnswer;
    return {};
  }
  const Bytes mech_token = std::move(next.token);
  return send_init(mech_token, next);
}

template <typename Token>
Result<void> Initiator::send(const Token& token, State state, Step& next) {
  PGSS_CHECK(encode_to(token, next.token));
  next.kind = Step::Kind::kContinue;
  state_ = state;
  return {};
}

// prove adds our mechListMIC to a token where one is due.
Result<void> Initiator::prove(Mic& memory, std::optional<ByteView>& mech_list_mic) {
  if (!mic_.required(*inner_, *protection_)) return {};
  PGSS_TRY(memory, mic_.make(*protection_, mech_types_));
  mech_list_mic = memory.view();
  return {};
}

// RFC 4178 4.2.1: the list, and the optimistic token of its first mechanism. A mechanism that needs
// no more than that token may already give its mechListMIC.
Result<void> Initiator::send_init(ByteView mech_token, Step& next) {
  PGSS_TRY(mech_types_, encode_mech_types(offered_, Aliases::kLeaveOut));
  NegTokenInit init;
  PGSS_TRY(init.mech_types, MechTypeList::parse(mech_types_));
  if (!mech_token.empty()) init.mech_token = mech_token;
  if (protection_ == nullptr) return send(init, State::kAwaitReply, next);
  Mic mic;
  PGSS_CHECK(prove(mic, init.mech_list_mic));
  return send(init, State::kAwaitLastReply, next);
}

Result<void> Initiator::take(State state, Answer&& answer, Step& next) {
  if (state != State::kAwaitAnswer) return refuse(state);
  const auto resumed = stepped(inner_->resume(std::move(answer), next), next);
  if (resumed.has_value()) return answered_ ? after_inner(next) : send_offer(next);
  if (answered_ || !may_go_on(resumed.error())) return resumed;
  return offer(config_.mechanisms.size() - offered_.size() + 1, resumed, next);
}

// An empty token stands for none (quirk B13).
bool is_present(const std::optional<ByteView>& token) {
  return token && !token->empty();
}

// late_token: a complete mechanism has no use for a token, but may know an acceptor's account of why
// it refuses (quirks B16, D22).
Error late_token(const Mechanism& inner, const NegTokenResp& resp, const Error& otherwise) {
  if (!is_present(resp.response_token)) return otherwise;
  return inner.peer_error(*resp.response_token).value_or(otherwise);
}

// take_reply: what an acceptor says before the mechanism is complete on this side, and after.
Result<void> Initiator::take_reply(ByteView token, Step& next) {
  const bool complete = protection_ != nullptr;
  PGSS_TRY(const NegTokenResp& resp, read_reply(token));
  if (resp.neg_state == NegState::kReject) {
    if (complete) return late_token(*inner_, resp, refused(kNegState));
    return rejected(resp, next);
  }
  PGSS_TRY(const MechanismEntry* const other, read_choice(resp));
  if (other != nullptr) return reselect(*other, next);
  if (is_present(resp.response_token) == complete) {
    return late_token(*inner_, resp, misbehaved(kResponseToken));
  }
  reply_ = Reply{resp.neg_state, std::nullopt};
  if (const auto mic = mic_of(resp)) {
    PGSS_TRY(reply_.mic, Mic::copy_of(*mic));
  }
  if (complete) return conclude(next);
  PGSS_CHECK(step_inner(*resp.response_token, next));
  return after_inner(next);
}

// Policy row P8: an acceptor that answers, whatever it says, has had the optimistic token. (To go on
// with another mechanism inside SPNEGO is no other login.)
Result<NegTokenResp> Initiator::read_reply(ByteView token) {
  proof_sent_ = proof_sent_ || inner_->token_is_proof();
  return parse_neg_token_resp(token);
}

// SSEAN-W2, policy row P8: an early 235 has no room for the acceptor's mechListMIC. What it would
// prove is that nobody changed the list, which matters least where the first choice won.
Result<void> Initiator::take_peer_done(State state, Step& next) {
  if (state == State::kFailed) return failure_;
  if (state != State::kAwaitLastReply)
    return misbehaved("success before the exchange was complete");
  if (!answered_) return misbehaved("success before a mechanism was chosen");
  if (strict()) {
    return Error{Errc::kPolicy, "P8: success before the acceptor's last NegTokenResp", 0, 0};
  }
  if (mic_.demanded()) {
    return Error{Errc::kPolicy, "P8: success before the acceptor's mechListMIC", 0, 0};
  }
  return establish(nullptr, next);
}

// read_choice returns the mechanism that the acceptor chose in place of the one that was started;
// null where it did not.
Result<const MechanismEntry*> Initiator::read_choice(const NegTokenResp& resp) {
  if (!std::exchange(answered_, true)) return read_first_reply(resp);
  // RFC 4178 4.2.2: both only in the first reply (quirk B7).
  if (resp.supported_mech) return misbehaved(kSupportedMech);
  if (resp.neg_state == NegState::kRequestMic) return misbehaved(kNegState);
  return nullptr;
}

// RFC 4178 4.2.2: negState and supportedMech are required in the first reply. Acceptors as of RFC
// 2478, Java's among them, leave them out and mean the first choice (quirk B5). Who takes them out on
// the way could as well have written them, so nothing is lost.
Result<const MechanismEntry*> Initiator::read_first_reply(const NegTokenResp& resp) {
  if (strict() && (!resp.neg_state || !resp.supported_mech)) {
    return Error{Errc::kPolicy, "P8: first reply without negState or supportedMech", 0, 0};
  }
  if (!resp.supported_mech) {
    if (resp.neg_state == NegState::kRequestMic) return misbehaved(kSupportedMech);
    return nullptr;
  }
  const Choice choice = find_mechanism(offered_, *resp.supported_mech);
  if (choice.entry == nullptr) return misbehaved(kSupportedMech);  // never offered
  if (resp.neg_state == NegState::kRequestMic) mic_.demand();
  if (choice.entry == &offered_.front()) return nullptr;

  // RFC 4178 4.2.2: another mechanism than the preferred one comes with request-mic. Windows 2003
  // sends accept-incomplete (quirk B6); the mechListMIC is required all the same.
  mic_.demand();
  if (!resp.neg_state || resp.neg_state == NegState::kAcceptCompleted) return misbehaved(kNegState);
  if (strict() && resp.neg_state != NegState::kRequestMic) {
    return Error{Errc::kPolicy, "P8: another mechanism without request-mic", 0, 0};
  }
  if (is_present(resp.response_token)) return misbehaved(kResponseToken);
  if (mic_of(resp)) return misbehaved(kMechListMic);
  return choice.entry;
}

Result<void> Initiator::reselect(const MechanismEntry& entry, Step& next) {
  PGSS_CHECK(start_inner(entry, MicNeed::kCertain, next));
  reply_ = Reply{NegState::kAcceptIncomplete, {}};
  return after_inner(next);
}

// A responseToken beside reject is the mechanism's own account of why (quirk B16).
Result<void> Initiator::rejected(const NegTokenResp& resp, Step& next) {
  if (is_present(resp.response_token)) {
    PGSS_CHECK(step_inner(*resp.response_token, next));
  }
  return refused(kNegState);
}

// after_inner sends what the mechanism has. RFC 4178 5 c: beside its last token goes our mechListMIC.
Result<void> Initiator::after_inner(Step& next) {
  if (asks(next)) {
    state_ = State::kAwaitAnswer;
    return {};
  }
  const Bytes token = std::move(next.token);
  if (protection_ != nullptr && token.empty()) return conclude(next);
  if (reply_.neg_state == NegState::kAcceptCompleted) return misbehaved(kNegState);
  if (reply_.mic) return misbehaved(kMechListMic);
  NegTokenResp resp;
  resp.response_token = token;
  if (protection_ == nullptr) return send(resp, State::kAwaitReply, next);
  PGSS_CHECK(mic_.check_possible(*protection_));
  Mic mic;
  PGSS_CHECK(prove(mic, resp.mech_list_mic));
  return send(resp, State::kAwaitLastReply, next);
}

// conclude takes what the acceptor says once the mechanism is complete on this side. An absent
// negState is inferred from that (RFC 4178 4.2.2): accept-completed, but beside a mechListMIC before
// ours accept-incomplete, because the acceptor waits for ours (RFC 4178 5 b I).
Result<void> Initiator::conclude(Step& next) {
  PGSS_CHECK(mic_.check_possible(*protection_));
  if (reply_.mic) PGSS_CHECK(mic_.verify(*protection_, mech_types_, reply_.mic->view()));
  const bool owes_mic = mic_.verified() && !mic_.made();
  const NegState inferred = owes_mic ? NegState::kAcceptIncomplete : NegState::kAcceptCompleted;
  if (reply_.neg_state.value_or(inferred) == NegState::kAcceptCompleted) {
    // RFC 4178 5 b IV: a required mechListMIC that is missing ends the negotiation (B10, B24).
    if (!mic_.verified() && mic_.required(*inner_, *protection_)) return refused(kMechListMic);
    return establish(nullptr, next);
  }
  // It waits for our mechListMIC: after its own, or, after request-mic, before it.
  const bool waits_for_mic = mic_.verified() || reply_.neg_state == NegState::kRequestMic;
  if (mic_.made() || !waits_for_mic) return misbehaved(kNegState);
  PGSS_TRY(const Mic& mic, mic_.make(*protection_, mech_types_));
  NegTokenResp resp;
  if (mic_.verified()) resp.neg_state = NegState::kAcceptCompleted;
  resp.mech_list_mic = mic.view();
  return mic_.verified() ? establish(&resp, next) : send(resp, State::kAwaitLastReply, next);
}

// establish: `last`, where there is one, is our last token.
Result<void> Initiator::establish(const NegTokenResp* last, Step& next) {
  next.kind = Step::Kind::kEstablished;
  next.has_token = last != nullptr;
  if (last != nullptr) PGSS_CHECK(encode_to(*last, next.token));
  protection_->info.mech_list_mic_verified = mic_.verified();
  state_ = State::kEstablished;
  return {};
}

Result<void> Initiator::start_inner(const MechanismEntry& entry, MicNeed need, Step& next) {
  protection_.reset();
  PGSS_TRY(inner_, entry.make(need));
  mechanism_name_ = inner_->mechanism_name();
  next.reset();
  return step_inner({}, next);
}

Result<void> Initiator::step_inner(ByteView token, Step& next) {
  return stepped(inner_->step(token, next), next);
}

// stepped looks back on a call to the mechanism.
Result<void> Initiator::stepped(const Result<void>& result, const Step& next) {
  proof_sent_ = proof_sent_ || inner_->proof_sent();
  if (result.has_value() && next.kind == Step::Kind::kEstablished) {
    protection_ = inner_->take_protection();
  }
  return result;
}

}  // namespace

Result<std::unique_ptr<Mechanism>> make_initiator(Runtime&, const InitiatorConfig& config) {
  PGSS_CHECK(check_mechanisms(config.mechanisms));
  return std::unique_ptr<Mechanism>(std::make_unique<Initiator>(config));
}

}  // namespace pocketgss::mechs::spnego
