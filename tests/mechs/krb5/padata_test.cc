// What PA-DATA, authorization data and e-data hold.
#include "mechs/krb5/padata.h"

#include <gtest/gtest.h>

#include <array>

#include "tests/support/hex.h"

namespace pocketgss::mechs::krb5 {
namespace {

using testing::hex;
using testing::unhex;

TEST(Krb5Padata, WritesThePacRequestAndOptionsAsWindowsDoes) {
  EXPECT_EQ(hex(encode(PaPacRequest{true}).value()), "3005a0030101ff");
  EXPECT_EQ(hex(encode(PaPacOptions{KerberosFlags{flag_bit(1)}}).value()),
            "3009a00703050040000000");
  const Bytes request = unhex("3005a003010100");
  EXPECT_FALSE(parse_pa_pac_request(request).value().include_pac);
  const Bytes lax = unhex("3005a003010101");  // DER-8: a BOOLEAN has one true
  EXPECT_EQ(parse_pa_pac_request(lax).error(),
            (Error{Errc::kMalformed, "KERB-PA-PAC-REQUEST.include-pac", 6, 0}));
}

TEST(Krb5Padata, FindsTheFirstOfAType) {
  const Bytes one = unhex("01"), two = unhex("02");
  const std::array<PaData, 3> entries = {PaData{19, {}}, PaData{2, one}, PaData{2, two}};
  const MethodData data{std::span<const PaData>(entries)};
  EXPECT_EQ(hex(*find(data, 2)), "01");
  EXPECT_FALSE(find(data, 11));
  EXPECT_TRUE(find(data, 19)->empty());
}

TEST(Krb5Padata, TellsTheSaltThatIsAbsentFromTheEmptyOne) {
  const Bytes der = unhex("3014 3005 a003020112 300b a003020111 a104 1b02 4142");
  const EtypeInfo2 info = parse_etype_info2(der).value();
  auto entry = info.begin();
  EXPECT_FALSE((*entry).salt);
  EXPECT_EQ((*++entry).salt, "AB");
  const Bytes empty = unhex("300b 3009 a003020112 a1021b00");
  EXPECT_EQ(parse_etype_info2(empty).value().front().salt, "");
}

// The e-data that asks Windows to try again with the server's time.
TEST(Krb5Padata, QuirkD5_ReadsAndWritesSkewRecovery) {
  const Bytes der = unhex("3005a103020102");
  const EData data = parse_e_data(der);
  ASSERT_TRUE(data.kerb_error_data);
  EXPECT_EQ(*data.kerb_error_data, (KerbErrorData{2, std::nullopt}));
  EXPECT_FALSE(data.ext_error);
  EXPECT_EQ(hex(encode(KerbErrorData{2, std::nullopt}).value()), "3005a103020102");
}

// STATUS_ACCOUNT_LOCKED_OUT from an Active Directory KDC.
TEST(Krb5Padata, QuirkD25_ReadsAnNtStatusFromTheEData) {
  const Bytes der = unhex("3015 a103020103 a20e 040c 340200c0 00000000 01000000");
  const EData data = parse_e_data(der);
  ASSERT_TRUE(data.ext_error);
  EXPECT_EQ(*data.ext_error, (KerbExtError{0xc0000234, 0, 1}));
  EXPECT_FALSE(data.method_data);
}

TEST(Krb5Padata, QuirkD25_PassesOverAnExtendedErrorOfAnotherSize) {
  const Bytes der = unhex("3014 a103020103 a20d 040b 340200c0 00000000 010000");
  const EData data = parse_e_data(der);
  EXPECT_TRUE(data.kerb_error_data);
  EXPECT_FALSE(data.ext_error);
}

// KRC-10: e-data is nothing that one could rely on.
TEST(Krb5Padata, KRC_10_EDataOfNoKnownFormIsNoError) {
  for (const char* octets : {"", "00", "ffffffff", "3080", "3084ffffffff", "04020102"}) {
    const Bytes der = unhex(octets);
    const EData data = parse_e_data(der);
    EXPECT_FALSE(data.method_data || data.typed_data || data.kerb_error_data) << octets;
  }
}

TEST(Krb5Padata, TellsTypedDataFromMethodData) {
  const Bytes typed = unhex("3010 300e a003020113 a107 0405 0102030405");
  EXPECT_TRUE(parse_e_data(typed).typed_data);
  const Bytes methods = unhex("3010 300e a103020113 a207 0405 0102030405");
  EXPECT_TRUE(parse_e_data(methods).method_data);
}

AuthorizationDataEntry if_relevant(ByteView der) {
  return {1, der};
}

TEST(Krb5Padata, QuirkD14_FindsTheApOptionsInAdIfRelevant) {
  const Bytes options = unhex("00400000");
  const std::array<AuthorizationDataEntry, 1> inside = {AuthorizationDataEntry{143, options}};
  const Bytes container =
      encode(AuthorizationData(std::span<const AuthorizationDataEntry>(inside))).value();
  const Bytes garbage = unhex("3080");
  const std::array<AuthorizationDataEntry, 2> list = {if_relevant(garbage), if_relevant(container)};
  const AuthorizationData data{std::span<const AuthorizationDataEntry>(list)};
  EXPECT_EQ(kerb_ap_options(data), kKerbApOptionsCbt);
  EXPECT_FALSE(find_if_relevant(data, 128));
}

TEST(Krb5Padata, QuirkD14_ApOptionsOfAnotherSizeAreNone) {
  const Bytes options = unhex("004000");
  const std::array<AuthorizationDataEntry, 1> list = {AuthorizationDataEntry{143, options}};
  EXPECT_FALSE(kerb_ap_options(AuthorizationData(std::span<const AuthorizationDataEntry>(list))));
}

}  // namespace
}  // namespace pocketgss::mechs::krb5
