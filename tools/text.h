// Small words for messages: numbers, quoted names, system errors.
#ifndef PGSS_TOOLS_TEXT_H_
#define PGSS_TOOLS_TEXT_H_

#include <string>
#include <string_view>

namespace pocketgss::tools {

// quoted puts text of unknown origin between single quotes, fit for a terminal and a log line:
// control characters, bytes that are no UTF-8, the quote and the backslash become \xNN; what
// exceeds `limit` bytes becomes "...".
std::string quoted(std::string_view text, size_t limit = 200);

// printable is text of unknown origin fit for a terminal: as quoted(), but the quote and the backslash
// stay, nothing is cut, and there are no quotes around it.
std::string printable(std::string_view text);

// system_error_text is the operating system's sentence for an errno value ("No such file or
// directory").
std::string system_error_text(int error_number);

}  // namespace pocketgss::tools

#endif  // PGSS_TOOLS_TEXT_H_
