// Encryption types as people write them.
#ifndef PGSS_TOOLS_KRB5_NAMES_H_
#define PGSS_TOOLS_KRB5_NAMES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pocketgss::tools {

// etype_name returns the name of the specifications ("aes256-cts-hmac-sha1-96"); "etype N" of a
// number without one.
std::string etype_name(int32_t etype);
// etype_of_name takes such a name in any case, or the number; none: it is not one of this build.
std::optional<int32_t> etype_of_name(std::string_view name);
// etypes_with_aes are those that keys are made for unless the user says otherwise, in the order in
// which we ask for them (policy row P10).
std::vector<std::string> etypes_with_aes();

}  // namespace pocketgss::tools

#endif  // PGSS_TOOLS_KRB5_NAMES_H_
