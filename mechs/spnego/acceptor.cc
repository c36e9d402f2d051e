// The acceptor: the choice from the initiator's list, the mechanism's tokens, and the proof of the
// list.
#include "mechs/spnego/acceptor.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "mechs/gss_token.h"
#include "mechs/oids.h"
#include "mechs/spnego/mech_list.h"
#include "mechs/spnego/token.h"

namespace pocketgss::mechs::spnego {
namespace {

constexpr const char* kMechTypes = "NegTokenInit.mechTypes";
constexpr const char* kNegState = "NegTokenResp.negState";
constexpr const char* kSupportedMech = "NegTokenResp.supportedMech";
constexpr const char* kResponseToken = "NegTokenResp.responseToken";
constexpr const char* kMechListMic = "mechListMIC";

Error misbehaved(const char* where) {
  return Error{Errc::kPeerMisbehaved, where, 0, 0};
}

Error refused(const char* where) {
  return Error{Errc::kAuthFailed, where, 0, 0};
}

enum class State : uint8_t {
  kStart,
  kAwaitInit,    // we spoke first
  kAwaitAnswer,  // the mechanism asked who this is
  kAwaitToken,   // the mechanism is not complete
  kAwaitMic,     // it is; the initiator's mechListMIC is outstanding
  kBare,         // a mechanism without SPNEGO around it
  kEstablished,
  kFailed,
};

//   Start --""--> AwaitInit                                         (NegTokenInit2)
//   Start, AwaitInit --NegTokenInit--> AwaitToken | AwaitAnswer | AwaitMic | Established
//   Start, AwaitInit --a mechanism's own token--> Bare --...--> Established
//   AwaitToken --NegTokenResp--> AwaitToken | AwaitAnswer | AwaitMic | Established
//   AwaitAnswer --resume()--> the same four
//   AwaitMic --NegTokenResp--> Established
//   any refusal --> Failed
class Acceptor final : public Mechanism {
 public:
  explicit Acceptor(const AcceptorConfig& config) : config_(config) {}

  Result<Step> step(ByteView peer_token) override;
  Result<Step> resume(Answer answer) override;
  Bytes take_error_token() override;
  const char* state_name() const override;
  bool proof_sent() const override { return false; }  // an acceptor has nothing to fall back to

 private:
  Result<Step> take(State, ByteView token);
  Result<Step> take(State, Answer&&);
  // Whatever ends a call, also an allocation that fails, leaves the state kFailed.
  State leave_state() { return std::exchange(state_, State::kFailed); }
  void fail(const Error&);
  Result<Step> refuse(State) const;

  Result<Step> send_hints();
  Result<Step> take_init(ByteView token);
  Result<Step> take_token(ByteView token);
  Result<Step> take_mic(ByteView token);
  Result<Step> start_bare(ByteView token, const Error& not_spnego);
  Result<Step> step_bare(ByteView token);
  void after_bare(const Result<Step>&);
  Result<bool> choose(const MechTypeList&);

  Result<Step> after_inner(Step&);
  Result<Step> after_own_last(ByteView response_token);
  Result<Step> after_peer_last();
  Result<Step> answer_mic(ByteView);

  NegTokenResp response(NegState);
  Result<Step> reply(NegState, const std::optional<ByteView>& response_token);
  Result<Step> send(const NegTokenResp&, State next);
  enum class Last : uint8_t { kMechanisms, kSpnegos };  // whose token is in the last NegTokenResp
  Result<Step> establish(const NegTokenResp* last, Last);

  const AcceptorConfig config_;
  State state_ = State::kStart;
  Error failure_{Errc::kNoMemory, "SPNEGO acceptor"};  // of kFailed
  bool bare_ = false;
  Bytes inner_error_token_;

  // What the exchange carries from token to token.
  std::unique_ptr<Mechanism> inner_;
  std::unique_ptr<MessageProtection> protection_;  // once that is complete
  asn1::Oid supported_mech_;                       // as the initiator named it
  Bytes mech_types_;  // MechTypeList as it came: a mechListMIC covers these very bytes
  MechListMic mic_;
  std::optional<Mic> peer_mic_;  // of the token that is being answered
  bool answered_ = false;        // our first reply, which names the mechanism, was sent
};

Result<Step> Acceptor::step(ByteView peer_token) {
  auto result = take(leave_state(), peer_token);
  if (!result.has_value()) fail(result.error());
  return result;
}

Result<Step> Acceptor::resume(Answer answer) {
  auto result = take(leave_state(), std::move(answer));
  if (!result.has_value()) fail(result.error());
  return result;
}

void Acceptor::fail(const Error& error) {
  failure_ = error;
  if (inner_ != nullptr) inner_error_token_ = inner_->take_error_token();
  inner_.reset();
  protection_.reset();
}

Result<Step> Acceptor::take(State state, ByteView token) {
  switch (state) {
    case State::kStart:
      return token.empty() ? send_hints() : take_init(token);
    case State::kAwaitInit:
      return take_init(token);
    case State::kAwaitToken:
      return take_token(token);
    case State::kAwaitMic:
      return take_mic(token);
    case State::kBare:
      return step_bare(token);
    case State::kAwaitAnswer:
    case State::kEstablished:
    case State::kFailed:
      break;
  }
  return refuse(state);
}

Result<Step> Acceptor::take(State state, Answer&& answer) {
  if (state != State::kAwaitAnswer && state != State::kBare) return refuse(state);
  auto step = inner_->resume(std::move(answer));
  if (state == State::kAwaitAnswer && step.has_value()) return after_inner(step.value());
  if (state == State::kBare) after_bare(step);
  return step;
}

// refuse answers a call that `state` does not take.
Result<Step> Acceptor::refuse(State state) const {
  if (state == State::kFailed) return failure_;
  return Error{Errc::kApiMisuse, "a call out of turn", 0, 0};
}

// Quirk B16: what a mechanism that refuses has for the initiator goes beside the reject.
Bytes Acceptor::take_error_token() {
  Bytes inner = std::exchange(inner_error_token_, {});
  if (inner.empty() || bare_) return inner;
  NegTokenResp reject;
  reject.neg_state = NegState::kReject;
  reject.response_token = ByteView(inner);
  Bytes out;
  if (!encode_to(reject, out).has_value()) out.clear();
  return out;
}

const char* Acceptor::state_name() const {
  static constexpr const char* kNames[] = {"Start",    "AwaitInit", "AwaitAnswer", "AwaitToken",
                                           "AwaitMic", "Bare",      "Established", "Failed"};
  return kNames[static_cast<size_t>(state_)];
}

bool is_present(const std::optional<ByteView>& token) {
  return token && !token->empty();
}

// [MS-SPNG] 3.2.5.2: the list of all that is accepted, and hints that mean nothing (quirk B14).
Result<Step> Acceptor::send_hints() {
  PGSS_TRY(const Bytes list, encode_mech_types(config_.mechanisms, Aliases::kInclude));
  NegTokenInit2 hints;
  PGSS_TRY(hints.mech_types, MechTypeList::parse(list));
  hints.neg_hints = NegHints{"not_defined_in_RFC4178@please_ignore", std::nullopt};
  Continue out;
  PGSS_CHECK(encode_to(hints, out.token));
  state_ = State::kAwaitInit;
  return out;
}

Result<Step> Acceptor::take_init(ByteView token) {
  const auto parsed = parse_neg_token_init(token);
  if (!parsed.has_value()) return start_bare(token, parsed.error());
  const NegTokenInit& init = parsed.value();

  mech_types_ = init.mech_types.der().to_bytes();
  PGSS_TRY(const bool first_choice, choose(init.mech_types));
  if (!first_choice) mic_.demand();
  // RFC 4178 4.2.2: the optimistic token is the first choice's; of another mechanism nobody looks
  // into it (P9).
  if (!first_choice || !is_present(init.mech_token)) {
    if (init.mech_list_mic) return misbehaved(kMechListMic);
    return reply(first_choice ? NegState::kAcceptIncomplete : NegState::kRequestMic, std::nullopt);
  }
  if (init.mech_list_mic) {
    PGSS_TRY(peer_mic_, Mic::copy_of(*init.mech_list_mic));
  }
  PGSS_TRY(Step && step, inner_->step(*init.mech_token));
  return after_inner(step);
}

// choose starts the first mechanism of the list that is ours and can be started, and says whether
// it is the one that the initiator prefers.
Result<bool> Acceptor::choose(const MechTypeList& list) {
  std::optional<Error> why;
  for (const asn1::Oid mech : list) {
    const Choice choice = find_mechanism(config_.mechanisms, mech);
    if (choice.entry == nullptr) continue;
    const bool first_choice = is_first_choice(list, *choice.entry);
    auto inner = choice.entry->make(first_choice ? MicNeed::kPossible : MicNeed::kCertain);
    if (inner.has_value()) {
      inner_ = std::move(inner).value();
      supported_mech_ = choice.mech;
      return first_choice;
    }
    if (!why) why = inner.error();
  }
  return why.value_or(Error{Errc::kPeerIncompatible, kMechTypes, 0, 0});
}

// Quirk B17: WinPR, and others with one mechanism only, send its token bare. A token in SPNEGO's
// own frame is never taken for one.
Result<Step> Acceptor::start_bare(ByteView token, const Error& not_spnego) {
  const auto frame = parse_initial_context_token(token);
  if (frame.has_value() && frame.value().this_mech == kSpnegoOid) return not_spnego;
  for (const MechanismEntry& entry : config_.mechanisms) {
    if (entry.recognises == nullptr || !entry.recognises(token)) continue;
    if (!config_.bare_tokens) {
      return Error{Errc::kPeerIncompatible, "a mechanism's token without SPNEGO", 0, 0};
    }
    PGSS_TRY(inner_, entry.make(MicNeed::kNone));
    bare_ = true;
    return step_bare(token);
  }
  return not_spnego;
}

Result<Step> Acceptor::step_bare(ByteView token) {
  auto step = inner_->step(token);
  after_bare(step);
  return step;
}

void Acceptor::after_bare(const Result<Step>& step) {
  if (!step.has_value()) return;
  const bool complete = std::holds_alternative<Complete>(step.value());
  state_ = complete ? State::kEstablished : State::kBare;
}

// check_response: what an initiator's NegTokenResp may not say (RFC 4178 4.2.2; quirk B7).
Result<void> check_response(const NegTokenResp& resp) {
  if (resp.supported_mech) return misbehaved(kSupportedMech);
  if (resp.neg_state == NegState::kRequestMic) return misbehaved(kNegState);
  if (resp.neg_state == NegState::kReject) return refused(kNegState);
  return {};
}

Result<Step> Acceptor::take_token(ByteView token) {
  PGSS_TRY(const NegTokenResp& resp, parse_neg_token_resp(token));
  PGSS_CHECK(check_response(resp));
  if (!is_present(resp.response_token)) return misbehaved(kResponseToken);
  if (const auto given = mic_of(resp)) {
    PGSS_TRY(peer_mic_, Mic::copy_of(*given));
  }
  PGSS_TRY(Step && step, inner_->step(*resp.response_token));
  return after_inner(step);
}

Result<Step> Acceptor::after_inner(Step& step) {
  if (auto* done = std::get_if<Complete>(&step)) {
    protection_ = std::move(done->protection);
    const bool own_last = done->token && !done->token->empty();
    // An initiator that lacks the mechanism's last token cannot have made a mechListMIC.
    if (own_last && peer_mic_) return misbehaved(kMechListMic);
    PGSS_CHECK(mic_.check_possible(*protection_));
    return own_last ? after_own_last(*done->token) : after_peer_last();
  }
  if (auto* next = std::get_if<Continue>(&step)) {
    if (peer_mic_) return misbehaved(kMechListMic);
    return reply(NegState::kAcceptIncomplete, next->token);
  }
  state_ = State::kAwaitAnswer;
  return std::move(step);
}

// response is a NegTokenResp with what only the first reply has (RFC 4178 4.2.2).
NegTokenResp Acceptor::response(NegState state) {
  NegTokenResp out;
  out.neg_state = state;
  if (!std::exchange(answered_, true)) out.supported_mech = supported_mech_;
  return out;
}

Result<Step> Acceptor::send(const NegTokenResp& token, State next) {
  Continue out;
  PGSS_CHECK(encode_to(token, out.token));
  state_ = next;
  return out;
}

Result<Step> Acceptor::reply(NegState state, const std::optional<ByteView>& response_token) {
  NegTokenResp resp = response(state);
  resp.response_token = response_token;
  return send(resp, State::kAwaitToken);
}

// RFC 4178 5 b: this side sends the mechanism's last token. A required mechListMIC goes beside it,
// and the initiator's is then awaited.
Result<Step> Acceptor::after_own_last(ByteView response_token) {
  const bool required = mic_.required(*inner_, *protection_);
  NegTokenResp resp = response(required ? NegState::kAcceptIncomplete : NegState::kAcceptCompleted);
  resp.response_token = response_token;
  if (!required) return establish(&resp, Last::kMechanisms);
  PGSS_TRY(const Mic& mic, mic_.make(*protection_, mech_types_));
  resp.mech_list_mic = mic.view();
  return send(resp, State::kAwaitMic);
}

// RFC 4178 5 c: the initiator sent the mechanism's last token, and its mechListMIC beside it. A MIC
// is always answered by a MIC (quirk B22).
Result<Step> Acceptor::after_peer_last() {
  if (peer_mic_) return answer_mic(peer_mic_->view());
  if (!mic_.required(*inner_, *protection_)) {
    const NegTokenResp last = response(NegState::kAcceptCompleted);
    return establish(&last, Last::kSpnegos);
  }
  // c IV: where that token was the first one too, the initiator could not know.
  if (!answered_) return send(response(NegState::kRequestMic), State::kAwaitMic);
  return refused(kMechListMic);
}

Result<Step> Acceptor::take_mic(ByteView token) {
  PGSS_TRY(const NegTokenResp& resp, parse_neg_token_resp(token));
  PGSS_CHECK(check_response(resp));
  if (is_present(resp.response_token)) return misbehaved(kResponseToken);
  if (!resp.mech_list_mic) return refused(kMechListMic);
  return answer_mic(*resp.mech_list_mic);
}

// answer_mic ends the exchange: the initiator's mechListMIC is right, and has, or gets, its answer.
Result<Step> Acceptor::answer_mic(ByteView mic) {
  PGSS_CHECK(mic_.verify(*protection_, mech_types_, mic));
  if (mic_.made()) return establish(nullptr, Last::kSpnegos);
  NegTokenResp last = response(NegState::kAcceptCompleted);
  PGSS_TRY(const Mic& ours, mic_.make(*protection_, mech_types_));
  last.mech_list_mic = ours.view();
  return establish(&last, Last::kSpnegos);
}

// establish: `last`, where there is one, is our last token.
Result<Step> Acceptor::establish(const NegTokenResp* last, Last whose) {
  Complete out;
  if (last != nullptr) PGSS_CHECK(encode_to(*last, out.token.emplace()));
  out.token_replaceable = whose == Last::kSpnegos;
  out.protection = std::move(protection_);
  out.protection->info.mech_list_mic_verified = mic_.verified();
  state_ = State::kEstablished;
  return out;
}

}  // namespace

Result<std::unique_ptr<Mechanism>> make_acceptor(Runtime&, const AcceptorConfig& config) {
  PGSS_CHECK(check_mechanisms(config.mechanisms));
  return std::unique_ptr<Mechanism>(std::make_unique<Acceptor>(config));
}

}  // namespace pocketgss::mechs::spnego
