// A credential cache of alice@R with tickets for smtp/host@R.
#ifndef PGSS_TESTS_MECHS_KRB5_CACHE_OF_ALICE_H_
#define PGSS_TESTS_MECHS_KRB5_CACHE_OF_ALICE_H_

#include <optional>
#include <vector>

#include "mechs/krb5/ccache.h"

namespace pocketgss::mechs::krb5 {

struct CacheOfAlice {
  Principal alice = Principal(name_type::kPrincipal, "R").add("alice");
  Principal smtp = Principal(name_type::kSrvInst, "R").add("smtp").add("host");
  Bytes key = Bytes(16, 0x5a), ticket = Bytes(40, 0x61);
  std::optional<KdcOffset> offset;
  std::vector<CcacheCredential> credentials;

  CcacheCredential& add(uint32_t start, uint32_t end) {
    CcacheCredential credential;
    credential.client = alice.view();
    credential.server = smtp.view();
    credential.etype = 17;
    credential.key = key;
    credential.authtime = 1;
    credential.starttime = start;
    credential.endtime = end;
    credential.ticket = ticket;
    credentials.push_back(credential);
    return credentials.back();
  }
  SecretBytes file() const { return write_ccache(alice.view(), offset, credentials).value(); }
};

}  // namespace pocketgss::mechs::krb5

#endif  // PGSS_TESTS_MECHS_KRB5_CACHE_OF_ALICE_H_
