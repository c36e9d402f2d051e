// Numbers and names of Kerberos as people read and write them.
#ifndef PGSS_TOOLS_KRB5_NAMES_H_
#define PGSS_TOOLS_KRB5_NAMES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pocketgss::tools {

// etype_name returns the name of the specifications ("aes256-cts-hmac-sha1-96"); "etype N" of one
// that we do not have.
std::string etype_name(int32_t etype);
// etype_of_name takes such a name in any case, or the number; none: it is not one of ours.
std::optional<int32_t> etype_of_name(std::string_view name);
// All names, in the order in which we ask for them (policy row P10).
std::vector<std::string> etype_names();

// time_text returns such as "2026-11-23T21:48:45Z".
std::string time_text(int64_t unix_seconds);

// ticket_flag_names lists the flags of RFC 4120 5.3 that are set, from bit 0 on.
std::vector<std::string> ticket_flag_names(uint32_t flags);

}  // namespace pocketgss::tools

#endif  // PGSS_TOOLS_KRB5_NAMES_H_
