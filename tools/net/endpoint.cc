// Host and port as people write them.
#include "tools/net/endpoint.h"

#include <algorithm>
#include <charconv>

namespace pocketgss::tools {
namespace {

std::optional<uint16_t> parse_port(std::string_view digits) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return port;
}

bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_';
}

// An IPv6 address may have a zone ("fe80::1%eth0").
bool is_address_character(char c) {
  return is_host_character(c) || c == ':' || c == '%';
}

// split takes "HOST" and ":PORT" apart; for an address in brackets they are taken off.
struct Split {
  std::string_view host, port;  // `port` with its colon, or empty
  bool valid;
};

Split split(std::string_view text) {
  if (text.starts_with('[')) {
    const size_t close = text.find(']');
    if (close == std::string_view::npos) return {{}, {}, false};
    const std::string_view host = text.substr(1, close - 1);
    return {host, text.substr(close + 1),
            host.find(':') != std::string_view::npos &&
                std::all_of(host.begin(), host.end(), is_address_character)};
  }
  const size_t colon = std::min(text.find(':'), text.size());
  const std::string_view host = text.substr(0, colon);
  return {host, text.substr(colon),
          !host.empty() && std::all_of(host.begin(), host.end(), is_host_character)};
}

}  // namespace

std::optional<Endpoint> parse_endpoint(std::string_view text) {
  const Split parts = split(text);
  if (!parts.valid || parts.host.size() > 255) return std::nullopt;
  Endpoint endpoint{std::string(parts.host), std::nullopt};
  if (parts.port.empty()) return endpoint;
  if (parts.port.front() != ':') return std::nullopt;
  endpoint.port = parse_port(parts.port.substr(1));
  if (!endpoint.port) return std::nullopt;
  return endpoint;
}

std::string proper_name(std::string_view host) {
  if (host.find(':') != std::string_view::npos) host = host.substr(0, host.find('%'));
  if (host.size() > 1 && host.ends_with('.')) host.remove_suffix(1);
  return std::string(host);
}

std::string to_text(const Endpoint& endpoint) {
  std::string text =
      endpoint.host.find(':') == std::string::npos ? endpoint.host : "[" + endpoint.host + "]";
  if (endpoint.port) text.append(":").append(std::to_string(*endpoint.port));
  return text;
}

}  // namespace pocketgss::tools
