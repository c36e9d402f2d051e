// What the value of an option may be.
#include "tools/option_values.h"

#include <charconv>

namespace pocketgss::tools {

CLI::Validator decimal(uint32_t least, uint32_t most) {
  return CLI::Validator(
      [least, most](std::string& text) -> std::string {
        uint32_t number = 0;
        const char* const end = text.data() + text.size();
        const auto [stop, error] = std::from_chars(text.data(), end, number);
        if (error != std::errc() || stop != end || number < least || number > most) {
          return tools::quoted(text) + " is no number from " + std::to_string(least) + " to " +
                 std::to_string(most);
        }
        text = std::to_string(number);
        return {};
      },
      "");
}

CLI::Validator not_empty() {
  return CLI::Validator(
      [](std::string& text) -> std::string { return text.empty() ? "the value is empty" : ""; },
      "");
}

}  // namespace pocketgss::tools
