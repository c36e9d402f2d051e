// The choice of a mechanism, and the list as it is written.
#include "mechs/spnego/mech_list.h"

#include "base/any_of.h"
#include "mechs/spnego/out.h"
#include "mechs/spnego/token.h"

namespace pocketgss::mechs::spnego {
namespace {

void put_mech_types(Out& out, MechanismEntries entries, Aliases aliases) {
  for (const MechanismEntry& entry : entries) {
    out.element(asn1::kObjectIdentifier, entry.oid.der);
    if (aliases == Aliases::kInclude && entry.alias) {
      out.element(asn1::kObjectIdentifier, entry.alias->der);
    }
  }
}

}  // namespace

Result<void> check_mechanisms(MechanismEntries entries) {
  const auto unusable = [](const MechanismEntry& entry) {
    return entry.oid.der.empty() || entry.source == nullptr;
  };
  if (entries.empty() || entries.size() > kMaxMechTypes || any_of(entries, unusable)) {
    return Error{Errc::kApiMisuse, "SPNEGO: mechanisms", 0, 0};
  }
  return {};
}

const MechanismEntry* find_mechanism(MechanismEntries entries, asn1::Oid mech) {
  for (const MechanismEntry& entry : entries) {
    if (mech == entry.oid || mech == entry.alias) return &entry;
  }
  return nullptr;
}

Result<void> encode_mech_types(MechanismEntries entries, Aliases aliases, Bytes& list) {
  Out out;  // that counts
  put_mech_types(out, entries, aliases);
  const size_t size = out.size();
  PGSS_CHECK(resize(list, element_size(size)));
  out = Out(list.data());
  out.header(asn1::kSequence, size);
  put_mech_types(out, entries, aliases);
  return {};
}

}  // namespace pocketgss::mechs::spnego
