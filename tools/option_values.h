// What the value of an option may be, and what is said of another one.
#ifndef PGSS_TOOLS_OPTION_VALUES_H_
#define PGSS_TOOLS_OPTION_VALUES_H_

#include <cstdint>
#include <map>
#include <string>

#include <CLI/CLI.hpp>

#include "tools/text.h"

namespace pocketgss::tools {

// one_of takes the names in `values`, in upper case too, and puts the value in their place.
template <typename T>
CLI::Validator one_of(const std::map<std::string, T>& values) {
  std::string names;
  for (const auto& [name, value] : values) names += (names.empty() ? "" : ", ") + name;
  // CLI11's own CheckedTransformer shows the values, too, which are numbers in single octets.
  const CLI::Validator to_value = CLI::Transformer(values, CLI::ignore_case);
  return CLI::Validator(
      [values, names, to_value](std::string& text) {
        const bool known = values.count(CLI::detail::to_lower(text)) != 0;
        return known ? to_value(text) : tools::quoted(text) + " is none of " + names;
      },
      "");
}

// decimal takes a decimal number from `least` to `most`; a zero before it does not make it octal.
CLI::Validator decimal(uint32_t least, uint32_t most);

// not_empty refuses an empty value, as of a variable that a script forgot to set.
CLI::Validator not_empty();

}  // namespace pocketgss::tools

#endif  // PGSS_TOOLS_OPTION_VALUES_H_
