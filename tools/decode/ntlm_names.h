// What the numbers of an NTLM message mean, in words.
#ifndef PGSS_TOOLS_DECODE_NTLM_NAMES_H_
#define PGSS_TOOLS_DECODE_NTLM_NAMES_H_

#include <cstdint>
#include <string>
#include <vector>

namespace pocketgss::tools {

// negotiate_flag_names lists the flags that are set, the lowest bit first ([MS-NLMP] 2.2.2.5).
std::vector<std::string> negotiate_flag_names(uint32_t flags);

// av_flag_names lists the bits of MsvAvFlags ([MS-NLMP] 2.2.2.1), which have no names of their own.
std::vector<std::string> av_flag_names(uint32_t flags);

// av_id_name returns "MsvAvTimestamp" and so on, or "AvId 0x00ff".
std::string av_id_name(uint16_t av_id);

// filetime_text returns the UTC time of 100-nanosecond ticks since 1601-01-01, or "" where the year
// has more than four digits.
std::string filetime_text(uint64_t filetime);

}  // namespace pocketgss::tools

#endif  // PGSS_TOOLS_DECODE_NTLM_NAMES_H_
