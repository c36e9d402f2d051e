// Whole files of bounded size, read with errors that a person understands.
#ifndef PGSS_TOOLS_FILES_H_
#define PGSS_TOOLS_FILES_H_

#include <string>

#include <pocketgss/secret.h>

#include "tools/fallible.h"

namespace pocketgss::tools {

// Descriptor owns a file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  ~Descriptor() { reset(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  void reset(int fd = -1);

 private:
  int fd_;
};

// read_descriptor reads to the end; `path` is for messages. Failures: kNoInput, kDataError (more
// than `limit` bytes).
Fallible<SecretBytes> read_descriptor(int fd, const std::string& path, size_t limit);

// read_file reads a whole file, a pipe too. Any file that a person names may hold a secret, so its
// bytes are wiped after use. Failures: those of read_descriptor().
Fallible<SecretBytes> read_file(const std::string& path, size_t limit);

// open_private opens a file of a server that holds keys: a regular one that nobody but its owner may
// read or write. `what` is for messages ("the user file"). Failures: kNoInput (it cannot be opened;
// `advice` follows where it is not there), kConfig.
Fallible<Descriptor> open_private(const std::string& path, const std::string& what,
                                  const std::string& advice = "");

// write_all writes all of `bytes`, whatever the pieces; false with errno set where that fails.
bool write_all(int fd, ByteView bytes);

}  // namespace pocketgss::tools

#endif  // PGSS_TOOLS_FILES_H_
