// The kinds of pre-authentication, of which the AS exchange uses the first that the KDC takes.
#ifndef PGSS_MECHS_KRB5_PREAUTH_H_
#define PGSS_MECHS_KRB5_PREAUTH_H_

#include <functional>
#include <memory>
#include <optional>

#include "mechs/krb5/crypto.h"
#include "mechs/krb5/messages.h"

namespace pocketgss::mechs::krb5 {

// PreauthRound is what a kind may look at to answer the KDC. It borrows.
struct PreauthRound {
  Runtime& runtime;
  const Key& client_key;
  UnixMicros time;        // by the KDC's clock, as far as we know it
  ByteView offer;         // the padata-value by which the KDC offers this kind
  ByteView request_body;  // the KDC-REQ-BODY, as it will be sent
};

// Preauth is one kind in one AS exchange; it may take several rounds.
class Preauth {
 public:
  virtual ~Preauth() = default;

  virtual int32_t padata_type() const = 0;  // by which a KDC offers it
  // strong: what it sends does not let a listener guess at the password (policy row P15).
  virtual bool strong() const = 0;

  struct Reply {
    int32_t padata_type = 0;
    Bytes value;
    bool proof = false;  // something that the client's key made is in it (policy row P8)
  };
  virtual Result<Reply> answer(const PreauthRound&) = 0;

  // reply_key makes of the client's key the one that the AS-REP is encrypted in.
  virtual Result<Key> reply_key(crypto::Workspace&, const Key& client_key, const KdcRep&) {
    return client_key.clone();
  }
};
using PreauthFactory = std::function<std::unique_ptr<Preauth>()>;

// PA-ENC-TIMESTAMP (RFC 4120 5.2.7.2).
std::unique_ptr<Preauth> make_encrypted_timestamp();

}  // namespace pocketgss::mechs::krb5

#endif  // PGSS_MECHS_KRB5_PREAUTH_H_
