// The fields that a server puts before a message.
#include "tools/mail/trace.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>

#include <pocketgss/base64.h>

namespace pocketgss::tools {
namespace {

bool is_printable(char c) {
  return c > 0x20 && c < 0x7f;
}

// RFC 5321 4.1.2: Domain, and what is nearly one (an underscore).
bool is_domain_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_';
}

bool is_literal_character(char c) {
  return is_printable(c) && c != '[' && c != ']' && c != '\\' && c != '(' && c != ')';
}

bool is_domain_or_literal(const std::string& name) {
  if (name.empty() || name.size() > 255) return false;
  if (name.front() != '[') return std::all_of(name.begin(), name.end(), is_domain_character);
  return name.size() > 2 && name.back() == ']' &&
         std::all_of(name.begin() + 1, name.end() - 1, is_literal_character);
}

std::string address_literal(const std::string& address) {
  return address.find(':') == std::string::npos ? "[" + address + "]" : "[IPv6:" + address + "]";
}

// RFC 2047 2: an encoded word has at most 75 characters, a line with one in it 76. The first stands
// behind "\t(authenticated as ", each other on a line of its own.
constexpr size_t kFirstWord = 33, kFurtherWord = 45;  // octets of text
constexpr size_t kLongName = 400;                     // twice that fits a line (RFC 5322 2.1.1)

// encoded_words: RFC 2047 5: no character is divided between two of them.
std::string encoded_words(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    size_t size = std::min(out.empty() ? kFirstWord : kFurtherWord, text.size());
    while (size > 1 && size < text.size() && (static_cast<uint8_t>(text[size]) & 0xc0) == 0x80)
      --size;
    out.append(out.empty() ? "=?UTF-8?B?" : "\r\n\t=?UTF-8?B?");
    out.append(base64_encode(as_bytes(text.substr(0, size)))).append("?=");
    text.remove_prefix(size);
  }
  return out;
}

// comment_text: RFC 5322 3.2.2, quoted-pairs for what ends a comment; RFC 2047 5 (2) for what is
// not ASCII, and for what might be too long for a line.
std::string comment_text(const std::string& name) {
  const bool plain =
      std::all_of(name.begin(), name.end(), [](char c) { return is_printable(c) || c == ' '; });
  if (!plain || name.size() > kLongName) return encoded_words(name);
  std::string out;
  for (const char c : name) {
    if (c == '(' || c == ')' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

// path keeps a mailbox on its line; the server machine lets no control characters through, and this
// does not rely on it.
std::string path(const std::string& mailbox) {
  std::string out = "<";
  std::copy_if(mailbox.begin(), mailbox.end(), std::back_inserter(out),
               [](char c) { return static_cast<uint8_t>(c) >= 0x20 && c != 0x7f; });
  return out + ">";
}

std::string from_clause(const Trace& trace) {
  const std::string name = is_domain_or_literal(trace.ehlo_name) ? trace.ehlo_name : "unknown";
  return name + " (" + address_literal(trace.client_address) + ")";
}

// RFC 3848: S for TLS, A for AUTH.
std::string protocol(const Trace& trace) {
  return std::string("ESMTP") + (trace.tls_version.empty() ? "" : "S") +
         (trace.authenticated_name.empty() ? "" : "A");
}

std::string received_field(const Trace& trace) {
  std::string field = "Received: from " + from_clause(trace) + "\r\n";
  if (!trace.tls_version.empty()) field += "\t(using " + trace.tls_version + ")\r\n";
  if (!trace.authenticated_name.empty()) {
    field += "\t(authenticated as " + comment_text(trace.authenticated_name) + ")\r\n";
  }
  field +=
      "\tby " + trace.hostname + " (PocketGSS) with " + protocol(trace) + "\r\n\tid " + trace.id;
  // RFC 5321 7.6: with several recipients none is named here.
  if (trace.recipients.size() == 1) field += "\r\n\tfor " + path(trace.recipients.front());
  return field + ";\r\n\t" + date_time(trace.time) + "\r\n";
}

}  // namespace

std::string date_time(UnixMicros time) {
  using namespace std::chrono;
  static constexpr std::array kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto at = floor<seconds>(sys_time<microseconds>(microseconds(time)));
  const auto day = floor<days>(at);
  const year_month_day date(day);
  const hh_mm_ss clock(at - day);
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%s, %02u %s %04d %02d:%02d:%02d +0000",
                kDays[weekday(day).c_encoding()], static_cast<unsigned>(date.day()),
                kMonths[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return text.data();
}

std::string trace_fields(const Trace& trace) {
  std::string fields = "Return-Path: " + path(trace.reverse_path) + "\r\n";
  for (const std::string& recipient : trace.recipients)
    fields += "Envelope-To: " + path(recipient) + "\r\n";
  return fields + received_field(trace);
}

}  // namespace pocketgss::tools
