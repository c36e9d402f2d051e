// The initiator: NEGOTIATE, then AUTHENTICATE in answer to the CHALLENGE.
#include "mechs/ntlm/initiator.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/cursor.h"
#include "base/utf16.h"
#include "mechs/ntlm/messages.h"
#include "mechs/ntlm/sealing.h"
#include "mechs/ntlm/text.h"

namespace pocketgss::mechs::ntlm {
namespace {

constexpr size_t kNegotiateSize = NegotiateMessage::kWithVersionSize;
constexpr size_t kLmResponseSize = 24;
constexpr size_t kMachineIdAt = 16, kSingleHostSize = 48;  // [MS-NLMP] 2.2.2.2
constexpr ContextFlags kIntegrityFlags = kIntegFlag | kReplayFlag | kSequenceFlag;

enum class State : uint8_t { kStart, kAwaitChallenge, kEstablished, kFailed };

bool wants_any(ContextFlags flags, ContextFlags of) {
  return (flags & of) != kNoContextFlags;
}

// offered_flags: what NEGOTIATE asks for. LM_KEY, OEM, DATAGRAM and 56 are never offered.
NegotiateFlags offered_flags(ContextFlags wanted, bool integrity_needed) {
  NegotiateFlags flags = flag::kUnicode | flag::kRequestTarget | flag::kNtlm | flag::kAlwaysSign |
                         flag::kExtendedSessionSecurity | flag::kVersion | flag::k128;
  if (integrity_needed || wants_any(wanted, kIntegrityFlags | kConfFlag))
    flags |= flag::kSign | flag::kKeyExchange;
  if (wants_any(wanted, kConfFlag)) flags |= flag::kSeal;
  return flags;
}

Error incompatible(const char* what) {
  return Error{Errc::kPeerIncompatible, what, 0, 0};
}

bool is_ours(AvId id) {
  return id == AvId::kFlags || id == AvId::kSingleHost || id == AvId::kChannelBindings ||
         id == AvId::kTargetName;
}

class Initiator final : public Mechanism {
 public:
  Initiator(Runtime& runtime, const InitiatorConfig& config, bool integrity_needed)
      : runtime_(runtime),
        config_(config),
        integrity_needed_(integrity_needed),
        offered_(offered_flags(config.flags | config.required_flags, integrity_needed)) {}

  Result<void> step(ByteView peer_token, Step& next) override;
  Result<void> resume(Answer&&, Step&) override {
    return Error{Errc::kApiMisuse, "nothing was asked for", 0, 0};
  }
  const char* state_name() const override;
  const char* mechanism_name() const override { return kMechanismName; }
  bool proof_sent() const override { return proof_sent_; }
  bool wants_mech_list_mic() const override { return mic_sent_; }

 private:
  // What the CHALLENGE leaves to be done.
  struct Agreement {
    NegotiateFlags flags = 0;  // in force
    CharacterSet characters = CharacterSet::kUtf16;
    ByteView timestamp;  // MsvAvTimestamp, or empty: with it the AUTHENTICATE carries a MIC

    bool with_mic() const { return !timestamp.empty(); }
  };

  Result<void> take(State, ByteView token, Step& next);
  Result<void> send_negotiate(ByteView token, Step& next);
  Result<void> take_challenge(ByteView token, Step& next);

  bool strict() const { return config_.level == PolicyLevel::kStrict; }
  bool has_machine_id() const { return config_.machine_id != FixedBytes<32>{}; }
  Result<void> check_reflection(const ChallengeMessage&) const;
  Result<void> agree(const ChallengeMessage&, Agreement&) const;
  NegotiateFlags needed_flags(const Agreement&) const;
  Result<void> check_target_info(const ChallengeMessage&, const Agreement&) const;

  Result<void> append_identity(Bytes& out) const;
  Result<void> write_authenticate(const ChallengeMessage&, const Agreement&, ExportedSessionKey&,
                                  Bytes& out) const;
  void append_nt_response(const ChallengeMessage&, const Agreement&, FixedView<8> client_challenge,
                          MessageWriter&, Bytes& out) const;
  void append_av_pairs(const ChallengeMessage&, const Agreement&, MessageWriter&, Bytes& out) const;
  size_t authenticate_size_bound(const ChallengeMessage&) const;
  void describe(ContextInfo& info) const;

  Runtime& runtime_;
  const InitiatorConfig& config_;
  bool integrity_needed_;
  NegotiateFlags offered_;
  State state_ = State::kStart;
  Error failure_{Errc::kNoMemory, "NTLM initiator"};  // of kFailed
  FixedBytes<kNegotiateSize> negotiate_;              // as sent, for the MIC
  bool proof_sent_ = false;
  bool mic_sent_ = false;
};

Result<void> Initiator::step(ByteView peer_token, Step& next) {
  // Whatever ends this call, also an allocation that fails, leaves the state kFailed.
  const auto result = take(std::exchange(state_, State::kFailed), peer_token, next);
  if (!result.has_value()) failure_ = result.error();
  return result;
}

Result<void> Initiator::take(State state, ByteView token, Step& next) {
  switch (state) {
    case State::kStart:
      return send_negotiate(token, next);
    case State::kAwaitChallenge:
      return take_challenge(token, next);
    case State::kEstablished:
      return Error{Errc::kApiMisuse, "the context is established", 0, 0};
    case State::kFailed:
      break;
  }
  return failure_;
}

const char* Initiator::state_name() const {
  static constexpr const char* kNames[] = {"Start", "AwaitChallenge", "Established", "Failed"};
  return kNames[static_cast<size_t>(state_)];
}

Result<void> Initiator::send_negotiate(ByteView token, Step& next) {
  if (!token.empty()) return Error{Errc::kPeerMisbehaved, "a token before NEGOTIATE_MESSAGE", 0, 0};
  if (config_.require_channel_binding && config_.channel_binding.empty()) {
    return Error{Errc::kPolicy, "P5: channel binding required, and the channel has none", 0, 0};
  }
  Bytes& negotiate = next.token;
  MessageWriter writer(negotiate, MessageType::kNegotiate, kNegotiateSize);
  writer.u32(NegotiateMessage::kFlagsAt, offered_);
  writer.version(NegotiateMessage::kVersionAt, kOurVersion);
  writer.field(NegotiateMessage::kDomainNameFieldsAt, {});
  writer.field(NegotiateMessage::kWorkstationFieldsAt, {});
  std::copy_n(negotiate.begin(), kNegotiateSize, negotiate_.begin());
  state_ = State::kAwaitChallenge;
  return {};
}

Result<void> Initiator::take_challenge(ByteView token, Step& next) {
  if (strict()) PGSS_CHECK(check_message_size(token, kMaxStrictMessageSize, "CHALLENGE_MESSAGE"));
  ChallengeMessage challenge;
  PGSS_CHECK(read_message(token, challenge));
  PGSS_CHECK(check_reflection(challenge));
  Agreement agreement;
  PGSS_CHECK(agree(challenge, agreement));

  Bytes& authenticate = next.token;
  ExportedSessionKey key;
  PGSS_CHECK(write_authenticate(challenge, agreement, key, authenticate));
  if (agreement.with_mic()) {
    const Mic code = mic(runtime_.crypto(), key, negotiate_, token, authenticate);
    std::copy(code.begin(), code.end(), authenticate.begin() + AuthenticateMessage::kMicAt);
  }
  protection_ = std::make_unique<MessageSecurity>(runtime_.crypto(), agreement.flags, key,
                                                  Sender::kInitiator);
  describe(protection_->info);
  proof_sent_ = true;
  mic_sent_ = agreement.with_mic();
  state_ = State::kEstablished;
  next.kind = Step::Kind::kEstablished;
  next.has_token = true;
  return {};
}

// Policy row P19.
Result<void> Initiator::check_reflection(const ChallengeMessage& challenge) const {
  const Error reflected{Errc::kPeerMisbehaved, "P19: CHALLENGE_MESSAGE.ServerChallenge is our own",
                        0, 0};
  if (config_.guard != nullptr && config_.guard->contains(challenge.server_challenge))
    return reflected;
  const ByteView host = challenge.av_pairs.find(AvId::kSingleHost);
  if (has_machine_id() && !host.empty() &&
      host.sub(kMachineIdAt, config_.machine_id.size()) == ByteView(config_.machine_id))
    return reflected;
  return {};
}

// What to say of a flag that is needed and not there, in the order in which they are looked at.
struct NeededFlag {
  NegotiateFlags flag;
  const char* refusal;
};
constexpr NeededFlag kNeededFlags[] = {
    {flag::kUnicode, "P3: CHALLENGE_MESSAGE.NegotiateFlags lacks NTLMSSP_NEGOTIATE_UNICODE"},
    {flag::kSign, "CHALLENGE_MESSAGE.NegotiateFlags lacks NTLMSSP_NEGOTIATE_SIGN"},
    {flag::kSeal, "CHALLENGE_MESSAGE.NegotiateFlags lacks NTLMSSP_NEGOTIATE_SEAL"},
    {flag::kExtendedSessionSecurity,
     "CHALLENGE_MESSAGE.NegotiateFlags lacks NTLMSSP_NEGOTIATE_EXTENDED_SESSIONSECURITY (policy "
     "row "
     "P3)"},
    {flag::k128, "P3: CHALLENGE_MESSAGE.NegotiateFlags lacks NTLMSSP_NEGOTIATE_128"},
    {flag::kKeyExchange, "P3: CHALLENGE_MESSAGE.NegotiateFlags lacks NTLMSSP_NEGOTIATE_KEY_EXCH"},
};

Result<void> Initiator::agree(const ChallengeMessage& challenge, Agreement& agreement) const {
  agreement.flags = challenge.flags & (offered_ | flag::kTargetInfo | flag::kOem);
  if (has_flag(agreement.flags, flag::kUnicode)) {
    agreement.flags &= ~flag::kOem;  // with both it is Unicode (quirk C31)
  } else {
    agreement.characters = CharacterSet::kOem;
  }
  agreement.timestamp = challenge.av_pairs.find(AvId::kTimestamp);
  const NegotiateFlags lacking = needed_flags(agreement) & ~agreement.flags;
  for (const NeededFlag& needed : kNeededFlags) {
    if (has_flag(lacking, needed.flag)) return incompatible(needed.refusal);
  }
  return check_target_info(challenge, agreement);
}

// needed_flags: policy row P3, and what the caller requires.
NegotiateFlags Initiator::needed_flags(const Agreement& agreement) const {
  constexpr NegotiateFlags kStrength = flag::kExtendedSessionSecurity | flag::k128;
  // P8: an NTLM MIC makes the mechListMIC obligatory.
  const bool needs_mic = integrity_needed_ && agreement.with_mic();
  NegotiateFlags needed = 0;
  if (protects(agreement.flags)) {
    needed |= kStrength;
  } else if (needs_mic || wants_any(config_.required_flags, kIntegrityFlags)) {
    needed |= flag::kSign;
  }
  if (has(config_.required_flags, kConfFlag)) needed |= flag::kSeal;
  // [MS-NLMP] 2.2.2.5: one of the two character sets must be there.
  if (!has_flag(agreement.flags, flag::kOem)) needed |= flag::kUnicode;
  if (strict()) needed |= flag::kUnicode | kStrength | (offered_ & flag::kKeyExchange);
  return needed;
}

Result<void> Initiator::check_target_info(const ChallengeMessage& challenge,
                                          const Agreement& agreement) const {
  if (strict()) {
    if (challenge.target_info.empty())
      return incompatible("P3: CHALLENGE_MESSAGE.TargetInfo is missing");
    if (!agreement.with_mic()) return incompatible("P3: MsvAvTimestamp is missing");
  }
  // [MS-NLMP] 3.1.5.1.2: with integrity or confidentiality both names must be there; they may be
  // empty (quirk C16).
  if (protects(agreement.flags) && (!challenge.av_pairs.has(AvId::kNbComputerName) ||
                                    !challenge.av_pairs.has(AvId::kNbDomainName))) {
    return incompatible("MsvAvNbComputerName or MsvAvNbDomainName is missing");
  }
  return {};
}

// append_identity writes what NTOWFv2 is keyed with: UNICODE(Uppercase(User) || UserDom).
Result<void> Initiator::append_identity(Bytes& out) const {
  PGSS_CHECK(append_name(out, config_.user, CharacterSet::kUtf16, "user name"));
  simple_upcase_utf16le(out);
  return append_name(out, config_.domain, CharacterSet::kUtf16, "domain name");
}

// The names of an AUTHENTICATE, in the order of its payload.
struct NameField {
  size_t at;  // of the descriptor
  std::string_view InitiatorConfig::* text;
  const char* what;
};
constexpr NameField kNameFields[] = {
    {AuthenticateMessage::kDomainNameFieldsAt, &InitiatorConfig::domain, "domain name"},
    {AuthenticateMessage::kUserNameFieldsAt, &InitiatorConfig::user, "user name"},
    {AuthenticateMessage::kWorkstationFieldsAt, &InitiatorConfig::workstation, "workstation name"},
};

// write_authenticate writes all but the MIC and gives the ExportedSessionKey.
// EncryptedRandomSessionKey comes last (quirk C33).
Result<void> Initiator::write_authenticate(const ChallengeMessage& challenge,
                                           const Agreement& agreement, ExportedSessionKey& key,
                                           Bytes& out) const {
  using M = AuthenticateMessage;
  crypto::Workspace& crypto = runtime_.crypto();
  FixedBytes<8> client_challenge;
  PGSS_CHECK(runtime_.random().fill(client_challenge));

  out.reserve(authenticate_size_bound(challenge));
  PGSS_CHECK(append_identity(out));  // the message's memory serves as scratch first
  const ResponseKey response_key = ntowf_v2(crypto, config_.nt_hash->view(), out, {});
  MessageWriter writer(out, MessageType::kAuthenticate,
                       agreement.with_mic() ? M::kWithMicSize : M::kWithVersionSize);
  writer.u32(M::kFlagsAt, agreement.flags);
  if (has_flag(agreement.flags, flag::kVersion)) writer.version(M::kVersionAt, kOurVersion);

  for (const NameField& name : kNameFields)
    writer.name(name.at, config_.*name.text, agreement.characters, name.what);
  // Zeros rather than an LMv2 response, which no MIC and no channel binding covers (NTL-3, quirk
  // C33).
  writer.field(M::kLmResponseFieldsAt, ByteView(FixedBytes<kLmResponseSize>{}));

  const size_t response_at = out.size();
  append_nt_response(challenge, agreement, client_challenge, writer, out);
  writer.describe(M::kNtResponseFieldsAt, response_at);
  PGSS_CHECK(writer.finish());
  const ByteView temp = ByteView(out).from(response_at + NtlmV2Response::kProofSize);
  const NtProofStr proof = nt_proof_str(crypto, response_key, challenge.server_challenge, temp);
  writer.bytes(response_at, ByteView(proof));
  const SessionBaseKey base_key = session_base_key(crypto, response_key, proof);

  FixedBytes<16> encrypted;
  ByteView encrypted_key;
  if (protects(agreement.flags) && has_flag(agreement.flags, flag::kKeyExchange)) {
    PGSS_CHECK(runtime_.random().fill(key.mutable_view()));
    exchange_key(crypto, base_key, key.view(), encrypted);
    encrypted_key = encrypted;
  } else {
    std::memcpy(key.mutable_view().data(), base_key.view().data(), key.kSize);
  }
  writer.field(M::kSessionKeyFieldsAt, encrypted_key);
  if (out.size() > kMaxStrictMessageSize)
    return incompatible("CHALLENGE_MESSAGE.TargetInfo is too long to be answered");
  return {};
}

// append_nt_response writes NTProofStr as zeros and then temp ([MS-NLMP] 3.3.2):
//   1 || 1 || Z(6) || Time || ClientChallenge || Z(4) || AvPairs || Z(4)
void Initiator::append_nt_response(const ChallengeMessage& challenge, const Agreement& agreement,
                                   FixedView<8> client_challenge, MessageWriter& message,
                                   Bytes& out) const {
  using R = NtlmV2Response;
  FixedBytes<R::kProofSize + R::kAvPairsAt> head{};
  uint8_t* const temp = head.data() + R::kProofSize;
  temp[0] = temp[1] = 1;
  // The server's own time where it gives one: devices may have no clock, and servers compare
  // (quirks C24, C33).
  const FixedBytes<8> ours = timestamp_value(runtime_.clock().now());
  std::memcpy(temp + 8, agreement.with_mic() ? agreement.timestamp.data() : ours.data(), 8);
  std::memcpy(temp + 16, client_challenge.data(), 8);
  append(out, ByteView(head));
  append_av_pairs(challenge, agreement, message, out);
  out.resize(out.size() + 4);
}

// append_av_pairs copies the server's pairs in their order, less those that are the client's to set
// (NTL-2, vector N8), and adds ours.
void Initiator::append_av_pairs(const ChallengeMessage& challenge, const Agreement& agreement,
                                MessageWriter& message, Bytes& out) const {
  for (AvPair pair; challenge.av_pairs.next(pair);) {
    if (!is_ours(pair.id)) append_av_pair(out, pair.id, pair.value);
  }
  uint32_t av_flags = challenge.av_pairs.flags() & kAvAccountConstrained;
  if (agreement.with_mic()) av_flags |= kAvMicPresent;
  if (av_flags != 0) {
    FixedBytes<4> value;
    store_u32le(value.data(), av_flags);
    append_av_pair(out, AvId::kFlags, ByteView(value));
  }
  if (has_machine_id()) {
    FixedBytes<kSingleHostSize> value{kSingleHostSize};
    std::copy(config_.machine_id.begin(), config_.machine_id.end(), value.begin() + kMachineIdAt);
    append_av_pair(out, AvId::kSingleHost, ByteView(value));
  }
  // Without a binding the pair is left out: some servers refuse sixteen zeros (quirk C5).
  if (!config_.channel_binding.empty()) {
    append_av_pair(out, AvId::kChannelBindings,
                   ByteView(channel_binding_hash(runtime_.crypto(), config_.channel_binding)));
  }
  if (!config_.target_name.empty()) message.av_name(AvId::kTargetName, config_.target_name);
  append_av_eol(out);
}

size_t Initiator::authenticate_size_bound(const ChallengeMessage& challenge) const {
  const size_t names = config_.domain.size() + config_.user.size() + config_.workstation.size() +
                       config_.target_name.size();
  constexpr size_t kOurPairs = 4 * kAvHeaderSize + 4 + kSingleHostSize + crypto::kMd5Size;
  return AuthenticateMessage::kWithMicSize + 2 * names + kLmResponseSize +
         NtlmV2Response::kMinSize + challenge.target_info.size() + kOurPairs + 4 + crypto::kMd5Size;
}

void Initiator::describe(ContextInfo& info) const {
  append_qualified_name(info.initiator_name, config_.domain, config_.user);
  info.target_name.append(config_.target_name);
}

}  // namespace

Result<std::unique_ptr<Mechanism>> make_initiator(Runtime& runtime, const InitiatorConfig& config,
                                                  bool integrity_needed) {
  if (config.nt_hash == nullptr) return Error{Errc::kNeedsCredential, "NTOWFv1", 0, 0};
  if (config.user.empty())
    return Error{Errc::kApiMisuse, "user name", 0, 0};  // P20: never anonymous
  if (has(config.required_flags, kMutualFlag)) {
    return Error{Errc::kApiMisuse, "NTLM has no mutual authentication", 0, 0};
  }
  return std::unique_ptr<Mechanism>(std::make_unique<Initiator>(runtime, config, integrity_needed));
}

}  // namespace pocketgss::mechs::ntlm
