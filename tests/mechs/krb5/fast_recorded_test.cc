// FAST in the exchanges of kdc_exchanges.vec: opened with the recorded keys, which are those that our
// KRB-FX-CF2 makes, every checksum verified, and the services' tickets.
#include "tests/mechs/krb5/fast.h"

#include <gtest/gtest.h>

#include "tests/support/hex.h"
#include "tests/support/vector_file.h"

namespace pocketgss::mechs::krb5 {
namespace {

using pocketgss::testing::hex;
using pocketgss::testing::load_vectors;
using pocketgss::testing::VectorBlock;

// key_in takes a key of the file: its etype in two octets, then the key. Nothing where there is none,
// or of an etype that was not built.
std::optional<Key> key_in(VectorBlock& block, const char* name) {
  const auto octets = block.optional_bytes(name);
  if (!octets || !known_etype(octets->at(1))) return std::nullopt;
  return Key::create(octets->at(1), ByteView(*octets).from(2)).value();
}

std::string text_of(const std::optional<Key>& key) {
  return key ? hex(key->view()) : "none";
}

class FastRecorded : public ::testing::Test {
 protected:
  // In the order of the file, a reply belongs to the request before it.
  void request(VectorBlock& block, Result<KdcReq> (*parse)(ByteView)) {
    armor_key_.reset();
    const Bytes message = block.bytes("Message");
    const KdcReq req = parse(message).value();
    const auto fast = find(req.padata.value_or(MethodData()), padata_type::kFxFast);
    if (!fast) return;
    const bool as = req.msg_type == MessageType::kAsReq;
    const auto subkey = key_in(block, as ? "ArmorSubkey" : "AuthenticatorSubkey");
    const auto ticket_key = key_in(block, as ? "ArmorSessionKey" : "SessionKey");
    if (!subkey || !ticket_key) return;
    armor_key_ = testing::fast_armor_key(runtime_, *subkey, *ticket_key);
    if (as) armor(*fast, *ticket_key, *subkey);

    const ByteView covered = as ? req.req_body.der : *find(*req.padata, padata_type::kTgsReq);
    const auto opened = testing::open_fast_request(runtime_, *armor_key_, *fast, covered).value();
    EXPECT_EQ(hex(encode_new(opened.part, 0).value()), hex(opened.plaintext.view()));
    nonce_ = opened.part.req_body.nonce;
    if (as) {
      EXPECT_EQ(text_of(armor_key_), text_of(key_in(block, "ArmorKey")));
      EXPECT_EQ(hex(opened.plaintext.view()), hex(block.bytes("KrbFastReq")));
    } else {
      EXPECT_EQ(hex(opened.part.req_body.der), hex(req.req_body.der));
    }
    ++requests_;
  }
  // RFC 6113 5.4.1.1: an AP-REQ, whose sub-key is the one that was recorded.
  void armor(ByteView fast, const Key& ticket_key, const Key& subkey) {
    const FastArmoredReq armored = testing::parse_fast_request(fast).value();
    ASSERT_TRUE(armored.armor.has_value());
    EXPECT_EQ(armored.armor->armor_type, 1);
    const ApReq ap_req = parse_ap_req(armored.armor->armor_value).value();
    const SecretBytes plain = decrypt_part(runtime_, ticket_key, KeyUsage::kApReqAuthenticator,
                                           ap_req.authenticator.cipher)
                                  .value();
    const Authenticator authenticator = parse_authenticator(plain.view()).value();
    EXPECT_EQ(hex(authenticator.subkey.value().keyvalue), hex(subkey.view()));
  }

  void reply(VectorBlock& block, Result<KdcRep> (*parse)(ByteView)) {
    const Bytes message = block.bytes("Message");
    const KdcRep rep = parse(message).value();
    ticket(block, rep);
    if (!block.has("ArmorKey") || !key_in(block, "ArmorKey")) return;
    EXPECT_EQ(text_of(armor_key_), text_of(key_in(block, "ArmorKey")));
    const ByteView fast = find(rep.padata.value(), padata_type::kFxFast).value();
    const auto opened =
        testing::open_fast_reply(runtime_, *armor_key_, fast, rep.ticket.der).value();
    EXPECT_EQ(hex(encode_new(opened.part, 0).value()), hex(opened.plaintext.view()));
    EXPECT_EQ(opened.part.nonce, nonce_);
    EXPECT_EQ(opened.part.nonce.bits(), block.number("FastNonce"));
    ASSERT_TRUE(opened.part.finished && opened.part.strengthen_key);
    EXPECT_TRUE(same_name(opened.part.finished->cname, rep.cname));
    const Key strengthen = testing::key_of(*opened.part.strengthen_key);
    EXPECT_EQ(hex(strengthen.view()), text_of(key_in(block, "StrengthenKey")));
    // Of the AS-REP the other half is the client's key.
    const auto base =
        rep.msg_type == MessageType::kAsRep ? client_key() : key_in(block, "FromSubkey");
    EXPECT_EQ(hex(testing::fast_reply_key(runtime_, strengthen, *base).view()),
              text_of(key_in(block, "ReplyKey")));
    ++replies_;
  }
  Key client_key() {
    return string_to_key(runtime_.crypto(), Etype::kAes256CtsHmacSha384, as_bytes("Secret.123"),
                         as_bytes("EXAMPLE.TESTpreuser"),
                         default_iterations(Etype::kAes256CtsHmacSha384))
        .value();
  }
  void ticket(VectorBlock& block, const KdcRep& rep) {
    const auto key = key_in(block, "TicketKey");
    if (!key) return;
    const SecretBytes plain =
        decrypt_part(runtime_, *key, KeyUsage::kTicket, rep.ticket.enc_part.cipher).value();
    const EncTicketPart part = parse_enc_ticket_part(plain.view()).value();
    EXPECT_EQ(part.crealm, rep.crealm);
    EXPECT_TRUE(same_name(part.cname, rep.cname));
    EXPECT_EQ(hex(part.key.keyvalue), text_of(key_in(block, "NewSessionKey")));
    ++tickets_;
  }

  void error(VectorBlock& block) {
    const Bytes message = block.bytes("Message");
    const KrbError outside = parse_krb_error(message).value();
    if (!armor_key_ || !outside.e_data) return;
    const auto fast =
        find(parse_method_data(*outside.e_data).value(), padata_type::kFxFast).value();
    const auto opened = testing::open_fast_reply(runtime_, *armor_key_, fast, {}).value();
    EXPECT_EQ(opened.part.nonce, nonce_);
    const ByteView inside = find(opened.part.padata, padata_type::kFxError).value();
    EXPECT_EQ(parse_krb_error(inside).value().error_code, outside.error_code);
    ++errors_;
  }

  Runtime runtime_ = Runtime::create().value();
  std::optional<Key> armor_key_;
  UInt32 nonce_;
  int requests_ = 0, replies_ = 0, errors_ = 0, tickets_ = 0;
};

TEST_F(FastRecorded, EveryArmoredMessageOpensWithTheKeyThatWasRecorded) {
  for (VectorBlock& block : load_vectors("krb5/kdc_exchanges.vec")) {
    SCOPED_TRACE(block.where());
    const std::string& kind = block.instruction();
    if (kind == "AS-REQ") request(block, parse_as_req);
    if (kind == "TGS-REQ") request(block, parse_tgs_req);
    if (kind == "AS-REP") reply(block, parse_as_rep);
    if (kind == "TGS-REP") reply(block, parse_tgs_rep);
    if (kind == "KRB-ERROR") error(block);
  }
  const bool rc4 = known_etype(23).has_value();
  EXPECT_EQ(requests_, rc4 ? 15 : 14);
  EXPECT_EQ(replies_, rc4 ? 12 : 11);
  EXPECT_EQ(errors_, 3);
  EXPECT_EQ(tickets_, rc4 ? 5 : 4);
}

}  // namespace
}  // namespace pocketgss::mechs::krb5
