// Replacing the user file: under a lock, atomically, and durable.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "tools/files.h"
#include "tools/text.h"
#include "tools/users/user_file.h"

namespace pocketgss::tools {
namespace {

Failure cannot_write(const std::string& path, int error) {
  return Failure{ExitCode::kCantCreate, "cannot write the user file " + tools::quoted(path) + ": " +
                                            system_error_text(error)};
}

// target_of follows a symbolic link, so that the link stays and the file it names is replaced.
std::filesystem::path target_of(const std::string& path) {
  std::error_code error;
  auto target = std::filesystem::canonical(path, error);
  return error ? std::filesystem::absolute(path) : target;
}

// lock_folder serialises all who change files in it by this function.
Descriptor lock_folder(const std::filesystem::path& folder) {
  Descriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return fd;
  int locked = 0;
  do locked = ::flock(fd.get(), LOCK_EX);
  while (locked != 0 && errno == EINTR);
  if (locked != 0) fd.reset();
  return fd;
}

// TemporaryFile is removed unless it was moved into place.
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

Fallible<Nothing> replace(const std::filesystem::path& target, ByteView text, int folder) {
  TemporaryFile next(target);
  const bool done = next.valid() && take_owner(next.fd(), target) &&
                    ::fchmod(next.fd(), S_IRUSR | S_IWUSR) == 0 && write_all(next.fd(), text) &&
                    ::fsync(next.fd()) == 0 && next.move_to(target) && ::fsync(folder) == 0;
  if (!done) return cannot_write(target.string(), errno);
  return Nothing{};
}

Fallible<UserFile> load_or_empty(const std::filesystem::path& target) {
  std::error_code error;
  const bool exists = std::filesystem::exists(target, error);
  return exists || error ? UserFile::load(target.string())
                         : UserFile::parse(SecretBytes(), target.string());
}

}  // namespace

Fallible<Nothing> update_user_file(const std::string& path, const UserFileChange& change) {
  const std::filesystem::path target = target_of(path);
  const Descriptor folder = lock_folder(target.parent_path());
  if (!folder.valid()) return cannot_write(path, errno);
  const auto current = load_or_empty(target);
  if (!current.has_value()) return current.failure();
  const auto next = change(current.value());
  if (!next.has_value()) return next.failure();
  return replace(target, next.value().view(), folder.get());
}

}  // namespace pocketgss::tools
