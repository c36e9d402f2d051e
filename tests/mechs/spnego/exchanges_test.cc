// Recorded exchanges of real peers: our initiator and our acceptor must send the very tokens that
// the peers sent around the same NTLM messages, and understand what they protected.
#include <gtest/gtest.h>

#include <deque>

#include "base/utf16.h"
#include "mechs/ntlm/messages.h"
#include "mechs/ntlm/sealing.h"
#include "mechs/oids.h"
#include "mechs/spnego/token.h"
#include "tests/fakes/fake_source.h"
#include "tests/mechs/spnego/pair.h"
#include "tests/support/hex.h"
#include "tests/support/vector_file.h"

namespace pocketgss::mechs::spnego {
namespace {

using testing::hex;
using testing::VectorBlock;

crypto::Workspace& workspace() {
  return testing::test_runtime().crypto();
}

// Replay is a mechanism that sends the recorded messages, expects the peer's, and then protects
// with the key of the exchange.
class Replay final : public Mechanism {
 public:
  using Protect = std::function<std::unique_ptr<MessageProtection>()>;
  Replay(std::deque<Bytes> sends, std::deque<Bytes> expects, Protect protect, bool wants_mic)
      : sends_(std::move(sends)),
        expects_(std::move(expects)),
        protect_(std::move(protect)),
        wants_mic_(wants_mic) {}

  Result<void> step(ByteView peer_token, Step& next) override {
    if (!expects_.empty() && (started_ || !peer_token.empty())) {
      if (!(peer_token == ByteView(expects_.front()))) {
        return Error{Errc::kAuthFailed, "not the recorded message", 0, 0};
      }
      expects_.pop_front();
    }
    started_ = true;
    const bool sends = !sends_.empty();
    if (sends) {
      next.token = std::move(sends_.front());
      sends_.pop_front();
    }
    if (sends_.empty() && expects_.empty()) {
      next.kind = Step::Kind::kEstablished;
      next.has_token = sends;
      protection_ = protect_();
    }
    return {};
  }
  Result<void> resume(Answer&&, Step&) override { return Error{Errc::kApiMisuse, "Replay", 0, 0}; }
  const char* state_name() const override { return "Replay"; }
  bool proof_sent() const override { return true; }
  bool wants_mech_list_mic() const override { return wants_mic_; }

 private:
  std::deque<Bytes> sends_, expects_;
  Protect protect_;
  bool wants_mic_, started_ = false;
};

bool is_ntlm(ByteView token) {
  return token.size() >= 8 && token.prefix(8) == ByteView(ntlm::kSignature);
}

// Recorded is one exchange of the file.
class Recorded {
 public:
  explicit Recorded(VectorBlock& block)
      : password_(block.text("Password")),
        initiator_says_state_(block.optional_number("InitiatorSaysState").value_or(0) == 1),
        session_key_(block.optional_bytes("SessionKey")),
        message_(block.optional_text("Message").value_or("")),
        tokens_(block.sequence({"Initiator", "Acceptor"})),
        protected_(
            block.sequence({"InitiatorWrap", "AcceptorWrap", "InitiatorMic", "AcceptorMic"})) {
    for (const auto& [who, token] : tokens_) take(who == "Initiator", token);
  }

  // ntlm_key derives ExportedSessionKey from the password ([MS-NLMP] 3.3.2, 3.4.5.1).
  ntlm::ExportedSessionKey ntlm_key() const {
    const auto message = ntlm::parse_authenticate(from_initiator_.back()).value();
    const auto challenge = ntlm::parse_challenge(from_acceptor_.front()).value();
    const auto response = ntlm::parse_ntlm_v2_response(message.nt_response, 0).value();
    Bytes user = message.user_name.to_bytes();
    simple_upcase_utf16le(user);
    const auto hash = ntlm::ntowf_v1(
        workspace(), password_to_utf16le(as_bytes(password_), "password").value().view());
    const auto key = ntlm::ntowf_v2(workspace(), hash.view(), user, message.domain_name);
    const auto proof =
        ntlm::nt_proof_str(workspace(), key, challenge.server_challenge, response.temp);
    EXPECT_EQ(hex(ByteView(proof)), hex(response.nt_proof_str));
    const auto base = ntlm::session_base_key(workspace(), key, FixedView<16>(proof));
    ntlm::ExportedSessionKey out(base.view());
    if (ntlm::has_flag(message.flags, ntlm::flag::kKeyExchange)) {
      ntlm::exchange_key(workspace(), base,
                         FixedView<16>(message.encrypted_random_session_key.data(), 16),
                         out.mutable_view());
    }
    return out;
  }
  Replay::Protect protect_as(ntlm::Sender self) const {
    return [this, self] {
      const auto flags = ntlm::parse_authenticate(from_initiator_.back()).value().flags;
      return std::make_unique<ntlm::MessageSecurity>(workspace(), flags, ntlm_key(), self);
    };
  }

  MechanismEntry entry(ntlm::Sender self) const {
    const auto& ours = self == ntlm::Sender::kInitiator ? from_initiator_ : from_acceptor_;
    const auto& theirs = self == ntlm::Sender::kInitiator ? from_acceptor_ : from_initiator_;
    MechanismEntry out;
    out.oid = kNtlmOid;
    out.source = &source([=, this](MicNeed) -> Result<std::unique_ptr<Mechanism>> {
      return std::unique_ptr<Mechanism>(std::make_unique<Replay>(
          std::deque<Bytes>(ours.begin(), ours.end()),
          std::deque<Bytes>(theirs.begin(), theirs.end()), protect_as(self),
          self == ntlm::Sender::kInitiator && initiator_sent_mic_));
    });
    return out;
  }
  // The mechanism that was offered before NTLM, where one was.
  std::optional<MechanismEntry> ignored_entry() const {
    if (!ignored_) return std::nullopt;
    MechanismEntry out;
    out.oid = kKerberosOid;
    out.source = &source([this](MicNeed) -> Result<std::unique_ptr<Mechanism>> {
      return std::unique_ptr<Mechanism>(std::make_unique<Replay>(
          std::deque<Bytes>{*ignored_, {}}, std::deque<Bytes>{{}}, nullptr, false));
    });
    return out;
  }

  // our_form leaves out what MIT's initiator says and ours does not.
  Bytes our_form(const Bytes& token) const {
    auto resp = parse_neg_token_resp(token);
    if (!initiator_says_state_ || !resp.has_value()) return token;
    NegTokenResp without = resp.value();
    without.neg_state.reset();
    return encode(without).value();
  }

  void check_protection(MessageProtection& protection, ntlm::Sender self) const {
    if (session_key_) {
      EXPECT_EQ(hex(protection.session_key()), hex(*session_key_));
    }
    const std::string_view own = self == ntlm::Sender::kInitiator ? "Initiator" : "Acceptor";
    for (const auto& [what, recorded] : protected_) {
      const bool is_mic = what.ends_with("Mic");
      if (what.starts_with(own)) {
        Bytes out(protection.wrap_size(message_.size()));
        const auto size = is_mic ? protection.mic(as_bytes(message_), out)
                                 : protection.wrap(as_bytes(message_), true, out);
        out.resize(size.value());
        EXPECT_EQ(hex(out), hex(recorded)) << what;
      } else if (is_mic) {
        EXPECT_TRUE(protection.verify_mic(as_bytes(message_), recorded).has_value()) << what;
      } else {
        Bytes out(recorded.size());
        const auto unwrapped = protection.unwrap(recorded, out);
        ASSERT_TRUE(unwrapped.has_value()) << what;
        EXPECT_EQ(as_text(ByteView(out).prefix(unwrapped.value().size)), message_);
      }
    }
  }

  const auto& tokens() const { return tokens_; }
  bool initiator_sent_mic() const { return initiator_sent_mic_; }

 private:
  void take(bool by_initiator, const Bytes& token) {
    std::optional<ByteView> inner;
    if (auto init = parse_neg_token_init(token); init.has_value()) {
      inner = init.value().mech_token;
    } else {
      const NegTokenResp resp = parse_neg_token_resp(token).value();
      inner = resp.response_token;
      if (by_initiator && resp.mech_list_mic) initiator_sent_mic_ = true;
    }
    if (!inner) return;
    if (!is_ntlm(*inner)) {
      ignored_ = inner->to_bytes();
    } else {
      (by_initiator ? from_initiator_ : from_acceptor_).push_back(inner->to_bytes());
    }
  }

  std::string password_;
  bool initiator_says_state_;
  std::optional<Bytes> session_key_;
  std::string message_;
  std::vector<std::pair<std::string, Bytes>> tokens_, protected_;
  testing::FakeSource& source(testing::FakeSource::Make make) const {
    return sources_.emplace_back(std::move(make));
  }

  std::vector<Bytes> from_initiator_, from_acceptor_;  // NTLM's messages
  std::optional<Bytes> ignored_;
  bool initiator_sent_mic_ = false;
  mutable std::deque<testing::FakeSource> sources_;
};

TEST(SpnegoExchanges, QuirkB3_SPN_13_OurInitiatorSendsWhatThePeersSent) {
  testing::run_vectors(
      "spnego/exchanges.vec",
      {{"Exchange", [](VectorBlock& block) {
          const Recorded recorded(block);
          std::vector<MechanismEntry> entries;
          if (auto ignored = recorded.ignored_entry()) entries.push_back(*ignored);
          entries.push_back(recorded.entry(ntlm::Sender::kInitiator));
          testing::Side side{make_initiator(testing::test_runtime(), {entries}).value(), {}, {}};
          Bytes incoming;
          bool last_is_ours = false;
          for (const auto& [who, token] : recorded.tokens()) {
            last_is_ours = who == "Initiator";
            if (last_is_ours) {
              const auto sent = testing::step_side(side, incoming);
              ASSERT_TRUE(sent.has_value()) << block.where() << describe(*side.error);
              EXPECT_EQ(hex(*sent), hex(recorded.our_form(token))) << block.where();
            }
            incoming = token;
          }
          if (last_is_ours) {  // SSEAN-W2: the acceptor's last token was left out
            side.complete = std::move(std::get<Complete>(peer_done(*side.mechanism).value()));
          } else {
            EXPECT_FALSE(testing::step_side(side, incoming).has_value());
          }
          ASSERT_TRUE(side.established()) << block.where() << describe(*side.error);
          EXPECT_EQ(side.complete->protection->info.mech_list_mic_verified,
                    recorded.initiator_sent_mic() && !last_is_ours);
          recorded.check_protection(*side.complete->protection, ntlm::Sender::kInitiator);
        }}});
}

TEST(SpnegoExchanges, QuirkB3_SPN_13_OurAcceptorSendsWhatThePeersSent) {
  testing::run_vectors(
      "spnego/exchanges.vec",
      {{"Exchange", [](VectorBlock& block) {
          const Recorded recorded(block);
          const std::vector<MechanismEntry> entries = {recorded.entry(ntlm::Sender::kAcceptor)};
          AcceptorConfig config;
          config.mechanisms = entries;
          testing::Side side{make_acceptor(testing::test_runtime(), config).value(), {}, {}};
          std::optional<Bytes> sent;
          for (const auto& [who, token] : recorded.tokens()) {
            if (who == "Initiator") {
              sent = testing::step_side(side, token);
              ASSERT_TRUE(sent.has_value()) << block.where() << describe(*side.error);
            } else {
              EXPECT_EQ(hex(*sent), hex(token)) << block.where();
            }
          }
          ASSERT_TRUE(side.established()) << block.where();
          EXPECT_EQ(side.complete->protection->info.mech_list_mic_verified,
                    recorded.initiator_sent_mic());
          recorded.check_protection(*side.complete->protection, ntlm::Sender::kAcceptor);
        }}});
}

}  // namespace
}  // namespace pocketgss::mechs::spnego
