// Child processes: the program under test.
#include "tests/tools/support/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <thread>

namespace pocketgss::tools::testing {
namespace {

struct Pipe {
  Descriptor read_end, write_end;
  Pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) std::abort();
    read_end = Descriptor(ends[0]);
    write_end = Descriptor(ends[1]);
  }
};

[[noreturn]] void become_program(const Arguments& arguments, int in, int out, int err) {
  ::setsid();
  ::dup2(in, STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(err, STDERR_FILENO);
  exec_program(arguments);
}

// read_into reads what is there; false at the end.
bool read_into(int fd, std::string& out) {
  std::array<char, 4096> buffer{};
  const ssize_t got = ::read(fd, buffer.data(), buffer.size());
  if (got > 0) out.append(buffer.data(), static_cast<size_t>(got));
  return got > 0;
}

}  // namespace

void exec_program(const Arguments& arguments) {
  std::vector<char*> argv = {const_cast<char*>(PGSS_PROGRAM)};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  ::execv(PGSS_PROGRAM, argv.data());
  ::_exit(127);
}

Process::Process(const Arguments& arguments, const std::string& input) {
  Pipe in, out, err;
  pid_ = ::fork();
  if (pid_ < 0) std::abort();
  if (pid_ == 0)
    become_program(arguments, in.read_end.get(), out.write_end.get(), err.write_end.get());
  static_cast<void>(write_all(in.write_end.get(), as_bytes(input)));
  output_pipe_ = std::move(out.read_end);
  error_pipe_ = std::move(err.read_end);
}

Process::~Process() {
  if (exit_code_) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void Process::signal(int number) const {
  ::kill(pid_, number);
}

bool Process::read_some(std::chrono::milliseconds limit) {
  std::array<pollfd, 2> entries = {pollfd{error_pipe_.get(), POLLIN, 0},
                                   pollfd{output_pipe_.get(), POLLIN, 0}};
  if (::poll(entries.data(), entries.size(), static_cast<int>(limit.count())) <= 0) return false;
  bool more = false;
  if (entries[0].revents != 0 && read_into(error_pipe_.get(), error_)) more = true;
  if (entries[1].revents != 0 && read_into(output_pipe_.get(), output_)) more = true;
  return more;
}

void Process::read_rest() {
  while (read_into(error_pipe_.get(), error_)) {
  }
  while (read_into(output_pipe_.get(), output_)) {
  }
}

void Process::drain() {
  while (read_some(std::chrono::hours(24))) {
    error_.clear();
    output_.clear();
  }
}

std::optional<int> Process::wait(std::chrono::milliseconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!exit_code_ && std::chrono::steady_clock::now() < end) {
    read_some(std::chrono::milliseconds(10));
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) != pid_) continue;
    exit_code_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    read_rest();
  }
  return exit_code_;
}

bool Process::read_error_until(const std::string& text, std::chrono::milliseconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (error_.find(text) == std::string::npos) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        end - std::chrono::steady_clock::now());
    if (left.count() <= 0 || !read_some(left)) return error_.find(text) != std::string::npos;
  }
  return true;
}

Outcome run(const Arguments& arguments, const std::string& input) {
  Process process(arguments, input);
  const auto code = process.wait();
  return {code.value_or(-1), process.output(), process.error()};
}

}  // namespace pocketgss::tools::testing
