// The client of GSSAPI ([MS-SSEAN], RFC 4752), GSS-SPNEGO and NTLM ([MS-SMTPNTLM]): tokens of one
// context, and, except for NTLM, the security-layer step where the server runs it.
#include <pocketgss/sasl.h>

#include "base/filled.h"
#include "base/guard.h"
#include "lib/text.h"
#include "sasl/gss_exchange.h"

namespace pocketgss {
namespace {

using sasl::LayerMessage;

//   Negotiating --challenge--> Negotiating ... --> Established --layer offer--> LayerChosen
//                                                     success() in either of the last two, or by
//                                                     the context's leave before
class GssClient final : public SaslClient, private sasl::GssExchange {
 public:
  using GssExchange::GssExchange;

  // start takes what make_sasl_client() was given.
  Result<void> start(ContextProvider& contexts, std::span<const ChannelBinding> bindings,
                     const SaslClientOptions& options);

  Result<Step> step(ByteView challenge) override {
    return take(challenge, "step() where it was not due");
  }
  Result<Step> resume(ExchangeAnswer answer) override {
    return take(&answer, "resume() where nothing was asked");
  }
  Result<SaslReport> success() override {
    return filled<SaslReport>([&](SaslReport& out) -> Result<void> {
      PGSS_CHECK(check_turn(goes_on(), "success() where it was not due"));
      return kept(guarded("SASL client", [&]() -> Result<void> {
        PGSS_CHECK(on_success());
        report({}, out);
        return {};
      }));
    });
  }
  std::unique_ptr<SaslLayer> take_layer() override {
    if (state_ != State::kSucceeded) return nullptr;
    mechanism_name_ = mechanism_name();
    return GssExchange::take_layer();
  }
  bool proof_sent() const override {
    return context_ == nullptr || last_token_answered_ || context_->proof_sent();
  }
  const char* mechanism_name() const override {
    return context_ == nullptr ? mechanism_name_ : context_->mechanism_name();
  }

 private:
  enum class State : uint8_t {
    kNegotiating,
    kAwaitExchange,
    kEstablished,
    kLayerChosen,
    kSucceeded
  };

  bool waits() const { return state_ == State::kAwaitExchange; }
  bool goes_on() const { return !waits() && state_ != State::kSucceeded; }

  // Input is what a call brings.
  using Input = std::variant<ByteView, ExchangeAnswer*>;

  Result<Step> take(const Input& input, const char* out_of_turn) {
    return filled<Step>([&](Step& next) -> Result<void> {
      const bool answers = std::holds_alternative<ExchangeAnswer*>(input);
      PGSS_CHECK(check_turn(answers ? waits() : goes_on(), out_of_turn));
      return kept(guarded("SASL client", [&]() -> Result<void> {
        PGSS_CHECK(on(input, next));
        if (auto* const response = std::get_if<Response>(&next)) response->token.swap(token_);
        return {};
      }));
    });
  }

  // on leaves `next`, an empty Response, as it is where token_ goes to the server.
  Result<void> on(const Input& input, Step& next) {
    if (const auto* answer = std::get_if<ExchangeAnswer*>(&input))
      return from(context_->resume(std::move(**answer)), next);
    return on_challenge(*std::get_if<ByteView>(&input), next);
  }

  Result<void> on_challenge(ByteView challenge, Step& next) {
    switch (state_) {
      case State::kNegotiating:
        return from(context_->step(challenge), next);
      case State::kEstablished:
        last_token_answered_ = true;
        return choose_layer(challenge);
      case State::kLayerChosen:
      case State::kAwaitExchange:
      case State::kSucceeded:
        break;
    }
    return Error{Errc::kPeerMisbehaved, "SASL challenge after the exchange was complete", 0, 0};
  }

  Result<void> from(Result<ContextStep>&& result, Step& next) {
    if (!result.has_value()) return result.error();
    ContextStep& step = result.value();
    if (auto* more = std::get_if<Continue>(&step)) {
      state_ = State::kNegotiating;
      token_.swap(more->token);
    } else if (auto* need = std::get_if<NeedExchange>(&step)) {
      state_ = State::kAwaitExchange;
      next.emplace<NeedExchange>(std::move(*need));
    } else if (auto* established = std::get_if<Established>(&step)) {
      state_ = State::kEstablished;
      // RFC 4752 3.1: complete and no token left: an empty response, once (quirk A10).
      if (established->token.has_value()) token_.swap(*established->token);
    } else {
      return Error{Errc::kInternal, "an initiator asked for an account", 0, 0};
    }
    return {};
  }

  // SSEAN-W1: the offer is answered with "no layer", whatever size it names, or with the strongest
  // layer that the caller named.
  Result<void> choose_layer(ByteView challenge) {
    if (mechanism_ == SaslMechanism::kNtlm) {
      return Error{Errc::kPeerMisbehaved, "SASL challenge after AUTHENTICATE_MESSAGE", 0, 0};
    }
    // Windows wants an even number of tokens, and may send an empty one after our last (quirk B12).
    if (challenge.empty() && !std::exchange(empty_challenge_taken_, true)) return {};
    PGSS_CHECK(unwrap_layers(challenge));
    LayerMessage offer;
    PGSS_CHECK(sasl::parse_layer_offer(message_, offer));
    const SecurityLayer chosen = sasl::strongest(offer.layers & wanted_layers());
    if (chosen == 0) {
      const char* where = layer_options_.layers == kNoLayer
                              ? "security layer offer: \"no layer\" is not in it"
                              : "security layer offer: none of the layers that are required";
      return Error{Errc::kPeerIncompatible, where, 0, 0};
    }
    PGSS_CHECK(agree(chosen, offer.max_size));
    state_ = State::kLayerChosen;
    return send_layers(chosen, authzid_);
  }

  Result<void> on_success() {
    if (state_ == State::kNegotiating) {
      PGSS_CHECK(finish_early());
      early_success_ = true;
    }
    layer_step_run_ = state_ == State::kLayerChosen;
    if (!layer_step_run_) {
      PGSS_CHECK(check_server_proven());
      PGSS_CHECK(agree_without_step());
    }
    state_ = State::kSucceeded;
    return {};
  }

  // RFC 4752 3.1 has a layer step after every context. [MS-SSEAN] servers that take bare Kerberos
  // may leave it out; the AP-REP has then proven the server (policy row P11).
  Result<void> check_server_proven() const {
    if (mechanism_ != SaslMechanism::kGssapiKrb5 || has(context_->info().flags, kMutualFlag)) {
      return {};
    }
    return Error{Errc::kPeerMisbehaved, "success before the security layer offer", 0, 0};
  }

  // Policy row P25. After an early success the acceptor counts a MIC that never came, so its
  // buffers would be out of sequence.
  Result<void> agree_without_step() {
    const bool by_flags = mechanism_ == SaslMechanism::kGssSpnego;
    if (by_flags && !early_success_) return agree_by_flags();
    const bool needless = !by_flags && (layer_options_.layers & kNoLayer) != 0;
    if (layer_options_.layers == kNoLayer || needless) return {};
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

  std::string authzid_;
  const char* mechanism_name_ = "";  // of the context that take_layer() gave away
  State state_ = State::kNegotiating;
  bool empty_challenge_taken_ = false;
  bool last_token_answered_ = false;
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

Result<void> GssClient::start(ContextProvider& contexts, std::span<const ChannelBinding> bindings,
                              const SaslClientOptions& options) {
  const Policy& policy = contexts.policy();
  if (has_control(options.authzid)) return Error{Errc::kApiMisuse, "authzid", 0, 0};
  PGSS_CHECK(sasl::check(options.layer));
  const bool bound = !bindings.empty() || contexts.has_binding();
  if (policy.channel_binding == BindingRequirement::kRequire && !bound) {
    return Error{Errc::kPolicy, "P5: channel binding required", 0, 0};
  }
  const bool ntlm = mechanism_ == SaslMechanism::kNtlm;
  if (ntlm && !policy.names(InnerMechanism::kNtlm))
    return Error{Errc::kPolicy, "P1: NTLM only where it is named", 0, 0};
  if (ntlm) PGSS_CHECK(sasl::check_without_layer(options.layer));
  ContextRequest request{context_kind(mechanism_), bindings};
  request.layers = ntlm ? kNoLayer : options.layer.layers;
  request.exact_layers = ntlm || mechanism_ == SaslMechanism::kGssSpnego;
  authzid_ = options.authzid;
  return begin(contexts, request);
}

}  // namespace

Result<std::unique_ptr<SaslClient>> make_sasl_client(SaslMechanism mechanism,
                                                     ContextProvider& contexts,
                                                     std::span<const ChannelBinding> bindings,
                                                     const SaslClientOptions& options) {
  return guarded("SASL client", [&]() -> Result<std::unique_ptr<SaslClient>> {
    auto client = std::make_unique<GssClient>(mechanism, options.layer);
    PGSS_CHECK(client->start(contexts, bindings, options));
    return std::unique_ptr<SaslClient>(std::move(client));
  });
}

}  // namespace pocketgss
