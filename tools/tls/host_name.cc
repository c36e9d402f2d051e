// Does a certificate name this host?
#include "tools/tls/host_name.h"

#include <arpa/inet.h>

#include <algorithm>

#include "asn1/reader.h"
#include "base/ascii.h"

namespace pocketgss::tools {
namespace {

constexpr size_t kMaxNames = 1000;
constexpr asn1::Tag kDnsName{0x82};    // GeneralName ::= CHOICE { ... dNSName [2] IA5String,
constexpr asn1::Tag kIpAddress{0x87};  //   ... iPAddress [7] OCTET STRING ... }
constexpr const char* kField = "subjectAltName";

std::string_view without_last_dot(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  return name;
}

// matches: RFC 9525 6.3. The part after "*." must itself have two labels, so "*.com" stands for
// nothing.
bool matches(std::string_view pattern, std::string_view host) {
  if (!pattern.starts_with("*.")) return !pattern.empty() && same_ignoring_case(pattern, host);
  const std::string_view rest = pattern.substr(1);  // ".example.test"
  const size_t dot = host.find('.');
  return dot != std::string_view::npos && dot > 0 && rest.find('.', 1) != std::string_view::npos &&
         same_ignoring_case(rest, host.substr(dot));
}

// address_octets gives the address in network order; empty where `host` is none.
Bytes address_octets(std::string_view host) {
  const std::string text(host);
  Bytes octets(16);
  if (::inet_pton(AF_INET6, text.c_str(), octets.data()) == 1) return octets;
  octets.resize(4);
  if (::inet_pton(AF_INET, text.c_str(), octets.data()) == 1) return octets;
  return {};
}

}  // namespace

Result<SubjectNames> parse_subject_names(ByteView extension_value) {
  asn1::Reader value(extension_value);
  PGSS_TRY(asn1::Reader names, value.enter(asn1::kSequence, kField));
  PGSS_CHECK(value.finish(kField));
  SubjectNames out;
  for (size_t count = 0; !names.at_end(); ++count) {
    if (count == kMaxNames)
      return Error{Errc::kMalformed, "subjectAltName: too many names", names.offset(), 0};
    PGSS_TRY(const asn1::Reader::Element name, names.any(kField));
    if (name.tag == kDnsName) out.dns.push_back(as_text(name.contents));
    if (name.tag == kIpAddress) out.addresses.push_back(name.contents);
  }
  return out;
}

bool names_host(const SubjectNames& names, std::string_view host) {
  if (const Bytes octets = address_octets(host); !octets.empty()) {
    return std::any_of(names.addresses.begin(), names.addresses.end(),
                       [&](ByteView a) { return a == ByteView(octets); });
  }
  const std::string_view name = without_last_dot(host);
  return std::any_of(names.dns.begin(), names.dns.end(),
                     [&](std::string_view p) { return matches(without_last_dot(p), name); });
}

bool is_address(std::string_view host) {
  return !address_octets(host).empty();
}

}  // namespace pocketgss::tools
