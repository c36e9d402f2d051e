// KDC exchanges that were recorded between other implementations: every message is read, and every
// key and checksum in them is the one that we make. With the service's key its ticket is opened too.
#include <gtest/gtest.h>

#include "mechs/krb5/client_secret.h"
#include "mechs/krb5/gss_token.h"
#include "mechs/krb5/kdc_errors.h"
#include "mechs/krb5/kdc_reply.h"
#include "mechs/krb5/names.h"
#include "mechs/krb5/pac_check.h"
#include "tests/mechs/krb5/fast.h"
#include "tests/support/hex.h"
#include "tests/support/vector_file.h"

namespace pocketgss::mechs::krb5 {
namespace {

using pocketgss::testing::hex;
using pocketgss::testing::run_vectors;
using pocketgss::testing::VectorBlock;

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

  // key_in takes a key of the file: its etype in two octets, then the key. Nothing where there is
  // none, or of an etype that was not built.
  static std::optional<Key> key_in(const std::optional<Bytes>& octets) {
    if (!octets || !known_etype(octets->at(1))) return std::nullopt;
    return Key::create(octets->at(1), ByteView(*octets).from(2)).value();
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
    service_key_ = key_in(block.optional_bytes("ServiceKey"));
    logon_name_ = block.optional_text("LogonName");
    const auto ap_req = block.optional_bytes("ApReq");
    session_.reset();
    subkey_.reset();
    armor_key_.reset();
    service_session_.reset();
    last_key_.clear();
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
    if (ap_req) on_ap_req(*ap_req);
    if (cached && session_) {
      EXPECT_EQ(hex(last_key_), hex(*cached)) << name_;
    }
  }

  void on_as_req(const Bytes& octets) {
    const KdcReq req = parse_as_req(octets).value();
    EXPECT_EQ(hex(encode(req).value()), hex(octets));
    client_ = principal_of(*req.req_body.cname, req.req_body.realm);
    as_req_ = octets;
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
      session_ = key_in(tgt_key_);
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
    on_encrypted_pa_data(reply.value().part, key);
  }
  // RFC 6806 11: a checksum over the AS-REQ.
  void on_encrypted_pa_data(const EncKdcRepPart& part, const Key& key) {
    if (!part.encrypted_pa_data) return;
    const auto found = find(*part.encrypted_pa_data, padata_type::kReqEncPaRep);
    if (!found) return;
    const Checksum sum = parse_checksum(*found).value();
    EXPECT_TRUE(verify_checksum(runtime_.crypto(), key, KeyUsage::kAsReqChecksum, sum.cksumtype,
                                {as_req_}, sum.checksum)
                    .has_value());
    ++request_checksums_;
  }
  void on_tgs_req(const Bytes& octets) {
    const KdcReq req = parse_tgs_req(octets).value();
    EXPECT_EQ(hex(encode(req).value()), hex(octets));
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
    armor_key_.reset();
    if (authenticator.subkey)
      subkey_ = Key::create(authenticator.subkey->keytype, authenticator.subkey->keyvalue).value();
    if (const auto fast = find(*req.padata, padata_type::kFxFast))
      on_fast_request(*fast, *pa_tgs_req, req.req_body);
  }
  void on_fast_request(ByteView fast, ByteView ap_req, const KdcReqBody& body) {
    ASSERT_TRUE(subkey_.has_value());
    armor_key_ = testing::fast_armor_key(runtime_, *subkey_, *session_);
    const auto opened = testing::open_fast_request(runtime_, *armor_key_, fast, ap_req).value();
    EXPECT_EQ(hex(encode_new(opened.part, 0).value()), hex(opened.plaintext.view()));
    EXPECT_EQ(hex(opened.part.req_body.der), hex(body.der));
    nonce_ = body.nonce;
    ++fast_requests_;
  }
  void on_tgs_rep(const Bytes& octets) {
    const KdcRep rep = parse_tgs_rep(octets).value();
    EXPECT_EQ(hex(encode(rep).value()), hex(octets));
    if (!session_) return;
    Key key = subkey_ ? subkey_->clone() : session_->clone();
    // Heimdal 7.8 passes over FAST in a TGS-REQ.
    const auto fast = rep.padata ? find(*rep.padata, padata_type::kFxFast) : std::nullopt;
    if (fast) {
      const auto opened =
          testing::open_fast_reply(runtime_, *armor_key_, *fast, rep.ticket.der).value();
      EXPECT_EQ(hex(encode_new(opened.part, 0).value()), hex(opened.plaintext.view()));
      EXPECT_EQ(opened.part.nonce, nonce_);
      ASSERT_TRUE(opened.part.finished && opened.part.strengthen_key);
      EXPECT_TRUE(same_name(opened.part.finished->cname, rep.cname));
      key = testing::fast_reply_key(runtime_, testing::key_of(*opened.part.strengthen_key), key);
      ++fast_replies_;
    }
    auto reply = open_reply(
        runtime_.crypto(), key,
        subkey_ ? KeyUsage::kTgsRepEncPartSubkey : KeyUsage::kTgsRepEncPartSessionKey, rep);
    ASSERT_TRUE(reply.has_value());
    last_key_ = reply.value().part.key.keyvalue.to_bytes();
    ++replies_;
    on_service_ticket(rep, reply.value().part);
  }
  // on_service_ticket compares what the service will read with what the client was told.
  void on_service_ticket(const KdcRep& rep, const EncKdcRepPart& told) {
    ASSERT_TRUE(service_key_.has_value());
    const auto plain = decrypts(*service_key_, KeyUsage::kTicket, rep.ticket.enc_part.cipher);
    ASSERT_TRUE(plain.has_value());
    const EncTicketPart ticket = parse_enc_ticket_part(*plain).value();
    EXPECT_EQ(ticket.crealm, rep.crealm);
    EXPECT_TRUE(same_name(ticket.cname, rep.cname));
    EXPECT_EQ(ticket.key.keytype, told.key.keytype);
    EXPECT_EQ(hex(ticket.key.keyvalue), hex(told.key.keyvalue));
    EXPECT_EQ(ticket.flags, told.flags);
    EXPECT_EQ(ticket.authtime, told.authtime);
    EXPECT_EQ(ticket.starttime, told.starttime);
    EXPECT_EQ(ticket.endtime, told.endtime);
    EXPECT_EQ(ticket.renew_till, told.renew_till);
    ticket_ = rep.ticket.der.to_bytes();
    service_session_ = testing::key_of(ticket.key);
    ++tickets_;

    const auto pac = ticket.authorization_data
                         ? find_if_relevant(*ticket.authorization_data, ad_type::kWin2kPac)
                         : std::nullopt;
    ASSERT_EQ(pac.has_value(), logon_name_.has_value());
    if (!pac) return;
    const auto name = verified_logon_name(runtime_.crypto(), *pac, *service_key_, ticket);
    ASSERT_TRUE(name.has_value()) << name.error().where;
    EXPECT_EQ(name.value(), *logon_name_);
    ++pacs_;
  }
  void on_ap_req(const Bytes& token) {
    const ApReq request = parse_ap_req(parse_context_token(token).value().message).value();
    EXPECT_EQ(hex(request.ticket.der), hex(ticket_));
    const auto plain =
        decrypts(*service_session_, KeyUsage::kApReqAuthenticator, request.authenticator.cipher);
    ASSERT_TRUE(plain.has_value());
    const Authenticator authenticator = parse_authenticator(*plain).value();
    const NameComponents sender(authenticator.cname, authenticator.crealm);
    EXPECT_EQ(principal_text(sender.view()), principal_text(client_.view()));
    ASSERT_TRUE(authenticator.cksum.has_value());
    EXPECT_TRUE(parse_gss_checksum(authenticator.cksum->checksum).has_value());
    ++ap_reqs_;
  }
  void on_error(const Bytes& octets) {
    const KrbError error = parse_krb_error(octets).value();
    EXPECT_EQ(hex(encode(error).value()), hex(octets));
    EXPECT_NE(error_of(error).peer_status, 0);
    if (error.error_code == error_code::kPreauthRequired) hints_ = error.e_data->to_bytes();
    if (armor_key_ && error.e_data) on_fast_error(*error.e_data, error.error_code);
  }
  // RFC 6113 5.4.4: the error stands inside once more.
  void on_fast_error(ByteView e_data, int32_t code) {
    const ByteView fast = find(parse_method_data(e_data).value(), padata_type::kFxFast).value();
    const auto opened = testing::open_fast_reply(runtime_, *armor_key_, fast, {}).value();
    const ByteView inside = find(opened.part.padata, padata_type::kFxError).value();
    EXPECT_EQ(parse_krb_error(inside).value().error_code, code);
    ++fast_errors_;
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
  std::optional<std::string> logon_name_;
  Principal client_;
  Bytes hints_, as_req_, ticket_, last_key_;
  std::optional<Bytes> tgt_key_;
  std::optional<Key> session_, subkey_, armor_key_, service_key_, service_session_;
  UInt32 nonce_;
  int passwords_ = 0, timestamps_ = 0, replies_ = 0, checksums_ = 0, tickets_ = 0, pacs_ = 0;
  int fast_requests_ = 0, fast_replies_ = 0, fast_errors_ = 0, ap_reqs_ = 0;
  int request_checksums_ = 0;
};

TEST_F(KdcRecorded, RepliesOpenWithTheKeysThatTheyWereMadeWith) {
  for (VectorBlock& block : pocketgss::testing::load_vectors("krb5/kdc_exchanges.vec")) {
    const bool as = block.instruction() == "AS-REP";
    if (!as && block.instruction() != "TGS-REP") continue;
    SCOPED_TRACE(block.where());
    reply(block, as);
  }
  EXPECT_GE(passwords_, 10);
  EXPECT_GE(replies_, known_etype(23) ? 23 : 21);
}

TEST_F(KdcRecorded, QuirkD31_WholeExchangesOfOtherClientsWithOtherKdcs) {
  run_vectors("krb5/kdc_sessions.vec",
              {{"Exchange", [&](VectorBlock& block) { exchange(block); }}});
  // So that a change of the file cannot make this a test of nothing.
  const bool rc4 = known_etype(23).has_value();
  EXPECT_GE(timestamps_, rc4 ? 24 : 21);
  EXPECT_GE(replies_, 26);
  EXPECT_GE(checksums_, rc4 ? 33 : 29);
  EXPECT_EQ(tickets_, rc4 ? 23 : 19);
  EXPECT_EQ(pacs_, rc4 ? 18 : 15);
  EXPECT_EQ(ap_reqs_, 3);
  EXPECT_EQ(fast_requests_, rc4 ? 24 : 20);
  EXPECT_EQ(fast_replies_, rc4 ? 15 : 12);
  EXPECT_EQ(fast_errors_, 4);
  EXPECT_EQ(request_checksums_, rc4 ? 18 : 15);
}

// Row KRC-5: MIT's test of string-to-key refuses it there.
TEST(KdcVectors, KRC_5_TooFewIterationsAreRefused) {
  size_t count = 0;
  for (VectorBlock& block : pocketgss::testing::load_vectors("krb5/string_to_key.vec")) {
    if (block.instruction() != "s2kparams") continue;
    const auto etype = known_etype(static_cast<int32_t>(block.number("Etype"))).value();
    const Bytes salt = block.bytes("Salt"), params = block.bytes("Params");
    const std::array<EtypeInfo2Entry, 1> entries = {
        {{static_cast<int32_t>(etype), as_text(salt), params}}};
    const Bytes info = encode(EtypeInfo2(std::span(entries))).value();
    const std::array<PaData, 1> hints = {{{padata_type::kEtypeInfo2, info}}};
    block.expect_error(hint_for(MethodData(std::span(hints)), etype, "", KdcPolicy()));
    ++count;
  }
  EXPECT_EQ(count, 1U);
}

}  // namespace
}  // namespace pocketgss::mechs::krb5
