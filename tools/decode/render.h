// A decoded token, or why it was refused, as indented text or as one JSON object.
#ifndef PGSS_TOOLS_DECODE_RENDER_H_
#define PGSS_TOOLS_DECODE_RENDER_H_

#include <string>
#include <string_view>

#include <pocketgss/error.h>

#include "tools/decode/tree.h"

namespace pocketgss::tools {

struct TextStyle {
  std::string_view indent;  // before each line
  bool redact = false;      // leave sensitive octets out, for logs
  size_t max_octets = 0;    // cut longer octet strings, for a reader's eye; 0: never
};

// render_text gives a line a field: offset, name, value, meaning.
std::string render_text(const DecodedToken&, const TextStyle&);

// render_json gives {"ok":true,"kind":K,"length":N,"token":{...},"notes":[...]} on one line,
// without a line end. Each field is
// {"offset":N,"length":N,"value":V} with V an integer, a text, lower-case hex, an object or an
// array; beside it, where they apply, "names" (set flags), "meaning", and "kind" with "token" for
// octets that hold a token.
std::string render_json(const DecodedToken&);

// render_json_error gives {"ok":false,"error":{"code":C,"where":FIELD,"offset":N,"message":TEXT}}
// on one line.
std::string render_json_error(const Error&, const std::string& message);

}  // namespace pocketgss::tools

#endif  // PGSS_TOOLS_DECODE_RENDER_H_
