// KDC exchanges that were recorded between other implementations: every message is read, and every
// key and checksum in them is the one that we make.
#include <gtest/gtest.h>

#include "mechs/krb5/client_secret.h"
#include "mechs/krb5/kdc_errors.h"
#include "mechs/krb5/kdc_reply.h"
#include "mechs/krb5/names.h"
#include "tests/support/hex.h"
#include "tests/support/vector_file.h"

namespace pocketgss::mechs::krb5 {
namespace {

using testing::hex;
using testing::run_vectors;
using testing::VectorBlock;

class KdcRecorded : public ::testing::Test {
 protected:
  // key_of makes the key of a password as a client would, of what the KDC said.
  Key key_of(int32_t etype, const MethodData& hints, const PrincipalView& client,
             std::string_view password) {
    ClientSecret secret;
    secret.password = SecretBytes(password);
    const Etype known = *known_etype(etype);
    const std::string salt = default_salt(client);
    auto hint = hint_for(hints, known, salt, policy_).value();
    if (!hint) hint = KeyHint{known, salt, default_iterations(known)};
    return client_key(runtime_.crypto(), secret, *hint).value();
  }
  // decrypts opens what is there, or gives nothing.
  std::optional<Bytes> decrypts(const Key& key, KeyUsage usage, ByteView cipher) {
    Bytes out(cipher.size());
    const auto size = decrypt(runtime_.crypto(), key, usage, cipher, out);
    if (!size.has_value()) return std::nullopt;
    out.resize(size.value());
    return out;
  }

  // reply opens one of kdc_exchanges.vec with the key that is written there; of an AS-REP the
  // password makes that key, where FAST has not changed it.
  void reply(VectorBlock& block, bool as) {
    const Bytes message = block.bytes("Message"), reply_key = block.bytes("ReplyKey");
    const Bytes session_key = block.bytes("NewSessionKey");
    const int32_t etype = reply_key[1];
    if (!known_etype(etype)) return;
    const KdcRep rep = (as ? parse_as_rep(message) : parse_tgs_rep(message)).value();
    const bool fast = rep.padata && find(*rep.padata, padata_type::kFxFast);
    if (as && !fast) {
      const NameComponents client(rep.cname, rep.crealm);
      const Key key = key_of(etype, rep.padata.value_or(MethodData()), client.view(), "Secret.123");
      EXPECT_EQ(hex(key.view()), hex(ByteView(reply_key).from(2)));
      ++passwords_;
    }
    const ReplyPart opened =
        open_reply(runtime_.crypto(), Key::create(etype, ByteView(reply_key).from(2)).value(),
                   as ? KeyUsage::kAsRepEncPart : KeyUsage::kTgsRepEncPartSubkey, rep)
            .value();
    const NameComponents server(opened.part.sname, opened.part.srealm);
    EXPECT_EQ(principal_text(server.view()), block.text("SName") + "@" + block.text("SRealm"));

    KdcQuestion question;
    question.nonce = static_cast<uint32_t>(block.number("ReplyNonce"));
    question.etypes = {*known_etype(session_key[1])};
    const UnixMicros then = opened.part.authtime.seconds * kSecond;
    // One was recorded with a clock that stood, and ends when it begins.
    EXPECT_EQ(check_reply(question, rep, opened.part, then).has_value(),
              opened.part.endtime > opened.part.authtime);
    const ServiceCredential credential = credential_of(rep, opened.part, 0).value();
    EXPECT_EQ(hex(credential.session_key.view()), hex(ByteView(session_key).from(2)));
    ++replies_;
  }

  // An exchange, message by message: `hints_` and the keys are those of the messages before.
  void exchange(VectorBlock& block) {
    name_ = block.text("Name");
    password_ = block.text("Password");
    const auto cached = block.optional_bytes("SessionKey");
    tgt_key_ = block.optional_bytes("TgtKey");
    session_.reset();
    subkey_.reset();
    last_key_.clear();
    fast_ = false;
    hints_.clear();
    for (const auto& [kind, octets] :
         block.sequence({"ASREQ", "ASREP", "TGSREQ", "TGSREP", "KRBERROR"})) {
      SCOPED_TRACE(name_ + " " + kind);
      if (kind == "ASREQ") on_as_req(octets);
      if (kind == "ASREP") on_as_rep(octets);
      if (kind == "TGSREQ") on_tgs_req(octets);
      if (kind == "TGSREP") on_tgs_rep(octets);
      if (kind == "KRBERROR") on_error(octets);
    }
    if (!cached || fast_) return;
    EXPECT_EQ(hex(last_key_), hex(*cached)) << name_;
  }

  void on_as_req(const Bytes& octets) {
    const KdcReq req = parse_as_req(octets).value();
    EXPECT_EQ(hex(encode(req).value()), hex(octets));
    client_ = principal_of(*req.req_body.cname, req.req_body.realm);
    const auto stamp = req.padata ? find(*req.padata, padata_type::kEncTimestamp) : std::nullopt;
    if (!stamp) return;
    const EncryptedData data = parse_encrypted_data(*stamp).value();
    if (!known_etype(data.etype)) return;
    const Key key =
        key_of(data.etype, parse_method_data(hints_).value(), client_.view(), password_);
    const auto plain = decrypts(key, KeyUsage::kPaEncTimestamp, data.cipher);
    ASSERT_TRUE(plain.has_value());
    EXPECT_TRUE(parse_pa_enc_ts_enc(*plain).has_value());
    ++timestamps_;
  }
  void on_as_rep(const Bytes& octets) {
    const KdcRep rep = parse_as_rep(octets).value();
    EXPECT_EQ(hex(encode(rep).value()), hex(octets));
    ticket_ = rep.ticket.der.to_bytes();
    if (tgt_key_) {
      session_ = Key::create((*tgt_key_)[1], ByteView(*tgt_key_).from(2)).value();
      return;
    }
    if (!known_etype(rep.enc_part.etype)) return;
    MethodData hints = rep.padata.value_or(MethodData());
    if (!find(hints, padata_type::kEtypeInfo2) && !hints_.empty())
      hints = parse_method_data(hints_).value();
    const Key key = key_of(rep.enc_part.etype, hints, client_.view(), password_);
    auto reply = open_reply(runtime_.crypto(), key, KeyUsage::kAsRepEncPart, rep);
    ASSERT_TRUE(reply.has_value());
    take_key(reply.value().part);
    ++replies_;
  }
  void on_tgs_req(const Bytes& octets) {
    const KdcReq req = parse_tgs_req(octets).value();
    EXPECT_EQ(hex(encode(req).value()), hex(octets));
    fast_ = find(*req.padata, padata_type::kFxFast).has_value();
    if (!session_) return;
    const auto pa_tgs_req = find(*req.padata, padata_type::kTgsReq);
    const ApReq ap_req = parse_ap_req(*pa_tgs_req).value();
    EXPECT_EQ(hex(ap_req.ticket.der), hex(ticket_));
    const auto plain =
        decrypts(*session_, KeyUsage::kTgsReqAuthenticator, ap_req.authenticator.cipher);
    ASSERT_TRUE(plain.has_value());
    const Authenticator authenticator = parse_authenticator(*plain).value();
    ASSERT_TRUE(authenticator.cksum.has_value());
    if (authenticator.cksum->cksumtype == static_cast<int32_t>(checksum_type(session_->etype()))) {
      EXPECT_TRUE(verify_checksum(runtime_.crypto(), *session_,
                                  KeyUsage::kTgsReqAuthenticatorChecksum,
                                  authenticator.cksum->cksumtype, {req.req_body.der},
                                  authenticator.cksum->checksum)
                      .has_value());
      ++checksums_;
    }
    subkey_.reset();
    if (authenticator.subkey)
      subkey_ = Key::create(authenticator.subkey->keytype, authenticator.subkey->keyvalue).value();
  }
  void on_tgs_rep(const Bytes& octets) {
    const KdcRep rep = parse_tgs_rep(octets).value();
    EXPECT_EQ(hex(encode(rep).value()), hex(octets));
    if (fast_ || !session_) return;
    const Key& key = subkey_ ? *subkey_ : *session_;
    auto reply = open_reply(
        runtime_.crypto(), key,
        subkey_ ? KeyUsage::kTgsRepEncPartSubkey : KeyUsage::kTgsRepEncPartSessionKey, rep);
    ASSERT_TRUE(reply.has_value());
    last_key_ = reply.value().part.key.keyvalue.to_bytes();
    ++replies_;
  }
  void on_error(const Bytes& octets) {
    const KrbError error = parse_krb_error(octets).value();
    EXPECT_EQ(hex(encode(error).value()), hex(octets));
    EXPECT_NE(error_of(error).peer_status, 0);
    if (error.error_code == error_code::kPreauthRequired) hints_ = error.e_data->to_bytes();
  }
  void take_key(const EncKdcRepPart& part) {
    last_key_ = part.key.keyvalue.to_bytes();
    session_.reset();
    if (known_etype(part.key.keytype))
      session_ = Key::create(part.key.keytype, part.key.keyvalue).value();
  }

  Runtime runtime_ = Runtime::create().value();
  KdcPolicy policy_;
  std::string name_, password_;
  Principal client_;
  Bytes hints_, ticket_, last_key_;
  std::optional<Bytes> tgt_key_;
  std::optional<Key> session_, subkey_;
  bool fast_ = false;
  int passwords_ = 0, timestamps_ = 0, replies_ = 0, checksums_ = 0;
};

TEST_F(KdcRecorded, RepliesOpenWithTheKeysThatTheyWereMadeWith) {
  for (VectorBlock& block : testing::load_vectors("krb5/kdc_exchanges.vec")) {
    const bool as = block.instruction() == "AS-REP";
    if (!as && block.instruction() != "TGS-REP") continue;
    SCOPED_TRACE(block.where());
    reply(block, as);
  }
  EXPECT_GE(passwords_, 10);
  EXPECT_GE(replies_, 23);
}

TEST_F(KdcRecorded, QuirkD31_WholeExchangesOfOtherClientsWithOtherKdcs) {
  run_vectors("krb5/kdc_sessions.vec",
              {{"Exchange", [&](VectorBlock& block) { exchange(block); }}});
  // So that a change of the file cannot make this a test of nothing.
  EXPECT_GE(timestamps_, 24);
  EXPECT_GE(replies_, 26);
  EXPECT_GE(checksums_, 33);
}

}  // namespace
}  // namespace pocketgss::mechs::krb5
