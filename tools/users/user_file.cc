// The user file: parsing, looking up, and the text of the next version.
#include "tools/users/user_file.h"

#include <algorithm>
#include <cstdio>

#include <pocketgss/credential.h>

#include "base/utf16.h"
#include "tools/files.h"
#include "tools/text.h"

namespace pocketgss::tools {
namespace {

constexpr size_t kMaxFile = 64 * 1024 * 1024;  // a million accounts
constexpr size_t kHashDigits = 32;

// The NT hash of the empty password: MD4 of nothing. Policy row P20: no login with an empty
// password.
constexpr FixedBytes<16> kEmptyPasswordHash = {0x31, 0xd6, 0xcf, 0xe0, 0xd1, 0x6a, 0xe9, 0x31,
                                               0xb7, 0x3c, 0x59, 0xd7, 0xe0, 0xc0, 0x89, 0xc0};

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool parse_hash(std::string_view digits, SecretArray<16>& out) {
  if (digits.size() != kHashDigits) return false;
  const auto bytes = out.mutable_view();
  for (size_t i = 0; i < bytes.size(); ++i) {
    const int high = digit(digits[2 * i]);
    const int low = digit(digits[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    bytes[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return true;
}

void print_hash(FixedView<16> hash, MutableBytes out) {
  static constexpr char kDigits[] = "0123456789abcdef";
  for (size_t i = 0; i < hash.size(); ++i) {
    out[2 * i] = static_cast<uint8_t>(kDigits[hash[i] >> 4]);
    out[2 * i + 1] = static_cast<uint8_t>(kDigits[hash[i] & 15]);
  }
}

bool is_space(char c) {
  return c == ' ' || c == '\t';
}

bool is_comment(std::string_view line) {
  const auto first = std::find_if_not(line.begin(), line.end(), is_space);
  return first == line.end() || *first == '#';
}

// name_fault says why `name` cannot stand in a user file; none: it can.
std::optional<std::string> name_fault(std::string_view name) {
  if (name.empty()) return "the name is missing";
  if (name.starts_with("\xef\xbb\xbf"))
    return "the file starts with a byte order mark: save it as UTF-8 without one";
  if (is_space(name.front()) || is_space(name.back())) return "white space around the name";
  if (name.front() == '#') return "a name cannot start with '#'";
  if (name.find_first_of("\\@:") != std::string_view::npos) {
    return "a name has no domain here: write 'u', which serves 'D\\u' and 'u@d' too";
  }
  if (!AccountName::parse(name).has_value())
    return "the name has a control character, is no UTF-8, or is too long";
  return std::nullopt;
}

std::string key_of(std::string_view name) {
  auto key = simple_upcase(name, "user name");
  return key.has_value() ? std::move(key).value() : std::string();
}

}  // namespace

Fallible<UserFile> UserFile::parse(SecretBytes text, const std::string& path) {
  UserFile file;
  file.text_ = std::move(text);
  const std::string_view all = as_text(file.text_.view());
  size_t begin = 0;
  for (size_t number = 1; begin < all.size(); ++number) {
    const size_t lf = all.find('\n', begin);
    const size_t end = lf == std::string_view::npos ? all.size() : lf + 1;
    std::string_view line = all.substr(begin, std::min(lf, all.size()) - begin);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (const auto fault = file.add_line(line, number, begin, end)) {
      return Failure{ExitCode::kConfig,
                     printable(path) + ":" + std::to_string(number) + ": " + *fault};
    }
    begin = end;
  }
  return file;
}

std::optional<std::string> UserFile::add_line(std::string_view line, size_t number, size_t begin,
                                              size_t end) {
  if (is_comment(line)) return std::nullopt;
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return "no ':' between the name and the hash";
  const std::string_view name = line.substr(0, colon);
  const std::string_view hash = line.substr(colon + 1);
  if (const auto fault = name_fault(name)) return fault;
  if (hash.find(':') != std::string_view::npos)
    return "an unknown field after the hash of " + quoted(name);
  Entry entry{std::string(name), {}, number, begin, end};
  if (!parse_hash(hash, entry.nt_hash)) {
    return "the hash of " + quoted(name) +
           " is not 32 hexadecimal digits: set it with `pocketgss passwd`";
  }
  if (ct_equal(entry.nt_hash.view(), FixedView<16>(kEmptyPasswordHash)))
    return "the password of " + quoted(name) + " is empty";
  const auto [existing, added] = index_.try_emplace(key_of(name), entries_.size());
  if (!added) {
    return "the name " + quoted(name) + " stands on line " +
           std::to_string(entries_[existing->second].line) + " already";
  }
  entries_.push_back(std::move(entry));
  return std::nullopt;
}

Fallible<UserFile> UserFile::load(const std::string& path) {
  const auto file = open_private(path, "the user file", "; make it with `pocketgss passwd`");
  if (!file.has_value()) return file.failure();
  auto text = read_descriptor(file.value().get(), path, kMaxFile);
  if (!text.has_value()) return text.failure();
  return parse(std::move(text).value(), path);
}

const UserFile::Entry* UserFile::entry(std::string_view name) const {
  const auto found = index_.find(key_of(name));
  return found == index_.end() ? nullptr : &entries_[found->second];
}

std::optional<Account> UserFile::find(std::string_view user) const {
  const auto name = AccountName::parse(user);
  if (!name.has_value()) return std::nullopt;
  const Entry* found = entry(name.value().user);
  if (found == nullptr) return std::nullopt;
  return Account{found->name, SecretBytes(found->nt_hash.view())};
}

SecretBytes UserFile::replaced(size_t begin, size_t end, ByteView middle) const {
  const ByteView old = text_.view();
  SecretBytes out = SecretBytes::of_size(old.size() - (end - begin) + middle.size());
  auto at = out.mutable_view().begin();
  for (const ByteView part : {old.prefix(begin), middle, old.from(end)})
    at = std::copy(part.begin(), part.end(), at);
  return out;
}

SecretBytes UserFile::with(std::string_view name, FixedView<16> nt_hash) const {
  const Entry* old = entry(name);
  const bool unended = old == nullptr && !text_.empty() && text_.view().back() != '\n';
  const std::string head =
      std::string(unended ? "\n" : "") + (old == nullptr ? std::string(name) : old->name) + ":";
  SecretBytes line = SecretBytes::of_size(head.size() + kHashDigits + 1);
  std::copy(head.begin(), head.end(), line.mutable_view().begin());
  print_hash(nt_hash, line.mutable_view().subspan(head.size(), kHashDigits));
  line.mutable_view().back() = '\n';
  if (old == nullptr) return replaced(text_.size(), text_.size(), line.view());
  return replaced(old->begin, old->end, line.view());
}

std::optional<SecretBytes> UserFile::without(std::string_view name) const {
  const Entry* old = entry(name);
  if (old == nullptr) return std::nullopt;
  return replaced(old->begin, old->end, {});
}

Fallible<std::string> account_name_of(std::string_view user) {
  const auto parsed = AccountName::parse(user);
  const auto fault = parsed.has_value() ? name_fault(parsed.value().user)
                                        : std::optional<std::string>("it is no account name");
  if (fault) return Failure{ExitCode::kUsage, quoted(user) + " cannot be an account: " + *fault};
  return parsed.value().user;
}

}  // namespace pocketgss::tools
