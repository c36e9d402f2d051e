// The event loop of `serve`: listeners, connections, signals, and a graceful end.
#ifndef PGSS_TOOLS_NET_SERVER_H_
#define PGSS_TOOLS_NET_SERVER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <pocketgss/context.h>
#include <pocketgss/smtp_server.h>

#include "tools/fallible.h"
#include "tools/net/endpoint.h"

namespace pocketgss::tools {

// ServerConfig is all that `serve` can be told.
struct ServerConfig {
  std::vector<Endpoint> listen;  // addresses, not names; port 0: a free one
  std::string users_file;        // empty: no NTLM
  std::string keytab_file;       // empty: no Kerberos; one of the two is there
  std::string maildir;
  std::string certificate_file, key_file;  // both or neither
  bool allow_cleartext = false;            // AUTH in clear also off loopback (policy row P6)
  bool verbose = false;                    // the dialogue goes to the log too
  // No server has taken logins with this key table before (policy row P17). It counts only where
  // open() makes the Maildir: a server that ran before has left one.
  bool first_start = false;

  SmtpServerConfig smtp;  // `starttls` and `auth_in_clear` are set for each connection
  // Policy and names. With a key table an empty `client_realms` becomes those of its principals.
  AcceptorConfig acceptor;
  // The key table's own "smtp/..." and "SMTPSVC/..." are added to `acceptor.targets`.
  bool targets_of_keytab = true;

  unsigned max_connections = 1000;
  Micros stop_time = 60'000'000;  // what a message under way is given after SIGTERM; then 421
};

// Server runs on one thread, and waits for disks on a few others. Lines about logins and events go
// to the log.
class Server {
 public:
  // open reads the user file, the key table, the certificate and the key, opens the Maildir and
  // listens. Where it fails there is no Maildir that was not there before. Failures: those of each part; kConfig (policy row P6: clear text on an address that is
  // not loopback; policy row P13: the key table has none of our services), kUnavailable (an address
  // cannot be listened on).
  static Fallible<std::unique_ptr<Server>> open(ServerConfig config);
  ~Server();

  // addresses are those that are listened on, with their real ports.
  std::vector<Endpoint> addresses() const;

  // run serves until SIGTERM or SIGINT came, or stop() was called, and every message under way is
  // done or its time is over; a second signal ends it at once. What is cut off goes to the log. SIGHUP reads the user file, the key table and the certificate again, and keeps the old
  // ones where the new ones are bad.
  ExitCode run();
  // stop and reload do what the signals do; any thread may call them.
  void stop();
  void reload();
  // connection_count is for tests; any thread may call it.
  size_t connection_count() const;

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace pocketgss::tools

#endif  // PGSS_TOOLS_NET_SERVER_H_
