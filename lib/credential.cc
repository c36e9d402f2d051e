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

constexpr Error bad_name() {
  return Error{Errc::kApiMisuse, "user name", 0, 0};
}

// Control characters in a name are never meant, and CR LF NUL would be commands elsewhere (SMT-13).
Result<void> check_part(std::string_view text) {
  if (text.size() > 3 * kMaxNameUnits || has_control(text)) return bad_name();
  Bytes utf16;
  if (!utf8_to_utf16le(text, "user name", utf16).has_value()) return bad_name();
  if (utf16.size() > 2 * kMaxNameUnits) return bad_name();
  return {};
}

Result<void> check(const AccountName& name) {
  if (name.user.empty()) return bad_name();
  PGSS_CHECK(check_part(name.user));
  PGSS_CHECK(check_part(name.domain));
  switch (name.form) {
    case AccountName::Form::kPlain:
      return name.domain.empty() ? Result<void>() : bad_name();
    case AccountName::Form::kDownLevel:
      return {};
    case AccountName::Form::kPrincipal:
      return name.domain.empty() ? bad_name() : check_part(name.text());
  }
  return bad_name();
}

AccountName split(std::string_view text) {
  if (const size_t at = text.find('\\'); at != text.npos) {
    return {AccountName::Form::kDownLevel, std::string(text.substr(at + 1)),
            std::string(text.substr(0, at))};
  }
  if (const size_t at = text.rfind('@'); at != text.npos) {
    return {AccountName::Form::kPrincipal, std::string(text.substr(0, at)),
            std::string(text.substr(at + 1))};
  }
  return {AccountName::Form::kPlain, std::string(text), ""};
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
    PGSS_CHECK(check(name));
    return name;
  });
}

std::string AccountName::text() const {
  switch (form) {
    case Form::kPlain:
      break;
    case Form::kDownLevel:
      return std::string(domain).append("\\").append(user);
    case Form::kPrincipal:
      return std::string(user).append("@").append(domain);
  }
  return user;
}

Credential::Credential(std::shared_ptr<const Secrets> secrets) : secrets_(std::move(secrets)) {}

Result<Credential> Credential::from_password(Runtime& runtime, AccountName name,
                                             SecretBytes password) {
  return guarded("Credential", [&]() -> Result<Credential> {
    PGSS_CHECK(check(name));
    PGSS_TRY(auto&& hash, hash_password(runtime, password.view()));
    return Credential(std::make_shared<const Secrets>(Secrets{std::move(name), std::move(hash)}));
  });
}

Result<Credential> Credential::from_nt_hash(AccountName name, FixedView<16> nt_hash) {
  return guarded("Credential", [&]() -> Result<Credential> {
    PGSS_CHECK(check(name));
    return Credential(std::make_shared<const Secrets>(Secrets{std::move(name), NtHash(nt_hash)}));
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
