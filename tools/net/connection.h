// One client's connection: the socket, TLS, the SMTP machine and the message under way. Private to
// this folder.
#ifndef PGSS_TOOLS_NET_CONNECTION_H_
#define PGSS_TOOLS_NET_CONNECTION_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>
#include <asio/thread_pool.hpp>

#include <pocketgss/sasl.h>
#include <pocketgss/smtp_server.h>

#include "tools/mail/maildir.h"
#include "tools/mail/trace.h"
#include "tools/net/log.h"
#include "tools/tls/tls.h"
#include "tools/users/user_file.h"

namespace pocketgss::tools {

class Connection;

// Service is what all connections of a server share. It outlives them.
struct Service {
  Runtime& runtime;
  AcceptorConfig acceptor;
  SmtpServerConfig smtp;             // for connections that may not log in in clear (policy row P6)
  SmtpServerConfig smtp_auth_clear;  // for those that may
  bool allow_cleartext;
  bool verbose;
  Maildir maildir;
  std::shared_ptr<const UserFile> users;  // null: no NTLM
  std::optional<ServerIdentity> identity;
  asio::thread_pool& disk;   // where commits wait
  MutableBytes read_buffer;  // one for all: the loop has one thread, and what was read is used up
                             // before the next read
  std::function<void(Connection&)> on_closed;
};

// Connection lives as long as one of its operations is under way or the server holds it. It reads
// only when all that was read is answered and sent, so a client that does not read is not read
// from, and what it can make the server hold stays bounded.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(asio::ip::tcp::socket socket, Service& service);

  void start();
  // stop ends the session at the next command border, a message under way with its end. cut does not
  // wait for that, but for a few seconds for the client to hear of it; a message that is being stored
  // is still answered. abandon waits for nothing. The last two go to the log.
  void stop();
  void cut();
  void abandon();

 private:
  class Operation;
  template <typename Step>
  void guarded(Step step);
  // pump does all that can be done without waiting, then starts what must be waited for.
  void pump();
  void handle_events();
  bool flush();
  Bytes next_output();
  void written(bool well);
  void wait_for_input();
  void readable();
  void wait_for_time();
  void time_came();
  Micros deadline() const;
  void take_input(ByteView bytes);
  bool take_ciphertext(ByteView bytes);
  void begin_tls();
  void cut_short();
  void drain();
  void close();

  void on(SmtpServer::StartTls& event);
  void on(SmtpServer::Account& event);
  void on(SmtpServer::Authorisation& event);
  void on(SmtpServer::LoggedIn& event);
  void on(SmtpServer::LoginRefused& event);
  void on(SmtpServer::Mail& event);
  void on(SmtpServer::Rcpt& event);
  void on(SmtpServer::Data& event);
  void on(SmtpServer::Content& event);
  void on(SmtpServer::End& event);
  void on(SmtpServer::Aborted& event);
  void on(SmtpServer::Closed& event);

  Fallible<Nothing> begin_delivery();
  void begin_commit();
  void committed(const Fallible<Nothing>& result);
  void answer_message(const Fallible<Nothing>& result);
  std::string message_text() const;
  void refuse_message(const Failure& failure);
  std::string_view tls_version() const;
  LogPeer peer() const { return {peer_, tls_version()}; }
  void log(const std::string& text) const;
  template <typename Text>
  void log_quietly(Text text) const noexcept;

  asio::ip::tcp::socket socket_;
  asio::steady_timer timer_;
  Service& service_;
  std::string address_, peer_;  // "192.0.2.1", "[192.0.2.1]:1234"
  std::unique_ptr<SmtpTranscript> transcript_;
  AcceptorContexts contexts_;
  SmtpServer smtp_;

  std::unique_ptr<TlsEngine> tls_;
  Bytes output_;             // being sent
  bool tls_wanted_ = false;  // TLS begins once the reply to STARTTLS is sent
  bool reading_ = false, writing_ = false, committing_ = false;
  bool ended_ = false;     // the session is over; what is left of the output goes out
  bool draining_ = false;  // that is sent too; the client may close
  bool closed_ = false;
  size_t drained_ = 0;
  Micros armed_for_ = 0;  // when the timer fires; 0: it does not run
  Micros end_time_ = 0;   // when an ended session is closed, come what may

  std::shared_ptr<Delivery> delivery_;
  std::optional<Failure> delivery_failure_;
  bool message_whole_ = false;  // its commit is yet to begin
  Trace trace_;
};

}  // namespace pocketgss::tools

#endif  // PGSS_TOOLS_NET_CONNECTION_H_
