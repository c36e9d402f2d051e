// The message that `send` submits: a file, or standard input, read piece by piece.
#ifndef PGSS_TOOLS_MAIL_MESSAGE_SOURCE_H_
#define PGSS_TOOLS_MAIL_MESSAGE_SOURCE_H_

#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include <pocketgss/bytes.h>

#include "tools/fallible.h"

namespace pocketgss::tools {

// MessageFacts is what can be told of a message before it is sent.
struct MessageFacts {
  uint64_t size = 0;       // octets on the wire: with CRLF line ends, without doubled dots
  bool eight_bit = false;  // it has octets above 127
};

// MessageSource gives a message (RFC 5322) once, from its start, in bounded memory.
class MessageSource {
 public:
  // open takes a path, or "-" for standard input. Failures: kNoInput.
  static Fallible<MessageSource> open(const std::string& path);

  // facts reads the whole message ahead where it can be read twice (a regular file); none
  // otherwise. Failures: kNoInput, kIoError (it cannot be rewound).
  Fallible<std::optional<MessageFacts>> facts();

  // read returns the next piece, 64 KiB at most; empty: the end. Failures: kNoInput.
  Fallible<Bytes> read();

 private:
  struct Close {
    void operator()(std::FILE* file) const;
  };
  MessageSource(std::string name, std::unique_ptr<std::FILE, Close> file)
      : name_(std::move(name)), file_(std::move(file)) {}

  std::string name_;  // for messages
  std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace pocketgss::tools

#endif  // PGSS_TOOLS_MAIL_MESSAGE_SOURCE_H_
