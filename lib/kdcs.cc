// Addresses of KDCs, and those that are written down.
#include <pocketgss/kdcs.h>

#include <algorithm>
#include <charconv>

#include "base/guard.h"

namespace pocketgss {
namespace {

using std::chrono::milliseconds;

Error not_an_address() {
  return Error{Errc::kApiMisuse, "the address of a KDC is HOST or HOST:PORT", 0, 0};
}

Result<uint16_t> parse_port(std::string_view text) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0)
    return not_an_address();
  return port;
}

}  // namespace

Result<KdcAddress> parse_kdc_address(std::string_view text) {
  return guarded("KDC address", [&]() -> Result<KdcAddress> {
    std::string_view host = text, port;
    if (!text.empty() && text.front() == '[') {
      const size_t end = text.find(']');
      if (end == std::string_view::npos) return not_an_address();
      host = text.substr(1, end - 1);
      const std::string_view behind = text.substr(end + 1);
      if (!behind.empty() && behind.front() != ':') return not_an_address();
      if (behind.size() == 1) return not_an_address();
      if (!behind.empty()) port = behind.substr(1);
    } else if (const size_t colon = text.find(':');
               colon != std::string_view::npos &&
               text.find(':', colon + 1) == std::string_view::npos) {
      host = text.substr(0, colon);
      port = text.substr(colon + 1);
      if (port.empty()) return not_an_address();
    }
    constexpr std::string_view kNotInAHost("[]\0", 3);
    if (host.empty() || host.find_first_of(kNotInAHost) != std::string_view::npos)
      return not_an_address();
    KdcAddress out{std::string(host), kKdcPort};
    if (!port.empty()) {
      PGSS_TRY(out.port, parse_port(port));
    }
    return out;
  });
}

void ConfiguredKdcs::add(std::string_view realm, KdcAddress kdc) {
  kdcs_.emplace(realm, std::move(kdc));
}

Result<std::vector<KdcAddress>> ConfiguredKdcs::kdcs(std::string_view realm, milliseconds) {
  return guarded("configured KDCs", [&]() -> Result<std::vector<KdcAddress>> {
    auto found = kdcs_.equal_range(realm);
    if (found.first == found.second) found = kdcs_.equal_range(std::string_view());
    if (found.first == found.second)
      return Error{Errc::kUnreachable, "no KDC of the realm is configured", 0, 0};
    std::vector<KdcAddress> out;
    for (auto each = found.first; each != found.second; ++each) out.push_back(each->second);
    return out;
  });
}

Result<std::vector<KdcAddress>> KdcResolversInTurn::kdcs(std::string_view realm,
                                                         milliseconds within) {
  const auto end = std::chrono::steady_clock::now() + within;
  Error last{Errc::kUnreachable, "there is nothing to ask for the KDCs of a realm", 0, 0};
  for (KdcResolver* resolver : resolvers_) {
    const auto left = std::chrono::ceil<milliseconds>(end - std::chrono::steady_clock::now());
    auto found = resolver->kdcs(realm, std::max(left, milliseconds(0)));
    if (found.has_value()) return found;
    last = found.error();
  }
  return last;
}

HostResolver* KdcResolversInTurn::hosts() {
  for (KdcResolver* resolver : resolvers_) {
    if (HostResolver* hosts = resolver->hosts()) return hosts;
  }
  return nullptr;
}

}  // namespace pocketgss
