// Comparing principals, and their text form.
#include "mechs/krb5/principal.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/guard.h"

namespace pocketgss::mechs::krb5 {
namespace {

// Of Principal's own names.
constexpr Layout kOwnLayout{4, std::endian::big};

// TextParser splits the text form.
class TextParser {
 public:
  explicit TextParser(std::string_view text) : text_(text) {}

  Result<Principal> parse(std::string_view default_realm) {
    Principal out(name_type::kPrincipal, default_realm);
    for (; at_ < text_.size(); ++at_) PGSS_CHECK(character(out));
    if (in_realm_) {
      out.set_realm(part_);
    } else {
      out.add(part_);
    }
    return out;
  }

 private:
  Result<void> character(Principal& out) {
    const char c = text_[at_];
    if (c == '\\') return escaped();
    if (c == '@') return at_sign(out);
    if (c == '/') return slash(out);
    part_.push_back(c);
    return {};
  }

  Result<void> escaped() {
    if (at_ + 1 == text_.size()) return wrong();
    const char c = text_[++at_];
    part_.push_back(c == 'n' ? '\n' : c == 't' ? '\t' : c == 'b' ? '\b' : c == '0' ? '\0' : c);
    return {};
  }

  Result<void> at_sign(Principal& out) {
    if (in_realm_) return wrong();
    in_realm_ = true;
    return end_component(out);
  }

  Result<void> slash(Principal& out) {
    if (in_realm_ || out.view().components.size() + 1 == kMaxComponents) return wrong();
    return end_component(out);
  }

  Result<void> end_component(Principal& out) {
    out.add(part_);
    part_.clear();
    return {};
  }

  Error wrong() const {
    return Error{Errc::kMalformed, "principal", static_cast<uint32_t>(at_), 0};
  }

  std::string_view text_;
  size_t at_ = 0;
  bool in_realm_ = false;
  std::string part_;
};

void append_escaped(std::string& out, std::string_view name) {
  for (const char c : name) {
    switch (c) {
      case '/':
      case '@':
      case '\\':
        out.append({'\\', c});
        break;
      case '\n':
        out.append("\\n");
        break;
      case '\t':
        out.append("\\t");
        break;
      case '\b':
        out.append("\\b");
        break;
      case '\0':
        out.append("\\0");
        break;
      default:
        out.push_back(c);
    }
  }
}

}  // namespace

bool same_principal(const PrincipalView& a, const PrincipalView& b) {
  return a.realm == b.realm && a.components == b.components;
}

bool same_service(const PrincipalView& a, const PrincipalView& b, bool any_class_case) {
  if (a.components.size() != 2 || b.components.size() != 2) return same_principal(a, b);
  Components::Iterator mine = a.components.begin(), other = b.components.begin();
  const bool same_class = any_class_case ? same_ignoring_case(*mine, *other) : *mine == *other;
  if (a.realm != b.realm || !same_class) return false;
  const bool tgs = *mine == kTgsName;
  ++mine, ++other;
  return tgs ? *mine == *other : same_ignoring_case(*mine, *other);
}

bool may_be_realm(std::string_view name) {
  return !name.empty() && name.size() <= kMaxRealm &&
         std::none_of(name.begin(), name.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == '\x7f'; });
}

bool is_tgs(const PrincipalView& principal, std::string_view realm) {
  if (principal.realm != realm || principal.components.size() != 2) return false;
  Components::Iterator name = principal.components.begin();
  return *name == kTgsName && *++name == realm;
}

Principal::Principal(const PrincipalView& from) : name_type_(from.name_type), realm_(from.realm) {
  for (const std::string_view component : from.components) add(component);
}

Principal& Principal::add(std::string_view component) {
  const auto size = static_cast<uint32_t>(component.size());
  for (const int shift : {24, 16, 8, 0}) names_.push_back(static_cast<uint8_t>(size >> shift));
  append(names_, as_bytes(component));
  ++count_;
  return *this;
}

PrincipalView Principal::view() const {
  return {name_type_, realm_, Components::checked(names_.data(), count_, kOwnLayout)};
}

Result<Principal> parse_principal(std::string_view text, std::string_view default_realm) {
  return guarded("principal", [&]() -> Result<Principal> {
    PGSS_TRY(Principal out, TextParser(text).parse(default_realm));
    const Components& names = out.view().components;
    if (names.size() == 2 && names.front() == kTgsName) out.set_name_type(name_type::kSrvInst);
    return out;
  });
}

std::string principal_text(const PrincipalView& principal) {
  std::string out;
  size_t size = principal.realm.size() + 2;
  for (const std::string_view component : principal.components) size += component.size() + 1;
  out.reserve(size);
  for (const std::string_view component : principal.components) {
    append_escaped(out, component);
    out.push_back('/');
  }
  if (!out.empty()) out.pop_back();
  out.push_back('@');
  append_escaped(out, principal.realm);
  return out;
}

}  // namespace pocketgss::mechs::krb5
