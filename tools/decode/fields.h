// Short ways to write the fields of a tree.
#ifndef PGSS_TOOLS_DECODE_FIELDS_H_
#define PGSS_TOOLS_DECODE_FIELDS_H_

#include <optional>
#include <string>
#include <utility>

#include "tools/decode/tree.h"

namespace pocketgss::tools {

class Decryptor;

// How many tokens may stand one inside the other, the outermost included. A peer can nest thousands,
// and each takes its part of the stack; what is deeper stays octets. Since the octets of a token are
// shown beside its fields, this is also how often an octet can be shown.
inline constexpr int kMaxTokenDepth = 16;

// DecodeContext is where a token stands in the whole input, and where notes about it go.
struct DecodeContext {
  uint32_t base = 0;  // of the token, from the start of the input
  std::vector<std::string>* notes = nullptr;
  bool show_keys = false;  // long-term and session keys in a file, or in what was decrypted
  Decryptor* decryptor = nullptr;
  bool decrypted = false;  // the token was inside an encrypted part
  int depth = 1;           // how many tokens the token is inside, itself counted

  // at is the same for what begins there.
  DecodeContext at(uint32_t inside) const {
    DecodeContext out = *this;
    out.base = inside;
    return out;
  }
  // deeper is the same for a token inside this one; none where it would be too deep.
  std::optional<DecodeContext> deeper() const {
    if (depth >= kMaxTokenDepth) return std::nullopt;
    DecodeContext out = *this;
    ++out.depth;
    return out;
  }
  void note(std::string text) const { notes->push_back(std::move(text)); }
};

// too_deep says why a token that deeper() has no context for is not decoded.
inline std::string too_deep() {
  return "it is nested deeper than " + std::to_string(kMaxTokenDepth) + " levels";
}

inline Field make_field(std::string name, uint32_t offset, size_t length, Value value,
                        std::string meaning = {}) {
  Field field;
  field.name = std::move(name);
  field.offset = offset;
  field.length = static_cast<uint32_t>(length);
  field.value = std::move(value);
  field.meaning = std::move(meaning);
  return field;
}

inline Field octets_field(std::string name, uint32_t offset, ByteView octets) {
  return make_field(std::move(name), offset, octets.size(), octets.to_bytes());
}

inline Field sensitive(Field field) {
  field.sensitive = true;
  return field;
}

}  // namespace pocketgss::tools

#endif  // PGSS_TOOLS_DECODE_FIELDS_H_
