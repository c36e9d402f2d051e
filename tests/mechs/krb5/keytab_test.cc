#include "mechs/krb5/keytab.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>

#include "fuzz/oracles_krb5_files.h"
#include "mechs/krb5/crypto.h"
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

std::vector<KeytabEntry> entries_of(const Keytab& keytab) {
  return std::vector<KeytabEntry>(keytab.begin(), keytab.end());
}

void expect_contents(VectorBlock& block, const Keytab& keytab) {
  const auto expected = texts(block, "Entry");
  const auto keys = block.bytes_list("Key");
  const auto times = texts(block, "Time");
  const auto entries = entries_of(keytab);
  ASSERT_EQ(entries.size(), expected.size()) << block.where();
  ASSERT_EQ(keytab.size(), expected.size());
  for (size_t i = 0; i < entries.size(); ++i) {
    const KeytabEntry& entry = entries[i];
    EXPECT_EQ(principal_text(entry.principal) + " kvno " + std::to_string(entry.kvno()) +
                  " etype " + std::to_string(entry.etype),
              expected[i])
        << block.where();
    EXPECT_TRUE(entry.key == ByteView(keys[i])) << block.where() << " " << expected[i];
    if (times.empty()) continue;
    EXPECT_EQ(
        std::to_string(entry.timestamp) + " type " + std::to_string(entry.principal.name_type),
        times[i])
        << block.where();
  }
}

void expect_keys_of_password(VectorBlock& block, const Keytab& keytab) {
  const auto password = block.optional_text("Password"), salt = block.optional_text("Salt");
  if (!password) return;
  const auto workspace = crypto::Workspace::create().value();
  for (const KeytabEntry& entry : entries_of(keytab)) {
    const auto etype = known_etype(entry.etype);
    if (!etype) continue;
    const Key key = string_to_key(*workspace, *etype, as_bytes(*password), as_bytes(*salt),
                                  default_iterations(*etype))
                        .value();
    EXPECT_EQ(hex(key.view()), hex(entry.key)) << block.where();
  }
}

TEST(Keytab, ReadsWhatOthersWroteAndWritesTheSameOctets) {
  run_vectors("krb5/keytab.vec", {{"Keytab",
                                   [](VectorBlock& block) {
                                     const Bytes file = block.bytes("File");
                                     SCOPED_TRACE(block.text("Name"));
                                     const auto keytab = parse_keytab(file);
                                     ASSERT_TRUE(keytab.has_value()) << block.where();
                                     expect_contents(block, keytab.value());
                                     expect_keys_of_password(block, keytab.value());
                                     const auto written = write_keytab(entries_of(keytab.value()));
                                     ASSERT_TRUE(written.has_value());
                                     EXPECT_TRUE(written.value().view() == ByteView(file))
                                         << block.where();
                                   }},
                                  {"KeytabWithHoles", [](VectorBlock& block) {
                                     const Bytes file = block.bytes("File");
                                     SCOPED_TRACE(block.text("Name"));
                                     const auto keytab = parse_keytab(file);
                                     ASSERT_TRUE(keytab.has_value()) << block.where();
                                     expect_contents(block, keytab.value());
                                     const auto written = write_keytab(entries_of(keytab.value()));
                                     ASSERT_TRUE(written.has_value());
                                     EXPECT_LT(written.value().size(), file.size());
                                   }}});
}

TEST(Keytab, KRA_13_RefusesBadLengthsAndVersions) {
  run_vectors("krb5/files_refused.vec",
              {{"KeytabRefused",
                [](VectorBlock& block) {
                  const Bytes file = block.bytes("File");
                  block.expect_error(parse_keytab(file, std::endian::little));
                }},
               {"CcacheRefused", read_elsewhere}});
}

// Each in a block of its own size, so that AddressSanitizer sees a read beyond it.
TEST(Keytab, KRA_13_OracleHoldsNearEveryVector) {
  for (const char* file : {"krb5/keytab.vec", "krb5/files_refused.vec"}) {
    for (auto& block : load_vectors(file)) {
      const Bytes whole = block.bytes("File");
      block.ignore_unread();
      const size_t step = 1 + whole.size() / 300;
      for (size_t size = 0; size <= whole.size(); size += step) {
        const auto exact = std::make_unique<uint8_t[]>(size);
        std::copy_n(whole.begin(), size, exact.get());
        fuzz::check_keytab(ByteView(exact.get(), size));
      }
      for (size_t at = 0; at < whole.size(); at += step) {
        for (const int flip : {0x01, 0x80, 0xff}) {
          Bytes other = whole;
          other[at] ^= static_cast<uint8_t>(flip);
          fuzz::check_keytab(other);
        }
      }
    }
  }
}

// A record as the format describes it, for tables that no tool would write.
struct Table {
  std::vector<KeytabEntry> entries;
  Principal principal = Principal(name_type::kSrvInst, "R").add("smtp").add("host");
  Bytes key = Bytes(16, 0x5a);

  Table& add(uint32_t kvno, uint32_t time = 1000, int32_t etype = 17) {
    KeytabEntry entry;
    entry.principal = principal.view();
    entry.timestamp = time;
    entry.etype = etype;
    entry.key = key;
    entry.set_kvno(kvno);
    entries.push_back(entry);
    return *this;
  }
  // find returns the kvno and time of what is found.
  std::pair<uint32_t, uint32_t> find(uint32_t kvno, int32_t etype = 17) const {
    const auto file = write_keytab(entries);
    const auto found =
        parse_keytab(file.value().view()).value().find(KeytabQuery{principal.view(), etype, kvno});
    return found ? std::pair(found->kvno(), found->timestamp) : std::pair(0u, 0u);
  }
};

using Found = std::pair<uint32_t, uint32_t>;

TEST(Keytab, FindsTheVeryKeyVersion) {
  Table table;
  table.add(1, 10).add(2, 20).add(3, 30);
  EXPECT_EQ(table.find(2), Found(2, 20));
  EXPECT_EQ(table.find(4), Found(0, 0));
  EXPECT_EQ(table.find(2, 18), Found(0, 0));
}

TEST(Keytab, FindsTheLow8BitsWhereTheVersionItselfIsNotThere) {
  EXPECT_EQ(Table().add(44, 10).add(44, 20).find(300), Found(44, 10));
  EXPECT_EQ(Table().add(44, 10).add(300, 20).find(300), Found(300, 20));
  EXPECT_EQ(Table().add(300, 10).find(44), Found(0, 0));
}

TEST(Keytab, FindsTheNewestForVersion0) {
  EXPECT_EQ(Table().add(2, 20).add(3, 10).add(1, 30).find(0), Found(3, 10));
  EXPECT_EQ(Table().add(3, 10).add(3, 20).find(0), Found(3, 10));
}

TEST(Keytab, KnowsThatEightBitsWrap) {
  EXPECT_EQ(Table().add(255, 10).add(1, 20).find(0), Found(1, 20));
  EXPECT_EQ(Table().add(1, 20).add(255, 10).find(0), Found(1, 20));
  EXPECT_EQ(Table().add(1, 10).add(255, 20).find(0), Found(255, 20));
  EXPECT_EQ(Table().add(200, 10).add(1, 20).find(0), Found(200, 10));
}

TEST(Keytab, TakesTheShortVersionWhereTheLongOneIsMissingOrZero) {
  Table table;
  table.add(7);
  table.entries[0].key_version32.reset();
  EXPECT_EQ(table.find(7).first, 7u);
  table.entries[0].key_version32 = 0;
  EXPECT_EQ(table.find(7).first, 7u);
  table.entries[0].key_version32 = 8;
  EXPECT_EQ(table.find(7).first, 0u);
}

TEST(Keytab, QuirkA21_FindsAHostOfAnyCase) {
  Table table;
  table.add(1);
  table.principal = Principal(name_type::kSrvInst, "R").add("smtp").add("HOST");
  EXPECT_EQ(table.find(1).first, 1u);
}

TEST(Keytab, KeepsRealmsAndServicesApart) {
  Table table;
  table.add(1);
  const auto file = write_keytab(table.entries);
  const Keytab keytab = parse_keytab(file.value().view()).value();
  for (const char* other :
       {"smtp/host@r", "SMTP/host@R", "imap/host@R", "smtp@R", "smtp/host/x@R", "smtp/other@R"}) {
    const Principal principal = parse_principal(other, "").value();
    EXPECT_FALSE(keytab.find({principal.view(), std::nullopt, 0})) << other;
  }
}

TEST(Keytab, ListsPrincipalsOnceInTheirOrder) {
  Table table;
  std::vector<Principal> names;
  for (const char* text : {"smtp/b@Z", "smtp/a@Z", "smtp/b@Z", "imap/a@A", "smtp/a@Z"})
    names.push_back(parse_principal(text, "").value());
  for (const Principal& name : names) {
    table.add(1);
    table.entries.back().principal = name.view();
  }
  const auto file = write_keytab(table.entries);
  const Keytab keytab = parse_keytab(file.value().view()).value();
  std::vector<std::string> listed;
  const auto names_of_table = principals(keytab);
  for (const PrincipalView& principal : names_of_table.value())
    listed.push_back(principal_text(principal));
  EXPECT_EQ(listed, (std::vector<std::string>{"smtp/b@Z", "smtp/a@Z", "imap/a@A"}));
}

// Version 1 of a little-endian and of a big-endian machine: no name type, the realm is counted. MIT
// krb5 1.20's klist lists the one of its own order so.
constexpr char kVersion1Little[] =
    "0501 22000000 0300 0100 52 0400 736d7470 0400 686f7374 e8030000 07 1100 0800 0011223344556677";
constexpr char kVersion1Big[] =
    "0501 00000022 0003 0001 52 0004 736d7470 0004 686f7374 000003e8 07 0011 0008 0011223344556677";

TEST(Keytab, ReadsVersion1InEitherOrder) {
  for (const auto& [text, order] : {std::pair(kVersion1Little, std::endian::little),
                                    std::pair(kVersion1Big, std::endian::big)}) {
    const Bytes file = unhex(text);
    const auto keytab = parse_keytab(file, order);
    ASSERT_TRUE(keytab.has_value());
    EXPECT_EQ(keytab.value().version(), 1);
    const KeytabEntry entry = *keytab.value().begin();
    EXPECT_EQ(principal_text(entry.principal), "smtp/host@R");
    EXPECT_EQ(entry.principal.name_type, name_type::kUnknown);
    EXPECT_EQ(entry.timestamp, 1000u);
    EXPECT_EQ(entry.kvno(), 7u);
    EXPECT_EQ(entry.etype, 17);
    EXPECT_TRUE(entry.key == ByteView(unhex("0011223344556677")));
    EXPECT_FALSE(
        parse_keytab(file, order == std::endian::big ? std::endian::little : std::endian::big)
            .has_value());
  }
}

TEST(Keytab, AppendingToVersion1MakesItVersion2) {
  const Bytes file =
      unhex(std::endian::native == std::endian::little ? kVersion1Little : kVersion1Big);
  Table table;
  table.add(9);
  const auto longer = append_entry(file, table.entries[0]);
  ASSERT_TRUE(longer.has_value());
  const Keytab keytab = parse_keytab(longer.value().view()).value();
  EXPECT_EQ(keytab.version(), 2);
  ASSERT_EQ(keytab.size(), 2u);
  EXPECT_EQ((*keytab.begin()).kvno(), 7u);
  EXPECT_EQ((*++keytab.begin()).kvno(), 9u);
}

TEST(Keytab, AppendsBeforeTheEndMarkAndDropsWhatFollowsIt) {
  Table table;
  const auto file = write_keytab(table.add(1).entries);
  Bytes ended = file.value().view().to_bytes();
  ended.insert(ended.end(), {0, 0, 0, 0, 0xde, 0xad});
  EXPECT_EQ(parse_keytab(ended).value().size(), 1u);
  const auto longer = append_entry(ended, table.entries[0]);
  ASSERT_TRUE(longer.has_value());
  const auto both = write_keytab(table.add(1).entries);
  EXPECT_TRUE(longer.value().view() == both.value().view());
}

TEST(Keytab, AppendsToNothing) {
  Table table;
  table.add(1);
  const auto first = append_entry({}, table.entries[0]);
  ASSERT_TRUE(first.has_value());
  EXPECT_TRUE(first.value().view() == write_keytab(table.entries).value().view());
  const auto header_alone = append_entry(first.value().view().prefix(2), table.entries[0]);
  ASSERT_TRUE(header_alone.has_value());
  EXPECT_TRUE(header_alone.value().view() == first.value().view());
}

TEST(Keytab, RefusesToAppendToWhatItCannotRead) {
  Table table;
  table.add(1);
  const Bytes broken = unhex("0502 00000001");
  const auto refused = append_entry(broken, table.entries[0]);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error(), (Error{Errc::kMalformed, "keytab.record length", 2, 0}));
}

TEST(Keytab, RefusesToWriteWhatTheFormatCannotHold) {
  const auto refusal = [](auto&& change) {
    Table table;
    table.add(1);
    change(table.entries[0]);
    const auto refused = write_keytab(table.entries);
    EXPECT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, Errc::kApiMisuse);
    return std::string(refused.error().where);
  };
  const std::string long_name(0x10000, 'x');
  const std::string_view names[] = {long_name};
  const Bytes long_key(0x10000);
  const std::vector<std::string_view> many(33, "a");
  EXPECT_EQ(refusal([](KeytabEntry& e) { e.principal.components = {}; }),
            "keytab.count of components");
  EXPECT_EQ(refusal([&](KeytabEntry& e) { e.principal.components = Components(many); }),
            "keytab.count of components");
  EXPECT_EQ(refusal([&](KeytabEntry& e) { e.principal.components = Components(names); }),
            "keytab.component");
  EXPECT_EQ(refusal([&](KeytabEntry& e) { e.principal.realm = long_name; }), "keytab.realm");
  EXPECT_EQ(refusal([&](KeytabEntry& e) { e.key = long_key; }), "keytab.key");
  EXPECT_EQ(refusal([](KeytabEntry& e) { e.etype = 0x8000; }), "keytab.enctype");
  EXPECT_EQ(refusal([&](KeytabEntry& e) { e.key_version32.reset(), e.rest = e.key; }),
            "keytab.key version");
}

TEST(Keytab, KRA_13_ReadsWithoutAnAllocationHoweverManyRecords) {
  Bytes file = {5, 2};
  constexpr size_t kHoles = 200000;
  for (size_t i = 0; i < kHoles; ++i) file.insert(file.end(), {0xff, 0xff, 0xff, 0xff, 0});
  Table table;
  table.add(1);
  const auto longer = append_entry(file, table.entries[0]);
  ASSERT_TRUE(longer.has_value());
  const testing::AllocationWatch watch;
  const auto keytab = parse_keytab(longer.value().view());
  ASSERT_TRUE(keytab.has_value());
  EXPECT_TRUE(keytab.value().find({table.principal.view(), 17, 1}).has_value());
  EXPECT_EQ(watch.count(), 0u);
}

TEST(Keytab, MEM_1_LeavesNoKeyInFreedMemory) {
  Table table;
  table.add(1).add(2);
  const std::vector<Bytes> secrets = {table.key};
  const testing::FreedSecrets freed(secrets);
  for (int i = 0; i < 3; ++i) {
    const auto file = write_keytab(table.entries);
    const auto longer = append_entry(file.value().view(), table.entries[0]);
    ASSERT_TRUE(longer.has_value());
    EXPECT_TRUE(principals(parse_keytab(longer.value().view()).value()).has_value());
  }
  EXPECT_GE(freed.looked(), 6u);
  EXPECT_EQ(freed.found(), 0u);
}

TEST(Keytab, MEM_3_SurvivesEveryFailedAllocation) {
  Table table;
  table.add(1).add(2);
  const auto file = write_keytab(table.entries);
  for (size_t n = 1;; ++n) {
    testing::FailingAllocations failing(n);
    const auto longer = append_entry(file.value().view(), table.entries[0]);
    const auto names = principals(parse_keytab(file.value().view()).value());
    if (!failing.reached()) break;
    EXPECT_TRUE(!longer.has_value() || !names.has_value());
    EXPECT_TRUE(longer.has_value() || longer.error().code == Errc::kNoMemory);
    EXPECT_TRUE(names.has_value() || names.error().code == Errc::kNoMemory);
  }
}

}  // namespace
}  // namespace pocketgss::mechs::krb5
