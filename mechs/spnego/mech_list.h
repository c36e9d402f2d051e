// The list of mechanisms, and which one is chosen.
#ifndef PGSS_MECHS_SPNEGO_MECH_LIST_H_
#define PGSS_MECHS_SPNEGO_MECH_LIST_H_

#include <span>

#include "mechs/mechanism.h"

namespace pocketgss::mechs::spnego {

using MechanismEntries = std::span<const MechanismEntry>;

// check_mechanisms: kApiMisuse unless there are 1 to 32, each with an OID and a source.
Result<void> check_mechanisms(MechanismEntries);

// find_mechanism returns the one that goes by that OID, or null. Microsoft's OID and the right one name
// the same Kerberos (quirk B8).
const MechanismEntry* find_mechanism(MechanismEntries, asn1::Oid mech);

// encode_mech_types writes a MechTypeList: what an initiator offers (the preferred OID of each), or
// what an acceptor hints at (every OID). There are 32 entries at most. Errors: kNoMemory.
enum class Aliases : uint8_t { kLeaveOut, kInclude };
Result<void> encode_mech_types(MechanismEntries, Aliases, Bytes& out);

}  // namespace pocketgss::mechs::spnego

#endif  // PGSS_MECHS_SPNEGO_MECH_LIST_H_
