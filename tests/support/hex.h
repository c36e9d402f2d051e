// Hex to bytes and back, for tests.
#ifndef PGSS_TESTS_SUPPORT_HEX_H_
#define PGSS_TESTS_SUPPORT_HEX_H_

#include <string>
#include <string_view>

#include <pocketgss/bytes.h>

namespace pocketgss::testing {

// unhex ignores white space and aborts on anything else that is no hex digit pair.
Bytes unhex(std::string_view text);
std::string hex(ByteView bytes);

}  // namespace pocketgss::testing

#endif  // PGSS_TESTS_SUPPORT_HEX_H_
