// Bad DER made by machine from every message: all of it is refused.
#include <gtest/gtest.h>

#include <map>

#include "mechs/krb5/codec.h"
#include "tests/support/der_negatives.h"
#include "tests/support/hex.h"
#include "tests/support/vector_file.h"

namespace pocketgss::mechs::krb5 {
namespace {

using testing::hex;

template <typename T>
std::optional<Error> error_of(const Result<T>& result) {
  return result.has_value() ? std::nullopt : std::optional(result.error());
}

using Parse = std::optional<Error> (*)(ByteView);
const std::map<std::string, Parse> kParsers = {
    {"Authenticator", [](ByteView d) { return error_of(parse_authenticator(d)); }},
    {"Ticket", [](ByteView d) { return error_of(parse_ticket(d)); }},
    {"EncTicketPart", [](ByteView d) { return error_of(parse_enc_ticket_part(d)); }},
    {"EncKDCRepPart", [](ByteView d) { return error_of(parse_enc_kdc_rep_part(d)); }},
    {"AS-REP", [](ByteView d) { return error_of(parse_as_rep(d)); }},
    {"TGS-REP", [](ByteView d) { return error_of(parse_tgs_rep(d)); }},
    {"AP-REQ", [](ByteView d) { return error_of(parse_ap_req(d)); }},
    {"AP-REP", [](ByteView d) { return error_of(parse_ap_rep(d)); }},
    {"EncAPRepPart", [](ByteView d) { return error_of(parse_enc_ap_rep_part(d)); }},
    {"AS-REQ", [](ByteView d) { return error_of(parse_as_req(d)); }},
    {"TGS-REQ", [](ByteView d) { return error_of(parse_tgs_req(d)); }},
    {"KDC-REQ-BODY", [](ByteView d) { return error_of(parse_kdc_req_body(d)); }},
    {"KRB-CRED", [](ByteView d) { return error_of(parse_krb_cred(d)); }},
    {"EncKrbCredPart", [](ByteView d) { return error_of(parse_enc_krb_cred_part(d)); }},
    {"KRB-ERROR", [](ByteView d) { return error_of(parse_krb_error(d)); }},
    {"AuthorizationData", [](ByteView d) { return error_of(parse_authorization_data(d)); }},
    {"METHOD-DATA", [](ByteView d) { return error_of(parse_method_data(d)); }},
    {"TYPED-DATA", [](ByteView d) { return error_of(parse_typed_data(d)); }},
    {"ETYPE-INFO", [](ByteView d) { return error_of(parse_etype_info(d)); }},
    {"ETYPE-INFO2", [](ByteView d) { return error_of(parse_etype_info2(d)); }},
    {"PA-ENC-TS-ENC", [](ByteView d) { return error_of(parse_pa_enc_ts_enc(d)); }},
    {"EncryptedData", [](ByteView d) { return error_of(parse_encrypted_data(d)); }},
};

// A changed tag is no defect where it makes an optional field another one of the same type (a till
// that is a from), or one of those behind the last that are skipped. And EncASRepPart and
// EncTGSRepPart are one.
bool is_no_defect(ByteView der, size_t offset, uint8_t tag, const std::string& type) {
  if (type == "EncKDCRepPart" && offset == 0) return tag == 0x79 || tag == 0x7a;
  const uint8_t before = der[offset];
  const bool both_fields = (before & 0xe0) == 0xa0 && (tag & 0xe0) == 0xa0;
  const bool till_made_from = before == 0xa5 && tag == 0xa4;
  return both_fields && (tag > before || till_made_from) && (tag & 0x1f) != 0x1f;
}

TEST(Krb5Negatives, DER_8_RefusesEveryDefectOfEveryMessage) {
  size_t count = 0, excused = 0;
  for (testing::VectorBlock block : testing::load_vectors("krb5/mit_reference_encodings.vec")) {
    const Bytes der = block.bytes("Der");
    block.ignore_unread();
    const auto parser = kParsers.find(block.instruction());
    if (parser == kParsers.end()) continue;
    ASSERT_FALSE(parser->second(der)) << block.where();
    for (const testing::DerNegative& bad : testing::der_negatives(der)) {
      testing::with_exact_copy(bad.der, [&](ByteView copy) {
        const auto error = parser->second(copy);
        if (!error) {
          // Only by a changed tag.
          size_t at = 0;
          while (at < der.size() && at < copy.size() && der[at] == copy[at]) ++at;
          const bool only_tag = copy.size() == der.size() && at < der.size() &&
                                copy.from(at + 1) == ByteView(der).from(at + 1);
          EXPECT_TRUE(only_tag && is_no_defect(der, at, copy[at], block.instruction()))
              << block.where() << ": " << bad.what << "\n"
              << hex(copy);
          ++excused;
          return;
        }
        EXPECT_EQ(error->code, Errc::kMalformed);
        EXPECT_LE(error->offset, copy.size());
      });
      ++count;
    }
  }
  EXPECT_GT(count, 20'000U);
  EXPECT_LT(excused, count / 100);
}

// Each type's vectors are refused by the parsers of all others, but for those that are alike.
TEST(Krb5Negatives, RefusesOneMessageWhereAnotherIsExpected) {
  const auto alike = [](const std::string& a, const std::string& b) {
    const auto either = [&](const char* x, const char* y) {
      return (a == x && b == y) || (a == y && b == x);
    };
    return a == b || either("ETYPE-INFO", "ETYPE-INFO2") ||
           either("AuthorizationData", "TYPED-DATA") || either("ETYPE-INFO", "TYPED-DATA") ||
           either("ETYPE-INFO", "AuthorizationData");
  };
  for (testing::VectorBlock block : testing::load_vectors("krb5/mit_reference_encodings.vec")) {
    const Bytes der = block.bytes("Der");
    block.ignore_unread();
    if (kParsers.count(block.instruction()) == 0 || hex(der) == "3000") continue;
    for (const auto& [name, parse] : kParsers) {
      if (alike(name, block.instruction())) continue;
      EXPECT_TRUE(parse(der)) << block.where() << " as " << name;
    }
  }
}

// DER-1, DER-2: neither depth nor many small elements cost more than their size.
TEST(Krb5Negatives, DER_1_RefusesNestedIndefiniteLengthsAtTheFirst) {
  const Bytes nested(100'000, 0x80);
  for (const auto& [name, parse] : kParsers) {
    EXPECT_TRUE(parse(nested)) << name;
    Bytes sequences;
    for (int i = 0; i < 33; ++i) append(sequences, testing::unhex("3080"));
    EXPECT_TRUE(parse(sequences)) << name;
  }
}

}  // namespace
}  // namespace pocketgss::mechs::krb5
