// Principals: as files and callers borrow them, as we own them, and as people write them.
#ifndef PGSS_MECHS_KRB5_PRINCIPAL_H_
#define PGSS_MECHS_KRB5_PRINCIPAL_H_

#include <pocketgss/bytes.h>
#include <pocketgss/result.h>

#include <string>
#include <string_view>

#include "mechs/krb5/counted_list.h"
#include "mechs/krb5/iana.h"

namespace pocketgss::mechs::krb5 {

// The most components that a principal may have, in files and in messages.
inline constexpr size_t kMaxComponents = 32;
// The longest realm that a KDC may lead us to, or have a ticket go through: that of a host's name.
inline constexpr size_t kMaxRealm = 255;

inline constexpr std::string_view kTgsName = "krbtgt";

using Components = CountedList<std::string_view>;

// PrincipalView borrows a principal from a key table, a credential cache, a Principal or an array
// of names. Names and realms are counted, and may hold any octet, NUL included.
struct PrincipalView {
  int32_t name_type = name_type::kUnknown;
  std::string_view realm;
  Components components;
};

// same_principal compares realm and components octet for octet, and not the name type, which
// RFC 4120 6.2 calls a hint only.
bool same_principal(const PrincipalView&, const PrincipalView&);

// same_service is same_principal, but the host of a service ("smtp/HOST", two components) is
// compared without regard to the case of ASCII letters: Windows writes a host as it was typed
// (quirk A21). The second component of a ticket-granting service is a realm, and is not.
// With `any_class_case` the first component is compared so too.
bool same_service(const PrincipalView&, const PrincipalView&, bool any_class_case = false);

// may_be_realm: a KDC may name it as the next one. RFC 4120 6.1 leaves all characters but NUL to the
// "other" style of names; no realm has a control character. At most kMaxRealm octets, at least one.
bool may_be_realm(std::string_view);

// is_tgs tells "krbtgt/REALM@REALM" for that realm, as RFC 4120 7.3 names it.
bool is_tgs(const PrincipalView&, std::string_view realm);

// Principal owns what a PrincipalView borrows. Names and realms have at most 2^32 - 1 octets.
class Principal {
 public:
  Principal() = default;
  Principal(int32_t name_type, std::string_view realm) : name_type_(name_type), realm_(realm) {}
  explicit Principal(const PrincipalView&);

  Principal& add(std::string_view component);
  void set_realm(std::string_view realm) { realm_ = realm; }
  void set_name_type(int32_t name_type) { name_type_ = name_type; }

  const std::string& realm() const { return realm_; }
  // Valid until this object changes or goes.
  PrincipalView view() const;

 private:
  int32_t name_type_ = name_type::kUnknown;
  std::string realm_;
  Bytes names_;  // each with its length before it
  uint32_t count_ = 0;
};

// parse_principal reads the text form (RFC 1964 2.1.1): components with "/" between them, then "@"
// and the realm. A backslash takes the meaning from "/", "@" and itself; "\n", "\t", "\b" and "\0"
// stand for the control characters, and before any other character it is dropped. Without "@" the
// realm is `default_realm`; "name@" has an empty one. The name type is NT-SRV-INST for
// "krbtgt/REALM", NT-PRINCIPAL otherwise. Errors: kMalformed "principal", at the octet that is
// wrong (a backslash at the end, "@" or "/" in a realm, more than 32 components); kNoMemory.
Result<Principal> parse_principal(std::string_view text, std::string_view default_realm);

// principal_text writes the text form, from which parse_principal reads the same realm and
// components, "user\@dns-domain@REALM" of an enterprise name. (A principal without components,
// which only a credential cache may hold, is read as one that is empty.)
std::string principal_text(const PrincipalView&);

}  // namespace pocketgss::mechs::krb5

#endif  // PGSS_MECHS_KRB5_PRINCIPAL_H_
