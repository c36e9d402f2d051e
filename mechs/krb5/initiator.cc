// The initiator: a ticket and an authenticator go out, and the acceptor's proof comes back.
#include "mechs/krb5/initiator.h"

#include <array>
#include <utility>

#include "base/cursor.h"
#include "mechs/krb5/ap_exchange.h"
#include "mechs/krb5/gss_token.h"
#include "mechs/krb5/message_tokens.h"
#include "mechs/krb5/messages.h"
#include "mechs/krb5/names.h"
#include "mechs/krb5/padata.h"

namespace pocketgss::mechs::krb5 {
namespace {

struct Start {};
struct AwaitCredential {};  // the source has asked for something
struct AwaitApRep {
  Key session_key;
  Key subkey;
  KerberosTime ctime;  // of the authenticator
  Microseconds cusec;
  uint32_t sequence;
  std::string initiator_name, target_name;
};
struct Complete {};
struct Failed {
  Error error;
};
using State = std::variant<Start, AwaitCredential, AwaitApRep, Complete, Failed>;

// Quirk D22: without mutual authentication an acceptor that refuses may still send a KRB-ERROR.
std::optional<Error> error_in(ByteView token) {
  const auto reply = parse_context_token(token);
  if (!reply.has_value() || reply.value().id != TokenId::kKrbError) return std::nullopt;
  const auto error = parse_krb_error(reply.value().message);
  if (!error.has_value()) return std::nullopt;
  return refusal(error.value().error_code);
}

class Initiator final : public Mechanism {
 public:
  Initiator(Runtime& runtime, const InitiatorConfig& config,
            std::unique_ptr<CredentialSource> source)
      : runtime_(runtime), config_(config), source_(std::move(source)) {}

  Result<void> step(ByteView peer_token, Step& next) override {
    return take(std::move(peer_token), next);
  }
  Result<void> resume(Answer&& answer, Step& next) override;
  const char* state_name() const override;
  const char* mechanism_name() const override { return kMechanismName; }
  bool proof_sent() const override { return answered_ || source_->proof_sent(); }
  bool token_is_proof() const override { return ap_req_made_; }
  std::optional<Error> peer_error(ByteView token) const override { return error_in(token); }

 private:
  template <typename Input>
  Result<void> take(Input&& input, Step& next);

  Result<void> on(Start&&, ByteView token, Step& next);
  Result<void> on(AwaitCredential&&, ExchangeAnswer&&, Step& next);
  Result<void> on(AwaitApRep&&, ByteView token, Step& next);
  Result<void> on(Complete&&, ByteView token, Step&);
  Result<void> on(Failed&& state, ByteView, Step&) { return state.error; }
  Result<void> on(Failed&& state, ExchangeAnswer&&, Step&) { return state.error; }
  template <typename Other, typename Input>
  Result<void> on(Other&&, Input&&, Step&) {
    return Error{Errc::kApiMisuse, "a call out of turn", 0, 0};
  }

  bool mutual() const { return has(config_.flags, kMutualFlag); }
  ContextFlags flags() const;
  Result<void> go_on(CredentialSource::Answer&&, Step& next);
  Result<void> send_ap_req(const ServiceCredential&, Step& next);
  Result<void> check(const ServiceCredential&) const;
  GssChecksum checksum() const;
  Result<Bytes> write_ap_req(const ServiceCredential&, const AwaitApRep&) const;
  Result<void> on_ap_rep(AwaitApRep&&, ByteView message, Step& next);
  Result<void> complete(AwaitApRep&&, MessageKeys&&, Step& next);

  Runtime& runtime_;
  const InitiatorConfig config_;
  std::unique_ptr<CredentialSource> source_;
  State state_ = Start{};
  bool ap_req_made_ = false;
  bool answered_ = false;  // by the acceptor, so that it has seen a proof
};

template <typename Input>
Result<void> Initiator::take(Input&& input, Step& next) {
  // Whatever ends this call, also an allocation that fails, leaves the state Failed.
  State state = std::exchange(state_, Failed{Error{Errc::kNoMemory, "Kerberos initiator", 0, 0}});
  const auto result = std::visit(
      [&](auto&& current) { return on(std::move(current), std::forward<Input>(input), next); },
      std::move(state));
  if (!result.has_value()) state_ = Failed{result.error()};
  return result;
}

Result<void> Initiator::resume(Answer&& answer, Step& next) {
  auto* const reply = std::get_if<ExchangeAnswer>(&answer);
  if (reply == nullptr) return Error{Errc::kApiMisuse, "nothing of that was asked for", 0, 0};
  return take(std::move(*reply), next);
}

const char* Initiator::state_name() const {
  static constexpr const char* kNames[] = {"Start", "AwaitCredential", "AwaitApRep", "Established",
                                           "Failed"};
  return kNames[state_.index()];
}

Result<void> Initiator::on(Start&&, ByteView token, Step& next) {
  if (!token.empty()) return Error{Errc::kPeerMisbehaved, "a token before AP-REQ", 0, 0};
  if (config_.require_channel_binding && config_.channel_binding.empty()) {
    return Error{Errc::kPolicy, "P5: channel binding required, and the channel has none", 0, 0};
  }
  PGSS_TRY(auto answer, source_->start());
  return go_on(std::move(answer), next);
}

Result<void> Initiator::on(AwaitCredential&&, ExchangeAnswer&& reply, Step& next) {
  PGSS_TRY(auto answer, source_->resume(std::move(reply)));
  return go_on(std::move(answer), next);
}

Result<void> Initiator::go_on(CredentialSource::Answer&& answer, Step& next) {
  if (auto* exchange = std::get_if<NeedExchange>(&answer)) {
    next.kind = Step::Kind::kExchange;
    next.exchange = std::move(*exchange);
    state_.emplace<AwaitCredential>();
    return {};
  }
  return send_ap_req(*std::get<const ServiceCredential*>(answer), next);
}

// flags: what was asked for, and no more. Kerberos always gives integrity and confidentiality, but
// acceptors of GSS-SPNEGO take these flags for a wish for a layer (quirk A22).
ContextFlags Initiator::flags() const {
  constexpr ContextFlags kKnown =
      kMutualFlag | kReplayFlag | kSequenceFlag | kIntegFlag | kConfFlag;
  return config_.flags & kKnown;
}

Result<void> Initiator::check(const ServiceCredential& credential) const {
  if (!config_.allow_rc4 && credential.session_key.etype() == Etype::kRc4Hmac) return kRc4Refused;
  const UnixMicros now = runtime_.clock().now() + credential.clock_offset;
  if (now >= unix_micros(credential.endtime)) return Error{Errc::kExpired, "the ticket", 0, 0};
  return {};
}

Result<void> Initiator::send_ap_req(const ServiceCredential& credential, Step& next) {
  PGSS_CHECK(check(credential));
  // The sub-key is of the session key's etype; an acceptor that knows a better one may choose it
  // from the list in the authenticator (RFC 4537).
  PGSS_TRY(Key subkey, Key::random(credential.session_key.etype(), runtime_.random()));
  PGSS_TRY(const uint32_t sequence, initial_sequence(runtime_.random()));
  PGSS_TRY(const WireTime time,
           authenticator_time(runtime_.clock().now() + credential.clock_offset, runtime_.random()));
  AwaitApRep sent{credential.session_key.clone(),
                  std::move(subkey),
                  time.seconds,
                  time.microseconds,
                  sequence,
                  principal_text(credential.client.view()),
                  principal_text(credential.server.view())};
  PGSS_TRY(next.token, write_ap_req(credential, sent));
  ap_req_made_ = true;
  if (mutual()) {
    state_.emplace<AwaitApRep>(std::move(sent));
    return {};
  }
  // RFC 4121 4.1: without an AP-REP both directions count from the initiator's number.
  MessageKeys keys{sent.subkey.clone(), Role::kInitiator, false, sequence, sequence, flags()};
  return complete(std::move(sent), std::move(keys), next);
}

GssChecksum Initiator::checksum() const {
  GssChecksum out;
  out.flags = flags();
  if (!config_.channel_binding.empty()) {
    out.bindings = channel_binding_hash(runtime_.crypto(), config_.channel_binding);
  }
  return out;
}

// ApOptions is the authorization data that says that the binding is meant ([MS-KILE] 3.2.5.8). With
// it, Windows refuses a checksum without one, so that nobody can have taken the binding away. It
// looks only into the first AD-IF-RELEVANT, beside the etypes (quirk D14).
class AuthenticatorData {
 public:
  // Errors: kNoMemory.
  static Result<AuthenticatorData> create(bool bound, bool rc4) {
    AuthenticatorData out;
    EncodedEtypes memory;
    PGSS_TRY(const ByteView etypes, encode_etypes(rc4, memory));
    FixedBytes<4> options;
    store_u32le(options.data(), kKerbApOptionsCbt);
    const std::array<AuthorizationDataEntry, 2> entries = {
        {{ad_type::kEtypeNegotiation, etypes}, {ad_type::kApOptions, ByteView(options)}}};
    PGSS_TRY(out.inside_,
             encode(AuthorizationData(std::span(entries).first(bound ? size_t{2} : size_t{1}))));
    return out;
  }
  AuthorizationDataEntry if_relevant() const { return {ad_type::kIfRelevant, inside_}; }

 private:
  Bytes inside_;
};

// RFC 4120 5.5.1
Result<Bytes> Initiator::write_ap_req(const ServiceCredential& credential,
                                      const AwaitApRep& state) const {
  const PrincipalView client = credential.client.view();
  const NameComponents cname(client);
  const FixedBytes<kGssChecksumSize> check = encode(checksum());
  PGSS_TRY(const AuthenticatorData data,
           AuthenticatorData::create(!config_.channel_binding.empty(), config_.allow_rc4));
  const std::array<AuthorizationDataEntry, 1> entries = {data.if_relevant()};

  Authenticator authenticator;
  authenticator.crealm = client.realm;
  authenticator.cname = cname.name();
  authenticator.cksum = Checksum{static_cast<int32_t>(ChecksumType::kGss), ByteView(check)};
  authenticator.ctime = state.ctime;
  authenticator.cusec = state.cusec;
  authenticator.subkey = wire_key(state.subkey);
  authenticator.seq_number = UInt32(state.sequence);
  authenticator.authorization_data = AuthorizationData(std::span(entries));
  PGSS_TRY(const Bytes cipher, encrypt_part(runtime_, credential.session_key,
                                            KeyUsage::kApReqAuthenticator, authenticator));

  ApReq request;
  request.ap_options.bits = mutual() ? ap_option::kMutualRequired : 0;
  request.ticket.der = credential.ticket;
  request.authenticator.etype = static_cast<int32_t>(credential.session_key.etype());
  request.authenticator.cipher = cipher;
  PGSS_TRY(const Bytes message, encode(request));
  return encode(ContextToken{TokenId::kApReq, message, 0, {}});
}

Result<void> Initiator::on(AwaitApRep&& state, ByteView token, Step& next) {
  answered_ = true;
  PGSS_TRY(const ContextToken reply, parse_context_token(token));
  switch (reply.id) {
    case TokenId::kApRep:
      return on_ap_rep(std::move(state), reply.message, next);
    case TokenId::kKrbError: {
      PGSS_TRY(const KrbError error, parse_krb_error(reply.message));
      return refusal(error.error_code);
    }
    case TokenId::kApReq:
      break;
  }
  return Error{Errc::kPeerMisbehaved, "TOK_ID", 0, 0};
}

Result<void> Initiator::on(Complete&&, ByteView token, Step&) {
  answered_ = true;
  return error_in(token).value_or(Error{Errc::kPeerMisbehaved, "a token after the last one", 0, 0});
}

// RFC 4120 3.2.5: the AP-REP is the acceptor's proof if it is made with the session key and repeats
// the authenticator's time (row KRA-8).
Result<void> Initiator::on_ap_rep(AwaitApRep&& state, ByteView message, Step& next) {
  const Error no_proof{Errc::kAuthFailed, "AP-REP", 0, 0};
  PGSS_TRY(const ApRep reply, parse_ap_rep(message));
  if (reply.enc_part.etype != static_cast<int32_t>(state.session_key.etype())) return no_proof;
  const auto plain =
      decrypt_part(runtime_, state.session_key, KeyUsage::kApRepEncPart, reply.enc_part.cipher);
  if (!plain.has_value()) return no_proof;
  PGSS_TRY(const EncApRepPart part, parse_enc_ap_rep_part(plain.value().view()));
  if (part.ctime != state.ctime || part.cusec != state.cusec) return no_proof;

  MessageKeys keys{state.subkey.clone(),
                   Role::kInitiator,
                   part.subkey.has_value(),
                   state.sequence,
                   part.seq_number.value_or(UInt32(0)).bits(),
                   flags()};
  if (part.subkey) {
    PGSS_TRY(Key subkey, key_of(*part.subkey, config_.allow_rc4));
    keys.partial.emplace(std::exchange(keys.key, std::move(subkey)));
  }
  return complete(std::move(state), std::move(keys), next);
}

Result<void> Initiator::complete(AwaitApRep&& state, MessageKeys&& keys, Step& next) {
  PGSS_TRY(protection_, make_message_protection(runtime_, std::move(keys)));
  if (!mutual()) protection_->peer_error = error_in;
  ContextInfo& info = protection_->info;
  info.mechanism = kMechanismName;
  info.flags = flags();
  info.initiator_name = std::move(state.initiator_name);
  info.target_name = std::move(state.target_name);
  next.kind = Step::Kind::kEstablished;
  next.has_token = !mutual();
  state_.emplace<Complete>();
  return {};
}

}  // namespace

Result<std::unique_ptr<Mechanism>> make_initiator(Runtime& runtime, const InitiatorConfig& config,
                                                  std::unique_ptr<CredentialSource> source) {
  if (source == nullptr) return Error{Errc::kNeedsCredential, "Kerberos", 0, 0};
  return std::unique_ptr<Mechanism>(
      std::make_unique<Initiator>(runtime, config, std::move(source)));
}

}  // namespace pocketgss::mechs::krb5
