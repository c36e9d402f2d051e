// What an error-code means, against the table of docs/kerberos.md that tells users so.
#include "mechs/krb5/kdc_errors.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "mechs/krb5/ap_exchange.h"

namespace pocketgss::mechs::krb5 {
namespace {

// Documented is the codes of a status, in the order of their rows.
using Documented = std::map<int32_t, std::vector<Errc>>;

const std::map<std::string_view, Errc> kNames = {
    {"`kAuthFailed`", Errc::kAuthFailed},
    {"`kExpired`", Errc::kExpired},
    {"`kNeedsCredential`", Errc::kNeedsCredential},
    {"`kPeerIncompatible`", Errc::kPeerIncompatible},
    {"`kPeerMisbehaved`", Errc::kPeerMisbehaved},
    {"`kPolicy`", Errc::kPolicy},
    {"`kPolicy` (P15)", Errc::kPolicy},
    {"`kUnreachable`", Errc::kUnreachable},
};

std::vector<std::string> split(const std::string& text, std::string_view mark) {
  std::vector<std::string> out;
  for (size_t at = 0;;) {
    const size_t end = text.find(mark, at);
    out.push_back(text.substr(at, end - at));
    if (end == std::string::npos) return out;
    at = end + mark.size();
  }
}

// documented reads "| 32, 33 | `kExpired` | ... | ... |". Status 0 is that of no KRB-ERROR.
Documented documented() {
  std::ifstream page(PGSS_VECTORS_DIR "/../docs/kerberos.md");
  Documented out;
  bool in_table = false;
  for (std::string line; std::getline(page, line);) {
    if (line == "| status | code | what it says | what to do |") in_table = true;
    if (line.empty()) in_table = false;
    if (!in_table || line.size() < 3 || line[2] < '0' || line[2] > '9') continue;
    const auto cells = split(line.substr(2), " | ");
    EXPECT_EQ(cells.size(), 4U) << line;
    const auto name = kNames.find(cells[1]);
    EXPECT_NE(name, kNames.end()) << line;
    if (name == kNames.end()) continue;
    for (const std::string& number : split(cells[0], ", ")) {
      const int32_t status = std::stoi(number);
      if (status != 0) out[status].push_back(name->second);
    }
  }
  return out;
}

Errc of_a_kdc(int32_t code) {
  KrbError error;
  error.error_code = code;
  return error_of(error).code;
}

TEST(KdcErrors, MeanWhatTheTableSays) {
  const Documented table = documented();
  EXPECT_GE(table.size(), 25U);
  for (const auto& [status, codes] : table) {
    // Said of what came by TCP; by UDP it is no error.
    if (status == error_code::kResponseTooBig) continue;
    EXPECT_EQ(of_a_kdc(status), codes.front()) << status;
  }
}

// The further rows of one status are those where our policy ends the login.
TEST(KdcErrors, HaveASecondMeaningOnlyByPolicy) {
  const std::set<int32_t> of_two = {error_code::kEtypeNosupp, error_code::kPreauthRequired};
  for (const auto& [status, codes] : documented()) {
    for (const Errc code : codes) {
      if (code != codes.front()) {
        EXPECT_EQ(code, Errc::kPolicy) << status;
        EXPECT_TRUE(of_two.contains(status)) << status;
      }
    }
  }
}

TEST(KdcErrors, AreAllInTheTableButThoseThatMeanNothingInCommon) {
  const Documented table = documented();
  for (int32_t code = 0; code < 128; ++code) {
    if (of_a_kdc(code) == Errc::kPeerIncompatible) continue;
    EXPECT_TRUE(table.contains(code)) << code;
  }
}

// A service says what a KDC does of a ticket and an authenticator.
TEST(KdcErrors, MeanTheSameOfAService) {
  for (const int32_t code : {31, 32, 33, 34, 35, 36, 37, 41, 44, 45, 60})
    EXPECT_EQ(refusal(code).code, of_a_kdc(code)) << code;
}

}  // namespace
}  // namespace pocketgss::mechs::krb5
