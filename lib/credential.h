// Who logs in, and with what.
#ifndef POCKETGSS_CREDENTIAL_H_
#define POCKETGSS_CREDENTIAL_H_

#include <pocketgss/env.h>
#include <pocketgss/result.h>
#include <pocketgss/secret.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

PGSS_EXPORT_BEGIN
namespace pocketgss {

// AccountName is a name as people type it, taken apart: `DOMAIN\user`, `user@domain` or `user`.
// UTF-8. The characters are taken as they are, neither normalised nor changed in case.
struct AccountName {
  enum class Form : uint8_t { kPlain, kDownLevel, kPrincipal };

  Form form = Form::kPlain;
  std::string user;    // without the domain; 1 to 256 UTF-16 units
  std::string domain;  // at most 256 UTF-16 units; empty in the plain form, may be so in the others

  // parse splits at the first backslash, or else at the last '@'; the whole of a `user@domain` is
  // at most 256 UTF-16 units, because NTLM sends it as one name. Errors: kApiMisuse with `where` =
  // "user name" (empty user, no domain after '@', too long, a control character, not UTF-8): ask
  // the user again. kNoMemory.
  static Result<AccountName> parse(std::string_view text);

  // text puts the name together again, as parse() took it. It may throw std::bad_alloc.
  std::string text() const;

  bool operator==(const AccountName&) const = default;
};

// Bounds of a password, in bytes of UTF-8.
inline constexpr size_t kMaxPasswordSize = 1024;

// Credential is what NTLM logs in with: a name and the NT hash of its password; the password itself is
// not kept. Kerberos takes TicketSettings (<pocketgss/tickets.h>). It is immutable and may be shared by contexts and threads; copies share one secret, which is wiped with
// the last of them.
class Credential {
 public:
  // from_password takes 1 to 1,024 bytes of UTF-8; the characters are taken as they are (no
  // normalisation). A lone surrogate, as the passwords of machine accounts hold them, is taken in
  // its three-byte form. The runtime is used during the call alone.
  // Errors:
  //   kApiMisuse   `where` = "user name" (as AccountName::parse()), "password is empty" or
  //                "password is too long": ask the user again
  //   kMalformed   `where` = "password": not UTF-8; convert it first
  //   kInternal    "MD4: ...": the crypto library was built without it
  //   kNoMemory
  static Result<Credential> from_password(Runtime&, AccountName, SecretBytes password);

  // from_nt_hash takes NTOWFv1 ([MS-NLMP] 3.3.1), 16 bytes. It is as good as the password to
  // whoever has it. Errors: kApiMisuse ("user name"), kNoMemory.
  static Result<Credential> from_nt_hash(AccountName, FixedView<16> nt_hash);

  const AccountName& name() const;

  struct Secrets;  // private to the library
  const Secrets& secrets() const { return *secrets_; }

 private:
  explicit Credential(std::shared_ptr<const Secrets> secrets) : secrets_(std::move(secrets)) {}
  std::shared_ptr<const Secrets> secrets_;
};

// nt_hash_of_password returns NTOWFv1 = MD4(UTF-16LE(password)), 16 bytes: what a user file keeps.
// Errors: as from_password(), but for the name.
Result<SecretBytes> nt_hash_of_password(Runtime&, ByteView password_utf8);

}  // namespace pocketgss
PGSS_EXPORT_END

#endif  // POCKETGSS_CREDENTIAL_H_
