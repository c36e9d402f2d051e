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

constexpr char kMechTypes[] = "NegTokenInit.mechTypes";
constexpr char kNegState[] = "NegTokenResp.negState";
constexpr char kSupportedMech[] = "NegTokenResp.supportedMech";
constexpr char kResponseToken[] = "NegTokenResp.responseToken";
constexpr char kMechListMic[] = "mechListMIC";

Error misbehaved(const char* where) {
  return Error{Errc::kPeerMisbehaved, where, 0, 0};
}

Error refused(const char* where) {
  return Error{Errc::kAuthFailed, where, 0, 0};
}

// Negotiation is what one exchange carries from token to token.
struct Negotiation {
  std::unique_ptr<Mechanism> inner;
  asn1::Oid supported_mech;  // as the initiator named it
  Bytes mech_types;          // MechTypeList as it came: a mechListMIC covers these very bytes
  MechListMic mic;
  bool answered = false;  // our first reply, which names the mechanism, was sent
};

struct Start {};
struct AwaitInit {};  // we spoke first
struct AwaitAnswer {  // the mechanism asked who this is
  Negotiation negotiation;
  std::optional<Mic> mic;  // of the token that is being answered
};
struct AwaitToken {  // the mechanism is not complete
  Negotiation negotiation;
};
struct AwaitMic {  // it is; the initiator's mechListMIC is outstanding
  Negotiation negotiation;
  Complete inner;
};
struct Bare {  // a mechanism without SPNEGO around it
  std::unique_ptr<Mechanism> inner;
};
struct Established {};
struct Failed {
  Error error;
};
using State =
    std::variant<Start, AwaitInit, AwaitAnswer, AwaitToken, AwaitMic, Bare, Established, Failed>;

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

  Result<Step> step(ByteView peer_token) override { return take(std::move(peer_token)); }
  Result<Step> resume(Answer answer) override { return take(std::move(answer)); }
  Bytes take_error_token() override;
  const char* state_name() const override;
  bool proof_sent() const override { return false; }  // an acceptor has nothing to fall back to

 private:
  template <typename Input>
  Result<Step> take(Input&& input);

  Result<Step> on(Start&&, ByteView token);
  Result<Step> on(AwaitInit&&, ByteView token);
  Result<Step> on(AwaitAnswer&&, Answer&&);
  Result<Step> on(AwaitToken&&, ByteView token);
  Result<Step> on(AwaitMic&&, ByteView token);
  Result<Step> on(Bare&&, ByteView token);
  Result<Step> on(Bare&&, Answer&&);
  Result<Step> on(Failed&& state, ByteView) { return state.error; }
  Result<Step> on(Failed&& state, Answer&&) { return state.error; }
  template <typename Other, typename Input>
  Result<Step> on(Other&&, Input&&) {
    return Error{Errc::kApiMisuse, "a call out of turn", 0, 0};
  }

  Result<Step> keep_error_token(Mechanism& inner, Result<Step>);
  Result<Step> send_hints();
  Result<Step> start_bare(ByteView token, const Error& not_spnego);
  Result<Step> pass_on(Bare&&, Step&&);
  Result<bool> choose(Negotiation&, const MechTypeList&) const;
  Result<Step> reply(Negotiation&&, NegState, const std::optional<Bytes>& response_token);

  Result<Step> after_inner(Negotiation&&, Step&&, const std::optional<Mic>&);
  Result<Step> after_own_last(Negotiation&&, Complete&&);
  Result<Step> after_peer_last(Negotiation&&, Complete&&, const std::optional<Mic>&);
  Result<Step> request_mic(Negotiation&&, Complete&&);
  enum class Last : uint8_t { kMechanisms, kSpnegos };  // whose token is in the last NegTokenResp
  Result<Step> establish(Negotiation&, Complete&&, std::optional<Bytes> token, Last);

  const AcceptorConfig config_;
  State state_ = Start{};
  bool bare_ = false;
  Bytes inner_error_token_;
};

template <typename Input>
Result<Step> Acceptor::take(Input&& input) {
  // Whatever ends this call, also an allocation that fails, leaves the state Failed.
  State state = std::exchange(state_, Failed{Error{Errc::kNoMemory, "SPNEGO acceptor", 0, 0}});
  auto result =
      std::visit([&](auto&& current) { return on(std::move(current), std::forward<Input>(input)); },
                 std::move(state));
  if (!result.has_value()) state_ = Failed{result.error()};
  return result;
}

// keep_error_token keeps what a mechanism that refuses has for the initiator.
Result<Step> Acceptor::keep_error_token(Mechanism& inner, Result<Step> step) {
  if (!step.has_value()) inner_error_token_ = inner.take_error_token();
  return step;
}

// Quirk B16: it goes beside the reject.
Bytes Acceptor::take_error_token() {
  Bytes inner = std::exchange(inner_error_token_, {});
  if (inner.empty() || bare_) return inner;
  NegTokenResp reject;
  reject.neg_state = NegState::kReject;
  reject.response_token = ByteView(inner);
  auto out = encode(reject);
  return out.has_value() ? std::move(out).value() : Bytes();
}

const char* Acceptor::state_name() const {
  static constexpr const char* kNames[] = {"Start",    "AwaitInit", "AwaitAnswer", "AwaitToken",
                                           "AwaitMic", "Bare",      "Established", "Failed"};
  return kNames[state_.index()];
}

bool is_present(const std::optional<ByteView>& token) {
  return token && !token->empty();
}

// response is a NegTokenResp with what only the first reply has (RFC 4178 4.2.2).
NegTokenResp response(Negotiation& n, NegState state) {
  NegTokenResp out;
  out.neg_state = state;
  if (!std::exchange(n.answered, true)) out.supported_mech = n.supported_mech;
  return out;
}

Result<Step> Acceptor::on(Start&&, ByteView token) {
  if (token.empty()) return send_hints();
  return on(AwaitInit{}, token);
}

// [MS-SPNG] 3.2.5.2: the list of all that is accepted, and hints that mean nothing (quirk B14).
Result<Step> Acceptor::send_hints() {
  PGSS_TRY(const Bytes list, encode_mech_types(config_.mechanisms, Aliases::kInclude));
  NegTokenInit2 hints;
  PGSS_TRY(hints.mech_types, MechTypeList::parse(list));
  hints.neg_hints = NegHints{"not_defined_in_RFC4178@please_ignore", std::nullopt};
  PGSS_TRY(Bytes out, encode(hints));
  state_.emplace<AwaitInit>();
  return Continue{std::move(out)};
}

Result<Step> Acceptor::on(AwaitInit&&, ByteView token) {
  const auto parsed = parse_neg_token_init(token);
  if (!parsed.has_value()) return start_bare(token, parsed.error());
  const NegTokenInit& init = parsed.value();

  Negotiation n;
  n.mech_types = init.mech_types.der().to_bytes();
  PGSS_TRY(const bool first_choice, choose(n, init.mech_types));
  if (!first_choice) {
    // RFC 4178 4.2.2: the optimistic token is another mechanism's; nobody looks into it (P9).
    n.mic.demand();
    if (init.mech_list_mic) return misbehaved(kMechListMic);
    return reply(std::move(n), NegState::kRequestMic, std::nullopt);
  }
  if (!is_present(init.mech_token)) {
    if (init.mech_list_mic) return misbehaved(kMechListMic);
    return reply(std::move(n), NegState::kAcceptIncomplete, std::nullopt);
  }
  std::optional<Mic> mic;
  if (init.mech_list_mic) {
    PGSS_TRY(mic, Mic::copy_of(*init.mech_list_mic));
  }
  PGSS_TRY(Step step, keep_error_token(*n.inner, n.inner->step(*init.mech_token)));
  return after_inner(std::move(n), std::move(step), mic);
}

// choose starts the first mechanism of the list that is ours and can be started, and says whether
// it is the one that the initiator prefers.
Result<bool> Acceptor::choose(Negotiation& n, const MechTypeList& list) const {
  std::optional<Error> why;
  for (const asn1::Oid mech : list) {
    const Choice choice = find_mechanism(config_.mechanisms, mech);
    if (choice.entry == nullptr) continue;
    const bool first_choice = is_first_choice(list, *choice.entry);
    auto inner = choice.entry->make(first_choice ? MicNeed::kPossible : MicNeed::kCertain);
    if (inner.has_value()) {
      n.inner = std::move(inner).value();
      n.supported_mech = choice.mech;
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
    PGSS_TRY(auto inner, entry.make(MicNeed::kNone));
    return on(Bare{std::move(inner)}, token);
  }
  return not_spnego;
}

Result<Step> Acceptor::on(Bare&& bare, ByteView token) {
  bare_ = true;
  PGSS_TRY(Step step, keep_error_token(*bare.inner, bare.inner->step(token)));
  return pass_on(std::move(bare), std::move(step));
}

Result<Step> Acceptor::on(Bare&& bare, Answer&& answer) {
  PGSS_TRY(Step step, bare.inner->resume(std::move(answer)));
  return pass_on(std::move(bare), std::move(step));
}

Result<Step> Acceptor::pass_on(Bare&& bare, Step&& step) {
  if (std::holds_alternative<Complete>(step)) {
    state_.emplace<Established>();
  } else {
    state_.emplace<Bare>(std::move(bare));
  }
  return std::move(step);
}

Result<Step> Acceptor::on(AwaitAnswer&& state, Answer&& answer) {
  Negotiation& n = state.negotiation;
  PGSS_TRY(Step step, n.inner->resume(std::move(answer)));
  return after_inner(std::move(n), std::move(step), state.mic);
}

// check_response: what an initiator's NegTokenResp may not say (RFC 4178 4.2.2; quirk B7).
Result<void> check_response(const NegTokenResp& resp) {
  if (resp.supported_mech) return misbehaved(kSupportedMech);
  if (resp.neg_state == NegState::kRequestMic) return misbehaved(kNegState);
  if (resp.neg_state == NegState::kReject) return refused(kNegState);
  return {};
}

Result<Step> Acceptor::on(AwaitToken&& state, ByteView token) {
  Negotiation& n = state.negotiation;
  PGSS_TRY(const NegTokenResp resp, parse_neg_token_resp(token));
  PGSS_CHECK(check_response(resp));
  if (!is_present(resp.response_token)) return misbehaved(kResponseToken);
  std::optional<Mic> mic;
  if (const auto given = mic_of(resp)) {
    PGSS_TRY(mic, Mic::copy_of(*given));
  }
  PGSS_TRY(Step step, keep_error_token(*n.inner, n.inner->step(*resp.response_token)));
  return after_inner(std::move(n), std::move(step), mic);
}

Result<Step> Acceptor::after_inner(Negotiation&& n, Step&& step, const std::optional<Mic>& mic) {
  if (auto* done = std::get_if<Complete>(&step)) {
    if (!done->token || done->token->empty()) {
      return after_peer_last(std::move(n), std::move(*done), mic);
    }
    // An initiator that lacks the mechanism's last token cannot have made a mechListMIC.
    if (mic) return misbehaved(kMechListMic);
    return after_own_last(std::move(n), std::move(*done));
  }
  if (auto* next = std::get_if<Continue>(&step)) {
    if (mic) return misbehaved(kMechListMic);
    return reply(std::move(n), NegState::kAcceptIncomplete, std::move(next->token));
  }
  state_.emplace<AwaitAnswer>(std::move(n), mic);
  return std::move(step);
}

Result<Step> Acceptor::reply(Negotiation&& n, NegState state,
                             const std::optional<Bytes>& response_token) {
  NegTokenResp resp = response(n, state);
  if (response_token) resp.response_token = ByteView(*response_token);
  PGSS_TRY(Bytes out, encode(resp));
  state_.emplace<AwaitToken>(std::move(n));
  return Continue{std::move(out)};
}

// RFC 4178 5 b: this side sends the mechanism's last token. A required mechListMIC goes beside it,
// and the initiator's is then awaited.
Result<Step> Acceptor::after_own_last(Negotiation&& n, Complete&& inner) {
  PGSS_CHECK(n.mic.check_possible(*inner.protection));
  const bool required = n.mic.required(*n.inner, *inner.protection);
  NegTokenResp resp =
      response(n, required ? NegState::kAcceptIncomplete : NegState::kAcceptCompleted);
  resp.response_token = ByteView(*inner.token);
  std::optional<Mic> mic;
  if (required) {
    PGSS_TRY(mic, n.mic.make(*inner.protection, n.mech_types));
    resp.mech_list_mic = mic->view();
  }
  PGSS_TRY(Bytes out, encode(resp));
  if (!required) return establish(n, std::move(inner), std::move(out), Last::kMechanisms);
  inner.token.reset();
  state_.emplace<AwaitMic>(std::move(n), std::move(inner));
  return Continue{std::move(out)};
}

// RFC 4178 5 c: the initiator sent the mechanism's last token, and its mechListMIC beside it. A MIC
// is always answered by a MIC (quirk B22).
Result<Step> Acceptor::after_peer_last(Negotiation&& n, Complete&& inner,
                                       const std::optional<Mic>& peer_mic) {
  PGSS_CHECK(n.mic.check_possible(*inner.protection));
  if (!peer_mic && n.mic.required(*n.inner, *inner.protection)) {
    // c IV: where that token was the first one too, the initiator could not know.
    if (!n.answered) return request_mic(std::move(n), std::move(inner));
    return refused(kMechListMic);
  }
  NegTokenResp resp = response(n, NegState::kAcceptCompleted);
  std::optional<Mic> mic;
  if (peer_mic) {
    PGSS_CHECK(n.mic.verify(*inner.protection, n.mech_types, peer_mic->view()));
    PGSS_TRY(mic, n.mic.make(*inner.protection, n.mech_types));
    resp.mech_list_mic = mic->view();
  }
  PGSS_TRY(Bytes out, encode(resp));
  return establish(n, std::move(inner), std::move(out), Last::kSpnegos);
}

Result<Step> Acceptor::request_mic(Negotiation&& n, Complete&& inner) {
  PGSS_TRY(Bytes out, encode(response(n, NegState::kRequestMic)));
  state_.emplace<AwaitMic>(std::move(n), std::move(inner));
  return Continue{std::move(out)};
}

Result<Step> Acceptor::on(AwaitMic&& state, ByteView token) {
  Negotiation& n = state.negotiation;
  MessageProtection& protection = *state.inner.protection;
  PGSS_TRY(const NegTokenResp resp, parse_neg_token_resp(token));
  PGSS_CHECK(check_response(resp));
  if (is_present(resp.response_token)) return misbehaved(kResponseToken);
  if (!resp.mech_list_mic) return refused(kMechListMic);
  PGSS_CHECK(n.mic.verify(protection, n.mech_types, *resp.mech_list_mic));
  if (n.mic.made()) return establish(n, std::move(state.inner), std::nullopt, Last::kSpnegos);

  NegTokenResp last = response(n, NegState::kAcceptCompleted);
  PGSS_TRY(const Mic mic, n.mic.make(protection, n.mech_types));
  last.mech_list_mic = mic.view();
  PGSS_TRY(Bytes out, encode(last));
  return establish(n, std::move(state.inner), std::move(out), Last::kSpnegos);
}

Result<Step> Acceptor::establish(Negotiation& n, Complete&& inner, std::optional<Bytes> token,
                                 Last last) {
  inner.token = std::move(token);
  inner.token_replaceable = last == Last::kSpnegos;
  inner.protection->info.mech_list_mic_verified = n.mic.verified();
  state_.emplace<Established>();
  return std::move(inner);
}

}  // namespace

Result<std::unique_ptr<Mechanism>> make_acceptor(Runtime&, const AcceptorConfig& config) {
  PGSS_CHECK(check_mechanisms(config.mechanisms));
  return std::unique_ptr<Mechanism>(std::make_unique<Acceptor>(config));
}

}  // namespace pocketgss::mechs::spnego
