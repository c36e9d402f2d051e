// Copies of views of names.
#include "mechs/krb5/names.h"

namespace pocketgss::mechs::krb5 {

Principal principal_of(const PrincipalName& name, Realm realm) {
  Principal out(name.name_type, realm);
  for (const KerberosString component : name.name_string) out.add(component);
  return out;
}

template <typename Names>
void NameComponents::take(const Names& names) {
  for (const std::string_view name : names) {
    if (count_ == names_.size()) break;  // neither kind of name has more
    names_[count_++] = name;
  }
}

NameComponents::NameComponents(const PrincipalView& principal)
    : name_type_(principal.name_type), realm_(principal.realm) {
  take(principal.components);
}

NameComponents::NameComponents(const PrincipalName& name, Realm realm)
    : name_type_(name.name_type), realm_(realm) {
  take(name.name_string);
}

}  // namespace pocketgss::mechs::krb5
