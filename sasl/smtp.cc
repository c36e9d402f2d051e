// What makes a peer's text fit to print.
#include <pocketgss/smtp.h>

namespace pocketgss {

std::string sanitise_text(std::string_view text, size_t limit) {
  std::string out(text.substr(0, limit));
  for (char& c : out) {
    if (c < 0x20 || c > 0x7e) c = '?';
  }
  if (text.size() > limit) out += "...";
  return out;
}

}  // namespace pocketgss
