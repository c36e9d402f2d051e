// Exchanges between other implementations: every ticket and authenticator opened, every AP-REP
// compared, every message token verified, and made again where nothing in it is random.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mechs/krb5/acceptor.h"
#include "mechs/krb5/ap_exchange.h"
#include "mechs/krb5/gss_token.h"
#include "mechs/krb5/message_tokens.h"
#include "mechs/krb5/messages.h"
#include "mechs/krb5/names.h"
#include "mechs/krb5/pac.h"
#include "mechs/krb5/padata.h"
#include "mechs/oids.h"
#include "mechs/spnego/token.h"
#include "tests/mechs/krb5/fake_replay_cache.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fixed_random.h"
#include "tests/support/hex.h"
#include "tests/support/mechanism_step.h"
#include "tests/support/vector_file.h"

namespace pocketgss::mechs::krb5 {
namespace {

using pocketgss::testing::CountingRandom;
using pocketgss::testing::FakeClock;
using pocketgss::testing::VectorBlock;
using testing::FakeReplayCache;

constexpr size_t kRoom = 512;

// mech_token takes SPNEGO off a token; empty where there is no mechanism's token in it. None that was
// recorded has a mechListMIC: Kerberos was the first choice of both sides each time.
Bytes mech_token(ByteView token) {
  if (token[0] == 0x6e || token[0] == 0x6f) return token.to_bytes();  // DCE style, bare
  if (token[0] == 0x60) {
    const auto frame = parse_initial_context_token(token).value();
    if (!(frame.this_mech == kSpnegoOid)) return token.to_bytes();
    const spnego::NegTokenInit init = spnego::parse_neg_token_init(token).value();
    EXPECT_FALSE(init.mech_list_mic.has_value());
    return init.mech_token ? init.mech_token->to_bytes() : Bytes{};
  }
  const spnego::NegTokenResp resp = spnego::parse_neg_token_resp(token).value();
  EXPECT_FALSE(resp.mech_list_mic.has_value());
  return resp.response_token ? resp.response_token->to_bytes() : Bytes{};
}

// message_of takes the frame of RFC 2743 3.1 off a token, which DCE style does without.
Bytes message_of(const Bytes& token, TokenId expected) {
  if (token[0] != 0x60) return token;
  const ContextToken framed = parse_context_token(token).value();
  EXPECT_EQ(framed.id, expected);
  return framed.message.to_bytes();
}

// Recorded is one exchange, and what our code makes of it.
class Recorded {
 public:
  void exchange(VectorBlock& block) {
    SCOPED_TRACE(block.text("Name"));
    block.text("InitiatorPeer"), block.text("AcceptorPeer");
    initiator_.reset(), acceptor_.reset();
    initiator_tokens_ = block.bytes_list("FromInitiator");
    acceptor_tokens_ = block.bytes_list("FromAcceptor");
    const std::string service = block.text("Service");
    const auto etype = static_cast<int32_t>(block.number("Etype"));
    not_built_ = etype == static_cast<int32_t>(Etype::kRc4Hmac) && !known_etype(etype);
    if (not_built_) return block.ignore_unread();
    const uint64_t kvno = block.number("Kvno");
    make_keytab(service, etype, static_cast<uint32_t>(kvno), block.bytes("Key"));
    if (block.must_fail()) {
      block.expect_error(accept(1'795'470'525'000'000, {}));
      block.optional_bytes("ChannelBinding");
      return;
    }
    open(Key::create(etype, block.bytes("Key")).value(), block);
    if (const auto other = block.optional_text("AcceptorService")) {
      make_keytab(*other, etype, static_cast<uint32_t>(kvno), block.bytes("AcceptorKey"));
    }
    const auto binding = block.optional_bytes("ChannelBinding");
    our_acceptor_takes_it(
        binding ? *binding : block.optional_bytes("AcceptorBinding").value_or(Bytes()), block);
  }

  void message(VectorBlock& block) {
    if (not_built_) return block.ignore_unread();
    const bool from_initiator = block.word("From") == "initiator";
    const std::string kind = block.word("Kind");
    const Bytes plaintext = block.bytes("Plaintext");
    Bytes token = block.bytes("Token");
    // DCE style rotates what is sealed by EC as well; RRC is not under the checksum.
    if (dce_style_ && kind == "wrap-conf" && token[0] == 5) {
      token[7] = static_cast<uint8_t>(token[7] + token[5]);
    }
    SCOPED_TRACE(block.where());
    layer_step(plaintext, block);
    MessageProtection& receiver = from_initiator ? *acceptor_ : *initiator_;
    if (block.must_fail()) {
      Bytes out(token.size());
      if (kind == "mic") {
        block.expect_error(receiver.verify_mic(plaintext, token));
      } else {
        block.expect_error(receiver.unwrap(token, out));
      }
      return;
    }
    verify(receiver, kind, plaintext, token);
    if (block.optional_word("Numbered") == "no") return;  // quirk D30
    if (dce_style_) return;                               // not how we send
    make_again(from_initiator ? *initiator_ : *acceptor_, kind, plaintext, token);
  }

 private:
  void make_keytab(const std::string& service, int32_t etype, uint32_t kvno, const Bytes& key) {
    principal_ = parse_principal(service, "").value();
    KeytabEntry entry;
    entry.principal = principal_.view();
    entry.etype = etype;
    entry.key = key;
    entry.set_kvno(kvno);
    file_ = write_keytab({&entry, 1}).value();
    keytab_ = parse_keytab(file_.view()).value();
  }

  Result<MechanismStep> accept(UnixMicros now, const Bytes& binding) {
    clock_.set(now);
    config_ = {};
    config_.keytab = &keytab_;
    config_.replay_cache = &cache_;
    config_.allow_rc4 = true;
    if (!binding.empty()) config_.channel_bindings = {binding};
    auto acceptor = make_acceptor(runtime_, config_).value();
    return step(*acceptor, mech_token(initiator_tokens_.at(0)));
  }

  // open decrypts all there is, and makes the protection of both sides of it.
  void open(const Key& service_key, VectorBlock& block) {
    const Bytes ap_req = message_of(mech_token(initiator_tokens_.at(0)), TokenId::kApReq);
    const ApReq request = parse_ap_req(ap_req).value();
    const SecretBytes ticket_plain =
        decrypt_part(runtime_, service_key, KeyUsage::kTicket, request.ticket.enc_part.cipher)
            .value();
    const EncTicketPart ticket = parse_enc_ticket_part(ticket_plain.view()).value();
    const Key session_key = key_of(ticket.key, true).value();
    const SecretBytes authenticator_plain =
        decrypt_part(runtime_, session_key, KeyUsage::kApReqAuthenticator,
                     request.authenticator.cipher)
            .value();
    const Authenticator authenticator = parse_authenticator(authenticator_plain.view()).value();
    ctime_ = unix_micros(authenticator.ctime, authenticator.cusec);
    client_ = principal_text(NameComponents(ticket.cname, ticket.crealm).view());
    if (const auto client = block.optional_text("Client")) {
      EXPECT_EQ(client_, *client);
    }
    if (const auto key = block.optional_bytes("SessionKey")) {
      EXPECT_EQ(session_key.view(), ByteView(*key));
    }
    GssChecksum checksum;
    if (authenticator.cksum && authenticator.cksum->cksumtype == 0x8003) {
      checksum = parse_gss_checksum(authenticator.cksum->checksum).value();
    }
    const uint32_t flags = checksum.flags;
    binding_sent_ = checksum.has_bindings();
    if (const auto input = block.optional_bytes("BindingInput")) {
      ChannelBindingHash hash{};
      runtime_.crypto().md5({*input}, hash);
      EXPECT_EQ(checksum.bindings, hash);
    }
    if (const auto expected = block.optional_number("Flags")) {
      EXPECT_EQ(flags, *expected);
    }
    flags_ = static_cast<ContextFlags>(flags);

    Key key = session_key.clone();
    if (authenticator.subkey) key = key_of(*authenticator.subkey, true).value();
    if (const auto expected = block.optional_bytes("InitiatorSubkey")) {
      EXPECT_EQ(key.view(), ByteView(*expected));
    }
    const uint32_t sequence = authenticator.seq_number.value_or(UInt32(0)).bits();
    uint32_t acceptor_sequence = sequence;
    bool acceptor_subkey = false;
    const Bytes reply = acceptor_tokens_.empty() ? Bytes() : mech_token(acceptor_tokens_.at(0));
    if (const auto code = block.optional_number("KrbError")) {
      const Bytes error = message_of(reply, TokenId::kKrbError);
      EXPECT_EQ(parse_krb_error(error).value().error_code, static_cast<int64_t>(*code));
    } else if (!reply.empty()) {
      const SecretBytes plain = open_ap_rep(session_key, reply);
      const EncApRepPart part = parse_enc_ap_rep_part(plain.view()).value();
      EXPECT_EQ(part.ctime, authenticator.ctime);
      EXPECT_EQ(part.cusec, authenticator.cusec);
      acceptor_sequence = part.seq_number.value_or(UInt32(0)).bits();
      if (part.subkey) {
        key = key_of(*part.subkey, true).value();
        acceptor_subkey = true;
      }
    }
    dce_style_ = (flags & gss_flag::kDceStyle) != 0;
    if (dce_style_ && initiator_tokens_.size() > 1) {
      const SecretBytes plain = open_ap_rep(session_key, mech_token(initiator_tokens_.at(1)));
      const EncApRepPart part = parse_enc_ap_rep_part(plain.view()).value();
      EXPECT_EQ(part.seq_number.value().bits(), acceptor_sequence);
    }
    if (const auto expected = block.optional_bytes("ContextKey"); expected && !expected->empty()) {
      EXPECT_EQ(key.view(), ByteView(*expected));
    }
    const auto side = [&](Role self, uint32_t send, uint32_t receive) {
      return make_message_protection(runtime_,
                                     {key.clone(), self, acceptor_subkey, send, receive, flags_})
          .value();
    };
    initiator_ = side(Role::kInitiator, sequence, acceptor_sequence);
    acceptor_ = side(Role::kAcceptor, acceptor_sequence, sequence);
  }

  SecretBytes open_ap_rep(const Key& session_key, const Bytes& token) {
    const Bytes message = message_of(token, TokenId::kApRep);
    return decrypt_part(runtime_, session_key, KeyUsage::kApRepEncPart,
                        parse_ap_rep(message).value().enc_part.cipher)
        .value();
  }

  void our_acceptor_takes_it(const Bytes& binding, VectorBlock& block) {
    const auto verdict = accept(ctime_, binding);
    if (const auto error = block.optional_word("AcceptorError")) {
      ASSERT_FALSE(verdict.has_value());
      EXPECT_EQ(pocketgss::testing::enumerator(verdict.error().code), *error);
      return;
    }
    ASSERT_TRUE(verdict.has_value()) << verdict.error().where;
    const Complete& done = std::get<Complete>(verdict.value());
    EXPECT_EQ(done.protection->info.initiator_name, client_);
    EXPECT_EQ(done.protection->info.channel_bound, binding_sent_ && !binding.empty());
    EXPECT_EQ(done.token.has_value(), has(done.protection->info.flags, kMutualFlag));
  }

  void verify(MessageProtection& receiver, const std::string& kind, ByteView plaintext,
              ByteView token) {
    if (kind == "mic") {
      const auto verified = receiver.verify_mic(plaintext, token);
      EXPECT_TRUE(verified.has_value()) << verified.error().where;
      return;
    }
    Bytes out(token.size());
    const auto message = receiver.unwrap(token, out);
    ASSERT_TRUE(message.has_value()) << message.error().where;
    EXPECT_EQ(ByteView(out).prefix(message.value().size), plaintext);
    EXPECT_EQ(message.value().confidential, kind == "wrap-conf");
  }

  // layer_step: RFC 4752 3.1, 3.2, in the sessions of mail clients.
  static void layer_step(ByteView plaintext, VectorBlock& block) {
    const auto layers = block.optional_number("Layers");
    if (!layers) return;
    ASSERT_GE(plaintext.size(), 4U);
    EXPECT_EQ(plaintext[0], *layers);
    EXPECT_EQ((plaintext[1] << 16) | (plaintext[2] << 8) | plaintext[3],
              static_cast<int64_t>(block.number("MaximumSize")));
    EXPECT_EQ(as_text(plaintext.from(4)),
              block.optional_text("AuthorizationIdentity").value_or(""));
  }

  // make_again: the number is ours to keep in step. Those that send RRC 0, as we do, must have sent
  // the same octets, as far as nothing in them is random.
  void make_again(MessageProtection& sender, const std::string& kind, ByteView plaintext,
                  ByteView token) {
    Bytes out(sender.wrap_size(plaintext.size()) + kRoom);
    const size_t size = (kind == "mic" ? sender.mic(plaintext, out)
                                       : sender.wrap(plaintext, kind == "wrap-conf", out))
                            .value();
    EXPECT_EQ(size, token.size());
    const bool old_form = token[0] == 0x60;
    const bool rotated = !old_form && kind != "mic" && (token[6] != 0 || token[7] != 0);
    if (kind == "mic" || (kind == "wrap-integ" && !rotated && !old_form)) {
      EXPECT_EQ(ByteView(out).prefix(size), token);
    }
  }

  FakeClock clock_;
  CountingRandom random_;
  Runtime runtime_ = Runtime::create(clock_, random_).value();
  FakeReplayCache cache_;
  std::vector<Bytes> initiator_tokens_, acceptor_tokens_;
  Principal principal_;
  SecretBytes file_;
  Keytab keytab_ = parse_keytab(ByteView(kEmptyKeytab)).value();
  AcceptorConfig config_;
  UnixMicros ctime_ = 0;
  std::string client_;
  bool binding_sent_ = false, dce_style_ = false;
  bool not_built_ = false;  // etype 23
  ContextFlags flags_ = kNoContextFlags;
  std::unique_ptr<MessageProtection> initiator_, acceptor_;

  static constexpr FixedBytes<2> kEmptyKeytab = {5, 2};
};

void replay(const std::string& file) {
  Recorded recorded;
  pocketgss::testing::run_vectors(
      file, {{"Exchange", [&](VectorBlock& block) { recorded.exchange(block); }},
             {"Message", [&](VectorBlock& block) { recorded.message(block); }}});
}

TEST(KerberosRecorded, QuirkA9_QuirkD17_ExchangesOfMitAreOpenedAndTheirTokensMadeAgain) {
  replay("krb5/exchanges_mit.vec");
}

TEST(KerberosRecorded, QuirkA8_QuirkD28_QuirkD30_ExchangesOfOtherPeersAreOpened) {
  replay("krb5/exchanges_peers.vec");
}

TEST(KerberosRecorded, LayerStepsOfMailClientsAreUnwrapped) {
  replay("krb5/exchanges_smtp.vec");
}

}  // namespace
}  // namespace pocketgss::mechs::krb5
