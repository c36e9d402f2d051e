// The tree that a decoded token is shown as: the specifications' own field names, where each field
// stands, what it means.
#ifndef PGSS_TOOLS_DECODE_TREE_H_
#define PGSS_TOOLS_DECODE_TREE_H_

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include <pocketgss/bytes.h>

namespace pocketgss::tools {

struct Field;

// Values that a field can have. Octets are shown as lower-case hex.
using Children = std::vector<Field>;  // named fields, in wire order
struct Items {                        // a list, whose elements say their own names
  std::vector<Field> items;
};
using Value = std::variant<std::monostate, Bytes, std::string, uint64_t, int64_t, Children, Items>;

// Field is one named element of a token. `offset` counts bytes from the start of the whole input,
// also inside nested tokens.
struct Field {
  std::string name;
  uint32_t offset = 0;
  uint32_t length = 0;
  Value value;
  std::vector<std::string> names;  // of the flags that are set
  std::string meaning;             // of an OID, an enumerated value or a time
  std::string summary;             // of the children, for a reader of text
  std::string kind;        // of the token that the octets hold, where they hold one that decodes
  Children token;          // its fields
  bool sensitive = false;  // a response, MIC or key: left out where the tree goes into a log
};

// DecodedToken is a whole input.
struct DecodedToken {
  std::string kind;  // "spnego.NegTokenInit", "ntlm.Challenge", ...
  uint32_t length = 0;
  Children fields;
  std::vector<std::string>
      notes;  // what a reader should know: policy, oddities of known peers, what was not decoded
};

}  // namespace pocketgss::tools

#endif  // PGSS_TOOLS_DECODE_TREE_H_
