// Who logs in, and with what.
#ifndef POCKETGSS_CREDENTIAL_H_
#define POCKETGSS_CREDENTIAL_H_

#include <memory>
#include <string>
#include <string_view>

#include <pocketgss/env.h>
#include <pocketgss/result.h>
#include <pocketgss/secret.h>

namespace pocketgss PGSS_EXPORT {

// AccountName is a name as people type it, taken apart: `DOMAIN\user`, `user@domain` or `user`. UTF-8.
struct AccountName {
  enum class Form : uint8_t { kPlain, kDownLevel, kPrincipal };

  Form form = Form::kPlain;
  std::string user;    // without the domain
  std::string domain;  // empty in the plain form

  // Errors: kApiMisuse with `where` = "user name": empty user part, over 256 UTF-16 units, CR, LF or NUL, not UTF-8.
  static Result<AccountName> parse(std::string_view text);
  std::string text() const;  // as parse() took it
};

// Credential is immutable and may be shared by contexts and threads; copies share one secret, wiped with the last of them.
class Credential {
 public:
  // from_password takes UTF-8, at most 1,024 bytes; the characters are taken as they are (no normalisation).
  // Errors: kApiMisuse (empty, too long), kMalformed (not UTF-8), kNoMemory, kInternal.
  static Result<Credential> from_password(Runtime&, AccountName, SecretBytes password);
  // from_nt_hash takes NTOWFv1 ([MS-NLMP] 3.3.1), which serves NTLM alone.
  static Result<Credential> from_nt_hash(AccountName, FixedView<16> nt_hash);

  const AccountName& name() const;

  struct Secrets;                                     // private to the library
  const Secrets& secrets() const { return *secrets_; }

 private:
  explicit Credential(std::shared_ptr<const Secrets>);
  std::shared_ptr<const Secrets> secrets_;
};

// nt_hash_of_password returns NTOWFv1 = MD4(UTF-16LE(password)): what a user file keeps. Errors as from_password().
Result<SecretBytes> nt_hash_of_password(Runtime&, ByteView password_utf8);

}  // namespace pocketgss

#endif  // POCKETGSS_CREDENTIAL_H_
