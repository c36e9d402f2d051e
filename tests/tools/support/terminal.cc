// Terminal: the program under test on a terminal of its own.
#include "tests/tools/support/terminal.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>

namespace pocketgss::tools::testing {
namespace {

constexpr int kStep = 10;  // milliseconds
constexpr int kSteps = 20'000 / kStep;

}  // namespace

Terminal::Terminal(const Arguments& arguments) {
  int ours = -1, theirs = -1;
  if (::openpty(&ours, &theirs, nullptr, nullptr, nullptr) != 0) std::abort();
  ours_ = Descriptor(ours);
  theirs_ = Descriptor(theirs);
  for (const int fd : {ours, theirs}) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  pid_ = ::fork();
  if (pid_ < 0) std::abort();
  if (pid_ == 0) {
    ::setsid();
    ::ioctl(theirs, TIOCSCTTY, 0);
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(theirs, fd);
    exec_program(arguments);
  }
}

Terminal::~Terminal() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

bool Terminal::read_some() {
  pollfd entry{ours_.get(), POLLIN, 0};
  if (::poll(&entry, 1, kStep) <= 0) return false;
  std::array<char, 1024> piece{};
  const ssize_t got = ::read(ours_.get(), piece.data(), piece.size());
  if (got > 0) screen_.append(piece.data(), static_cast<size_t>(got));
  return got > 0;
}

bool Terminal::shows(const std::string& text) {
  for (int i = 0; i < kSteps && screen_.find(text) == std::string::npos; ++i) read_some();
  return screen_.find(text) != std::string::npos;
}

void Terminal::type(const std::string& keys) {
  static_cast<void>(write_all(ours_.get(), as_bytes(keys)));
}

bool Terminal::echoes() const {
  termios settings{};
  return ::tcgetattr(theirs_.get(), &settings) == 0 && (settings.c_lflag & ECHO) != 0;
}

void Terminal::turn_echo_on() {
  termios settings{};
  ::tcgetattr(theirs_.get(), &settings);
  settings.c_lflag |= ECHO;
  ::tcsetattr(theirs_.get(), TCSANOW, &settings);
}

void Terminal::signal(int number) const {
  ::kill(pid_, number);
}

std::optional<int> Terminal::wait() {
  for (int i = 0; i < kSteps; ++i) {
    read_some();
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) != pid_) continue;
    pid_ = -1;
    while (read_some()) {
    }
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }
  return std::nullopt;
}

}  // namespace pocketgss::tools::testing
