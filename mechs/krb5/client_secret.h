// What a client proves itself to the KDC with, and how its key is made of it.
#ifndef PGSS_MECHS_KRB5_CLIENT_SECRET_H_
#define PGSS_MECHS_KRB5_CLIENT_SECRET_H_

#include <string>
#include <vector>

#include "mechs/krb5/crypto.h"
#include "mechs/krb5/kdc_policy.h"
#include "mechs/krb5/keytab.h"
#include "mechs/krb5/padata.h"
#include "mechs/krb5/principal.h"

namespace pocketgss::mechs::krb5 {

// ClientSecret is a password, or keys. It outlives the exchanges that read it.
struct ClientSecret {
  SecretBytes password;   // UTF-8, 1 to 1,024 octets; looked at only where there are no keys
  std::vector<Key> keys;  // of each etype the first counts

  // Errors: those of Key::create.
  static Result<ClientSecret> of_nt_hash(FixedView<16> nt_hash);
  // The newest key of each known etype. Errors: kNeedsCredential (none for that principal).
  static Result<ClientSecret> of_keytab(const Keytab&, const PrincipalView& client);

  // etypes are those of the policy that this secret can be used with.
  std::vector<Etype> etypes(const KdcPolicy&) const;
};

// KeyHint is what a KDC says of the client's key: it alone knows with which salt that was made.
struct KeyHint {
  Etype etype{};
  std::string salt;
  uint32_t iterations = 0;

  bool operator==(const KeyHint&) const = default;
};

// default_salt is that of RFC 4120 4: realm and components, with nothing between them.
std::string default_salt(const PrincipalView& client);

// hint_for looks in PA-DATA for what is said of `etype`: in ETYPE-INFO2, else ETYPE-INFO, else
// PW-SALT (quirk D3); nothing where that is nothing. Nobody has authenticated it. Errors:
// kMalformed; kPolicy (P15) where the iterations are out of bounds (row KRC-5), or the salt is too
// long.
Result<std::optional<KeyHint>> hint_for(const MethodData&, Etype etype, std::string_view salt,
                                        const KdcPolicy&);

// choose_hint takes the first of `etypes` that the KDC has a key of, or, where the KDC does not
// say, the first. Errors: as above; kPeerIncompatible where it has none of them, kPolicy where it
// has one that the policy forbids (P10).
Result<KeyHint> choose_hint(const MethodData&, const std::vector<Etype>& etypes,
                            std::string_view salt, const KdcPolicy&);

// client_key makes the key. Errors: kNeedsCredential (there is none), those of string_to_key.
Result<Key> client_key(crypto::Workspace&, const ClientSecret&, const KeyHint&);

}  // namespace pocketgss::mechs::krb5

#endif  // PGSS_MECHS_KRB5_CLIENT_SECRET_H_
