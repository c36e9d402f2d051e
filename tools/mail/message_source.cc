// The message that `send` submits: a file, or standard input, read piece by piece.
#include "tools/mail/message_source.h"

#include <sys/stat.h>

#include <cerrno>

#include "tools/text.h"

namespace pocketgss::tools {
namespace {

constexpr size_t kPiece = 64 * 1024;

Failure cannot(ExitCode code, const char* what, const std::string& name, int error_number) {
  return Failure{code, std::string("cannot ") + what + " the message " + quoted(name) + ": " +
                           system_error_text(error_number)};
}

bool is_regular(std::FILE* file) {
  struct stat status{};
  return fstat(fileno(file), &status) == 0 && S_ISREG(status.st_mode);
}

// FactCounter counts what the wire will carry: every LF, CR or CR LF ends a line, and a last line
// without an end gets one (what SmtpClient::write_data() does).
class FactCounter {
 public:
  void add(ByteView piece) {
    for (const uint8_t octet : piece) add(octet);
  }
  MessageFacts finish() {
    if (!at_line_start_) facts_.size += 2;
    return facts_;
  }

 private:
  void add(uint8_t octet) {
    const bool second_half = octet == '\n' && after_cr_;
    after_cr_ = octet == '\r';
    if (second_half) return;
    at_line_start_ = octet == '\r' || octet == '\n';
    facts_.size += at_line_start_ ? 2 : 1;
    facts_.eight_bit = facts_.eight_bit || octet > 127;
  }

  MessageFacts facts_;
  bool after_cr_ = false;
  bool at_line_start_ = true;
};

}  // namespace

void MessageSource::Close::operator()(std::FILE* file) const {
  if (file != stdin) std::fclose(file);
}

Fallible<MessageSource> MessageSource::open(const std::string& path) {
  if (path == "-") {
    return MessageSource("standard input", std::unique_ptr<std::FILE, Close>(stdin));
  }
  std::unique_ptr<std::FILE, Close> file(std::fopen(path.c_str(), "rbe"));
  if (!file) return cannot(ExitCode::kNoInput, "open", path, errno);
  struct stat status{};
  if (fstat(fileno(file.get()), &status) == 0 && S_ISDIR(status.st_mode)) {
    return cannot(ExitCode::kNoInput, "read", path, EISDIR);
  }
  return MessageSource(path, std::move(file));
}

Fallible<std::optional<MessageFacts>> MessageSource::facts() {
  if (!is_regular(file_.get())) return std::optional<MessageFacts>();
  const off_t start = ftello(file_.get());
  FactCounter counter;
  for (;;) {
    auto piece = read();
    if (!piece.has_value()) return piece.failure();
    if (piece.value().empty()) break;
    counter.add(piece.value());
  }
  if (start < 0 || fseeko(file_.get(), start, SEEK_SET) != 0) {
    return cannot(ExitCode::kIoError, "rewind", name_, errno);
  }
  return std::optional<MessageFacts>(counter.finish());
}

Fallible<Bytes> MessageSource::read() {
  Bytes piece(kPiece);
  piece.resize(std::fread(piece.data(), 1, piece.size(), file_.get()));
  if (std::ferror(file_.get()) != 0) return cannot(ExitCode::kNoInput, "read", name_, errno);
  return piece;
}

}  // namespace pocketgss::tools
