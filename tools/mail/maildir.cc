// Delivery into a Maildir.
#include "tools/mail/maildir.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <utility>
#include <vector>

#include "base/cursor.h"
#include "tools/text.h"

namespace pocketgss::tools {
namespace {

Failure disk_failure(const char* doing, int error) {
  return Failure{ExitCode::kIoError, std::string(doing) + ": " + system_error_text(error)};
}

// host_part: "/" and ":" have a meaning in file names of a Maildir and are written as octal
// escapes.
std::string host_part(const std::string& host) {
  std::string out;
  for (const char c : host) {
    if (c == '/') {
      out.append("\\057");
    } else if (c == ':') {
      out.append("\\072");
    } else if (c > 0x20 && c < 0x7f) {
      out.push_back(c);
    }
  }
  return out.empty() ? "localhost" : out;
}

// unique_id: seconds, then what tells two deliveries of one second apart: microseconds, process,
// count, random number.
Fallible<std::string> unique_id(Clock& clock, RandomSource& random) {
  static std::atomic<uint32_t> count{0};
  std::array<uint8_t, 8> noise{};
  if (!random.fill(noise).has_value())
    return Failure{ExitCode::kOsError, "the system has no random numbers"};
  const UnixMicros now = clock.now();
  std::array<char, 128> text{};
  std::snprintf(text.data(), text.size(), "%lld.M%06lldP%ldQ%luR%08x%08x",
                static_cast<long long>(now / 1'000'000), static_cast<long long>(now % 1'000'000),
                static_cast<long>(::getpid()), static_cast<unsigned long>(count.fetch_add(1)),
                load_u32le(noise.data()), load_u32le(noise.data() + 4));
  return std::string(text.data());
}

Descriptor open_folder(const std::string& path) {
  return Descriptor(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

bool flush_folder(const std::string& path) {
  const Descriptor folder = open_folder(path);
  return folder.valid() && ::fsync(folder.get()) == 0;
}

}  // namespace

// MadeFolders are those that were not there before. They go again unless they are kept.
class Maildir::MadeFolders {
 public:
  MadeFolders() = default;
  ~MadeFolders() {
    for (auto path = paths_.rbegin(); path != paths_.rend(); ++path) ::rmdir(path->c_str());
  }
  MadeFolders(const MadeFolders&) = delete;
  MadeFolders& operator=(const MadeFolders&) = delete;

  // make returns false where there is none and none can be made.
  bool make(const std::string& path) {
    if (::mkdir(path.c_str(), S_IRWXU) != 0) return errno == EEXIST;
    paths_.push_back(path);
    return true;
  }
  bool has(const std::string& path) const {
    return std::find(paths_.begin(), paths_.end(), path) != paths_.end();
  }
  void keep() { paths_.clear(); }

 private:
  std::vector<std::string> paths_;
};

Delivery::Delivery(std::shared_ptr<const Folders> folders, std::string id, std::string name,
                   Descriptor file)
    : folders_(std::move(folders)),
      id_(std::move(id)),
      name_(std::move(name)),
      file_(std::move(file)) {}

Delivery::~Delivery() {
  discard();
}

void Delivery::discard() {
  if (name_.empty()) return;
  ::unlinkat(folders_->temporary.get(), name_.c_str(), 0);
  name_.clear();
}

Fallible<Nothing> Delivery::write(ByteView content) {
  Bytes lines;
  lines.reserve(content.size() + 1);
  for (const uint8_t c : content) {
    if (last_was_cr_ && c != '\n') lines.push_back('\r');
    last_was_cr_ = c == '\r';
    if (!last_was_cr_) lines.push_back(c);
  }
  if (!write_all(file_.get(), lines)) return disk_failure("the message cannot be written", errno);
  return Nothing{};
}

Fallible<Nothing> Delivery::commit() {
  auto moved = move_to_new();
  // Here, and not where the last owner lets go: who is told of the failure finds nothing left.
  if (!moved.has_value()) discard();
  return moved;
}

Fallible<Nothing> Delivery::move_to_new() {
  if (last_was_cr_ && !write_all(file_.get(), as_bytes("\r")))
    return disk_failure("the message cannot be written", errno);
  if (::fsync(file_.get()) != 0) return disk_failure("the message cannot be put on disk", errno);
  file_.reset();
  if (::renameat(folders_->temporary.get(), name_.c_str(), folders_->fresh.get(), name_.c_str()) !=
      0) {
    return disk_failure("the message cannot be moved into new/", errno);
  }
  const std::string name = std::exchange(name_, {});
  if (::fsync(folders_->fresh.get()) != 0) {
    // Not certain to be on disk, so it will not be answered by a 250, and must not be there when it
    // comes again.
    const int error = errno;
    ::unlinkat(folders_->fresh.get(), name.c_str(), 0);
    return disk_failure("the folder new/ cannot be put on disk", error);
  }
  return Nothing{};
}

Fallible<Maildir> Maildir::open(const std::string& path, const std::string& host) {
  const auto made = std::make_shared<MadeFolders>();
  for (const char* part : {"", "/tmp", "/new", "/cur"}) {
    if (!made->make(path + part)) {
      return Failure{ExitCode::kCantCreate, "cannot make the Maildir " + quoted(path + part) +
                                                ": " + system_error_text(errno)};
    }
  }
  Delivery::Folders folders{open_folder(path + "/tmp"), open_folder(path + "/new")};
  if (!folders.temporary.valid() || !folders.fresh.valid() ||
      ::access((path + "/tmp").c_str(), W_OK) != 0 ||
      ::access((path + "/new").c_str(), W_OK) != 0) {
    return Failure{ExitCode::kCantCreate,
                   "cannot write to the Maildir " + quoted(path) + ": " + system_error_text(errno)};
  }
  // New folders are names in this one, and it is one in the folder around it.
  if (!flush_folder(path)) {
    return Failure{ExitCode::kCantCreate, "cannot put the Maildir " + quoted(path) +
                                              " on disk: " + system_error_text(errno)};
  }
  // Also where it was there: the program that made it may have ended before this. The folder around
  // it need not be one that can be read, then.
  const bool is_new = made->has(path);
  if (!flush_folder(path + "/..") && is_new) {
    return Failure{ExitCode::kCantCreate, "cannot put the folder around the Maildir " +
                                              quoted(path) +
                                              " on disk: " + system_error_text(errno)};
  }
  return Maildir(made, std::make_shared<const Delivery::Folders>(std::move(folders)),
                 host_part(host), is_new);
}

void Maildir::keep() const {
  made_folders_->keep();
}

Fallible<std::unique_ptr<Delivery>> Maildir::begin(Clock& clock, RandomSource& random) const {
  auto id = unique_id(clock, random);
  if (!id.has_value()) return id.failure();
  std::string name = id.value() + "." + host_;
  Descriptor file(::openat(folders_->temporary.get(), name.c_str(),
                           O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR));
  if (!file.valid()) return disk_failure("no file can be made in the Maildir's tmp/", errno);
  return std::unique_ptr<Delivery>(
      new Delivery(folders_, std::move(id).value(), std::move(name), std::move(file)));
}

}  // namespace pocketgss::tools
