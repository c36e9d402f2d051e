// Recorded exchanges of Kerberos (vectors/krb5/exchanges_*.vec), with what opens them.
#ifndef PGSS_TESTS_TOOLS_SUPPORT_RECORDED_KRB5_H_
#define PGSS_TESTS_TOOLS_SUPPORT_RECORDED_KRB5_H_

#include <optional>
#include <string>
#include <vector>

#include <pocketgss/bytes.h>
#include <pocketgss/secret.h>

namespace pocketgss::testing {

struct RecordedMessage {
  std::string where;  // in its file
  bool from_initiator = false;
  std::string kind;  // "wrap-conf", "wrap-integ", "mic"
  Bytes plaintext, token;
  bool refused = false;  // by our own receiver
  bool layer_step = false;
};

struct RecordedExchange {
  std::string name;
  SecretBytes keytab;  // a file with the service's key
  int32_t etype = 0;
  std::vector<Bytes> from_initiator, from_acceptor;
  Bytes context_key;     // empty: not recorded
  bool refused = false;  // by our own acceptor: of an etype that is not built
  std::vector<RecordedMessage> messages;
};

// recorded_krb5 reads exchanges_<file>.vec: "mit", "peers" or "smtp".
std::vector<RecordedExchange> recorded_krb5(const std::string& file);

// recorded_krb5 finds one of exchanges_mit.vec by its name.
RecordedExchange recorded_mit(const std::string& name);

}  // namespace pocketgss::testing

#endif  // PGSS_TESTS_TOOLS_SUPPORT_RECORDED_KRB5_H_
