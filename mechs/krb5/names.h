// Principals between messages, which have name and realm in two fields, and the rest.
#ifndef PGSS_MECHS_KRB5_NAMES_H_
#define PGSS_MECHS_KRB5_NAMES_H_

#include <array>

#include "mechs/krb5/principal.h"
#include "mechs/krb5/types.h"

namespace pocketgss::mechs::krb5 {

static_assert(kMaxComponents == kMaxElements, "a name of a message fits in a Principal");

// principal_of copies a name of a message. It may throw std::bad_alloc.
Principal principal_of(const PrincipalName&, Realm);

// NameComponents lends the names of a PrincipalView to a message, and of a message to a
// PrincipalView. What it was made from outlives it, and it outlives what it lends.
class NameComponents {
 public:
  explicit NameComponents(const PrincipalView&);
  NameComponents(const PrincipalName&, Realm);
  NameComponents(const NameComponents&) = delete;
  NameComponents& operator=(const NameComponents&) = delete;

  PrincipalName name() const {
    return {name_type_, SequenceOf<KerberosString>(std::span(names_).first(count_))};
  }
  PrincipalView view() const {
    return {name_type_, realm_, Components(std::span(names_).first(count_))};
  }

 private:
  template <typename Names>
  void take(const Names&);

  int32_t name_type_;
  std::string_view realm_;
  size_t count_ = 0;
  std::array<std::string_view, kMaxComponents> names_;
};

}  // namespace pocketgss::mechs::krb5

#endif  // PGSS_MECHS_KRB5_NAMES_H_
