// SRV records: their order, the names that are asked for, and what is taken out of an answer.
#include "lib/platform/srv.h"

#include <gtest/gtest.h>

#include <map>

#include "fuzz/oracles_dns.h"
#include "tests/lib/support/dns_server.h"
#include "tests/support/fixed_random.h"

namespace pocketgss {
namespace {

using testing::DnsMessage;
using testing::FixedRandom;

SrvRecord record(uint16_t priority, uint16_t weight, std::string target) {
  return {priority, weight, 88, std::move(target)};
}

// A source that says these numbers, one after the other.
FixedRandom numbers(const std::vector<uint16_t>& list) {
  Bytes pool;
  for (const uint16_t each : list) {
    pool.insert(pool.end(), 6, 0);
    pool.push_back(static_cast<uint8_t>(each >> 8));
    pool.push_back(static_cast<uint8_t>(each));
  }
  return FixedRandom(pool);
}

std::string order(std::vector<SrvRecord> records, RandomSource& random) {
  std::string out;
  const auto ordered = in_srv_order(std::move(records), random);
  for (const SrvRecord& each : ordered.value()) out += each.target;
  return out;
}

// A query for SRV of "a.b".
const Bytes kQuery = {0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 'a', 1, 'b', 0, 0, 33, 0, 1};

TEST(SrvOrder, QuirkD26_TheLowestPriorityFirst) {
  FixedRandom none;
  EXPECT_EQ(order({record(20, 9, "c"), record(10, 1, "b"), record(0, 0, "a")}, none), "abc")
      << "and no chance where there is no choice";
}

TEST(SrvOrder, QuirkD26_ChanceDecidesByWeight) {
  const std::vector<SrvRecord> records = {record(0, 10, "a"), record(0, 20, "b"),
                                          record(0, 30, "c")};
  // Running sums 10, 30, 60: the first that is not below the number.
  for (const auto& [number, first] : {std::pair<uint16_t, std::string>{0, "a"},
                                      {10, "a"},
                                      {11, "b"},
                                      {30, "b"},
                                      {31, "c"},
                                      {60, "c"},
                                      {61, "a"}}) {
    FixedRandom random = numbers({number, 0});
    EXPECT_EQ(order(records, random).substr(0, 1), first) << number;
    EXPECT_EQ(random.left(), 0u) << "one draw for each choice";
  }
  FixedRandom random = numbers({60, 11});
  EXPECT_EQ(order(records, random), "cba") << "the rest is drawn from what is left";
}

TEST(SrvOrder, QuirkD26_WeightZeroIsSeldomFirst) {
  const std::vector<SrvRecord> records = {record(0, 1, "a"), record(0, 0, "b")};
  FixedRandom zero = numbers({0}), one = numbers({1});
  EXPECT_EQ(order(records, zero), "ba");
  EXPECT_EQ(order(records, one), "ab");
  FixedRandom none;
  EXPECT_EQ(order({record(0, 0, "a"), record(0, 0, "b")}, none), "ab");
}

TEST(SrvOrder, AFailedRandomSourceIsPassedOn) {
  FixedRandom none;
  EXPECT_EQ(in_srv_order({record(0, 1, "a"), record(0, 1, "b")}, none).error().code,
            Errc::kInternal);
}

TEST(SrvOrder, TheSystemsChanceFollowsTheWeights) {
  std::map<std::string, int> first;
  for (int i = 0; i < 2'000; ++i)
    ++first[order({record(0, 10, "a"), record(0, 90, "b")}, system_random()).substr(0, 1)];
  EXPECT_GT(first["a"], 100);
  EXPECT_LT(first["a"], 350);
}

TEST(SrvAnswer, TakesTheRecordsOfAnAnswer) {
  const Bytes answer = DnsMessage(kQuery)
                           .cname("a.b", "c.d")
                           .srv(1, 2, 88, "kdc.example.test")
                           .srv(3, 4, 5, "")
                           .bytes();
  const SrvAnswer read = parse_srv_answer(answer);
  EXPECT_FALSE(read.fault.has_value());
  EXPECT_EQ(read.records, (std::vector<SrvRecord>{{1, 2, 88, "kdc.example.test"}, {3, 4, 5, ""}}));
  fuzz::check_srv_answer(answer);
}

TEST(SrvAnswer, ACutAnswerIsMalformed) {
  const Bytes answer = DnsMessage(kQuery).srv(1, 2, 88, "kdc.example.test").bytes();
  for (size_t size = 0; size < answer.size(); ++size) {
    const Bytes cut = ByteView(answer).prefix(size).to_bytes();
    EXPECT_EQ(parse_srv_answer(cut).fault, SrvFault::kMalformed) << size;
    fuzz::check_srv_answer(cut);
  }
}

TEST(SrvAnswer, QuirkD26_TooManyRecordsAreRefused) {
  DnsMessage message(kQuery);
  for (size_t i = 0; i < kMaxSrvRecords; ++i) message.srv(0, 0, 88, "k");
  EXPECT_EQ(parse_srv_answer(message.bytes()).records.size(), kMaxSrvRecords);
  message.srv(0, 0, 88, "k");
  EXPECT_EQ(parse_srv_answer(message.bytes()).fault, SrvFault::kTooMuch);
  fuzz::check_srv_answer(message.bytes());
}

TEST(SrvAnswer, QuirkD26_TooManyOctetsAreRefused) {
  Bytes answer = DnsMessage(kQuery).srv(1, 2, 88, "kdc.example.test").bytes();
  answer.resize(kMaxSrvAnswer);
  EXPECT_FALSE(parse_srv_answer(answer).fault.has_value());
  answer.resize(kMaxSrvAnswer + 1);
  EXPECT_EQ(parse_srv_answer(answer).fault, SrvFault::kTooMuch);
}

TEST(DomainName, OnlyLabelsOfDomains) {
  for (const std::string_view good : {"A", "EXAMPLE.TEST", "a-b.c_d.3", "_x"})
    EXPECT_TRUE(is_domain_name(good, 253)) << good;
  for (const std::string_view bad :
       {"", ".", "a.", ".a", "a..b", "a b", "a/b", "a\\b", "a@b", "\xc3\xa4", "O=X500/C=DE"})
    EXPECT_FALSE(is_domain_name(bad, 253)) << bad;
  EXPECT_FALSE(is_domain_name(std::string_view("a\0b", 3), 253));
  EXPECT_TRUE(is_domain_name(std::string(63, 'a') + ".b", 253));
  EXPECT_FALSE(is_domain_name(std::string(64, 'a') + ".b", 253));
  EXPECT_TRUE(is_domain_name("abcde", 5));
  EXPECT_FALSE(is_domain_name("abcdef", 5));
}

}  // namespace
}  // namespace pocketgss
