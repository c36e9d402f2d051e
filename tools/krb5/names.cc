// Numbers and names of Kerberos as people read and write them.
#include "tools/krb5/names.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <chrono>
#include <cstdio>

#include "mechs/krb5/iana.h"

namespace pocketgss::tools {
namespace {

using mechs::krb5::Etype;

struct EtypeName {
  Etype etype;
  const char* name;
};

constexpr std::array kEtypes = {
    EtypeName{Etype::kAes256CtsHmacSha1, "aes256-cts-hmac-sha1-96"},
    EtypeName{Etype::kAes128CtsHmacSha1, "aes128-cts-hmac-sha1-96"},
    EtypeName{Etype::kAes256CtsHmacSha384, "aes256-cts-hmac-sha384-192"},
    EtypeName{Etype::kAes128CtsHmacSha256, "aes128-cts-hmac-sha256-128"},
    EtypeName{Etype::kRc4Hmac, "rc4-hmac"},
};

// RFC 4120 5.3, RFC 6806 11 and RFC 8062 2: by the number of the bit.
constexpr std::array kTicketFlags = {"reserved",
                                     "forwardable",
                                     "forwarded",
                                     "proxiable",
                                     "proxy",
                                     "may-postdate",
                                     "postdated",
                                     "invalid",
                                     "renewable",
                                     "initial",
                                     "pre-authent",
                                     "hw-authent",
                                     "transited-policy-checked",
                                     "ok-as-delegate",
                                     "bit 14",
                                     "enc-pa-rep",
                                     "anonymous"};

bool same_letters(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

std::string etype_name(int32_t etype) {
  for (const EtypeName& known : kEtypes) {
    if (static_cast<int32_t>(known.etype) == etype) return known.name;
  }
  return "etype " + std::to_string(etype);
}

std::optional<int32_t> etype_of_name(std::string_view name) {
  int32_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  const bool is_number = error == std::errc() && end == name.data() + name.size();
  for (const EtypeName& known : kEtypes) {
    const auto etype = static_cast<int32_t>(known.etype);
    if (is_number ? etype == number : same_letters(known.name, name)) return etype;
  }
  return std::nullopt;
}

std::vector<std::string> etype_names() {
  std::vector<std::string> out;
  for (const EtypeName& known : kEtypes) out.emplace_back(known.name);
  return out;
}

std::string time_text(int64_t unix_seconds) {
  using namespace std::chrono;
  const sys_seconds whole{seconds(unix_seconds)};
  const auto day = floor<days>(whole);
  const year_month_day date(day);
  const hh_mm_ss time(whole - day);
  char text[40];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                static_cast<int>(time.seconds().count()));
  return text;
}

std::vector<std::string> ticket_flag_names(uint32_t flags) {
  std::vector<std::string> out;
  for (unsigned bit = 0; bit < 32; ++bit) {
    if ((flags >> (31 - bit) & 1) == 0) continue;
    out.push_back(bit < kTicketFlags.size() ? kTicketFlags[bit] : "bit " + std::to_string(bit));
  }
  return out;
}

}  // namespace pocketgss::tools
