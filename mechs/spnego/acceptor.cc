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

  Result<void> step(ByteView peer_token, Step& next) override;
  Result<void> resume(Answer&& answer, Step& next) override;
  Bytes take_error_token() override;
  const char* state_name() const override;
  bool proof_sent() const override { return false; }  // an acceptor has nothing to fall back to

 private:
  Result<void> take(State, ByteView token, Step& next);
  Result<void> take(State, Answer&&, Step& next);
  // Whatever ends a call, also an allocation that fails, leaves the state kFailed.
  State leave_state() { return std::exchange(state_, State::kFailed); }
  Result<void> ended(const Result<void>&);
  Error refuse(State) const;

  Result<void> send_hints(Step& next);
  Result<void> take_init(ByteView token, Step& next);
  Result<void> take_token(ByteView token, Step& next);
  Result<void> take_mic(ByteView token, Step& next);
  Result<void> start_bare(ByteView token, const Error& not_spnego, Step& next);
  Result<void> after_bare(const Result<void>&, const Step& next);
  Result<void> choose(const MechTypeList&, bool& first_choice);
  Result<void> keep_mic(const std::optional<ByteView>&);

  Result<void> after_inner(Step& next);
  Result<void> after_own_last(ByteView response_token, Step& next);
  Result<void> after_peer_last(Step& next);
  Result<void> answer_mic(ByteView, Step& next);

  NegTokenResp response(NegState);
  Result<void> reply(NegState, const std::optional<ByteView>& response_token, Step& next);
  Result<void> send(const NegTokenResp&, State, Step& next);
  enum class Last : uint8_t { kMechanisms, kSpnegos };  // whose token is in the last NegTokenResp
  Result<void> establish(const NegTokenResp* last, Last, Step& next);

  const AcceptorConfig config_;
  State state_ = State::kStart;
  Error failure_{Errc::kNoMemory, "SPNEGO acceptor"};  // of kFailed
  bool bare_ = false;
  Bytes inner_error_token_;

  // What the exchange carries from token to token.
  std::unique_ptr<Mechanism> inner_;  // once that is complete there is protection_
  asn1::Oid supported_mech_;          // as the initiator named it
  Bytes mech_types_;  // MechTypeList as it came: a mechListMIC covers these very bytes
  MechListMic mic_;
  std::optional<Mic> peer_mic_;  // of the token that is being answered
  bool answered_ = false;        // our first reply, which names the mechanism, was sent
};

Result<void> Acceptor::step(ByteView peer_token, Step& next) {
  return ended(take(leave_state(), peer_token, next));
}

Result<void> Acceptor::resume(Answer&& answer, Step& next) {
  return ended(take(leave_state(), std::move(answer), next));
}

// ended looks back on a call.
Result<void> Acceptor::ended(const Result<void>& result) {
  if (result.has_value()) return result;
  failure_ = result.error();
  if (inner_ != nullptr) inner_error_token_ = inner_->take_error_token();
  inner_.reset();
  protection_.reset();
  return result;
}

Result<void> Acceptor::take(State state, ByteView token, Step& next) {
  switch (state) {
    case State::kStart:
      return token.empty() ? send_hints(next) : take_init(token, next);
    case State::kAwaitInit:
      return take_init(token, next);
    case State::kAwaitToken:
      return take_token(token, next);
    case State::kAwaitMic:
      return take_mic(token, next);
    case State::kBare:
      return after_bare(inner_->step(token, next), next);
    case State::kAwaitAnswer:
    case State::kEstablished:
    case State::kFailed:
      break;
  }
  return refuse(state);
}

Result<void> Acceptor::take(State state, Answer&& answer, Step& next) {
  if (state != State::kAwaitAnswer && state != State::kBare) return refuse(state);
  const auto resumed = inner_->resume(std::move(answer), next);
  if (state == State::kBare) return after_bare(resumed, next);
  return resumed.has_value() ? after_inner(next) : resumed;
}

// refuse answers a call that `state` does not take.
Error Acceptor::refuse(State state) const {
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
Result<void> Acceptor::send_hints(Step& next) {
  PGSS_TRY(mech_types_, encode_mech_types(config_.mechanisms, Aliases::kInclude));
  NegTokenInit2 hints;
  PGSS_TRY(hints.mech_types, MechTypeList::parse(mech_types_));
  hints.neg_hints = NegHints{"not_defined_in_RFC4178@please_ignore", std::nullopt};
  PGSS_CHECK(encode_to(hints, next.token));
  state_ = State::kAwaitInit;
  return {};
}

Result<void> Acceptor::take_init(ByteView token, Step& next) {
  const auto parsed = parse_neg_token_init(token);
  if (!parsed.has_value()) return start_bare(token, parsed.error(), next);
  const NegTokenInit& init = parsed.value();

  mech_types_.clear();
  append(mech_types_, init.mech_types.der());
  bool first_choice = false;
  PGSS_CHECK(choose(init.mech_types, first_choice));
  if (!first_choice) mic_.demand();
  // RFC 4178 4.2.2: the optimistic token is the first choice's; of another mechanism nobody looks
  // into it (P9).
  if (!first_choice || !is_present(init.mech_token)) {
    if (init.mech_list_mic) return misbehaved(kMechListMic);
    return reply(first_choice ? NegState::kAcceptIncomplete : NegState::kRequestMic, std::nullopt,
                 next);
  }
  PGSS_CHECK(keep_mic(init.mech_list_mic));
  PGSS_CHECK(inner_->step(*init.mech_token, next));
  return after_inner(next);
}

// choose starts the first mechanism of the list that is ours and can be started, and says whether
// it is the one that the initiator prefers.
Result<void> Acceptor::choose(const MechTypeList& list, bool& first_choice) {
  Result<void> why;
  for (const asn1::Oid mech : list) {
    const Choice choice = find_mechanism(config_.mechanisms, mech);
    if (choice.entry == nullptr) continue;
    first_choice = is_first_choice(list, *choice.entry);
    auto inner = choice.entry->make(first_choice ? MicNeed::kPossible : MicNeed::kCertain);
    if (inner.has_value()) {
      inner_ = std::move(inner).value();
      supported_mech_ = choice.mech;
      return {};
    }
    if (why.has_value()) why = inner.error();
  }
  if (why.has_value()) why = Error{Errc::kPeerIncompatible, kMechTypes, 0, 0};
  return why;
}

// keep_mic keeps a mechListMIC until the mechanism's token beside it is taken.
Result<void> Acceptor::keep_mic(const std::optional<ByteView>& mech_list_mic) {
  if (mech_list_mic) {
    PGSS_TRY(peer_mic_, Mic::copy_of(*mech_list_mic));
  }
  return {};
}

// Quirk B17: WinPR, and others with one mechanism only, send its token bare. A token in SPNEGO's
// own frame is never taken for one.
Result<void> Acceptor::start_bare(ByteView token, const Error& not_spnego, Step& next) {
  const auto frame = parse_initial_context_token(token);
  if (frame.has_value() && frame.value().this_mech == kSpnegoOid) return not_spnego;
  for (const MechanismEntry& entry : config_.mechanisms) {
    if (entry.recognises == nullptr || !entry.recognises(token)) continue;
    if (!config_.bare_tokens) {
      return Error{Errc::kPeerIncompatible, "a mechanism's token without SPNEGO", 0, 0};
    }
    PGSS_TRY(inner_, entry.make(MicNeed::kNone));
    bare_ = true;
    return after_bare(inner_->step(token, next), next);
  }
  return not_spnego;
}

Result<void> Acceptor::after_bare(const Result<void>& result, const Step& next) {
  if (!result.has_value()) return result;
  state_ = State::kBare;
  if (next.kind == Step::Kind::kEstablished) {
    protection_ = inner_->take_protection();
    state_ = State::kEstablished;
  }
  return result;
}

// check_response: what an initiator's NegTokenResp may not say (RFC 4178 4.2.2; quirk B7).
Result<void> check_response(const NegTokenResp& resp) {
  if (resp.supported_mech) return misbehaved(kSupportedMech);
  if (resp.neg_state == NegState::kRequestMic) return misbehaved(kNegState);
  if (resp.neg_state == NegState::kReject) return refused(kNegState);
  return {};
}

Result<void> Acceptor::take_token(ByteView token, Step& next) {
  PGSS_TRY(const NegTokenResp& resp, parse_neg_token_resp(token));
  PGSS_CHECK(check_response(resp));
  if (!is_present(resp.response_token)) return misbehaved(kResponseToken);
  PGSS_CHECK(keep_mic(mic_of(resp)));
  PGSS_CHECK(inner_->step(*resp.response_token, next));
  return after_inner(next);
}

Result<void> Acceptor::after_inner(Step& next) {
  const Bytes token = std::move(next.token);
  if (next.kind == Step::Kind::kEstablished) {
    protection_ = inner_->take_protection();
    // An initiator that lacks the mechanism's last token cannot have made a mechListMIC.
    if (!token.empty() && peer_mic_) return misbehaved(kMechListMic);
    PGSS_CHECK(mic_.check_possible(*protection_));
    return token.empty() ? after_peer_last(next) : after_own_last(token, next);
  }
  if (next.kind == Step::Kind::kContinue) {
    if (peer_mic_) return misbehaved(kMechListMic);
    return reply(NegState::kAcceptIncomplete, token, next);
  }
  state_ = State::kAwaitAnswer;
  return {};
}

// response is a NegTokenResp with what only the first reply has (RFC 4178 4.2.2).
NegTokenResp Acceptor::response(NegState state) {
  NegTokenResp out;
  out.neg_state = state;
  if (!std::exchange(answered_, true)) out.supported_mech = supported_mech_;
  return out;
}

Result<void> Acceptor::send(const NegTokenResp& token, State state, Step& next) {
  PGSS_CHECK(encode_to(token, next.token));
  next.kind = Step::Kind::kContinue;
  state_ = state;
  return {};
}

Result<void> Acceptor::reply(NegState state, const std::optional<ByteView>& response_token,
                             Step& next) {
  NegTokenResp resp = response(state);
  resp.response_token = response_token;
  return send(resp, State::kAwaitToken, next);
}

// RFC 4178 5 b: this side sends the mechanism's last token. A required mechListMIC goes beside it,
// and the initiator's is then awaited.
Result<void> Acceptor::after_own_last(ByteView response_token, Step& next) {
  const bool required = mic_.required(*inner_, *protection_);
  NegTokenResp resp = response(required ? NegState::kAcceptIncomplete : NegState::kAcceptCompleted);
  resp.response_token = response_token;
  if (!required) return establish(&resp, Last::kMechanisms, next);
  PGSS_TRY(const Mic& mic, mic_.make(*protection_, mech_types_));
  resp.mech_list_mic = mic.view();
  return send(resp, State::kAwaitMic, next);
}

// RFC 4178 5 c: the initiator sent the mechanism's last token, and its mechListMIC beside it. A MIC
// is always answered by a MIC (quirk B22).
Result<void> Acceptor::after_peer_last(Step& next) {
  if (peer_mic_) return answer_mic(peer_mic_->view(), next);
  if (!mic_.required(*inner_, *protection_)) {
    const NegTokenResp last = response(NegState::kAcceptCompleted);
    return establish(&last, Last::kSpnegos, next);
  }
  // c IV: where that token was the first one too, the initiator could not know.
  if (!answered_) return send(response(NegState::kRequestMic), State::kAwaitMic, next);
  return refused(kMechListMic);
}

Result<void> Acceptor::take_mic(ByteView token, Step& next) {
  PGSS_TRY(const NegTokenResp& resp, parse_neg_token_resp(token));
  PGSS_CHECK(check_response(resp));
  if (is_present(resp.response_token)) return misbehaved(kResponseToken);
  if (!resp.mech_list_mic) return refused(kMechListMic);
  return answer_mic(*resp.mech_list_mic, next);
}

// answer_mic ends the exchange: the initiator's mechListMIC is right, and has, or gets, its answer.
Result<void> Acceptor::answer_mic(ByteView mic, Step& next) {
  PGSS_CHECK(mic_.verify(*protection_, mech_types_, mic));
  if (mic_.made()) return establish(nullptr, Last::kSpnegos, next);
  NegTokenResp last = response(NegState::kAcceptCompleted);
  PGSS_TRY(const Mic& ours, mic_.make(*protection_, mech_types_));
  last.mech_list_mic = ours.view();
  return establish(&last, Last::kSpnegos, next);
}

// establish: `last`, where there is one, is our last token.
Result<void> Acceptor::establish(const NegTokenResp* last, Last whose, Step& next) {
  next.kind = Step::Kind::kEstablished;
  next.has_token = last != nullptr;
  if (last != nullptr) PGSS_CHECK(encode_to(*last, next.token));
  next.token_replaceable = whose == Last::kSpnegos;
  protection_->info.mech_list_mic_verified = mic_.verified();
  state_ = State::kEstablished;
  return {};
}

}  // namespace

Result<std::unique_ptr<Mechanism>> make_acceptor(Runtime&, const AcceptorConfig& config) {
  PGSS_CHECK(check_mechanisms(config.mechanisms));
  return std::unique_ptr<Mechanism>(std::make_unique<Acceptor>(config));
}

}  // namespace pocketgss::mechs::spnego
