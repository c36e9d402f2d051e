// The fields that a server puts before a message (RFC 5321 4.4): Return-Path, Received, and the
// envelope's recipients.
#ifndef PGSS_TOOLS_MAIL_TRACE_H_
#define PGSS_TOOLS_MAIL_TRACE_H_

#include <string>
#include <vector>

#include <pocketgss/env.h>

namespace pocketgss::tools {

// Trace is what is known of a message's arrival. Addresses are without angle brackets.
struct Trace {
  std::string reverse_path;
  std::vector<std::string> recipients;
  std::string ehlo_name;           // as the client said it
  std::string client_address;      // "192.0.2.1" or "2001:db8::1"
  std::string hostname;            // ours
  std::string id;                  // of the delivery
  std::string authenticated_name;  // UTF-8; empty: not authenticated
  std::string tls_version;         // "TLSv1.3"; empty: no TLS
  UnixMicros time = 0;
};

// trace_fields returns the fields, each line ended by CRLF. Whatever the peer's names hold, they
// cannot end a line or a comment; the authenticated name stands in a comment of Received, as
// encoded words (RFC 2047) on folded lines where it is not plain ASCII or very long.
std::string trace_fields(const Trace& trace);

// date_time writes an RFC 5322 date in UTC: "Tue, 24 Nov 2026 15:16:17 +0000".
std::string date_time(UnixMicros time);

}  // namespace pocketgss::tools

#endif  // PGSS_TOOLS_MAIL_TRACE_H_
