// The choice of a mechanism, and the list as it is written.
#include "mechs/spnego/mech_list.h"

#include "base/any_of.h"
#include "mechs/spnego/out.h"
#include "mechs/spnego/token.h"

namespace pocketgss::mechs::spnego {

Result<void> check_mechanisms(MechanismEntries entries) {
  const auto unusable = [](const MechanismEntry& entry) {
    return entry.oid.der.empty() || entry.source == nullptr;
  };
  if (entries.empty() || entries.size() > kMaxMechTypes || any_of(entries, unusable)) {
    return Error{Errc::kApiMisuse, "SPNEGO: mechanisms", 0, 0};
  }
  return {};
}

Choice find_mechanism(MechanismEntries entries, asn1::Oid mech) {
  for (const MechanismEntry& entry : entries) {
    if (mech == entry.oid) return Choice{&entry, entry.oid};
    if (mech == entry.alias) return Choice{&entry, *entry.alias};
  }
  return {};
}

Result<void> encode_mech_types(MechanismEntries entries, Aliases aliases, Bytes& list) {
  const auto put_all = [&](Out& out) {
    for (const MechanismEntry& entry : entries) {
      out.element(asn1::kObjectIdentifier, entry.oid.der);
      if (aliases == Aliases::kInclude && entry.alias) {
        out.element(asn1::kObjectIdentifier, entry.alias->der);
      }
    }
  };
  Out counted;
  put_all(counted);
  PGSS_CHECK(resize(list, element_size(counted.size())));
  Out out(list.data());
  out.header(asn1::kSequence, counted.size());
  put_all(out);
  return {};
}

}  // namespace pocketgss::mechs::spnego
