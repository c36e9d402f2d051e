// Encryption types as people write them.
#include "tools/krb5/names.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/ascii.h"
#include "mechs/krb5/crypto.h"
#include "tools/decode/krb5_names.h"

namespace pocketgss::tools {
namespace {

using mechs::krb5::Etype;

constexpr std::array kWithAes = {Etype::kAes256CtsHmacSha1, Etype::kAes128CtsHmacSha1,
                                 Etype::kAes256CtsHmacSha384, Etype::kAes128CtsHmacSha256};

std::optional<int32_t> number_of(std::string_view text) {
  int32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

std::string etype_name(int32_t etype) {
  const std::string name = krb5_number_name("EncryptedData.etype", etype);
  return name.empty() ? "etype " + std::to_string(etype) : name;
}

std::optional<int32_t> etype_of_name(std::string_view name) {
  const auto number = number_of(name);
  for (const Etype known :
       {Etype::kAes128CtsHmacSha1, Etype::kAes256CtsHmacSha1, Etype::kAes128CtsHmacSha256,
        Etype::kAes256CtsHmacSha384, Etype::kRc4Hmac}) {
    const auto etype = static_cast<int32_t>(known);
    if (!mechs::krb5::known_etype(etype)) continue;
    if (number ? *number == etype : same_ignoring_case(name, etype_name(etype))) return etype;
  }
  return std::nullopt;
}

std::vector<std::string> etypes_with_aes() {
  std::vector<std::string> out;
  for (const Etype etype : kWithAes) out.push_back(etype_name(static_cast<int32_t>(etype)));
  return out;
}

}  // namespace pocketgss::tools
