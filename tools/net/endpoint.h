// Host and port as people write them: "mail.example.test:587", "192.0.2.1", "[::1]:587".
#ifndef PGSS_TOOLS_NET_ENDPOINT_H_
#define PGSS_TOOLS_NET_ENDPOINT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pocketgss::tools {

struct Endpoint {
  std::string host;              // without brackets
  std::optional<uint16_t> port;  // none: not given

  bool operator==(const Endpoint&) const = default;
};

// parse_endpoint takes HOST, HOST:PORT, [IPV6] and [IPV6]:PORT. None: anything else, such as an
// IPv6 address without brackets, a port above 65535, or a host with characters that no name has.
std::optional<Endpoint> parse_endpoint(std::string_view text);

// proper_name is a host as certificates, server_name and service principal names have it: a name
// without the dot at its end (RFC 6066 3), an address without its zone, which counts on
// this machine alone. Only the resolver needs the host as it was given.
std::string proper_name(std::string_view host);

// to_text writes it in the same form.
std::string to_text(const Endpoint& endpoint);

}  // namespace pocketgss::tools

#endif  // PGSS_TOOLS_NET_ENDPOINT_H_
