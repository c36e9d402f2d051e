// Small helpers for protocol text: ASCII case, control characters, words.
#ifndef PGSS_SASL_TEXT_H_
#define PGSS_SASL_TEXT_H_

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace pocketgss::sasl {

constexpr char ascii_upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

// concat is all parts in a row, in one allocation; operator+ makes a string for each.
std::string concat(std::initializer_list<std::string_view> parts);
std::string decimal(uint64_t number);

std::string to_ascii_upper(std::string_view text);

// equal_ignoring_case compares ASCII letters without regard to case, all else exactly; no locale.
bool equal_ignoring_case(std::string_view a, std::string_view b);
bool starts_with_ignoring_case(std::string_view text, std::string_view prefix);

bool is_printable_ascii(std::string_view text);

std::string_view trim(std::string_view text);

// take_word cuts the first word off `text`, with the spaces behind it.
std::string_view take_word(std::string_view& text);

}  // namespace pocketgss::sasl

#endif  // PGSS_SASL_TEXT_H_
