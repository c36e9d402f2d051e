// The acceptor: CHALLENGE in answer to NEGOTIATE, then the verdict on AUTHENTICATE.
#include "mechs/ntlm/acceptor.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "base/any_of.h"
#include "base/utf16.h"
#include "mechs/ntlm/messages.h"
#include "mechs/ntlm/proof.h"
#include "mechs/ntlm/sealing.h"
#include "mechs/ntlm/text.h"

namespace pocketgss::mechs::ntlm {
namespace {

// A usual AUTHENTICATE fits in what is kept free for it, so that one allocation holds the whole
// exchange.
constexpr size_t kUsualAuthenticateSize = 640;
constexpr size_t kChallengeSize = 8;
constexpr size_t kSessionKeySize = 16;
constexpr const char* kUserNameField = "AUTHENTICATE_MESSAGE.UserName";
constexpr const char* kDomainNameField = "AUTHENTICATE_MESSAGE.DomainName";

// One error for all that only a guess at the password could change (policy row P23).
const Error kWrongProof{Errc::kAuthFailed, "wrong user, password or MIC", 0, 0};

Error policy(const char* what) {
  return Error{Errc::kPolicy, what, 0, 0};
}

// OpenChallenge is a ServerChallenge that waits to be answered; the guard, if any, knows it as
// long.
class OpenChallenge {
 public:
  OpenChallenge(ChallengeGuard* guard, FixedView<kChallengeSize> challenge)
      : guard_(guard), challenge_(challenge) {
    if (guard_ != nullptr) guard_->add(challenge_);
  }
  OpenChallenge(const OpenChallenge&) = delete;
  OpenChallenge& operator=(const OpenChallenge&) = delete;
  ~OpenChallenge() {
    if (guard_ != nullptr) guard_->remove(challenge_);
  }

 private:
  ChallengeGuard* guard_;
  FixedView<kChallengeSize> challenge_;
};

// Transcript holds the messages as received and as sent, for the MIC and for the comparison of AV
// pairs (quirk C3).
struct Transcript {
  Bytes bytes;
  size_t challenge_at = 0, authenticate_at = 0;

  ByteView before_authenticate() const { return ByteView(bytes).prefix(authenticate_at); }
  ByteView challenge() const {
    return ByteView(bytes).sub(challenge_at, authenticate_at - challenge_at);
  }
  ByteView authenticate() const { return ByteView(bytes).from(authenticate_at); }
};

enum class State : uint8_t { kStart, kAwaitAuthenticate, kAwaitAccount, kEstablished, kFailed };

class Acceptor final : public Mechanism {
 public:
  Acceptor(Runtime& runtime, const AcceptorConfig& config) : runtime_(runtime), config_(config) {}

  Result<void> step(ByteView peer_token, Step& next) override;
  Result<void> resume(Answer&& answer, Step& next) override;
  const char* state_name() const override;
  bool proof_sent() const override { return false; }
  bool wants_mech_list_mic() const override { return mic_verified_; }

 private:
  Result<void> take(State, ByteView token, Step& next);
  Result<void> take(State, Answer&&);
  // Whatever ends a call, also an allocation that fails, leaves the state kFailed.
  State leave_state() { return std::exchange(state_, State::kFailed); }
  Result<void> ended(const Result<void>&);
  Error refuse(State) const;

  Result<void> take_negotiate(ByteView token, Bytes& challenge);
  Result<void> take_authenticate(ByteView token, NeedAccount& question);
  Result<void> take_account(AccountAnswer&&);

  bool strict() const { return config_.level == PolicyLevel::kStrict; }
  size_t size_limit() const { return strict() ? kMaxStrictMessageSize : kMaxMessageSize; }
  bool claims_mic() const { return (response_.av_pairs.flags() & kAvMicPresent) != 0; }
  Result<void> choose_flags(NegotiateFlags asked);
  Result<void> write_challenge(Bytes& out) const;
  void append_target_info(MessageWriter&, Bytes& out) const;

  Result<void> check_flags() const;
  Result<void> check_av_pairs() const;
  Result<void> check_target_name() const;
  Result<void> check_binding_is_there() const;
  Result<void> check_binding(bool& bound) const;
  ExportedSessionKey exported_session_key(const ResponseKey&) const;

  Runtime& runtime_;
  const AcceptorConfig& config_;
  State state_ = State::kStart;
  Error failure_{Errc::kNoMemory, "NTLM acceptor"};  // of kFailed
  bool mic_verified_ = false;

  // What the exchange carries from message to message. Of the CHALLENGE:
  FixedBytes<kChallengeSize> server_challenge_{};
  std::optional<OpenChallenge> open_;
  UnixMicros sent_at_ = 0;    // of Clock::steady()
  NegotiateFlags flags_ = 0;  // in force from the AUTHENTICATE on
  CharacterSet characters_ = CharacterSet::kUtf16;
  Transcript transcript_;
  // Of the AUTHENTICATE; the first two borrow from the transcript.
  AuthenticateMessage message_{};
  NtlmV2Response response_{};
  std::string initiator_name_, target_name_;
};

Result<void> Acceptor::step(ByteView peer_token, Step& next) {
  return ended(take(leave_state(), peer_token, next));
}

Result<void> Acceptor::resume(Answer&& answer, Step& next) {
  next.kind = Step::Kind::kEstablished;  // nothing is sent any more
  return ended(take(leave_state(), std::move(answer)));
}

// ended looks back on a call.
Result<void> Acceptor::ended(const Result<void>& result) {
  if (result.has_value()) return result;
  failure_ = result.error();
  open_.reset();
  return result;
}

Result<void> Acceptor::take(State state, ByteView token, Step& next) {
  if (state == State::kStart) return take_negotiate(token, next.token);
  if (state == State::kAwaitAuthenticate) {
    next.kind = Step::Kind::kAccount;
    return take_authenticate(token, next.account);
  }
  return refuse(state);
}

Result<void> Acceptor::take(State state, Answer&& answer) {
  if (state != State::kAwaitAccount) return refuse(state);
  if (auto* account = std::get_if<AccountAnswer>(&answer)) return take_account(std::move(*account));
  return take_account({});  // not what was asked for: as if there were no account
}

// refuse answers a call that `state` does not take.
Error Acceptor::refuse(State state) const {
  if (state == State::kFailed) return failure_;
  return Error{Errc::kApiMisuse, "a call out of turn", 0, 0};
}

const char* Acceptor::state_name() const {
  static constexpr const char* kNames[] = {"Start", "AwaitAuthenticate", "AwaitAccount",
                                           "Established", "Failed"};
  return kNames[static_cast<size_t>(state_)];
}

Result<void> Acceptor::take_negotiate(ByteView token, Bytes& challenge) {
  PGSS_CHECK(check_message_size(token, size_limit(), "NEGOTIATE_MESSAGE"));
  NegotiateMessage negotiate;
  PGSS_CHECK(read_message(token, negotiate));
  PGSS_CHECK(choose_flags(negotiate.flags));
  characters_ = has_flag(flags_, flag::kUnicode) ? CharacterSet::kUtf16 : CharacterSet::kOem;
  PGSS_CHECK(runtime_.random().fill(server_challenge_));
  PGSS_CHECK(write_challenge(challenge));

  transcript_.bytes.reserve(token.size() + challenge.size() + kUsualAuthenticateSize);
  append(transcript_.bytes, token);
  append(transcript_.bytes, challenge);
  transcript_.challenge_at = token.size();
  transcript_.authenticate_at = transcript_.bytes.size();
  open_.emplace(config_.guard, server_challenge_);
  sent_at_ = runtime_.clock().steady();
  state_ = State::kAwaitAuthenticate;
  return {};
}

// choose_flags: what is asked for, as far as it is of use (policy row P3).
Result<void> Acceptor::choose_flags(NegotiateFlags asked) {
  constexpr NegotiateFlags kStrength = flag::kExtendedSessionSecurity | flag::k128;
  if (strict() && !has_flag(asked, kStrength | flag::kUnicode)) {
    return Error{Errc::kPeerIncompatible, "P3: NEGOTIATE_MESSAGE.NegotiateFlags (strict)", 0, 0};
  }
  // [MS-NLMP] 2.2.2.5: one of the two character sets must be asked for; one of them is given back
  // (quirk C31).
  const NegotiateFlags characters =
      has_flag(asked, flag::kUnicode) ? flag::kUnicode : asked & flag::kOem;
  if (characters == 0) {
    return Error{Errc::kPeerIncompatible, "NEGOTIATE_MESSAGE.NegotiateFlags names no character set",
                 0, 0};
  }
  NegotiateFlags flags =
      asked & (flag::kRequestTarget | flag::kAlwaysSign | kStrength | flag::kVersion);
  flags |= flag::kNtlm | flag::kTargetInfo | characters;
  if (has_flag(asked, flag::kRequestTarget)) flags |= flag::kTargetTypeServer;
  // Signing without these two would be that of NTLMv1, which is not built.
  if (has_flag(asked, kStrength)) flags |= asked & (flag::kSign | flag::kSeal | flag::kKeyExchange);
  // Old clients misplace the MIC where the CHALLENGE has no version (quirk C4).
  if ((flags & (flag::kSign | flag::kSeal | flag::kAlwaysSign)) != 0) flags |= flag::kVersion;
  flags_ = flags;
  return {};
}

Result<void> Acceptor::write_challenge(Bytes& out) const {
  using M = ChallengeMessage;
  const size_t names = 2 * config_.netbios_computer.size() + config_.netbios_domain.size() +
                       config_.dns_computer.size() + config_.dns_domain.size();
  out.reserve(M::kWithVersionSize + 2 * names + 6 * kAvHeaderSize + sizeof(uint64_t));
  MessageWriter writer(out, MessageType::kChallenge, M::kWithVersionSize);
  writer.u32(M::kFlagsAt, flags_);
  writer.bytes(M::kServerChallengeAt, server_challenge_);
  if (has_flag(flags_, flag::kVersion)) writer.version(M::kVersionAt, kOurVersion);
  const bool names_target = has_flag(flags_, flag::kRequestTarget);
  writer.name(M::kTargetNameFieldsAt, names_target ? config_.netbios_computer : std::string_view(),
              characters_, "TargetName");
  const size_t target_info_at = out.size();
  append_target_info(writer, out);
  writer.describe(M::kTargetInfoFieldsAt, target_info_at);
  return writer.finish();
}

// append_target_info: never MsvAvFlags, MsvAvTargetName or MsvAvChannelBindings, which clients
// mishandle (quirks C3, C20).
void Acceptor::append_target_info(MessageWriter& message, Bytes& out) const {
  message.av_name(AvId::kNbDomainName, config_.netbios_domain);
  message.av_name(AvId::kNbComputerName, config_.netbios_computer);
  if (!config_.dns_domain.empty()) message.av_name(AvId::kDnsDomainName, config_.dns_domain);
  if (!config_.dns_computer.empty()) message.av_name(AvId::kDnsComputerName, config_.dns_computer);
  append_av_pair(out, AvId::kTimestamp, ByteView(timestamp_value(runtime_.clock().now())));
  append_av_eol(out);
}

// check_response_kind: NTLMv1, LM and anonymous are told apart for the log, and none gets further
// (policy rows P2, P20).
Result<void> check_response_kind(const AuthenticateMessage& message) {
  switch (response_kind(message)) {
    case ResponseKind::kAnonymous:
      return policy("P20: anonymous");
    case ResponseKind::kNone:
      return Error{Errc::kMalformed, "AUTHENTICATE_MESSAGE.NtChallengeResponse", 0, 0};
    case ResponseKind::kLm:
      return policy("P2: LM response");
    case ResponseKind::kNtlmV1:
      return policy("P2: NTLMv1 response");
    case ResponseKind::kNtlmV1Ess:
      return policy("P2: NTLMv1 response with extended session security");
    case ResponseKind::kNtlmV2:
      break;
  }
  if (message.user_name.empty() || has_flag(message.flags, flag::kAnonymous)) {
    return policy("P20: anonymous");
  }
  return {};
}

// binding returns MsvAvChannelBindings, or an empty view; all zeros are none (quirk C5).
ByteView binding(const AvPairs& pairs) {
  const ByteView value = pairs.find(AvId::kChannelBindings);
  if (value == ByteView(ChannelBindingHash{})) return {};
  return value;
}

// read_name converts a name to UTF-8.
Result<void> read_name(ByteView raw, CharacterSet characters, const char* field, std::string& out) {
  Utf16Name wide;
  PGSS_CHECK(wide.read(raw, characters, field));
  return wide.to_utf8(field, out);
}

// read_target_name reads MsvAvTargetName; a client that says itself that it has it from elsewhere
// names none (quirk C7).
Result<void> read_target_name(const AvPairs& pairs, std::string& out) {
  if ((pairs.flags() & kAvUntrustedSpn) != 0) return {};
  return read_name(pairs.find(AvId::kTargetName), CharacterSet::kUtf16, "MsvAvTargetName", out);
}

// check_echo: every pair of our CHALLENGE is in the response, unchanged (NTL-9).
Result<void> check_echo(ByteView challenge, const AvPairs& answered) {
  ChallengeMessage sent;
  PGSS_CHECK(read_message(challenge, sent));
  for (AvPair pair; sent.av_pairs.next(pair);) {
    const ByteView echoed = answered.find(pair.id);
    if (echoed.data() == nullptr || echoed != pair.value)
      return policy("P4: AvPairs are not those of the CHALLENGE (strict)");
  }
  return {};
}

// All that can be told from the message alone is checked before the account is asked for.
Result<void> Acceptor::take_authenticate(ByteView token, NeedAccount& question) {
  open_.reset();
  // Not by now(): a clock that is set would end a challenge, or let it live on.
  if (runtime_.clock().steady() - sent_at_ > config_.challenge_life_micros) {
    return Error{Errc::kExpired, "CHALLENGE_MESSAGE", 0, 0};
  }
  PGSS_CHECK(check_message_size(token, size_limit(), "AUTHENTICATE_MESSAGE"));
  append(transcript_.bytes, token);
  PGSS_CHECK(read_message(transcript_.authenticate(), message_));
  PGSS_CHECK(check_response_kind(message_));
  PGSS_CHECK(
      read_ntlm_v2_response(message_.nt_response, message_.nt_response_fields.offset, response_));
  flags_ &= message_.flags;
  PGSS_CHECK(check_flags());
  PGSS_CHECK(check_av_pairs());
  PGSS_CHECK(check_binding_is_there());

  PGSS_CHECK(read_target_name(response_.av_pairs, target_name_));
  PGSS_CHECK(check_target_name());
  PGSS_CHECK(read_name(message_.user_name, characters_, kUserNameField, question.user));
  PGSS_CHECK(read_name(message_.domain_name, characters_, kDomainNameField, question.domain));
  append_qualified_name(initiator_name_, question.domain, question.user);
  state_ = State::kAwaitAccount;
  return {};
}

// Policy row P3. The flags of the AUTHENTICATE may be fewer than those of the CHALLENGE (quirk C29:
// none at all).
Result<void> Acceptor::check_flags() const {
  constexpr NegotiateFlags kStrength = flag::kExtendedSessionSecurity | flag::k128;
  if (strict() && !has_flag(flags_, kStrength | flag::kUnicode)) {
    return policy("P3: AUTHENTICATE_MESSAGE.NegotiateFlags (strict)");
  }
  if (!protects(flags_)) return {};
  if (!has_flag(flags_, kStrength)) {
    return Error{Errc::kPeerIncompatible, "P3: AUTHENTICATE_MESSAGE.NegotiateFlags", 0, 0};
  }
  // Without signing and sealing the field has no meaning and may hold anything (quirk C18).
  if (has_flag(flags_, flag::kKeyExchange) &&
      message_.encrypted_random_session_key.size() != kSessionKeySize) {
    return Error{Errc::kMalformed, "AUTHENTICATE_MESSAGE.EncryptedRandomSessionKey",
                 AuthenticateMessage::kSessionKeyFieldsAt, 0};
  }
  return {};
}

Result<void> Acceptor::check_av_pairs() const {
  // NTL-2: our CHALLENGE has no pair that a client adds as well, so no honest response repeats one.
  if (response_.av_pairs.repeats()) {
    return Error{Errc::kPeerMisbehaved, "NTLMv2_CLIENT_CHALLENGE.AvPairs repeats an AvId", 0, 0};
  }
  // NTL-1: the pair is covered by the proof, so a MIC that was cut out is missed.
  const bool mic_claimed = claims_mic();
  if (mic_claimed && message_.mic.empty())
    return Error{Errc::kAuthFailed, "AUTHENTICATE_MESSAGE.MIC is missing", 0, 0};
  if (!strict()) return {};
  if (!mic_claimed) return policy("P4: MsvAvFlags claims no MIC (strict)");
  return check_echo(transcript_.challenge(), response_.av_pairs);
}

Result<void> Acceptor::check_target_name() const {
  const auto is_same = [&](std::string_view ours) { return same_upcased(ours, target_name_); };
  switch (config_.target_name_check) {
    case TargetNameCheck::kOff:
      return {};
    case TargetNameCheck::kIfPresent:
      if (target_name_.empty()) return {};
      break;
    case TargetNameCheck::kRequired:
      if (target_name_.empty()) return policy("P18: MsvAvTargetName is missing");
      break;
  }
  if (any_of(config_.target_names, is_same)) return {};
  return policy("P18: MsvAvTargetName is not ours");
}

Result<void> Acceptor::check_binding_is_there() const {
  if (config_.binding_requirement == BindingRequirement::kRequire &&
      binding(response_.av_pairs).empty()) {
    return policy("P5: MsvAvChannelBindings is missing");
  }
  return {};
}

// check_binding says whether the channel is bound. A client that binds where we have no TLS is on
// another channel than we are.
Result<void> Acceptor::check_binding(bool& bound) const {
  const ByteView sent = binding(response_.av_pairs);
  if (sent.empty() || config_.binding_requirement == BindingRequirement::kOff) return {};
  for (const ByteView ours : config_.channel_bindings) {
    bound = ct_equal(channel_binding_hash(runtime_.crypto(), ours), sent);
    if (bound) return {};
  }
  return Error{Errc::kAuthFailed, "P5: MsvAvChannelBindings is of another channel", 0, 0};
}

// [MS-NLMP] 3.2.5.1.2: EncryptedRandomSessionKey counts with key exchange and signing or sealing
// alone.
ExportedSessionKey Acceptor::exported_session_key(const ResponseKey& key) const {
  const SessionBaseKey base_key =
      session_base_key(runtime_.crypto(), key, response_.nt_proof_str.first<crypto::kMd5Size>());
  ExportedSessionKey exported{base_key.view()};
  if (protects(flags_) && has_flag(flags_, flag::kKeyExchange)) {
    exchange_key(runtime_.crypto(), base_key,
                 message_.encrypted_random_session_key.first<kSessionKeySize>(),
                 exported.mutable_view());
  }
  return exported;
}

Result<void> Acceptor::take_account(AccountAnswer&& answer) {
  if (answer.unavailable) return Error{Errc::kUnreachable, "account look-up", 0, 0};
  crypto::Workspace& crypto = runtime_.crypto();
  Utf16Name user, domain;
  PGSS_CHECK(user.read(message_.user_name, characters_, kUserNameField));
  PGSS_CHECK(domain.read(message_.domain_name, characters_, kDomainNameField));
  const Proof proof =
      check_proof(crypto, answer.account, {server_challenge_, user, domain, response_});
  if (!proof.right) return kWrongProof;

  const ExportedSessionKey key = exported_session_key(proof.key);
  const bool mic_claimed = claims_mic();
  if (mic_claimed) {
    const Mic expected =
        mic(crypto, key, transcript_.before_authenticate(), {}, transcript_.authenticate());
    if (!ct_equal(expected, message_.mic)) return kWrongProof;
  }
  bool bound = false;
  PGSS_CHECK(check_binding(bound));
  protection_ = std::make_unique<MessageSecurity>(crypto, flags_, key, Sender::kAcceptor);
  ContextInfo& info = protection_->info;
  info.initiator_name = std::move(initiator_name_);
  info.account_name = std::move(answer.account->name);
  info.target_name = std::move(target_name_);
  info.channel_bound = bound;
  info.mic_verified = mic_claimed;
  mic_verified_ = mic_claimed;
  state_ = State::kEstablished;
  return {};
}

}  // namespace

Result<std::unique_ptr<Mechanism>> make_acceptor(Runtime& runtime, const AcceptorConfig& config) {
  if (config.target_name_check == TargetNameCheck::kRequired && config.target_names.empty()) {
    return Error{Errc::kApiMisuse, "target names are required, and there are none", 0, 0};
  }
  return std::unique_ptr<Mechanism>(std::make_unique<Acceptor>(runtime, config));
}

bool recognises(ByteView first_token) {
  return has_signature(first_token);
}

}  // namespace pocketgss::mechs::ntlm
