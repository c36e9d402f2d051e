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

constexpr char kNegState[] = "NegTokenResp.negState";
constexpr char kSupportedMech[] = "NegTokenResp.supportedMech";
constexpr char kResponseToken[] = "NegTokenResp.responseToken";
constexpr char kMechListMic[] = "NegTokenResp.mechListMIC";

Error misbehaved(const char* where) {
  return Error{Errc::kPeerMisbehaved, where, 0, 0};
}

Error refused(const char* where) {
  return Error{Errc::kAuthFailed, where, 0, 0};
}

// Negotiation is what one exchange carries from token to token.
struct Negotiation {
  std::unique_ptr<Mechanism> inner;
  MechanismEntries offered;  // what mech_types lists; the first is the preferred one
  Bytes mech_types;          // MechTypeList as it is sent: a mechListMIC covers these very bytes
  MechListMic mic;
  bool answered = false;  // the acceptor's first reply, which names the mechanism, was taken
};

// Reply is what outlives an acceptor's token, in case the mechanism needs an answer before it can
// go on.
struct Reply {
  std::optional<NegState> neg_state;
  std::optional<Mic> mic;
};

struct Start {};
struct AwaitAnswer {  // the mechanism asked for something; nothing of it was sent yet
  Negotiation negotiation;
  Reply reply;
};
struct AwaitReply {  // the mechanism is not complete
  Negotiation negotiation;
};
struct AwaitLastReply {  // it is
  Negotiation negotiation;
  Complete inner;
};
struct Established {};
struct Failed {
  Error error;
};
using State = std::variant<Start, AwaitAnswer, AwaitReply, AwaitLastReply, Established, Failed>;

struct PeerDone {};  // the input of peer_done()

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

  Result<Step> step(ByteView peer_token) override { return take(std::move(peer_token)); }
  Result<Step> resume(Answer answer) override { return take(std::move(answer)); }
  Result<Step> peer_done() override { return take(PeerDone{}); }
  const char* state_name() const override;
  const char* mechanism_name() const override { return mechanism_name_; }
  bool proof_sent() const override { return proof_sent_; }

 private:
  template <typename Input>
  Result<Step> take(Input&& input);

  Result<Step> on(Start&&, ByteView token);
  Result<Step> on(AwaitAnswer&&, Answer&&);
  Result<Step> on(AwaitReply&&, ByteView token);
  Result<Step> on(AwaitLastReply&&, ByteView token);
  Result<Step> on(AwaitLastReply&&, PeerDone&&);
  Result<Step> on(Failed&& state, ByteView) { return state.error; }
  Result<Step> on(Failed&& state, Answer&&) { return state.error; }
  Result<Step> on(Failed&& state, PeerDone&&) { return state.error; }
  template <typename Other>
  Result<Step> on(Other&&, PeerDone&&) {
    return misbehaved("success before the exchange was complete");
  }
  template <typename Other, typename Input>
  Result<Step> on(Other&&, Input&&) {
    return Error{Errc::kApiMisuse, "a call out of turn", 0, 0};
  }

  Result<Step> offer(size_t first, std::optional<Error> why);
  bool may_go_on(const Error&) const;
  Result<Step> send_offer(Negotiation&&, Step&&);
  Result<Step> send_init(Negotiation&&, const std::optional<Bytes>& mech_token,
                         std::optional<Complete>&&);

  Result<NegTokenResp> read_reply(const Negotiation&, ByteView token);
  Result<const MechanismEntry*> read_choice(Negotiation&, const NegTokenResp&);
  Result<const MechanismEntry*> read_first_reply(Negotiation&, const NegTokenResp&);
  Result<Step> reselect(Negotiation&&, const MechanismEntry&);
  Result<Step> rejected(Negotiation&&, const NegTokenResp&);

  Result<Step> after_inner(Negotiation&&, Step&&, const Reply&);
  Result<Step> send_last(Negotiation&&, Complete&&, const Reply&);
  Result<Step> conclude(Negotiation&&, Complete&&, const Reply&);
  Result<Step> establish(const Negotiation&, Complete&&, std::optional<Bytes> token);

  Result<Step> start_inner(Negotiation&, const MechanismEntry&, MicNeed);
  Result<Step> step_inner(Mechanism& inner, ByteView token);
  bool strict() const { return config_.level == PolicyLevel::kStrict; }

  const InitiatorConfig config_;
  State state_ = Start{};
  bool proof_sent_ = false;
  const char* mechanism_name_ = "";  // of the inner mechanism that was started last
};

template <typename Input>
Result<Step> Initiator::take(Input&& input) {
  // Whatever ends this call, also an allocation that fails, leaves the state Failed.
  State state = std::exchange(state_, Failed{Error{Errc::kNoMemory, "SPNEGO initiator", 0, 0}});
  auto result =
      std::visit([&](auto&& current) { return on(std::move(current), std::forward<Input>(input)); },
                 std::move(state));
  if (!result.has_value()) state_ = Failed{result.error()};
  return result;
}

const char* Initiator::state_name() const {
  static constexpr const char* kNames[] = {"Start",          "AwaitAnswer", "AwaitReply",
                                           "AwaitLastReply", "Established", "Failed"};
  return kNames[state_.index()];
}

// [MS-SPNG] 3.2.5.2: an acceptor that speaks first sends a NegTokenInit2. Nobody has authenticated
// its list, so the offer does not depend on it (policy row P8).
Result<void> check_hints(ByteView token) {
  if (!token.empty()) PGSS_CHECK(parse_neg_token_init2(token));
  return {};
}

Result<Step> Initiator::on(Start&&, ByteView token) {
  PGSS_CHECK(check_hints(token));
  return offer(0, std::nullopt);
}

// may_go_on: a mechanism that cannot be used is left out, as long as nothing was proven to anybody
// (policy row P8).
bool Initiator::may_go_on(const Error& error) const {
  return can_fall_back(error.code, proof_sent_);
}

// offer starts the first of the mechanisms from `first` on that can be started. Where none can, the
// error is that of the first that could not.
Result<Step> Initiator::offer(size_t first, std::optional<Error> why) {
  for (size_t i = first; i < config_.mechanisms.size(); ++i) {
    Negotiation n;
    n.offered = config_.mechanisms.subspan(i);
    // Whether there will be a mechListMIC is not known yet.
    auto step = start_inner(n, n.offered.front(), MicNeed::kPossible);
    if (step.has_value()) return send_offer(std::move(n), std::move(step).value());
    if (!why) why = step.error();
    if (!may_go_on(step.error())) break;
  }
  return *why;
}

Result<Step> Initiator::send_offer(Negotiation&& n, Step&& step) {
  if (auto* next = std::get_if<Continue>(&step)) {
    return send_init(std::move(n), std::move(next->token), std::nullopt);
  }
  if (auto* done = std::get_if<Complete>(&step)) {
    const std::optional<Bytes> token = std::move(done->token);
    return send_init(std::move(n), token, std::move(*done));
  }
  state_.emplace<AwaitAnswer>(std::move(n), Reply());
  return std::move(step);
}

// RFC 4178 4.2.1: the list, and the optimistic token of its first mechanism. A mechanism that needs
// no more than that token may already give its mechListMIC.
Result<Step> Initiator::send_init(Negotiation&& n, const std::optional<Bytes>& mech_token,
                                  std::optional<Complete>&& inner) {
  PGSS_TRY(n.mech_types, encode_mech_types(n.offered, Aliases::kLeaveOut));
  NegTokenInit init;
  PGSS_TRY(init.mech_types, MechTypeList::parse(n.mech_types));
  if (mech_token && !mech_token->empty()) init.mech_token = ByteView(*mech_token);
  std::optional<Mic> mic;
  if (inner && n.mic.required(*n.inner, *inner->protection)) {
    PGSS_TRY(mic, n.mic.make(*inner->protection, n.mech_types));
    init.mech_list_mic = mic->view();
  }
  PGSS_TRY(Bytes out, encode(init));
  if (inner) {
    state_.emplace<AwaitLastReply>(std::move(n), std::move(*inner));
  } else {
    state_.emplace<AwaitReply>(std::move(n));
  }
  return Continue{std::move(out)};
}

Result<Step> Initiator::on(AwaitAnswer&& state, Answer&& answer) {
  Negotiation& n = state.negotiation;
  auto step = n.inner->resume(std::move(answer));
  proof_sent_ = proof_sent_ || n.inner->proof_sent();
  if (step.has_value()) {
    return n.answered ? after_inner(std::move(n), std::move(step).value(), state.reply)
                      : send_offer(std::move(n), std::move(step).value());
  }
  if (n.answered || !may_go_on(step.error())) return step.error();
  return offer(config_.mechanisms.size() - n.offered.size() + 1, step.error());
}

Result<Step> Initiator::on(AwaitReply&& state, ByteView token) {
  Negotiation& n = state.negotiation;
  PGSS_TRY(const NegTokenResp resp, read_reply(n, token));
  if (resp.neg_state == NegState::kReject) return rejected(std::move(n), resp);
  PGSS_TRY(const MechanismEntry* const other, read_choice(n, resp));
  if (other != nullptr) return reselect(std::move(n), *other);
  if (!resp.response_token || resp.response_token->empty()) return misbehaved(kResponseToken);

  Reply reply{resp.neg_state, std::nullopt};
  if (const auto mic = mic_of(resp)) {
    PGSS_TRY(reply.mic, Mic::copy_of(*mic));
  }
  PGSS_TRY(Step step, step_inner(*n.inner, *resp.response_token));
  return after_inner(std::move(n), std::move(step), reply);
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

Result<Step> Initiator::on(AwaitLastReply&& state, ByteView token) {
  Negotiation& n = state.negotiation;
  PGSS_TRY(const NegTokenResp resp, read_reply(n, token));
  if (resp.neg_state == NegState::kReject) return late_token(*n.inner, resp, refused(kNegState));
  PGSS_TRY(const MechanismEntry* const other, read_choice(n, resp));
  if (other != nullptr) return reselect(std::move(n), *other);
  if (is_present(resp.response_token)) {
    return late_token(*n.inner, resp, misbehaved(kResponseToken));
  }

  Reply reply{resp.neg_state, std::nullopt};
  if (const auto mic = mic_of(resp)) {
    PGSS_TRY(reply.mic, Mic::copy_of(*mic));
  }
  return conclude(std::move(n), std::move(state.inner), reply);
}

// Policy row P8: an acceptor that answers, whatever it says, has had the optimistic token. (To go on
// with another mechanism inside SPNEGO is no other login.)
Result<NegTokenResp> Initiator::read_reply(const Negotiation& n, ByteView token) {
  proof_sent_ = proof_sent_ || n.inner->token_is_proof();
  return parse_neg_token_resp(token);
}

// SSEAN-W2, policy row P8: an early 235 has no room for the acceptor's mechListMIC. What it would
// prove is that nobody changed the list, which matters least where the first choice won.
Result<Step> Initiator::on(AwaitLastReply&& state, PeerDone&&) {
  const Negotiation& n = state.negotiation;
  if (!n.answered) return misbehaved("success before a mechanism was chosen");
  if (strict()) {
    return Error{Errc::kPolicy, "P8: success before the acceptor's last NegTokenResp", 0, 0};
  }
  if (n.mic.demanded()) {
    return Error{Errc::kPolicy, "P8: success before the acceptor's mechListMIC", 0, 0};
  }
  return establish(n, std::move(state.inner), std::nullopt);
}

// read_choice returns the mechanism that the acceptor chose in place of the one that was started;
// null where it did not.
Result<const MechanismEntry*> Initiator::read_choice(Negotiation& n, const NegTokenResp& resp) {
  if (!std::exchange(n.answered, true)) return read_first_reply(n, resp);
  // RFC 4178 4.2.2: both only in the first reply (quirk B7).
  if (resp.supported_mech) return misbehaved(kSupportedMech);
  if (resp.neg_state == NegState::kRequestMic) return misbehaved(kNegState);
  return nullptr;
}

// RFC 4178 4.2.2: negState and supportedMech are required in the first reply. Acceptors as of RFC
// 2478, Java's among them, leave them out and mean the first choice (quirk B5). Who takes them out on
// the way could as well have written them, so nothing is lost.
Result<const MechanismEntry*> Initiator::read_first_reply(Negotiation& n,
                                                          const NegTokenResp& resp) {
  if (strict() && (!resp.neg_state || !resp.supported_mech)) {
    return Error{Errc::kPolicy, "P8: first reply without negState or supportedMech", 0, 0};
  }
  if (!resp.supported_mech) {
    if (resp.neg_state == NegState::kRequestMic) return misbehaved(kSupportedMech);
    return nullptr;
  }
  const Choice choice = find_mechanism(n.offered, *resp.supported_mech);
  if (choice.entry == nullptr) return misbehaved(kSupportedMech);  // never offered
  if (resp.neg_state == NegState::kRequestMic) n.mic.demand();
  if (choice.entry == &n.offered.front()) return nullptr;

  // RFC 4178 4.2.2: another mechanism than the preferred one comes with request-mic. Windows 2003
  // sends accept-incomplete (quirk B6); the mechListMIC is required all the same.
  n.mic.demand();
  if (!resp.neg_state || resp.neg_state == NegState::kAcceptCompleted) return misbehaved(kNegState);
  if (strict() && resp.neg_state != NegState::kRequestMic) {
    return Error{Errc::kPolicy, "P8: another mechanism without request-mic", 0, 0};
  }
  if (resp.response_token && !resp.response_token->empty()) return misbehaved(kResponseToken);
  if (mic_of(resp)) return misbehaved(kMechListMic);
  return choice.entry;
}

Result<Step> Initiator::reselect(Negotiation&& n, const MechanismEntry& entry) {
  PGSS_TRY(Step step, start_inner(n, entry, MicNeed::kCertain));
  return after_inner(std::move(n), std::move(step), Reply{NegState::kAcceptIncomplete, {}});
}

// A responseToken beside reject is the mechanism's own account of why (quirk B16).
Result<Step> Initiator::rejected(Negotiation&& n, const NegTokenResp& resp) {
  if (resp.response_token && !resp.response_token->empty()) {
    PGSS_CHECK(step_inner(*n.inner, *resp.response_token));
  }
  return refused(kNegState);
}

Result<Step> Initiator::after_inner(Negotiation&& n, Step&& step, const Reply& reply) {
  if (auto* done = std::get_if<Complete>(&step)) {
    if (done->token && !done->token->empty()) {
      return send_last(std::move(n), std::move(*done), reply);
    }
    return conclude(std::move(n), std::move(*done), reply);
  }
  if (auto* next = std::get_if<Continue>(&step)) {
    if (reply.neg_state == NegState::kAcceptCompleted) return misbehaved(kNegState);
    if (reply.mic) return misbehaved(kMechListMic);
    PGSS_TRY(Bytes out,
             encode(NegTokenResp{std::nullopt, std::nullopt, next->token, std::nullopt}));
    state_.emplace<AwaitReply>(std::move(n));
    return Continue{std::move(out)};
  }
  state_.emplace<AwaitAnswer>(std::move(n), reply);
  return std::move(step);
}

// RFC 4178 5 c: this side sends the mechanism's last token, and its mechListMIC beside it.
Result<Step> Initiator::send_last(Negotiation&& n, Complete&& inner, const Reply& reply) {
  if (reply.neg_state == NegState::kAcceptCompleted) return misbehaved(kNegState);
  if (reply.mic) return misbehaved(kMechListMic);
  PGSS_CHECK(n.mic.check_possible(*inner.protection));
  NegTokenResp resp;
  resp.response_token = ByteView(*inner.token);
  std::optional<Mic> mic;
  if (n.mic.required(*n.inner, *inner.protection)) {
    PGSS_TRY(mic, n.mic.make(*inner.protection, n.mech_types));
    resp.mech_list_mic = mic->view();
  }
  PGSS_TRY(Bytes out, encode(resp));
  inner.token.reset();
  state_.emplace<AwaitLastReply>(std::move(n), std::move(inner));
  return Continue{std::move(out)};
}

// conclude takes what the acceptor says once the mechanism is complete on this side. An absent
// negState is inferred from that (RFC 4178 4.2.2): accept-completed, but beside a mechListMIC before
// ours accept-incomplete, because the acceptor waits for ours (RFC 4178 5 b I).
Result<Step> Initiator::conclude(Negotiation&& n, Complete&& inner, const Reply& reply) {
  PGSS_CHECK(n.mic.check_possible(*inner.protection));
  if (reply.mic) PGSS_CHECK(n.mic.verify(*inner.protection, n.mech_types, reply.mic->view()));
  const bool owes_mic = n.mic.verified() && !n.mic.made();
  const NegState inferred = owes_mic ? NegState::kAcceptIncomplete : NegState::kAcceptCompleted;
  if (reply.neg_state.value_or(inferred) == NegState::kAcceptCompleted) {
    // RFC 4178 5 b IV: a required mechListMIC that is missing ends the negotiation (B10, B24).
    if (!n.mic.verified() && n.mic.required(*n.inner, *inner.protection))
      return refused(kMechListMic);
    return establish(n, std::move(inner), std::nullopt);
  }
  // It waits for our mechListMIC: after its own, or, after request-mic, before it.
  const bool waits_for_mic = n.mic.verified() || reply.neg_state == NegState::kRequestMic;
  if (n.mic.made() || !waits_for_mic) return misbehaved(kNegState);
  PGSS_TRY(const Mic mic, n.mic.make(*inner.protection, n.mech_types));
  NegTokenResp resp;
  if (n.mic.verified()) resp.neg_state = NegState::kAcceptCompleted;
  resp.mech_list_mic = mic.view();
  PGSS_TRY(Bytes out, encode(resp));
  if (n.mic.verified()) return establish(n, std::move(inner), std::move(out));
  state_.emplace<AwaitLastReply>(std::move(n), std::move(inner));
  return Continue{std::move(out)};
}

Result<Step> Initiator::establish(const Negotiation& n, Complete&& inner,
                                  std::optional<Bytes> token) {
  inner.token = std::move(token);
  inner.protection->info.mech_list_mic_verified = n.mic.verified();
  state_.emplace<Established>();
  return std::move(inner);
}

Result<Step> Initiator::start_inner(Negotiation& n, const MechanismEntry& entry, MicNeed need) {
  PGSS_TRY(n.inner, entry.make(need));
  mechanism_name_ = n.inner->mechanism_name();
  return step_inner(*n.inner, {});
}

Result<Step> Initiator::step_inner(Mechanism& inner, ByteView token) {
  auto step = inner.step(token);
  proof_sent_ = proof_sent_ || inner.proof_sent();
  return step;
}

}  // namespace

Result<std::unique_ptr<Mechanism>> make_initiator(Runtime&, const InitiatorConfig& config) {
  PGSS_CHECK(check_mechanisms(config.mechanisms));
  return std::unique_ptr<Mechanism>(std::make_unique<Initiator>(config));
}

}  // namespace pocketgss::mechs::spnego
