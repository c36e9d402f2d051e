// The client of GSSAPI ([MS-SSEAN], RFC 4752), GSS-SPNEGO and NTLM ([MS-SMTPNTLM]): tokens of one
// context, and, except for NTLM, the security-layer step where the server runs it.
#include <pocketgss/sasl.h>

#include "base/guard.h"
#include "lib/text.h"
#include "sasl/layer.h"

namespace pocketgss {
namespace {

using sasl::LayerChoice;
using sasl::LayerOffer;

//   Negotiating --challenge--> Negotiating ... --> Established --layer offer--> LayerChosen
//                                                     success() in either of the last two, or by
//                                                     the context's leave before
class GssClient final : public SaslClient {
 public:
  GssClient(SaslMechanism mechanism, std::unique_ptr<Context> context,
            const SaslClientOptions& options)
      : context_(std::move(context)), options_(options) {
    report_.mechanism = mechanism;
  }

  // A call out of turn is refused before it can change anything.
  Result<Step> step(ByteView challenge) override {
    if (waits() || state_ == State::kSucceeded) return out_of_turn("step() where it was not due");
    return kept([&] { return on_challenge(challenge); });
  }
  Result<Step> resume(ExchangeAnswer answer) override {
    if (!waits() && state_ != State::kFailed)
      return out_of_turn("resume() where nothing was asked");
    return kept([&] { return on_answer(std::move(answer)); });
  }
  Result<SaslReport> success() override {
    if (waits() || state_ == State::kSucceeded)
      return out_of_turn("success() where it was not due");
    return kept([&] { return on_success(); });
  }
  std::unique_ptr<SaslLayer> take_layer() override {
    return state_ == State::kSucceeded ? sasl::take_layer(context_, report_) : nullptr;
  }
  bool proof_sent() const override {
    return context_ == nullptr || last_token_answered_ || context_->proof_sent();
  }
  const char* mechanism_name() const override {
    return context_ == nullptr ? report_.context.mechanism : context_->mechanism_name();
  }

 private:
  enum class State : uint8_t {
    kNegotiating,
    kAwaitExchange,
    kEstablished,
    kLayerChosen,
    kSucceeded,
    kFailed
  };

  bool waits() const { return state_ == State::kAwaitExchange; }
  static Error out_of_turn(const char* where) { return Error{Errc::kApiMisuse, where, 0, 0}; }

  // kept remembers the first error, which every later call gives again.
  template <typename Body>
  auto kept(Body&& body) -> decltype(body()) {
    auto result = guarded("SASL client", std::forward<Body>(body));
    if (!result.has_value()) {
      error_ = result.error();
      state_ = State::kFailed;
    }
    return result;
  }

  Result<Step> on_challenge(ByteView challenge) {
    switch (state_) {
      case State::kNegotiating: {
        PGSS_TRY(auto&& next, context_->step(challenge));
        return from(std::move(next));
      }
      case State::kEstablished:
        last_token_answered_ = true;
        return choose_layer(challenge);
      case State::kLayerChosen:
        return Error{Errc::kPeerMisbehaved, "SASL challenge after the exchange was complete", 0, 0};
      case State::kAwaitExchange:
      case State::kSucceeded:
      case State::kFailed:
        break;
    }
    return error_;
  }

  Result<Step> on_answer(ExchangeAnswer&& answer) {
    if (state_ == State::kFailed) return error_;
    PGSS_TRY(auto&& next, context_->resume(std::move(answer)));
    return from(std::move(next));
  }

  Result<Step> from(ContextStep&& next) {
    if (auto* more = std::get_if<Continue>(&next)) {
      state_ = State::kNegotiating;
      return Response{std::move(more->token)};
    }
    if (auto* need = std::get_if<NeedExchange>(&next)) {
      state_ = State::kAwaitExchange;
      return std::move(*need);
    }
    auto* established = std::get_if<Established>(&next);
    if (established == nullptr)
      return Error{Errc::kInternal, "an initiator asked for an account", 0, 0};
    state_ = State::kEstablished;
    // RFC 4752 3.1: complete and no token left: an empty response, once (quirk A10).
    return Response{std::move(established->token).value_or(Bytes())};
  }

  // SSEAN-W1: the offer is answered with "no layer", whatever size it names, or with the strongest
  // layer that the caller named.
  Result<Step> choose_layer(ByteView challenge) {
    if (report_.mechanism == SaslMechanism::kNtlm) {
      return Error{Errc::kPeerMisbehaved, "SASL challenge after AUTHENTICATE_MESSAGE", 0, 0};
    }
    // Windows wants an even number of tokens, and may send an empty one after our last (quirk B12).
    if (challenge.empty() && !std::exchange(empty_challenge_taken_, true)) return Response{};
    PGSS_TRY(const Bytes& message,
             sasl::unprotect(*context_, challenge, sasl::sealing_of(report_.mechanism)));
    PGSS_TRY(const LayerOffer offer, sasl::parse_layer_offer(message));
    const SecurityLayer wanted = options_.layer.layers & sasl::available_layers(*context_);
    const SecurityLayer chosen = sasl::strongest(offer.layers & wanted);
    if (chosen == 0) {
      const char* where = options_.layer.layers == kNoLayer
                              ? "security layer offer: \"no layer\" is not in it"
                              : "security layer offer: none of the layers that are required";
      return Error{Errc::kPeerIncompatible, where, 0, 0};
    }
    PGSS_CHECK(sasl::set_layer(report_, chosen, *context_, offer.max_size, options_.layer));
    PGSS_TRY(auto&& token, sasl::protect(*context_, encode(LayerChoice{chosen, report_.max_receive,
                                                                       options_.authzid})));
    state_ = State::kLayerChosen;
    return Response{std::move(token)};
  }

  Result<SaslReport> on_success() {
    if (state_ == State::kFailed) return error_;
    if (state_ == State::kNegotiating) {
      PGSS_CHECK(finish_early());
      report_.early_success = true;
    }
    report_.layer_step = state_ == State::kLayerChosen;
    if (!report_.layer_step) {
      PGSS_CHECK(check_server_proven());
      PGSS_CHECK(agree_without_step());
    }
    state_ = State::kSucceeded;
    report_.context = context_->info();
    return std::move(report_);  // but for its texts it stays here, for take_layer()
  }

  // RFC 4752 3.1 has a layer step after every context. [MS-SSEAN] servers that take bare Kerberos
  // may leave it out; the AP-REP has then proven the server (policy row P11).
  Result<void> check_server_proven() const {
    if (report_.mechanism != SaslMechanism::kGssapiKrb5 ||
        has(context_->info().flags, kMutualFlag)) {
      return {};
    }
    return Error{Errc::kPeerMisbehaved, "success before the security layer offer", 0, 0};
  }

  // Policy row P25. After an early success the acceptor counts a MIC that never came, so its
  // buffers would be out of sequence.
  Result<void> agree_without_step() {
    const LayerOptions& layer = options_.layer;
    if (report_.mechanism == SaslMechanism::kGssSpnego && !report_.early_success) {
      PGSS_TRY(const SecurityLayer agreed, sasl::agreed_by_flags(layer, *context_));
      return sasl::set_layer(report_, agreed, *context_, std::nullopt, layer);
    }
    const bool by_flags = report_.mechanism == SaslMechanism::kGssSpnego;
    if (layer.layers == kNoLayer || (!by_flags && (layer.layers & kNoLayer) != 0)) return {};
    return Error{Errc::kPolicy, "P25: security layer required, and the server gives none", 0, 0};
  }

  // SSEAN-W2, policy row P8: the context decides whether it does without the acceptor's last token.
  Result<void> finish_early() {
    PGSS_TRY(const ContextStep& last, context_->peer_done());
    const auto* established = std::get_if<Established>(&last);
    if (established == nullptr || established->token.has_value()) {
      return Error{Errc::kPeerMisbehaved, "success before the exchange was complete", 0, 0};
    }
    return {};
  }

  std::unique_ptr<Context> context_;
  SaslClientOptions options_;
  SaslReport report_;
  State state_ = State::kNegotiating;
  bool empty_challenge_taken_ = false;
  bool last_token_answered_ = false;
  Error error_;
};

// context_kind: [MS-SSEAN] 3.1.5.1: GSSAPI is bound to SPNEGO, not to Kerberos, unless the user
// names the other.
MechanismKind context_kind(SaslMechanism mechanism) {
  switch (mechanism) {
    case SaslMechanism::kNtlm:
      return MechanismKind::kNtlm;
    case SaslMechanism::kGssapiKrb5:
      return MechanismKind::kKerberos;
    case SaslMechanism::kGssapi:
    case SaslMechanism::kGssSpnego:
      break;
  }
  return MechanismKind::kSpnego;
}

Result<std::unique_ptr<SaslClient>> make(SaslMechanism mechanism, ContextProvider& contexts,
                                         std::span<const ChannelBinding> bindings,
                                         const SaslClientOptions& options) {
  const Policy& policy = contexts.policy();
  if (has_control(options.authzid)) return Error{Errc::kApiMisuse, "authzid", 0, 0};
  PGSS_CHECK(sasl::check(options.layer));
  const bool bound = !bindings.empty() || contexts.has_binding();
  if (policy.channel_binding == BindingRequirement::kRequire && !bound) {
    return Error{Errc::kPolicy, "P5: channel binding required", 0, 0};
  }
  const bool ntlm = mechanism == SaslMechanism::kNtlm;
  if (ntlm && !policy.names(InnerMechanism::kNtlm))
    return Error{Errc::kPolicy, "P1: NTLM only where it is named", 0, 0};
  if (ntlm) PGSS_CHECK(sasl::check_without_layer(options.layer));
  ContextRequest request{context_kind(mechanism), bindings};
  request.layers = ntlm ? kNoLayer : options.layer.layers;
  request.exact_layers = ntlm || mechanism == SaslMechanism::kGssSpnego;
  PGSS_TRY(auto&& context, contexts.make(request));
  return std::unique_ptr<SaslClient>(
      std::make_unique<GssClient>(mechanism, std::move(context), options));
}

}  // namespace

Result<std::unique_ptr<SaslClient>> make_sasl_client(SaslMechanism mechanism,
                                                     ContextProvider& contexts,
                                                     std::span<const ChannelBinding> bindings,
                                                     const SaslClientOptions& options) {
  return guarded("SASL client", [&] { return make(mechanism, contexts, bindings, options); });
}

}  // namespace pocketgss
