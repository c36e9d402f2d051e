// Names and passwords: what they may look like, and the keys made of them.
#include <pocketgss/credential.h>

#include "base/guard.h"
#include "base/utf16.h"
#include "lib/credential_secrets.h"
#include "lib/text.h"

namespace pocketgss {
namespace {

using mechs::ntlm::NtHash;

constexpr size_t kMaxNameUnits = 256;  // UTF-16 units of a user or a domain

constexpr Error kBadName{Errc::kApiMisuse, "user name", 0, 0};

// units counts the UTF-16 units of a part; more than fit of one that is no text. Control characters in
// a name are never meant, and CR LF NUL would be commands elsewhere (SMT-13).
size_t units(std::string_view text) {
  if (has_control(text) || !check_utf8(text, "user name").has_value()) return kMaxNameUnits + 1;
  size_t units = 0;
  for (const char c : text) {
    const auto octet = static_cast<uint8_t>(c);
    if ((octet & 0xc0) != 0x80) units += octet < 0xf0 ? 1 : 2;
  }
  return units;
}

bool fits(const AccountName& name) {
  const size_t user = units(name.user), domain = units(name.domain);
  if (user == 0 || user > kMaxNameUnits || domain > kMaxNameUnits) return false;
  switch (name.form) {
    case AccountName::Form::kPlain:
      return domain == 0;
    case AccountName::Form::kDownLevel:
      return true;
    case AccountName::Form::kPrincipal:
      return domain != 0 && user + 1 + domain <= kMaxNameUnits;
  }
  return false;
}

AccountName split(std::string_view text) {
  auto form = AccountName::Form::kPlain;
  std::string_view user = text, domain;
  if (const size_t backslash = text.find('\\'); backslash != text.npos) {
    form = AccountName::Form::kDownLevel;
    domain = text.substr(0, backslash);
    user = text.substr(backslash + 1);
  } else if (const size_t at = text.rfind('@'); at != text.npos) {
    form = AccountName::Form::kPrincipal;
    user = text.substr(0, at);
    domain = text.substr(at + 1);
  }
  return {form, std::string(user), std::string(domain)};
}

std::string joined(std::string_view first, std::string_view separator, std::string_view second) {
  return std::string(first).append(separator).append(second);
}

Result<NtHash> hash_password(Runtime& runtime, ByteView password_utf8) {
  if (password_utf8.empty()) return Error{Errc::kApiMisuse, "password is empty", 0, 0};
  if (password_utf8.size() > kMaxPasswordSize) {
    return Error{Errc::kApiMisuse, "password is too long", 0, 0};
  }
  PGSS_CHECK(runtime.crypto().check_md4());
  PGSS_TRY(const SecretBytes& utf16, password_to_utf16le(password_utf8, "password"));
  return mechs::ntlm::ntowf_v1(runtime.crypto(), utf16.view());
}

}  // namespace

Result<AccountName> AccountName::parse(std::string_view text) {
  return guarded("user name", [&]() -> Result<AccountName> {
    AccountName name = split(text);
    if (!fits(name)) return kBadName;
    return name;
  });
}

std::string AccountName::text() const {
  switch (form) {
    case Form::kPlain:
      break;
    case Form::kDownLevel:
      return joined(domain, "\\", user);
    case Form::kPrincipal:
      return joined(user, "@", domain);
  }
  return user;
}

Credential::Credential(std::shared_ptr<const Secrets> secrets) : secrets_(std::move(secrets)) {}

Result<Credential> Credential::from_password(Runtime& runtime, AccountName name,
                                             SecretBytes password) {
  return guarded("Credential", [&]() -> Result<Credential> {
    if (!fits(name)) return kBadName;
    PGSS_TRY(const NtHash& hash, hash_password(runtime, password.view()));
    return from_nt_hash(std::move(name), hash.view());
  });
}

Result<Credential> Credential::from_nt_hash(AccountName name, FixedView<16> nt_hash) {
  return guarded("Credential", [&]() -> Result<Credential> {
    if (!fits(name)) return kBadName;
    return Credential(std::make_shared<const Secrets>(std::move(name), NtHash(nt_hash)));
  });
}

const AccountName& Credential::name() const {
  return secrets_->name;
}

Result<SecretBytes> nt_hash_of_password(Runtime& runtime, ByteView password_utf8) {
  return guarded("password", [&]() -> Result<SecretBytes> {
    PGSS_TRY(const NtHash& hash, hash_password(runtime, password_utf8));
    return SecretBytes(hash.view());
  });
}

}  // namespace pocketgss
