// Where a verb gets a password from: a file, or the terminal.
#include "tools/pocketgss/password.h"

#include <fcntl.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <string_view>

#include "tools/files.h"
#include "tools/text.h"

namespace pocketgss::tools {
namespace {

constexpr size_t kMaxRead = kMaxPassword + 2;  // with a CR LF

// The terminal while its echo is off, for the handlers of signals.
int quiet_terminal = -1;
termios settings_before{}, settings_quiet{};
std::string_view question;

// set leaves the terminal alone where it is another job's: whoever sets it from the background is
// stopped for that.
void set(const termios& settings) {
  if (tcgetpgrp(quiet_terminal) == getpgrp()) tcsetattr(quiet_terminal, TCSAFLUSH, &settings);
}

void be_quiet() {
  set(settings_quiet);
}

void restore_and_die(int signal_number) {
  set(settings_before);
  signal(signal_number, SIG_DFL);
  raise(signal_number);
}

// stop_and_ask_again leaves the terminal to the shell as it was while the program is stopped, and asks
// again after that. Where nobody could continue the program the system does not stop it.
void stop_and_ask_again(int signal_number) {
  const int error = errno;
  set(settings_before);
  struct sigaction ours{}, by_default{};
  by_default.sa_handler = SIG_DFL;
  sigaction(signal_number, &by_default, &ours);
  sigset_t stopping, blocked;
  sigemptyset(&stopping);
  sigaddset(&stopping, signal_number);
  raise(signal_number);
  sigprocmask(SIG_UNBLOCK, &stopping, &blocked);  // it stops here
  sigprocmask(SIG_SETMASK, &blocked, nullptr);
  sigaction(signal_number, &ours, nullptr);
  be_quiet();
  static_cast<void>(!write(quiet_terminal, question.data(), question.size()));
  errno = error;
}

// go_on_quietly: the shell has turned the echo on meanwhile.
void go_on_quietly(int) {
  const int error = errno;
  be_quiet();
  errno = error;
}

// NoEcho switches a terminal's echo off for its lifetime, and back on also when a signal ends or stops
// the program. `prompt` is what is asked.
class NoEcho {
 public:
  NoEcho(int terminal, std::string_view prompt) {
    tcflush(terminal, TCIFLUSH);  // in the background the system stops us here until it is ours
    if (tcgetattr(terminal, &settings_before) != 0) return;
    quiet_terminal = terminal;
    question = prompt;
    settings_quiet = settings_before;
    settings_quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    settings_quiet.c_lflag |= ECHONL;
    for (size_t i = 0; i < kSignals.size(); ++i) {
      struct sigaction action{};
      action.sa_handler = kSignals[i].handler;
      action.sa_flags = SA_RESTART;
      sigaction(kSignals[i].number, &action, &actions_before_[i]);
      if (actions_before_[i].sa_handler == SIG_IGN)  // who started it wants that so
        sigaction(kSignals[i].number, &actions_before_[i], nullptr);
    }
    be_quiet();
  }
  NoEcho(const NoEcho&) = delete;
  NoEcho& operator=(const NoEcho&) = delete;
  ~NoEcho() {
    if (quiet_terminal < 0) return;
    settings_quiet = settings_before;  // whoever continues the program from here on
    tcsetattr(quiet_terminal, TCSAFLUSH, &settings_before);
    for (size_t i = 0; i < kSignals.size(); ++i)
      sigaction(kSignals[i].number, &actions_before_[i], nullptr);
    quiet_terminal = -1;
  }

 private:
  struct Signal {
    int number;
    void (*handler)(int);
  };
  static constexpr std::array kSignals = {
      Signal{SIGINT, restore_and_die},     Signal{SIGTERM, restore_and_die},
      Signal{SIGHUP, restore_and_die},     Signal{SIGQUIT, restore_and_die},
      Signal{SIGTSTP, stop_and_ask_again}, Signal{SIGCONT, go_on_quietly}};
  std::array<struct sigaction, kSignals.size()> actions_before_{};
};

// fill reads until the end, the end of a line (on a terminal) or a full buffer. Returns the size,
// or none with errno set.
std::optional<size_t> fill(int fd, MutableBytes buffer, bool one_line) {
  size_t used = 0;
  while (used < buffer.size()) {
    const ssize_t got = read(fd, buffer.data() + used, buffer.size() - used);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::nullopt;
    if (got == 0) break;
    used += static_cast<size_t>(got);
    if (one_line && buffer[used - 1] == '\n') break;
  }
  return used;
}

size_t without_line_end(ByteView text) {
  size_t size = text.size();
  if (size > 0 && text[size - 1] == '\n') {
    --size;
    if (size > 0 && text[size - 1] == '\r') --size;
  }
  return size;
}

Fallible<SecretBytes> read_from(int fd, const std::string& name, bool one_line) {
  SecretBytes buffer = SecretBytes::of_size(kMaxRead + 1);
  const auto used = fill(fd, buffer.mutable_view(), one_line);
  if (!used) {
    return Failure{ExitCode::kNoInput,
                   "cannot read the password from " + name + ": " + system_error_text(errno)};
  }
  const size_t size = without_line_end(buffer.view().prefix(*used));
  if (size == 0) return Failure{ExitCode::kDataError, "the password from " + name + " is empty"};
  if (size > kMaxPassword) {
    return Failure{ExitCode::kDataError, "the password from " + name + " is longer than " +
                                             std::to_string(kMaxPassword) + " bytes"};
  }
  return SecretBytes(buffer.view().prefix(size));
}

Fallible<SecretBytes> ask(const std::string& prompt) {
  const Descriptor terminal(open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
  if (!terminal.valid()) {
    return Failure{ExitCode::kUsage,
                   "a password is needed and there is no terminal to ask on; use --password-file"};
  }
  const NoEcho quiet(terminal.get(), prompt);  // before the prompt: who sees that may type
  if (write(terminal.get(), prompt.data(), prompt.size()) < 0) {
    return Failure{ExitCode::kIoError, "cannot write to the terminal: " + system_error_text(errno)};
  }
  return read_from(terminal.get(), "the terminal", true);
}

}  // namespace

Fallible<SecretBytes> read_password(const std::string& file, const std::string& prompt) {
  if (file.empty()) return ask(prompt);
  const Descriptor opened(open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!opened.valid()) {
    return Failure{ExitCode::kNoInput, "cannot open the password file " + quoted(file) + ": " +
                                           system_error_text(errno)};
  }
  return read_from(opened.get(), quoted(file), false);
}

}  // namespace pocketgss::tools
