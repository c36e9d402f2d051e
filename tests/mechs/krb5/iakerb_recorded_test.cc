// IAKERB as MIT krb5 speaks it with itself. We do not build it; what is inside is Kerberos, and opens.
#include <gtest/gtest.h>

#include "asn1/reader.h"
#include "base/cursor.h"
#include "mechs/gss_token.h"
#include "mechs/krb5/acceptor.h"
#include "mechs/krb5/ap_exchange.h"
#include "mechs/krb5/gss_token.h"
#include "mechs/krb5/message_tokens.h"
#include "mechs/krb5/messages.h"
#include "mechs/krb5/names.h"
#include "mechs/krb5/padata.h"
#include "tests/mechs/krb5/fake_replay_cache.h"
#include "tests/support/hex.h"
#include "tests/support/mechanism_step.h"
#include "tests/support/vector_file.h"

namespace pocketgss::mechs::krb5 {
namespace {

using pocketgss::testing::hex;
using pocketgss::testing::run_vectors;
using pocketgss::testing::VectorBlock;

// The draft's numbers: token ids, and the key usage of the checksum over what went before.
constexpr FixedBytes<2> kProxyId = {0x05, 0x01}, kApReqId = {0x01, 0x00}, kApRepId = {0x02, 0x00};
constexpr auto kFinished = static_cast<KeyUsage>(42);
constexpr uint32_t kFinishedExtension = 1;

// unframed takes the frame of RFC 2743 3.1 off, where there is one, and the token id.
ByteView unframed(ByteView token, ByteView id) {
  if (token[0] == 0x60) token = parse_initial_context_token(token).value().inner_token;
  EXPECT_EQ(hex(token.prefix(2)), hex(id));
  return token.from(2);
}

template <typename T>
void expect_same(const Result<T>& parsed, ByteView message) {
  ASSERT_TRUE(parsed.has_value()) << parsed.error().where;
  EXPECT_EQ(hex(encode(parsed.value()).value()), hex(message));
}

class IakerbRecorded : public ::testing::Test {
 protected:
  void exchange(VectorBlock& block) {
    block.text("Name"), block.text("InitiatorPeer"), block.text("AcceptorPeer");
    const Bytes key = block.bytes("ServiceKey");
    const auto tokens = block.sequence({"FromInitiator", "FromAcceptor"});
    ASSERT_EQ(tokens.size(), 10U);
    for (size_t i = 0; i < 8; ++i) {
      to_kdc(tokens[i].second);
      append(conversation_, tokens[i].second);
    }
    EXPECT_EQ(kinds_, (std::vector<MessageType>{MessageType::kAsReq, MessageType::kKrbError,
                                                MessageType::kAsReq, MessageType::kKrbError,
                                                MessageType::kAsReq, MessageType::kAsRep,
                                                MessageType::kTgsReq, MessageType::kTgsRep}));
    open(unframed(tokens[8].second, kApReqId), unframed(tokens[9].second, kApRepId),
         Key::create(key[1], ByteView(key).from(2)).value(), block);
    refused(tokens[0].second);
    refused(tokens[8].second);
  }

  // A token of the first part: IAKERB-HEADER, then a message for or of the KDC.
  void to_kdc(const Bytes& token) {
    asn1::Reader reader(unframed(token, kProxyId));
    ASSERT_TRUE(reader.element(asn1::kSequence, "IAKERB-HEADER").has_value());
    const ByteView message = reader.rest();
    kinds_.push_back(message_type(message).value());
    switch (kinds_.back()) {
      case MessageType::kAsReq:
        return expect_same(parse_as_req(message), message);
      case MessageType::kAsRep:
        return expect_same(parse_as_rep(message), message);
      case MessageType::kTgsReq:
        return expect_same(parse_tgs_req(message), message);
      case MessageType::kKrbError:
        return expect_same(parse_krb_error(message), message);
      default:
        break;
    }
    const KdcRep reply = parse_tgs_rep(message).value();
    EXPECT_EQ(hex(encode(reply).value()), hex(message));
    ticket_ = reply.ticket.der.to_bytes();
  }

  void open(ByteView ap_req, ByteView ap_rep, const Key& service_key, VectorBlock& block) {
    const ApReq request = parse_ap_req(ap_req).value();
    EXPECT_EQ(hex(request.ticket.der), hex(ticket_));
    const auto opened = [&](const Key& key, KeyUsage usage, const EncryptedData& data) {
      return decrypt_part(runtime_, key, usage, data.cipher).value();
    };
    const SecretBytes ticket_plain =
        opened(service_key, KeyUsage::kTicket, request.ticket.enc_part);
    const EncTicketPart ticket = parse_enc_ticket_part(ticket_plain.view()).value();
    EXPECT_EQ(principal_text(NameComponents(ticket.cname, ticket.crealm).view()),
              block.text("Client"));
    const Key session_key = key_of(ticket.key, true).value();
    const SecretBytes plain =
        opened(session_key, KeyUsage::kApReqAuthenticator, request.authenticator);
    const Authenticator authenticator = parse_authenticator(plain.view()).value();
    const Key subkey = key_of(authenticator.subkey.value(), true).value();
    finished(authenticator.cksum.value().checksum, subkey);

    const SecretBytes reply_plain =
        opened(session_key, KeyUsage::kApRepEncPart, parse_ap_rep(ap_rep).value().enc_part);
    const EncApRepPart reply = parse_enc_ap_rep_part(reply_plain.view()).value();
    EXPECT_EQ(reply.ctime, authenticator.ctime);
    const Key key = key_of(reply.subkey.value(), true).value();
    EXPECT_EQ(hex(key.view()), hex(block.bytes("ContextKey")));
    const uint32_t ours = authenticator.seq_number.value().bits();
    const uint32_t theirs = reply.seq_number.value().bits();
    const auto side = [&](Role role, uint32_t send, uint32_t receive) {
      return make_message_protection(
                 runtime_, {key.clone(), role, true, send, receive, kReplayFlag | kSequenceFlag})
          .value();
    };
    initiator_ = side(Role::kInitiator, ours, theirs);
    acceptor_ = side(Role::kAcceptor, theirs, ours);
  }

  // finished: behind Flags an extension with a checksum over all tokens so far. Our parser passes
  // over it.
  void finished(ByteView checksum, const Key& subkey) {
    EXPECT_TRUE(parse_gss_checksum(checksum).has_value());
    ByteReader reader(checksum.from(kGssChecksumSize));
    EXPECT_EQ(reader.u32be("type").value(), kFinishedExtension);
    const size_t size = reader.u32be("length").value();
    asn1::Reader in(checksum.from(kGssChecksumSize + 8).prefix(size));
    asn1::Reader sequence = in.enter(asn1::kSequence, "KRB-FINISHED").value();
    const ByteView mic = sequence.contents(asn1::context(1), "KRB-FINISHED.gss-mic").value();
    const Checksum sum = parse_checksum(mic).value();
    EXPECT_TRUE(verify_checksum(runtime_.crypto(), subkey, kFinished, sum.cksumtype,
                                {conversation_}, sum.checksum)
                    .has_value());
  }

  void refused(ByteView token) {
    const Keytab keytab = parse_keytab(ByteView(kEmptyKeytab)).value();
    AcceptorConfig config;
    config.keytab = &keytab;
    config.replay_cache = &cache_;
    const auto result = step(*make_acceptor(runtime_, config).value(), token);
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().code, Errc::kPeerMisbehaved);
    EXPECT_STREQ(result.error().where, "InitialContextToken.thisMech");
  }

  void message(VectorBlock& block) {
    const bool from_initiator = block.word("From") == "initiator";
    const std::string kind = block.word("Kind");
    const Bytes plaintext = block.bytes("Plaintext"), token = block.bytes("Token");
    ASSERT_TRUE(initiator_ && acceptor_);
    MessageProtection& receiver = from_initiator ? *acceptor_ : *initiator_;
    ++messages_;
    if (kind == "mic") {
      EXPECT_TRUE(receiver.verify_mic(plaintext, token).has_value()) << block.where();
      return;
    }
    Bytes out(token.size());
    const auto size = receiver.unwrap(token, out);
    ASSERT_TRUE(size.has_value()) << block.where();
    EXPECT_EQ(hex(ByteView(out).prefix(size.value().size)), hex(plaintext));
    EXPECT_EQ(size.value().confidential, kind == "wrap-conf");
  }

  static constexpr FixedBytes<2> kEmptyKeytab = {5, 2};

  Runtime runtime_ = Runtime::create().value();
  testing::FakeReplayCache cache_;
  std::vector<MessageType> kinds_;
  Bytes conversation_, ticket_;
  std::unique_ptr<MessageProtection> initiator_, acceptor_;
  size_t messages_ = 0;
};

TEST_F(IakerbRecorded, WhatIsInsideIsKerberosAndOpens) {
  run_vectors("krb5/iakerb.vec", {{"Exchange", [&](VectorBlock& block) { exchange(block); }},
                                  {"Message", [&](VectorBlock& block) { message(block); }}});
  EXPECT_EQ(messages_, 6U);
}

}  // namespace
}  // namespace pocketgss::mechs::krb5
