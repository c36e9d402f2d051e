// What text of users and peers may not hold.
#include "lib/text.h"

#include "base/any_of.h"

namespace pocketgss {

bool has_control(std::string_view text) {
  return any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

}  // namespace pocketgss
