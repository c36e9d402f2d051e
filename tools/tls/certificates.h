// The content of TrustStore and ServerIdentity, and the check of a server's chain. Private to this
// folder.
#ifndef PGSS_TOOLS_TLS_CERTIFICATES_H_
#define PGSS_TOOLS_TLS_CERTIFICATES_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <botan/certstor.h>
#include <botan/pk_keys.h>
#include <botan/x509cert.h>

#include <pocketgss/env.h>

#include "tools/tls/tls.h"

namespace pocketgss::tools {

struct TrustStore::State {
  std::unique_ptr<Botan::Certificate_Store> roots;
  std::vector<Bytes> pinned;  // DER of certificates that are trusted as they are
};

struct ServerIdentity::State {
  std::vector<Botan::X509_Certificate> chain;
  std::shared_ptr<Botan::Private_Key> key;
};

namespace tls {

// check_chain says in plain words why a server's chain is not to be trusted for `host`; none: it
// is. It throws what Botan throws.
std::optional<std::string> check_chain(const std::vector<Botan::X509_Certificate>& chain,
                                       const TrustStore::State& trust, const std::string& host,
                                       size_t minimum_strength, Clock& clock);

}  // namespace tls
}  // namespace pocketgss::tools

#endif  // PGSS_TOOLS_TLS_CERTIFICATES_H_
