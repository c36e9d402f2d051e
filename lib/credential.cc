// Names and passwords: what they may look like, and the keys made of them.
#include <pocketgss/credential.h>

#include <cstring>

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
  const Result<size_t> size = utf16_size(text, "user name");
  if (!size.has_value() || has_control(text)) return kMaxNameUnits + 1;
  return size.value() / 2;
}

// Parts is a name that has not been checked.
struct Parts {
  AccountName::Form form;
  std::string_view user, domain;
};

bool fits(const Parts& name) {
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

[[gnu::noinline]] bool fits(const AccountName& name) {
  return fits(Parts{name.form, name.user, name.domain});
}

Parts split(std::string_view text) {
  if (const size_t at = text.find('\\'); at != text.npos) {
    return {AccountName::Form::kDownLevel, text.substr(at + 1), text.substr(0, at)};
  }
  if (const size_t at = text.rfind('@'); at != text.npos) {
    return {AccountName::Form::kPrincipal, text.substr(0, at), text.substr(at + 1)};
  }
  return {AccountName::Form::kPlain, text, {}};
}

Result<AccountName> name_of(const Parts& parts) {
  Result<AccountName> out(std::in_place);
  AccountName& name = out.value();
  name.form = parts.form;
  name.user.append(parts.user);
  name.domain.append(parts.domain);
  return out;
}

std::string joined(std::string_view first, char separator, std::string_view second) {
  std::string out;
  out.reserve(first.size() + 1 + second.size());
  out.append(first);
  out.push_back(separator);
  out.append(second);
  return out;
}

}  // namespace

Result<AccountName> AccountName::parse(std::string_view text) {
  const Parts parts = split(text);
  if (!fits(parts)) return kBadName;
  return guarded("user name", [&] { return name_of(parts); });
}

std::string AccountName::text() const {
  switch (form) {
    case Form::kPlain:
      break;
    case Form::kDownLevel:
      return joined(domain, '\\', user);
    case Form::kPrincipal:
      return joined(user, '@', domain);
  }
  return user;
}

Result<Credential> Credential::from_password(Runtime& runtime, AccountName name,
                                             SecretBytes password) {
  if (!fits(name)) return kBadName;
  PGSS_TRY(const SecretBytes& hash, nt_hash_of_password(runtime, password.view()));
  return from_nt_hash(std::move(name), hash.view().first<NtHash::kSize>());
}

Result<Credential> Credential::from_nt_hash(AccountName name, FixedView<16> nt_hash) {
  return guarded("Credential", [&]() -> Result<Credential> {
    if (!fits(name)) return kBadName;
    auto secrets = std::make_shared<Secrets>();
    if (name.form == AccountName::Form::kPrincipal) secrets->principal = name.text();
    secrets->name.form = name.form;
    secrets->name.user.swap(name.user);
    secrets->name.domain.swap(name.domain);
    std::memcpy(secrets->nt_hash.mutable_view().data(), nt_hash.data(), nt_hash.size());
    return Credential(std::move(secrets));
  });
}

const AccountName& Credential::name() const {
  return secrets_->name;
}

Result<SecretBytes> nt_hash_of_password(Runtime& runtime, ByteView password_utf8) {
  if (password_utf8.empty()) return Error{Errc::kApiMisuse, "password is empty", 0, 0};
  if (password_utf8.size() > kMaxPasswordSize) {
    return Error{Errc::kApiMisuse, "password is too long", 0, 0};
  }
  return guarded("password", [&]() -> Result<SecretBytes> {
    crypto::Workspace& crypto = runtime.crypto();
    PGSS_CHECK(crypto.check_md4());
    PGSS_TRY(const SecretBytes& utf16, password_to_utf16le(password_utf8, "password"));
    return SecretBytes(mechs::ntlm::ntowf_v1(crypto, utf16.view()).view());
  });
}

}  // namespace pocketgss
