// ASCII letters without regard to case, whatever the locale. All other octets are what they are.
#ifndef PGSS_BASE_ASCII_H_
#define PGSS_BASE_ASCII_H_

#include <algorithm>
#include <string>
#include <string_view>

namespace pocketgss {

constexpr char ascii_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

inline std::string ascii_lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = ascii_lower(c);
  return out;
}

inline bool same_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return ascii_lower(x) == ascii_lower(y); });
}

}  // namespace pocketgss

#endif  // PGSS_BASE_ASCII_H_
