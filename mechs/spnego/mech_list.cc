// The choice of a mechanism and the rule of the mechListMIC.
#include "mechs/spnego/mech_list.h"

#include <algorithm>

#include "base/any_of.h"
#include "mechs/spnego/out.h"

namespace pocketgss::mechs::spnego {
namespace {

// One error, whatever is wrong with a mechListMIC (policy row P23).
constexpr Error kWrongMic{Errc::kAuthFailed, "mechListMIC", 0, 0};

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

Choice find_mechanism(MechanismEntries entries, asn1::Oid mech) {
  for (const MechanismEntry& entry : entries) {
    if (mech == entry.oid) return Choice{&entry, entry.oid};
    if (mech == entry.alias) return Choice{&entry, *entry.alias};
  }
  return {};
}

bool is_first_choice(const MechTypeList& list, const MechanismEntry& entry) {
  return find_mechanism(MechanismEntries(&entry, 1), list.front()).entry != nullptr;
}

Result<Bytes> encode_mech_types(MechanismEntries entries, Aliases aliases) {
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
  Bytes list;
  PGSS_CHECK(resize(list, element_size(counted.size())));
  Out out(list.data());
  out.header(asn1::kSequence, counted.size());
  put_all(out);
  return list;
}

Result<Mic> Mic::copy_of(ByteView mic) {
  if (mic.size() > kMaxSize) return kWrongMic;
  Mic out;
  std::copy(mic.begin(), mic.end(), out.bytes_.begin());
  out.size_ = mic.size();
  return out;
}

std::optional<ByteView> mic_of(const NegTokenResp& resp) {
  if (resp.mech_list_mic == resp.response_token) return std::nullopt;
  return resp.mech_list_mic;
}

bool MechListMic::required(const Mechanism& mechanism, const MessageProtection& protection) const {
  // [MS-SPNG]: a mechanism may ask for it though it is the first choice (quirk B1). Without
  // integrity there is nothing to make one with (RFC 4178 5; quirk B19).
  return demanded_ || (mechanism.wants_mech_list_mic() && protection.can_mic());
}

Result<void> MechListMic::check_possible(const MessageProtection& protection) const {
  if (demanded_ && !protection.can_mic()) {
    return Error{Errc::kPeerIncompatible, "mechListMIC: no integrity was negotiated", 0, 0};
  }
  return {};
}

Result<Mic> MechListMic::make(MessageProtection& protection, ByteView list) {
  if (made_ || protection.mic_size() > Mic::kMaxSize) {
    return Error{Errc::kInternal, "mechListMIC", 0, 0};
  }
  Mic out;
  PGSS_TRY(out.size_, protection.mic(list, out.bytes_));
  made_ = true;
  protection.mech_list_mic_done(Direction::kSent);  // quirk B3
  return out;
}

Result<void> MechListMic::verify(MessageProtection& protection, ByteView list, ByteView mic) {
  if (verified_ || !protection.can_mic()) return kWrongMic;
  if (!protection.verify_mech_list_mic(list, mic).has_value()) return kWrongMic;
  verified_ = true;
  protection.mech_list_mic_done(Direction::kReceived);
  return {};
}

}  // namespace pocketgss::mechs::spnego
