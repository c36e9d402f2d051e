// What text of users and peers may not hold.
#ifndef PGSS_LIB_TEXT_H_
#define PGSS_LIB_TEXT_H_

#include <string_view>

namespace pocketgss {

// has_control: an octet below 0x20, or 0x7f, is in it: CR, LF, NUL, ESC and their like.
bool has_control(std::string_view text);

}  // namespace pocketgss

#endif  // PGSS_LIB_TEXT_H_
