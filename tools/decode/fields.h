// Short ways to write the fields of a tree.
#ifndef PGSS_TOOLS_DECODE_FIELDS_H_
#define PGSS_TOOLS_DECODE_FIELDS_H_

#include <string>
#include <utility>

#include "tools/decode/tree.h"

namespace pocketgss::tools {

class Decryptor;

// DecodeContext is where a token stands in the whole input, and where notes about it go.
struct DecodeContext {
  uint32_t base = 0;  // of the token, from the start of the input
  std::vector<std::string>* notes = nullptr;
  bool show_keys = false;  // long-term and session keys in a file, or in what was decrypted
  Decryptor* decryptor = nullptr;
  bool decrypted = false;  // the token was inside an encrypted part

  // at is the same for a token inside, which begins there.
  DecodeContext at(uint32_t inside) const {
    DecodeContext out = *this;
    out.base = inside;
    return out;
  }
  void note(std::string text) const { notes->push_back(std::move(text)); }
};

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
