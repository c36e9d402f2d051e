// The acceptor: one AP-REQ, every check of RFC 4120 3.2.3, and the AP-REP.
#include "mechs/krb5/acceptor.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/ascii.h"
#include "mechs/krb5/ap_exchange.h"
#include "mechs/krb5/gss_token.h"
#include "mechs/krb5/message_tokens.h"
#include "mechs/krb5/messages.h"
#include "mechs/krb5/names.h"
#include "mechs/krb5/pac_check.h"
#include "mechs/krb5/padata.h"
#include "mechs/krb5/transited.h"

namespace pocketgss::mechs::krb5 {
namespace {

Error policy(const char* what) {
  return Error{Errc::kPolicy, what, 0, 0};
}
Error wrong(const char* what) {
  return Error{Errc::kAuthFailed, what, 0, 0};
}
Error expired(const char* what) {
  return Error{Errc::kExpired, what, 0, 0};
}

// Request is an AP-REQ that has been opened. It borrows from the token, and from its own memory.
struct Request {
  asn1::Oid mech;  // under which it came
  Ticket outer;
  ByteView authenticator_cipher;
  bool mutual = false;
  Key service_key;
  SecretBytes ticket_plain;
  EncTicketPart ticket;
  Key session_key;
  SecretBytes authenticator_plain;
  Authenticator authenticator;
};

struct Start {};
struct AwaitRetry {};  // the client was told the time
struct Complete {};
struct Failed {
  Error error;
};
using State = std::variant<Start, AwaitRetry, Complete, Failed>;

class Acceptor final : public Mechanism {
 public:
  Acceptor(Runtime& runtime, AcceptorConfig config)
      : runtime_(runtime), config_(std::move(config)) {}

  Result<void> step(ByteView peer_token, Step& next) override;
  Result<void> resume(Answer&&, Step&) override {
    return Error{Errc::kApiMisuse, "nothing was asked for", 0, 0};
  }
  Bytes take_error_token() override { return std::exchange(error_token_, {}); }
  const char* state_name() const override;
  bool proof_sent() const override { return false; }

 private:
  Result<void> on(Start&&, ByteView token, Step& next);
  Result<void> on(AwaitRetry&&, ByteView token, Step& next);
  Result<void> on(Complete&&, ByteView, Step&) {
    return Error{Errc::kPeerMisbehaved, "a token after the last one", 0, 0};
  }
  Result<void> on(Failed&& state, ByteView, Step&) { return state.error; }

  Error tell(int32_t code, const Error& error) const;
  Bytes write_error_token(ByteView token, const Error&) const;
  KrbError krb_error(const Ticket&, int32_t code) const;

  bool skewed(const Request&) const;
  Result<void> tell_time(const Request&, Step& next);
  Result<void> accept(const Request&, Step& next);

  Result<Request> open(ByteView token) const;
  Result<Key> find_key(const Ticket&) const;
  Result<void> check_service(const Ticket&) const;
  Result<Request> open_parts(const ContextToken&, const ApReq&) const;

  Result<void> check_client(const Request&) const;
  Result<void> check_realm(const Request&) const;
  Result<void> check_ticket_times(const Request&) const;
  Result<GssChecksum> read_checksum(const Request&) const;
  Result<bool> check_binding(const Request&, const GssChecksum&) const;
  Result<void> check_replay(const Request&, bool protected_by_subkey) const;

  Result<MessageKeys> agree_on_keys(const Request&, bool mutual, ContextFlags) const;
  Result<Bytes> write_ap_rep(const Request&, const MessageKeys&) const;
  Result<std::string> logon_name(const Request&) const;

  Runtime& runtime_;
  const AcceptorConfig config_;
  State state_ = Start{};
  mutable int32_t told_ = 0;  // by the refusal that ends this step; 0: nothing of its own
  Bytes error_token_;
};

Result<void> Acceptor::step(ByteView peer_token, Step& next) {
  const bool failed_before = std::holds_alternative<Failed>(state_);
  told_ = 0;
  // Whatever ends this call, also an allocation that fails, leaves the state Failed.
  State state = std::exchange(state_, Failed{Error{Errc::kNoMemory, "Kerberos acceptor", 0, 0}});
  const auto result = std::visit(
      [&](auto&& current) { return on(std::move(current), peer_token, next); }, std::move(state));
  if (!result.has_value()) {
    state_ = Failed{result.error()};
    if (!failed_before) error_token_ = write_error_token(peer_token, result.error());
  }
  return result;
}

const char* Acceptor::state_name() const {
  static constexpr const char* kNames[] = {"Start", "AwaitRetry", "Established", "Failed"};
  return kNames[state_.index()];
}

Result<void> Acceptor::on(Start&&, ByteView token, Step& next) {
  PGSS_TRY(const Request request, open(token));
  return skewed(request) ? tell_time(request, next) : accept(request, next);
}

Result<void> Acceptor::on(AwaitRetry&&, ByteView token, Step& next) {
  PGSS_TRY(const Request request, open(token));
  if (skewed(request)) return tell(error_code::kSkew, expired("Authenticator.ctime"));
  return accept(request, next);
}

// --- what a client is told that is refused ---

// tell notes the error-code of RFC 4120 3.2.3 for a refusal.
//
// Whoever holds no key learns from the codes whether the ticket's name, etype and kvno, which stand
// in the clear, are ours, and that a ciphertext does not open. For whatever reason it does not,
// decrypt_part() has one outcome, by the integrity of the whole plaintext, and there is one code for
// it. Every later code is chosen by what a KDC, or a client with the session key, has written itself.
// So altered octets always get the same answer. What the policy refuses has no code of its own, and a
// binding of another channel that of a wrong checksum (policy row P23).
Error Acceptor::tell(int32_t code, const Error& error) const {
  told_ = code;
  return error;
}

// has_generic_code: of the others nobody is told: not the client's request, or not its fault.
bool has_generic_code(Errc code) {
  return code == Errc::kPolicy || code == Errc::kAuthFailed || code == Errc::kExpired ||
         code == Errc::kPeerIncompatible || code == Errc::kNeedsCredential;
}

// RFC 4121 4.1: a KRB-ERROR in the place of an AP-REP; for a token that is an AP-REQ only.
Bytes Acceptor::write_error_token(ByteView token, const Error& refused) const {
  if (told_ == 0 && !has_generic_code(refused.code)) return {};
  const auto frame = parse_context_token(token);
  if (!frame.has_value() || frame.value().id != TokenId::kApReq) return {};
  const auto request = parse_ap_req(frame.value().message);
  if (!request.has_value()) return {};
  const auto message =
      encode(krb_error(request.value().ticket, told_ != 0 ? told_ : error_code::kGeneric));
  if (!message.has_value()) return {};
  auto out = encode(ContextToken{TokenId::kKrbError, message.value(), 0, frame.value().mech});
  return out.has_value() ? std::move(out).value() : Bytes();
}

KrbError Acceptor::krb_error(const Ticket& ticket, int32_t code) const {
  const auto [stime, susec] = wire_time(runtime_.clock().now());
  KrbError error;
  error.stime = stime;
  error.susec = susec;
  error.error_code = code;
  error.realm = ticket.realm;
  error.sname = ticket.sname;
  return error;
}

// RFC 4120 3.2.3: "the server time and the client time in the Authenticator differ by more than the
// allowable clock skew".
bool Acceptor::skewed(const Request& request) const {
  const UnixMicros ctime = unix_micros(request.authenticator.ctime, request.authenticator.cusec);
  const UnixMicros now = runtime_.clock().now();
  return ctime < now - config_.clock_skew || ctime > now + config_.clock_skew;
}

// Quirk D5: KRB_AP_ERR_SKEW with KERB-ERROR-DATA of type 2 ([MS-KILE] 2.2.2) makes Windows try again
// with our time.
Result<void> Acceptor::tell_time(const Request& request, Step& next) {
  constexpr int32_t kSkewRecovery = 2;
  KerbErrorData recovery;
  recovery.data_type = kSkewRecovery;
  PGSS_TRY(const Bytes e_data, encode(recovery));
  KrbError error = krb_error(request.outer, error_code::kSkew);
  error.ctime = request.authenticator.ctime;
  error.cusec = request.authenticator.cusec;
  error.e_data = ByteView(e_data);
  PGSS_TRY(const Bytes message, encode(error));
  PGSS_TRY(next.token, encode(ContextToken{TokenId::kKrbError, message, 0, request.mech}));
  state_.emplace<AwaitRetry>();
  return {};
}

// --- what the request is ---

Result<Request> Acceptor::open(ByteView token) const {
  PGSS_TRY(const ContextToken context_token, parse_context_token(token));
  if (context_token.id != TokenId::kApReq) {
    return Error{Errc::kPeerMisbehaved, "TOK_ID", 0, 0};
  }
  PGSS_TRY(const ApReq request, parse_ap_req(context_token.message));
  if (request.ap_options.has(ap_option::kUseSessionKey)) {
    return tell(error_code::kNoTgt,
                Error{Errc::kPeerIncompatible, "AP-REQ.ap-options: user-to-user", 0, 0});
  }
  return open_parts(context_token, request);
}

Result<Request> Acceptor::open_parts(const ContextToken& token, const ApReq& request) const {
  const Ticket& outer = request.ticket;
  PGSS_CHECK(check_service(outer));
  PGSS_TRY(Key service_key, find_key(outer));
  auto ticket_plain = decrypt_part(runtime_, service_key, KeyUsage::kTicket, outer.enc_part.cipher);
  if (!ticket_plain.has_value()) return tell(error_code::kBadIntegrity, wrong("Ticket.enc-part"));
  PGSS_TRY(const EncTicketPart ticket, parse_enc_ticket_part(ticket_plain.value().view()));
  PGSS_TRY(Key session_key, key_of(ticket.key, config_.allow_rc4));
  if (request.authenticator.etype != static_cast<int32_t>(session_key.etype())) {
    return tell(error_code::kBadIntegrity, wrong("AP-REQ.authenticator"));
  }
  auto authenticator_plain = decrypt_part(runtime_, session_key, KeyUsage::kApReqAuthenticator,
                                          request.authenticator.cipher);
  if (!authenticator_plain.has_value())
    return tell(error_code::kBadIntegrity, wrong("AP-REQ.authenticator"));
  PGSS_TRY(const Authenticator authenticator,
           parse_authenticator(authenticator_plain.value().view()));
  return Request{token.mech,
                 outer,
                 request.authenticator.cipher,
                 request.ap_options.has(ap_option::kMutualRequired),
                 std::move(service_key),
                 std::move(ticket_plain).value(),
                 ticket,
                 std::move(session_key),
                 std::move(authenticator_plain).value(),
                 authenticator};
}

// Policy row P13: the ticket's name must be one that is ours, whatever keys there are (KRA-12).
Result<void> Acceptor::check_service(const Ticket& ticket) const {
  const auto not_us = [this] {
    return tell(error_code::kNotUs, policy("P13: a ticket for another service"));
  };
  if (ticket.sname.name_string.size() != 2) return not_us();
  auto component = ticket.sname.name_string.begin();
  const std::string_view service = *component++;
  const std::string_view host = *component;
  if (config_.services.empty()) {
    return same_ignoring_case(service, "smtp") || same_ignoring_case(service, "SMTPSVC")
               ? Result<void>()
               : not_us();
  }
  const auto ours = [&](std::string_view name) {
    return name.size() == service.size() + 1 + host.size() && name[service.size()] == '/' &&
           same_ignoring_case(name.substr(0, service.size()), service) &&
           same_ignoring_case(name.substr(service.size() + 1), host);
  };
  if (std::any_of(config_.services.begin(), config_.services.end(), ours)) return {};
  return not_us();
}

// find_key says which of the ticket's statements the key table does not match.
Result<Key> Acceptor::find_key(const Ticket& ticket) const {
  const auto lacking = [this](int32_t code, const char* what) {
    return tell(code, Error{Errc::kNeedsCredential, what, 0, 0});
  };
  if (!config_.allow_rc4 && ticket.enc_part.etype == static_cast<int32_t>(Etype::kRc4Hmac)) {
    return tell(error_code::kNokey, kRc4Refused);  // as of an etype that the key table lacks
  }
  const NameComponents server(ticket.sname, ticket.realm);
  KeytabQuery query{server.view(), ticket.enc_part.etype,
                    ticket.enc_part.kvno.value_or(UInt32(0)).bits()};
  if (const auto entry = config_.keytab->find(query)) return Key::create(entry->etype, entry->key);
  // Active Directory gives a ticket for SMTP/... or smtpsvc/... too, for a client that asks so; it is
  // one of our names whatever its case (check_service).
  query.any_class_case = true;
  if (const auto entry = config_.keytab->find(query)) return Key::create(entry->etype, entry->key);
  query.kvno = 0;
  if (config_.keytab->find(query)) return lacking(error_code::kBadkeyver, "Ticket.enc-part.kvno");
  query.etype.reset();
  return lacking(error_code::kNokey,
                 config_.keytab->find(query) ? "Ticket.enc-part.etype" : "Ticket.sname");
}

// --- whether it may log in ---

// RFC 4120 5.2.6: what restricts the use of a ticket must be understood, or the login be refused,
// unless it stands where it need not be: in AD-IF-RELEVANT, or in AD-MANDATORY-FOR-KDC.
Result<void> check_restrictions(const std::optional<AuthorizationData>& data,
                                std::initializer_list<int32_t> known, const char* field) {
  if (!data) return {};
  for (const AuthorizationDataEntry& entry : *data) {
    if (entry.ad_type == ad_type::kIfRelevant || entry.ad_type == ad_type::kMandatoryForKdc ||
        std::find(known.begin(), known.end(), entry.ad_type) != known.end()) {
      continue;
    }
    return Error{Errc::kPeerIncompatible, field, 0, 0};
  }
  return {};
}

Result<void> Acceptor::check_client(const Request& request) const {
  const EncTicketPart& ticket = request.ticket;
  const Authenticator& authenticator = request.authenticator;
  if (ticket.crealm != authenticator.crealm)
    return tell(error_code::kBadmatch, wrong("Authenticator.crealm"));
  if (!same_name(ticket.cname, authenticator.cname))
    return tell(error_code::kBadmatch, wrong("Authenticator.cname"));
  const auto bad = [](std::string_view text) { return text.empty() || !printable(text); };
  if (ticket.cname.name_string.empty() || bad(ticket.crealm) ||
      std::any_of(ticket.cname.name_string.begin(), ticket.cname.name_string.end(), bad)) {
    return Error{Errc::kMalformed, "EncTicketPart.cname", 0, 0};
  }
  // Policy row P20.
  if (ticket.flags.has(ticket_flag::kAnonymous) ||
      ticket.cname.name_type == name_type::kWellknown) {
    return policy("P20: an anonymous ticket");
  }
  PGSS_CHECK(
      check_restrictions(ticket.authorization_data, {},
                         "EncTicketPart.authorization-data: a restriction that is not known"));
  PGSS_CHECK(check_restrictions(
      authenticator.authorization_data, {ad_type::kEtypeNegotiation, ad_type::kApOptions},
      "Authenticator.authorization-data: a restriction that is not known"));
  return check_realm(request);
}

// RFC 4120 2.7: who has come through other realms must have been let through by the KDC, or the
// server checks the path itself. A client of the service's own realm has come through none.
Result<void> Acceptor::check_realm(const Request& request) const {
  const Realm realm = request.ticket.crealm;
  const auto& listed = config_.client_realms;
  if (!listed.empty() && std::find(listed.begin(), listed.end(), realm) == listed.end()) {
    return policy("P13: a client of another realm");
  }
  const TransitedEncoding& path = request.ticket.transited;
  if (path.contents.empty() || request.ticket.flags.has(ticket_flag::kTransitedPolicyChecked) ||
      (path.tr_type == kDomainX500Compress &&
       is_hierarchical_path(path.contents, realm, request.outer.realm))) {
    return {};
  }
  return policy("P13: a path through other realms that the KDC has not checked");
}

// RFC 4120 3.2.3: "later than the current time by more than the allowable clock skew", "the current
// time is later than end time by more than the allowable clock skew", INVALID.
Result<void> Acceptor::check_ticket_times(const Request& request) const {
  const EncTicketPart& ticket = request.ticket;
  const UnixMicros now = runtime_.clock().now();
  if (ticket.flags.has(ticket_flag::kInvalid))
    return tell(error_code::kTktNyv, expired("EncTicketPart.flags: INVALID"));
  if (unix_micros(ticket.starttime.value_or(ticket.authtime)) - now > config_.clock_skew) {
    return tell(error_code::kTktNyv, expired("EncTicketPart.starttime"));
  }
  if (now - unix_micros(ticket.endtime) > config_.clock_skew)
    return tell(error_code::kTktExpired, expired("EncTicketPart.endtime"));
  return {};
}

bool has_gss_checksum(const Request& request) {
  const auto& sent = request.authenticator.cksum;
  return sent && sent->cksumtype == static_cast<int32_t>(ChecksumType::kGss);
}

// Quirk D13: what a client says of the context stands in a checksum of type 0x8003. Others send a
// real checksum, over nothing, or none; they ask for mutual authentication by the AP options alone,
// which nothing protects: where there are flags in a checksum, those count.
Result<GssChecksum> Acceptor::read_checksum(const Request& request) const {
  GssChecksum out;
  const auto& sent = request.authenticator.cksum;
  if (has_gss_checksum(request)) {
    PGSS_TRY(out, parse_gss_checksum(sent->checksum));
  } else if (sent && !verify_checksum(runtime_.crypto(), request.session_key,
                                      KeyUsage::kApReqAuthenticatorChecksum, sent->cksumtype, {},
                                      sent->checksum)
                          .has_value()) {
    return tell(error_code::kModified, wrong("Authenticator.cksum"));
  } else if (request.mutual) {
    out.flags = kMutualFlag;
  }
  if ((out.flags & gss_flag::kDceStyle) != 0) {
    return Error{Errc::kPeerIncompatible, "Authenticator.cksum.Flags: DCE style", 0, 0};
  }
  return out;
}

// Policy row P5, row KRA-14; check_binding returns whether the channel is bound. Zeros are no
// binding, unless the client says that it binds whenever it can ([MS-KILE] 3.4.5; quirk D14): then
// somebody has taken it away.
Result<bool> Acceptor::check_binding(const Request& request, const GssChecksum& checksum) const {
  if (config_.binding_requirement == BindingRequirement::kOff) return false;
  if (!checksum.has_bindings()) {
    if (config_.binding_requirement == BindingRequirement::kRequire) {
      return policy("P5: channel binding required, and the client sent none");
    }
    const auto& data = request.authenticator.authorization_data;
    const uint32_t options = data ? kerb_ap_options(*data).value_or(0) : 0;
    if ((options & kKerbApOptionsCbt) != 0 && !config_.channel_bindings.empty()) {
      return tell(error_code::kModified, wrong("channel binding"));
    }
    return false;
  }
  for (const ByteView ours : config_.channel_bindings) {
    if (ct_equal(channel_binding_hash(runtime_.crypto(), ours), checksum.bindings)) return true;
  }
  return tell(error_code::kModified, wrong("channel binding"));
}

// authenticator_tag is over what is encrypted and so cannot be changed: what stands around it, such
// as the ticket's sname, can be written in many ways.
AuthenticatorTag authenticator_tag(crypto::Workspace& crypto, const Request& request) {
  static constexpr std::string_view kLabel = "pocketgss authenticator";
  AuthenticatorTag out;
  crypto.hmac(crypto::HmacHash::kSha256, as_bytes(kLabel), {request.authenticator_cipher}, out);
  return out;
}

// Policy row P17, row KRA-11: where the cache cannot tell, a sub-key that is new protects what
// follows. Without one the client must wait, and so must one whose wish for mutual authentication
// stands in the AP options alone.
Result<void> Acceptor::check_replay(const Request& request, bool protected_by_subkey) const {
  const AuthenticatorTag tag = authenticator_tag(runtime_.crypto(), request);
  const UnixMicros ctime = unix_micros(request.authenticator.ctime, request.authenticator.cusec);
  switch (config_.replay_cache->add(tag, ctime, config_.clock_skew)) {
    case ReplayCache::Verdict::kNew:
      return {};
    case ReplayCache::Verdict::kReplay:
      break;
    case ReplayCache::Verdict::kUnknown:
      if (protected_by_subkey && has_gss_checksum(request)) return {};
      return tell(error_code::kRepeat, expired("P17: the replay cache cannot tell yet"));
  }
  return tell(error_code::kRepeat, expired("P17: a replay"));
}

// --- the answer ---

// agree_on_keys: policy row P11. The acceptor's sub-key is new, of the etype of the key that it
// replaces; in the place of etype 23 a better one, if the client has one (RFC 4537), else the
// client's own key, as Windows does it (quirk D15).
Result<MessageKeys> Acceptor::agree_on_keys(const Request& request, bool mutual,
                                            ContextFlags flags) const {
  const uint32_t theirs = request.authenticator.seq_number.value_or(UInt32(0)).bits();
  MessageKeys keys{request.session_key.clone(), Role::kAcceptor, false, theirs, theirs, flags};
  if (request.authenticator.subkey) {
    PGSS_TRY(keys.key, key_of(*request.authenticator.subkey, config_.allow_rc4));
  }
  if (!mutual) return keys;
  PGSS_TRY(keys.send_sequence, initial_sequence(runtime_.random()));
  std::optional<Etype> etype;
  etype = keys.key.etype();  // apart: g++ for ARM takes it for uninitialized otherwise
  if (*etype == Etype::kRc4Hmac) {
    const auto& data = request.authenticator.authorization_data;
    const auto list =
        data ? find_if_relevant(*data, ad_type::kEtypeNegotiation) : std::optional<ByteView>();
    etype = list ? better_etype(*list) : std::nullopt;
  }
  if (etype) {
    PGSS_TRY(Key subkey, Key::random(*etype, runtime_.random()));
    keys.partial.emplace(std::exchange(keys.key, std::move(subkey)));
    keys.acceptor_subkey = true;
  }
  return keys;
}

// RFC 4120 3.2.4; the sub-key is there even where it is the client's.
Result<Bytes> Acceptor::write_ap_rep(const Request& request, const MessageKeys& keys) const {
  EncApRepPart part;
  part.ctime = request.authenticator.ctime;
  part.cusec = request.authenticator.cusec;
  part.subkey = wire_key(keys.key);
  part.seq_number = UInt32(keys.send_sequence);
  PGSS_TRY(const Bytes cipher,
           encrypt_part(runtime_, request.session_key, KeyUsage::kApRepEncPart, part));
  ApRep reply;
  reply.enc_part.etype = static_cast<int32_t>(request.session_key.etype());
  reply.enc_part.cipher = cipher;
  PGSS_TRY(const Bytes message, encode(reply));
  return encode(ContextToken{TokenId::kApRep, message, 0, request.mech});
}

Result<std::string> Acceptor::logon_name(const Request& request) const {
  if (!request.ticket.authorization_data) return std::string();
  PGSS_TRY(const auto pac, find_pac(*request.ticket.authorization_data));
  if (!pac) return std::string();
  return verified_logon_name(runtime_.crypto(), *pac, request.service_key, request.ticket);
}

std::string service_text(const PrincipalName& name) {
  std::string out;
  for (const KerberosString component : name.name_string) {
    if (!out.empty()) out.push_back('/');
    out.append(component);
  }
  return out;
}

// Addresses in the ticket are not looked at: clients behind NAT have others, and RFC 4120 3.2.3
// leaves it to the server.
Result<void> Acceptor::accept(const Request& request, Step& next) {
  PGSS_CHECK(check_client(request));
  PGSS_CHECK(check_ticket_times(request));
  PGSS_TRY(const GssChecksum checksum, read_checksum(request));
  PGSS_TRY(const bool bound, check_binding(request, checksum));
  constexpr ContextFlags kKnown =
      kMutualFlag | kReplayFlag | kSequenceFlag | kConfFlag | kIntegFlag;
  const ContextFlags flags = static_cast<ContextFlags>(checksum.flags) & kKnown;
  const bool mutual = has(flags, kMutualFlag);
  PGSS_TRY(MessageKeys keys, agree_on_keys(request, mutual, flags));
  PGSS_TRY(std::string logon, logon_name(request));
  PGSS_CHECK(check_replay(request, keys.acceptor_subkey));

  next.kind = Step::Kind::kEstablished;
  next.has_token = mutual;
  if (mutual) {
    PGSS_TRY(next.token, write_ap_rep(request, keys));
  }
  PGSS_TRY(protection_, make_message_protection(runtime_, std::move(keys)));
  ContextInfo& info = protection_->info;
  info.mechanism = kMechanismName;
  info.flags = flags;
  const NameComponents client(request.ticket.cname, request.ticket.crealm);
  info.initiator_name = principal_text(client.view());
  info.account_name = info.initiator_name;
  info.logon_name = std::move(logon);
  info.target_name = service_text(request.outer.sname);
  info.target_realm = request.outer.realm;
  info.channel_bound = bound;
  state_.emplace<Complete>();
  return {};
}

}  // namespace

Result<std::unique_ptr<Mechanism>> make_acceptor(Runtime& runtime, AcceptorConfig config) {
  if (config.keytab == nullptr) {
    return Error{Errc::kApiMisuse, "Kerberos acceptor: keytab", 0, 0};
  }
  if (config.replay_cache == nullptr) {
    return Error{Errc::kApiMisuse, "Kerberos acceptor: replay cache", 0, 0};
  }
  if (config.clock_skew < 0) return Error{Errc::kApiMisuse, "Kerberos acceptor: clock skew", 0, 0};
  return std::unique_ptr<Mechanism>(std::make_unique<Acceptor>(runtime, std::move(config)));
}

}  // namespace pocketgss::mechs::krb5
