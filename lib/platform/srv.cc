// c-ares takes the records out of the answer; the bounds and the order are ours.
#include "lib/platform/srv.h"

#include <ares.h>

#include <algorithm>
#include <memory>

namespace pocketgss {
namespace {

struct FreeData {
  void operator()(ares_srv_reply* list) const { ares_free_data(list); }
};

// random_up_to gives a number from 0 to `most`, both included. 64 bits are so many more than a sum
// of weights has that the remainder favours none that anybody could see.
Result<uint64_t> random_up_to(uint64_t most, RandomSource& random) {
  FixedBytes<8> octets{};
  PGSS_CHECK(random.fill(octets));
  uint64_t number = 0;
  for (const uint8_t octet : octets) number = (number << 8) | octet;
  return number % (most + 1);
}

bool stands_before(const SrvRecord& a, const SrvRecord& b) {
  if (a.priority != b.priority) return a.priority < b.priority;
  return a.weight == 0 && b.weight != 0;
}

bool is_label_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

}  // namespace

SrvAnswer parse_srv_answer(ByteView answer) {
  SrvAnswer out;
  if (answer.size() > kMaxSrvAnswer) {
    out.fault = SrvFault::kTooMuch;
    return out;
  }
  ares_srv_reply* first = nullptr;
  const int status = ares_parse_srv_reply(answer.data(), static_cast<int>(answer.size()), &first);
  const std::unique_ptr<ares_srv_reply, FreeData> list(first);
  if (status == ARES_ENODATA) return out;
  if (status != ARES_SUCCESS) {
    out.fault = status == ARES_ENOMEM ? SrvFault::kNoMemory : SrvFault::kMalformed;
    return out;
  }
  for (const ares_srv_reply* each = list.get(); each != nullptr; each = each->next) {
    if (out.records.size() == kMaxSrvRecords) {
      out.records.clear();
      out.fault = SrvFault::kTooMuch;
      return out;
    }
    out.records.push_back({each->priority, each->weight, each->port, each->host});
  }
  return out;
}

Result<std::vector<SrvRecord>> in_srv_order(std::vector<SrvRecord> records, RandomSource& random) {
  // Of one priority those of weight 0 stand in front, so that they are seldom chosen first. Others
  // keep their order.
  for (auto next = records.begin(); next != records.end(); ++next) {
    const auto place = std::upper_bound(records.begin(), next, *next, stands_before);
    std::rotate(place, next, next + 1);
  }
  for (auto next = records.begin(); next != records.end(); ++next) {
    const auto end = std::find_if(next, records.end(), [&](const SrvRecord& record) {
      return record.priority != next->priority;
    });
    uint64_t sum = 0;
    for (auto each = next; each != end; ++each) sum += each->weight;
    if (sum == 0 || next + 1 == end) continue;  // they stay as they are
    PGSS_TRY(const uint64_t chosen, random_up_to(sum, random));
    uint64_t running = 0;
    const auto found = std::find_if(next, end, [&](const SrvRecord& record) {
      running += record.weight;
      return running >= chosen;
    });
    std::rotate(next, found, found + 1);
  }
  return records;
}

bool is_domain_name(std::string_view name, size_t at_most) {
  constexpr size_t kMaxLabel = 63;
  if (name.size() > at_most) return false;
  size_t label = 0;
  for (const char c : name) {
    if (c == '.' && label > 0) {
      label = 0;
    } else if (!is_label_character(c) || ++label > kMaxLabel) {
      return false;
    }
  }
  return label > 0;
}

}  // namespace pocketgss
