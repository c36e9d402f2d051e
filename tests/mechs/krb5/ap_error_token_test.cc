// What an acceptor that refuses tells the client: the code of a KRB-ERROR, and no more.
#include <gtest/gtest.h>

#include "tests/mechs/krb5/exchange.h"

namespace pocketgss::mechs::krb5 {
namespace {

using testing::Exchange;
using testing::kSecond;

// told is the code that the acceptor tells, and that our initiator hears; 0 where nothing is told.
int32_t told(Exchange& x) {
  const Bytes token = x.server->take_error_token();
  EXPECT_TRUE(x.server->take_error_token().empty()) << "once";
  if (token.empty()) return 0;
  const KrbError error = parse_krb_error(parse_context_token(token).value().message).value();
  const ApReq request = parse_ap_req(parse_context_token(x.ap_req).value().message).value();
  EXPECT_TRUE(same_name(error.sname, request.ticket.sname));
  EXPECT_EQ(unix_micros(error.stime, error.susec), x.clock.now());
  EXPECT_FALSE(error.e_text || error.e_data || error.cname);
  const auto heard = step(*x.client, token);
  EXPECT_FALSE(heard.has_value());
  EXPECT_EQ(heard.error().peer_status, error.error_code);
  EXPECT_NE(*heard.error().where, '\0');
  return error.error_code;
}

int32_t told_after_run(Exchange& x) {
  EXPECT_FALSE(x.run().has_value());
  return told(x);
}

TEST(KerberosAcceptor, QuirkD22_TellsWhichServiceOrKeyItLacks) {
  Exchange other_service, other_realm, other_kvno;
  other_service.ticket.service = parse_principal("imap/mail.example.test@EXAMPLE.TEST", "").value();
  EXPECT_EQ(told_after_run(other_service), error_code::kNotUs);
  other_realm.ticket.service = parse_principal("smtp/mail.example.test@OTHER.TEST", "").value();
  EXPECT_EQ(told_after_run(other_realm), error_code::kNokey);
  other_kvno.ticket.kvno = 4;
  EXPECT_EQ(told_after_run(other_kvno), error_code::kBadkeyver);
}

TEST(KerberosAcceptor, QuirkD22_TellsThatATicketIsOutOfItsTime) {
  Exchange early, late, invalid;
  early.ticket.starts_in = 302;
  late.ticket.ends_in = -302;
  for (Exchange* x : {&early, &late}) {
    x->issue();
    x->credential->endtime = x->time(3600);
  }
  invalid.ticket.flags |= ticket_flag::kInvalid;
  EXPECT_EQ(told_after_run(early), error_code::kTktNyv);
  EXPECT_EQ(told_after_run(late), error_code::kTktExpired);
  EXPECT_EQ(told_after_run(invalid), error_code::kTktNyv);
}

TEST(KerberosAcceptor, QuirkD22_TellsThatNamesDoNotMatch) {
  Exchange x;
  x.start();
  ASSERT_TRUE(x.make_ap_req().has_value());
  Authenticator authenticator = x.authenticator();
  authenticator.crealm = "OTHER.TEST";
  x.send_authenticator(authenticator);
  EXPECT_FALSE(x.verdict().has_value());
  EXPECT_EQ(told(x), error_code::kBadmatch);
}

TEST(KerberosAcceptor, QuirkD22_TellsOfAReplayAndOfASecondWrongTime) {
  Exchange x;
  ASSERT_TRUE(x.run().has_value());
  auto other = make_acceptor(x.runtime, x.acceptor).value();
  ASSERT_FALSE(step(*other, x.ap_req).has_value());
  const Bytes token = other->take_error_token();
  EXPECT_EQ(parse_krb_error(parse_context_token(token).value().message).value().error_code,
            error_code::kRepeat);

  Exchange y;
  y.clock_offset = 301 * kSecond;
  y.start();
  ASSERT_TRUE(y.make_ap_req().has_value());
  ASSERT_TRUE(y.verdict().has_value());
  EXPECT_TRUE(y.server->take_error_token().empty()) << "it has not failed";
  EXPECT_FALSE(y.verdict().has_value());
  EXPECT_EQ(told(y), error_code::kSkew);
}

TEST(KerberosAcceptor, P23_ABindingOfAnotherChannelIsToldAsAWrongChecksum) {
  const Bytes ours = as_bytes("tls-server-end-point:a").to_bytes();
  Exchange bound, checked;
  bound.initiator.channel_binding = as_bytes("tls-server-end-point:b");
  bound.acceptor.channel_bindings = {ours};
  EXPECT_EQ(told_after_run(bound), error_code::kModified);

  checked.start();
  ASSERT_TRUE(checked.make_ap_req().has_value());
  Authenticator authenticator = checked.authenticator();
  const Bytes checksum(12, 7);
  authenticator.cksum = Checksum{static_cast<int32_t>(ChecksumType::kHmacSha1Aes256), checksum};
  checked.send_authenticator(authenticator);
  EXPECT_FALSE(checked.verdict().has_value());
  EXPECT_EQ(told(checked), error_code::kModified);
}

TEST(KerberosAcceptor, P23_WhatThePolicyRefusesHasNoCodeOfItsOwn) {
  Exchange anonymous, realm, unbound;
  anonymous.ticket.flags |= ticket_flag::kAnonymous;
  realm.acceptor.client_realms = {"FRIEND.TEST"};
  unbound.acceptor.binding_requirement = BindingRequirement::kRequire;
  for (Exchange* x : {&anonymous, &realm, &unbound}) {
    EXPECT_EQ(told_after_run(*x), error_code::kGeneric);
  }
}

// No octet of either ciphertext can be altered so that another answer comes.
TEST(KerberosAcceptor, P23_AlteredCiphertextsAllGetOneAnswer) {
  Exchange x;
  x.start();
  ASSERT_TRUE(x.make_ap_req().has_value());
  const ApReq request = parse_ap_req(parse_context_token(x.ap_req).value().message).value();
  for (const ByteView cipher : {request.ticket.enc_part.cipher, request.authenticator.cipher}) {
    const size_t at = static_cast<size_t>(cipher.data() - x.ap_req.data());
    for (size_t i = 0; i < cipher.size(); ++i) {
      Bytes altered = x.ap_req;
      altered[at + i] ^= 1;
      auto acceptor = make_acceptor(x.runtime, x.acceptor).value();
      ASSERT_FALSE(step(*acceptor, altered).has_value());
      const Bytes token = acceptor->take_error_token();
      ASSERT_EQ(parse_krb_error(parse_context_token(token).value().message).value().error_code,
                error_code::kBadIntegrity)
          << i;
    }
  }
}

TEST(KerberosAcceptor, TellsNothingToWhoSendsNoApReq) {
  Exchange x;
  ASSERT_TRUE(x.run().has_value());
  for (const Bytes& token :
       {Bytes(), Bytes{1, 2, 3}, x.ap_rep, Bytes(x.ap_req.begin(), x.ap_req.end() - 1)}) {
    auto acceptor = make_acceptor(x.runtime, x.acceptor).value();
    EXPECT_FALSE(step(*acceptor, token).has_value());
    EXPECT_TRUE(acceptor->take_error_token().empty());
  }
  EXPECT_TRUE(x.server->take_error_token().empty());
  EXPECT_FALSE(step(*x.server, x.ap_req).has_value());
  EXPECT_TRUE(x.server->take_error_token().empty()) << "a token after the last one";
}

}  // namespace
}  // namespace pocketgss::mechs::krb5
