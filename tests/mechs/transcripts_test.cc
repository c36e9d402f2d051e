// Exchanges recorded between other implementations: every token decodes, and every proof, MIC and
// key in them verifies with the password; and tokens altered on the way, with what we do with each.
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>

#include "base/cursor.h"
#include "base/utf16.h"
#include "mechs/ntlm/messages.h"
#include "mechs/ntlm/proof.h"
#include "mechs/ntlm/sealing.h"
#include "mechs/ntlm/text.h"
#include "mechs/oids.h"
#include "mechs/spnego/acceptor.h"
#include "mechs/spnego/initiator.h"
#include "mechs/spnego/token.h"
#include "tests/fakes/fake_source.h"
#include "tests/support/der_negatives.h"
#include "tests/support/hex.h"
#include "tests/support/mechanism_step.h"
#include "tests/support/vector_file.h"

namespace pocketgss::mechs {
namespace {

using ntlm::Sender;
using testing::hex;
using testing::VectorBlock;
using testing::VectorHandlers;

constexpr const char kFromInitiator[] = "FromInitiator";
constexpr const char kFromAcceptor[] = "FromAcceptor";

crypto::Workspace& workspace() {
  static const std::unique_ptr<crypto::Workspace> instance = crypto::Workspace::create().value();
  return *instance;
}

Sender sender_of(std::string_view name) {
  return name == "initiator" || name == kFromInitiator ? Sender::kInitiator : Sender::kAcceptor;
}

// MechListMic is one that a token carries, and who made it.
struct MechListMic {
  Sender sender;
  Bytes mic;
};

// Recorded is an exchange taken apart. Its parts are copies: the tokens go with the block.
struct Recorded {
  Bytes negotiate, challenge, authenticate;  // empty where there is none
  Bytes mech_types;  // the initiator's first list, as a mechListMIC covers it
  std::vector<MechListMic> mech_list_mics;
};

// take_ntlm files a token of NTLM after parsing it.
void take_ntlm(ByteView token, Recorded& out) {
  const Result<ntlm::MessageType> type = ntlm::parse_message_type(token);
  ASSERT_TRUE(type.has_value()) << describe(type.error());
  switch (type.value()) {
    case ntlm::MessageType::kNegotiate:
      EXPECT_TRUE(ntlm::parse_negotiate(token).has_value());
      out.negotiate = token.to_bytes();
      return;
    case ntlm::MessageType::kChallenge:
      EXPECT_TRUE(ntlm::parse_challenge(token).has_value());
      out.challenge = token.to_bytes();
      return;
    case ntlm::MessageType::kAuthenticate:
      EXPECT_TRUE(ntlm::parse_authenticate(token).has_value());
      out.authenticate = token.to_bytes();
      return;
  }
}

bool is_ntlm(ByteView token) {
  return token.size() >= ntlm::kSignature.size() &&
         token.prefix(ntlm::kSignature.size()) == ByteView(ntlm::kSignature);
}

void take_inner(std::optional<ByteView> token, Recorded& out) {
  if (token && is_ntlm(*token)) take_ntlm(*token, out);
}

void take_mic(Sender sender, std::optional<ByteView> mic, Recorded& out) {
  if (mic) out.mech_list_mics.push_back({sender, mic->to_bytes()});
}

void take_neg_token_init(Sender sender, ByteView token, Recorded& out) {
  const Result<spnego::NegTokenInit> init = spnego::parse_neg_token_init(token);
  ASSERT_TRUE(init.has_value()) << describe(init.error());
  EXPECT_EQ(hex(encode(init.value()).value()), hex(token));
  out.mech_types = init.value().mech_types.der().to_bytes();
  take_inner(init.value().mech_token, out);
  take_mic(sender, init.value().mech_list_mic, out);
}

void take_neg_token_resp(Sender sender, ByteView token, Recorded& out) {
  const Result<spnego::NegTokenResp> resp = spnego::parse_neg_token_resp(token);
  ASSERT_TRUE(resp.has_value()) << describe(resp.error());
  EXPECT_EQ(hex(encode(resp.value()).value()), hex(token));
  take_inner(resp.value().response_token, out);
  take_mic(sender, resp.value().mech_list_mic, out);
}

// take_token parses a token by its place in the exchange, out of an exact copy, so that a read past
// its end is seen.
void take_token(size_t index, Sender sender, ByteView token, Recorded& out) {
  testing::with_exact_copy(token, [&](ByteView copy) {
    if (is_ntlm(copy)) {
      take_ntlm(copy, out);
    } else if (index == 0) {
      take_neg_token_init(sender, copy, out);
    } else {
      take_neg_token_resp(sender, copy, out);
    }
  });
}

// Exchange is the state that [Message] blocks follow upon: the protection of either side.
struct Exchange {
  std::unique_ptr<ntlm::MessageSecurity> initiator, acceptor;

  ntlm::MessageSecurity& receiver_from(Sender sender) {
    return sender == Sender::kInitiator ? *acceptor : *initiator;
  }
};

// password_proof computes everything that the AUTHENTICATE proves, and compares with the file.
std::optional<ntlm::ExportedSessionKey> check_proofs(VectorBlock& block, const Recorded& recorded,
                                                     std::string_view password) {
  const ntlm::ChallengeMessage challenge = ntlm::parse_challenge(recorded.challenge).value();
  const ntlm::AuthenticateMessage message = ntlm::parse_authenticate(recorded.authenticate).value();
  const uint32_t at = message.nt_response_fields.offset;
  const Result<ntlm::NtlmV2Response> parsed = ntlm::parse_ntlm_v2_response(message.nt_response, at);
  if (!parsed.has_value()) {
    ADD_FAILURE() << describe(parsed.error());
    return std::nullopt;
  }
  const ntlm::NtlmV2Response& response = parsed.value();

  const auto characters = ntlm::has_flag(challenge.flags, ntlm::flag::kUnicode)
                              ? ntlm::CharacterSet::kUtf16
                              : ntlm::CharacterSet::kOem;
  ntlm::Utf16Name user, domain;
  user.read(message.user_name, characters, "UserName").value();
  domain.read(message.domain_name, characters, "DomainName").value();
  std::string user_text, domain_text;
  user.to_utf8("UserName", user_text).value();
  domain.to_utf8("DomainName", domain_text).value();
  EXPECT_EQ(user_text, block.text("User"));
  EXPECT_EQ(domain_text, block.text("Domain"));

  const SecretBytes utf16 = password_to_utf16le(as_bytes(password), "Password").value();
  const ntlm::NtHash nt_hash = ntlm::ntowf_v1(workspace(), utf16.view());
  const std::optional<Account> account = Account{"account", SecretBytes(nt_hash.view())};
  const ntlm::Proof proof =
      ntlm::check_proof(workspace(), account, {challenge.server_challenge, user, domain, response});
  if (!proof.right) {
    ADD_FAILURE() << "the password is not proved";
    return std::nullopt;
  }
  EXPECT_EQ(hex(proof.key.view()), hex(block.bytes("NTOWFv2")));
  EXPECT_EQ(hex(response.nt_proof_str), hex(block.bytes("NTProofStr")));

  const ntlm::SessionBaseKey base = ntlm::session_base_key(
      workspace(), proof.key, FixedView<16>(response.nt_proof_str.data(), 16));
  EXPECT_EQ(hex(base.view()), hex(block.bytes("SessionBaseKey")));
  FixedBytes<16> exported;
  if (ntlm::has_flag(message.flags, ntlm::flag::kKeyExchange)) {
    EXPECT_EQ(message.encrypted_random_session_key.size(), 16U);
    ntlm::exchange_key(workspace(), base,
                       FixedView<16>(message.encrypted_random_session_key.data(), 16), exported);
  } else {
    std::copy(base.view().begin(), base.view().end(), exported.begin());
  }
  EXPECT_EQ(hex(exported), hex(block.bytes("ExportedSessionKey")));
  ntlm::ExportedSessionKey session_key{FixedView<16>(exported)};

  const std::optional<Bytes> mic = block.optional_bytes("MIC");
  const bool claimed = (response.av_pairs.flags() & ntlm::kAvMicPresent) != 0;
  EXPECT_TRUE(mic.has_value() || !claimed) << "MsvAvFlags claim a MIC";
  if (mic) {
    EXPECT_EQ(hex(message.mic), hex(*mic));
    EXPECT_EQ(hex(ntlm::mic(workspace(), session_key, recorded.negotiate, recorded.challenge,
                            recorded.authenticate)),
              hex(*mic));
  }
  if (const std::optional<Bytes> binding = block.optional_bytes("ChannelBinding")) {
    EXPECT_EQ(hex(response.av_pairs.find(ntlm::AvId::kChannelBindings)),
              hex(channel_binding_hash(workspace(), *binding)));
  }
  return session_key;
}

void check_mech_list_mics(const Recorded& recorded, Exchange& exchange) {
  for (const MechListMic& made : recorded.mech_list_mics) {
    ntlm::MessageSecurity& receiver = exchange.receiver_from(made.sender);
    EXPECT_TRUE(receiver.verify_mic(recorded.mech_types, made.mic).has_value());
    receiver.mech_list_mic_done(Direction::kReceived);
  }
}

std::string response_name(const Recorded& recorded) {
  if (recorded.authenticate.empty()) return "none";
  const auto kind = response_kind(ntlm::parse_authenticate(recorded.authenticate).value());
  return kind == ntlm::ResponseKind::kNtlmV2      ? "NTLMv2"
         : kind == ntlm::ResponseKind::kNtlmV1    ? "NTLMv1"
         : kind == ntlm::ResponseKind::kNtlmV1Ess ? "NTLMv1-ESS"
                                                  : ntlm::name(kind);
}

void replay_exchange(VectorBlock& block, Exchange& exchange) {
  exchange = Exchange();
  block.text("Name");
  block.text("InitiatorPeer");
  block.text("AcceptorPeer");
  const std::string password = block.text("Password");
  Recorded recorded;
  size_t index = 0;
  for (const auto& [from, token] : block.sequence({kFromInitiator, kFromAcceptor})) {
    take_token(index++, sender_of(from), token, recorded);
  }
  EXPECT_GT(index, 0U);
  EXPECT_EQ(response_name(recorded), block.word("Response"));
  EXPECT_EQ(recorded.mech_list_mics.size(), block.number("MechListMics"));
  if (response_name(recorded) != "NTLMv2") return;

  const std::optional<ntlm::ExportedSessionKey> key = check_proofs(block, recorded, password);
  ASSERT_TRUE(key.has_value());
  const auto flags = ntlm::parse_authenticate(recorded.authenticate).value().flags;
  const auto protection = [&](Sender self) {
    return std::make_unique<ntlm::MessageSecurity>(workspace(), flags,
                                                   ntlm::ExportedSessionKey(key->view()), self);
  };
  exchange.initiator = protection(Sender::kInitiator);
  exchange.acceptor = protection(Sender::kAcceptor);
  check_mech_list_mics(recorded, exchange);
}

void replay_message(VectorBlock& block, Exchange& exchange) {
  ASSERT_NE(exchange.initiator, nullptr);
  ntlm::MessageSecurity& receiver = exchange.receiver_from(sender_of(block.word("From")));
  const Bytes plaintext = block.bytes("Plaintext");
  const Bytes token = block.bytes("Token");
  ASSERT_GE(token.size(), ntlm::kSignatureSize);
  EXPECT_EQ(load_u32le(token.data() + 12), block.number("Sequence"));
  if (block.word("Kind") == "mic") {
    const Result<void> verified = receiver.verify_mic(plaintext, token);
    if (block.must_fail()) return block.expect_error(verified);
    EXPECT_TRUE(verified.has_value());
    return;
  }
  Bytes out(token.size());
  const Result<MessageProtection::Unwrapped> unwrapped = receiver.unwrap(token, out);
  if (block.must_fail()) return block.expect_error(unwrapped);
  ASSERT_TRUE(unwrapped.has_value()) << describe(unwrapped.error());
  EXPECT_EQ(hex(ByteView(out).prefix(unwrapped.value().size)), hex(plaintext));
}

void replay_file(const std::string& file) {
  Exchange exchange;
  VectorHandlers handlers{
      {"Exchange", [&](VectorBlock& block) { replay_exchange(block, exchange); }}};
  for (const VectorBlock& block : testing::load_vectors(file)) {
    if (block.instruction() != "Message") continue;
    handlers["Message"] = [&](VectorBlock& message) { replay_message(message, exchange); };
  }
  testing::run_vectors(file, handlers);
}

TEST(Transcripts, EveryTokenDecodesAndEveryProofVerifies) {
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(PGSS_VECTORS_DIR "/transcripts")) {
    const std::string name = entry.path().filename().string();
    if (!name.ends_with(".vec") || name == "altered.vec") continue;
    replay_file("transcripts/" + name);
    ++files;
  }
  EXPECT_GE(files, 8U);
}

// --- altered tokens ---

// StandIn takes the place of Kerberos: any token is taken as the last, and no MIC verifies.
class StandInProtection final : public MessageProtection {
 public:
  bool can_mic() const override { return true; }
  size_t mic_size() const override { return 16; }
  size_t wrap_size(size_t) const override { return 0; }
  Result<size_t> mic(ByteView, MutableBytes) override { return size_t{16}; }
  Result<void> verify_mic(ByteView, ByteView) override {
    return Error{Errc::kAuthFailed, "StandIn.mic", 0, 0};
  }
  Result<size_t> wrap(ByteView, bool, MutableBytes) override { return size_t{0}; }
  Result<Unwrapped> unwrap(ByteView, MutableBytes) override { return Unwrapped{0, false}; }
  ByteView session_key() const override { return {}; }
};

class StandIn final : public Mechanism {
 public:
  explicit StandIn(bool initiates) : first_call_of_initiator_(initiates) {}

  Result<void> step(ByteView, Step& next) override {
    if (std::exchange(first_call_of_initiator_, false)) {
      next.token = as_bytes("token of the stand-in").to_bytes();
      return {};
    }
    protection_ = std::make_unique<StandInProtection>();
    protection_->info.mechanism = "stand-in";
    next.kind = Step::Kind::kEstablished;
    return {};
  }
  Result<void> resume(Answer&&, Step&) override {
    return Error{Errc::kApiMisuse, "StandIn.resume", 0, 0};
  }
  const char* state_name() const override { return "StandIn"; }
  bool proof_sent() const override { return true; }

 private:
  bool first_call_of_initiator_;
};

MechanismEntry stand_in(bool initiates) {
  const auto made_as = [](bool role) {
    return [role](MicNeed) -> Result<std::unique_ptr<Mechanism>> {
      return std::unique_ptr<Mechanism>(std::make_unique<StandIn>(role));
    };
  };
  static testing::FakeSource initiators(made_as(true)), acceptors(made_as(false));
  MechanismEntry entry;
  entry.oid = kKerberosOid;
  entry.alias = kMicrosoftKerberosOid;
  entry.source = initiates ? &initiators : &acceptors;
  return entry;
}

std::string outcome(const Result<MechanismStep>& result) {
  if (!result.has_value()) return testing::enumerator(result.error().code);
  return std::holds_alternative<Complete>(result.value()) ? "complete" : "continue";
}

// outcome_of gives the altered token to our side of the exchange.
std::string outcome_of(Sender sender, ByteView token) {
  static Runtime runtime = Runtime::create().value();
  const bool initiates = sender == Sender::kAcceptor;
  const MechanismEntry entries[] = {stand_in(initiates)};
  if (!initiates) {
    return outcome(step(*spnego::make_acceptor(runtime, {entries}).value(), token));
  }
  const auto initiator = spnego::make_initiator(runtime, {entries}).value();
  EXPECT_TRUE(step(*initiator, {}).has_value());
  return outcome(step(*initiator, token));
}

void check_altered(VectorBlock& block) {
  for (const char* name : {"Name", "InitiatorPeer", "AcceptorPeer", "Change"}) block.text(name);
  const auto altered = static_cast<size_t>(block.number("AlteredToken"));
  const auto tokens = block.sequence({kFromInitiator, kFromAcceptor});
  ASSERT_LT(altered, tokens.size());
  const bool refused = block.word("Expect") == "refused";
  Recorded recorded;
  for (size_t i = 0; i < tokens.size(); ++i) {
    const auto& [from, token] = tokens[i];
    if (i != altered || !refused) {
      take_token(i, sender_of(from), token, recorded);
      continue;
    }
    if (i == 0) {
      block.expect_error(spnego::parse_neg_token_init(token));
    } else {
      block.expect_error(spnego::parse_neg_token_resp(token));
    }
  }
  EXPECT_EQ(outcome_of(sender_of(tokens[altered].first), tokens[altered].second),
            block.word("Outcome"));
}

TEST(Transcripts, AlteredTokensAreTakenOrRefusedAsTheFileSays) {
  testing::run_vectors("transcripts/altered.vec", {{"Altered", check_altered}});
}

}  // namespace
}  // namespace pocketgss::mechs
