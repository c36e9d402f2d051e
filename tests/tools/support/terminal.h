// Terminal: the program under test on a terminal of its own, where somebody types.
#ifndef PGSS_TESTS_TOOLS_SUPPORT_TERMINAL_H_
#define PGSS_TESTS_TOOLS_SUPPORT_TERMINAL_H_

#include <sys/types.h>

#include <optional>
#include <string>

#include "tests/tools/support/process.h"

namespace pocketgss::tools::testing {

class Terminal {
 public:
  explicit Terminal(const Arguments& arguments);
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  // shows reads what the program writes until `text` was seen since the start.
  bool shows(const std::string& text);
  void type(const std::string& keys);
  bool echoes() const;  // what is typed is shown
  void turn_echo_on();  // as a shell does while the program is stopped
  void signal(int number) const;
  // wait reads to the end; the exit code, or 128 + the signal.
  std::optional<int> wait();
  const std::string& screen() const { return screen_; }

 private:
  bool read_some();

  pid_t pid_ = -1;
  Descriptor ours_, theirs_;  // theirs is kept open: the settings outlive the program
  std::string screen_;
};

}  // namespace pocketgss::tools::testing

#endif  // PGSS_TESTS_TOOLS_SUPPORT_TERMINAL_H_
