// A blocking connection to a server, with TLS on request: what `send` runs the SMTP client over.
#ifndef PGSS_TOOLS_NET_CLIENT_TRANSPORT_H_
#define PGSS_TOOLS_NET_CLIENT_TRANSPORT_H_

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include <pocketgss/bytes.h>

#include "tools/fallible.h"
#include "tools/tls/tls.h"

namespace pocketgss::tools {

// Deadline is when a call that waits gives up, however much the peer has sent by then.
using Deadline = std::chrono::steady_clock::time_point;

inline Deadline deadline_in(std::chrono::milliseconds timeout) {
  return std::chrono::steady_clock::now() + timeout;
}

// more_telling is that of two errors of connect() which tells a person more: of a host with several
// addresses one may refuse, and another be one that this machine has no way to.
int more_telling(int first, int second);

// ClientTransport is one TCP connection, in clear until start_tls(). Every call that waits gives up
// at its deadline. After a failure it can only be destroyed, or after one of write() asked once for
// what came before. Writing to a connection that the
// peer closed is a failure, never a signal.
class ClientTransport {
 public:
  // connect tries the host's addresses in the resolver's order, and shares `timeout` among them.
  // Failures: kNoHost (no such name), kUnavailable (refused), kTempFail (no answer in time, or the
  // resolver failed for now).
  static Fallible<ClientTransport> connect(const std::string& host, uint16_t port,
                                           std::chrono::milliseconds timeout);

  ClientTransport(ClientTransport&&) noexcept;
  ClientTransport& operator=(ClientTransport&&) noexcept;
  ~ClientTransport();

  // start_tls runs the TLS handshake and checks the certificate for `host`, at the time that `clock`
  // tells; it outlives the connection. Failures: kProtocol
  // (the certificate is not trusted, or what came is no TLS), kIoError, kTempFail.
  Fallible<Nothing> start_tls(const TrustStore& trust, const std::string& host, Deadline deadline,
                              Clock& clock = system_clock());

  // write sends all of `bytes`. Failures: kIoError, kTempFail (the peer takes nothing).
  Fallible<Nothing> write(ByteView bytes, Deadline deadline);
  // read waits for bytes and returns some, 64 KiB at most; empty: the peer closed the connection.
  // Failures as write().
  Fallible<Bytes> read(Deadline deadline);
  // read_waiting returns what has come already, and waits for nothing; none: nothing has; empty: the
  // peer closed the connection. After a failed write() it gives what the peer said before. Failures:
  // kIoError.
  Fallible<std::optional<Bytes>> read_waiting();
  // close says goodbye (TLS close_notify) and closes. The destructor closes too.
  void close();

  // tls_session is null before start_tls().
  const TlsSession* tls_session() const;

 private:
  struct State;
  explicit ClientTransport(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace pocketgss::tools

#endif  // PGSS_TOOLS_NET_CLIENT_TRANSPORT_H_
