// Lower-case hex.
#ifndef PGSS_TOOLS_DECODE_HEX_H_
#define PGSS_TOOLS_DECODE_HEX_H_

#include <optional>
#include <string>
#include <string_view>

#include <pocketgss/bytes.h>

namespace pocketgss::tools {

std::string to_hex(ByteView octets);

// from_hex takes digits of either case; none for anything else and for an odd number of digits.
std::optional<Bytes> from_hex(std::string_view text);

}  // namespace pocketgss::tools

#endif  // PGSS_TOOLS_DECODE_HEX_H_
