// What must hold for answers of a name server.
#include "fuzz/oracles_dns.h"

#include <algorithm>
#include <tuple>

#include "fuzz/check.h"
#include "lib/platform/srv.h"

namespace pocketgss::fuzz {
namespace {

constexpr size_t kHeader = 12;
constexpr size_t kMinRecord = 18;  // owner 1, fixed part 10, data 7

// Chance is what the answer has in its octets.
class Octets final : public RandomSource {
 public:
  explicit Octets(ByteView octets) : octets_(octets) {}
  Result<void> fill(MutableBytes out) override {
    for (uint8_t& octet : out) octet = octets_[next_++ % octets_.size()];
    return {};
  }

 private:
  ByteView octets_;
  size_t next_ = 0;
};

std::vector<SrvRecord> sorted(std::vector<SrvRecord> records) {
  std::sort(records.begin(), records.end(), [](const SrvRecord& a, const SrvRecord& b) {
    return std::tie(a.priority, a.weight, a.port, a.target) <
           std::tie(b.priority, b.weight, b.port, b.target);
  });
  return records;
}

void check_name(const std::string& name) {
  constexpr size_t kMost = 253;
  if (!is_domain_name(name, kMost)) return;
  PGSS_FUZZ_CHECK(!name.empty() && name.size() <= kMost);
  PGSS_FUZZ_CHECK(name.front() != '.' && name.back() != '.');
  PGSS_FUZZ_CHECK(name.find("..") == std::string::npos);
  PGSS_FUZZ_CHECK(name.find_first_of(std::string_view("\0\\@/ \n", 6)) == std::string::npos);
}

}  // namespace

void check_srv_answer(ByteView answer) {
  const SrvAnswer read = parse_srv_answer(answer);
  if (read.fault) {
    PGSS_FUZZ_CHECK(read.records.empty());
    return;
  }
  PGSS_FUZZ_CHECK(answer.size() >= kHeader && answer.size() <= kMaxSrvAnswer);
  PGSS_FUZZ_CHECK(read.records.size() <= kMaxSrvRecords);
  PGSS_FUZZ_CHECK(read.records.size() <= (answer.size() - kHeader) / kMinRecord);
  for (const SrvRecord& record : read.records) check_name(record.target);
  Octets chance(answer);
  const auto ordered = in_srv_order(read.records, chance);
  PGSS_FUZZ_CHECK(ordered.has_value());
  PGSS_FUZZ_CHECK(sorted(ordered.value()) == sorted(read.records));
  PGSS_FUZZ_CHECK(std::is_sorted(
      ordered.value().begin(), ordered.value().end(),
      [](const SrvRecord& a, const SrvRecord& b) { return a.priority < b.priority; }));
}

}  // namespace pocketgss::fuzz
