// What the numbers of a Kerberos message mean, in the specifications' words.
#ifndef PGSS_TOOLS_DECODE_KRB5_NAMES_H_
#define PGSS_TOOLS_DECODE_KRB5_NAMES_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pocketgss::tools {

// krb5_number_name returns the name of a number in the field that is called so in the schema
// ("EncryptedData.etype"), or "" where neither is known.
std::string krb5_number_name(std::string_view field, int64_t number);

// krb5_flag_names lists the bits that are set in the field that is called so, the specification's
// bit 0 first; one without a name by its number.
std::vector<std::string> krb5_flag_names(std::string_view field, uint32_t flags);

// pac_buffer_name: ulType of a PAC_INFO_BUFFER ([MS-PAC] 2.4), or "".
std::string pac_buffer_name(uint32_t type);

// nt_status_name names those that say why a login was refused, or "".
std::string nt_status_name(uint32_t status);

}  // namespace pocketgss::tools

#endif  // PGSS_TOOLS_DECODE_KRB5_NAMES_H_
