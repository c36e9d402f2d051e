// The server of GSSAPI ([MS-SSEAN], RFC 4752), GSS-SPNEGO and NTLM ([MS-SMTPNTLM]).
#include <algorithm>
#include <array>

#include <pocketgss/sasl.h>

#include "base/filled.h"
#include "base/guard.h"
#include "base/utf16.h"
#include "sasl/gss_exchange.h"

namespace pocketgss {
namespace {

using sasl::LayerMessage;

// is_framed: [APPLICATION 0] with this OID (RFC 2743 3.1). Only a first look: the token is parsed by
// the context.
bool is_framed(ByteView token, ByteView oid) {
  if (token.size() < 2 || token[0] != 0x60) return false;
  const size_t length_octets = token[1] < 0x80 ? 1 : 1 + (token[1] & 0x7fu);
  if (token.size() < 1 + length_octets + oid.size()) return false;
  return token.sub(1 + length_octets, oid.size()) == oid;
}

// is_neg_token_init: SPNEGO's OID, 1.3.6.1.5.5.2 (RFC 4178 4.2).
bool is_neg_token_init(ByteView token) {
  static constexpr std::array<uint8_t, 8> kOid = {0x06, 0x06, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x02};
  return is_framed(token, kOid);
}

// is_bare_kerberos: Kerberos' OID, 1.2.840.113554.1.2.2 (RFC 4121 4.1), or 1.2.840.48018.1.2.2,
// which Microsoft has for the same ([MS-SPNG] 1.9; quirks A23, B8).
bool is_bare_kerberos(ByteView token) {
  static constexpr std::array<uint8_t, 11> kOid = {0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                                   0xf7, 0x12, 0x01, 0x02, 0x02};
  static constexpr std::array<uint8_t, 11> kMicrosoftOid = {0x06, 0x09, 0x2a, 0x86, 0x48, 0x82,
                                                            0xf7, 0x12, 0x01, 0x02, 0x02};
  return is_framed(token, kOid) || is_framed(token, kMicrosoftOid);
}

// same: as ==, which is inlined at some length.
[[gnu::noinline]] bool same(std::string_view a, std::string_view b) {
  return a == b;
}

// user_part of "DOMAIN\user", "user@domain" or "user".
std::string_view user_part(std::string_view name) {
  if (const size_t backslash = name.find('\\'); backslash != name.npos) {
    return name.substr(backslash + 1);
  }
  return name.substr(0, name.rfind('@'));
}

// local_part of the text of a principal in this realm; empty of one in another. What stands behind a
// backslash is part of a name: see ContextInfo::initiator_name.
std::string_view local_part(std::string_view principal, std::string_view realm) {
  size_t at = 0;
  while (at < principal.size() && principal[at] != '@') at += principal[at] == '\\' ? 2 : 1;
  if (at >= principal.size() || !same(principal.substr(at + 1), realm)) return {};
  return principal.substr(0, at);
}

// is_own: an authorisation identity that is the authenticated one: its whole name, the account's, or
// the user part, where that is the account's name, too: of another domain's user it may be that of
// somebody else. Of NTLM, names are compared as the user file compares them, without regard to the
// case of letters. Principals that differ in case are different users, and those of another realm
// have no short names here.
bool is_own(std::string_view authzid, const ContextInfo& info) {
  const std::string_view name = info.initiator_name;
  if (same(info.mechanism, "Kerberos")) {
    const std::string_view local = local_part(name, info.target_realm);
    return same(authzid, name) || (!local.empty() && same(authzid, local));
  }
  const std::string_view account = info.account_name.empty() ? user_part(name) : info.account_name;
  return same_upcased(authzid, name) || same_upcased(authzid, account);
}

//   Start --first token--> Negotiating ... --> AwaitEmpty --""--> AwaitChoice --choice--> Done
//     `--""--> Hinted --first token--> Negotiating
// AwaitEmpty only where a last token was sent, AwaitChoice only where the security-layer step is
// run. Where authorisation is asked for, AwaitAuthorisation stands before Done, or, without that
// step, before the last token.
class GssServer final : public SaslServer, private sasl::GssExchange {
 public:
  GssServer(SaslMechanism mechanism, ContextProvider& contexts,
            const SaslServerOptions& options) noexcept
      : GssExchange(mechanism, options.layer), contexts_(contexts), options_(options) {}

  // start keeps the bindings, in a copy.
  void start(std::span<const ChannelBinding> bindings) {
    bindings_ = std::vector(bindings.begin(), bindings.end());
  }

  Result<Step> step(ByteView response) override {
    return take(response, "step() where it was not due");
  }
  Result<Step> resume(AccountAnswer answer) override {
    return take(&answer, "resume() where nothing was asked");
  }
  Result<Step> authorise(AuthorisationAnswer answer) override {
    return take(answer, "authorise() where nothing was asked");
  }
  std::unique_ptr<SaslLayer> take_layer() override {
    return state_ == State::kDone ? GssExchange::take_layer() : nullptr;
  }

 private:
  enum class State : uint8_t {
    kStart,
    kHinted,
    kNegotiating,
    kAwaitAccount,
    kAwaitEmpty,
    kAwaitChoice,
    kAwaitAuthorisation,
    kDone
  };

  // Input is what a call brings.
  using Input = std::variant<ByteView, AccountAnswer*, AuthorisationAnswer>;

  Result<Step> take(const Input& input, const char* out_of_turn) {
    return filled<Step>([&](Step& next) -> Result<void> {
      PGSS_CHECK(check_turn(is_due(input), out_of_turn));
      return kept(guarded("SASL server", [&]() -> Result<void> {
        PGSS_CHECK(on(input, next));
        write(next);
        return {};
      }));
    });
  }

  bool is_due(const Input& input) const {
    if (state_ == State::kAwaitAccount) return std::holds_alternative<AccountAnswer*>(input);
    if (state_ == State::kAwaitAuthorisation)
      return std::holds_alternative<AuthorisationAnswer>(input);
    return state_ != State::kDone && std::holds_alternative<ByteView>(input);
  }

  Result<void> on(const Input& input, Step& next) {
    if (const auto* response = std::get_if<ByteView>(&input)) return on_response(*response, next);
    if (const auto* answer = std::get_if<AccountAnswer*>(&input))
      return from(context_->resume(std::move(**answer)), State::kNegotiating, next);
    return on_authorisation(*std::get_if<AuthorisationAnswer>(&input));
  }

  // write makes of `next`, an empty Challenge, what the state asks of the caller.
  void write(Step& next) {
    switch (state_) {
      case State::kAwaitAccount:  // it is there already
        return;
      case State::kAwaitAuthorisation:
        return report(authzid_, next.emplace<NeedAuthorisation>().report);
      case State::kDone:
        return report(authzid_, next.emplace<Success>().report);
      case State::kStart:
      case State::kHinted:
      case State::kNegotiating:
      case State::kAwaitEmpty:
      case State::kAwaitChoice:
        break;
    }
    auto* const challenge = std::get_if<Challenge>(&next);
    challenge->token.swap(token_);
    challenge->context_complete = state_ == State::kAwaitEmpty || state_ == State::kAwaitChoice;
  }

  Result<void> on_response(ByteView response, Step& next) {
    switch (state_) {
      case State::kStart:
        PGSS_CHECK(bind(response));
        break;
      case State::kHinted:
        // The client let us speak first, and heard of SPNEGO (quirk A17); that need not be what it
        // speaks.
        if (speaks_kerberos(response)) PGSS_CHECK(bind(response));
        break;
      case State::kAwaitEmpty:
        if (!response.empty())
          return Error{Errc::kPeerMisbehaved, "SASL response where an empty one was due", 0, 0};
        return finish();
      case State::kAwaitChoice:
        return take_choice(response);
      case State::kNegotiating:
        break;
      case State::kAwaitAccount:  // not due in these
      case State::kAwaitAuthorisation:
      case State::kDone:
        break;
    }
    const bool hint = state_ == State::kStart && response.empty();
    return from(context_->step(response), hint ? State::kHinted : State::kNegotiating, next);
  }

  bool speaks_kerberos(ByteView first_token) const {
    return mechanism_ == SaslMechanism::kGssapiKrb5 ||
           (mechanism_ == SaslMechanism::kGssapi && is_bare_kerberos(first_token));
  }

  // bind: [MS-SSEAN] 3.2.5.1: AUTH GSSAPI binds SPNEGO to the connection; 1.6: clients of RFC 4752
  // use Kerberos directly, "and both can succeed". NTLM's first token may be SPNEGO's too (quirk
  // A27).
  Result<void> bind(ByteView first_token) {
    context_.reset();
    ContextRequest request{MechanismKind::kSpnego, bindings_};
    if (speaks_kerberos(first_token)) {
      mechanism_ = SaslMechanism::kGssapiKrb5;
      request.kind = MechanismKind::kKerberos;
    }
    const LayerStep step = options_.layer_step;
    const bool names_layer = layer_options_.layers != kNoLayer;
    if (mechanism_ == SaslMechanism::kNtlm) {
      PGSS_CHECK(sasl::check_without_layer(layer_options_));
      if (!is_neg_token_init(first_token)) {
        request.kind = MechanismKind::kNtlm;
      } else if (contexts_.policy().level == PolicyLevel::kStrict) {
        return Error{Errc::kPolicy, "P1: SPNEGO token under AUTH NTLM (strict)", 0, 0};
      } else {
        options_.early_success = true;  // .NET gives up on a last token here
      }
    } else {
      const bool gssapi = mechanism_ != SaslMechanism::kGssSpnego;
      layer_step_ = step == LayerStep::kAlways || (gssapi && names_layer) ||
                    (request.kind == MechanismKind::kKerberos && step == LayerStep::kKerberos);
      if (layer_step_ || names_layer) options_.early_success = false;
    }
    return begin(contexts_, request);
  }

  // from goes to `next_state` where the context goes on.
  Result<void> from(Result<ContextStep>&& result, State next_state, Step& next) {
    if (!result.has_value()) return result.error();
    ContextStep& step = result.value();
    if (auto* more = std::get_if<Continue>(&step)) {
      state_ = next_state;
      token_.swap(more->token);
    } else if (auto* need = std::get_if<NeedAccount>(&step)) {
      state_ = State::kAwaitAccount;
      next.emplace<NeedAccount>(std::move(*need));
    } else if (auto* established = std::get_if<Established>(&step)) {
      return on_established(*established);
    } else {
      return Error{Errc::kInternal, "an acceptor asked for an exchange", 0, 0};
    }
    return {};
  }

  Result<void> on_established(Established& established) {
    if (contexts_.policy().channel_binding == BindingRequirement::kRequire &&
        !context_->info().channel_bound) {
      return Error{Errc::kPolicy, "P5: channel binding required", 0, 0};
    }
    token_due_ = established.token.has_value();
    if (token_due_) token_.swap(*established.token);
    // Policy row P11: a client that waits for its mechanism's token has no success before it.
    token_replaced_ = token_due_ && options_.early_success && established.token_replaceable;
    if (!options_.ask_authorisation || layer_step_) return conclude();
    return enter(State::kAwaitAuthorisation);
  }

  Result<void> conclude() {
    early_success_ = token_replaced_;
    if (!token_due_ || token_replaced_) return finish();
    // SSEAN-W2: the last token goes in one more challenge, which the client answers with nothing.
    state_ = State::kAwaitEmpty;
    return {};
  }

  Result<void> finish() {
    if (!layer_step_) {
      if (mechanism_ == SaslMechanism::kGssSpnego) PGSS_CHECK(agree_by_flags());
      return enter(State::kDone);
    }
    offered_ = wanted_layers();
    if (offered_ == 0) {
      return Error{Errc::kPeerIncompatible,
                   "security layer: the context has none of those required", 0, 0};
    }
    state_ = State::kAwaitChoice;
    return send_layers(offered_, {});
  }

  Result<void> take_choice(ByteView response) {
    PGSS_CHECK(unwrap_layers(response));
    LayerMessage choice;
    PGSS_CHECK(sasl::parse_layer_choice(message_, choice));
    if (choice.layers == 0 || sasl::strongest(offered_ & choice.layers) != choice.layers) {
      return Error{Errc::kPeerMisbehaved, "security layer choice: it was not offered", 0, 0};
    }
    PGSS_CHECK(agree(choice.layers, choice.max_size));
    if (!choice.authzid.empty() && !is_own(choice.authzid, context_->info())) {
      return Error{Errc::kAuthFailed, "authzid", 0, 0};
    }
    layer_step_run_ = true;
    authzid_ = choice.authzid;
    return enter(options_.ask_authorisation ? State::kAwaitAuthorisation : State::kDone);
  }

  Result<void> on_authorisation(AuthorisationAnswer answer) {
    if (answer == AuthorisationAnswer::kUnavailable)
      return Error{Errc::kUnreachable, "authorisation", 0, 0};
    if (answer != AuthorisationAnswer::kYes) return Error{Errc::kAuthFailed, "authorisation", 0, 0};
    return layer_step_ ? enter(State::kDone) : conclude();
  }

  Result<void> enter(State state) {
    state_ = state;
    return {};
  }

  ContextProvider& contexts_;
  std::vector<ChannelBinding> bindings_;
  SaslServerOptions options_;
  std::string_view authzid_;     // in message_
  bool token_due_ = false;       // there is a last token, in token_
  bool token_replaced_ = false;  // success takes its place
  bool layer_step_ = false;
  SecurityLayer offered_ = kNoLayer;
  State state_ = State::kStart;
};

}  // namespace

Result<std::unique_ptr<SaslServer>> make_sasl_server(SaslMechanism mechanism,
                                                     ContextProvider& contexts,
                                                     std::span<const ChannelBinding> bindings,
                                                     const SaslServerOptions& options) {
  return guarded("SASL server", [&]() -> Result<std::unique_ptr<SaslServer>> {
    PGSS_CHECK(sasl::check(options.layer));
    auto server = std::make_unique<GssServer>(mechanism, contexts, options);
    server->start(bindings);
    return std::unique_ptr<SaslServer>(std::move(server));
  });
}

}  // namespace pocketgss
