// Tables: error-code to Errc, NTSTATUS to words.
#include "mechs/krb5/kdc_errors.h"

#include "mechs/krb5/padata.h"

namespace pocketgss::mechs::krb5 {
namespace {

Errc errc_of(int32_t code) {
  switch (code) {
    case error_code::kNameExp:
    case error_code::kCPrincipalUnknown:
    case error_code::kPolicy:
    case error_code::kClientRevoked:
    case error_code::kTgtRevoked:
    case error_code::kClientNotyet:
    case error_code::kKeyExpired:
    case error_code::kPreauthFailed:
    case error_code::kBadIntegrity:
    case error_code::kBadmatch:
    case error_code::kModified:
      return Errc::kAuthFailed;
    case error_code::kNeverValid:
    case error_code::kTktExpired:
    case error_code::kTktNyv:
    case error_code::kRepeat:
    case error_code::kSkew:
      return Errc::kExpired;
    case error_code::kSvcUnavailable:
      return Errc::kUnreachable;
    default:
      return Errc::kPeerIncompatible;
  }
}

// [MS-KILE] 2.2.1 puts an NTSTATUS beside the error-code; these are those of [MS-ERREF] 2.3.1 that
// speak of accounts.
struct StatusRow {
  uint32_t status;
  const char* text;
};
constexpr StatusRow kStatuses[] = {
    {0xC0000064, "the user is not known to the realm"},
    {0xC000006A, "the password is wrong"},
    {0xC000006D, "the user or the password is wrong"},
    {0xC000006E, "the account is restricted: a blank password, or a policy"},
    {0xC000006F, "the account may not log in at this hour"},
    {0xC0000070, "the account may not log in from this computer"},
    {0xC0000071, "the password has expired and must be changed"},
    {0xC0000072, "the account is disabled"},
    {0xC0000133, "the clocks of the two sides differ too much"},
    {0xC0000193, "the account has expired"},
    {0xC0000224, "the password must be changed before the first login"},
    {0xC0000234, "the account is locked: too many wrong passwords"},
    {0xC0000413, "the account may not log in to this computer"},
};

}  // namespace

const char* status_text(uint32_t status) {
  for (const StatusRow& row : kStatuses) {
    if (row.status == status) return row.text;
  }
  return nullptr;
}

std::optional<uint32_t> extended_status(const KrbError& error) {
  if (!error.e_data) return std::nullopt;
  const EData data = parse_e_data(*error.e_data);
  if (data.ext_error) return data.ext_error->status;
  if (!data.method_data) return std::nullopt;
  // In a list it has the number of PA-PW-SALT.
  const auto value = find(*data.method_data, padata_type::kPwSalt);
  if (!value) return std::nullopt;
  const auto ext_error = parse_kerb_ext_error(*value);
  if (!ext_error.has_value()) return std::nullopt;
  return ext_error.value().status;
}

Error error_of(const KrbError& error) {
  const int32_t code = error.error_code;
  const auto status = extended_status(error);
  const char* text = status ? status_text(*status) : nullptr;
  if (text == nullptr) text = error_words(code);
  return Error{errc_of(code), text, 0, code};
}

}  // namespace pocketgss::mechs::krb5
