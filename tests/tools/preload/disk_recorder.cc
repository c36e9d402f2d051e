// A library to preload: writes down in which order a program writes, flushes and renames files and
// sends over sockets, and lets a flush fail.
//
//   PGSS_DISK_RECORD  the file that gets one line an event, of the form "WHAT PATH-OR-TEXT"
//   PGSS_DISK_FAIL    flushes of a path that has this in it fail with EIO; a line end in it is the
//                     path's end
//
// A flush and a rename are noted when they are done, what is sent before it is.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

// note appends one line, in one write, past the functions of this file.
void note(std::string_view what, std::string_view text) {
  static const char* const path = std::getenv("PGSS_DISK_RECORD");
  if (path == nullptr) return;
  const int error = errno;
  const std::string line = std::string(what) + " " + std::string(text) + "\n";
  const int fd = ::open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
  ::syscall(SYS_write, fd, line.data(), line.size());
  ::close(fd);
  errno = error;
}

std::string path_of(int fd) {
  std::array<char, PATH_MAX> path{};
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  const ssize_t size = ::readlink(link.c_str(), path.data(), path.size());
  return size > 0 ? std::string(path.data(), static_cast<size_t>(size)) : std::string();
}

std::string path_in(int folder, const char* name) {
  return name[0] == '/' || folder == AT_FDCWD ? name : path_of(folder) + "/" + name;
}

bool is_file(int fd) {
  struct stat status{};
  return ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

// note_output notes each line of what goes to a socket, and a file's path.
void note_output(int fd, std::string_view bytes) {
  if (is_file(fd)) return note("write", path_of(fd));
  struct stat status{};
  if (::fstat(fd, &status) != 0 || !S_ISSOCK(status.st_mode)) return;
  while (!bytes.empty()) {
    const size_t end = std::min(bytes.find('\n'), bytes.size());
    note("send", bytes.substr(0, std::min(bytes.find('\r'), end)));
    bytes.remove_prefix(std::min(end + 1, bytes.size()));
  }
}

std::string_view first_of(const iovec* pieces, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (pieces[i].iov_len > 0)
      return {static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len};
  }
  return {};
}

template <typename Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

int flushed(const char* name, int fd) {
  const std::string path = path_of(fd);
  const char* failing = std::getenv("PGSS_DISK_FAIL");
  if (failing != nullptr && (path + "\n").find(failing) != std::string::npos) {
    note("fail", path);
    errno = EIO;
    return -1;
  }
  const int result = real<int(int)>(name)(fd);
  note("flush", path);
  return result;
}

}  // namespace

#define PGSS_PRELOADED __attribute__((visibility("default")))

extern "C" {

PGSS_PRELOADED int fsync(int fd) {
  return flushed("fsync", fd);
}
PGSS_PRELOADED int fdatasync(int fd) {
  return flushed("fdatasync", fd);
}

PGSS_PRELOADED int rename(const char* from, const char* to) noexcept {
  const int result = real<int(const char*, const char*)>("rename")(from, to);
  note("rename", to);
  return result;
}
PGSS_PRELOADED int renameat(int from_folder, const char* from, int to_folder,
                            const char* to) noexcept {
  const int result =
      real<int(int, const char*, int, const char*)>("renameat")(from_folder, from, to_folder, to);
  note("rename", path_in(to_folder, to));
  return result;
}
PGSS_PRELOADED int link(const char* from, const char* to) noexcept {
  const int result = real<int(const char*, const char*)>("link")(from, to);
  note("rename", to);
  return result;
}
PGSS_PRELOADED int linkat(int from_folder, const char* from, int to_folder, const char* to,
                          int flags) noexcept {
  const int result = real<int(int, const char*, int, const char*, int)>("linkat")(
      from_folder, from, to_folder, to, flags);
  note("rename", path_in(to_folder, to));
  return result;
}

PGSS_PRELOADED ssize_t write(int fd, const void* bytes, size_t size) {
  note_output(fd, {static_cast<const char*>(bytes), size});
  return real<ssize_t(int, const void*, size_t)>("write")(fd, bytes, size);
}
PGSS_PRELOADED ssize_t writev(int fd, const iovec* pieces, int count) {
  note_output(fd, first_of(pieces, static_cast<size_t>(count)));
  return real<ssize_t(int, const iovec*, int)>("writev")(fd, pieces, count);
}
PGSS_PRELOADED ssize_t send(int fd, const void* bytes, size_t size, int flags) {
  note_output(fd, {static_cast<const char*>(bytes), size});
  return real<ssize_t(int, const void*, size_t, int)>("send")(fd, bytes, size, flags);
}
PGSS_PRELOADED ssize_t sendto(int fd, const void* bytes, size_t size, int flags, const sockaddr* to,
                              socklen_t to_size) {
  note_output(fd, {static_cast<const char*>(bytes), size});
  return real<ssize_t(int, const void*, size_t, int, const sockaddr*, socklen_t)>("sendto")(
      fd, bytes, size, flags, to, to_size);
}
PGSS_PRELOADED ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  note_output(fd, first_of(message->msg_iov, message->msg_iovlen));
  return real<ssize_t(int, const msghdr*, int)>("sendmsg")(fd, message, flags);
}
}
