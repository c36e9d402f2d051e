// What must hold for krb5.conf, and for addresses of KDCs.
#include "fuzz/oracles_krb5_conf.h"

#include <pocketgss/kdcs.h>
#include <pocketgss/krb5_conf.h>

#include <algorithm>

#include "fuzz/check.h"

namespace pocketgss::fuzz {
namespace {

constexpr size_t kMinKdc = 6;  // "kdc=a" and the end of the line

bool same(const Krb5Conf& a, const Krb5Conf& b) {
  return a.default_realm == b.default_realm && a.kdcs == b.kdcs &&
         a.domain_realm == b.domain_realm && a.left_out.size() == b.left_out.size();
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

// Indented: at the beginning of a line "include" would be a directive.
std::string written(const Krb5Conf& conf) {
  std::string out = "[libdefaults]\n";
  if (!conf.default_realm.empty()) out += "default_realm = " + quoted(conf.default_realm) + "\n";
  out += "[realms]\n";
  for (const auto& [realm, kdcs] : conf.kdcs) {
    out += " " + realm + " = {\n";
    for (const KdcAddress& kdc : kdcs)
      out += "kdc = [" + kdc.host + "]:" + std::to_string(kdc.port) + "\n";
    out += "}\n";
  }
  out += "[domain_realm]\n";
  for (const auto& [name, realm] : conf.domain_realm)
    out += " " + name + " = " + quoted(realm) + "\n";
  return out;
}

std::string with_windows_line_ends(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '\n' ? std::string("\r\n") : std::string(1, c);
  return out;
}

void check_domains(const Krb5Conf& conf) {
  for (const auto& [name, realm] : conf.domain_realm) {
    if (name.ends_with('.') || name.find(':') != std::string::npos ||
        name.find_first_not_of("0123456789.") == std::string::npos)
      continue;
    PGSS_FUZZ_CHECK(conf.realm_of_host(name) == realm);
    const std::string host = "\x01" + name;
    if (name.starts_with('.') && !conf.domain_realm.contains(host))
      PGSS_FUZZ_CHECK(conf.realm_of_host(host) == realm);
  }
}

}  // namespace

void check_krb5_conf(ByteView input) {
  const std::string_view text = as_text(input);
  const auto read = Krb5Conf::parse(text);
  if (!read.has_value()) {
    const Error& error = read.error();
    PGSS_FUZZ_CHECK(error.code == Errc::kMalformed && *error.where != '\0');
    PGSS_FUZZ_CHECK(error.offset <= text.size());
    const auto lines = std::count(text.begin(), text.end(), '\n');
    PGSS_FUZZ_CHECK(line_of(text, error.offset) <= static_cast<uint32_t>(lines) + 1);
    return;
  }
  const Krb5Conf& conf = read.value();
  size_t count = conf.left_out.size();
  for (const auto& [realm, kdcs] : conf.kdcs) count += kdcs.size();
  PGSS_FUZZ_CHECK(count <= text.size() / kMinKdc);
  for (const auto& [what, offset] : conf.left_out) PGSS_FUZZ_CHECK(offset < text.size());

  auto again = Krb5Conf::parse(written(conf));
  PGSS_FUZZ_CHECK(again.has_value());
  again.value().left_out = conf.left_out;
  PGSS_FUZZ_CHECK(same(again.value(), conf));
  check_domains(conf);

  if (text.starts_with("\xef\xbb\xbf")) return;
  const auto longer = Krb5Conf::parse("# in front\n" + std::string(text) + "\n# behind");
  PGSS_FUZZ_CHECK(longer.has_value() && same(longer.value(), conf));
  const auto windows = Krb5Conf::parse(with_windows_line_ends(text));
  PGSS_FUZZ_CHECK(windows.has_value() && same(windows.value(), conf));
}

void check_kdc_address(ByteView input) {
  const std::string text(as_text(input));
  const auto read = parse_kdc_address(text);
  if (read.has_value()) {
    const KdcAddress& kdc = read.value();
    PGSS_FUZZ_CHECK(!kdc.host.empty() && kdc.port != 0);
    PGSS_FUZZ_CHECK(text.find(kdc.host) != std::string::npos);
    PGSS_FUZZ_CHECK(kdc.host.find_first_of(std::string_view("[]\0", 3)) == std::string::npos);
    const auto again = parse_kdc_address("[" + kdc.host + "]:" + std::to_string(kdc.port));
    PGSS_FUZZ_CHECK(again.has_value() && again.value() == kdc);
  } else {
    PGSS_FUZZ_CHECK(read.error().code == Errc::kApiMisuse && *read.error().where != '\0');
  }

  const bool plain =
      !text.empty() && text.find_first_of(std::string_view(":[]\0", 4)) == std::string::npos;
  if (!plain) return;
  PGSS_FUZZ_CHECK(read.has_value() && read.value() == (KdcAddress{text, kKdcPort}));
  const uint16_t port = static_cast<uint16_t>(input[0] * 257 + 1);
  const auto with_port = parse_kdc_address(text + ":" + std::to_string(port));
  PGSS_FUZZ_CHECK(with_port.has_value() == (port != 0));
  PGSS_FUZZ_CHECK(port == 0 || with_port.value() == (KdcAddress{text, port}));
  for (const char* const none : {":", ":0", ":65536", ":88x", ":+88", ": 88"}) {
    PGSS_FUZZ_CHECK(!parse_kdc_address(text + none).has_value());
  }
}

}  // namespace pocketgss::fuzz
