// What a krb5.conf says about realms, where a user points to one. Nothing here opens a file.
#ifndef POCKETGSS_KRB5_CONF_H_
#define POCKETGSS_KRB5_CONF_H_

#include <pocketgss/kdcs.h>
#include <pocketgss/result.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

PGSS_EXPORT_BEGIN
namespace pocketgss {

inline constexpr size_t kMaxKrb5Conf = size_t{256} << 10;

// Krb5Conf is [libdefaults] default_realm, [realms] kdc and [domain_realm] of a file as MIT krb5
// reads it; everything else in it is passed over. Where a relation stands twice the first is taken,
// and all KDCs are. A mark of what is final (`kdc* = HOST`) is about further files: nothing here.
struct Krb5Conf {
  // LeftOut is something of these that was not taken: an include, a KDC behind a proxy. `what` is
  // static text, `offset` where it stands.
  struct LeftOut {
    const char* what;
    uint32_t offset;

    bool operator==(const LeftOut&) const = default;
  };

  // Errors: kMalformed (`where` names the field and what is wrong with it, `offset` the octet where
  // it stands; line_of() its line). Refused are also files of more than 256 KiB, and, other than by
  // MIT krb5, subsections and quoted values without an end.
  static Result<Krb5Conf> parse(std::string_view text);

  std::string default_realm;                                         // empty where there is none
  std::map<std::string, std::vector<KdcAddress>, std::less<>> kdcs;  // by realm
  std::map<std::string, std::string, std::less<>> domain_realm;      // names in lower case
  std::vector<LeftOut> left_out;

  // add_to gives each realm its KDCs. It may throw std::bad_alloc, as may realm_of_host.
  void add_to(ConfiguredKdcs& configured) const;

  // realm_of_host looks for the host itself, then for each domain that it is in, with a dot in front
  // and without, the nearest first; an IP address is in none. Nothing where [domain_realm] has none.
  std::optional<std::string> realm_of_host(std::string_view host) const;
};

// line_of is the line, from 1, of the octet at `offset`.
uint32_t line_of(std::string_view text, uint32_t offset);

}  // namespace pocketgss
PGSS_EXPORT_END

#endif  // POCKETGSS_KRB5_CONF_H_
