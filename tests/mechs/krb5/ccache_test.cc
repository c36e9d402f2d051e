#include "mechs/krb5/ccache.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "fuzz/oracles_krb5_files.h"
#include "tests/mechs/krb5/cache_of_alice.h"
#include "tests/support/allocations.h"
#include "tests/support/hex.h"
#include "tests/support/vector_file.h"

namespace pocketgss::mechs::krb5 {
namespace {

using pocketgss::testing::hex;
using pocketgss::testing::load_vectors;
using pocketgss::testing::read_elsewhere;
using pocketgss::testing::run_vectors;
using pocketgss::testing::unhex;
using pocketgss::testing::VectorBlock;

std::vector<std::string> texts(VectorBlock& block, std::string_view name) {
  std::vector<std::string> out;
  for (const Bytes& text : block.bytes_list(name)) out.emplace_back(as_text(text));
  return out;
}

std::string fields_of(const CcacheCredential& c) {
  char flags[9];
  std::snprintf(flags, sizeof flags, "%08x", c.ticket_flags);
  return "etype " + std::to_string(c.etype) + " times " + std::to_string(c.authtime) + " " +
         std::to_string(c.starttime) + " " + std::to_string(c.endtime) + " " +
         std::to_string(c.renew_till) + " is_skey " + (c.is_skey ? "1" : "0") + " flags " + flags;
}

std::string text_of(const CountedList<TypedOctets>& list) {
  std::string out;
  for (const TypedOctets& element : list)
    out += (out.empty() ? "" : " ") + std::to_string(element.type) + ":" + hex(element.value);
  return out;
}

// The letters of klist -f, in its order, of the flags that the recordings have.
std::string letters_of(uint32_t flags) {
  std::string out;
  for (const auto& [bit, letter] :
       {std::pair(1, 'F'), std::pair(9, 'I'), std::pair(10, 'A'), std::pair(12, 'T')}) {
    if (flags >> (31 - bit) & 1) out.push_back(letter);
  }
  // klist prints "A" before "T".
  return out;
}

std::vector<CcacheCredential> credentials_of(const Ccache& ccache) {
  return std::vector<CcacheCredential>(ccache.begin(), ccache.end());
}

void expect_marshalled(VectorBlock& block, const Ccache& ccache) {
  const auto clients = texts(block, "Client"), servers = texts(block, "Server"),
             fields = texts(block, "Fields"), addresses = texts(block, "Addresses"),
             authdata = texts(block, "AuthData");
  const auto keys = block.bytes_list("Key"), tickets = block.bytes_list("Ticket"),
             second_tickets = block.bytes_list("SecondTicket");
  const auto credentials = credentials_of(ccache);
  ASSERT_EQ(credentials.size(), clients.size()) << block.where();
  for (size_t i = 0; i < credentials.size(); ++i) {
    const CcacheCredential& credential = credentials[i];
    EXPECT_EQ(principal_text(credential.client), clients[i]) << block.where();
    EXPECT_EQ(principal_text(credential.server), servers[i]) << block.where();
    EXPECT_EQ(fields_of(credential), fields[i]) << block.where();
    EXPECT_EQ(text_of(credential.addresses), addresses[i]) << block.where();
    EXPECT_EQ(text_of(credential.authdata), authdata[i]) << block.where();
    EXPECT_TRUE(credential.key == ByteView(keys[i])) << block.where();
    EXPECT_TRUE(credential.ticket == ByteView(tickets[i])) << block.where();
    EXPECT_TRUE(credential.second_ticket == ByteView(second_tickets[i])) << block.where();
  }
}

// expect_canonical: version 4 comes back the same, and of the others the same is read.
void expect_canonical(VectorBlock& block, const Ccache& ccache, ByteView file) {
  const auto written =
      write_ccache(ccache.default_principal(), ccache.kdc_offset(), credentials_of(ccache));
  ASSERT_TRUE(written.has_value());
  if (ccache.version() == 4) {
    EXPECT_TRUE(written.value().view() == file) << block.where();
  }
  const Ccache again = parse_ccache(written.value().view()).value();
  EXPECT_EQ(again.version(), 4);
  EXPECT_EQ(again.size(), ccache.size());
}

Result<Ccache> parse(ByteView file) {
  return parse_ccache(file, std::endian::little);
}

TEST(Ccache, ReadsWhatMitKrb5MarshalsInEveryVersion) {
  run_vectors("krb5/ccache.vec", {{"Marshalled",
                                   [](VectorBlock& block) {
                                     const Bytes file = block.bytes("File");
                                     const auto ccache = parse(file);
                                     ASSERT_TRUE(ccache.has_value()) << block.where();
                                     EXPECT_EQ(ccache.value().version(), block.number("Version"));
                                     EXPECT_EQ(principal_text(ccache.value().default_principal()),
                                               block.text("DefaultPrincipal"));
                                     if (const auto offset = block.optional_text("KdcOffset")) {
                                       ASSERT_TRUE(ccache.value().kdc_offset());
                                       EXPECT_EQ(*offset, "300.054321");
                                       EXPECT_EQ(*ccache.value().kdc_offset(),
                                                 (KdcOffset{300, 54321}));
                                     }
                                     expect_marshalled(block, ccache.value());
                                     expect_canonical(block, ccache.value(), file);
                                   }},
                                  {"Kinit", read_elsewhere}});
}

TEST(Ccache, ReadsWhatKinitWroteInEveryVersion) {
  run_vectors("krb5/ccache.vec", {{"Kinit",
                                   [](VectorBlock& block) {
                                     const Bytes file = block.bytes("File");
                                     const auto ccache = parse(file);
                                     ASSERT_TRUE(ccache.has_value()) << block.where();
                                     EXPECT_EQ(ccache.value().version(), block.number("Version"));
                                     EXPECT_EQ(principal_text(ccache.value().default_principal()),
                                               block.text("DefaultPrincipal"));
                                     std::vector<std::string> listed;
                                     for (const CcacheCredential& c : ccache.value()) {
                                       if (c.is_config()) continue;
                                       listed.push_back(principal_text(c.server) + " etype " +
                                                        std::to_string(c.etype) + " start " +
                                                        std::to_string(c.starttime) + " end " +
                                                        std::to_string(c.endtime) + " flags " +
                                                        letters_of(c.ticket_flags));
                                     }
                                     EXPECT_EQ(listed, texts(block, "Credential")) << block.where();
                                     expect_canonical(block, ccache.value(), file);
                                   }},
                                  {"Marshalled", read_elsewhere}});
}

TEST(Ccache, KRA_13_RefusesBadLengthsAndVersions) {
  run_vectors("krb5/files_refused.vec", {{"CcacheRefused",
                                          [](VectorBlock& block) {
                                            const Bytes file = block.bytes("File");
                                            block.expect_error(parse(file));
                                          }},
                                         {"KeytabRefused", read_elsewhere}});
}

TEST(Ccache, KRA_13_OracleHoldsNearEveryVector) {
  for (const char* file : {"krb5/ccache.vec", "krb5/files_refused.vec"}) {
    for (auto& block : load_vectors(file)) {
      const Bytes whole = block.bytes("File");
      block.ignore_unread();
      const size_t step = 1 + whole.size() / 600;
      for (size_t size = 0; size <= whole.size(); size += step) {
        const auto exact = std::make_unique<uint8_t[]>(size);
        std::copy_n(whole.begin(), size, exact.get());
        fuzz::check_ccache(ByteView(exact.get(), size));
      }
      for (size_t at = 0; at < whole.size(); at += step) {
        for (const int flip : {0x01, 0x80, 0xff}) {
          Bytes other = whole;
          other[at] ^= static_cast<uint8_t>(flip);
          fuzz::check_ccache(other);
        }
      }
    }
  }
}

TEST(Ccache, ToleratesWhatMitKrb5HasRemoved) {
  CacheOfAlice cache;
  cache.add(100, 0).authtime = 0xffffffff;
  cache.add(100, 200);
  EXPECT_TRUE(cache.credentials[0].removed());
  EXPECT_FALSE(cache.credentials[1].removed());
}

TEST(Ccache, TellsConfigurationEntriesAndRemovedOnes) {
  CacheOfAlice cache;
  CcacheCredential& entry = cache.add(0, 0);
  entry.authtime = 0;
  for (const auto& [realm, config, removed] :
       {std::tuple("X-CACHECONF:", true, false), std::tuple("X-RMED-CONF:", false, true),
        std::tuple("R", false, false)}) {
    const Principal name =
        Principal(name_type::kPrincipal, realm).add("krb5_ccache_conf_data").add("fast_avail");
    entry.server = name.view();
    EXPECT_EQ(entry.is_config(), config) << realm;
    EXPECT_EQ(entry.removed(), removed) << realm;
  }
}

TEST(Ccache, RefusesToWriteWhatTheFormatCannotHold) {
  const auto refusal = [](auto&& change) {
    CacheOfAlice cache;
    change(cache.add(100, 200));
    const auto refused = write_ccache(cache.alice.view(), {}, cache.credentials);
    EXPECT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, Errc::kApiMisuse);
    return std::string(refused.error().where);
  };
  const std::vector<std::string_view> many(33, "a");
  const TypedOctets odd[] = {{0x8000, {}}};
  EXPECT_EQ(refusal([&](CcacheCredential& c) { c.client.components = Components(many); }),
            "ccache.client.count of components");
  EXPECT_EQ(refusal([&](CcacheCredential& c) { c.server.components = Components(many); }),
            "ccache.server.count of components");
  EXPECT_EQ(refusal([](CcacheCredential& c) { c.etype = -0x8001; }), "ccache.enctype");
  EXPECT_EQ(refusal([&](CcacheCredential& c) { c.addresses = CountedList<TypedOctets>(odd); }),
            "ccache.addresses");
  EXPECT_EQ(refusal([&](CcacheCredential& c) { c.authdata = CountedList<TypedOctets>(odd); }),
            "ccache.authdata");
}

TEST(Ccache, KRA_13_ReadsWithoutAnAllocation) {
  CacheOfAlice cache;
  for (uint32_t i = 0; i < 5000; ++i) cache.add(100, 200 + i);
  const SecretBytes file = cache.file();
  const testing::AllocationWatch watch;
  const auto ccache = parse_ccache(file.view());
  ASSERT_TRUE(ccache.has_value());
  uint32_t last = 0;
  for (const CcacheCredential& each : ccache.value()) last = each.endtime;
  EXPECT_EQ(last, 5199u);
  EXPECT_EQ(watch.count(), 0u);
}

TEST(Ccache, MEM_1_LeavesNoKeyInFreedMemory) {
  CacheOfAlice cache;
  cache.add(100, 200);
  const std::vector<Bytes> secrets = {cache.key};
  const testing::FreedSecrets freed(secrets);
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(cache.file().empty());
  }
  EXPECT_GE(freed.looked(), 3u);
  EXPECT_EQ(freed.found(), 0u);
}

TEST(Ccache, MEM_3_SurvivesEveryFailedAllocation) {
  CacheOfAlice cache;
  cache.add(100, 200);
  for (size_t n = 1;; ++n) {
    testing::FailingAllocations failing(n);
    const auto file = write_ccache(cache.alice.view(), cache.offset, cache.credentials);
    if (!failing.reached()) break;
    ASSERT_FALSE(file.has_value());
    EXPECT_EQ(file.error().code, Errc::kNoMemory);
  }
}

}  // namespace
}  // namespace pocketgss::mechs::krb5
