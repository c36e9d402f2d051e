// What the programs here speak through, in place of a device's own sockets and TLS.
#ifndef PGSS_BENCH_SIZE_CONNECTION_H_
#define PGSS_BENCH_SIZE_CONNECTION_H_

#include <fcntl.h>
#include <pocketgss/bytes.h>
#include <unistd.h>

#include <string>

namespace pocketgss::size {

class Connection {
 public:
  explicit Connection(const char* path) : fd_(::open(path, O_RDWR)) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { ::close(fd_); }

  ByteView read() {
    const ssize_t size = ::read(fd_, buffer_, sizeof(buffer_));
    done_ = size <= 0;
    return ByteView(buffer_, done_ ? 0 : static_cast<size_t>(size));
  }
  void write(ByteView bytes) {
    if (::write(fd_, bytes.data(), bytes.size()) < 0) done_ = true;
  }
  void log(const std::string& text) { write(as_bytes(text)); }
  bool done() const { return done_; }
  ByteView certificate() { return read(); }

 private:
  int fd_;
  bool done_ = false;
  uint8_t buffer_[4096];
};

}  // namespace pocketgss::size

#endif  // PGSS_BENCH_SIZE_CONNECTION_H_
