// SRV records: out of an answer, and in the order in which they are asked. Internal to
// lib/platform.
#ifndef PGSS_LIB_PLATFORM_SRV_H_
#define PGSS_LIB_PLATFORM_SRV_H_

#include <pocketgss/bytes.h>
#include <pocketgss/env.h>
#include <pocketgss/result.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pocketgss {

inline constexpr size_t kMaxSrvAnswer = 16'384;
inline constexpr size_t kMaxSrvRecords = 256;

// SrvRecord is one record of RFC 2782; an empty target is its ".".
struct SrvRecord {
  uint16_t priority = 0;
  uint16_t weight = 0;
  uint16_t port = 0;
  std::string target;

  bool operator==(const SrvRecord&) const = default;
};

enum class SrvFault { kMalformed, kTooMuch, kNoMemory };

// SrvAnswer is the records of an answer, of which there may be none, or what is wrong with it.
struct SrvAnswer {
  std::vector<SrvRecord> records;
  std::optional<SrvFault> fault;
};

// parse_srv_answer reads a whole answer, of which c-ares has matched the question. May throw
// std::bad_alloc.
SrvAnswer parse_srv_answer(ByteView answer);

// in_srv_order puts the lowest priority first; of one priority chance decides, by weight (RFC 2782,
// "Usage rules"). Errors: those of the random source. May throw std::bad_alloc.
Result<std::vector<SrvRecord>> in_srv_order(std::vector<SrvRecord> records, RandomSource& random);

// is_domain_name: labels of 1 to 63 letters, digits, hyphens and underscores with dots between them,
// `at_most` octets in all. Nothing else goes into a query, or is taken from an answer as a host.
bool is_domain_name(std::string_view name, size_t at_most);

}  // namespace pocketgss

#endif  // PGSS_LIB_PLATFORM_SRV_H_
