// Whole files of bounded size.
#include "tools/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "tools/text.h"

namespace pocketgss::tools {
namespace {

// grown doubles a buffer; the old block is wiped.
SecretBytes grown(const SecretBytes& old, size_t limit) {
  SecretBytes bigger =
      SecretBytes::of_size(std::min(limit, std::max<size_t>(4096, 2 * old.size())));
  std::copy(old.view().begin(), old.view().end(), bigger.mutable_view().begin());
  return bigger;
}

}  // namespace

void Descriptor::reset(int fd) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

Fallible<SecretBytes> read_descriptor(int fd, const std::string& path, size_t limit) {
  SecretBytes buffer;
  size_t used = 0;
  for (;;) {
    if (used == buffer.size()) buffer = grown(buffer, limit + 1);
    const ssize_t got = ::read(fd, buffer.mutable_view().data() + used, buffer.size() - used);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0)
      return Failure{ExitCode::kNoInput,
                     "cannot read " + quoted(path) + ": " + system_error_text(errno)};
    if (got == 0) return SecretBytes(buffer.view().prefix(used));
    used += static_cast<size_t>(got);
    if (used > limit) {
      return Failure{ExitCode::kDataError, quoted(path) + " is longer than " +
                                               std::to_string(limit) +
                                               " bytes: is it the right file?"};
    }
  }
}

Fallible<Descriptor> open_private(const std::string& path, const std::string& what,
                                  const std::string& advice) {
  // O_NONBLOCK: opening a pipe that somebody put here must not wait.
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.valid()) {
    return Failure{ExitCode::kNoInput, "cannot open " + what + " " + quoted(path) + ": " +
                                           system_error_text(errno) +
                                           (errno == ENOENT ? advice : "")};
  }
  struct stat status{};
  if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return Failure{ExitCode::kConfig, what + " " + quoted(path) + " is no regular file"};
  }
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return Failure{ExitCode::kConfig, what + " " + quoted(path) +
                                          " is open to others than its owner: run `chmod 600` "
                                          "on it"};
  }
  return file;
}

Fallible<SecretBytes> read_file(const std::string& path, size_t limit) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) {
    return Failure{ExitCode::kNoInput,
                   "cannot open " + quoted(path) + ": " + system_error_text(errno)};
  }
  return read_descriptor(file.get(), path, limit);
}

bool write_all(int fd, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes = bytes.from(static_cast<size_t>(written));
  }
  return true;
}

}  // namespace pocketgss::tools
