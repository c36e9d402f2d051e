// Names and meanings of the numbers.
#include "mechs/krb5/iana.h"

#include <algorithm>
#include <iterator>

namespace pocketgss::mechs::krb5 {
namespace {

struct ErrorRow {
  int32_t code;
  const char* name;
  const char* text;  // what a user can do something with; nullptr where there is nothing to do
};

// In the order of the codes.
constexpr ErrorRow kErrors[] = {
    {error_code::kNameExp, "KDC_ERR_NAME_EXP", "the account has expired"},
    {error_code::kServiceExp, "KDC_ERR_SERVICE_EXP", nullptr},
    {error_code::kBadPvno, "KDC_ERR_BAD_PVNO", nullptr},
    {error_code::kCOldMastKvno, "KDC_ERR_C_OLD_MAST_KVNO", nullptr},
    {error_code::kSOldMastKvno, "KDC_ERR_S_OLD_MAST_KVNO", nullptr},
    {error_code::kCPrincipalUnknown, "KDC_ERR_C_PRINCIPAL_UNKNOWN",
     "the user is not known to the realm"},
    {error_code::kSPrincipalUnknown, "KDC_ERR_S_PRINCIPAL_UNKNOWN",
     "the service is not known to the realm"},
    {error_code::kPrincipalNotUnique, "KDC_ERR_PRINCIPAL_NOT_UNIQUE", nullptr},
    {error_code::kNullKey, "KDC_ERR_NULL_KEY", nullptr},
    {error_code::kCannotPostdate, "KDC_ERR_CANNOT_POSTDATE", nullptr},
    {error_code::kNeverValid, "KDC_ERR_NEVER_VALID", nullptr},
    {error_code::kPolicy, "KDC_ERR_POLICY",
     "the KDC's policy refuses this login: the account may be limited to some hours or computers"},
    {error_code::kBadOption, "KDC_ERR_BADOPTION", nullptr},
    {error_code::kEtypeNosupp, "KDC_ERR_ETYPE_NOSUPP",
     "the KDC has no encryption type in common with this program"},
    {error_code::kSumtypeNosupp, "KDC_ERR_SUMTYPE_NOSUPP", nullptr},
    {error_code::kPadataTypeNosupp, "KDC_ERR_PADATA_TYPE_NOSUPP", nullptr},
    {error_code::kTrtypeNosupp, "KDC_ERR_TRTYPE_NOSUPP", nullptr},
    {error_code::kClientRevoked, "KDC_ERR_CLIENT_REVOKED",
     "the account is locked, disabled or expired"},
    {error_code::kServiceRevoked, "KDC_ERR_SERVICE_REVOKED", nullptr},
    {error_code::kTgtRevoked, "KDC_ERR_TGT_REVOKED", nullptr},
    {error_code::kClientNotyet, "KDC_ERR_CLIENT_NOTYET", "the account is not valid yet"},
    {error_code::kServiceNotyet, "KDC_ERR_SERVICE_NOTYET", nullptr},
    {error_code::kKeyExpired, "KDC_ERR_KEY_EXPIRED",
     "the password has expired and must be changed"},
    {error_code::kPreauthFailed, "KDC_ERR_PREAUTH_FAILED", "the password is wrong"},
    {error_code::kPreauthRequired, "KDC_ERR_PREAUTH_REQUIRED", nullptr},
    {error_code::kServerNomatch, "KDC_ERR_SERVER_NOMATCH", nullptr},
    {error_code::kMustUseUser2user, "KDC_ERR_MUST_USE_USER2USER", nullptr},
    {error_code::kPathNotAccepted, "KDC_ERR_PATH_NOT_ACCEPTED", nullptr},
    {error_code::kSvcUnavailable, "KDC_ERR_SVC_UNAVAILABLE", "the KDC cannot answer now"},
    {error_code::kBadIntegrity, "KRB_AP_ERR_BAD_INTEGRITY",
     "the ticket or the message was damaged, or its key is not the right one"},
    {error_code::kTktExpired, "KRB_AP_ERR_TKT_EXPIRED", "the ticket has expired"},
    {error_code::kTktNyv, "KRB_AP_ERR_TKT_NYV",
     "the ticket is not valid yet: the clocks may differ"},
    {error_code::kRepeat, "KRB_AP_ERR_REPEAT", "the request was seen before: it is a replay"},
    {error_code::kNotUs, "KRB_AP_ERR_NOT_US", "the ticket is for another service"},
    {error_code::kBadmatch, "KRB_AP_ERR_BADMATCH",
     "the ticket and the authenticator speak of different users"},
    {error_code::kSkew, "KRB_AP_ERR_SKEW", "the clocks of the two sides differ too much"},
    {error_code::kBadaddr, "KRB_AP_ERR_BADADDR", nullptr},
    {error_code::kBadversion, "KRB_AP_ERR_BADVERSION", nullptr},
    {error_code::kMsgType, "KRB_AP_ERR_MSG_TYPE", nullptr},
    {error_code::kModified, "KRB_AP_ERR_MODIFIED",
     "the message was changed on its way, or the service's key is not the one that the KDC uses"},
    {error_code::kBadorder, "KRB_AP_ERR_BADORDER", nullptr},
    {error_code::kBadkeyver, "KRB_AP_ERR_BADKEYVER",
     "the service no longer has the key of that version: its keytab is out of date"},
    {error_code::kNokey, "KRB_AP_ERR_NOKEY",
     "the service has no key for this ticket: its keytab lacks the name or the encryption type"},
    {error_code::kMutFail, "KRB_AP_ERR_MUT_FAIL", nullptr},
    {error_code::kBaddirection, "KRB_AP_ERR_BADDIRECTION", nullptr},
    {error_code::kMethod, "KRB_AP_ERR_METHOD", nullptr},
    {error_code::kBadseq, "KRB_AP_ERR_BADSEQ", nullptr},
    {error_code::kInappCksum, "KRB_AP_ERR_INAPP_CKSUM", nullptr},
    {error_code::kPathNotAcceptedAp, "KRB_AP_PATH_NOT_ACCEPTED", nullptr},
    {error_code::kResponseTooBig, "KRB_ERR_RESPONSE_TOO_BIG",
     "the answer is too large for UDP: ask by TCP"},
    {error_code::kGeneric, "KRB_ERR_GENERIC",
     "the KDC or the service reports an error that it does not explain"},
    {error_code::kFieldToolong, "KRB_ERR_FIELD_TOOLONG", nullptr},
    {error_code::kClientNotTrusted, "KDC_ERR_CLIENT_NOT_TRUSTED", nullptr},
    {error_code::kKdcNotTrusted, "KDC_ERR_KDC_NOT_TRUSTED", nullptr},
    {error_code::kInvalidSig, "KDC_ERR_INVALID_SIG", nullptr},
    {error_code::kDhKeyParameters, "KDC_ERR_DH_KEY_PARAMETERS_NOT_ACCEPTED", nullptr},
    {error_code::kCertificateMismatch, "KDC_ERR_CERTIFICATE_MISMATCH", nullptr},
    {error_code::kNoTgt, "KRB_AP_ERR_NO_TGT", nullptr},
    {error_code::kWrongRealm, "KDC_ERR_WRONG_REALM", "the user belongs to another realm"},
    {error_code::kUserToUserRequired, "KRB_AP_ERR_USER_TO_USER_REQUIRED", nullptr},
    {error_code::kPreauthExpired, "KDC_ERR_PREAUTH_EXPIRED", nullptr},
    {error_code::kMorePreauthNeeded, "KDC_ERR_MORE_PREAUTH_DATA_REQUIRED", nullptr},
    {error_code::kUnknownCriticalFast, "KDC_ERR_UNKNOWN_CRITICAL_FAST_OPTIONS", nullptr},
};
static_assert(std::is_sorted(std::begin(kErrors), std::end(kErrors),
                             [](const ErrorRow& a, const ErrorRow& b) { return a.code < b.code; }));

const ErrorRow* find_error(int32_t code) {
  const auto* const row = std::lower_bound(
      std::begin(kErrors), std::end(kErrors), code,
      [](const ErrorRow& candidate, int32_t wanted) { return candidate.code < wanted; });
  return row != std::end(kErrors) && row->code == code ? row : nullptr;
}

}  // namespace

const char* error_name(int32_t error_code) {
  const ErrorRow* const row = find_error(error_code);
  return row == nullptr ? nullptr : row->name;
}

const char* error_text(int32_t error_code) {
  const ErrorRow* const row = find_error(error_code);
  return row == nullptr ? nullptr : row->text;
}

const char* error_words(int32_t error_code) {
  const ErrorRow* const row = find_error(error_code);
  if (row == nullptr) return "KRB-ERROR.error-code is not one that we know";
  return row->text != nullptr ? row->text : row->name;
}

const char* etype_name(int32_t etype) {
  switch (static_cast<Etype>(etype)) {
    case Etype::kAes128CtsHmacSha1:
      return "aes128-cts-hmac-sha1-96";
    case Etype::kAes256CtsHmacSha1:
      return "aes256-cts-hmac-sha1-96";
    case Etype::kAes128CtsHmacSha256:
      return "aes128-cts-hmac-sha256-128";
    case Etype::kAes256CtsHmacSha384:
      return "aes256-cts-hmac-sha384-192";
    case Etype::kRc4Hmac:
      return "rc4-hmac";
  }
  return nullptr;
}

}  // namespace pocketgss::mechs::krb5
