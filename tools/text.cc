// Small words for messages: quoted names, system errors.
#include "tools/text.h"

#include <cstdint>
#include <system_error>

namespace pocketgss::tools {
namespace {

// utf8_length is the length of the well-formed, printable character that starts `text`; 0 where
// there is none.
size_t utf8_length(std::string_view text) {
  const auto at = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t first = at(0);
  if (first < 0x80) return first >= 0x20 && first != 0x7f ? 1 : 0;
  const size_t size = first >= 0xf0 && first <= 0xf4 ? 4
                      : first >= 0xe0                ? 3
                      : first >= 0xc2                ? 2
                                                     : 0;
  if (size == 0 || first > 0xf4 || text.size() < size) return 0;
  uint32_t code = first & (0xffu >> (size + 1));
  for (size_t i = 1; i < size; ++i) {
    if ((at(i) & 0xc0) != 0x80) return 0;
    code = code << 6 | (at(i) & 0x3fu);
  }
  constexpr uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool well_formed =
      code >= kSmallest[size] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
  // C1 controls, and the characters that turn the direction of a line or end it.
  const bool control = code < 0xa0 || code == 0x061c || (code >= 0x200b && code <= 0x200f) ||
                       (code >= 0x2028 && code <= 0x202e) || (code >= 0x2060 && code <= 0x2069) ||
                       code == 0xfeff;
  return well_formed && !control ? size : 0;
}

void append_escaped(std::string& out, char c) {
  static constexpr char kDigits[] = "0123456789abcdef";
  const auto byte = static_cast<uint8_t>(c);
  out.append("\\x").push_back(kDigits[byte >> 4]);
  out.push_back(kDigits[byte & 15]);
}

}  // namespace

std::string quoted(std::string_view text, size_t limit) {
  std::string out = "'";
  size_t at = 0;
  while (at < text.size() && at < limit) {
    const size_t length = utf8_length(text.substr(at));
    if (length == 0 || text[at] == '\'' || text[at] == '\\') {
      append_escaped(out, text[at++]);
    } else {
      out.append(text.substr(at, length));
      at += length;
    }
  }
  out.push_back('\'');
  if (at < text.size()) out.append("...");
  return out;
}

std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const size_t length = utf8_length(text);
    if (length == 0) {
      append_escaped(out, text.front());
    } else {
      out.append(text.substr(0, length));
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

std::string system_error_text(int error_number) {
  return std::generic_category().message(error_number);
}

}  // namespace pocketgss::tools
