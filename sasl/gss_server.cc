// The server of GSSAPI ([MS-SSEAN], RFC 4752), GSS-SPNEGO and NTLM ([MS-SMTPNTLM]).
#include <algorithm>
#include <array>

#include <pocketgss/sasl.h>

#include "base/guard.h"
#include "base/utf16.h"
#include "sasl/layer.h"

namespace pocketgss {
namespace {

using sasl::LayerChoice;
using sasl::LayerOffer;

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
  if (at >= principal.size() || principal.substr(at + 1) != realm) return {};
  return principal.substr(0, at);
}

// is_own: an authorisation identity that is the authenticated one: its whole name, the account's, or
// the user part, where that is the account's name, too: of another domain's user it may be that of
// somebody else. Of NTLM, names are compared as the user file compares them, without regard to the
// case of letters. Principals that differ in case are different users, and those of another realm
// have no short names here.
bool is_own(std::string_view authzid, const ContextInfo& info) {
  if (std::string_view(info.mechanism) == "Kerberos") {
    const std::string_view local = local_part(info.initiator_name, info.target_realm);
    return authzid == info.initiator_name || (!local.empty() && authzid == local);
  }
  const std::string_view name = info.initiator_name;
  const std::string_view account = info.account_name.empty() ? user_part(name) : info.account_name;
  return same_upcased(authzid, name) || same_upcased(authzid, account);
}

//   Start --first token--> Negotiating ... --> AwaitEmpty --""--> AwaitChoice --choice--> Done
//     `--""--> Hinted --first token--> Negotiating
// AwaitEmpty only where a last token was sent, AwaitChoice only where the security-layer step is
// run. Where authorisation is asked for, AwaitAuthorisation stands before Done, or, without that
// step, before the last token.
class GssServer final : public SaslServer {
 public:
  GssServer(SaslMechanism mechanism, ContextProvider& contexts,
            std::span<const ChannelBinding> bindings, const SaslServerOptions& options)
      : contexts_(contexts), bindings_(bindings.begin(), bindings.end()), options_(options) {
    report_.mechanism = mechanism;
  }

  // A call out of turn is refused before it can change anything.
  Result<Step> step(ByteView response) override {
    if (state_ == State::kAwaitAccount || state_ == State::kAwaitAuthorisation ||
        state_ == State::kDone)
      return Error{Errc::kApiMisuse, "step() where it was not due", 0, 0};
    return kept([&] { return on_response(response); });
  }
  Result<Step> resume(AccountAnswer answer) override {
    if (state_ != State::kAwaitAccount && state_ != State::kFailed)
      return Error{Errc::kApiMisuse, "resume() where nothing was asked", 0, 0};
    return kept([&] { return on_answer(std::move(answer)); });
  }
  Result<Step> authorise(AuthorisationAnswer answer) override {
    if (state_ != State::kAwaitAuthorisation && state_ != State::kFailed)
      return Error{Errc::kApiMisuse, "authorise() where nothing was asked", 0, 0};
    return kept([&] { return on_authorisation(answer); });
  }
  std::unique_ptr<SaslLayer> take_layer() override {
    return state_ == State::kDone ? sasl::take_layer(context_, report_) : nullptr;
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
    kDone,
    kFailed
  };

  // kept remembers the first error, which every later call gives again.
  template <typename Body>
  Result<Step> kept(Body&& body) {
    Result<Step> result = guarded("SASL server", std::forward<Body>(body));
    if (!result.has_value()) {
      error_ = result.error();
      state_ = State::kFailed;
    }
    return result;
  }

  Result<Step> on_response(ByteView response) {
    switch (state_) {
      case State::kStart:
        PGSS_CHECK(bind(response));
        return negotiate(response, response.empty() ? State::kHinted : State::kNegotiating);
      case State::kHinted:
        // The client let us speak first, and heard of SPNEGO (quirk A17); that need not be what it
        // speaks.
        if (speaks_kerberos(response)) PGSS_CHECK(bind(response));
        return negotiate(response, State::kNegotiating);
      case State::kNegotiating:
        return negotiate(response, State::kNegotiating);
      case State::kAwaitEmpty:
        if (!response.empty())
          return Error{Errc::kPeerMisbehaved, "SASL response where an empty one was due", 0, 0};
        return finish();
      case State::kAwaitChoice:
        return take_choice(response);
      case State::kAwaitAccount:
      case State::kAwaitAuthorisation:
      case State::kDone:
      case State::kFailed:
        break;
    }
    return error_;
  }

  Result<Step> negotiate(ByteView token, State next_state) {
    PGSS_TRY(auto&& next, context_->step(token));
    return from(std::move(next), next_state);
  }

  bool speaks_kerberos(ByteView first_token) const {
    return report_.mechanism == SaslMechanism::kGssapiKrb5 ||
           (report_.mechanism == SaslMechanism::kGssapi && is_bare_kerberos(first_token));
  }

  // bind: [MS-SSEAN] 3.2.5.1: AUTH GSSAPI binds SPNEGO to the connection; 1.6: clients of RFC 4752
  // use Kerberos directly, "and both can succeed". NTLM's first token may be SPNEGO's too (quirk
  // A27).
  Result<void> bind(ByteView first_token) {
    context_.reset();
    ContextRequest request{MechanismKind::kSpnego, bindings_};
    if (speaks_kerberos(first_token)) {
      report_.mechanism = SaslMechanism::kGssapiKrb5;
      request.kind = MechanismKind::kKerberos;
    }
    const LayerStep step = options_.layer_step;
    const bool names_layer = options_.layer.layers != kNoLayer;
    if (report_.mechanism == SaslMechanism::kNtlm) {
      PGSS_CHECK(sasl::check_without_layer(options_.layer));
      if (!is_neg_token_init(first_token)) {
        request.kind = MechanismKind::kNtlm;
      } else if (contexts_.policy().level == PolicyLevel::kStrict) {
        return Error{Errc::kPolicy, "P1: SPNEGO token under AUTH NTLM (strict)", 0, 0};
      } else {
        options_.early_success = true;  // .NET gives up on a last token here
      }
    } else {
      const bool gssapi = report_.mechanism != SaslMechanism::kGssSpnego;
      layer_step_ = step == LayerStep::kAlways || (gssapi && names_layer) ||
                    (request.kind == MechanismKind::kKerberos && step == LayerStep::kKerberos);
      if (layer_step_ || names_layer) options_.early_success = false;
    }
    PGSS_TRY(context_, contexts_.make(request));
    return {};
  }

  Result<Step> on_answer(AccountAnswer&& answer) {
    if (state_ == State::kFailed) return error_;
    PGSS_TRY(auto&& next, context_->resume(std::move(answer)));
    return from(std::move(next), State::kNegotiating);
  }

  // from goes to `next_state` where the context goes on.
  Result<Step> from(ContextStep&& next, State next_state) {
    if (auto* more = std::get_if<Continue>(&next)) {
      state_ = next_state;
      return Challenge{std::move(more->token)};
    }
    if (auto* need = std::get_if<NeedAccount>(&next)) {
      state_ = State::kAwaitAccount;
      return std::move(*need);
    }
    auto* established = std::get_if<Established>(&next);
    if (established == nullptr)
      return Error{Errc::kInternal, "an acceptor asked for an exchange", 0, 0};
    return on_established(std::move(*established));
  }

  Result<Step> on_established(Established&& established) {
    const ContextInfo& info = context_->info();
    if (contexts_.policy().channel_binding == BindingRequirement::kRequire && !info.channel_bound) {
      return Error{Errc::kPolicy, "P5: channel binding required", 0, 0};
    }
    if (!options_.ask_authorisation || layer_step_) return conclude(std::move(established));
    established_ = std::move(established);
    return ask_authorisation();
  }

  Result<Step> conclude(Established&& established) {
    if (!established.token.has_value()) return finish();
    // Policy row P11: a client that waits for its mechanism's token has no success before it.
    report_.early_success = options_.early_success && established.token_replaceable;
    if (report_.early_success) return finish();
    // SSEAN-W2: the last token goes in one more challenge, which the client answers with nothing.
    state_ = State::kAwaitEmpty;
    return Challenge{std::move(*established.token), true};
  }

  Result<Step> finish() {
    if (!layer_step_) {
      if (report_.mechanism == SaslMechanism::kGssSpnego) {
        PGSS_TRY(const SecurityLayer agreed, sasl::agreed_by_flags(options_.layer, *context_));
        PGSS_CHECK(sasl::set_layer(report_, agreed, *context_, std::nullopt, options_.layer));
      }
      return done();
    }
    offered_ = options_.layer.layers & sasl::available_layers(*context_);
    if (offered_ == 0) {
      return Error{Errc::kPeerIncompatible,
                   "security layer: the context has none of those required", 0, 0};
    }
    const uint32_t size = offered_ == kNoLayer ? 0 : options_.layer.max_receive;
    PGSS_TRY(auto&& token, sasl::protect(*context_, encode(LayerOffer{offered_, size})));
    state_ = State::kAwaitChoice;
    return Challenge{std::move(token), true};
  }

  Result<Step> take_choice(ByteView response) {
    PGSS_TRY(const Bytes& message,
             sasl::unprotect(*context_, response, sasl::sealing_of(report_.mechanism)));
    PGSS_TRY(const LayerChoice choice, sasl::parse_layer_choice(message));
    if (choice.layer == 0 || sasl::strongest(offered_ & choice.layer) != choice.layer) {
      return Error{Errc::kPeerMisbehaved, "security layer choice: it was not offered", 0, 0};
    }
    PGSS_CHECK(sasl::set_layer(report_, choice.layer, *context_, choice.max_size, options_.layer));
    if (!choice.authzid.empty() && !is_own(choice.authzid, context_->info())) {
      return Error{Errc::kAuthFailed, "authzid", 0, 0};
    }
    report_.layer_step = true;
    authzid_ = choice.authzid;
    return options_.ask_authorisation ? ask_authorisation() : done();
  }

  Result<Step> ask_authorisation() {
    state_ = State::kAwaitAuthorisation;
    return NeedAuthorisation{report()};
  }

  Result<Step> on_authorisation(AuthorisationAnswer answer) {
    if (state_ == State::kFailed) return error_;
    if (answer == AuthorisationAnswer::kUnavailable)
      return Error{Errc::kUnreachable, "authorisation", 0, 0};
    if (answer != AuthorisationAnswer::kYes) return Error{Errc::kAuthFailed, "authorisation", 0, 0};
    return layer_step_ ? done() : conclude(std::move(established_));
  }

  Result<Step> done() {
    state_ = State::kDone;
    return Success{report()};
  }

  // report: but for its texts it stays here, for the next one and for take_layer().
  SaslReport report() {
    report_.context = context_->info();
    report_.authzid = authzid_;
    return std::move(report_);
  }

  ContextProvider& contexts_;
  std::vector<ChannelBinding> bindings_;
  SaslServerOptions options_;
  std::unique_ptr<Context> context_;
  Established established_;  // while authorisation is asked for
  SaslReport report_;
  std::string authzid_;
  bool layer_step_ = false;
  SecurityLayer offered_ = kNoLayer;
  State state_ = State::kStart;
  Error error_;
};

}  // namespace

Result<std::unique_ptr<SaslServer>> make_sasl_server(SaslMechanism mechanism,
                                                     ContextProvider& contexts,
                                                     std::span<const ChannelBinding> bindings,
                                                     const SaslServerOptions& options) {
  return guarded("SASL server", [&]() -> Result<std::unique_ptr<SaslServer>> {
    PGSS_CHECK(sasl::check(options.layer));
    return std::unique_ptr<SaslServer>(
        std::make_unique<GssServer>(mechanism, contexts, bindings, options));
  });
}

}  // namespace pocketgss
