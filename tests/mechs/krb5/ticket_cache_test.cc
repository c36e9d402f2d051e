// What a TicketCache takes from a credential cache, and until when it gives that out.
#include "mechs/krb5/ticket_cache.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "mechs/krb5/times.h"
#include "tests/mechs/krb5/cache_of_alice.h"
#include "tests/support/vector_file.h"

namespace pocketgss::mechs::krb5 {
namespace {

using pocketgss::testing::load_vectors;

constexpr Etype kEtypes[] = {Etype::kAes256CtsHmacSha1, Etype::kAes128CtsHmacSha1,
                             Etype::kAes256CtsHmacSha384, Etype::kAes128CtsHmacSha256};

TEST(TicketCache, HasTheTicketsThatKinitGot) {
  size_t files = 0;
  for (auto& block : load_vectors("krb5/ccache.vec")) {
    if (block.instruction() != "Kinit") continue;
    ++files;
    const Bytes file = block.bytes("File");
    block.ignore_unread();
    const Ccache ccache = parse_ccache(file, std::endian::little).value();
    UnixMicros then = 0;
    for (const CcacheCredential& credential : ccache)
      then = std::max(then, credential.starttime * kSecond);
    TicketCache cache;
    EXPECT_EQ(cache.add_all(ccache, kEtypes).value(), 0U);
    const auto tgt = cache.find_tgt(ccache.default_principal(), then);
    ASSERT_TRUE(tgt);
    EXPECT_EQ(principal_text(tgt->server.view()), "krbtgt/EXAMPLE.TEST@EXAMPLE.TEST");
    const Principal http = parse_principal("HTTP/web.example.test@EXAMPLE.TEST", "").value();
    EXPECT_TRUE(cache.find(ccache.default_principal(), http.view(), then));
    EXPECT_FALSE(cache.find(http.view(), http.view(), then));
  }
  EXPECT_GE(files, 4U);
}

struct File : CacheOfAlice {
  // found is the endtime of what there is at that second; 0: nothing.
  int64_t found(int64_t second) const {
    const SecretBytes octets = file();
    TicketCache cache;
    EXPECT_TRUE(cache.add_all(parse_ccache(octets.view()).value(), kEtypes).has_value());
    const auto ticket_then = cache.find(alice.view(), smtp.view(), second * kSecond);
    return ticket_then ? ticket_then->endtime.seconds : 0;
  }
};

// The clocks may differ by five minutes at the start, and a minute must be left at the end.
TEST(TicketCache, HasWhatIsValidNow) {
  File file;
  file.add(1000, 2000);
  EXPECT_EQ(file.found(699), 0);
  EXPECT_EQ(file.found(700), 2000);
  EXPECT_EQ(file.found(1939), 2000);
  EXPECT_EQ(file.found(1940), 0);
}

TEST(TicketCache, TakesAuthtimeWhereThereIsNoStarttime) {
  File file;
  file.add(0, 2000).authtime = 1500;
  EXPECT_EQ(file.found(1199), 0);
  EXPECT_EQ(file.found(1200), 2000);
}

TEST(TicketCache, TimesLastBeyond2038) {
  File file;
  file.add(1000, 0xfffffff0);
  EXPECT_EQ(file.found(0x80000001), 0xfffffff0);
}

TEST(TicketCache, P16_GoesByTheClockOfTheKdcThatTheFileTells) {
  File file;
  file.add(1000, 2000);
  file.offset = KdcOffset{3000, 0};
  EXPECT_EQ(file.found(-2301), 0);
  EXPECT_EQ(file.found(-2300), 2000);
  EXPECT_EQ(file.found(-1061), 2000);
  EXPECT_EQ(file.found(-1060), 0);
}

TEST(TicketCache, PassesOverWhatIsNoUsableTicket) {
  const auto taken = [](auto&& change) {
    File file;
    change(file, file.add(1000, 2000));
    return file.found(1500) != 0;
  };
  EXPECT_TRUE(taken([](File&, CcacheCredential&) {}));
  EXPECT_FALSE(taken([](File&, CcacheCredential& c) { c.is_skey = true; }));
  EXPECT_FALSE(taken([](File&, CcacheCredential& c) { c.ticket_flags = ticket_flag::kInvalid; }));
  EXPECT_FALSE(taken([](File& file, CcacheCredential& c) {
    file.smtp =
        Principal(name_type::kPrincipal, kConfigRealm).add("krb5_ccache_conf_data").add("a");
    c.server = file.smtp.view();
  }));
  EXPECT_FALSE(taken([](File& file, CcacheCredential& c) {
    file.smtp = Principal(name_type::kPrincipal, "X-RMED-CONF:").add("a");
    c.server = file.smtp.view();
  }));
}

TEST(TicketCache, ToleratesWhatMitKrb5HasRemoved) {
  File file;
  file.add(1000, 0).authtime = 0xffffffff;
  file.add(1000, 2000);
  EXPECT_EQ(file.found(1500), 2000);
}

}  // namespace
}  // namespace pocketgss::mechs::krb5
