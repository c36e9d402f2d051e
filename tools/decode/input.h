// From what a user gives (hex, base64, raw octets; a file, or a token a line) to a token's octets.
#ifndef PGSS_TOOLS_DECODE_INPUT_H_
#define PGSS_TOOLS_DECODE_INPUT_H_

#include <istream>
#include <optional>
#include <string>
#include <string_view>

#include <pocketgss/bytes.h>

namespace pocketgss::tools {

inline constexpr size_t kMaxInput = size_t{1}
                                    << 20;  // octets of text or token that are looked at: 1 MiB

enum class InputFormat : uint8_t { kAuto, kHex, kBase64, kRaw };

// Input is a token's octets, or why there are none.
struct Input {
  std::optional<Bytes> octets;
  std::string refusal;  // a sentence, where octets is empty
  uint32_t offset = 0;  // of the first character that does not fit
};

// octets_of turns text into octets. kAuto: text that holds anything but printable ASCII and white
// space is raw, text of hex digits alone is hex, all else is base64. A `line` of a batch is never
// raw and holds no white space; elsewhere white space inside hex and base64 is passed over.
Input octets_of(std::string_view text, InputFormat format, bool line);

// Line is one line of a stream, without its LF or CR LF.
struct Line {
  std::string text;  // at most kMaxInput octets of it
  bool too_long = false;
};

// read_line reads the next line; none at the end of the stream. A line of any length takes bounded
// memory.
std::optional<Line> read_line(std::istream& in);

// read_all reads what is left of a stream, at most kMaxInput + 1 octets (so that too much can be
// told).
std::string read_all(std::istream& in);

}  // namespace pocketgss::tools

#endif  // PGSS_TOOLS_DECODE_INPUT_H_
