// MIT krb5's profile syntax, line by line, as far as it speaks of realms.
#include <pocketgss/krb5_conf.h>

#include <algorithm>

#include "base/any_of.h"
#include "base/ascii.h"
#include "base/guard.h"
#include "lib/text.h"
#include "mechs/krb5/kdc_names.h"

namespace pocketgss {
namespace {

constexpr std::string_view kBlanks = " \t\v\f\r";
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

bool is_blank(char c) {
  return kBlanks.find(c) != std::string_view::npos;
}

std::string_view without_blanks_in_front(std::string_view text) {
  return text.substr(std::min(text.find_first_not_of(kBlanks), text.size()));
}

std::string_view trimmed(std::string_view text) {
  text = without_blanks_in_front(text);
  return text.substr(0, text.find_last_not_of(kBlanks) + 1);
}

bool starts_with_any_case(std::string_view text, std::string_view prefix) {
  return same_ignoring_case(text.substr(0, prefix.size()), prefix);
}

bool is_no_host_character(char c) {
  return !(ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') && !(c >= '0' && c <= '9') &&
         std::string_view("-_.:%").find(c) == std::string_view::npos;
}

class Krb5ConfParser {
 public:
  explicit Krb5ConfParser(std::string_view text) : text_(text) {}

  Result<Krb5Conf> parse() {
    if (text_.size() > kMaxKrb5Conf)
      return Error{Errc::kMalformed, "krb5.conf: more than 256 KiB", kMaxKrb5Conf, 0};
    std::string_view rest = text_;
    if (rest.starts_with(kByteOrderMark)) rest.remove_prefix(kByteOrderMark.size());
    while (!rest.empty()) {
      const size_t end = rest.find('\n');
      const std::string_view line = rest.substr(0, end);
      if (const size_t nul = line.find('\0'); nul != std::string_view::npos)
        return malformed("krb5.conf: a NUL octet", line.substr(nul));
      PGSS_CHECK(take_line(line));
      rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    }
    if (depth_ > 0 || brace_awaited_)
      return malformed("krb5.conf: the end of a subsection is missing", text_.substr(text_.size()));
    return std::move(out_);
  }

 private:
  // `at` is a part of the text.
  uint32_t offset_of(std::string_view at) const {
    return static_cast<uint32_t>(at.data() - text_.data());
  }
  Error malformed(const char* where, std::string_view at) const {
    return Error{Errc::kMalformed, where, offset_of(at), 0};
  }
  void leave_out(const char* what, std::string_view at) {
    out_.left_out.push_back({what, offset_of(at)});
  }

  Result<void> take_line(std::string_view line) {
    // Directives stand at the very beginning of a line, wherever it is.
    for (const auto& [name, what] : {std::pair{"include", "include: the file is not read"},
                                     std::pair{"includedir", "includedir: its files are not read"},
                                     std::pair{"module", "module: it is not loaded"}}) {
      const std::string_view word(name);
      const bool may_stand_here = word != "module" || !in_section_;
      const bool ends =
          line.size() == word.size() || (line.size() > word.size() && is_blank(line[word.size()]));
      if (may_stand_here && line.starts_with(word) && ends) {
        leave_out(what, line);
        return {};
      }
    }
    if (!in_section_ && !line.starts_with('[')) return {};  // anything may stand before the first
    in_section_ = true;
    const std::string_view content = trimmed(line);
    if (brace_awaited_) {
      if (!content.starts_with('{')) return malformed("krb5.conf: a { is missing", line);
      brace_awaited_ = false;
      return {};
    }
    if (content.empty() || content[0] == '#' || content[0] == ';') return {};
    if (content[0] == '[') return section(content);
    if (content[0] == '}') return end_of_subsection(content);
    return relation(content);
  }

  Result<void> section(std::string_view content) {
    if (depth_ > 0) return malformed("krb5.conf: a section inside of a subsection", content);
    const size_t end = content.find(']');
    if (end == std::string_view::npos) return malformed("krb5.conf: a ] is missing", content);
    std::string_view behind = content.substr(end + 1);
    if (behind.starts_with('*')) behind.remove_prefix(1);  // final: no other file adds to it
    if (!without_blanks_in_front(behind).empty())
      return malformed("krb5.conf: text behind the name of a section", behind);
    section_ = content.substr(1, end - 1);
    return {};
  }

  Result<void> end_of_subsection(std::string_view content) {
    if (depth_ == 0) return malformed("krb5.conf: a } too many", content);
    --depth_;
    return {};
  }

  Result<void> relation(std::string_view content) {
    const size_t equals = content.find('=');
    if (equals == std::string_view::npos)
      return malformed("krb5.conf: neither a section nor a relation", content);
    std::string_view tag = trimmed(content.substr(0, equals));
    if (tag.find_first_of(kBlanks) != std::string_view::npos)
      return malformed("krb5.conf: a blank in the name of a relation", tag);
    tag = tag.substr(0, tag.find('*'));  // final, as above
    if (tag.empty()) return malformed("krb5.conf: a relation without a name", content);

    const std::string_view value = without_blanks_in_front(content.substr(equals + 1));
    if (value.empty() || (value[0] == '{' && trimmed(value.substr(1)).empty())) {
      brace_awaited_ = value.empty();
      if (depth_++ == 0) subsection_ = tag;
      return {};
    }
    if (value[0] != '"') return take(tag, std::string(value), value);
    PGSS_TRY(const std::string& unquoted, quoted(value));
    return take(tag, unquoted, value);
  }

  // What stands behind the closing quote does not count.
  Result<std::string> quoted(std::string_view value) const {
    std::string out;
    for (size_t i = 1; i < value.size(); ++i) {
      if (value[i] == '"') return out;
      if (value[i] != '\\' || i + 1 == value.size()) {
        out += value[i];
        continue;
      }
      const char escaped = value[++i];
      out += escaped == 'n' ? '\n' : escaped == 't' ? '\t' : escaped == 'b' ? '\b' : escaped;
    }
    return malformed("krb5.conf: the end of a quoted value is missing", value);
  }

  Result<void> take(std::string_view tag, const std::string& value, std::string_view at) {
    if (section_ == "libdefaults" && depth_ == 0 && tag == "default_realm") {
      if (value.empty() || has_control(value))
        return malformed("krb5.conf: libdefaults.default_realm", at);
      if (out_.default_realm.empty()) out_.default_realm = value;
    } else if (section_ == "domain_realm" && depth_ == 0) {
      if (value.empty() || has_control(value)) return malformed("krb5.conf: domain_realm", at);
      out_.domain_realm.try_emplace(ascii_lower(tag), value);
    } else if (section_ == "realms" && depth_ == 1 && tag == "kdc") {
      return kdc(value, at);
    }
    return {};
  }

  Result<void> kdc(const std::string& value, std::string_view at) {
    std::string_view host = value;
    host = host.substr(0, host.find_first_of(" \t"));
    // MIT krb5 writes https://HOST/PATH ([MS-KKDCP]), Heimdal http/HOST.
    for (const std::string_view proxy : {"http:", "https:", "http/", "https/"}) {
      if (!starts_with_any_case(host, proxy)) continue;
      leave_out("realms.kdc: a KDC behind an HTTP proxy is not supported", at);
      return {};
    }
    // Heimdal's way to say how; which comes first is a setting of the transport.
    for (const std::string_view protocol : {"tcp/", "udp/"}) {
      if (!starts_with_any_case(host, protocol)) continue;
      host.remove_prefix(protocol.size());
      break;
    }
    auto address = parse_kdc_address(host);
    if (!address.has_value() && address.error().code != Errc::kApiMisuse) return address.error();
    if (!address.has_value() || any_of(address.value().host, is_no_host_character))
      return malformed("krb5.conf: realms.kdc is HOST or HOST:PORT", at);
    out_.kdcs[std::string(subsection_)].push_back(std::move(address).value());
    return {};
  }

  std::string_view text_;
  Krb5Conf out_;
  bool in_section_ = false;
  bool brace_awaited_ = false;
  size_t depth_ = 0;  // of subsections
  std::string_view section_;
  std::string_view subsection_;  // the outermost
};

}  // namespace

Result<Krb5Conf> Krb5Conf::parse(std::string_view text) {
  return guarded("krb5.conf", [&] { return Krb5ConfParser(text).parse(); });
}

void Krb5Conf::add_to(ConfiguredKdcs& configured) const {
  for (const auto& [realm, list] : kdcs) {
    for (const KdcAddress& kdc : list) configured.add(realm, kdc);
  }
}

std::optional<std::string> Krb5Conf::realm_of_host(std::string_view host) const {
  if (host.ends_with('.')) host.remove_suffix(1);
  if (host.empty() || mechs::krb5::is_ip_literal(host)) return std::nullopt;
  const std::string name = ascii_lower(host);
  std::string_view domain = name;
  while (!domain.empty()) {
    const auto found = domain_realm.find(domain);
    if (found != domain_realm.end()) return found->second;
    domain = domain[0] == '.' ? domain.substr(1)
                              : domain.substr(std::min(domain.find('.'), domain.size()));
  }
  return std::nullopt;
}

uint32_t line_of(std::string_view text, uint32_t offset) {
  const std::string_view before = text.substr(0, std::min<size_t>(offset, text.size()));
  return 1 + static_cast<uint32_t>(std::count(before.begin(), before.end(), '\n'));
}

}  // namespace pocketgss
