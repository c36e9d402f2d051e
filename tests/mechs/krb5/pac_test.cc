// The PAC: its table, its signatures and its names.
#include "mechs/krb5/pac.h"

#include <gtest/gtest.h>

#include <array>

#include "base/utf16.h"
#include "mechs/krb5/padata.h"
#include "tests/support/hex.h"
#include "tests/support/vector_file.h"

namespace pocketgss::mechs::krb5 {
namespace {

using testing::hex;
using testing::unhex;
using testing::VectorBlock;

std::string utf8(ByteView utf16) {
  std::string text;
  return utf16le_to_utf8(utf16, "name", text).has_value() ? text : "<not UTF-16>";
}

void check_signature(const Pac& pac, PacBufferType type, uint64_t signature_type,
                     const Bytes& signature) {
  const auto parsed = parse_pac_signature(*pac.find(type));
  ASSERT_TRUE(parsed.has_value()) << describe(parsed.error());
  EXPECT_EQ(static_cast<uint32_t>(parsed.value().signature_type), signature_type);
  EXPECT_EQ(hex(parsed.value().signature), hex(signature));
  EXPECT_EQ(hex(pac.octets().sub(parsed.value().signature_offset, signature.size())),
            hex(signature));
  EXPECT_FALSE(parsed.value().rodc_identifier);
}

void check_pac(VectorBlock& block) {
  const std::string name = block.text("Name");
  const Bytes octets = block.bytes("Pac");
  const auto parsed = Pac::parse(octets);
  if (block.must_fail()) return block.expect_error(parsed);
  ASSERT_TRUE(parsed.has_value()) << block.where() << ": " << describe(parsed.error());
  const Pac& pac = parsed.value();
  std::vector<Bytes> buffers;
  for (size_t i = 0; i < pac.size(); ++i) {
    const PacBuffer buffer = pac[i];
    buffers.push_back(
        {static_cast<uint8_t>(buffer.type), static_cast<uint8_t>(buffer.data.size() >> 8),
         static_cast<uint8_t>(buffer.data.size()), static_cast<uint8_t>(buffer.offset >> 8),
         static_cast<uint8_t>(buffer.offset)});
  }
  EXPECT_EQ(buffers, block.bytes_list("Buffer"));
  check_signature(pac, PacBufferType::kServerChecksum, block.number("ServerSignatureType"),
                  block.bytes("ServerSignature"));
  check_signature(pac, PacBufferType::kKdcChecksum, block.number("KdcSignatureType"),
                  block.bytes("KdcSignature"));
  const auto client = parse_pac_client_info(*pac.find(PacBufferType::kClientInfo));
  ASSERT_TRUE(client.has_value());
  EXPECT_EQ(utf8(client.value().name), block.text("ClientName"));
  const auto logon = parse_logon_info(*pac.find(PacBufferType::kLogonInfo));
  ASSERT_TRUE(logon.has_value()) << describe(logon.error());
  EXPECT_EQ(utf8(logon.value().effective_name), block.text("EffectiveName"));
  EXPECT_EQ(utf8(logon.value().logon_domain_name), block.text("LogonDomainName"));
  EXPECT_EQ(logon.value().user_id, block.number("UserId"));
  const auto buffer = pac.find(PacBufferType::kUpnDnsInfo);
  const auto upn = block.optional_text("Upn");
  ASSERT_EQ(buffer.has_value(), upn.has_value());
  if (!upn) return;
  const auto info = parse_upn_dns_info(*buffer);
  ASSERT_TRUE(info.has_value());
  EXPECT_EQ(utf8(info.value().upn), *upn);
  EXPECT_EQ(utf8(info.value().dns_domain_name), block.text("DnsDomainName"));
}

TEST(Krb5Pac, ReadsThePacsOfMitsTests) {
  testing::run_vectors("krb5/pac.vec", {{"PAC", check_pac}});
}

Bytes windows_2003() {
  for (VectorBlock block : testing::load_vectors("krb5/pac.vec")) {
    const Bytes octets = block.bytes("Pac");
    block.ignore_unread();
    return octets;
  }
  return {};
}

void put_u32(Bytes& out, size_t at, uint32_t value) {
  for (size_t i = 0; i < 4; ++i) out[at + i] = static_cast<uint8_t>(value >> 8 * i);
}

void expect_refused(const Bytes& octets, const char* where, uint32_t offset) {
  const auto pac = Pac::parse(octets);
  ASSERT_FALSE(pac.has_value());
  EXPECT_EQ(pac.error(), (Error{Errc::kMalformed, where, offset, 0})) << describe(pac.error());
}

TEST(Krb5Pac, DER_7_RefusesACountThatWrapsOrDoesNotFit) {
  for (const uint32_t count : {0x0fffffffU, 0x10000000U, 0xffffffffU, 0x20000000U, 33U}) {
    Bytes octets = windows_2003();
    put_u32(octets, 0, count);
    expect_refused(octets, "PACTYPE.cBuffers", 0);
  }
  const Bytes cut = Bytes(70, 0);  // room for three entries and a bit
  Bytes four = cut;
  put_u32(four, 0, 4);
  expect_refused(four, "PACTYPE.cBuffers", 0);
}

TEST(Krb5Pac, DER_7_RefusesAnOffsetOrSizeThatWrapsOrDoesNotFit) {
  const Bytes good = windows_2003();
  const size_t entry = 8;
  struct Case {
    uint32_t size, low, high;
    const char* where;
    uint32_t offset;
  };
  const auto total = static_cast<uint32_t>(good.size());
  ASSERT_EQ(total % 8, 0U) << "so that the end is a place that a buffer may have";
  const Case cases[] = {
      {8, 0xfffffff8, 0xffffffff, "PAC_INFO_BUFFER.Offset", 16},
      {8, 72, 1, "PAC_INFO_BUFFER.Offset", 16},
      {8, 64, 0, "PAC_INFO_BUFFER.Offset", 16},  // inside the table
      {8, 0, 0, "PAC_INFO_BUFFER.Offset", 16},
      {8, 76, 0, "PAC_INFO_BUFFER.Offset", 16},  // no multiple of eight
      {0, total + 8, 0, "PAC_INFO_BUFFER.Offset", 16},
      {1, total, 0, "PAC_INFO_BUFFER.cbBufferSize", 12},
      {0xffffffff, 72, 0, "PAC_INFO_BUFFER.cbBufferSize", 12},
      {total - 71, 72, 0, "PAC_INFO_BUFFER.cbBufferSize", 12},
  };
  for (const Case& c : cases) {
    Bytes octets = good;
    put_u32(octets, entry + 4, c.size);
    put_u32(octets, entry + 8, c.low);
    put_u32(octets, entry + 12, c.high);
    expect_refused(octets, c.where, c.offset);
  }
  // A buffer of no octets at the very end lies inside.
  Bytes empty_last = good;
  put_u32(empty_last, entry + 4, 0);
  put_u32(empty_last, entry + 8, total);
  EXPECT_TRUE(Pac::parse(empty_last).has_value());
}

TEST(Krb5Pac, RefusesAnotherVersionAndEveryPrefix) {
  Bytes octets = windows_2003();
  octets[4] = 1;
  expect_refused(octets, "PACTYPE.Version", 4);
  octets[4] = 0;
  // The last buffer's four octets of padding may be missing.
  for (size_t size = 0; size < octets.size() - 4; ++size) {
    EXPECT_FALSE(Pac::parse(ByteView(octets).prefix(size)).has_value()) << size;
  }
}

TEST(Krb5Pac, DoesNotChooseBetweenTwoBuffersOfOneType) {
  Bytes octets = windows_2003();
  put_u32(octets, 8 + 3 * 16, 6);  // the KDC's signature becomes a second server signature
  const Pac pac = Pac::parse(octets).value();
  EXPECT_FALSE(pac.find(PacBufferType::kServerChecksum));
  EXPECT_FALSE(pac.find(PacBufferType::kKdcChecksum));
  EXPECT_TRUE(pac.find(PacBufferType::kClientInfo));
}

PacBuffer buffer_of(const Bytes& octets) {
  return PacBuffer{0, 16, octets};
}

TEST(Krb5Pac, ReadsTheIdentifierOfAReadOnlyDomainController) {
  const Bytes octets = unhex("10000000 0102030405060708090a0b0c 3412");
  const PacSignature signature = parse_pac_signature(buffer_of(octets)).value();
  EXPECT_EQ(signature.signature_type, 16);
  EXPECT_EQ(signature.signature_offset, 20U);
  EXPECT_EQ(signature.signature.size(), 12U);
  EXPECT_EQ(signature.rodc_identifier, 0x1234);
}

TEST(Krb5Pac, RefusesASignatureThatIsCutOrOfUnknownSize) {
  const Bytes cut = unhex("10000000 0102030405060708090a0b");
  EXPECT_EQ(parse_pac_signature(buffer_of(cut)).error(),
            (Error{Errc::kMalformed, "PAC_SIGNATURE_DATA.Signature", 20, 0}));
  const Bytes crc32 = unhex("01000000 01020304");
  EXPECT_EQ(parse_pac_signature(buffer_of(crc32)).error(),
            (Error{Errc::kMalformed, "PAC_SIGNATURE_DATA.SignatureType", 16, 0}));
}

TEST(Krb5Pac, ReadsTheSamNameOfAUpnDnsInfo) {
  const Bytes octets = unhex(
      "0200 1400 0200 1600 02000000 0200 1800 0400 1a00"
      "6100 6200 6300 01020304");
  const UpnDnsInfo info = parse_upn_dns_info(buffer_of(octets)).value();
  EXPECT_EQ(utf8(info.upn), "a");
  EXPECT_EQ(utf8(info.dns_domain_name), "b");
  EXPECT_EQ(utf8(info.sam_name), "c");
  EXPECT_EQ(hex(info.sid), "01020304");
  for (const size_t field : {0U, 2U, 4U, 6U, 12U, 14U, 16U, 18U}) {
    Bytes outside = octets;
    outside[field + 1] = 0xff;
    EXPECT_EQ(parse_upn_dns_info(buffer_of(outside)).error().offset, 16 + field / 4 * 4) << field;
  }
}

// Every octet of the NDR headers, counts and pointers: a refusal or names inside the buffer.
TEST(Krb5Pac, LogonInfoIsRefusedOrInsideWhateverItsNumbersSay) {
  const Bytes octets = windows_2003();
  const PacBuffer whole = *Pac::parse(octets).value().find(PacBufferType::kLogonInfo);
  const Bytes good = whole.data.to_bytes();
  for (size_t at = 0; at < good.size(); ++at) {
    for (const int value : {0x00, 0x01, 0x7f, 0x80, 0xff}) {
      Bytes changed = good;
      changed[at] = static_cast<uint8_t>(value);
      const auto info = parse_logon_info(buffer_of(changed));
      if (!info.has_value()) {
        EXPECT_EQ(info.error().code, Errc::kMalformed);
        EXPECT_LE(info.error().offset, 16 + changed.size());
      }
    }
  }
  size_t taken = 0;
  for (size_t size = 0; size < good.size(); ++size) {
    const Bytes cut(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size));
    taken += parse_logon_info(buffer_of(cut)).has_value();
  }
  EXPECT_EQ(taken, 0U) << "the length in the header is that of the whole";
}

AuthorizationData list_of(std::span<const AuthorizationDataEntry> entries) {
  return AuthorizationData(entries);
}

TEST(Krb5Pac, IsFoundInAdIfRelevantAlone) {
  const Bytes pac = windows_2003();
  const std::array<AuthorizationDataEntry, 1> inside = {AuthorizationDataEntry{128, pac}};
  const Bytes container = encode(list_of(inside)).value();
  const std::array<AuthorizationDataEntry, 2> good = {AuthorizationDataEntry{512, {}},
                                                      AuthorizationDataEntry{1, container}};
  const auto found = find_pac(list_of(good));
  ASSERT_TRUE(found.has_value() && found.value());
  EXPECT_EQ(hex(*found.value()), hex(pac));

  EXPECT_FALSE(find_pac(list_of(inside)).value());  // not where the client may have put it
  EXPECT_FALSE(find_pac(AuthorizationData()).value());
}

TEST(Krb5Pac, IsRefusedWhereThereAreTwo) {
  const Bytes pac = windows_2003();
  const std::array<AuthorizationDataEntry, 1> inside = {AuthorizationDataEntry{128, pac}};
  const Bytes container = encode(list_of(inside)).value();
  const std::array<AuthorizationDataEntry, 2> twice = {AuthorizationDataEntry{1, container},
                                                       AuthorizationDataEntry{1, container}};
  EXPECT_EQ(find_pac(list_of(twice)).error(), (Error{Errc::kMalformed, "AD-WIN2K-PAC", 0, 0}));
  const Bytes garbage = unhex("3080");
  const std::array<AuthorizationDataEntry, 1> broken = {AuthorizationDataEntry{1, garbage}};
  EXPECT_EQ(find_pac(list_of(broken)).error().code, Errc::kMalformed);
}

}  // namespace
}  // namespace pocketgss::mechs::krb5
