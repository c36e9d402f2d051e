// ETYPE-INFO2 and its elders, read with suspicion.
#include "mechs/krb5/client_secret.h"

#include <algorithm>

#include "base/cursor.h"

namespace pocketgss::mechs::krb5 {
namespace {

constexpr Etype kAllEtypes[] = {Etype::kAes256CtsHmacSha1, Etype::kAes128CtsHmacSha1,
                                Etype::kAes256CtsHmacSha384, Etype::kAes128CtsHmacSha256,
                                Etype::kRc4Hmac};

// Row KRC-5. RFC 3962 4 and RFC 8009 4: s2kparams are the iterations in four octets, big-endian, and
// four zeros mean 2^32.
Result<uint32_t> iterations_of(Etype etype, std::optional<ByteView> s2kparams,
                               const KdcPolicy& policy) {
  const uint32_t least = default_iterations(etype);
  if (!s2kparams || least == 0) return least;
  ByteReader reader(*s2kparams);
  PGSS_TRY(const uint32_t iterations, reader.u32be("ETYPE-INFO2.s2kparams"));
  if (!reader.at_end()) return Error{Errc::kMalformed, "ETYPE-INFO2.s2kparams", 4, 0};
  if (iterations < least || iterations > policy.max_iterations)
    return Error{Errc::kPolicy, "P15: ETYPE-INFO2.s2kparams: iterations out of bounds", 0, 0};
  return iterations;
}

Result<KeyHint> hint_of(Etype etype, std::string_view salt, std::optional<ByteView> s2kparams,
                        const KdcPolicy& policy) {
  if (salt.size() > kMaxSalt) return Error{Errc::kPolicy, "P15: the salt is too long", 0, 0};
  PGSS_TRY(const uint32_t iterations, iterations_of(etype, s2kparams, policy));
  return KeyHint{etype, std::string(salt), iterations};
}

Result<std::optional<KeyHint>> some(Result<KeyHint> hint) {
  if (!hint.has_value()) return hint.error();
  return std::optional<KeyHint>(std::move(hint).value());
}

// etypes_of lists the etypes that the KDC names, in either list.
Result<std::vector<int32_t>> etypes_of(const MethodData& hints) {
  std::vector<int32_t> out;
  if (const auto info2 = find(hints, padata_type::kEtypeInfo2)) {
    PGSS_TRY(const EtypeInfo2 entries, parse_etype_info2(*info2));
    for (const EtypeInfo2Entry& entry : entries) out.push_back(entry.etype);
  } else if (const auto info = find(hints, padata_type::kEtypeInfo)) {
    PGSS_TRY(const EtypeInfo entries, parse_etype_info(*info));
    for (const EtypeInfoEntry& entry : entries) out.push_back(entry.etype);
  }
  return out;
}

}  // namespace

Result<ClientSecret> ClientSecret::of_nt_hash(FixedView<16> nt_hash) {
  ClientSecret out;
  PGSS_TRY(Key key, Key::create(static_cast<int32_t>(Etype::kRc4Hmac), nt_hash));
  out.keys.push_back(std::move(key));
  return out;
}

Result<ClientSecret> ClientSecret::of_keytab(const Keytab& keytab, const PrincipalView& client) {
  ClientSecret out;
  for (const Etype etype : kAllEtypes) {
    if (!known_etype(static_cast<int32_t>(etype))) continue;
    const auto entry = keytab.find({client, static_cast<int32_t>(etype), 0});
    if (!entry) continue;
    PGSS_TRY(Key key, Key::create(entry->etype, entry->key));
    out.keys.push_back(std::move(key));
  }
  if (out.keys.empty())
    return Error{Errc::kNeedsCredential, "the keytab has no key of this principal", 0, 0};
  return out;
}

std::vector<Etype> ClientSecret::etypes(const KdcPolicy& policy) const {
  std::vector<Etype> out;
  for (const Etype etype : policy.etypes) {
    if (!known_etype(static_cast<int32_t>(etype))) continue;
    const bool usable = keys.empty() || std::any_of(keys.begin(), keys.end(), [&](const Key& key) {
                          return key.etype() == etype;
                        });
    if (usable) out.push_back(etype);
  }
  return out;
}

std::string default_salt(const PrincipalView& client) {
  std::string out(client.realm);
  for (const std::string_view component : client.components) out.append(component);
  return out;
}

Result<std::optional<KeyHint>> hint_for(const MethodData& hints, Etype etype, std::string_view salt,
                                        const KdcPolicy& policy) {
  const int32_t wanted = static_cast<int32_t>(etype);
  if (const auto info2 = find(hints, padata_type::kEtypeInfo2)) {
    PGSS_TRY(const EtypeInfo2 entries, parse_etype_info2(*info2));
    for (const EtypeInfo2Entry& entry : entries) {
      if (entry.etype == wanted)
        return some(hint_of(etype, entry.salt.value_or(salt), entry.s2kparams, policy));
    }
    return std::optional<KeyHint>();
  }
  if (const auto info = find(hints, padata_type::kEtypeInfo)) {
    PGSS_TRY(const EtypeInfo entries, parse_etype_info(*info));
    for (const EtypeInfoEntry& entry : entries) {
      if (entry.etype == wanted)
        return some(hint_of(etype, entry.salt ? as_text(*entry.salt) : salt, std::nullopt, policy));
    }
    return std::optional<KeyHint>();
  }
  if (const auto pw_salt = find(hints, padata_type::kPwSalt))
    return some(hint_of(etype, as_text(*pw_salt), std::nullopt, policy));
  return std::optional<KeyHint>();
}

Result<KeyHint> choose_hint(const MethodData& hints, const std::vector<Etype>& etypes,
                            std::string_view salt, const KdcPolicy& policy) {
  for (const Etype etype : etypes) {
    PGSS_TRY(auto hint, hint_for(hints, etype, salt, policy));
    if (hint) return std::move(*hint);
  }
  PGSS_TRY(const std::vector<int32_t> named, etypes_of(hints));
  if (named.empty() && !etypes.empty()) return hint_of(etypes.front(), salt, std::nullopt, policy);
  // Row KRC-3, quirk D3: an account whose password is old may have nothing else.
  const bool rc4 =
      std::find(named.begin(), named.end(), static_cast<int32_t>(Etype::kRc4Hmac)) != named.end();
  if (rc4) {
    return Error{Errc::kPolicy,
                 "P10: the account has a key of etype 23 (rc4-hmac) only, which is not allowed: a "
                 "change of its password makes AES keys",
                 0, error_code::kEtypeNosupp};
  }
  return Error{Errc::kPeerIncompatible, "ETYPE-INFO2 names no etype that was offered", 0,
               error_code::kEtypeNosupp};
}

Result<Key> client_key(crypto::Workspace& crypto, const ClientSecret& secret, const KeyHint& hint) {
  for (const Key& key : secret.keys) {
    if (key.etype() == hint.etype) return key.clone();
  }
  if (!secret.keys.empty() || secret.password.empty()) {
    return Error{Errc::kNeedsCredential, "there is no key of the etype that the KDC uses", 0, 0};
  }
  return string_to_key(crypto, hint.etype, secret.password.view(), as_bytes(hint.salt),
                       std::max(hint.iterations, uint32_t{1}));
}

}  // namespace pocketgss::mechs::krb5
