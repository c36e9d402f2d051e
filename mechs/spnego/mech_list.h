// The list of mechanisms: which one is chosen, and how the list is proven (RFC 4178 5).
#ifndef PGSS_MECHS_SPNEGO_MECH_LIST_H_
#define PGSS_MECHS_SPNEGO_MECH_LIST_H_

#include <array>
#include <span>

#include "mechs/mechanism.h"
#include "mechs/spnego/token.h"

namespace pocketgss::mechs::spnego {

using MechanismEntries = std::span<const MechanismEntry>;

// check_mechanisms: kApiMisuse unless there are 1 to 32, each with an OID and a source.
Result<void> check_mechanisms(MechanismEntries);

// Choice is a mechanism of ours and the OID by which the peer named it. Microsoft's OID and the
// right one name the same Kerberos (quirk B8).
struct Choice {
  const MechanismEntry* entry = nullptr;  // null: none of ours goes by that OID
  asn1::Oid mech;                         // of `entry`, so in static memory
};
Choice find_mechanism(MechanismEntries, asn1::Oid mech);

// is_first_choice: `entry` is what the initiator prefers, under whichever of its OIDs.
bool is_first_choice(const MechTypeList&, const MechanismEntry& entry);

// encode_mech_types writes a MechTypeList: what an initiator offers (the preferred OID of each), or
// what an acceptor hints at (every OID). There are 32 entries at most. Errors: kNoMemory.
enum class Aliases : uint8_t { kLeaveOut, kInclude };
Result<Bytes> encode_mech_types(MechanismEntries, Aliases);

// Mic is a mechListMIC, kept where no allocation is needed. That of NTLM has 16 bytes, those of
// Kerberos 28 to 40.
class Mic {
 public:
  static constexpr size_t kMaxSize = 64;

  // copy_of: kAuthFailed where `mic` is longer than any of ours can be.
  static Result<Mic> copy_of(ByteView mic);
  ByteView view() const { return ByteView(bytes_).prefix(size_); }

 private:
  friend class MechListMic;
  std::array<uint8_t, kMaxSize> bytes_;
  size_t size_ = 0;
};

// mic_of returns the mechListMIC of a message, if it is one: Windows 2000 and some WebSphere
// servers repeat the responseToken there (quirk B9).
std::optional<ByteView> mic_of(const NegTokenResp&);

// MechListMic is one side of the exchange of mechListMICs over one list. The list is what
// MechTypeList::der() gives, byte for byte as it was sent (RFC 4178 5 a; quirk B2).
class MechListMic {
 public:
  // demand: the negotiation itself makes the exchange obligatory, because the mechanism is not the
  // initiator's first choice or because of request-mic.
  void demand() { demanded_ = true; }

  // required: policy row P8. The exchange is obligatory on re-selection and request-mic; also where
  // the mechanism wants it, as far as it has integrity.
  bool required(const Mechanism&, const MessageProtection&) const;
  // check_possible: kPeerIncompatible where a demanded exchange cannot be had without integrity.
  Result<void> check_possible(const MessageProtection&) const;

  // make and verify do their half of the exchange and tell `protection` so. The Mic must not
  // already have been made, or verified. Errors: kAuthFailed; those of MessageProtection.
  Result<Mic> make(MessageProtection& protection, ByteView list);
  Result<void> verify(MessageProtection& protection, ByteView list, ByteView mic);

  bool demanded() const { return demanded_; }
  bool made() const { return made_; }
  bool verified() const { return verified_; }

 private:
  bool demanded_ = false;
  bool made_ = false;
  bool verified_ = false;
};

}  // namespace pocketgss::mechs::spnego

#endif  // PGSS_MECHS_SPNEGO_MECH_LIST_H_
