// Fallible<T>: a T, or a Failure that a person can act on. The library's Error names fields; this
// one speaks to the user.
#ifndef PGSS_TOOLS_FALLIBLE_H_
#define PGSS_TOOLS_FALLIBLE_H_

#include <string>
#include <utility>
#include <variant>

#include <pocketgss/error.h>

#include "tools/exit_codes.h"

namespace pocketgss::tools {

// Failure says what happened, whose fault it is and what to do next, in one line without a line
// end, fit for a terminal; and with which code the program ends.
struct Failure {
  ExitCode exit_code = ExitCode::kSoftware;
  std::string message;
};

// Nothing is the value of a Fallible that only says whether it went well.
struct Nothing {};

template <typename T>
class [[nodiscard]] Fallible {
 public:
  Fallible(T value)
      : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: `return value;`
  Fallible(Failure failure)
      : state_(std::in_place_index<1>, std::move(failure)) {}  // NOLINT: `return failure;`

  bool has_value() const { return state_.index() == 0; }
  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  const Failure& failure() const { return std::get<1>(state_); }

 private:
  std::variant<T, Failure> state_;
};

}  // namespace pocketgss::tools

#endif  // PGSS_TOOLS_FALLIBLE_H_
