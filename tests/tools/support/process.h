// Child processes: the program under test, run to its end or kept running.
#ifndef PGSS_TESTS_TOOLS_SUPPORT_PROCESS_H_
#define PGSS_TESTS_TOOLS_SUPPORT_PROCESS_H_

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "tools/files.h"

namespace pocketgss::tools::testing {

using Arguments = std::vector<std::string>;

// exec_program becomes the program `pocketgss` of this build, in a child process.
[[noreturn]] void exec_program(const Arguments& arguments);

// Process runs the program `pocketgss` of this build in a session of its own, so without a
// terminal. Its standard error is a pipe of ours. The destructor kills it.
class Process {
 public:
  explicit Process(const Arguments& arguments, const std::string& input = "");
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  void signal(int number) const;
  // wait returns the exit code (128 + signal where one ended it), or none where it still runs after
  // `limit`.
  std::optional<int> wait(std::chrono::milliseconds limit = std::chrono::seconds(20));

  // read_error_until reads standard error until `text` was seen since the start; false where that
  // does not come in time.
  bool read_error_until(const std::string& text,
                        std::chrono::milliseconds limit = std::chrono::seconds(20));
  // drain reads and throws away what the program writes until it ends or closes its outputs: in a
  // thread of its own, for one that writes much and must not wait.
  void drain();
  // error and output are what was read so far; wait() reads to the end.
  const std::string& error() const { return error_; }
  const std::string& output() const { return output_; }

 private:
  bool read_some(std::chrono::milliseconds limit);
  void read_rest();

  pid_t pid_ = -1;
  Descriptor error_pipe_, output_pipe_;
  std::string error_, output_;
  std::optional<int> exit_code_;
};

struct Outcome {
  int exit_code = -1;
  std::string output, error;
};

// run waits for the program's end.
Outcome run(const Arguments& arguments, const std::string& input = "");

}  // namespace pocketgss::tools::testing

#endif  // PGSS_TESTS_TOOLS_SUPPORT_PROCESS_H_
