// Reads a list of realms in which each name may be told by the one before it.
#include "mechs/krb5/transited.h"

#include <optional>
#include <string>

#include "mechs/krb5/principal.h"

namespace pocketgss::mechs::krb5 {
namespace {

// is_above: "EXAMPLE.TEST" is above "MAIL.EXAMPLE.TEST", and above itself.
bool is_above(std::string_view realm, std::string_view other) {
  if (realm.empty() || !other.ends_with(realm)) return false;
  return other.size() == realm.size() || other[other.size() - realm.size() - 1] == '.';
}

// lowest_common is the lowest realm that is above both; empty where there is none.
std::string_view lowest_common(std::string_view a, std::string_view b) {
  while (!is_above(a, b)) {
    const size_t dot = a.find('.');
    if (dot == a.npos) return {};
    a.remove_prefix(dot + 1);
  }
  return a;
}

// Field is what stands between two commas.
struct Field {
  std::string name;
  bool is_prefix = false;   // it ends in a dot: the name before follows
  bool is_x500 = false;     // it begins with a slash
  bool is_literal = false;  // a space stood in front: it is the whole name
};

// next_field cuts the first field off; a backslash makes what follows it an ordinary character.
std::optional<Field> next_field(std::string_view& rest) {
  Field out;
  size_t at = 0;
  for (; at < rest.size() && rest[at] != ','; ++at) {
    const bool quoted = rest[at] == '\\';
    if (quoted && ++at == rest.size()) return std::nullopt;
    if (at == 0 && rest[at] == ' ') {
      out.is_literal = true;
      continue;
    }
    if (at == 0 && rest[at] == '/') out.is_x500 = true;
    out.is_prefix = !quoted && rest[at] == '.';
    out.name.push_back(rest[at]);
    if (out.name.size() > kMaxRealm) return std::nullopt;
  }
  rest.remove_prefix(at);
  return out;
}

}  // namespace

// RFC 4120 3.3.3.2: "if a realm's name ends with a '.', it is prepended to the previous realm"; one
// that begins with a space stands for itself; "a NULL subfield indicates that all realms between
// [those] adjacent to it have been traversed", which lie in the hierarchy where those do.
bool is_hierarchical_path(ByteView contents, std::string_view client, std::string_view server) {
  const std::string_view common = lowest_common(client, server);
  std::string_view rest = as_text(contents);
  std::string before;
  for (bool first = true; first || !rest.empty(); first = false) {
    if (!first) rest.remove_prefix(1);
    auto field = next_field(rest);
    if (!field || field->is_x500) return false;
    if (field->name.empty() && !field->is_literal) continue;
    if (field->is_prefix && !field->is_literal) field->name += before;
    before = std::move(field->name);
    if (before.size() > kMaxRealm) return false;
    if (!is_above(before, client) && !is_above(before, server)) return false;
    if (is_above(before, common) && before.size() < common.size()) return false;
  }
  return true;
}

}  // namespace pocketgss::mechs::krb5
