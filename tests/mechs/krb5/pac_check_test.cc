// What an acceptor believes of a PAC.
#include "mechs/krb5/pac_check.h"

#include <gtest/gtest.h>

#include "tests/mechs/krb5/exchange.h"
#include "tests/mechs/krb5/pac_maker.h"
#include "tests/support/vector_file.h"

namespace pocketgss::mechs::krb5 {
namespace {

using pocketgss::testing::VectorBlock;
using testing::authorization_data;
using testing::Exchange;
using testing::PacMaker;

// authtime_of is the ClientId of a PAC, in seconds since 1970.
int64_t authtime_of(ByteView octets) {
  const Pac pac = Pac::parse(octets).value();
  const auto info = parse_pac_client_info(*pac.find(PacBufferType::kClientInfo)).value();
  return static_cast<int64_t>(info.client_id / 10'000'000) - 11'644'473'600;
}

// check_kdc_signature: [MS-PAC] 2.8.2, over the server's signature.
void check_kdc_signature(crypto::Workspace& crypto, const Pac& pac, const Key& key) {
  const auto signature = [&](PacBufferType type) {
    return parse_pac_signature(pac.find(type).value()).value();
  };
  const PacSignature kdc = signature(PacBufferType::kKdcChecksum);
  EXPECT_TRUE(verify_checksum(crypto, key, KeyUsage::kNonKerberosChecksum, kdc.signature_type,
                              {signature(PacBufferType::kServerChecksum).signature}, kdc.signature)
                  .has_value());
}

void check_recorded(VectorBlock& block) {
  const auto etype = static_cast<int32_t>(block.number("Etype"));
  const Bytes key_octets = block.bytes("ServerKey"), octets = block.bytes("Pac");
  const std::string client = block.text("Client");
  const std::string logon_name = block.optional_text("LogonName").value_or("");
  SCOPED_TRACE(block.text("Name"));
  const auto authtime = static_cast<int64_t>(block.number("Authtime"));
  if (authtime != 0) {
    EXPECT_EQ(authtime_of(octets), authtime);
  }
  if (!known_etype(etype)) return block.ignore_unread();
  const Key key = Key::create(etype, key_octets).value();
  Runtime runtime = Runtime::create().value();
  const std::array<KerberosString, 1> names = {client};
  EncTicketPart ticket;
  ticket.cname = {name_type::kPrincipal, SequenceOf<KerberosString>(std::span(names))};
  ticket.authtime = {authtime_of(octets)};
  const auto name = verified_logon_name(runtime.crypto(), octets, key, ticket);
  if (block.must_fail()) return block.expect_error(name);
  ASSERT_TRUE(name.has_value()) << name.error().where;
  EXPECT_EQ(name.value(), logon_name);
  if (const auto kdc_key = block.optional_bytes("KdcKey")) {
    check_kdc_signature(runtime.crypto(), Pac::parse(octets).value(),
                        Key::create(etype, *kdc_key).value());
  }

  Bytes changed = octets;
  changed[octets.size() - 1] ^= 1;
  EXPECT_FALSE(verified_logon_name(runtime.crypto(), changed, key, ticket).has_value());
  ticket.authtime.seconds += 1;
  EXPECT_FALSE(verified_logon_name(runtime.crypto(), octets, key, ticket).has_value());
}

TEST(PacCheck, PacsOfWindowsAreVerifiedByTheirServerSignature) {
  pocketgss::testing::run_vectors("krb5/pac_signatures.vec", {{"VerifiedPac", check_recorded}});
}

class PacInTicket : public ::testing::TestWithParam<Etype> {};

TEST_P(PacInTicket, IsTakenWhereItsServerSignatureIsRight) {
  Exchange x(GetParam());
  x.ticket.authorization_data = authorization_data(PacMaker{}.make(x));
  const auto result = x.run();
  ASSERT_TRUE(result.has_value()) << result.error().where;
  EXPECT_EQ(x.server_done.protection->info.logon_name, "");  // there is no logon information in it
  EXPECT_EQ(x.server_done.protection->info.initiator_name, "alice@EXAMPLE.TEST");
}

// recorded_logon_info is the KERB_VALIDATION_INFO of one of the recorded PACs.
Bytes recorded_logon_info(const std::string& name) {
  Bytes out;
  for (VectorBlock& block : pocketgss::testing::load_vectors("krb5/pac_signatures.vec")) {
    if (block.text("Name") != name) continue;
    const Bytes octets = block.bytes("Pac");
    out = Pac::parse(octets).value().find(PacBufferType::kLogonInfo)->data.to_bytes();
  }
  EXPECT_FALSE(out.empty()) << name;
  return out;
}

TEST_P(PacInTicket, TheAccountThatItNamesIsToldToTheApplication) {
  Exchange x(GetParam());
  PacMaker maker;
  maker.logon_info = recorded_logon_info("s4u_pac_regular");
  x.ticket.authorization_data = authorization_data(maker.make(x));
  const auto result = x.run();
  ASSERT_TRUE(result.has_value()) << result.error().where;
  EXPECT_EQ(x.server_done.protection->info.logon_name, "ACME\\w2k8u");
  EXPECT_EQ(x.server_done.protection->info.initiator_name, "alice@EXAMPLE.TEST");
}

TEST_P(PacInTicket, IsRefusedWhereItsServerSignatureIsWrong) {
  Exchange x(GetParam());
  PacMaker maker;
  maker.damage = true;
  x.ticket.authorization_data = authorization_data(maker.make(x));
  const auto result = x.run();
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error(), (Error{Errc::kAuthFailed, "PAC", 0, 0}));
}

TEST_P(PacInTicket, IsRefusedWhereItIsAboutSomebodyElse) {
  Exchange x(GetParam());
  PacMaker maker;
  maker.name = "mallory";
  x.ticket.authorization_data = authorization_data(maker.make(x));
  EXPECT_FALSE(x.run().has_value());
}

INSTANTIATE_TEST_SUITE_P(, PacInTicket, ::testing::ValuesIn(testing::every_etype()),
                         [](const auto& test) { return testing::etype_word(test.param); });

}  // namespace
}  // namespace pocketgss::mechs::krb5
