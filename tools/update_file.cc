// Replacing a file: under a lock, atomically, and durable.
#include "tools/update_file.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "tools/files.h"
#include "tools/text.h"

namespace pocketgss::tools {
namespace {

constexpr int kMaxLinks = 40;  // as Linux has it
constexpr std::chrono::seconds kPatience(5);
constexpr std::chrono::milliseconds kPause(10);

// Target is the file to be replaced, and what to call it in messages.
struct Target {
  std::filesystem::path path;
  const char* what;
};

Failure cannot_write(const Target& target, const std::string& why) {
  return Failure{ExitCode::kCantCreate, std::string("cannot write the ") + target.what + " " +
                                            tools::quoted(target.path.string()) + ": " + why};
}

Failure cannot_write(const Target& target, int error) {
  return cannot_write(target, system_error_text(error));
}

Failure busy(const Target& target) {
  return Failure{ExitCode::kTempFail, std::string("the ") + target.what + " " +
                                          tools::quoted(target.path.string()) +
                                          " is being changed by another program; try again later"};
}

// absolute fails where `path` is empty, or relative to a folder that is gone.
Fallible<Target> absolute(const std::string& path, const char* what) {
  std::error_code error;
  Target target{std::filesystem::absolute(path, error), what};
  if (error) return cannot_write(Target{path, what}, error.value());
  return target;
}

// target_of follows symbolic links, so that they stay and the file that they name is replaced, or
// made where it is not there. Of a loop, what is left is a link.
std::filesystem::path target_of(std::filesystem::path target) {
  std::error_code error;
  for (int links = 0; links < kMaxLinks; ++links) {
    const auto next = std::filesystem::read_symlink(target, error);
    if (error) break;
    target = target.parent_path() / next;
  }
  return target;
}

Descriptor open_folder(const std::filesystem::path& folder) {
  return Descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

// open_to_lock opens what those lock who change the file: the file, which nobody else can open and
// hold a lock of, and only where there is none the folder around it.
Descriptor open_to_lock(const std::filesystem::path& path) {
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  return file.valid() ? std::move(file) : open_folder(path.parent_path());
}

// is_current: nobody has put another file in its place before it was locked.
bool is_current(const Descriptor& locked, const std::filesystem::path& path) {
  const Descriptor now = open_to_lock(path);
  struct stat a{}, b{};
  return now.valid() && ::fstat(locked.get(), &a) == 0 && ::fstat(now.get(), &b) == 0 &&
         a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

// lock serialises all who change the file by this function.
Fallible<Descriptor> lock(const Target& target) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  for (;;) {
    Descriptor fd = open_to_lock(target.path);
    if (!fd.valid()) return cannot_write(target, errno);
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) {
      if (is_current(fd, target.path)) return fd;
    } else if (errno != EWOULDBLOCK && errno != EINTR) {
      return cannot_write(target, errno);
    }
    if (std::chrono::steady_clock::now() > end) return busy(target);
    std::this_thread::sleep_for(kPause);
  }
}

// HeldSignals keeps the signals by which a user ends a program until it goes.
class HeldSignals {
 public:
  HeldSignals() {
    sigset_t held;
    sigemptyset(&held);
    for (const int number : {SIGHUP, SIGINT, SIGQUIT, SIGTERM}) sigaddset(&held, number);
    ::pthread_sigmask(SIG_BLOCK, &held, &before_);
  }
  ~HeldSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;

 private:
  sigset_t before_{};
};

// TemporaryFile is removed unless it was moved into place, also where a signal ends the program
// meanwhile: it holds secrets, and nobody would look for it.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::filesystem::path& target)
      : name_(target.parent_path() / ".pocketgss.XXXXXX"),
        fd_(::mkostemp(name_.data(), O_CLOEXEC)) {}
  ~TemporaryFile() {
    if (fd_.valid() && !kept_) ::unlink(name_.c_str());
  }

  int fd() const { return fd_.get(); }
  bool valid() const { return fd_.valid(); }
  bool move_to(const std::filesystem::path& target) {
    kept_ = ::rename(name_.c_str(), target.c_str()) == 0;
    return kept_;
  }

 private:
  HeldSignals held_;
  std::string name_;
  Descriptor fd_;
  bool kept_ = false;
};

// take_owner gives the new file the owner of the old one, so that a change by root leaves it
// readable for its server.
bool take_owner(int fd, const std::filesystem::path& old) {
  struct stat status{};
  if (::stat(old.c_str(), &status) != 0) return errno == ENOENT;
  if (status.st_uid == ::geteuid() && status.st_gid == ::getegid()) return true;
  return ::fchown(fd, status.st_uid, status.st_gid) == 0;
}

Fallible<Nothing> replace(const Target& target, ByteView text, int folder) {
  TemporaryFile next(target.path);
  const bool done = next.valid() && take_owner(next.fd(), target.path) &&
                    ::fchmod(next.fd(), S_IRUSR | S_IWUSR) == 0 && write_all(next.fd(), text) &&
                    ::fsync(next.fd()) == 0 && next.move_to(target.path) && ::fsync(folder) == 0;
  if (!done) return cannot_write(target, errno);
  return Nothing{};
}

// is_special: a device, a pipe or a socket, or a link to one, which is not ours to replace. Of
// /dev/null there may be but one.
bool is_special(const std::filesystem::path& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0 && ::lstat(path.c_str(), &status) != 0) return false;
  return !S_ISREG(status.st_mode) && !S_ISLNK(status.st_mode) && !S_ISDIR(status.st_mode);
}

}  // namespace

Fallible<Nothing> write_private_file(const std::string& path, const char* what, ByteView text) {
  auto absolute_target = absolute(path, what);
  if (!absolute_target.has_value()) return absolute_target.failure();
  const Target target = std::move(absolute_target).value();
  if (is_special(target.path)) return cannot_write(target, "it is no regular file");
  TemporaryFile next(target.path);
  const bool done = next.valid() && ::fchmod(next.fd(), S_IRUSR | S_IWUSR) == 0 &&
                    write_all(next.fd(), text) && ::fsync(next.fd()) == 0 &&
                    next.move_to(target.path);
  if (!done) return cannot_write(target, errno);
  return Nothing{};
}

Fallible<Nothing> update_file(const std::string& path, const char* what, const FileChange& change) {
  auto given = absolute(path, what);
  if (!given.has_value()) return given.failure();
  const Target target{target_of(std::move(given).value().path), what};
  std::error_code error;
  if (std::filesystem::is_symlink(target.path, error)) return cannot_write(target, ELOOP);
  const Descriptor folder = open_folder(target.path.parent_path());
  if (!folder.valid()) return cannot_write(target, errno);
  const auto locked = lock(target);
  if (!locked.has_value()) return locked.failure();
  const bool exists = std::filesystem::exists(target.path, error);
  const auto next = change(target.path.string(), exists || error);
  if (!next.has_value()) return next.failure();
  return replace(target, next.value().view(), folder.get());
}

}  // namespace pocketgss::tools
