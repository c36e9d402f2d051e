// Log lines on standard error: one line an event, with the time; whatever a peer sent is escaped.
#ifndef PGSS_TOOLS_NET_LOG_H_
#define PGSS_TOOLS_NET_LOG_H_

#include <string>
#include <string_view>

#include <pocketgss/env.h>
#include <pocketgss/smtp_server.h>

namespace pocketgss::tools {

// log_line writes "<time> pocketgss serve: <text>" in one write. It cannot fail; what cannot be
// written is lost.
void log_line(Clock& clock, std::string_view text);

// LogPeer is what is known of a connection.
struct LogPeer {
  std::string address;           // "[192.0.2.1]:1234"
  std::string_view tls_version;  // empty: no TLS
};

// login_text and refusal_text are the one line that each login leaves (policy row P23: the log
// alone says why one was refused). They hold names, never a token or a key.
std::string login_text(const SaslReport& report, const LogPeer& peer);
std::string refusal_text(const SmtpServer::LoginRefused& refused, const LogPeer& peer);

}  // namespace pocketgss::tools

#endif  // PGSS_TOOLS_NET_LOG_H_
