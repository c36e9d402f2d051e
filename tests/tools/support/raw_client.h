// RawClient: a TCP client that sends exactly what a test says, and reads SMTP replies.
#ifndef PGSS_TESTS_TOOLS_SUPPORT_RAW_CLIENT_H_
#define PGSS_TESTS_TOOLS_SUPPORT_RAW_CLIENT_H_

#include <memory>
#include <string>
#include <string_view>

#include "tools/files.h"
#include "tools/tls/tls.h"

namespace pocketgss::tools::testing {

class RawClient {
 public:
  explicit RawClient(uint16_t port, const std::string& address = "127.0.0.1");

  void send(std::string_view text);
  // reply reads one whole reply, of several lines perhaps, with its line ends; empty: the
  // connection was closed, or nothing came within five seconds.
  std::string reply();
  // command sends a line and reads its reply.
  std::string command(const std::string& line) {
    send(line + "\r\n");
    return reply();
  }
  // start_tls runs a handshake; false where it fails. `version` is then that of the session.
  bool start_tls(const TrustStore& trust, const std::string& host = "localhost");
  bool start_tls(std::unique_ptr<TlsEngine> engine);
  // receives waits until the peer sends anything, and throws it away; false: it closes, or nothing
  // came within five seconds.
  bool receives();
  bool at_end();  // the peer closes within five seconds, and sends nothing more before
  // The same, where Botan 3 sends a TLS alert before it closes and Botan 2 does not.
  bool at_end_but_for_an_alert();
  void shut_down_sending();
  void close() { socket_.reset(); }
  void reset();  // ends the connection by a reset, as where a machine is switched off
  TlsEngine* tls() { return tls_.get(); }
  void send_raw(ByteView bytes);  // below TLS

 private:
  bool receive();
  bool receive_raw(Bytes& out);

  Descriptor socket_;
  std::string received_;
  std::unique_ptr<TlsEngine> tls_;
};

}  // namespace pocketgss::tools::testing

#endif  // PGSS_TESTS_TOOLS_SUPPORT_RAW_CLIENT_H_
