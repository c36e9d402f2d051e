// The verb `decode`, apart from its options.
#ifndef PGSS_TOOLS_DECODE_COMMAND_H_
#define PGSS_TOOLS_DECODE_COMMAND_H_

#include <iosfwd>
#include <string>

#include "tools/decode/fields.h"
#include "tools/decode/input.h"

namespace pocketgss::tools {

struct DecodeOptions {
  bool json = false;
  bool batch = false;
  InputFormat format = InputFormat::kAuto;
  bool show_keys = false;
  std::string kind;                // --as; empty: told from the token
  Decryptor* decryptor = nullptr;  // --keytab, --password-file
};

// run_decode reads one token from `in`, writes the tree to `out` (or why there is none: JSON to
// `out`, text to `err`), and returns the exit code: 0, or 65 (EX_DATAERR). With `batch` it reads a
// token a line, writes exactly one JSON object a line, and returns 0. Either returns 66 (EX_NOINPUT)
// where `in` cannot be read and 74 (EX_IOERR) where `out` cannot be written, with a line on `err`.
int run_decode(const DecodeOptions&, std::istream& in, std::ostream& out, std::ostream& err);

}  // namespace pocketgss::tools

#endif  // PGSS_TOOLS_DECODE_COMMAND_H_
